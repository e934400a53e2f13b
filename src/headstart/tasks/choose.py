"""Which task a target asks for, from the type of its label column, unless the user says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from headstart.core.errors import DataError
from headstart.core.registry import Registry
from headstart.data.answers import TYPE as ANSWERS
from headstart.data.table import LABEL, Examples
from headstart.data.tags import are_tags
from headstart.tasks.contract import Task

tasks: Registry[type[Task]] = Registry(
    "task",
    {
        "classification": "headstart.tasks.classification:Classification",
        "multilabel": "headstart.tasks.multilabel:MultiLabel",
        "regression": "headstart.tasks.regression:Regression",
        "tagging": "headstart.tasks.tagging:Tagging",
        "question-answering": "headstart.tasks.question_answering:QuestionAnswering",
        "language-modeling": "headstart.tasks.language_modeling:LanguageModeling",
        "masked-language-modeling": "headstart.tasks.language_modeling:MaskedLanguageModeling",
        "speech-recognition": "headstart.tasks.speech_recognition:SpeechRecognition",
        "seq2seq": "headstart.tasks.seq2seq:Seq2Seq",
        "forecasting": "headstart.tasks.forecasting:Forecasting",
        "anomaly": "headstart.tasks.anomaly:Anomaly",
        "recommendation": "headstart.tasks.recommendation:Recommendation",
        "imitation": "headstart.tasks.imitation:Imitation",
    },
    internal=("imitation",),
)

FEW_VALUES = 20
"""A column of whole numbers with at most this many different ones is taken for classes."""
REPEATS = 10
"""So is one whose numbers each stand there this many times, on average."""


def choose(examples: Examples, asked: str | None = None, label: str = LABEL) -> Task:
    """The task of column `label`, from training examples: strings are classes, lists are several labels or the tags
    of a sentence, numbers a quantity, and answers with their places in contexts are answers to find there.

    Raises:
        DataError: the labels do not suit the task that was asked for.
    """
    values = [value for value in examples.labels(label) if value is not None]
    answers = examples.table.column(label).type == ANSWERS
    kind = asked or ("question-answering" if answers else usual_kind(examples.table.column(label).type, values))
    if answers and kind != "question-answering":
        raise DataError(
            f"{examples.table.origin} has answers in contexts, from which {kind} cannot be learned. "
            "Leave out --task, or name another column with --label."
        )
    return tasks.get(kind).from_examples(label, examples)


def use(stored: dict[str, Any]) -> Task:
    """The task that `Task.describe` gave."""
    return tasks.get(stored["kind"]).restored(stored)


def usual_kind(kind: pa.DataType, values: Sequence[Any]) -> str:
    """The task of labels of such a type, where answers are not asked for in contexts."""
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return "tagging" if are_tags(values) else "multilabel"
    different = len(set(map(str, values)))
    if pa.types.is_floating(kind):
        whole = all(float(value).is_integer() for value in values)
        return "classification" if whole and different <= FEW_VALUES else "regression"
    if pa.types.is_integer(kind) and different > FEW_VALUES and len(values) < REPEATS * different:
        return "regression"
    return "classification"


def known_label(value: str, label: str, labels: Sequence[str]) -> DataError:
    """The error for a label that training did not have."""
    from headstart.core.registry import suggest

    return DataError(
        f"The label '{value}' in column '{label}' was not among the training labels. {suggest(value, labels)}"
    )
