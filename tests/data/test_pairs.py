"""Pairs of texts: which column is read and which is written, parallel files, tables for each part, structures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from headstart.core.errors import DataError
from headstart.data import checks, splits
from headstart.data.contents import contents_of
from headstart.data.read import has_columns, read
from headstart.data.readers.pairs import chosen, language
from headstart.data.table import Table

EN = ["a dog runs", "two cats sleep", "the bird sings", "a man reads"]
DE = ["ein Hund läuft", "zwei Katzen schlafen", "der Vogel singt", "ein Mann liest"]


def pairs_of(table: Table) -> list[tuple[str, str]]:
    return list(zip(contents_of(table), table.column("label").to_pylist(), strict=True))


def write(path: Path, header: str, *rows: str) -> Path:
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("columns", "content", "label", "expected"),
    [
        (["id", "src", "tgt"], None, None, ("src", "tgt")),
        (["Summary", "Dialogue"], None, None, ("Dialogue", "Summary")),
        (["en", "de"], None, None, ("en", "de")),
        (["de", "note", "en-GB"], None, None, ("de", "en-GB")),
        (["en", "de", "fr"], "de", "fr", ("de", "fr")),
        (["first", "second"], "second", None, ("second", "first")),
        (["first", "second"], None, "first", ("second", "first")),
        (["question", "context", "answer"], "question,context", "answer", ("question,context", "answer")),
    ],
)
def test_columns(columns: list[str], content: str | None, label: str | None, expected: tuple[str, str]) -> None:
    assert chosen(columns, content, label, True, "pairs") == expected
    assert chosen(columns, content, label, False, "pairs") == (expected[0], None)


@pytest.mark.parametrize(
    ("columns", "content", "label"),
    [
        (["en", "de", "fr"], None, None),
        (["one", "two"], None, None),
        (["en", "de", "fr"], None, "de"),
        ([], None, None),
    ],
)
def test_columns_that_cannot_be_told(columns: list[str], content: str | None, label: str | None) -> None:
    with pytest.raises(DataError, match="Say --text COLUMN --label COLUMN"):
        chosen(columns, content, label, True, "pairs")
    with pytest.raises(DataError, match="cannot be both read and written"):
        chosen(["en", "de"], "en", "en", True, "pairs")


def test_new_texts_need_no_answers() -> None:
    assert chosen(["src"], None, None, False, "new") == ("src", None)
    assert chosen(["whatever"], None, None, False, "new") == ("whatever", None)
    assert chosen(["note", "article"], None, None, False, "new") == ("article", None)


def test_codes_of_languages() -> None:
    assert all(map(language, ("en", "pt-BR", "zh_CN", "sr-Latn")))
    assert not any(map(language, ("id", "xx", "english", "text", "")))


def test_a_table(tmp_path: Path) -> None:
    rows = [f"{one}\t{other}" for one, other in zip(EN, DE, strict=True)]
    path = write(tmp_path / "pairs.tsv", "source\ttarget", *rows, "\tnichts", "nothing\t", "a; b|c\td; e|f")
    table = read(path, written=True)
    assert table.written and table.labels == ("label",)
    found = checks.check(table, quarantine_share=0.5)
    reasons = {item.id: item.reason for item in found.table.quarantine}
    assert reasons == {"pairs.tsv:5": "there is nothing in it", "pairs.tsv:6": "it has no value for 'label'"}
    assert pairs_of(found.table) == [*zip(EN, DE, strict=True), ("a; b|c", "d; e|f")]


def test_answers_are_no_classes(tmp_path: Path) -> None:
    """Each is its own: nothing is said of classes, nothing disagrees, and nothing has to be kept in proportion."""
    rows = [f"text number {number}\tanswer {number}" for number in range(40)]
    path = write(tmp_path / "pairs.csv", "input\toutput", *rows, "text number 3\tanother answer").rename(
        tmp_path / "pairs.tsv"
    )
    found = checks.check(read(path, written=True))
    assert len(found.table) == 41 and not found.table.quarantine
    assert found.table.notes == ("1 exact duplicate; copies of one content stay in one part.",)
    parts = splits.split(found, test=0.25)
    assert not parts.notes and 9 <= len(parts.test) <= 11
    same = write(tmp_path / "same.tsv", "input\toutput", *(f"text number {number}\tyes" for number in range(9)))
    assert len(checks.check(read(same, written=True)).table) == 9


def test_names_are_no_near_duplicates() -> None:
    """Of one word each, many would meet in one of the buckets by which longer texts are compared."""
    random = np.random.default_rng(0)
    names = sorted({"".join(random.choice(list("abcdefghij"), 7)) for _ in range(600)})
    found = checks.check(read((names, names), written=True))
    assert len(np.unique(found.clusters)) == len(names)
    assert len(np.unique(checks.check(read((["Anna", "anna", "Hanna"], EN[:3]), written=True)).clusters)) == 2


@pytest.mark.parametrize("form", ["parquet", "jsonl", "folder"])
def test_translations_as_structures(form: str, tmp_path: Path) -> None:
    objects = [{"translation": {"en": one, "de": other}} for one, other in zip(EN, DE, strict=True)]
    path = tmp_path / f"set.{form}"
    if form == "jsonl":
        path.write_text("\n".join(map(json.dumps, objects)))
    elif form == "parquet":
        parquet.write_table(pa.Table.from_pylist(objects), path)
    else:
        path.mkdir()
        for part in ("train", "test"):
            parquet.write_table(pa.Table.from_pylist(objects), path / f"{part}-00000-of-00001.parquet")
    table = read(path, written=True)
    assert pairs_of(table)[:4] == list(zip(EN, DE, strict=True))
    assert table.has("split") == (form == "folder")
    assert pairs_of(read(path, content="de", label="en", written=True))[0] == (DE[0], EN[0])


def test_a_table_for_each_part(tmp_path: Path) -> None:
    parquet.write_table(pa.table({"en": EN, "de": DE, "fr": DE}), tmp_path / "train.parquet")
    write(tmp_path / "val.tsv", "de\ten\tfr", f"{DE[0]}\t{EN[0]}\tx")
    write(tmp_path / "test.csv", "en,de,fr", f"{EN[1]},{DE[1]},x")
    assert has_columns(tmp_path)
    table = read(tmp_path, content="en", label="de", written=True)
    assert pairs_of(table) == [*zip(EN, DE, strict=True), (EN[1], DE[1]), (EN[0], DE[0])]
    assert table.strings("split") == ["train"] * 4 + ["test", "validation"]
    assert table.strings("id")[3:] == ["train.parquet:4", "test.csv:1", "val.tsv:1"]
    write(tmp_path / "test.csv", "en,de", "a,b")
    with pytest.raises(DataError, match=r"test\.csv has the columns en, de, and .*train\.parquet has en, de, fr"):
        read(tmp_path, content="en", label="de", written=True)


def test_a_table_for_each_part_of_any_task(tmp_path: Path) -> None:
    for part in ("train", "test"):
        write(tmp_path / f"{part}.csv", "text,label", f"good {part},yes", f"bad {part},no")
    table = read(tmp_path)
    assert table.strings("split") == ["train", "train", "test", "test"] and not table.written
    assert table.column("label").to_pylist() == ["yes", "no"] * 2


def test_parallel_files(tmp_path: Path) -> None:
    for stem, rows in (("train", slice(0, 3)), ("dev", slice(3, 4))):
        (tmp_path / f"{stem}.en").write_text("\n".join(EN[rows]) + "\n", encoding="utf-8")
        (tmp_path / f"{stem}.de").write_bytes("\r\n".join(DE[rows]).encode())
    (tmp_path / "README.txt").write_text("who made it")
    with pytest.raises(DataError, match="Say --text de --label en, or the other way round"):
        read(tmp_path, written=True)
    table = read(tmp_path, content="en", label="de", written=True)
    assert pairs_of(table) == list(zip(EN, DE, strict=True))
    assert table.strings("split") == ["train"] * 3 + ["validation"]
    assert table.strings("id")[2:] == ["train:3", "dev:1"]
    one = read(tmp_path / "train.en", label="de", written=True)
    assert pairs_of(one) == list(zip(EN[:3], DE[:3], strict=True)) and not one.has("split")
    (tmp_path / "train.de").write_text("nur eine Zeile")
    with pytest.raises(DataError, match=r"train\.de has 1 lines and train\.en has 3"):
        read(tmp_path, content="en", written=True)


def test_sides_tell_the_way(tmp_path: Path) -> None:
    (tmp_path / "all.src").write_text("\n".join(EN))
    (tmp_path / "all.tgt").write_text("\n".join([DE[0], "", *DE[2:]]))
    found = checks.check(read(tmp_path, written=True), quarantine_share=0.5)
    assert pairs_of(found.table)[0] == (EN[0], DE[0]) and len(found.table) == 3
    assert found.table.quarantine[0].id == "all:2"


def test_in_memory() -> None:
    table = read((EN, DE), written=True)
    assert table.written and pairs_of(table) == list(zip(EN, DE, strict=True))


def test_quotes_of_the_text_itself(tmp_path: Path) -> None:
    """A TSV without quoting may have a field that begins with a quote; one of a spreadsheet has quotes around."""
    plain = write(tmp_path / "plain.tsv", "source\ttarget", '"Stop" he said\tHalt', '"I go.\t"Ich gehe.', 'ja"\tno"')
    assert pairs_of(read(plain, written=True)) == [('"Stop" he said', "Halt"), ('"I go.', '"Ich gehe.'), ('ja"', 'no"')]
    around = write(
        tmp_path / "around.tsv", '"source"\t"target"', '"He said ""no"""\t"nein"', '"two\nlines"\t"tab\there"'
    )
    assert pairs_of(read(around, written=True)) == [('He said "no"', "nein"), ("two\nlines", "tab\there")]
