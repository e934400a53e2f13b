"""SetFit with its own defaults: one epoch of contrastive pairs, then logistic regression."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"

import tempfile

from datasets import Dataset
from setfit import SetFitModel, Trainer, TrainingArguments
from texts_common import arguments, parts, write_result

if __name__ == "__main__":
    args = arguments(__doc__)
    texts, labels, others, truth = parts(args.data)
    names = sorted(set(labels))
    model = SetFitModel.from_pretrained(str(args.model), labels=names)
    data = Dataset.from_dict({"text": texts, "label": [names.index(label) for label in labels]})
    with tempfile.TemporaryDirectory() as folder:
        options = TrainingArguments(
            output_dir=folder, num_epochs=1, batch_size=16, seed=args.seed, report_to="none", save_strategy="no"
        )
        Trainer(model=model, args=options, train_dataset=data).train()
    write_result(args.out, [str(answer) for answer in model.predict(others)], truth)
