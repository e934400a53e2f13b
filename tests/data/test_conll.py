"""CoNLL columns: files and folders, what is set aside, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from headstart.core.errors import DataError
from headstart.data.contents import Contents
from headstart.data.read import read

FILE = """-DOCSTART- -X- O O

Anna NNP B-NP B-PER
lives VBZ B-VP O

Peter NNP B-NP
saw VBD B-VP O

it
London NNP I-LOC
\t
Maria NNP B-NP I-PER
in IN B-PP person
"""


def test_columns(tmp_path: Path) -> None:
    """Word first, tag last; sentences with a word without a tag, or with no tag where one should be, are set aside."""
    path = tmp_path / "news.conll"
    path.write_text(FILE)
    table = read(path)
    assert table.strings("id") == ["news.conll:03"] and Contents(table).read(0) == ["Anna", "lives"]
    assert table.column("label").to_pylist() == [["B-PER", "O"]]
    found = {item.id: item.reason for item in table.quarantine}
    assert list(found) == ["news.conll:06", "news.conll:09", "news.conll:12"]
    assert found["news.conll:06"] == "line 6 has 3 columns, and the first tagged line has 4"
    assert found["news.conll:09"] == "line 9 has the word 'it' and no tag"
    assert found["news.conll:12"].startswith("line 13 has 'person', which is no tag")
    assert len(read(path, labelled=False)) == 4


@pytest.mark.parametrize("names", [("train.txt", "valid.txt", "test.txt"), ("eng.train", "eng.testa", "eng.testb")])
def test_files_of_other_endings_are_told_by_their_lines(names: tuple[str, ...], tmp_path: Path) -> None:
    """As the set of 2003 is passed on; plain texts of the same names are none."""
    lines = "-DOCSTART- -X- -X- O\n\nAnna NNP B-NP B-PER\nlives VBZ B-VP O\n\n"
    for name in names:
        (tmp_path / name).write_text(10 * lines)
    (tmp_path / "README.txt").write_text("Words and tags.")
    table = read(tmp_path)
    assert sorted(set(table.strings("split"))) == ["test", "train", "validation"] and len(table) == 30
    assert table.column("label").to_pylist()[0] == ["B-PER", "O"]
    assert len(read(tmp_path / names[0])) == 10
    (tmp_path / "rows.csv").write_text("text,label\n" + 50 * "Anna lives,B-PER O\n" + "no,A\n")
    assert len(read(tmp_path / "rows.csv")) == 51, "each row is an example, though its last word is a tag"
    (tmp_path / names[0]).write_text("A text.\nAnother one by O\n")
    with pytest.raises(DataError):
        read(tmp_path / names[0])


def test_folder_with_parts(tmp_path: Path) -> None:
    for name in ("train", "dev", "test"):
        (tmp_path / f"{name}.bio").write_text("Anna\tB-PER\nsaw\tO\n\nNew York\tB-LOC\n", encoding="utf-8-sig")
    table = read(tmp_path)
    assert table.strings("split") == ["validation", "validation", "test", "test", "train", "train"]
    assert [Contents(table).read(row) for row in range(2)] == [["Anna", "saw"], ["New York"]]
    assert table.strings("id")[:2] == ["dev.bio:1", "dev.bio:4"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no sentence that can be used: it is empty"),
        (b"Anna\nsaw\n", r"no sentence.*x.conll:1: line 1 has the word 'Anna' and no tag"),
        (b"\xff\xfe", r"x.conll is not UTF-8 \(byte 1\). Save the file as UTF-8"),
    ],
)
def test_refused(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "x.conll"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        read(path)


def test_columns_have_no_names(tmp_path: Path) -> None:
    path = tmp_path / "x.conll"
    path.write_text("Anna\tB-PER\n")
    with pytest.raises(DataError, match=r"no column 'ner' \(--label\).*tags in the last"):
        read(path, label="ner")
