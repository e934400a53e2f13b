"""Labelled series as archives keep them: NumPy's .npz, and the .ts and .tsv files of the UCR and UEA archives."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from headstart.core.errors import DataError
from headstart.data.contents import IN_MEMORY
from headstart.data.readers import Options
from headstart.data.readers.assemble import Draft, refuse_options, require_classes
from headstart.data.table import LABEL, Table

PAIR = ("TRAIN", "TEST")
ENDINGS = (".ts", ".tsv")
NAMES = {"train": ("X_train", "y_train"), "test": ("X_test", "y_test"), "": ("X", "y")}
"""Part -> names of its series and of its labels in a NumPy archive."""


class Cases(Protocol):
    """Series with their labels; they lie in memory once."""

    def __len__(self) -> int: ...

    def __getitem__(self, row: int, /) -> Any: ...


Labelled = tuple[Cases, list[Any] | None]


class NumpyArchive:
    """`X_train`, `y_train`, `X_test` and `y_test`, or `X` and `y`: series (N, T) or (N, channels, T)."""

    def recognises(self, path: Path) -> bool:
        return path.is_file() and path.suffix.lower() == ".npz"

    def read(self, path: Path, options: Options) -> Table:
        return _table(path, options, _of_archive(path, options.labelled))


class Ucr:
    """NAME_TRAIN.ts and NAME_TEST.ts (or .tsv), by one of them or by the folder they are alone in; or one .ts file.
    Where no labels are asked for, a file is itself alone."""

    def recognises(self, path: Path) -> bool:
        return bool(_files(path))

    def read(self, path: Path, options: Options) -> Table:
        files = _files(path) if options.labelled or path.is_dir() else {"": path}
        parse = {".ts": _of_ts, ".tsv": _of_tsv}
        return _table(path, options, {part: parse[file.suffix.lower()](file) for part, file in files.items()})


class Joined(Sequence[Any]):
    """The series of several parts, one after another."""

    def __init__(self, parts: Sequence[Cases]) -> None:
        self._parts = parts
        self._ends = np.cumsum([len(part) for part in parts])

    def __len__(self) -> int:
        return int(self._ends[-1])

    def __getitem__(self, row: Any) -> Any:
        part = int(np.searchsorted(self._ends, row, side="right"))
        return self._parts[part][row - (int(self._ends[part - 1]) if part else 0)]


def _table(path: Path, options: Options, parts: dict[str, Labelled]) -> Table:
    refuse_options(
        str(path),
        "the archive says what is a series, and what its label is.",
        label=None if options.label == LABEL else options.label,
        content=options.content,
        group=options.group,
        time=options.time,
        split=options.split,
    )
    every = Joined([series for series, _ in parts.values()])
    if not len(every):
        raise DataError(f"{path} has no series.")
    ids = [name for part, (series, _) in parts.items() for name in _ids(part or path.stem, len(series))]
    columns: dict[str, pa.Array] = {}
    if options.labelled:
        lacking = next((part for part, (_, labels) in parts.items() if labels is None), None)
        if lacking is not None:
            raise DataError(
                f"{path} has no labels{f' in its part {lacking}' if lacking else ''}, which learning needs."
            )
        columns[LABEL] = _labels([label for _, labels in parts.values() for label in labels or ()])
    if len(parts) > 1:
        columns["split"] = pa.array([part for part, (series, _) in parts.items() for _ in range(len(series))])
    draft = Draft(ids, [IN_MEMORY] * len(ids), [str(row) for row in range(len(ids))], columns)
    table = draft.table(str(path), "series", (LABEL,) if options.labelled else (), memory=every)
    if options.labelled:
        require_classes(table.column(LABEL), table.origin)
    return table


def _ids(name: str, count: int) -> list[str]:
    return [f"{name} {row:0{len(str(count))}d}" for row in range(count)]


def _labels(values: list[Any]) -> pa.Array:
    """Classes as strings; measured numbers as they are."""
    if all(isinstance(value, float) for value in values) and not all(float(value).is_integer() for value in values):
        return pa.array(values, pa.float64())
    return pa.array([str(int(value)) if isinstance(value, float) else str(value) for value in values], pa.string())


def _of_archive(path: Path, labelled: bool) -> dict[str, Labelled]:
    try:
        archive = np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError) as problem:
        raise DataError(f"{path} is no NumPy archive that can be read ({problem}).") from None
    with archive:
        found: dict[str, Labelled] = {}
        for part, (series, labels) in NAMES.items():
            if series in archive:
                values = _array(archive, series, path)
                found[part] = _checked(values, _array(archive, labels, path) if labels in archive else None, path)
        if not found:
            raise DataError(
                f"{path} has no series: it holds {', '.join(archive.files[:6]) or 'nothing'}. "
                "Save them as X_train, y_train, X_test and y_test, or as X and y."
            )
    del labelled
    return found if len(found) == 1 or set(found) == {"train", "test"} else {"train": found["train"]}


def _array(archive: Any, name: str, path: Path) -> NDArray[Any]:
    try:
        return np.asarray(archive[name])
    except ValueError:
        raise DataError(
            f"'{name}' of {path} holds Python objects, which can run code when they are opened. "
            "Save labels as np.asarray(y, str), and series of different lengths in a .ts file."
        ) from None


def _checked(values: NDArray[Any], labels: NDArray[Any] | None, path: Path) -> Labelled:
    if values.ndim not in (2, 3) or values.dtype.kind not in "fiu":
        raise DataError(
            f"{path} has series of shape {values.shape} and type {values.dtype}. Give numbers, (cases, time) or "
            "(cases, channels, time)."
        )
    if labels is not None and len(labels) != len(values):
        raise DataError(f"{path} has {len(values)} series and {len(labels)} labels. Give one of each for each case.")
    return values, None if labels is None else [float(label) if labels.dtype.kind == "f" else label for label in labels]


def _files(path: Path) -> dict[str, Path]:
    """Part -> file."""
    if path.is_dir():
        first = sorted(file for file in path.iterdir() if file.stem.upper().endswith(f"_{PAIR[0]}") and _is_ucr(file))
        return _files(first[0]) if len(first) == 1 else {}
    if not path.is_file() or not _is_ucr(path):
        return {}
    name, _, part = path.stem.rpartition("_")
    if part.upper() not in PAIR:
        return {"": path} if path.suffix.lower() == ".ts" else {}
    pair = {
        one.lower(): file
        for one in PAIR
        for file in sorted(path.parent.iterdir())
        if file.stem.upper() == f"{name}_{one}".upper() and file.suffix == path.suffix
    }
    return pair if len(pair) == len(PAIR) else {"": path}


def _is_ucr(path: Path) -> bool:
    return path.suffix.lower() in ENDINGS


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as problem:
        raise DataError(f"{path} is not UTF-8 (byte {problem.start + 1}). Save the file as UTF-8.") from None
    except PermissionError:
        raise DataError(f"No permission to read {path}.") from None


def _of_tsv(path: Path) -> Labelled:
    """A series a line: its label, then its values."""
    series, labels = [], []
    for number, line in enumerate(_lines(path), 1):
        if line.strip():
            label, *values = line.split("\t")
            labels.append(label.strip().removesuffix(".0"))
            series.append(_numbers(values, path, number))
    return series, labels


def _of_ts(path: Path) -> Labelled:
    """Lines of the archive's own format: @names with what they say, then @data, and a series a line, its channels and
    its label between colons."""
    series: list[NDArray[np.float64]] = []
    labels: list[Any] = []
    said: dict[str, str] = {}
    in_data = False
    for number, line in enumerate(_lines(path), 1):
        text = line.strip()
        if not text or text.startswith(("#", "%")):
            continue
        if not in_data:
            name, _, rest = text.partition(" ")
            said[name.lower()] = rest.strip().lower()
            in_data = name.lower() == "@data"
            continue
        if text.startswith("("):
            raise DataError(f"{path} has times beside its values (line {number}). Write values at even steps alone.")
        labelled = said.get("@classlabel", "true").startswith("true") or said.get("@targetlabel", "").startswith("true")
        *channels, label = text.split(":") if labelled else [*text.split(":"), ""]
        rows = [_numbers(channel.split(","), path, number) for channel in channels]
        if len({len(row) for row in rows}) != 1:
            raise DataError(f"Line {number} of {path} has channels of different lengths. Give them one length.")
        series.append(np.stack(rows))
        labels.append(float(label) if "@targetlabel" in said else label.strip())
    if not in_data:
        raise DataError(f"{path} is no .ts file: it has no line @data.")
    classes = "@classlabel" not in said or not said["@classlabel"].startswith("false")
    return series, labels if classes or "@targetlabel" in said else None


def _numbers(values: Sequence[str], path: Path, line: int) -> NDArray[np.float64]:
    try:
        return np.array([np.nan if value.strip() in ("?", "NaN", "nan", "") else float(value) for value in values])
    except ValueError as problem:
        raise DataError(f"Line {line} of {path} has a value that is no number ({problem}).") from None
