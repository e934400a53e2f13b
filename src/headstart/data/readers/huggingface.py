"""Hugging Face data sets on disk, read with Arrow alone: `save_to_disk` folders, Parquet shards, image
folders with a metadata file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as compute
import pyarrow.parquet as parquet

from headstart.core.errors import DataError
from headstart.data.contents import open_arrow
from headstart.data.modalities import DEFAULT
from headstart.data.readers import Options, examples, pairs
from headstart.data.readers.assemble import Draft, choose_modality, split_name, with_a_test
from headstart.data.readers.columns import content_columns, has_contents
from headstart.data.readers.rows import read_rows
from headstart.data.table import Table

_METADATA = ("metadata.csv", "metadata.jsonl")
File = tuple[Path, "str | None"]
"""A shard and the part (train, validation, test) it belongs to, where its name or folder tells."""


class HuggingFace:
    """Reads data set folders."""

    has_columns = True

    def recognises(self, path: Path) -> bool:
        return path.is_dir() and bool(_arrow_files(path) or _parquet_files(path) or _metadata_files(path))

    def read(self, path: Path, options: Options) -> Table:
        metadata = _metadata_files(path)
        if metadata:
            return _read_metadata(metadata, path, options)
        return read_files(_arrow_files(path) or _parquet_files(path), path, options)


def read_files(files: Sequence[File], root: Path, options: Options) -> Table:
    """The table of Parquet or Arrow files that share their columns. Contents stay in the files.

    Raises:
        DataError: no column of contents, or the files differ.
    """
    shards = [_Shard(path, part) for path, part in files]
    origin = str(root)
    rows = _stack(shards, origin)
    if not sum(shard.count for shard in shards):
        raise DataError(f"{origin} has no rows.")
    sample = shards[0].sample()
    if options.written and not (options.content is None and has_contents(sample)):
        sample = pairs.flattened(sample)
        options = pairs.named(sample, options, origin)
    chosen = content_columns(sample, options.content, origin, options.label)
    column = chosen[0]
    rows = with_class_names(rows, shards[0].schema)
    by_files = "split" not in rows.column_names and options.split is None and all(part is not None for _, part in files)
    if by_files:
        parts = [shard.part for shard in shards for _ in range(shard.count)]
        rows = rows.append_column("split", pa.array(parts, pa.string()))
    if not is_heavy(sample.schema.field(column).type):
        folder = (root if root.is_dir() else root.parent).absolute()
        table = examples.assemble(rows, origin, options, lambda file: (str(folder / file), None), root.name)
        return with_a_test(table) if by_files else table
    places = [place for shard in shards for place in shard.places(column)]
    ids = [name for shard in shards for name in examples.row_ids(_relative(shard.path, root), shard.count)]
    columns, labels, notes = examples.value_columns(rows, options, origin, ids, chosen)
    table = Draft(ids, [path for path, _ in places], [member for _, member in places], columns).table(
        origin, choose_modality(shards[0].names(column), options.modality) or DEFAULT, labels, (), notes
    )
    table = examples.learnable(table, options)
    return with_a_test(table) if by_files else table


@dataclass
class _Shard:
    """One Parquet or Arrow file."""

    path: Path
    part: str | None
    schema: pa.Schema = field(init=False)
    count: int = field(init=False)

    def __post_init__(self) -> None:
        try:
            if self._is_arrow:
                table = open_arrow(str(self.path))
                self.schema, self.count = table.schema, table.num_rows
            else:
                metadata = parquet.ParquetFile(self.path)
                self.schema, self.count = metadata.schema_arrow, metadata.metadata.num_rows
        except (pa.ArrowInvalid, OSError) as problem:
            raise DataError(
                f"{self.path} cannot be read: {str(problem).splitlines()[0]} Download or write it again."
            ) from None

    @property
    def _is_arrow(self) -> bool:
        return self.path.suffix == ".arrow"

    def _read(self, columns: list[str]) -> pa.Table:
        return (
            open_arrow(str(self.path)).select(columns)
            if self._is_arrow
            else parquet.read_table(self.path, columns=columns, partitioning=None)
        )

    def light(self) -> pa.Table:
        """All columns but those of contents: labels, groups and the like."""
        return self._read([name.name for name in self.schema if not is_heavy(name.type)])

    def sample(self) -> pa.Table:
        """The first rows of every column, to see what they hold."""
        if self._is_arrow:
            return open_arrow(str(self.path)).slice(0, 8)
        batch = next(parquet.ParquetFile(self.path).iter_batches(8), None)
        return self.schema.empty_table() if batch is None else pa.Table.from_batches([batch])

    def names(self, column: str) -> list[str]:
        """The files of which the first contents were made, where the cells name them."""
        cells = self.sample().column(column).to_pylist()
        return [str(cell["path"]) for cell in cells if isinstance(cell, dict) and cell.get("path")]

    def places(self, column: str) -> Iterator[tuple[str, str | None]]:
        """Where each content lies: in its cell, or in the file that the cell names when it has no bytes."""
        path = str(self.path.absolute())
        outside = self._paths_outside(column)
        for row in range(self.count):
            file = outside.get(row)
            yield (path, f"{column}@{row}") if file is None else (str(Path(path).parent / file), None)

    def _paths_outside(self, column: str) -> Mapping[int, str]:
        """Row → path, for cells {bytes, path} without bytes."""
        kind = self.schema.field(column).type
        if not pa.types.is_struct(kind) or kind.get_field_index("path") < 0 or self._all_embedded(column):
            return {}
        found: dict[int, str] = {}
        start = 0
        for batch in self._batches(column):
            missing = compute.is_null(compute.struct_field(batch, "bytes"))
            paths = compute.struct_field(batch, "path")
            for row in np.flatnonzero(missing.to_numpy(zero_copy_only=False)):
                value = paths[int(row)].as_py()
                if value is not None:
                    found[start + int(row)] = value
            start += len(batch)
        return found

    def _all_embedded(self, column: str) -> bool:
        """Whether the statistics of a Parquet file say that no cell is without bytes."""
        if self._is_arrow:
            return False
        metadata = parquet.ParquetFile(self.path).metadata
        for group in range(metadata.num_row_groups):
            chunks = (metadata.row_group(group).column(number) for number in range(metadata.num_columns))
            chunk = next((chunk for chunk in chunks if chunk.path_in_schema == f"{column}.bytes"), None)
            if chunk is None or chunk.statistics is None or chunk.statistics.null_count != 0:
                return False
        return True

    def _batches(self, column: str) -> Iterator[pa.Array]:
        if self._is_arrow:
            yield from open_arrow(str(self.path)).column(column).chunks
        else:
            for batch in parquet.ParquetFile(self.path).iter_batches(256, columns=[column]):
                yield batch.column(0)


def is_heavy(kind: pa.DataType) -> bool:
    """Whether cells of the type hold files."""
    if pa.types.is_struct(kind):
        return bool(kind.get_field_index("bytes") >= 0)
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _stack(shards: Sequence[_Shard], origin: str) -> pa.Table:
    light = [shard.light() for shard in shards]
    for shard, table in zip(shards, light, strict=True):
        if table.column_names != light[0].column_names:
            raise DataError(
                f"{shard.path} has the columns {', '.join(table.column_names)}, and "
                f"{shards[0].path} has {', '.join(light[0].column_names)}. The files of {origin} "
                "must have the same."
            )
    plain = [table.replace_schema_metadata(None) for table in light]
    return pa.concat_tables(plain, promote_options="permissive")


def with_class_names(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """`rows` with names in place of the numbers of classes that the schema has names for."""
    for name, classes in _class_names(schema).items():
        if name in rows.column_names:
            rows = _named(rows, name, classes)
    return rows


def _class_names(schema: pa.Schema) -> dict[str, list[str]]:
    """Column → names of its classes, as `datasets` writes them into the schema."""
    try:
        written = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
    except ValueError:
        return {}
    features: Mapping[str, Any] = written.get("info", {}).get("features", {})
    classes = {name: _classes(feature) for name, feature in features.items()}
    return {name: names for name, names in classes.items() if names}


def _classes(feature: Any) -> list[str]:
    """Names of the classes of a feature, or of the elements of one that is a list: a tag for each word, say."""
    while isinstance(feature, list) or (isinstance(feature, dict) and "feature" in feature):
        feature = feature[0] if isinstance(feature, list) else feature["feature"]
    return list(feature.get("names") or ()) if isinstance(feature, dict) else []


def _named(rows: pa.Table, column: str, classes: list[str]) -> pa.Table:
    """Class numbers as class names, alone or in lists; −1 (no label) as missing."""
    names = pa.array(classes, pa.string())
    values = rows.column(column)
    kind = values.type
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        if not pa.types.is_integer(kind.value_type):
            return rows
        lists = values.cast(pa.list_(pa.int64())).combine_chunks()
        told = pa.ListArray.from_arrays(lists.offsets, _at(names, lists.values), mask=lists.is_null())
    elif pa.types.is_integer(kind):
        told = _at(names, values.combine_chunks())
    else:
        return rows
    return rows.set_column(rows.column_names.index(column), column, told)


def _at(names: pa.Array, numbers: pa.Array) -> pa.Array:
    known = compute.and_(compute.greater_equal(numbers, 0), compute.less(numbers, len(names)))
    return names.take(compute.if_else(known, numbers, None))


def _arrow_files(root: Path) -> list[File]:
    """Shards of `save_to_disk`: those its state.json names, for each part of its dataset_dict.json."""
    if (root / "dataset_dict.json").is_file():
        parts = json.loads((root / "dataset_dict.json").read_text(encoding="utf-8")).get("splits", [])
        return [(path, split_name(part)) for part in parts for path, _ in _arrow_files(root / part)]
    if not (root / "state.json").is_file():
        return []
    state = json.loads((root / "state.json").read_text(encoding="utf-8"))
    return [
        (root / entry["filename"], split_name(str(state.get("_split") or ""))) for entry in state.get("_data_files", [])
    ]


def _parquet_files(root: Path) -> list[File]:
    """Shards such as data/train-00000-of-00002.parquet or train/0000.parquet."""
    folders = [root, *sorted(entry for entry in root.iterdir() if entry.is_dir())]
    found = [path for folder in folders for path in sorted(folder.glob("*.parquet"))]
    return [(path, split_name(path.stem.split("-")[0]) or split_name(path.parent.name)) for path in found]


def _metadata_files(root: Path) -> list[File]:
    """metadata.csv or metadata.jsonl beside the images, at the top or in the folders of the parts."""
    if not root.is_dir():
        return []
    folders = [root, *sorted(entry for entry in root.iterdir() if entry.is_dir() and split_name(entry.name))]
    return [
        (folder / name, split_name(folder.name) if folder != root else None)
        for folder in folders
        for name in _METADATA
        if (folder / name).is_file()
    ]


def _read_metadata(files: Sequence[File], root: Path, options: Options) -> Table:
    """An image folder whose labels stand in metadata files."""
    tables = []
    for path, part in files:
        rows = read_rows(path)
        column = content_columns(rows, options.content, str(path), options.label)[0]
        folder = path.parent.relative_to(root).as_posix()
        prefix = "" if folder == "." else folder + "/"
        named = pa.array(
            [None if value is None else prefix + str(value) for value in rows.column(column).to_pylist()], pa.string()
        )
        rows = rows.set_column(rows.column_names.index(column), column, named)
        if part is not None and "split" not in rows.column_names:
            rows = rows.append_column("split", pa.array([part] * rows.num_rows, pa.string()))
        tables.append(rows)
    rows = pa.concat_tables(tables, promote_options="permissive")
    absolute = root.absolute()
    name = files[0][0].name
    return examples.assemble(rows, str(root), options, lambda file: (str(absolute / file), None), name)


def _relative(path: Path, root: Path) -> str:
    return path.name if path == root else path.relative_to(root).as_posix()
