"""What the text peers share: the command line, a CSV of text,label,split, and the result file."""

from __future__ import annotations

import argparse
import csv
import json
import time
from pathlib import Path
from typing import Any

BEGAN = time.perf_counter()
USUAL_RATE = 5e-5
"""The Trainer's."""


def arguments(description: str | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", type=Path, required=True, help="CSV of text, label and split, or a folder")
    parser.add_argument("--model", type=Path, help="folder of a sentence encoder")
    parser.add_argument("--out", type=Path, required=True, help="the JSON file to write")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=float, default=3)
    parser.add_argument("--learning-rate", type=float, default=USUAL_RATE)
    return parser.parse_args()


def parts(path: Path) -> tuple[list[str], list[str], list[str], list[str]]:
    """Texts and labels to learn from, texts and labels to test on."""
    with path.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    train = [row for row in rows if row["split"] == "train"]
    test = [row for row in rows if row["split"] == "test"]
    return *([row[name] for row in train] for name in ("text", "label")), *(  # type: ignore[return-value]
        [row[name] for row in test] for name in ("text", "label")
    )


def write_result(path: Path, answers: list[str], truth: list[str], **more: object) -> None:
    right = sum(str(one) == str(other) for one, other in zip(answers, truth, strict=True))
    write_figures(path, accuracy=right / len(truth), **more)


def write_figures(path: Path, **figures: object) -> None:
    path.write_text(json.dumps({"seconds_inside": time.perf_counter() - BEGAN, **figures}))


def trainer_options(folder: str, epochs: float, batch: int, rate: float = USUAL_RATE) -> Any:
    """What every run of the Trainer is told: nothing but the usual, where `rate` is that."""
    from transformers import TrainingArguments

    return TrainingArguments(
        output_dir=folder,
        num_train_epochs=epochs,
        learning_rate=rate,
        per_device_train_batch_size=batch,
        per_device_eval_batch_size=64,
        report_to="none",
        save_strategy="no",
        logging_strategy="no",
        disable_tqdm=True,
        use_cpu=True,
    )
