"""Readers: each layout gives the ids, places, labels, parts and groups that the files say."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import PIL.Image
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from headstart.core.errors import DataError, HeadstartError
from headstart.data.contents import Contents
from headstart.data.read import read
from headstart.data.readers import reader_of, rows
from headstart.data.table import Table


def labels(table: Table, column: str = "label") -> dict[str, object]:
    return dict(zip(table.strings("id"), table.column(column).to_pylist(), strict=True))


def all_contents(table: Table) -> list[object]:
    contents = Contents(table)
    return [contents.read(row) for row in range(len(table))]


def in_parts(photos: Path, *parts: str) -> Path:
    """The photos in folders of parts, 12 / len(parts) of each class in each."""
    root = photos.parent / "parts"
    for number, file in enumerate(sorted(photos.rglob("*.jpg"))):
        place = root / parts[number % len(parts)] / file.parent.name / file.name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, place)
    return root


class TestFolder:
    def test_a_folder_for_each_class(self, photos: Path) -> None:
        table = read(photos)
        assert len(table) == 24 and table.modality == "image" and table.labels == ("label",)
        assert labels(table)["circle/circle_03.jpg"] == "circle"
        assert not table.has("split") and not table.has("group") and not table.quarantine
        assert all_contents(table)[0] == (photos / "circle" / "circle_00.jpg").read_bytes()
        assert read(str(photos)).rows.equals(table.rows)
        assert read(table) is table

    @pytest.mark.parametrize(
        ("names", "parts"),
        [
            (("train", "val"), {"train", "validation"}),
            (("training", "valid", "testing"), {"train", "validation", "test"}),
            (("train", "validation", "test"), {"train", "validation", "test"}),
        ],
    )
    def test_folders_of_parts(self, photos: Path, names: tuple[str, ...], parts: set[str]) -> None:
        table = read(in_parts(photos, *names))
        assert set(table.strings("split")) == parts
        assert set(table.strings("label")) == {"circle", "square"}
        first = table.rows.slice(0, 1).to_pylist()[0]
        assert first["split"].startswith(first["id"].split("/")[0][:3])

    def test_train_alone(self, photos: Path) -> None:
        assert set(read(in_parts(photos, "train")).strings("split")) == {"train"}

    def test_a_class_called_train(self, photos: Path) -> None:
        (photos / "circle").rename(photos / "train")
        table = read(photos)
        assert set(table.strings("label")) == {"train", "square"} and not table.has("split")

    def test_what_lies_beside_the_parts_is_set_aside(self, photos: Path) -> None:
        root = in_parts(photos, "train", "test")
        shutil.copytree(photos / "circle", root / "extra")
        table = read(root)
        assert len(table) == 24 and len(table.quarantine) == 12
        assert "beside the folders" in table.quarantine[0].reason

    def test_strange_files(self, photos: Path) -> None:
        (photos / "circle" / "notes.txt").write_text("x")
        (photos / "circle" / "Thumbs.db").write_text("x")
        (photos / "circle" / ".hidden.jpg").write_text("x")
        (photos / "__MACOSX" / "circle").mkdir(parents=True)
        (photos / "__MACOSX" / "circle" / "a.jpg").write_text("x")
        (photos / "stray.jpg").write_bytes(b"x")
        (photos / "README.md").write_text("x")
        table = read(photos)
        assert len(table) == 24
        assert {item.id: item.reason for item in table.quarantine} == {
            "circle/notes.txt": "not an image file",
            "stray.jpg": "it lies in no class folder",
        }

    def test_nested_folders_belong_to_the_top_one(self, photos: Path) -> None:
        (photos / "circle" / "patient1").mkdir()
        (photos / "circle" / "circle_00.jpg").rename(photos / "circle" / "patient1" / "a.jpg")
        table = read(photos)
        assert labels(table)["circle/patient1/a.jpg"] == "circle"
        assert "--group folder" in table.notes[0]
        groups = read(photos, group="folder").strings("group")
        assert set(groups) == {"circle", "circle/patient1", "square"}

    def test_a_folder_around_it(self, photos: Path) -> None:
        outer = photos.parent / "outer"
        outer.mkdir()
        photos.rename(outer / "inner")
        table = read(outer)
        assert set(table.strings("label")) == {"circle", "square"}
        assert all(isinstance(content, bytes) for content in all_contents(table))

    def test_without_labels(self, photos: Path) -> None:
        table = read(photos / "circle", labelled=False)
        assert len(table) == 12 and table.labels == () and not table.has("label")
        assert len(read(photos, labelled=False)) == 24

    def test_groups_by_expression(self, photos: Path) -> None:
        table = read(photos, group="_([0-9])")
        assert set(table.strings("group")) == {"0", "1"}
        some = read(photos, group="circle_([0-9])")
        assert "12 of 24 paths have no group" in some.notes[0]
        assert len(set(some.strings("group"))) == 2 + 12

    def test_links_are_followed(self, photos: Path) -> None:
        link = photos.parent / "linked"
        link.mkdir()
        for name in ("circle", "square"):
            (link / name).symlink_to(photos / name, target_is_directory=True)
        assert len(read(link)) == 24


def test_published_folders_of_texts(tmp_path: Path) -> None:
    """As the reviews of IMDB come, with texts that nobody labelled, and newsgroups, whose files have no ending."""
    for place, text in enumerate(("a good one", "a bad one", "neither")):
        for part in ("train", "test"):
            for root, part_name, ending in (("reviews", part, ".txt"), ("news", f"news-bydate-{part}", "")):
                label = ("pos", "neg", "unsup")[place]
                folder = tmp_path / root / part_name / label
                if label != "unsup" or (part == "train" and root == "reviews"):
                    folder.mkdir(parents=True)
                    (folder / f"{place}{ending}").write_text(f"{text} in {part}")
    (tmp_path / "reviews" / "train" / "urls_pos.txt").write_text("http")
    (tmp_path / "reviews" / "vocabulary").write_text("the")
    for root in ("reviews", "news"):
        table = read(tmp_path / root)
        assert (table.modality, table.strings("label")) == ("text", ["neg", "pos", "neg", "pos"])
        assert table.strings("split") == ["test", "test", "train", "train"]
        assert all_contents(table)[0] == b"a bad one in test"
    assert read(tmp_path / "reviews").notes == ("1 file lies in a folder of such without labels: not read.",)


def test_plain_text_in_files_for_each_part(tmp_path: Path) -> None:
    for part in ("train", "valid", "test"):
        (tmp_path / f"wiki.{part}.raw").write_text(f" = {part} = \n\n a text of \n two lines \n")
    table = read(tmp_path, labelled=False)
    assert table.strings("split") == ["test", "test", "train", "train", "validation", "validation"]
    assert table.strings("id")[:2] == ["wiki.test.raw:1", "wiki.test.raw:2"]
    assert all_contents(table)[1] == " a text of \n two lines "
    with pytest.raises(DataError, match="plain text without labels"):
        read(tmp_path)
    (tmp_path / "photos").mkdir()
    with pytest.raises(DataError, match="no files that can be learned from"):
        read(tmp_path, labelled=False)


class TestTables:
    def rows(self, photos: Path) -> list[dict[str, object]]:
        files = sorted(photos.rglob("*.jpg"))
        return [
            {
                "path": file.relative_to(photos).as_posix(),
                "label": file.parent.name,
                "size": number * 0.5,
                "patient": f"p{number % 6}",
                "day": f"2024-01-{number + 1:02d}",
                "split": "train" if number % 3 else "test",
            }
            for number, file in enumerate(files)
        ]

    def write(self, photos: Path, suffix: str, rows: list[dict[str, object]]) -> Path:
        path = photos / f"table{suffix}"
        table = pa.Table.from_pylist(rows)
        if suffix == ".parquet":
            parquet.write_table(table, path)
        elif suffix in (".jsonl", ".json"):
            path.write_text("\n".join(json.dumps(row) for row in rows))
        else:
            mark = {".csv": ",", ".tsv": "\t"}[suffix]
            lines = [mark.join(rows[0])] + [
                mark.join("" if value is None else str(value) for value in row.values()) for row in rows
            ]
            path.write_text("\n".join(lines) + "\n")
        return path

    @pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".json", ".parquet"])
    def test_each_format(self, photos: Path, suffix: str) -> None:
        table = read(self.write(photos, suffix, self.rows(photos)), group="patient", time="day")
        assert labels(table)[f"table{suffix}:01"] == "circle" and labels(table)[f"table{suffix}:24"] == "square"
        assert set(table.strings("split")) == {"train", "test"}
        assert set(table.strings("group")) == {f"p{number}" for number in range(6)}
        assert table.has("time")
        assert all_contents(table)[23] == (photos / "square" / "square_11.jpg").read_bytes()

    def test_numbers_stay_numbers(self, photos: Path) -> None:
        table = read(self.write(photos, ".csv", self.rows(photos)), label="size")
        assert table.column("label").to_pylist()[:3] == [0.0, 0.5, 1.0]

    def test_several_label_columns(self, photos: Path) -> None:
        table = read(self.write(photos, ".csv", self.rows(photos)), label="label, size")
        assert table.labels == ("label", "size") and table.has("size")
        assert table.column("size").to_pylist()[2] == 1.0
        with pytest.raises(DataError, match="one column is learned, and label, size are several"):
            table.learned  # noqa: B018

    @pytest.mark.parametrize("suffix", [".csv", ".parquet"])
    def test_columns_of_flags_are_the_labels_of_an_example(self, photos: Path, suffix: str) -> None:
        rows = self.rows(photos)
        for number, row in enumerate(rows):
            row |= {"red": number % 2, "round": number % 3 == 0, "far": None if number == 4 else float(number == 3)}
        path = self.write(photos, suffix, [{**row, "round": int(bool(row["round"]))} for row in rows])
        table = read(path, label="red,round,far")
        assert table.learned == "label"
        assert table.column("label").to_pylist()[:6] == [["round"], ["red"], [], ["red", "round", "far"], None, ["red"]]

    def test_what_looks_like_groups_is_told(self, photos: Path) -> None:
        rows = [{**row, "obscene": number % 2} for number, row in enumerate(self.rows(photos))]
        notes = read(self.write(photos, ".csv", rows)).notes
        assert len(notes) == 1 and "--group patient" in notes[0], "obscene has no scene"
        assert not read(self.write(photos, ".csv", rows), label="patient").notes, "it is what is learned"
        renamed = [{"VideoIDs" if name == "patient" else name: one for name, one in row.items()} for row in rows]
        assert "--group VideoIDs" in read(self.write(photos, ".csv", renamed)).notes[0]

    def test_lists_in_text(self, photos: Path) -> None:
        rows = self.rows(photos)
        for number, row in enumerate(rows):
            row["label"] = ["red;round", "red", "round; blue", "", "blue"][number % 5]
        table = read(self.write(photos, ".csv", rows))
        assert table.column("label").to_pylist()[:5] == [["red", "round"], ["red"], ["round", "blue"], None, ["blue"]]

    def test_a_separator_inside_names_makes_no_list(self, photos: Path) -> None:
        rows = self.rows(photos)
        rows[0]["label"] = "a|b"
        table = read(self.write(photos, ".csv", rows))
        assert labels(table)["table.csv:01"] == "a|b"

    def test_lists_as_lists(self, photos: Path) -> None:
        rows = self.rows(photos)
        for number, row in enumerate(rows):
            row["label"] = [["a", "b"], ["b"], []][number % 3]
        for suffix in (".jsonl", ".parquet"):
            assert read(self.write(photos, suffix, rows)).column("label").to_pylist()[:3] == [["a", "b"], ["b"], []]

    def test_semicolons_as_in_european_files_and_a_mark_at_the_beginning(self, photos: Path) -> None:
        lines = ["Filename;Class", *(f"{row['path']};{row['label']}" for row in self.rows(photos))]
        (photos / "eu.csv").write_text("\n".join(lines), encoding="utf-8-sig")
        assert set(read(photos / "eu.csv").strings("label")) == {"circle", "square"}

    def test_the_column_of_paths_is_known_by_its_values(self, photos: Path) -> None:
        rows = [{"where": row["path"], "what": row["label"]} for row in self.rows(photos)]
        table = read(self.write(photos, ".csv", rows), label="what")
        assert set(table.strings("label")) == {"circle", "square"}
        assert len(read(self.write(photos, ".csv", rows), labelled=False)) == 24

    def test_absolute_paths(self, photos: Path, tmp_path: Path) -> None:
        rows = [{"image": str(photos / str(row["path"])), "label": row["label"]} for row in self.rows(photos)]
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        moved = self.write(photos, ".csv", rows).rename(elsewhere / "t.csv")
        assert len(all_contents(read(moved))) == 24

    def test_parts_that_are_no_parts_are_left_alone(self, photos: Path) -> None:
        rows = self.rows(photos)
        rows[4]["split"] = "fold 3"
        path = self.write(photos, ".csv", rows)
        table = read(path)
        assert not table.has("split") and "fold 3" in table.notes[0]
        with pytest.raises(DataError, match="'fold 3' in row 5"):
            read(path, split="split")

    def test_a_column_that_looks_like_groups_is_pointed_out(self, photos: Path) -> None:
        table = read(self.write(photos, ".csv", self.rows(photos)))
        assert not table.has("group") and "--group patient" in table.notes[0]

    def test_groups_from_paths(self, photos: Path) -> None:
        table = read(self.write(photos, ".csv", self.rows(photos)), group="_([0-9])")
        assert set(table.strings("group")) == {"0", "1"}

    def test_missing_values(self, photos: Path) -> None:
        rows = self.rows(photos)
        rows[3]["label"] = ""
        rows[5]["path"] = ""
        rows[6]["path"] = "circle/lost.jpg"
        table = read(self.write(photos, ".csv", rows))
        assert labels(table)["table.csv:04"] is None and len(table) == 24

    def test_contents_in_cells(self, photos: Path) -> None:
        files = sorted(photos.rglob("*.jpg"))
        table = pa.table(
            {"picture": [file.read_bytes() for file in files], "label": [file.parent.name for file in files]}
        )
        parquet.write_table(table, photos / "cells.parquet", row_group_size=5)
        found = read(photos / "cells.parquet")
        assert all_contents(found) == [file.read_bytes() for file in files]
        backwards = Contents(found)
        assert [backwards.read(row) for row in range(23, -1, -1)] == [file.read_bytes() for file in reversed(files)]


class TestArchive:
    def pack(self, root: Path, prefix: str = "") -> Path:
        path = root.parent / "packed.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(root.rglob("*.*")):
                archive.write(file, prefix + file.relative_to(root).as_posix())
            archive.writestr("__MACOSX/circle/._a.jpg", b"x")
        return path

    @pytest.mark.parametrize("prefix", ["", "data/photos/"])
    def test_class_folders(self, photos: Path, prefix: str) -> None:
        table = read(self.pack(photos, prefix))
        assert table.strings("id") == read(photos).strings("id")
        assert table.strings("label") == read(photos).strings("label")
        assert all_contents(table) == all_contents(read(photos))

    def test_parts(self, photos: Path) -> None:
        root = in_parts(photos, "train", "test")
        table = read(self.pack(root, "x/"))
        assert table.strings("split") == read(root).strings("split")

    def test_a_table_with_its_files(self, photos: Path) -> None:
        lines = [
            "file,label",
            *(f"{file.relative_to(photos).as_posix()},{file.parent.name}" for file in sorted(photos.rglob("*.jpg"))),
        ]
        (photos / "labels.csv").write_text("\n".join(lines))
        table = read(self.pack(photos, "inner/"))
        assert table.strings("id")[0] == "labels.csv:01"
        assert all_contents(table) == all_contents(read(photos / "labels.csv"))

    def test_a_flat_one_without_labels(self, photos: Path) -> None:
        assert len(read(self.pack(photos / "circle"), labelled=False)) == 12


class TestMemory:
    def test_arrays_and_labels(self) -> None:
        arrays = np.random.default_rng(0).integers(0, 255, (6, 8, 8), dtype=np.uint8)
        table = read((arrays, np.array([0, 1, 0, 1, 0, 1])))
        assert table.column("label").to_pylist() == [0, 1, 0, 1, 0, 1]
        assert table.strings("id")[0] == "item 0" and np.array_equal(Contents(table).read(3), arrays[3])
        assert read((list(arrays), list("ababab"))).strings("label") == list("ababab")

    def test_pictures_without_labels(self) -> None:
        table = read([PIL.Image.new("L", (4, 4))] * 3, labelled=False)
        assert len(table) == 3 and table.labels == ()

    def test_lists_of_labels(self) -> None:
        table = read(([np.zeros((4, 4), np.uint8)] * 3, [{"b", "a"}, ["c"], None]))
        assert table.column("label").to_pylist() == [["a", "b"], ["c"], None]

    def test_paths(self, photos: Path) -> None:
        files = sorted(photos.rglob("*.jpg"))
        table = read((files, [file.parent.name for file in files]), group="_([0-9])")
        assert all_contents(table)[5] == files[5].read_bytes()
        assert set(table.strings("group")) == {"0", "1"}


@pytest.mark.parametrize("on_disk", [False, True])
def test_a_json_list_of_objects(on_disk: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = [{"text": f"good {place}", "label": place % 2} for place in range(6)]
    given[4]["more"] = "a field that the first has not"
    (tmp_path / "list.json").write_text(json.dumps(given, indent=1))
    monkeypatch.setattr(rows, "LARGE", 0 if on_disk else rows.LARGE)
    assert rows.read_rows(tmp_path / "list.json").select(["text", "label"]).to_pylist() == [
        {"text": one["text"], "label": one["label"]} for one in given
    ]


def test_tables_as_spreadsheets_save_them(tmp_path: Path) -> None:
    """In UTF-16, or with empty columns that nobody named."""
    (tmp_path / "wide.csv").write_text("label,text,,,\na,good caf\u00e9,,,\nb,bad,,rest,\n", encoding="utf-16")
    assert rows.read_rows(tmp_path / "wide.csv").to_pylist() == [
        {"label": "a", "text": "good caf\u00e9"}, {"label": "b", "text": "bad"}
    ]  # fmt: skip


def test_lists_written_as_text(tmp_path: Path) -> None:
    """As pandas writes them; and texts in brackets, which are none."""
    lines = ["words,tags,text", """"['Ann', ""O'Hare""]","['B-per', 'O']",[deleted]""", """"['so']","['O']",[1""", ",,"]
    (tmp_path / "tags.csv").write_text("\n".join(lines))
    found = rows.read_rows(tmp_path / "tags.csv").to_pydict()
    assert found["words"] == [["Ann", "O'Hare"], ["so"], None] and found["tags"] == [["B-per", "O"], ["O"], None]
    assert found["text"] == ["[deleted]", "[1", None]


def test_a_reader_for_every_kind_of_path(photos: Path) -> None:
    assert type(reader_of(photos)).__name__ == "Folder"
    (photos / "a.bin").write_bytes(b"x")
    assert reader_of(photos / "a.bin") is None
    with pytest.raises(HeadstartError, match="no format that is known"):
        read(photos / "a.bin")
    (photos / "a.xlsx").write_bytes(b"x")
    with pytest.raises(HeadstartError, match="is a spreadsheet: save it as CSV"):
        read(photos / "a.xlsx")


def test_ids_are_unique_and_order_is_that_of_names(photos: Path) -> None:
    ids = read(photos).strings("id")
    assert ids == sorted(set(ids))


def test_real_folders(shared: Path) -> None:
    table = read(shared / "data" / "vision" / "flowers")
    assert len(table) == 720 and len(set(table.strings("label"))) == 12
    assert table.strings("split").count("test") == 240
    cells = read(shared / "data" / "vision" / "tiny_imagenet" / "val.parquet", label="class_name")
    assert len(cells) == 1000 and len(set(cells.strings("label"))) == 100
