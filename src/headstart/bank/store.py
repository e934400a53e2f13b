"""Features on disk, in the Lance format: shelves of rows keyed by content.

A shelf holds the features of one (source, point, view). Rows are added in whole commits, so a process that is
killed leaves the shelf as it was at its last commit, and two processes can add to one shelf at the same time
(Lance retries a commit that met another; a row that both added is read once).
"""

from __future__ import annotations

import contextlib
import json
import shutil
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from headstart.core import files
from headstart.core.errors import HeadstartError
from headstart.core.ragged import ragged
from headstart.data.facts import Facts
from headstart.sources import Source
from headstart.sources.points import POOLED, Point
from headstart.sources.trunk import Choice

ABOUT = "about.json"
USED = "used"
ROWS = "rows.lance"
FACTS = "facts-3"
"""Another number where a look at a content finds something else than before: what was found is then looked for anew."""
MANY_FRAGMENTS = 32
"""A shelf with more files than this is compacted when it is next written to."""
READING_MINUTES = 10
"""So long other processes may go on reading files that were put together since."""
DAMAGE = (OSError, ValueError, RuntimeError)
"""What Lance raises on bytes that are not its own."""


def open_lance() -> Any:
    """The Lance library, without its warning that it does not survive a fork: nothing here forks."""
    import warnings

    warnings.filterwarnings("ignore", message="lance is not fork-safe")
    import lance

    return lance


@dataclass(frozen=True)
class ShelfSummary:
    """One line of `headstart bank`."""

    name: str
    about: Mapping[str, Any]
    items: int
    size: int
    used: float


class Rows:
    """An append-only Lance table with a `key` column and a checksum for each row."""

    def __init__(self, folder: Path, schema: pa.Schema) -> None:
        self.folder = folder
        self.schema = schema
        self._known: tuple[int, dict[str, int]] | None = None
        """Version of the table, and the row of each key in it."""

    @property
    def _path(self) -> str:
        return str(self.folder / ROWS)

    def _exists(self) -> bool:
        """Whether anything was ever committed: a process may have been killed before its first commit was whole."""
        return any((self.folder / ROWS / "_versions").glob("*.manifest"))

    def _dataset(self) -> Any:
        if not self._exists():
            return None
        try:
            return open_lance().dataset(self._path)
        except DAMAGE as problem:
            raise _damaged_shelf(self.folder) from problem

    def positions(self) -> dict[str, int]:
        """Key -> row."""
        dataset = self._dataset()
        return {} if dataset is None else self._positions_in(dataset)

    def _positions_in(self, dataset: Any) -> dict[str, int]:
        """Read once a process, and again whenever this or another process has changed the table: removing rows and
        putting files together move the rows that stay."""
        if self._known is None or self._known[0] != dataset.version:
            positions: dict[str, int] = {}
            try:
                keys = dataset.to_table(columns=["key"]).column("key").to_pylist()
            except DAMAGE as problem:
                raise _damaged_shelf(self.folder) from problem
            for row, key in enumerate(keys):
                positions.setdefault(key, row)
            self._known = dataset.version, positions
        return self._known[1]

    def missing(self, keys: Sequence[str]) -> list[str]:
        """Those of `keys` that are not here, each once, in order."""
        known = self.positions()
        return [key for key in dict.fromkeys(keys) if key not in known]

    def take(self, keys: Sequence[str], column: str) -> pa.ChunkedArray:
        """The values of `column` for `keys`, all of which must be here."""
        if not len(keys):
            return pa.chunked_array([], self.schema.field(column).type)
        dataset = self._dataset()
        if dataset is None:
            raise KeyError(keys[0])
        self.touch()
        known = self._positions_in(dataset)
        rows = np.array([known[key] for key in keys], dtype=np.int64)
        unique, inverse = np.unique(rows, return_inverse=True)
        try:
            values = dataset.take(unique.tolist(), columns=[column]).column(column)
        except DAMAGE as problem:
            raise _damaged_shelf(self.folder) from problem
        return values.take(pa.array(inverse))

    def add(self, keys: Sequence[str], columns: Mapping[str, pa.Array]) -> None:
        """Adds rows in one commit.

        Raises:
            HeadstartError: no space or no permission; the shelf stays as it was.
        """
        lance = open_lance()
        table = pa.table({"key": pa.array(keys), **columns}, schema=self.schema)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            files.require_space(self.folder, 2 * table.nbytes)
            exists = self._exists()
            try:
                lance.write_dataset(table, self._path, mode="append" if exists else "create")
            except OSError as problem:  # another process made the table between the look and the write
                if exists or "already exists" not in str(problem):
                    raise
                lance.write_dataset(table, self._path, mode="append")
        except OSError as problem:
            raise files.explain(problem, self.folder) from problem
        self.touch()
        self._tidy()

    def _tidy(self) -> None:
        """Puts many small files together, and removes what earlier tidying left behind."""
        dataset = self._dataset()
        if len(dataset.get_fragments()) > MANY_FRAGMENTS:
            with contextlib.suppress(OSError, RuntimeError):  # another process tidies at this moment
                dataset.optimize.compact_files()
                dataset.cleanup_old_versions(older_than=timedelta(minutes=READING_MINUTES))

    def touch(self) -> None:
        """Notes that the shelf was used, for trimming by least recent use."""
        (self.folder / USED).touch()

    def __len__(self) -> int:
        dataset = self._dataset()
        return int(dataset.count_rows()) if dataset is not None else 0

    def scan(self) -> Iterator[pa.RecordBatch]:
        dataset = self._dataset()
        if dataset is not None:
            yield from dataset.to_batches()

    def remove(self, keys: Sequence[str]) -> None:
        quoted = ", ".join(f"'{key}'" for key in keys)
        self._dataset().delete(f"key IN ({quoted})")


def _damaged_shelf(folder: Path) -> HeadstartError:
    return HeadstartError(
        f"The bank's shelf {folder} is damaged. Remove what is damaged with `headstart bank verify`; "
        "it is computed again when it is needed."
    )


class Shelf:
    """Features of one source at one point in one view, by content key."""

    def __init__(self, folder: Path, shape: tuple[int, ...], compact: bool, wished_runtime: str = "auto") -> None:
        self.shape = shape
        self.wished_runtime = wished_runtime
        self._type = pa.float16() if compact else pa.float32()
        self._length = -1 if -1 in shape else int(np.prod(shape))
        self.rows = Rows(
            folder,
            pa.schema([("key", pa.string()), ("features", pa.list_(self._type, self._length)), ("check", pa.uint32())]),
        )

    def note(self, choice: Choice) -> None:
        """Keeps how the newest features were computed."""
        about = files.read_json(self.rows.folder / ABOUT)
        files.write_json(self.rows.folder / ABOUT, {**about, "runtime": asdict(choice)})

    def computed_by(self) -> Choice | None:
        """How the newest features were computed."""
        path = self.rows.folder / ABOUT
        known = files.read_json(path).get("runtime") if path.is_file() else None
        return Choice(**known) if known else None

    def missing(self, keys: Sequence[str]) -> list[str]:
        return self.rows.missing(keys)

    def add(self, keys: Sequence[str], features: NDArray[np.float32]) -> None:
        """Adds features (N, …). All but pooled ones are kept in float16; what lies beyond its range is clipped."""
        kind = np.float16 if self._type == pa.float16() else np.float32
        limit = float(np.finfo(kind).max)
        flat = [np.clip(row.reshape(-1), -limit, limit).astype(kind) for row in features]
        checks = np.array([zlib.crc32(row.tobytes()) for row in flat], dtype=np.uint32)
        every = pa.array(np.concatenate(flat), self._type)
        values = (
            pa.ListArray.from_arrays(pa.array(np.cumsum([0, *map(len, flat)]), pa.int32()), every)
            if self._length < 0
            else pa.FixedSizeListArray.from_arrays(every, self._length)
        )
        self.rows.add(keys, {"features": values, "check": pa.array(checks)})

    def read(self, keys: Sequence[str]) -> NDArray[Any]:
        """Features (N, …) of `keys`, in their order, as float32; where they differ in length, an array (N,) of
        arrays."""
        if not len(keys):
            return np.empty(0, object) if self._length < 0 else np.zeros((0, *self.shape), np.float32)
        values = self.rows.take(keys, "features").combine_chunks()
        if self._length < 0:
            return ragged(one.values.to_numpy().astype(np.float32).reshape(self.shape) for one in values)
        flat = values.flatten().to_numpy(zero_copy_only=False)
        return np.array(flat, dtype=np.float32).reshape(len(keys), *self.shape)  # a copy: Arrow's is read-only


class StoredFacts:
    """What was found in each content by the checks (implements `headstart.data.facts.FactsCache`)."""

    def __init__(self, folder: Path) -> None:
        self._rows = Rows(
            folder,
            pa.schema(
                [
                    ("key", pa.string()),
                    ("problem", pa.string()),
                    ("thumbnail", pa.binary()),
                    ("properties", pa.string()),
                ]
            ),
        )

    def get(self, keys: Sequence[str]) -> dict[str, Facts]:
        known = self._rows.positions()
        here = [key for key in dict.fromkeys(keys) if key in known]
        if not here:
            return {}
        columns = [self._rows.take(here, name).to_pylist() for name in ("problem", "thumbnail", "properties")]
        return {
            key: Facts(
                problem,
                np.frombuffer(thumbnail, np.uint8) if thumbnail else None,
                tuple((name, value) for name, value in json.loads(properties)),
            )
            for key, problem, thumbnail, properties in zip(here, *columns, strict=True)
        }

    def put(self, facts: Mapping[str, Facts]) -> None:
        found = list(facts.values())
        self._rows.add(
            list(facts),
            {
                "problem": pa.array([one.problem for one in found], pa.string()),
                "thumbnail": pa.array(
                    [None if one.thumbnail is None else one.thumbnail.tobytes() for one in found], pa.binary()
                ),
                "properties": pa.array([json.dumps(one.properties) for one in found], pa.string()),
            },
        )


class Bank:
    """All shelves under one folder.

    Args:
        runtime: what computes features that are missing: "auto", or what a recipe noted ("openvino", "eager", …).
    """

    def __init__(self, root: Path, runtime: str = "auto") -> None:
        self.root = root
        self.runtime = runtime

    def shelf(self, source: Source, point: Point, view: int = 0) -> Shelf:
        """The shelf for `source` at `point`, made when it is first written to."""
        folder = self.root / "features" / f"{source.fingerprint}" / f"{str(point).replace(':', '-')}-view{view}"
        if not (folder / ABOUT).is_file():
            files.write_json(
                folder / ABOUT,
                {"source": source.name, "point": str(point), "view": view, "shape": point.shape(source.description)},
            )
        return Shelf(folder, point.shape(source.description), point.form != POOLED, self.runtime)

    def facts(self, modality: str) -> StoredFacts:
        return StoredFacts(self.root / FACTS / modality)

    def _folders(self) -> list[Path]:
        return sorted(path.parent for path in self.root.rglob(ROWS) if path.is_dir())

    def summaries(self) -> list[ShelfSummary]:
        """Every shelf, the most recently used first."""
        found = []
        for folder in self._folders():
            about = files.read_json(folder / ABOUT) if (folder / ABOUT).is_file() else {"source": "what checks found"}
            used = (folder / USED).stat().st_mtime if (folder / USED).exists() else 0.0
            size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
            try:
                items = len(Rows(folder, pa.schema([])))
            except HeadstartError:
                items, about = 0, {**about, "source": f"{about['source']} (damaged)"}
            found.append(ShelfSummary(str(folder.relative_to(self.root)), about, items, size, used))
        return sorted(found, key=lambda shelf: -shelf.used)

    def trim(self, size: int) -> list[ShelfSummary]:
        """Removes the least recently used shelves until at most `size` bytes remain; gives what was removed."""
        shelves = self.summaries()
        kept, removed = sum(shelf.size for shelf in shelves), []
        for shelf in reversed(shelves):
            if kept <= size:
                break
            shutil.rmtree(self.root / shelf.name)
            removed.append(shelf)
            kept -= shelf.size
        return removed

    def clear(self) -> int:
        """Removes everything; gives the bytes freed."""
        freed = sum(shelf.size for shelf in self.summaries())
        shutil.rmtree(self.root, ignore_errors=True)
        return freed

    def verify(self) -> dict[str, list[str]]:
        """Reads every row again and removes those whose checksum differs; shelf -> damaged keys."""
        damaged: dict[str, list[str]] = {}
        for folder in self._folders():
            rows = Rows(folder, pa.schema([]))
            try:
                bad = [key for batch in rows.scan() for key in _damaged(batch)]
                if bad:
                    rows.remove(bad)
            except (HeadstartError, *DAMAGE):  # not readable at all: the whole shelf is of no use
                shutil.rmtree(folder)
                bad = ["the whole shelf"]
            if bad:
                damaged[str(folder.relative_to(self.root))] = bad
        return damaged


def _damaged(batch: pa.RecordBatch) -> Iterator[str]:
    """Keys whose features are not those that the checksum was made of; rows without features have to be readable."""
    if "features" not in batch.schema.names:
        batch.validate(full=True)
        return
    values = batch.column("features")
    for key, row, check in zip(batch.column("key").to_pylist(), values, batch.column("check").to_pylist(), strict=True):
        if zlib.crc32(np.ascontiguousarray(row.values.to_numpy(zero_copy_only=False)).tobytes()) != check:
            yield key


def age(used: float) -> str:
    """How long ago, in words."""
    seconds = max(0.0, time.time() - used)
    for length, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= length:
            count = int(seconds // length)
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return "just now"
