"""A folder with a table for each part: train.csv and test.csv, of any formats of tables."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet

from headstart.core.errors import DataError
from headstart.data.readers import Options, examples
from headstart.data.readers.assemble import split_name
from headstart.data.readers.rows import is_text_table, read_rows, suffix_of
from headstart.data.table import Table

PARQUET = ".parquet"


class Parts:
    """Tables called train, val and test, side by side. A folder of Parquet alone is a data set of Hugging Face's."""

    has_columns = True

    def recognises(self, path: Path) -> bool:
        return bool(_files(path))

    def read(self, path: Path, options: Options) -> Table:
        """All rows, each in the part that its file is called after.

        Raises:
            DataError: the files differ in their columns.
        """
        files = _files(path)
        tables = [parquet.read_table(file) if file.suffix == PARQUET else read_rows(file) for file in files]
        for file, rows in zip(files, tables, strict=True):
            if set(rows.column_names) != set(tables[0].column_names):
                raise DataError(
                    f"{file} has the columns {', '.join(rows.column_names)}, and {files[0]} has "
                    f"{', '.join(tables[0].column_names)}. The tables of {path} must have the same."
                )
        ids = [name for file, rows in zip(files, tables, strict=True) for name in
               examples.row_ids(file.name, rows.num_rows)]  # fmt: skip
        stacked = pa.concat_tables(
            [rows.select(tables[0].column_names).replace_schema_metadata(None) for rows in tables],
            promote_options="permissive",
        )
        if "split" not in stacked.column_names and options.split is None:
            parts = [_part(file) for file, rows in zip(files, tables, strict=True) for _ in range(rows.num_rows)]
            stacked = stacked.append_column("split", pa.array(parts, pa.string()))
        folder = path.absolute()
        return examples.assemble(stacked, str(path), options, lambda name: (str(folder / name), None), path.name, ids)


def _files(path: Path) -> list[Path]:
    """One table a part, that to train on first; none where the folder is something else."""
    if not path.is_dir():
        return []
    tables = [file for file in sorted(path.iterdir()) if is_text_table(file.name) or file.suffix == PARQUET]
    found = {part: file for file in tables if file.is_file() and (part := _part(file))}
    others = len(found) < len(tables) or all(file.suffix == PARQUET for file in tables)
    if others or len(found) < 2 or "train" not in found:
        return []
    return [found["train"], *(found[part] for part in sorted(set(found) - {"train"}))]


def _part(file: Path) -> str | None:
    """train, validation or test, by the file's name."""
    return split_name(file.name[: file.name.lower().index(suffix_of(file.name))])
