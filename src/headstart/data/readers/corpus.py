"""Plain text files: each line is an example, or each paragraph where blank lines separate them."""

from __future__ import annotations

import gzip
from pathlib import Path

import pyarrow as pa

from headstart.core.errors import DataError
from headstart.data.contents import IN_MEMORY
from headstart.data.readers import Options
from headstart.data.readers.assemble import Draft, split_of_file
from headstart.data.readers.examples import row_ids
from headstart.data.readers.rows import suffix_of
from headstart.data.table import Table

SUFFIXES = (".txt", ".text", ".raw", ".tokens")


class Corpus:
    """A file of text without labels, plain or gzipped, or a folder of nothing but files that are parts of one, such as
    wiki.train.raw and wiki.test.raw."""

    def recognises(self, path: Path) -> bool:
        return bool(_files(path))

    def read(self, path: Path, options: Options) -> Table:
        """The table; ids are a file's name with the number of the line or paragraph.

        Raises:
            DataError: labels are wanted, or it is empty or not UTF-8.
        """
        if options.labelled:
            raise DataError(
                f"{path} is plain text without labels. Give a table with a column of labels, or learn to predict the "
                "text itself with --task language-modeling."
            )
        files = _files(path)
        found = {file: _passages(_text(file)) for file in files}
        passages = [passage for file in files for passage in found[file]]
        if not passages:
            raise DataError(f"{path} is empty. It needs a text on each line.")
        ids = [name for file in files for name in row_ids(file.name, len(found[file]))]
        columns = {}
        if path.is_dir():
            columns["split"] = pa.array([split_of_file(file.name) for file in files for _ in found[file]], pa.string())
        count = len(passages)
        draft = Draft(ids, [IN_MEMORY] * count, [str(place) for place in range(count)], columns)
        return draft.table(str(path), "text", (), memory=passages)


def _files(path: Path) -> list[Path]:
    """The file itself, or those of a folder, when their names tell parts."""
    if not path.is_dir():
        return [path] if path.is_file() and suffix_of(path.name) in SUFFIXES else []
    entries = sorted(entry for entry in path.iterdir() if not entry.name.startswith("."))
    parts = {split_of_file(file.name) for file in entries}
    are_parts = "train" in parts and len(parts) > 1 and None not in parts
    return entries if are_parts and all(_files(file) == [file] for file in entries) else []


def _passages(text: str) -> list[str]:
    """Paragraphs where blank lines separate some, else lines."""
    blocks: list[list[str]] = [[]]
    for line in text.splitlines():
        if line.strip():
            blocks[-1].append(line)
        elif blocks[-1]:
            blocks.append([])
    paragraphs = [block for block in blocks if block]
    if len(paragraphs) > 1:
        return ["\n".join(block) for block in paragraphs]
    return paragraphs[0] if paragraphs else []


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
        return (gzip.decompress(content) if path.suffix.lower() == ".gz" else content).decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise DataError(f"{path} is not UTF-8: byte {problem.start + 1} cannot be read. Save it as UTF-8.") from None
    except (gzip.BadGzipFile, EOFError) as problem:
        raise DataError(f"{path} is not a whole gzip file ({problem}). Download or pack it again.") from None
    except PermissionError:
        raise DataError(f"No permission to read {path}.") from None
