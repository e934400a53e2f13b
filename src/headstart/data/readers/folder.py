"""A folder for each class, in train and test folders or not; or a flat folder of files without labels."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pyarrow as pa

from headstart.core.errors import DataError
from headstart.core.wording import counted
from headstart.data.modalities import modalities
from headstart.data.readers import Options
from headstart.data.readers.assemble import (
    Draft,
    choose_modality,
    groups_from_paths,
    refuse_options,
    require_classes,
    split_name,
    split_of_file,
)
from headstart.data.readers.listing import Listing, of_folder, suffixes, top_folder
from headstart.data.table import LABEL, Quarantined, Table

TABLES = (".csv", ".tsv", ".jsonl", ".parquet")
UNLABELLED = ("unsup", "unlabeled", "unlabelled")
"""Folders beside those of classes whose files have none."""
WITHOUT_ENDING = "text"
"""What files are taken for of which none has an ending."""


class Folder:
    """Reads a folder tree: the class is the top folder, or the one below train, validation or test."""

    def recognises(self, path: Path) -> bool:
        return path.is_dir()

    def read(self, path: Path, options: Options) -> Table:
        return read_listing(of_folder(path), options)


def read_listing(listing: Listing, options: Options) -> Table:
    """The table of a folder tree.

    Raises:
        DataError: empty, no file of a known modality, no class folders, or one class only.
    """
    origin = str(listing.root)
    if not listing.names:
        raise DataError(f"{origin} is empty: no files are in it. Put one folder of examples a class into it.")
    bare = all(not PurePosixPath(name).suffix for name in listing.names)
    modality = choose_modality(listing.names, options.modality) or (WITHOUT_ENDING if bare else None)
    if modality is None:
        raise DataError(
            f"{origin} has no files that can be learned from (there are "
            f"{suffixes(listing.names)}). {_offer_table(listing)}Known endings: "
            f"{_known_endings()}."
        )
    refuse_options(
        origin,
        "a folder has no columns; the names of its folders are the labels and the "
        "splits. Give a "
        "CSV file that lists the files instead.",
        label=options.label,
        content=options.content,
        time=options.time,
        split=options.split,
    )
    endings = ("",) if bare else modalities.get(modality).suffixes
    names = [name for name in listing.names if name.lower().endswith(endings)]
    if not names:
        raise DataError(
            f"{origin} has no {modality}s (there are {suffixes(listing.names)}). Known endings: {_known_endings()}."
        )
    splits = _splits(names)
    outside = [name for name in names if splits and top_folder(name) not in splits]
    names = [name for name in names if not splits or top_folder(name) in splits]
    columns: dict[str, pa.Array] = {}
    notes: list[str] = []
    quarantine = [Quarantined(name, f"it lies beside the folders {', '.join(splits)}") for name in outside]
    if options.labelled:
        names, strange = _in_class_folders(listing, names, bool(splits), modality, endings)
        known = {item.id for item in quarantine}
        quarantine += [item for item in strange if item.id not in known]
        labelled = [name for name in names if _class(name, bool(splits)).lower() not in UNLABELLED]
        if unknown := len(names) - len(labelled):
            told = counted(unknown, "file lies", "files lie")
            notes.append(f"{told} in a folder of such without labels: not read.")
            names = labelled
        columns[LABEL] = pa.array([_class(name, bool(splits)) for name in names], pa.string())
        notes += _nested(names, bool(splits))
    elif names and all(name.count("/") > bool(splits) for name in names):
        columns[LABEL] = pa.array([_class(name, bool(splits)) for name in names], pa.string())  # known, not asked for
    if splits:
        columns["split"] = pa.array([splits[top_folder(name)] for name in names], pa.string())
    if options.group is not None:
        columns["group"], more = groups_from_paths(names, options.group, origin)
        notes += more
    places = [listing.place(name) for name in names]
    table = Draft(names, [path for path, _ in places], [member for _, member in places], columns).table(
        origin, modality, (LABEL,) if options.labelled else (), quarantine, notes
    )
    if options.labelled:
        require_classes(table.column(LABEL), origin)
    return table


def _splits(names: list[str]) -> dict[str, str]:
    """Top folder → part, when the top folders are `train` alone or with others such as `val` and `test`, or when every
    one has such a word in its name."""
    tops = {top_folder(name) for name in names}
    told = {top: part for top in sorted(tops) if (part := split_of_file(top)) is not None}
    if len(told) == len(tops) == len(set(told.values())) > 1 and "train" in told.values():
        return told
    known = {top: part for top in sorted(tops) if (part := split_name(top)) is not None}
    in_parts = "train" in known.values() and (len(known) > 1 or len(tops - {""}) == 1)
    return known if in_parts else {}


def _class(name: str, in_splits: bool) -> str:
    parts = name.split("/")
    return parts[1] if in_splits else parts[0]


def _in_class_folders(
    listing: Listing, names: list[str], in_splits: bool, modality: str, endings: tuple[str, ...]
) -> tuple[list[str], list[Quarantined]]:
    """The files that lie in a class folder, and the others with the reason."""
    depth = 2 if in_splits else 1
    inside = [name for name in names if name.count("/") >= depth]
    if not inside:
        raise DataError(
            f"{listing.root} has {len(names)} {modality}s and no class folders. Put each class "
            "into a folder of its own, or give a CSV file with labels. "
            f"{_offer_table(listing)}".strip()
        )
    chosen = set(inside)
    strange = [name for name in listing.names if name not in chosen]
    kind = f"not {'an' if modality[0] in 'aeiou' else 'a'} {modality} file"
    quarantine = [
        Quarantined(name, "it lies in no class folder" if name.lower().endswith(endings) else kind)
        for name in strange
        if name.count("/") >= depth or name.lower().endswith(endings)
    ]
    return inside, quarantine


def _nested(names: list[str], in_splits: bool) -> list[str]:
    depth = 2 if in_splits else 1
    deeper = next((name for name in names if name.count("/") > depth), None)
    if deeper is None:
        return []
    return [
        f"Class folders have folders inside, such as '{deeper}'; its class is "
        f"'{_class(deeper, in_splits)}'. If the inner folders are patients, videos or the like, keep "
        "each in one part with --group folder."
    ]


def _offer_table(listing: Listing) -> str:
    tables = [name for name in listing.names if name.lower().endswith(TABLES)]
    if not tables:
        return ""
    return f"If {tables[0]} lists the files and their labels, give it instead of the folder. "


def _known_endings() -> str:
    return ", ".join(ending for name in modalities.names() for ending in modalities.get(name).suffixes)
