"""Hugging Face's Trainer on a sequence classifier: AdamW, 5e-5, batches of 32, dynamic padding."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"

import tempfile

import numpy as np
from datasets import Dataset
from texts_common import arguments, parts, trainer_options, write_result
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    Trainer,
    set_seed,
)
from transformers.utils import logging

if __name__ == "__main__":
    args = arguments(__doc__)
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    set_seed(args.seed)
    texts, labels, others, truth = parts(args.data)
    names = sorted(set(labels))
    tokenizer = AutoTokenizer.from_pretrained(args.model)
    model = AutoModelForSequenceClassification.from_pretrained(args.model, num_labels=len(names))

    def prepared(lines: list[str], answers: list[str]) -> Dataset:
        data = Dataset.from_dict({"text": lines, "label": [names.index(answer) for answer in answers]})
        cut = {"truncation": True, "max_length": 256}
        return data.map(lambda rows: tokenizer(rows["text"], **cut), batched=True, remove_columns=["text"])

    with tempfile.TemporaryDirectory() as folder:
        options = trainer_options(folder, args.epochs, 32)
        trainer = Trainer(
            model=model,
            args=options,
            train_dataset=prepared(texts, labels),
            data_collator=DataCollatorWithPadding(tokenizer),
        )
        trainer.train()
        found = trainer.predict(prepared(others, truth)).predictions
    write_result(args.out, [names[number] for number in np.argmax(found, axis=1)], truth)
