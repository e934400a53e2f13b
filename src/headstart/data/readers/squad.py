"""Questions on contexts in SQuAD's JSON (1.1 and 2.0): a file, or those of the parts in a folder or a zip."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from headstart.core.errors import DataError
from headstart.data.answers import ARTICLE, CONTEXT, STATED
from headstart.data.contents import IN_MEMORY
from headstart.data.readers import Options
from headstart.data.readers.assemble import Draft, refuse_options, split_of_file, with_a_test
from headstart.data.readers.rows import suffix_of, unzipped
from headstart.data.table import LABEL, Quarantined, Table

BEGINNING = 65_536
"""Bytes by which a file is recognised."""
_SQUAD = re.compile(rb'(?:\xef\xbb\xbf)?\s*\{\s*(?:"\w+"\s*:\s*(?:"[^"]*"|[\w.]+)\s*,\s*)*"data"\s*:\s*\[\s*[{\]]')
LABELS = (None, LABEL, "answers")
"""What --label may say of a file that has one kind of label only."""


@dataclass(frozen=True)
class Question:
    """One question as it stands in the file."""

    id: str
    question: str
    context: str
    title: str | None
    answers: list[dict[str, Any]] | None
    """None: nothing is stated."""
    problem: str = ""
    """Why it cannot be used; empty when it can."""


class Squad:
    """Reads files whose JSON is {"data": [{"paragraphs": [{"context", "qas": [{"id", "question", "answers"}]}]}]}."""

    def recognises(self, path: Path) -> bool:
        return bool(_files(path))

    def read(self, path: Path, options: Options) -> Table:
        files = [(file.name, _bytes(file)) for file in _files(path)]
        return read_files(files, str(path), options)


def those_of_this_format(names: Sequence[str], beginning: Callable[[str], bytes]) -> list[str]:
    """The files of this format among those of a folder or zip: if there is only one file of JSON, or one for training.

    Args:
        beginning: gives the first bytes of a file; called for few of them where none is of this format.
    """
    documents = [name for name in names if suffix_of(name) == ".json"]
    train = [name for name in documents if split_of_file(name) == "train"]
    if len(documents) > 1 and not any(_SQUAD.match(beginning(name)) for name in train):
        return []
    return [name for name in documents if _SQUAD.match(beginning(name))]


def read_files(files: Sequence[tuple[str, bytes]], origin: str, options: Options) -> Table:
    """A row a question, of all files; or, where there is a file for training, of those that are parts.

    Raises:
        DataError: no JSON, not of this format, or no question that can be used.
    """
    _refuse(origin, options)
    parts, notes = _parts([name for name, _ in files])
    kept: list[Question] = []
    splits: list[str] = []
    quarantine: list[Quarantined] = []
    seen: set[str] = set()
    for name, content in files:
        if parts and name not in parts:
            continue
        for question in _questions(_document(content, name), name):
            problem = question.problem or ("another question has this id" if question.id in seen else "")
            if problem:
                quarantine.append(Quarantined(question.id, problem))
                continue
            seen.add(question.id)
            kept.append(question)
            splits.append(parts.get(name, ""))
    if not kept:
        first = f": {quarantine[0].id}: {quarantine[0].reason}" if quarantine else ""
        raise DataError(f"{origin} has no question that can be used{first}.")
    columns: dict[str, pa.Array] = {}
    if parts:
        columns["split"] = pa.array(splits, pa.string())
    if options.labelled:
        columns[LABEL] = pa.array([_stated(one.answers) for one in kept], STATED)
        columns[ARTICLE] = pa.array([one.title for one in kept], pa.string())
        if options.group is not None:
            columns["group"] = pa.array([str(getattr(one, options.group)) for one in kept], pa.string())
    draft = Draft([one.id for one in kept], [IN_MEMORY] * len(kept), [str(row) for row in range(len(kept))], columns)
    memory = [{"question": one.question, "context": one.context} for one in kept]
    labels = (LABEL,) if options.labelled else ()
    table = draft.table(origin, "text", labels, quarantine, notes, memory)
    return with_a_test(table) if parts else table


def _refuse(origin: str, options: Options) -> None:
    refuse_options(
        origin,
        f"in SQuAD's format questions, contexts and answers have their names; groups are by {ARTICLE} or {CONTEXT}.",
        label=None if options.label in LABELS else options.label,
        content=options.content,
        group=None if options.group in (None, ARTICLE, CONTEXT) else options.group,
        time=options.time,
        split=options.split,
    )


def _files(path: Path) -> list[Path]:
    """The file itself, or those of a folder."""
    if path.is_file():
        return [path] if those_of_this_format([path.name], lambda _: _beginning(path)) else []
    if not path.is_dir():
        return []
    names = sorted(file.name for file in path.iterdir() if file.is_file())
    return [path / name for name in those_of_this_format(names, lambda name: _beginning(path / name))]


def _beginning(path: Path) -> bytes:
    try:
        with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as stream:
            return stream.read(BEGINNING)
    except (OSError, EOFError):  # said where it is read
        return b""


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except PermissionError:
        raise DataError(f"No permission to read {path}.") from None


def _parts(names: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """File -> part of those whose names tell one, where there is one for training; and notes."""
    found = {name: part for name in names if (part := split_of_file(name)) is not None}
    if len(names) == 1 or "train" not in found.values():
        return {}, []
    notes = []
    others = [name for name in names if name not in found]
    if others:
        notes.append(f"Not read, since their names tell no part: {', '.join(others)}.")
    return found, notes


def _document(content: bytes, name: str) -> list[Any]:
    """The articles of a file.

    Raises:
        DataError: it is damaged, or not of this format.
    """
    try:
        document = json.loads(unzipped(content, name))
    except UnicodeDecodeError as problem:
        raise DataError(f"{name} is not UTF-8 (byte {problem.start + 1}). Save the file as UTF-8.") from None
    except json.JSONDecodeError as problem:
        raise DataError(
            f"{name} is damaged JSON (line {problem.lineno}, column {problem.colno}: {problem.msg}). Download it again."
        ) from None
    articles = document["data"]
    for number, article in enumerate(articles, 1):
        if not isinstance(article, dict) or not isinstance(article.get("paragraphs"), list):
            raise DataError(
                f"{name} is not in SQuAD's format: article {number} in its 'data' has no list of 'paragraphs'. "
                "Each needs paragraphs with a 'context' and 'qas', which have 'id', 'question' and 'answers'."
            )
    return list(articles)


def _questions(articles: Sequence[Mapping[str, Any]], name: str) -> Iterator[Question]:
    for number, article in enumerate(articles, 1):
        title = str(article["title"]) if article.get("title") else None
        for place, paragraph in enumerate(article["paragraphs"], 1):
            asked = paragraph.get("qas") if isinstance(paragraph, dict) else None
            if not isinstance(asked, list):
                where = f"{name}: article {number}, paragraph {place}"
                yield Question(where, "", "", title, None, "it has no list of questions ('qas')")
                continue
            for order, given in enumerate(asked, 1):
                where = f"{name}: article {number}, paragraph {place}, question {order}"
                yield _question(given, paragraph.get("context"), title, where)


def _question(given: Any, context: Any, title: str | None, where: str) -> Question:
    """One question; `where` stands for its id if it has none."""
    known = given if isinstance(given, dict) else {}
    identity, question, answers = known.get("id"), known.get("question"), known.get("answers")
    problem = ""
    if identity in (None, ""):
        problem = "it has no id"
    elif not isinstance(question, str) or not question.strip():
        problem = "its question is empty"
    elif not isinstance(context, str) or not context.strip():
        problem = "its context is empty"
    elif answers is not None and not _are_answers(answers):
        problem = "its answers are not a list of {text, answer_start}"
    elif known.get("is_impossible") and answers:
        problem = "it is marked as impossible, and has an answer"
    elif known.get("is_impossible"):
        answers = []
    return Question(
        where if identity in (None, "") else str(identity), str(question), str(context), title, answers, problem
    )


def _are_answers(answers: Any) -> bool:
    return isinstance(answers, list) and all(
        isinstance(one, dict)
        and isinstance(one.get("text"), str)
        and isinstance(one.get("answer_start"), int)
        and not isinstance(one.get("answer_start"), bool)
        for one in answers
    )


def _stated(answers: list[dict[str, Any]] | None) -> dict[str, Any] | None:
    if answers is None:
        return None
    return {"text": [one["text"] for one in answers], "answer_start": [one["answer_start"] for one in answers]}
