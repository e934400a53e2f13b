"""Questions on contexts: SQuAD's JSON and tables of its layout, what is set aside or refused, what stays together."""

from __future__ import annotations

import gzip
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from headstart.core.errors import DataError
from headstart.data import answers, checks, splits
from headstart.data.contents import Contents
from headstart.data.modalities.text import word_places
from headstart.data.read import read
from headstart.data.readers.assemble import split_of_file
from headstart.data.table import Table

CONTEXT = "Anna saw Peter in London. Peter, who reads, saw the film."


def question(name: str, *texts: str, at: int | None = None, **more: Any) -> dict[str, Any]:
    stated = [{"text": text, "answer_start": CONTEXT.find(text) if at is None else at} for text in texts]
    return {"id": name, "question": f"Who saw {name}?", "answers": stated, **more}


def document(*questions: dict[str, Any], context: str = CONTEXT, title: str = "People") -> dict[str, Any]:
    return {"title": title, "paragraphs": [{"context": context, "qas": list(questions)}]}


def write(path: Path, *articles: dict[str, Any], version: str = "v2.0") -> Path:
    content = json.dumps({"version": version, "data": articles}, ensure_ascii=False).encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def texts_at(table: Table) -> Iterator[tuple[str, list[str], list[str]]]:
    """Id, accepted texts, and what stands in the context at the words that are said to be theirs."""
    for row, cell in enumerate(table.column("label").to_pylist()):
        context = Contents(table).read(row)["context"]
        places = word_places(context)
        assert cell["words"] == len(places)
        there = [context[places[first][0] : places[last][1]] for first, last in zip(cell["first"], cell["last"],
                                                                                    strict=True)]  # fmt: skip
        yield table.column("id")[row].as_py(), cell["texts"], there


@pytest.mark.parametrize("name", ["squad.json", "squad.json.gz"])
def test_a_file(name: str, tmp_path: Path) -> None:
    """Accepted answers once each, at whole words; no answer where none is stated or the question is impossible."""
    path = write(
        tmp_path / name,
        document(
            question("q1", "Anna", "Anna", "London"),
            question("q2", is_impossible=True, plausible_answers=[{"text": "x", "answer_start": 0}]),
            question("q3", "ondon. Pet", is_impossible=False),
        ),
        document(question("q4", "Peter, who", at=26), title="Others"),
    )
    table = read(path)
    assert list(texts_at(table)) == [
        ("q1", ["Anna", "London"], ["Anna", "London"]),
        ("q2", [], []),
        ("q3", ["ondon. Pet"], ["London. Peter"]),
        ("q4", ["Peter, who"], ["Peter, who"]),
    ]
    assert Contents(table).read(0) == {"question": "Who saw q1?", "context": CONTEXT}
    assert table.strings("group") == ["context 0"] * 4
    assert "4 questions on 1 context; 1 without an answer there." in table.notes
    assert len(read(path, labelled=False)) == 4 and not read(path, labelled=False).has("label")


def test_one_answer_at_two_places(tmp_path: Path) -> None:
    twice = question("q", "Peter")
    twice["answers"].append({"text": "Peter", "answer_start": 26})
    ((_, texts, there),) = texts_at(read(write(tmp_path / "x.json", document(twice))))
    assert texts == there == ["Peter", "Peter"]


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (question("q", "Anna", at=1), "the answer 'Anna' is not at letter 1 of its context, where there is 'nna saw "),
        (question("q", "Anna", at=1), "; it is at letter 0"),
        (question("q", "Peter", at=3), "; it is in the context 2 times"),
        (question("q", "Maria", at=3), "; it is nowhere in the context"),
        (question("q", "Anna", at=-4), "is not at letter -4"),
        (question("q", " ", at=4), "it has an answer without a text or a place"),
        (question("q", "Anna", is_impossible=True), "it is marked as impossible, and has an answer"),
        ({**question("q"), "question": "  "}, "its question is empty"),
        ({**question("q"), "answers": {"text": ["Anna"]}}, "its answers are not a list of {text, answer_start}"),
        ({**question("q"), "answers": [{"text": "Anna", "answer_start": "0"}]}, "its answers are not a list"),
        ({"id": "q", "question": "Who?"}, "it has no value for 'label'"),
    ],
)
def test_set_aside(given: dict[str, Any], reason: str, tmp_path: Path) -> None:
    path = write(tmp_path / "x.json", document(question("good", "Anna"), given))
    checked = checks.check(read(path), quarantine_share=1.0).table
    assert checked.strings("id") == ["good"]
    ((name, told),) = ((item.id, item.reason) for item in checked.quarantine)
    assert name == "q" and reason in told


def test_what_has_no_id(tmp_path: Path) -> None:
    nameless = {**question("q", "Anna"), "id": None}
    articles = [
        document(question("good", "Anna"), nameless, question("good", "London")),
        {"title": "x", "paragraphs": [{"context": "Anna"}, {"context": " ", "qas": [question("blank")]}]},
    ]
    table = read(write(tmp_path / "x.json", *articles))
    assert [(item.id, item.reason) for item in table.quarantine] == [
        ("x.json: article 1, paragraph 1, question 2", "it has no id"),
        ("good", "another question has this id"),
        ("x.json: article 2, paragraph 1", "it has no list of questions ('qas')"),
        ("blank", "its context is empty"),
    ]


def test_people_may_use_other_words_but_not_disagree(tmp_path: Path) -> None:
    same = {"question": "Who?", "id": "a"}
    one = {**question("a", "Anna"), **same}
    other = {**question("b", "Peter"), **same, "id": "b"}
    none = {**question("c", is_impossible=True), **same, "id": "c"}
    path = write(tmp_path / "x.json", document(question("good", "Anna"), one, other))
    assert len(checks.check(read(path)).table) == 3
    write(path, document(question("good", "Anna"), one, none))
    left = checks.check(read(path), quarantine_share=1.0).table
    assert left.strings("id") == ["good"]
    assert left.quarantine[0].reason == (
        "the same content is 'answer in the context' here and 'no answer in the context' as c"
    )


def test_folders_and_zips_of_parts(tmp_path: Path) -> None:
    """Dev is the test where there is no other; files of no part are left out, and named."""
    train = [document(question(f"t{place}", "Anna"), context=f"{CONTEXT} {place}") for place in range(4)]
    write(tmp_path / "squad2_train.json", *train)
    write(tmp_path / "dev-v2.0.json", document(question("d", "Anna")))
    write(tmp_path / "shift.json", document(question("s", "Anna")))
    (tmp_path / "state.json").write_text("{}")
    (tmp_path / "README.md").write_text("x")
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for name in ("squad2_train.json", "dev-v2.0.json", "shift.json"):
            archive.write(tmp_path / name, f"squad/{name}")
    for target in (tmp_path, tmp_path / "all.zip"):
        table = read(target)
        parts = dict(zip(table.strings("id"), table.strings("split"), strict=True))
        assert parts == {"t0": "train", "t1": "train", "t2": "train", "t3": "train", "d": "test"}
        assert any("Not read" in note and "shift.json" in note for note in table.notes)
        assert any("The validation part of" in note for note in table.notes)
    write(tmp_path / "test.json", document(question("e", "Anna"), context=f"{CONTEXT} e"))
    table = read(tmp_path)
    assert table.strings("split") == ["validation", *["train"] * 4, "test"]
    assert read(tmp_path / "shift.json").strings("id") == ["s"]


@pytest.mark.parametrize(
    ("name", "part"),
    [("train.conll", "train"), ("squad2_dev.json", "validation"), ("train-v1.1.json.gz", "train"),
     ("testing.json", "test"), ("contest.json", None), ("train_and_test.json", None), ("a.json", None)],
)  # fmt: skip
def test_parts_by_names(name: str, part: str | None) -> None:
    assert split_of_file(name) == part


def rows(form: str) -> pa.Table:
    stated: list[Any] = [{"text": ["Anna", "London"], "answer_start": [0, 18]}, {"text": [], "answer_start": []},
                         {"text": ["Anna"], "answer_start": [5]}, None]  # fmt: skip
    if form == "list":
        stated = [one and [{"text": text, "answer_start": start} for text, start in zip(*one.values(), strict=True)]
                  for one in stated]  # fmt: skip
    return pa.table({"id": ["a", "b", "c", "d"], "title": ["x"] * 4, "context": [CONTEXT] * 4,
                     "question": [f"Who {place}?" for place in range(4)], "answers": stated})  # fmt: skip


@pytest.mark.parametrize("form", ["struct", "list"])
@pytest.mark.parametrize("suffix", ["parquet", "jsonl", "folder"])
def test_tables_of_its_layout(form: str, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"data.{suffix}"
    if suffix == "jsonl":
        path.write_text("\n".join(map(json.dumps, rows(form).to_pylist())))
    elif suffix == "parquet":
        parquet.write_table(rows(form), path)
    else:
        path.mkdir()
        parquet.write_table(rows(form), path / "train-00000-of-00001.parquet")
    table = checks.check(read(path), quarantine_share=1.0).table
    assert [found[1:] for found in texts_at(table)] == [(["Anna", "London"],) * 2, ([], [])]
    assert Contents(table).read(1) == {"question": "Who 1?", "context": CONTEXT}
    assert "not at letter 5" in table.quarantine[0].reason and "no value for 'label'" in table.quarantine[1].reason
    found = read(path, labelled=False)
    assert len(found) == 4 and Contents(found).read(3)["context"] == CONTEXT


def test_from_memory() -> None:
    contents = [{"question": f"Who {place}?", "context": CONTEXT} for place in range(2)]
    stated = [{"text": ["Anna"], "answer_start": [0]}, {"text": [], "answer_start": []}]
    assert [found[1] for found in texts_at(read((contents, stated)))] == [["Anna"], []]
    with pytest.raises(DataError, match=r"answers that stand in a context.*--content question,context"):
        read(([CONTEXT, CONTEXT], stated))


def test_contexts_and_articles_stay_together(tmp_path: Path) -> None:
    """Questions on one context lie in one part; with enough articles, or when asked to, those on one article."""

    def written(articles: int) -> Path:
        return write(tmp_path / "x.json", *(
            document(*(question(f"{number}-{part}-{place}", is_impossible=True) for place in range(3)),
                     context=f"{CONTEXT} {number} {part} " + "abcdefghij"[part] * 40, title=f"Article {number}")
            for number in range(articles) for part in range(2)
        ))  # fmt: skip

    def apart(table: Table, key: str) -> int:
        """How many of the articles or contexts have questions in several parts."""
        found = splits.split(checks.check(table), seed=0)
        where: dict[str, set[str]] = {}
        for part in ("train", "validation", "test"):
            for name in found.part(part).ids():
                number, order, _ = name.split("-")
                where.setdefault(number if key == "article" else f"{number}-{order}", set()).add(part)
        return sum(len(parts) > 1 for parts in where.values())

    few = read(written(12))
    assert apart(few, "context") == 0 < apart(few, "article")
    assert any("With 12 articles" in note and "--group title" in note for note in few.notes)
    assert apart(read(written(12), group="title"), "article") == 0
    many = read(written(answers.ENOUGH_ARTICLES))
    assert apart(many, "article") == 0 and "Article 3" in many.strings("group")


def test_parts_keep_the_share_of_questions_without_an_answer(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    articles = [document(question(f"q{place:02d}", *(["Anna"] if place % 4 else [])),
                         context=f"{CONTEXT} {' '.join(random.choice(list('abcdefghij'), 40))}")
                for place in range(80)]  # fmt: skip
    found = splits.split(checks.check(read(write(tmp_path / "x.json", *articles))), seed=0)
    shares = [np.mean([not cell["texts"] for cell in found.train.labels()]),
              np.mean([not cell["texts"] for cell in found.validation.labels()])]  # fmt: skip
    assert all(0.15 < share < 0.35 for share in shares)
    few = splits.subsample(found.train, total=12)
    assert 1 <= sum(not cell["texts"] for cell in few.labels()) <= 5


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"version": "v2.0", "data": [{"title": "x", "para', r"x.json is damaged JSON \(line 1, column \d+.*again\."),
        (b'{"data": [{"text": "x"}]}', r"x.json is not in SQuAD's format: article 1 .* no list of 'paragraphs'.*'qas'"),
        (b'{"data": []}', r"x.json has no question that can be used\."),
        (b'{"data": [{"paragraphs": [{"context": "\xff"}]}]}', r"x.json is not UTF-8 \(byte \d+\)\. Save"),
    ],
)  # fmt: skip
def test_refused(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        read(path)


def test_nothing_right_and_options_without_meaning(tmp_path: Path) -> None:
    path = write(tmp_path / "x.json", document(question("q", "Anna", at=3)))
    with pytest.raises(DataError, match=r"x.json has no answer that can be used: q: the answer 'Anna' is not at"):
        read(path)
    write(path, document(question("q", "Anna")))
    with pytest.raises(DataError, match=r"no column 'text' \(--content\): in SQuAD's format.*groups are by title"):
        read(path, content="text")
    with pytest.raises(DataError, match=r"no column 'patient' \(--group\)"):
        read(path, group="patient")
    assert len(read(path, label="answers")) == 1
    (tmp_path / "x.json.gz").write_bytes(gzip.compress(path.read_bytes())[:-9])
    with pytest.raises(DataError, match=r"x.json.gz is not a whole gzip file"):
        read(tmp_path / "x.json.gz")


def test_json_lines_are_no_squad(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    path.write_text("\n".join(json.dumps({"text": f"a film {place}", "label": "ab"[place % 2], "data": [1, 2]})
                              for place in range(4)))  # fmt: skip
    assert read(path).column("label").to_pylist() == ["a", "b", "a", "b"]


def test_labels_of_several_fields_that_no_task_learns(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "a film", "label": {"kind": "x", "place": 1}}\n' * 2)
    with pytest.raises(DataError, match=r"column 'label' of .* has several fields a row \(kind, place\)"):
        read(path)


def test_other_files_of_json_are_left_alone(tmp_path: Path) -> None:
    """A folder is of this format by its file for training, or by the only file of JSON."""
    write(tmp_path / "one.json", document(question("q", "Anna")))
    assert len(read(tmp_path)) == 1
    write(tmp_path / "two.json", document(question("p", "Anna")))
    with pytest.raises(DataError, match="no files that can be learned from"):
        read(tmp_path)
    (tmp_path / "train.json").write_text("{}")
    with pytest.raises(DataError, match="no files that can be learned from"):
        read(tmp_path)
