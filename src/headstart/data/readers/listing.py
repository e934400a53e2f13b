"""What folders and zips have in common: names of files in a tree, where each lies, and how it is opened."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from headstart.core.errors import DataError

SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
    "testa": "validation",
    "testb": "test",
}
"""How people call the parts, and how they are called here."""
_IGNORED = {"__macosx", "thumbs.db", "desktop.ini", "ehthumbs.db", ".ds_store"}


@dataclass(frozen=True)
class Listing:
    """Files of a folder or a zip, sorted, hidden ones left out."""

    root: Path
    names: tuple[str, ...]
    """Paths relative to the root, with `/`."""
    zipped: bool = False
    within: str = ""
    """The folder in which all of it lies, with `/` at its end, where there is one; not part of `names`."""

    def place(self, name: str) -> tuple[str, str | None]:
        """(path, member) of the file called `name`, as the table has them."""
        if self.zipped:
            return str(self.root), self.within + name
        return str(self.root / (self.within + name)), None

    def bytes(self, name: str) -> bytes:
        path, member = self.place(name)
        if member is None:
            return Path(path).read_bytes()
        with zipfile.ZipFile(path) as archive:
            return archive.read(member)


def of_folder(root: Path) -> Listing:
    """Every file below `root`.

    Raises:
        DataError: the folder cannot be read.
    """

    def refuse(problem: OSError) -> None:
        raise DataError(f"The folder {problem.filename} cannot be read: {os.strerror(problem.errno or 0)}.")

    names: list[str] = []
    for folder, folders, files in os.walk(root, onerror=refuse, followlinks=True):
        folders[:] = [name for name in folders if not _hidden(name)]
        relative = Path(folder).relative_to(root).as_posix()
        prefix = "" if relative == "." else relative + "/"
        names += [prefix + name for name in files if not _hidden(name)]
    return _without_wrapper(Listing(root.absolute(), tuple(sorted(names))))


def of_zip(path: Path) -> Listing:
    """Every file in the zip `path`, which stays as it is.

    Raises:
        DataError: it is damaged or encrypted.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
    except zipfile.BadZipFile as problem:
        raise DataError(f"{path} is not a zip file, or is damaged ({problem}). Download or pack it again.") from None
    except PermissionError:
        raise DataError(f"No permission to read {path}.") from None
    if any(member.flag_bits & 1 for member in members):
        raise DataError(f"{path} is encrypted. Unpack it with its password and give the folder instead.")
    names = (member.filename for member in members)
    visible = sorted(name for name in names if not any(_hidden(part) for part in PurePosixPath(name).parts))
    return _without_wrapper(Listing(path.absolute(), tuple(visible), zipped=True))


def top_folder(name: str) -> str:
    """The first folder of `name`; empty for a file that lies at the top."""
    first, slash, _ = name.partition("/")
    return first if slash else ""


def suffixes(names: Iterable[str]) -> str:
    """The endings there are, most common first, for messages."""
    counts: dict[str, int] = {}
    for name in names:
        ending = PurePosixPath(name).suffix.lower() or "no ending"
        counts[ending] = counts.get(ending, 0) + 1
    ordered = sorted(counts, key=lambda ending: -counts[ending])
    return ", ".join(f"{counts[ending]} with {ending}" for ending in ordered[:5])


def _hidden(name: str) -> bool:
    return name.startswith(".") or name.lower() in _IGNORED


def _without_wrapper(listing: Listing) -> Listing:
    """A folder of nothing but one folder of folders is what that inner folder is."""
    tops = {top_folder(name) for name in listing.names}
    if len(tops) != 1 or "" in tops or not any(name.count("/") > 1 for name in listing.names):
        return listing
    top = tops.pop()
    if top.lower() in SPLIT_NAMES:
        return listing
    shorter = tuple(name[len(top) + 1 :] for name in listing.names)
    return _without_wrapper(Listing(listing.root, shorter, listing.zipped, f"{listing.within}{top}/"))
