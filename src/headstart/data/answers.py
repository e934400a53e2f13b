"""Answers that are parts of a context: where they stand in it, in words that no tokenizer has a say in.

Readers give a label column as SQuAD has it, {text, answer_start}, or a list of such; `located` makes cells of TYPE of
it. A question that its context does not answer has no accepted text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from headstart.core.errors import DataError
from headstart.core.wording import counted
from headstart.data.contents import Contents, Unreadable
from headstart.data.modalities.text import Text, question_and_context, word_places
from headstart.data.table import Table

TYPE = pa.struct(
    [
        ("texts", pa.list_(pa.string())),
        ("first", pa.list_(pa.int32())),
        ("last", pa.list_(pa.int32())),
        ("words", pa.int32()),
    ]
)
"""Of a cell: accepted texts, first and last word of each, and how many words the context has."""
STATED = pa.struct([("text", pa.list_(pa.string())), ("answer_start", pa.list_(pa.int64()))])
"""Of a cell as SQuAD has it: accepted texts, and the letter of the context at which each begins, from 0."""
ANSWERED, UNANSWERED = "answer in the context", "no answer in the context"
ARTICLE, CONTEXT = "title", "context"
ENOUGH_ARTICLES = 40
"""Articles from which questions of one article stay together: with fewer, a test would have so few of them that no
interval could be trusted, and contexts stay together instead."""
NEAR = 20
"""Letters of the context that a reason shows."""


@dataclass(frozen=True)
class Accepted:
    """What is accepted as the answer to one question."""

    texts: tuple[str, ...]
    """Empty: the context has no answer."""
    spans: tuple[tuple[int, int], ...]
    """First and last word of each text."""
    words: int
    """Of the context."""

    @staticmethod
    def of_cell(cell: Mapping[str, Any]) -> Accepted:
        spans = tuple(zip(cell["first"], cell["last"], strict=True))
        return Accepted(tuple(cell["texts"]), spans, int(cell["words"]))

    def cell(self) -> dict[str, Any]:
        first, last = ([span[end] for span in self.spans] for end in (0, 1))
        return {"texts": list(self.texts), "first": first, "last": last, "words": self.words}


def is_cell(value: Any) -> bool:
    return isinstance(value, Mapping) and set(value) == {field.name for field in TYPE}


def kind_of(cell: Mapping[str, Any]) -> str:
    """Which kind of question it is, for counting."""
    return ANSWERED if cell["texts"] else UNANSWERED


def states_answers(kind: pa.DataType) -> bool:
    """Whether a column has answers as SQuAD states them, in one of the two forms."""
    one = kind.value_type if pa.types.is_list(kind) or pa.types.is_large_list(kind) else kind
    return pa.types.is_struct(one) and {"text", "answer_start"} <= {field.name for field in one}


def located(table: Table) -> Table:
    """`table` with its answers as words of their contexts, and with groups, where it has none: the articles of a column
    `title`, or the contexts. Other tables as they are.

    Answers that do not stand where they are said to be are quarantined.

    Raises:
        DataError: contents are no pairs of a question and a context, or no answer can be used.
    """
    stated = [name for name in table.labels if table.has(name) and states_answers(table.column(name).type)]
    if not stated:
        return table
    pairs = _pairs(table)
    for name in stated:
        cells, reasons = _cells(table.column(name).to_pylist(), pairs)
        if len(reasons) == len(table):
            row, reason = min(reasons.items())
            raise DataError(
                f"{table.origin} has no answer that can be used: {table.column('id')[row].as_py()}: {reason}."
            )
        mask = np.array([row not in reasons for row in range(len(table))])
        table = table.with_column(name, pa.array(cells, TYPE)).keep(mask, reasons)
        pairs = [pair for row, pair in enumerate(pairs) if mask[row]]
    contexts = [pair[1] if pair else "" for pair in pairs]
    return _grouped(table, contexts).with_notes(_told(table.column(stated[0]).to_pylist(), contexts))


def _pairs(table: Table) -> list[tuple[str, str] | None]:
    """Question and context of each row; None for one that cannot be read, which the checks set aside."""
    contents, text = Contents(table), Text()

    def pair(row: int) -> tuple[str, str] | None:
        try:
            return question_and_context(text.decode(contents.read(row)))
        except Unreadable:
            return None
        except DataError as problem:
            raise DataError(f"{table.origin} has answers that stand in a context. {problem}") from None

    return [pair(row) for row in range(len(table))]


def _cells(
    stated: Sequence[Any], pairs: Sequence[tuple[str, str] | None]
) -> tuple[list[dict[str, Any] | None], dict[int, str]]:
    """A cell for each row, None where it states nothing, and the reasons why rows cannot be used."""
    cells: list[dict[str, Any] | None] = []
    reasons: dict[int, str] = {}
    places: tuple[str, list[tuple[int, int]]] = "", []
    for row, (given, pair) in enumerate(zip(stated, pairs, strict=True)):
        cells.append(None)
        if given is None or pair is None:
            continue
        if pair[1] != places[0]:  # questions on one context mostly follow each other
            places = pair[1], word_places(pair[1])
        found = _located(given, *places)
        if isinstance(found, str):
            reasons[row] = found
        else:
            cells[row] = found.cell()
    return cells, reasons


def _located(given: Any, context: str, places: Sequence[tuple[int, int]]) -> Accepted | str:
    """The answers in `context`, whose words have these places; or why not."""
    answers = _listed(given)
    spans = []
    for text, start in answers:
        if text is None or start is None or not text.strip():
            return "it has an answer without a text or a place"
        if start < 0 or context[start : start + len(text)] != text:
            return _misplaced(text, start, context)
        behind = start + len(text)
        words = [number for number, (begin, end) in enumerate(places) if begin < behind and end > start]
        spans.append((words[0], words[-1]))
    each = dict.fromkeys(zip((text for text, _ in answers), spans, strict=True))  # annotators often agree
    return Accepted(tuple(str(text) for text, _ in each), tuple(span for _, span in each), len(places))


def _listed(given: Any) -> list[tuple[str | None, int | None]]:
    """(text, start) of each answer, from either form."""
    if isinstance(given, Mapping):
        given = [dict(zip(("text", "answer_start"), pair, strict=True)) for pair in _paired(given)]
    return [(one["text"], one["answer_start"]) for one in given]


def _paired(given: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    texts, starts = given["text"] or [], given["answer_start"] or []
    return list(zip(texts, [*starts, *[None] * (len(texts) - len(starts))], strict=False))


def _misplaced(text: str, start: int, context: str) -> str:
    there = context[start : start + NEAR] if start >= 0 else ""
    times = context.count(text)
    elsewhere = {0: "it is nowhere in the context", 1: f"it is at letter {context.find(text)}"}
    return (
        f"the answer '{text}' is not at letter {start} of its context, where there is '{there}'; "
        f"{elsewhere.get(times, f'it is in the context {times} times')}"
    )


def _grouped(table: Table, contexts: Sequence[str]) -> Table:
    if table.has("group"):
        return table
    titles = table.column(ARTICLE).to_pylist() if table.has(ARTICLE) else []
    articles = len(set(titles))
    if articles >= ENOUGH_ARTICLES and None not in titles:
        return table.with_column("group", pa.array(map(str, titles), pa.string()))
    number: dict[str, int] = {}
    table = table.with_column("group", pa.array([f"context {number.setdefault(one, len(number))}" for one in contexts]))
    if articles < 2:
        return table
    return table.with_notes(
        f"With {articles} articles, questions on one context stay in one part, and those on one article need not. "
        f"Where contexts are to be of other articles than those learned from, say --group {ARTICLE}."
    )


def _told(cells: Sequence[Mapping[str, Any] | None], contexts: Sequence[str]) -> str:
    without = sum(cell is not None and not cell["texts"] for cell in cells)
    count = len(set(contexts))
    asked = f"{counted(len(cells), 'question', 'questions')} on {counted(count, 'context', 'contexts')}"
    return f"{asked}; {without:,} without an answer there."
