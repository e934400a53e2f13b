"""Hugging Face's Trainer over the timm network, opened by transformers itself (TimmWrapper)."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"

import tempfile

import numpy as np
import torch
from common import BATCH, WORKERS, Curve, arguments, datasets, item_names, transforms, write_result
from transformers import (
    AutoModelForImageClassification,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainingArguments,
    set_seed,
)
from transformers.utils import logging

RATES = {"frozen": 1e-3, "full": 2e-4}


class FrozenTrunkTrainer(Trainer):
    def compute_loss(self, model, *args, **kwargs):
        # Each training step begins with model.train(), which would move the frozen BatchNorm statistics.
        model.eval()
        return super().compute_loss(model, *args, **kwargs)


class Record(TrainerCallback):
    """Keeps what each evaluation found."""

    def __init__(self):
        self.curve = Curve()
        self.predictions: list[int] = []

    def compute_metrics(self, evaluated):
        predictions = evaluated.predictions.argmax(1)
        self.predictions = predictions.tolist()
        return {"accuracy": float(np.mean(predictions == evaluated.label_ids))}

    def on_evaluate(self, *_, metrics, **__):
        self.curve.add(metrics["eval_accuracy"], metrics["eval_runtime"])


def collate(examples):
    images, labels = zip(*examples, strict=True)
    return {"pixel_values": torch.stack(images), "labels": torch.tensor(labels)}


def main() -> None:
    args = arguments(__doc__)
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    set_seed(args.seed)
    train, test, classes = datasets(args.data)
    model = AutoModelForImageClassification.from_pretrained(
        args.weights, num_labels=classes, ignore_mismatched_sizes=True, dtype=torch.float32
    )
    train.transform, test.transform = transforms(model.config.pretrained_cfg)
    if args.mode == "frozen":
        model.requires_grad_(False)
        model.timm_model.get_classifier().requires_grad_(True)

    record = Record()
    with tempfile.TemporaryDirectory() as folder:
        options = TrainingArguments(
            output_dir=folder,
            num_train_epochs=args.epochs,
            learning_rate=RATES[args.mode],
            per_device_train_batch_size=BATCH,
            per_device_eval_batch_size=BATCH,
            dataloader_num_workers=WORKERS,
            dataloader_persistent_workers=True,
            remove_unused_columns=False,
            eval_strategy="epoch",
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
            seed=args.seed,
        )
        trainer = (FrozenTrunkTrainer if args.mode == "frozen" else Trainer)(
            model=model,
            args=options,
            data_collator=collate,
            train_dataset=train,
            eval_dataset=test,
            compute_metrics=record.compute_metrics,
            callbacks=[record],
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    packages = ["transformers", "accelerate", "timm"]
    names = item_names(test)
    write_result(args, "huggingface_trainer", packages, names, test.targets, record.predictions, record.curve)


if __name__ == "__main__":
    main()
