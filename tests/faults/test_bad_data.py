"""Each mistake a user can make with data is answered by one sentence that names the thing."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from headstart.core.errors import HeadstartError
from headstart.data.checks import check
from headstart.data.read import read


def refused(target: object, *parts: str, **options: object) -> str:
    """The message of the refusal, which has every one of `parts`."""
    with pytest.raises(HeadstartError) as problem:
        check(read(target, **options))  # type: ignore[arg-type]
    message = str(problem.value)
    for part in parts:
        assert part in message, message
    assert message.rstrip()[-1] in ".?" or "\n" in message
    return message


def csv(photos: Path, header: str, *rows: str, encoding: str = "utf-8") -> Path:
    path = photos / "table.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding=encoding)
    return path


class TestPlaces:
    def test_a_path_that_does_not_exist(self, photos: Path) -> None:
        refused(photos.parent / "photo", "photo does not exist", "Did you mean photos?")
        refused(photos / "circel", "circel does not exist", "Did you mean circle")
        refused(photos / "a" / "b", "does not exist", "Known: circle, square")
        refused("/", "/")

    def test_an_empty_folder(self, tmp_path: Path) -> None:
        refused(tmp_path, str(tmp_path), "is empty")
        (tmp_path / "class").mkdir()
        refused(tmp_path, "is empty")

    def test_no_images(self, tmp_path: Path) -> None:
        for name in ("a.docx", "b.docx", "c"):
            (tmp_path / name).write_text("x")
        refused(tmp_path, "2 with .docx", ".jpg")

    def test_one_class(self, photos: Path) -> None:
        for file in (photos / "square").iterdir():
            file.unlink()
        refused(photos, "one class only: 'circle'")

    def test_no_class_folders(self, photos: Path) -> None:
        refused(photos / "circle", "12 images and no class folders")
        (photos / "circle" / "labels.csv").write_text("x")
        refused(photos / "circle", "labels.csv", "give it instead")

    def test_columns_of_a_folder(self, photos: Path) -> None:
        refused(photos, "no column 'kind' (--label)", label="kind")
        refused(photos, "no column 'day' (--time)", time="day")
        refused(photos, "not a regular expression", "(patient[0-9]+)", group="(")
        refused(photos, "'patient' is found in no path", "circle/circle_00.jpg", group="patient")

    def test_a_modality_that_is_not_known(self, photos: Path) -> None:
        refused(photos, "no modality called 'imgae'", "Did you mean image?", modality="imgae")

    @pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the administrator may read everything")
    def test_no_permission(self, photos: Path) -> None:
        (photos / "circle").chmod(0)
        try:
            refused(photos, "circle cannot be read")
        finally:
            (photos / "circle").chmod(0o755)


class TestTables:
    def test_empty_ones(self, photos: Path) -> None:
        (photos / "table.csv").write_text("")
        refused(photos / "table.csv", "table.csv is empty")
        refused(csv(photos, "path,label"), "header and no rows")

    def test_missing_columns(self, photos: Path) -> None:
        path = csv(photos, "path,kind,size", "circle/circle_00.jpg,a,1", "square/square_00.jpg,b,2")
        refused(path, "no column with a usual name for labels", "kind, size")
        refused(path, "no column 'knd' (--label)", "Did you mean kind", label="knd")
        refused(path, "no column 'pth' (--content)", "Did you mean path", content="pth")
        refused(path, "no column 'patient' (--group)", label="kind", group="patient")
        refused(path, "no column 'day' (--time)", label="kind", time="day")
        refused(path, "no column 'part' (--split)", label="kind", split="part")

    def test_no_column_of_paths(self, photos: Path) -> None:
        refused(csv(photos, "number,label", "1,a", "2,b"), "no column of paths or texts", "number, label", "--content")
        refused(csv(photos, "file,label", "good,a", "bad,b"), "holds no paths", "'good'")

    def test_all_files_missing(self, photos: Path) -> None:
        refused(
            csv(photos, "path,label", "x/a.jpg,a", "x/b.jpg,b"),
            "No file that",
            "row 1 says 'x/a.jpg'",
            str(photos / "x" / "a.jpg"),
        )

    def test_one_class_or_none(self, photos: Path) -> None:
        refused(csv(photos, "path,label", "circle/circle_00.jpg,a", "square/square_00.jpg,a"), "one class only: 'a'")
        refused(csv(photos, "path,label", "circle/circle_00.jpg,", "square/square_00.jpg,"), "no label in any row")

    def test_a_row_too_long(self, photos: Path) -> None:
        refused(
            csv(photos, "path,label", "circle/circle_00.jpg,a", "square/square_00.jpg,b,c,d"),
            "table.csv cannot be read as CSV",
            "Expected 2 columns, got 4",
        )

    def test_not_utf8(self, photos: Path) -> None:
        rows = ("circle/circle_00.jpg,blé", "square/square_00.jpg,b")
        refused(csv(photos, "path,label", *rows, encoding="latin-1"), "UTF-8")

    def test_no_header(self, photos: Path) -> None:
        path = csv(photos, "circle,a round thing without corners", "square,a thing that has four corners")
        refused(path, "'a round thing without corners' is no name of a column: give the table a header line")

    def test_two_columns_of_one_name(self, photos: Path) -> None:
        refused(csv(photos, "path,label,label", "circle/circle_00.jpg,a,b"), "more than one column called 'label'")

    def test_json_that_is_not_lines(self, photos: Path) -> None:
        (photos / "t.json").write_text('[{"path": "a.jpg", "label": "a"}, "b"]')
        refused(photos / "t.json", "t.json is a JSON list, but element 2 is no object")
        (photos / "t.json").write_text('[{"path": "a.jpg", "label":')
        refused(photos / "t.json", "t.json cannot be read as JSON")
        (photos / "t.jsonl").write_text('{"path": "a.jpg"\n{"path": }')
        refused(photos / "t.jsonl", "t.jsonl cannot be read as JSONL")

    def test_a_damaged_parquet_file(self, photos: Path) -> None:
        (photos / "t.parquet").write_bytes(b"PAR1 nothing")
        refused(photos / "t.parquet", "t.parquet cannot be read")

    def test_labels_with_a_name_of_ours(self, photos: Path) -> None:
        path = csv(photos, "file,label,path", "circle/circle_00.jpg,a,1", "square/square_00.jpg,b,2")
        refused(path, "called 'path'", "Rename", label="label,path", content="file")


class TestArchives:
    def test_damaged(self, tmp_path: Path) -> None:
        (tmp_path / "a.zip").write_bytes(b"PK\x03\x04 no")
        refused(tmp_path / "a.zip", "a.zip is not a zip file, or is damaged")

    def test_encrypted(self, photos: Path) -> None:
        path = photos.parent / "a.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.write(photos / "circle" / "circle_00.jpg", "circle/a.jpg")
        content = bytearray(path.read_bytes())
        directory = content.index(b"PK\x01\x02")
        content[6] |= 1
        content[directory + 8] |= 1
        path.write_bytes(bytes(content))
        refused(path, "encrypted", "Unpack it")

    def test_damage_to_one_member_is_quarantine(self, photos: Path) -> None:
        path = photos.parent / "a.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for file in sorted(photos.rglob("*.jpg")):
                archive.write(file, file.relative_to(photos).as_posix())
        content = bytearray(path.read_bytes())
        content[200:260] = bytes(60)
        path.write_bytes(bytes(content))
        checked = check(read(path))
        assert len(checked.table) == 23
        assert "damaged" in checked.table.quarantine[0].reason

    def test_parquet_inside(self, tmp_path: Path) -> None:
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
            archive.writestr("data/train-0.parquet", b"x")
        refused(tmp_path / "a.zip", "cannot be read inside a zip")

    def test_empty(self, tmp_path: Path) -> None:
        with zipfile.ZipFile(tmp_path / "a.zip", "w"):
            pass
        refused(tmp_path / "a.zip", "is empty")


class TestMemory:
    @pytest.mark.parametrize(
        ("target", "part"),
        [
            (([], []), "empty"),
            (([np.zeros((4, 4), np.uint8)] * 3, ["a", "b"]), "3 contents and 2 labels"),
            ([np.zeros((4, 4), np.uint8)], "no labels with the contents"),
            ((["a.jpg", np.zeros((4, 4))], ["a", "b"]), "partly paths"),
            ((["a.jpg", "a.jpg"], ["a", "b"]), "a.jpg is in the list more than once"),
            (([np.zeros((4, 4), np.uint8)] * 2, ["a", "a"]), "one class only"),
            (5, "type int"),
            ((np.zeros((2, 4, 4, 7), np.uint8), ["a", "b"]), "shape (4, 4, 7)"),
        ],
    )
    def test_refused(self, target: object, part: str) -> None:
        refused(target, part)
