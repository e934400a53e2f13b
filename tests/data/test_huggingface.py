"""Hugging Face data sets, written here byte for byte as `datasets` writes them, and read without it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from contracts.sounds import encoded, samples
from headstart.core.errors import DataError
from headstart.data import checks
from headstart.data.contents import Contents
from headstart.data.read import read

IMAGE_TYPE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
FEATURES = {
    "info": {"features": {"image": {"_type": "Image"}, "label": {"names": ["circle", "square"], "_type": "ClassLabel"}}}
}


def rows(photos: Path, part: slice, embedded: bool = True) -> pa.Table:
    files = sorted(photos.rglob("*.jpg"))[part]
    cells = [
        {"bytes": file.read_bytes(), "path": file.name} if embedded else {"bytes": None, "path": str(file)}
        for file in files
    ]
    schema = pa.schema([("image", IMAGE_TYPE), ("label", pa.int64())], metadata={"huggingface": json.dumps(FEATURES)})
    return pa.table(
        [pa.array(cells, IMAGE_TYPE), pa.array([int(file.parent.name == "square") for file in files])], schema=schema
    )


def save_to_disk(table: pa.Table, folder: Path, shards: int, split: str | None) -> None:
    folder.mkdir(parents=True)
    names = [f"data-{number:05d}-of-{shards:05d}.arrow" for number in range(shards)]
    size = -(-table.num_rows // shards)
    for number, name in enumerate(names):
        with pa.OSFile(str(folder / name), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table.slice(number * size, size), max_chunksize=3)
    state = {"_data_files": [{"filename": name} for name in names], "_split": split, "_fingerprint": "x"}
    (folder / "state.json").write_text(json.dumps(state))
    (folder / "dataset_info.json").write_text("{}")


def same_contents(root: Path, photos: Path, **options: str) -> None:
    table = read(root, **options)  # type: ignore[arg-type]
    contents = Contents(table)
    found = {contents.read(row): label for row, label in enumerate(table.strings("label"))}
    assert found == {file.read_bytes(): file.parent.name for file in photos.rglob("*.jpg")}


def test_saved_to_disk(photos: Path, tmp_path: Path) -> None:
    save_to_disk(rows(photos, slice(None)), tmp_path / "saved", 3, None)
    same_contents(tmp_path / "saved", photos)
    table = read(tmp_path / "saved")
    assert table.strings("id")[0] == "data-00000-of-00003.arrow:1" and not table.has("split")


def test_saved_to_disk_with_parts(photos: Path, tmp_path: Path) -> None:
    root = tmp_path / "saved"
    save_to_disk(rows(photos, slice(0, None, 2)), root / "train", 2, "train")
    save_to_disk(rows(photos, slice(1, None, 2)), root / "test", 1, "test")
    (root / "dataset_dict.json").write_text(json.dumps({"splits": ["train", "test"]}))
    same_contents(root, photos)
    table = read(root)
    assert table.strings("split") == ["train"] * 12 + ["test"] * 12
    assert table.strings("id")[-1] == "test/data-00000-of-00001.arrow:12"


@pytest.mark.parametrize("folder", ["data", "."])
def test_parquet_shards(photos: Path, tmp_path: Path, folder: str) -> None:
    root = tmp_path / "hub"
    (root / folder).mkdir(parents=True)
    parquet.write_table(rows(photos, slice(0, 10)), root / folder / "train-00000-of-00002.parquet", row_group_size=4)
    parquet.write_table(rows(photos, slice(10, 18)), root / folder / "train-00001-of-00002.parquet")
    parquet.write_table(rows(photos, slice(18, None)), root / folder / "validation-00000-of-00001.parquet")
    same_contents(root, photos)
    assert read(root).strings("split") == ["train"] * 18 + ["test"] * 6


def test_cells_that_name_files_instead_of_holding_them(photos: Path, tmp_path: Path) -> None:
    root = tmp_path / "hub"
    root.mkdir()
    parquet.write_table(rows(photos, slice(None), embedded=False), root / "train-00000-of-00001.parquet")
    same_contents(root, photos)
    save_to_disk(rows(photos, slice(None), embedded=False), tmp_path / "saved", 1, None)
    same_contents(tmp_path / "saved", photos)


@pytest.mark.parametrize("name", ["metadata.csv", "metadata.jsonl"])
@pytest.mark.parametrize("parts", [True, False])
def test_image_folder_with_metadata(photos: Path, tmp_path: Path, name: str, parts: bool) -> None:
    root = tmp_path / "folder"
    for number, file in enumerate(sorted(photos.rglob("*.jpg"))):
        folder = root / ("train" if number % 2 else "test") if parts else root
        (folder / "images").mkdir(parents=True, exist_ok=True)
        (folder / "images" / file.name).write_bytes(file.read_bytes())
        start = "" if (folder / name).exists() or name.endswith("jsonl") else "file_name,label\n"
        path, label = f"images/{file.name}", file.parent.name
        with (folder / name).open("a") as stream:
            stream.write(
                start
                + (
                    f"{path},{label}\n"
                    if name.endswith("csv")
                    else json.dumps({"file_name": path, "label": label}) + "\n"
                )
            )
    same_contents(root, photos)
    assert read(root).has("split") == parts


def test_a_class_of_minus_one_is_no_label(photos: Path, tmp_path: Path) -> None:
    table = rows(photos, slice(None))
    numbers = table.column("label").to_pylist()
    numbers[2] = -1
    table = table.set_column(1, table.schema.field("label"), pa.array(numbers))
    save_to_disk(table, tmp_path / "saved", 1, None)
    assert read(tmp_path / "saved").column("label").to_pylist()[:4] == ["circle", "circle", None, "circle"]


@pytest.mark.parametrize("secret", [True, False])
def test_what_everyone_is_measured_on_is_the_test(secret: bool, photos: Path, tmp_path: Path) -> None:
    """As GLUE is published, whose test has −1 for every label; or where there is no such part."""
    root = tmp_path / "saved"
    save_to_disk(rows(photos, slice(0, None, 2)), root / "train", 1, "train")
    save_to_disk(rows(photos, slice(1, None, 2)), root / "validation", 1, "validation")
    splits = ["train", "validation", *(["test"] if secret else [])]
    if secret:
        table = rows(photos, slice(0, 5))
        unknown = pa.array([-1] * 5)
        save_to_disk(table.set_column(1, table.schema.field("label"), unknown), root / "test", 1, "test")
    (root / "dataset_dict.json").write_text(json.dumps({"splits": splits}))
    table = read(root)
    assert table.strings("split") == ["train"] * 12 + ["test"] * 12 and None not in table.column("label").to_pylist()
    told = "the 5 rows without labels of its own are not read" if secret else "since there is no other"
    assert table.notes == (f"The validation part of {root} is the test, {'and ' if secret else ''}{told}.",)
    assert read(root, labelled=False).strings("split").count("test") == 5 * secret


def test_contents_without_labels(photos: Path, tmp_path: Path) -> None:
    save_to_disk(rows(photos, slice(None)).select(["image"]), tmp_path / "saved", 1, None)
    assert len(read(tmp_path / "saved", labelled=False)) == 24
    with pytest.raises(DataError, match="Add one"):
        read(tmp_path / "saved")


def test_shards_that_differ(photos: Path, tmp_path: Path) -> None:
    parquet.write_table(rows(photos, slice(0, 10)), tmp_path / "train-0.parquet")
    parquet.write_table(
        rows(photos, slice(10, 18)).append_column("more", pa.array([1] * 8)), tmp_path / "train-1.parquet"
    )
    with pytest.raises(DataError, match=r"train-1\.parquet has the columns label, more"):
        read(tmp_path)


def test_a_damaged_shard(photos: Path, tmp_path: Path) -> None:
    parquet.write_table(rows(photos, slice(None)), tmp_path / "train-0.parquet")
    whole = (tmp_path / "train-0.parquet").read_bytes()
    (tmp_path / "train-0.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"train-0\.parquet cannot be read"):
        read(tmp_path)


def test_sounds_in_cells_are_known_by_the_names_of_their_files(tmp_path: Path) -> None:
    """As `datasets` writes a column of Audio."""
    cells = [
        {"bytes": encoded(samples(kind, number)), "path": f"{number}.wav"}
        for number in range(3)
        for kind in ("tone", "noise")
    ]
    table = pa.table({"audio": pa.array(cells, IMAGE_TYPE), "label": ["tone", "noise"] * 3})
    parquet.write_table(table, tmp_path / "train-0.parquet")
    found = read(tmp_path)
    assert found.modality == "audio" and len(checks.check(found).table) == 6


TAGS = {"names": ["O", "B-person"], "_type": "ClassLabel"}


OF = ({"feature": TAGS, "_type": "Sequence"}, {"feature": TAGS, "_type": "List"}, [TAGS])


@pytest.mark.parametrize("feature", OF)
@pytest.mark.parametrize("kind", [pa.list_, pa.large_list])
def test_a_list_of_class_numbers(feature: object, kind: Callable[[pa.DataType], pa.DataType], tmp_path: Path) -> None:
    """A tag for each word, in three spellings of the features; -1 is left out, no list is no label."""
    lists = [[1, 0], None, [0], [-1, 1], []]
    schema = pa.schema(
        [("tokens", pa.list_(pa.string())), ("ner_tags", kind(pa.int64()))],
        metadata={"huggingface": json.dumps({"info": {"features": {"ner_tags": feature}}})},
    )
    words = [["Ann", "sings"], ["Bob"], ["so"], ["-", "Eve"], []]
    parquet.write_table(pa.table([words, lists], schema=schema), tmp_path / "train-0.parquet")
    expected = [["B-person", "O"], None, ["O"], [None, "B-person"], []]
    assert read(tmp_path).column("label").to_pylist() == expected
