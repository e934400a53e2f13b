"""Hugging Face's Trainer on extractive question answering: AdamW, 5e-5, batches of 16, windows of 384 pieces with a
stride of 128; no answer where its score is the better one, as in transformers' own example."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"

import collections
import json
import re
import string
import tempfile
from pathlib import Path

import numpy as np
from datasets import Dataset
from texts_common import arguments, trainer_options, write_figures
from transformers import (
    AutoModelForQuestionAnswering,
    AutoTokenizer,
    DataCollatorWithPadding,
    Trainer,
    set_seed,
)
from transformers.utils import logging

BEST, LONGEST = 20, 30


def questions(path: Path) -> list[dict]:
    articles = json.loads(path.read_text(encoding="utf-8"))["data"]
    return [
        {"context": paragraph["context"], "question": one["question"], "answers": one["answers"]}
        for article in articles
        for paragraph in article["paragraphs"]
        for one in paragraph["qas"]
    ]


def plain(text: str) -> list[str]:
    """Words as SQuAD's own script compares them."""
    kept = "".join(letter for letter in text.lower() if letter not in string.punctuation)
    return re.sub(r"\b(a|an|the)\b", " ", kept).split()


def overlap(answer: str, accepted: str) -> float:
    given, wanted = plain(answer), plain(accepted)
    if not given or not wanted:
        return float(given == wanted)
    shared = sum((collections.Counter(given) & collections.Counter(wanted)).values())
    return 2 * shared / (len(given) + len(wanted))


if __name__ == "__main__":
    args = arguments(__doc__)
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    set_seed(args.seed)
    train, test = (questions(args.data / f"{part}.json") for part in ("train", "test"))
    tokenizer = AutoTokenizer.from_pretrained(args.model)
    model = AutoModelForQuestionAnswering.from_pretrained(args.model)

    def windows(given: list[dict]) -> dict:
        return tokenizer(
            [one["question"].strip() for one in given],
            [one["context"] for one in given],
            truncation="only_second",
            max_length=384,
            stride=128,
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
        )

    def spans(row: int, found: dict) -> tuple[int, int]:
        """First and last piece of the answer in a window; 0, 0 where it is not in there."""
        answers = train[found["overflow_to_sample_mapping"][row]]["answers"]
        if not answers:
            return 0, 0
        begin = answers[0]["answer_start"]
        end = begin + len(answers[0]["text"])
        inside = [place for place, part in enumerate(found.sequence_ids(row)) if part == 1]
        offsets = found["offset_mapping"][row]
        if offsets[inside[0]][0] > begin or offsets[inside[-1]][1] < end:
            return 0, 0
        first = max(place for place in inside if offsets[place][0] <= begin)
        return first, min(place for place in inside if offsets[place][1] >= end)

    learned = windows(train)
    marks = [spans(row, learned) for row in range(len(learned["input_ids"]))]
    inputs = {name: learned[name] for name in learned if name in ("input_ids", "token_type_ids", "attention_mask")}
    starts, ends = zip(*marks, strict=True)
    data = Dataset.from_dict({**inputs, "start_positions": list(starts), "end_positions": list(ends)})
    asked = windows(test)
    with tempfile.TemporaryDirectory() as folder:
        options = trainer_options(folder, args.epochs, 16)
        trainer = Trainer(
            model=model, args=options, train_dataset=data, data_collator=DataCollatorWithPadding(tokenizer)
        )
        trainer.train()
        rows = Dataset.from_dict({name: asked[name] for name in inputs})
        begins, finishes = trainer.predict(rows).predictions[:2]

    candidates: dict[int, list[tuple[float, str]]] = collections.defaultdict(list)
    nothing: dict[int, float] = collections.defaultdict(lambda: np.inf)
    for row, number in enumerate(asked["overflow_to_sample_mapping"]):
        inside = {place for place, part in enumerate(asked.sequence_ids(row)) if part == 1}
        nothing[number] = min(nothing[number], float(begins[row][0] + finishes[row][0]))
        offsets = asked["offset_mapping"][row]
        for first in np.argsort(-begins[row])[:BEST]:
            for last in np.argsort(-finishes[row])[:BEST]:
                if first in inside and last in inside and first <= last < first + LONGEST:
                    text = test[number]["context"][offsets[first][0] : offsets[last][1]]
                    candidates[number].append((float(begins[row][first] + finishes[row][last]), text))
    shared = []
    for number, one in enumerate(test):
        score, text = max(candidates[number], default=(-np.inf, ""))
        answer = text if score > nothing[number] else ""
        accepted = [known["text"] for known in one["answers"]] or [""]
        shared.append(max(overlap(answer, known) for known in accepted))
    write_figures(args.out, f1=float(np.mean(shared)))
