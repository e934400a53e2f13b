"""Tables in files: CSV, TSV, JSON lines and Parquet, with a column of paths, of pictures, or of texts."""

from __future__ import annotations

from pathlib import Path

from headstart.data.readers import Options, huggingface
from headstart.data.readers.examples import assemble
from headstart.data.readers.listing import Listing
from headstart.data.readers.rows import is_text_table, parse, read_rows
from headstart.data.table import Table


class Tabular:
    """Reads one table file; paths in it are relative to it."""

    has_columns = True

    def recognises(self, path: Path) -> bool:
        return path.is_file() and (is_text_table(path.name) or path.suffix.lower() == ".parquet")

    def read(self, path: Path, options: Options) -> Table:
        if path.suffix.lower() == ".parquet":
            return huggingface.read_files([(path, None)], path, options)
        folder = path.absolute().parent
        return assemble(read_rows(path), str(path), options, lambda name: (str(folder / name), None), path.name)


def read_listed(listing: Listing, name: str, options: Options) -> Table:
    """The table of file `name` in a zip, with the paths in it relative to it."""
    return assemble(parse(listing.bytes(name), name), f"{listing.root}/{name}", options, listing.place, name)
