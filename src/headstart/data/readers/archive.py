"""A zip of class folders, of a table and its files, or of SQuAD's JSON: read where it lies, never unpacked."""

from __future__ import annotations

from pathlib import Path

from headstart.core.errors import DataError
from headstart.data.readers import Options, folder, squad, tabular
from headstart.data.readers.listing import of_zip, top_folder
from headstart.data.readers.rows import is_text_table
from headstart.data.table import Table


class Archive:
    """Reads `.zip` files."""

    def recognises(self, path: Path) -> bool:
        return path.suffix.lower() == ".zip" and path.is_file()

    def read(self, path: Path, options: Options) -> Table:
        listing = of_zip(path)
        questions = squad.those_of_this_format(listing.names, listing.bytes)
        if questions:
            return squad.read_files([(name, listing.bytes(name)) for name in questions], str(path), options)
        tables = [name for name in listing.names if not top_folder(name) and is_text_table(name)]
        if len(tables) == 1 and options.labelled:
            return tabular.read_listed(listing, tables[0], options)
        if any(name.lower().endswith((".parquet", ".arrow")) for name in listing.names):
            raise DataError(
                f"{path} holds Parquet or Arrow files, which cannot be read inside a zip. Unpack "
                "it and give the folder instead."
            )
        return folder.read_listing(listing, options)
