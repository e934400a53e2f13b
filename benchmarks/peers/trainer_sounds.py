"""Hugging Face's Trainer on an audio classifier whose trunk is frozen; clips are prepared as they are asked for."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"

import tempfile

import numpy as np
from datasets import Dataset
from sounds_common import parts, samples
from texts_common import arguments, trainer_options, write_figures
from transformers import AutoFeatureExtractor, AutoModelForAudioClassification, Trainer, set_seed
from transformers.utils import logging

if __name__ == "__main__":
    args = arguments(__doc__)
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    set_seed(0)
    train, test = parts(args.data)
    names = sorted(set(train["label"]))
    extract = AutoFeatureExtractor.from_pretrained(args.model)
    model = AutoModelForAudioClassification.from_pretrained(args.model)
    model.base_model.requires_grad_(False)

    def prepared(rows) -> Dataset:
        data = Dataset.from_dict({"path": list(rows["path"]), "label": [names.index(name) for name in rows["label"]]})

        def spectra(batch: dict) -> dict:
            clips = [samples(path) for path in batch["path"]]
            values = extract(clips, sampling_rate=extract.sampling_rate, return_tensors="pt")["input_values"]
            return {"input_values": list(values), "label": batch["label"]}

        data.set_transform(spectra)
        return data

    with tempfile.TemporaryDirectory() as folder:
        options = trainer_options(folder, args.epochs, 32, args.learning_rate)
        options.remove_unused_columns = False
        trainer = Trainer(model=model, args=options, train_dataset=prepared(train))
        trainer.train()
        found = trainer.predict(prepared(test))
    right = np.argmax(found.predictions, axis=1) == found.label_ids
    write_figures(args.out, accuracy=float(right.mean()))
