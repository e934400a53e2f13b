"""A plain text file: each line is an example, or each paragraph where blank lines separate them."""

from __future__ import annotations

import gzip
from pathlib import Path

from headstart.core.errors import DataError
from headstart.data.contents import IN_MEMORY
from headstart.data.readers import Options
from headstart.data.readers.assemble import Draft
from headstart.data.readers.rows import suffix_of
from headstart.data.table import Table

SUFFIXES = (".txt", ".text")


class Corpus:
    """Files of text without labels, plain or gzipped."""

    def recognises(self, path: Path) -> bool:
        return path.is_file() and suffix_of(path.name) in SUFFIXES

    def read(self, path: Path, options: Options) -> Table:
        """The table; ids are the file's name with the number of the line or paragraph.

        Raises:
            DataError: labels are wanted, or it is empty or not UTF-8.
        """
        if options.labelled:
            raise DataError(
                f"{path} is plain text without labels. Give a table with a column of labels, or learn to predict the "
                "text itself with --task language-modeling."
            )
        passages = _passages(_text(path))
        if not passages:
            raise DataError(f"{path} is empty. It needs a text on each line.")
        width = len(str(len(passages)))
        ids = [f"{path.name}:{number:0{width}d}" for number in range(1, len(passages) + 1)]
        count = len(passages)
        draft = Draft(ids, [IN_MEMORY] * count, [str(place) for place in range(count)], {})
        return draft.table(str(path), "text", (), memory=passages)


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
