"""CoNLL columns: a word a line, its tag in the last column, an empty line between sentences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from headstart.core.errors import DataError
from headstart.data.contents import IN_MEMORY
from headstart.data.readers import Options
from headstart.data.readers.assemble import Draft, refuse_options, split_of_file
from headstart.data.readers.rows import is_text_table
from headstart.data.table import LABEL, Quarantined, Table
from headstart.data.tags import is_tag

SUFFIXES = (".conll", ".iob", ".iob2", ".bio")
LOOKED_AT = 4096
"""Bytes by which files with other endings are told, such as train.txt and eng.testa."""
DOCUMENT = "-DOCSTART-"


@dataclass
class Sentence:
    """Words with their tags, and where they begin."""

    line: int
    words: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    problem: str = ""
    """Why it cannot be learned from; empty when it can."""


class Conll:
    """A file of CoNLL columns, or a folder with such files called train, dev and test."""

    def recognises(self, path: Path) -> bool:
        return bool(_files(path))

    def read(self, path: Path, options: Options) -> Table:
        """A row a sentence: its words, and its tags as `label`. A sentence with a word that has no tag, or something
        that is no tag, is quarantined."""
        refuse_options(
            str(path),
            "words are in the first column and tags in the last.",
            label=None if options.label == LABEL else options.label,
            content=options.content,
            group=options.group,
            time=options.time,
            split=options.split,
        )
        files = _files(path)
        ids: list[str] = []
        parts: list[str | None] = []
        sentences: list[Sentence] = []
        quarantine: list[Quarantined] = []
        for file in files:
            lines = _lines(file)
            width = len(str(len(lines)))
            for sentence in _sentences(lines, options.labelled):
                if sentence.problem:
                    quarantine.append(Quarantined(f"{file.name}:{sentence.line:0{width}d}", sentence.problem))
                    continue
                ids.append(f"{file.name}:{sentence.line:0{width}d}")
                parts.append(split_of_file(file.name))
                sentences.append(sentence)
        if not sentences:
            raise DataError(f"{path} has no sentence that can be used{_first(quarantine)}.")
        columns: dict[str, pa.Array] = {}
        if options.labelled:
            columns[LABEL] = pa.array([sentence.tags for sentence in sentences], pa.list_(pa.string()))
        if path.is_dir() and all(parts):
            columns["split"] = pa.array(parts, pa.string())
        rows = len(sentences)
        draft = Draft(ids, [IN_MEMORY] * rows, [str(row) for row in range(rows)], columns)
        memory = [sentence.words for sentence in sentences]
        return draft.table(str(path), "text", (LABEL,), quarantine, memory=memory)


def _files(path: Path) -> list[Path]:
    """The file itself, or those of a folder: of endings that others have too, those of parts."""
    if not path.is_dir():
        return [path] if _is_conll(path) else []
    here = sorted(
        file
        for file in path.iterdir()
        if (file.suffix.lower() in SUFFIXES or split_of_file(file.name) is not None) and _is_conll(file)
    )
    return here if any(split_of_file(file.name) == "train" for file in here) or len(here) == 1 else []


def _is_conll(file: Path) -> bool:
    """Whether it ends so, or nearly all of its first lines have a word and a tag."""
    if not file.is_file() or file.suffix.lower() in SUFFIXES:
        return file.is_file()
    if is_text_table(file.name):  # a row may end in a tag there, but it is a sentence
        return False
    try:
        with file.open("rb") as stream:
            start = stream.read(LOOKED_AT).decode("utf-8-sig", errors="replace")
    except OSError:
        return False
    rows = [line.split() for line in start.splitlines()[:-1] if line.strip() and not line.startswith(DOCUMENT)]
    return 0.9 * len(rows) < sum(len(row) > 1 and is_tag(row[-1]) for row in rows)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_bytes().decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as problem:
        raise DataError(f"{path} is not UTF-8 (byte {problem.start + 1}). Save the file as UTF-8.") from None
    except PermissionError:
        raise DataError(f"No permission to read {path}.") from None


def _sentences(lines: list[str], labelled: bool) -> Iterator[Sentence]:
    sentence, width = Sentence(1), 0
    for number, line in enumerate([*lines, ""], 1):
        columns = [column.strip() for column in line.split("\t")] if "\t" in line else line.split()
        if not any(columns) or columns[0] == DOCUMENT:
            if sentence.words:
                yield sentence
            sentence = Sentence(number + 1)
            continue
        if not sentence.words:
            sentence.line = number
        sentence.words.append(columns[0])
        sentence.tags.append(columns[-1])
        width = width or (len(columns) if len(columns) > 1 else 0)
        if labelled and not sentence.problem:
            sentence.problem = _problem(columns, number, width)


def _problem(columns: list[str], number: int, width: int) -> str:
    """Why a line cannot be learned from; empty when it can. `width`: columns of the file's first line."""
    if not columns[0]:
        return f"line {number} has no word in its first column"
    if len(columns) < 2 or not columns[-1]:
        return f"line {number} has the word '{columns[0]}' and no tag"
    if len(columns) != width:
        return f"line {number} has {len(columns)} columns, and the first tagged line has {width}"
    if not is_tag(columns[-1]):
        return f"line {number} has '{columns[-1]}', which is no tag (O, B-TYPE, I-TYPE, E-TYPE or S-TYPE)"
    return ""


def _first(quarantine: list[Quarantined]) -> str:
    return f"; {quarantine[0].id}: {quarantine[0].reason}" if quarantine else ": it is empty"
