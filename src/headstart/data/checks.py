"""Every content is looked at once before anything is learned; what cannot be used is set aside with the
reason."""

from __future__ import annotations

import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from headstart.core.errors import DataError
from headstart.core.progress import progress
from headstart.core.wording import counted
from headstart.data import duplicates
from headstart.data.answers import is_cell, kind_of
from headstart.data.batches import ahead
from headstart.data.contents import Contents, Unreadable, digest
from headstart.data.facts import Facts, FactsCache, Modality
from headstart.data.modalities import open_modality
from headstart.data.table import LABEL, Table, holds_rows
from headstart.data.tags import are_tags

QUARANTINE_SHARE = 0.2
_FLUSH_ITEMS, _FLUSH_BYTES = 256, 32_000_000
_GROUPED_NAME = re.compile(
    r"(?:^|[^a-z])((?:patient|subject|person|speaker|video|vid|clip|scene|case|session)[-_]?|p(?=\d+[-_]))\d+", re.I
)


@dataclass(frozen=True)
class Checked:
    """A table of usable examples and what was seen of them."""

    table: Table
    keys: list[str]
    """Content digest of each row."""
    clusters: NDArray[np.int64]
    """(N,) equal numbers: exact or near duplicates."""
    counts: Mapping[str, Counter[str]]
    """Property, such as size or mode, to how many examples have which value."""
    properties: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Of those by which results are told apart, the value of each row; empty where it has none."""


def check(table: Table, cache: FactsCache | None = None, *, quarantine_share: float = QUARANTINE_SHARE) -> Checked:
    """Reads every content once: contents that cannot be used, examples without a label, and equal contents
    with different labels go to quarantine; duplicates are found.

    Args:
        cache: where facts of contents seen before are kept, by digest.
        quarantine_share: the share of unreadable contents above which the target is refused.

    Raises:
        DataError: too many contents cannot be read, or nothing usable is left.
    """
    seen = _look(table, cache)
    _refuse_too_many(table, seen.problems, quarantine_share)
    reasons: dict[int, str] = dict(seen.problems)
    for row, reason in _missing_labels(table):
        reasons.setdefault(row, reason)
    for row, reason in _misfits(table, seen.words):
        reasons.setdefault(row, reason)
    reasons.update(dict(_disagreements(table, seen.keys, set(reasons))))
    mask = np.ones(len(table), bool)
    mask[list(reasons)] = False
    if not mask.any():
        row, reason = next(iter(sorted(reasons.items())))
        raise DataError(f"{table.origin} has no usable example: {_name(table, row)}: {reason}.")
    kept = table.keep(mask, reasons)
    keys = [seen.keys[int(row)] for row in np.flatnonzero(mask)]
    numbers = duplicates.clusters(keys, seen.thumbnails)
    notes = [*_duplicate_notes(keys, numbers), *_class_notes(kept), *_group_notes(kept)]
    found = [seen.properties[int(row)] for row in np.flatnonzero(mask)]
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for name, value in itertools.chain.from_iterable(found):
        counts[name][value] += 1
    told_apart = open_modality(table.modality).told_apart
    properties = {name: [dict(values).get(name, "") for values in found] for name in told_apart}
    return Checked(kept.with_notes(*notes), keys, numbers, counts, properties)


@dataclass
class _Seen:
    keys: list[str]
    problems: dict[int, str]
    thumbnails: dict[str, NDArray[np.uint8]]
    words: dict[int, int]
    """How many words the rows have whose content is cut into words."""
    properties: list[tuple[tuple[str, str], ...]]
    """Of each row; equal ones are one object."""


def _look(table: Table, cache: FactsCache | None) -> _Seen:
    """One pass over all contents, in threads, with memory for a few of them."""
    modality = open_modality(table.modality)
    cache = None if modality.quick else cache
    seen = _Seen([""] * len(table), {}, {}, {}, [()] * len(table))
    kinds: dict[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]] = {}
    with progress("Checking", len(table)) as advance:
        for batch in _read_batches(table):
            readable = {key: content for _, key, content in batch if key}
            facts = _facts(readable, modality, cache)
            for row, key, content in batch:
                seen.keys[row] = key
                if isinstance(content, list):
                    seen.words[row] = len(content)
                found = facts[key] if key else Facts(problem=str(content))
                if found.problem:
                    seen.problems[row] = found.problem
                    continue
                if found.thumbnail is not None:
                    seen.thumbnails[key] = found.thumbnail
                seen.properties[row] = kinds.setdefault(found.properties, found.properties)
            advance(len(batch))
    return seen


Read = tuple[int, str, Any]
"""Row, digest, content; for what cannot be read the digest is empty and the content is the reason."""


def _read_batches(table: Table) -> Iterator[list[Read]]:
    contents = Contents(table)

    def read(row: int) -> Read:
        try:
            content = contents.read(row)
            return row, digest(content), content
        except Unreadable as problem:
            return row, "", str(problem)

    batch: list[Read] = []
    size = 0
    for item in ahead(read, range(len(table)), depth=16):
        batch.append(item)
        size += len(item[2]) if isinstance(item[2], (bytes, str)) else 0
        if len(batch) >= _FLUSH_ITEMS or size >= _FLUSH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _facts(contents: Mapping[str, Any], modality: Modality, cache: FactsCache | None) -> dict[str, Facts]:
    """Facts by digest: those known, and those found now, which are put into the cache."""
    known = dict(cache.get(list(contents))) if cache is not None else {}
    new = [key for key in contents if key not in known]
    found = dict(zip(new, ahead(lambda key: modality.examine(contents[key]), new), strict=True))
    if cache is not None and found:
        cache.put(found)
    return {**known, **found}


def _refuse_too_many(table: Table, problems: Mapping[int, str], share: float) -> None:
    if len(problems) <= share * len(table):
        return
    first = "\n".join(f"  {_name(table, row)}: {reason}" for row, reason in sorted(problems.items())[:5])
    raise DataError(
        f"{len(problems)} of {len(table)} examples of {table.origin} cannot be read (more than "
        f"{share:.0%}). Mend or remove them, or allow more of them with --quarantine; the first "
        f"are:\n{first}"
    )


def _name(table: Table, row: int) -> str:
    """The id of a row, with its file where the id does not tell it."""
    name = str(table.column("id")[row].as_py())
    path = str(table.column("path")[row].as_py())
    member = table.column("member")[row].as_py() if table.has("member") else None
    told = member is not None or path.replace("\\", "/").endswith(name)
    return name if told else f"{name} ({path or 'no path'})"


def _missing_labels(table: Table) -> Iterator[tuple[int, str]]:
    for column in table.labels:
        empty = table.column(column).is_null().to_numpy()
        if empty.all():
            where = "column of labels" if column == LABEL else f"label column '{column}'"
            raise DataError(f"{table.origin} has no value in its {where}. Fill it in, or name another one.")
        for row in np.flatnonzero(empty):
            yield int(row), f"it has no value for '{column}'"


def _misfits(table: Table, words: Mapping[int, int]) -> Iterator[tuple[int, str]]:
    """Sentences, cut into words, that have another number of tags than of words."""
    for column in table.labels:
        values = table.column(column)
        if not words or not pa.types.is_list(values.type) or not are_tags(values.to_pylist()):
            continue
        for row, count in words.items():
            tags = values[row].as_py()
            if tags is not None and len(tags) != count:
                yield row, f"it has {count} words and {len(tags)} tags in '{column}'"


def _disagreements(table: Table, keys: Sequence[str], skip: set[int]) -> Iterator[tuple[int, str]]:
    """Equal contents with different labels: none of them can be trusted. Measured numbers and written texts may
    differ."""
    for column in table.labels:
        values = table.column(column)
        if table.written or pa.types.is_floating(values.type) or holds_rows(values.type):
            continue
        rows_of: dict[str, list[int]] = defaultdict(list)
        for row, key in enumerate(keys):
            if row not in skip:
                rows_of[key].append(row)
        for rows in rows_of.values():
            if len(rows) < 2:
                continue
            labels = {row: _meant(values[row].as_py()) for row in rows}
            for row in rows:
                other = next((place for place in rows if labels[place] != labels[row]), None)
                if other is not None:
                    yield (
                        row,
                        (
                            f"the same content is '{labels[row]}' here and '{labels[other]}' as "
                            f"{table.column('id')[other].as_py()}"
                        ),
                    )


def _meant(label: Any) -> Any:
    """What two people should agree on: not in which words an answer is given, but that there is one."""
    return kind_of(label) if is_cell(label) else label


def _duplicate_notes(keys: Sequence[str], numbers: NDArray[np.int64]) -> list[str]:
    exact = len(keys) - len(set(keys))
    near = len(set(keys)) - len(np.unique(numbers))
    notes = []
    if exact:
        copies = counted(exact, "exact duplicate", "exact duplicates")
        notes.append(f"{copies}; copies of one content stay in one part.")
    if near:
        notes.append(f"{counted(near, 'near duplicate', 'near duplicates')}; look-alikes stay in one part.")
    return notes


def _class_notes(table: Table) -> list[str]:
    notes = []
    for column in table.labels:
        values = table.column(column)
        if table.written or not pa.types.is_string(values.type):
            continue
        counts = Counter(values.to_pylist()).most_common()
        (largest, most), (smallest, least) = counts[0], counts[-1]
        if most > 10 * least:
            notes.append(f"Classes are unequal: {most} of '{largest}' and {least} of '{smallest}'.")
        small = [name for name, count in counts if count < 5]
        if small:
            more = f" and {len(small) - 5} more" if len(small) > 5 else ""
            notes.append(
                f"Very few examples (under 5) of {', '.join(map(repr, small[:5]))}{more}: results for them say little."
            )
    return notes


def _group_notes(table: Table) -> list[str]:
    """A note when file names look like several pictures of one patient, video or the like."""
    if table.has("group") or table.has("member"):
        return []
    names = [str(path).replace("\\", "/").rsplit("/", 1)[-1] for path in table.column("path").to_pylist()]
    matches = [match for name in names if (match := _GROUPED_NAME.search(name))]
    found = Counter(match.group() for match in matches)
    shared = sum(count for count in found.values() if count > 1)
    if shared < 0.5 * len(names) or len(found) < 2:
        return []
    expression = f"({re.escape(matches[0].group(1))}[0-9]+)"
    return [
        f"File names such as '{matches[0].string}' look like several examples of one thing ({len(found)} "
        f"things). If so, keep each in one part with --group '{expression}'."
    ]
