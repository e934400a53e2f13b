"""Parallel texts: two plain files whose lines belong together, such as train.en and train.de."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pyarrow as pa

from headstart.core.errors import DataError
from headstart.data.readers import Options, examples, pairs
from headstart.data.readers.assemble import split_name
from headstart.data.table import Table

SIDES = ("src", "tgt", "source", "target")
"""Endings that are no languages."""


class Parallel:
    """A folder with files of two endings, of languages or of sides; or one such file with its fellow beside it."""

    has_columns = True

    def recognises(self, path: Path) -> bool:
        return bool(_together(path))

    def read(self, path: Path, options: Options) -> Table:
        """A row a line; the endings are the columns.

        Raises:
            DataError: files that belong together differ in how many lines they have, one is not UTF-8, or it cannot be
                told which of them is read.
        """
        together = _together(path)
        endings = sorted({file.suffix[1:] for files in together.values() for file in files})
        rows, ids, parts = [], [], []
        for stem in sorted(together, key=lambda stem: (split_name(stem) != "train", stem)):
            lines = {file.suffix[1:]: _lines(file) for file in together[stem]}
            _require_equal(together[stem], lines)
            rows.append(pa.table({ending: pa.array(lines[ending], pa.string()) for ending in endings}))
            ids += examples.row_ids(stem, rows[-1].num_rows)
            parts += [split_name(stem)] * rows[-1].num_rows
        table = pa.concat_tables(rows)
        if len(together) > 1 and all(parts):
            table = table.append_column("split", pa.array(parts, pa.string()))
        told = options.content or (options.label and options.labelled) or set(endings) & set(SIDES)
        if not told:
            raise DataError(
                f"{path} has texts in {' and '.join(endings)}, and which is read and which is written cannot be told. "
                f"Say --text {endings[0]} --label {endings[1]}, or the other way round."
            )
        return examples.assemble(table, str(path), options, lambda name: (name, None), path.name, ids)


def _together(path: Path) -> dict[str, list[Path]]:
    """Name without its ending -> the files of that name; none where the folder is something else."""
    folder, stem = (path, None) if path.is_dir() else (path.parent, path.stem)
    if not path.exists() or (stem is not None and not _is_side(path)):
        return {}
    found: dict[str, list[Path]] = defaultdict(list)
    for file in sorted(folder.iterdir()):
        if file.is_file() and _is_side(file) and stem in (None, file.stem):
            found[file.stem].append(file)
    endings = {file.suffix for files in found.values() for file in files}
    return found if len(endings) == 2 and all(len(files) == 2 for files in found.values()) else {}


def _is_side(file: Path) -> bool:
    return file.suffix[1:] in SIDES or pairs.language(file.suffix[1:])


def _lines(file: Path) -> list[str]:
    try:
        text = file.read_bytes().decode("utf-8-sig").removesuffix("\n")
        return [line.rstrip("\r") for line in text.split("\n")]
    except UnicodeDecodeError as problem:
        raise DataError(f"{file} is not UTF-8: byte {problem.start + 1} cannot be read. Save it as UTF-8.") from None
    except PermissionError:
        raise DataError(f"No permission to read {file}.") from None


def _require_equal(files: list[Path], lines: dict[str, list[str]]) -> None:
    first, second = files
    one, other = len(lines[first.suffix[1:]]), len(lines[second.suffix[1:]])
    if one != other:
        raise DataError(
            f"{first} has {one} lines and {second.name} has {other}, so they do not belong together line by line. "
            "Find the line that is missing, and put an empty one there."
        )
