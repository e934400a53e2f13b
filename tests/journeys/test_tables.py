"""Targets that are tables and archives, from the command line to the receipt."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from tests.journeys.world import headstart


def receipt_of(run: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run / "receipt.json").read_text())
    return found


def adapted(source: Path, run: Path, *arguments: str | Path) -> dict[str, Any]:
    headstart("adapt", *arguments, "--source", source, "--no-baselines", "--out", run).ok()
    return receipt_of(run)


def held_out(run: Path) -> set[int]:
    """The rows, from 0, of a table's test examples: ids are like `t.csv:07`, from 1."""
    ids = parquet.read_table(run / "predictions.parquet").column("id").to_pylist()
    return {int(name.rpartition(":")[2]) - 1 for name in ids}


@pytest.fixture
def table(pictures: Path, tmp_path: Path) -> dict[str, list[Any]]:
    """Columns of all pictures: path, kind, patient, day, tags, size."""
    paths = sorted(pictures.rglob("*.jpg"))
    kinds = [path.parent.name for path in paths]
    random = np.random.default_rng(0)
    return {
        "path": [str(path) for path in paths],
        "kind": kinds,
        "patient": [f"p{place % 8}" for place in range(len(paths))],
        "day": [f"2024-03-{1 + place % 28:02d}" for place in range(len(paths))],
        "tags": [";".join([kind, *(["third"] if place % 3 == 0 else [])]) for place, kind in enumerate(kinds)],
        "size": [round(2 * (kind == "circle") + 0.1 * random.normal(), 3) for kind in kinds],
    }


def write_csv(columns: dict[str, list[Any]], path: Path) -> Path:
    lines = [",".join(columns)] + [",".join(map(str, row)) for row in zip(*columns.values(), strict=True)]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_groups_never_lie_across_parts(table: dict[str, list[Any]], source: Path, tmp_path: Path) -> None:
    path = write_csv(table, tmp_path / "t.csv")
    receipt = adapted(source, tmp_path / "run", path, "--label", "kind", "--group", "patient")
    test = held_out(tmp_path / "run")
    patients = {group for row, group in enumerate(table["patient"]) if row in test}
    others = {group for row, group in enumerate(table["patient"]) if row not in test}
    assert patients
    assert not patients & others
    assert receipt["target"]["groups"] == len(patients)


def test_the_latest_are_the_test(table: dict[str, list[Any]], source: Path, tmp_path: Path) -> None:
    path = write_csv(table, tmp_path / "t.csv")
    adapted(source, tmp_path / "run", path, "--label", "kind", "--time", "day")
    test = held_out(tmp_path / "run")
    earliest = min(day for row, day in enumerate(table["day"]) if row in test)
    assert all(day <= earliest for row, day in enumerate(table["day"]) if row not in test)


def test_several_labels_an_example(table: dict[str, list[Any]], source: Path, tmp_path: Path) -> None:
    path = write_csv(table, tmp_path / "t.csv")
    receipt = adapted(source, tmp_path / "run", path, "--label", "tags", "--task", "multilabel")
    assert receipt["task"]["kind"] == "multilabel"
    assert receipt["task"]["labels"] == ["circle", "square", "third"]
    rows = json.loads(headstart("predict", tmp_path / "run", path, "--format", "json").ok().out)
    assert all(isinstance(row["answer"], list) for row in rows)
    assert sum(kind in row["answer"] for row, kind in zip(rows, table["kind"], strict=True)) >= 28
    flat = headstart("predict", tmp_path / "run", path, "--format", "csv").ok().out
    assert '"circle' in flat


def test_numbers(table: dict[str, list[Any]], source: Path, tmp_path: Path) -> None:
    path = write_csv(table, tmp_path / "t.csv")
    receipt = adapted(source, tmp_path / "run", path, "--label", "size")
    assert receipt["task"]["kind"] == "regression"
    assert receipt["task"]["primary"] == "r_squared"
    rows = json.loads(headstart("predict", tmp_path / "run", path, "--format", "json").ok().out)
    answers = np.array([row["answer"] for row in rows])
    assert np.corrcoef(answers, table["size"])[0, 1] > 0.8
    assert "confidence" not in rows[0]
    told = headstart("evaluate", tmp_path / "run", path, "--label", "size").ok()
    assert "R²" in told.out


def test_parts_that_the_target_gives(table: dict[str, list[Any]], source: Path, tmp_path: Path) -> None:
    parts = ["test" if place % 4 == 0 else "train" for place in range(len(table["path"]))]
    path = write_csv({**table, "part": parts}, tmp_path / "t.csv")
    adapted(source, tmp_path / "run", path, "--label", "kind", "--split", "part")
    assert held_out(tmp_path / "run") == {row for row, part in enumerate(parts) if part == "test"}


def test_parquet_and_zip_answer_like_the_folder(
    table: dict[str, list[Any]], source: Path, pictures: Path, probed: Path, tmp_path: Path
) -> None:
    """The same pictures with the same labels; ids differ, contents and so features do not."""
    archive = Path(shutil.make_archive(str(tmp_path / "pictures"), "zip", pictures))
    adapted(source, tmp_path / "zip", archive)
    assert (tmp_path / "zip" / "model.safetensors").read_bytes() == (probed / "model.safetensors").read_bytes()
    columns = {"image": [Path(path).read_bytes() for path in table["path"]], "label": table["kind"]}
    parquet.write_table(pa.table(columns), tmp_path / "t.parquet")
    adapted(source, tmp_path / "parquet", tmp_path / "t.parquet")
    told = []
    for given in (archive, tmp_path / "t.parquet", pictures):
        rows = json.loads(headstart("predict", tmp_path / "zip", given, "--format", "json").ok().out)
        told.append([row["answer"] for row in rows])
    assert told[0] == told[1] == told[2]


def test_what_is_set_aside_is_named_everywhere(source: Path, pictures: Path, tmp_path: Path) -> None:
    mixed = tmp_path / "mixed"
    shutil.copytree(pictures, mixed)
    (mixed / "circle" / "note.jpg").write_text("not a picture")
    whole = (mixed / "square" / "square_00.jpg").read_bytes()
    (mixed / "square" / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    shutil.copy(mixed / "circle" / "circle_03.jpg", mixed / "square" / "also.jpg")
    names = {"circle/note.jpg", "square/cut.jpg", "square/also.jpg", "circle/circle_03.jpg"}
    told = headstart("inspect", mixed).ok().err
    assert all(f"Set aside: {name}: " in told for name in names)
    shown = headstart("adapt", mixed, "-s", source, "--no-baselines", "-o", tmp_path / "run").ok().out
    assert "4 examples set aside" in shown
    assert {item["id"] for item in receipt_of(tmp_path / "run")["target"]["quarantine"]} == names
    page = (tmp_path / "run" / "receipt.html").read_text()
    assert all(name in page for name in names)
    ended = headstart("predict", tmp_path / "run", mixed, "--format", "json").ok()
    assert "Set aside: circle/note.jpg: not an image" in ended.err
    assert len(json.loads(ended.out)) == 33


@pytest.mark.parametrize("names", [("sentence1", "sentence2"), ("premise", "hypothesis"), ("question1", "question2")])
def test_texts_that_belong_together_are_read_together(names: tuple[str, str], tmp_path: Path) -> None:
    rows = "".join(f"red car {row},blue boat {row + 1},{row / 7:.3f}\n" for row in range(60))
    (tmp_path / "pairs.csv").write_text(f"{names[0]},{names[1]},label\n{rows}")
    shown = headstart("inspect", tmp_path / "pairs.csv").ok().out
    assert f"Read: {names[0]}, {names[1]}" in shown
    assert "Label: numbers from 0 to 8.429, half of them below 4.214" in shown


def test_inspect_reads_as_the_task_does(tmp_path: Path) -> None:
    rows = "".join(f"a long text {row},title {row % 20}\n" for row in range(60))
    (tmp_path / "titles.csv").write_text(f"text,title\n{rows}")
    shown = headstart("inspect", tmp_path / "titles.csv", "--task", "seq2seq").ok().out
    assert "Read: text" in shown and "To be written: 20 different texts" in shown
    shown = headstart("inspect", tmp_path / "titles.csv", "--task", "language-modeling").ok().out
    assert "Read: text" in shown and "label" not in shown
