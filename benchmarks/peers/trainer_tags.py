"""Hugging Face's Trainer on a token classifier: AdamW, 5e-5, batches of 16,
where the first piece of each word has its label."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"

import tempfile
from pathlib import Path

import numpy as np
from datasets import Dataset
from seqeval.metrics import f1_score
from texts_common import arguments, trainer_options, write_figures
from transformers import (
    AutoModelForTokenClassification,
    AutoTokenizer,
    BatchEncoding,
    DataCollatorForTokenClassification,
    Trainer,
    set_seed,
)
from transformers.utils import logging

IGNORED = -100


def sentences(path: Path) -> list[tuple[list[str], list[str]]]:
    """Words and tags of each sentence of a CoNLL file."""
    blocks = path.read_text(encoding="utf-8").strip().split("\n\n")
    rows = [[line.split("\t") for line in block.splitlines() if line.strip()] for block in blocks]
    return [([row[0] for row in block], [row[-1] for row in block]) for block in rows if block]


def first_pieces(row: BatchEncoding) -> list[int | None]:
    """For each piece the word that it begins, or None."""
    places = row.word_ids()
    return [None if place == before else place for place, before in zip(places, [None, *places[:-1]], strict=True)]


if __name__ == "__main__":
    args = arguments(__doc__)
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    set_seed(args.seed)
    train, test = (sentences(args.data / f"{part}.conll") for part in ("train", "test"))
    names = sorted({tag for _, tags in [*train, *test] for tag in tags})
    tokenizer = AutoTokenizer.from_pretrained(args.model, add_prefix_space=True)
    model = AutoModelForTokenClassification.from_pretrained(args.model, num_labels=len(names))

    def prepared(given: list[tuple[list[str], list[str]]]) -> Dataset:
        rows = []
        for words, tags in given:
            row = tokenizer(words, is_split_into_words=True, truncation=True, max_length=256)
            row["labels"] = [IGNORED if place is None else names.index(tags[place]) for place in first_pieces(row)]
            rows.append({name: row[name] for name in ("input_ids", "attention_mask", "labels")})
        return Dataset.from_list(rows)

    with tempfile.TemporaryDirectory() as folder:
        options = trainer_options(folder, args.epochs, 16)
        data = prepared(test)
        collator = DataCollatorForTokenClassification(tokenizer)
        trainer = Trainer(model=model, args=options, train_dataset=prepared(train), data_collator=collator)
        trainer.train()
        scores = trainer.predict(data).predictions
    answers = []
    for row, own, (words, _) in zip(data, scores, test, strict=True):
        best = np.argmax(own, axis=1)[: len(row["labels"])]  # what follows fills the batch up
        found = [names[number] for number, label in zip(best, row["labels"], strict=True) if label != IGNORED]
        answers.append(found + ["O"] * (len(words) - len(found)))
    write_figures(args.out, f1=f1_score([tags for _, tags in test], answers))
