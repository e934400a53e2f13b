"""Checks: every unusable example is set aside with its reason, and what is usable is kept."""

from __future__ import annotations

import io
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from headstart.core import fingerprints
from headstart.core.errors import DataError
from headstart.data.checks import check
from headstart.data.facts import Facts
from headstart.data.read import read
from headstart.data.readers.memory import from_memory


class Cache:
    """Facts in memory, with a record of what was asked and put."""

    def __init__(self) -> None:
        self.facts: dict[str, Facts] = {}
        self.put_keys: list[str] = []

    def get(self, keys: Sequence[str]) -> Mapping[str, Facts]:
        return {key: self.facts[key] for key in keys if key in self.facts}

    def put(self, facts: Mapping[str, Facts]) -> None:
        self.facts.update(facts)
        self.put_keys += facts


def reasons(checked: object) -> dict[str, str]:
    return {item.id: item.reason for item in checked.table.quarantine}  # type: ignore[attr-defined]


def test_good_photos_are_all_kept(photos: Path) -> None:
    checked = check(read(photos))
    assert len(checked.table) == 24 and not checked.table.quarantine and not checked.table.notes
    assert checked.keys[0] == fingerprints.of_file(photos / "circle" / "circle_00.jpg")
    assert len(np.unique(checked.clusters)) == 24
    assert checked.counts["size"] == {"96x80": 24} and checked.counts["mode"] == {"RGB": 24}


def test_unreadable_files_are_set_aside(photos: Path) -> None:
    whole = (photos / "circle" / "circle_00.jpg").read_bytes()
    (photos / "circle" / "circle_00.jpg").write_bytes(whole[: len(whole) // 2])
    (photos / "circle" / "circle_01.jpg").write_bytes(b"")
    (photos / "square" / "square_02.jpg").write_text("hello there")
    checked = check(read(photos))
    found = reasons(checked)
    assert set(found) == {"circle/circle_00.jpg", "circle/circle_01.jpg", "square/square_02.jpg"}
    assert found["circle/circle_00.jpg"].startswith("truncated")
    assert found["circle/circle_01.jpg"] == "the file is empty"
    assert found["square/square_02.jpg"] == "not an image: starts with 'hello there'"
    assert len(checked.table) == len(checked.keys) == len(checked.clusters) == 21


def test_too_many_unreadable_files_are_refused(photos: Path) -> None:
    for number in range(6):
        (photos / "circle" / f"circle_{number:02d}.jpg").write_text("no")
    with pytest.raises(DataError, match="6 of 24 examples") as problem:
        check(read(photos))
    assert str(problem.value).count("circle/circle_0") == 5
    assert len(check(read(photos), quarantine_share=0.3).table) == 18


def test_missing_labels_and_files(photos: Path) -> None:
    files = sorted(photos.rglob("*.jpg"))
    lines = ["path,label", *(f"{file.relative_to(photos).as_posix()},{file.parent.name}" for file in files)]
    lines[2] = lines[2].split(",")[0] + ","
    lines[3] = "circle/lost.jpg,circle"
    lines[4] = ",circle"
    (photos / "t.csv").write_text("\n".join(lines))
    assert reasons(check(read(photos / "t.csv"))) == {
        "t.csv:02": "it has no value for 'label'",
        "t.csv:03": "the file does not exist",
        "t.csv:04": "the row has no path",
    }


def test_copies_that_disagree_are_all_set_aside(photos: Path) -> None:
    shutil.copy(photos / "circle" / "circle_03.jpg", photos / "square" / "copy.jpg")
    shutil.copy(photos / "circle" / "circle_03.jpg", photos / "circle" / "copy.jpg")
    found = reasons(check(read(photos)))
    assert set(found) == {"circle/circle_03.jpg", "circle/copy.jpg", "square/copy.jpg"}
    assert found["circle/copy.jpg"] == "the same content is 'circle' here and 'square' as square/copy.jpg"


def test_measured_numbers_of_copies_may_differ() -> None:
    random = np.random.default_rng(0)
    arrays = list(random.integers(0, 255, (6, 16, 16), dtype=np.uint8))
    checked = check(from_memory([*arrays, arrays[0]], [0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 0.6]))
    assert len(checked.table) == 7 and checked.clusters[0] == checked.clusters[6]


def test_copies_that_agree_are_one_cluster(photos: Path) -> None:
    shutil.copy(photos / "circle" / "circle_03.jpg", photos / "circle" / "copy.jpg")
    picture = PIL.Image.open(photos / "square" / "square_05.jpg")
    picture.resize((48, 40)).save(photos / "square" / "small.jpg", quality=60)
    checked = check(read(photos))
    place = {name: number for number, name in enumerate(checked.table.strings("id"))}
    numbers = checked.clusters
    assert numbers[place["circle/circle_03.jpg"]] == numbers[place["circle/copy.jpg"]]
    assert numbers[place["square/square_05.jpg"]] == numbers[place["square/small.jpg"]]
    assert len(np.unique(numbers)) == 24
    assert any("1 exact duplicate;" in note for note in checked.table.notes)
    assert any("1 near duplicate;" in note for note in checked.table.notes)


def test_facts_are_looked_up_and_kept(photos: Path) -> None:
    cache = Cache()
    shutil.copy(photos / "circle" / "circle_03.jpg", photos / "circle" / "copy.jpg")
    first = check(read(photos), cache)
    assert sorted(cache.put_keys) == sorted(set(first.keys))
    cache.put_keys.clear()
    again = check(read(photos), cache)
    assert not cache.put_keys and again.keys == first.keys
    assert np.array_equal(again.clusters, first.clusters)
    cache.facts[first.keys[0]] = Facts(problem="said the cache")
    assert reasons(check(read(photos), cache)) == {"circle/circle_00.jpg": "said the cache"}


def test_unequal_and_small_classes_are_noted(photos: Path) -> None:
    for file in sorted((photos / "square").iterdir())[1:]:
        file.unlink()
    notes = " ".join(check(read(photos)).table.notes)
    assert "12 of 'circle' and 1 of 'square'" in notes and "under 5) of 'square'" in notes


@pytest.mark.parametrize(
    ("name", "expression"),
    [
        ("patient{group:03d}_{item}.jpg", "(patient[0-9]+)"),
        ("video{group}_frame{item:04d}.jpg", "(video[0-9]+)"),
        ("IMG_p{group:02d}_s{item}.jpg", "(p[0-9]+)"),
    ],
)
def test_names_that_look_like_groups_are_noted(photos: Path, name: str, expression: str) -> None:
    for folder in photos.iterdir():
        for number, file in enumerate(sorted(folder.iterdir())):
            file.rename(folder / name.format(group=number // 3, item=number))
    table = check(read(photos)).table
    assert any(expression in note for note in table.notes)
    grouped = check(read(photos, group=expression)).table
    assert len(set(grouped.strings("group"))) == 4 and not grouped.notes


def test_names_of_cameras_are_no_groups(photos: Path) -> None:
    for folder in photos.iterdir():
        for number, file in enumerate(sorted(folder.iterdir())):
            file.rename(folder / f"P10100{number:02d}.jpg")
    assert not check(read(photos)).table.notes


def test_objects_that_are_no_pictures(photos: Path) -> None:
    good = list(np.random.default_rng(0).integers(0, 255, (10, 16, 16), dtype=np.uint8))
    closed = PIL.Image.open(io.BytesIO((photos / "circle" / "circle_00.jpg").read_bytes()[:1200]))
    found = reasons(check(from_memory([*good, None, closed], list("ab" * 6))))
    assert "nothing in it" in found["item 10"] and "item 11" in found


def test_two_palettes_of_one_drawing_are_two_contents() -> None:
    pictures = []
    for colour in (10, 200):
        picture = PIL.Image.new("P", (8, 8), 0)
        picture.putpalette([colour, 0, 0, 0, colour, 0])
        picture.putpixel((1, 1), 1)
        pictures.append(picture)
    assert len(set(check(from_memory(pictures, ["a", "b"])).keys)) == 2


def test_contents_without_labels(photos: Path) -> None:
    assert len(check(read(photos, labelled=False)).table) == 24
