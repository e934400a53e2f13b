"""Mistakes in what is typed: each is answered by one sentence and exit code 2, and leaves nothing behind."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.journeys.world import headstart, make_pictures, remains


@pytest.mark.parametrize(("options", "parts"), [
    (["--strategy", "finetun"], ["no strategy called 'finetun'", "Did you mean finetune?"]),
    (["--epochs", "3"], ["strategy probe has no option 'epochs'", "solver, stages, views"]),
    (["--strategy", "finetune", "--set", "epoch=3"], ["no option 'epoch'", "Did you mean epochs?"]),
    (["--strategy", "finetune", "--epochs", "-3"], ["'epochs' = -3.0", "greater than 0"]),
    (["--strategy", "finetune", "--set", "mix=foo"], ["'mix' = 'foo'", "'mixup'"]),
    (["--strategy", "finetune", "--freeze", "layer9"], ["no stage 'layer9'", "layer4"]),
    (["--set", "stages=layer9"], ["no stage 'layer9'", "Did you mean layer4"]),
    (["--set", "solver"], ["--set needs name=value, not 'solver'"]),
    (["--set", "views=[1"], ["--set views=[1", "'[1' is no value"]),
    (["--test", "1.5"], ["--test is 1.5: it should be less than 1"]),
    (["--quarantine", "-1"], ["--quarantine is -1.0"]),
    (["--seed", "-1"], ["--seed is -1"]),
    (["--baseline-budget", "0"], ["--baseline-budget is 0.0"]),
    (["--horizon", "0"], ["--horizon is 0: it should be greater than or equal to 1."]),
    (["--beams", "0"], ["--beams is 0: it should be greater than or equal to 1."]),
    (["--task", "clasification"], ["no task called 'clasification'", "classification"]),
    (["--task", "regression"], ["'circle'", "not a number"]),
    (["--label", "kind"], ["no column 'kind' (--label)"]),
])  # fmt: skip
def test_options(options: list[str], parts: list[str], source: Path, pictures: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    headstart("adapt", pictures, "-s", source, "--no-baselines", "-o", run, *options).refused(*parts)
    assert list(tmp_path.iterdir()) == []


def test_nothing_to_adapt_to() -> None:
    headstart("adapt").refused("Say what to adapt to", "headstart adapt photos/")


def test_a_word_that_is_no_number_is_refused_by_the_command_line(pictures: Path) -> None:
    ended = headstart("adapt", pictures, "--epochs", "many")
    assert ended.code == 2
    assert "Invalid value for '--epochs'" in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize(("text", "parts"), [
    ("target: photos\nsource: tiny\nsead: 3\n", ["no option 'sead'", "Did you mean seed, seeds"]),
    ("target: photos\nsource: tiny\nseed: abc\n", ["'seed' = 'abc'", "valid integer"]),
    ("target: photos\nsource: tiny\noptions: 3\n", ["'options' = 3", "dictionary"]),
    ("source: tiny\n", ["lacks 'target'", "Folder"]),
    ("target: [photos\nsource: tiny\n", ["not valid YAML", "line 2"]),
    ("just words", ["not a recipe"]),
    ("", ["not a recipe"]),
])  # fmt: skip
def test_recipes(text: str, parts: list[str], tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    headstart("adapt", "--recipe", path, "-o", tmp_path / "run").refused(str(path), *parts)
    assert not (tmp_path / "run").exists()


def test_a_recipe_that_is_no_text_or_does_not_exist(tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    headstart("adapt", "--recipe", path).refused(str(path), "UTF-8")
    headstart("adapt", "--recipe", tmp_path / "no.yaml").refused("no recipe", "no.yaml")


def test_a_place_that_is_taken(probed: Path, source: Path, pictures: Path, tmp_path: Path) -> None:
    before = {path.name: path.read_bytes() for path in probed.iterdir()}
    headstart("adapt", pictures, "-s", source, "-o", probed).refused(f"{probed} is not empty", "--out")
    assert {path.name: path.read_bytes() for path in probed.iterdir()} == before
    file = tmp_path / "file"
    file.write_text("mine")
    headstart("adapt", pictures, "-s", source, "-o", file).refused(f"{file} is a file", "--out")
    headstart("adapt", pictures, "-s", source, "-o", file / "run").refused(f"{file} is a file", "--out")
    headstart("pretrain", pictures, "-o", probed).refused(str(probed), "exists already", "--out")
    assert file.read_text() == "mine"


def test_an_empty_folder_may_be_written_into(source: Path, pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    headstart("adapt", pictures, "-s", source, "--no-baselines", "-o", tmp_path / "run").ok()


@pytest.mark.parametrize(("name", "value", "parts"), [
    ("HEADSTART_BANK_GB", "abc", ["HEADSTART_BANK_GB is 'abc'", "number of gigabytes"]),
    ("HEADSTART_RUNTIME", "foo", ["HEADSTART_RUNTIME is 'foo'", "eager"]),
])  # fmt: skip
def test_settings(
    name: str, value: str, parts: list[str], source: Path, pictures: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv(name, value)
    run = tmp_path / "run"
    headstart("adapt", pictures, "-s", source, "--no-baselines", "-o", run).refused(*parts)
    assert not run.exists()


def test_a_home_that_cannot_be_one(
    source: Path, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "home"
    file.write_text("mine")
    monkeypatch.setenv("HEADSTART_HOME", str(file))
    headstart("adapt", pictures, "-s", source, "--no-baselines", "-o", tmp_path / "run").refused(str(file))
    assert not (tmp_path / "run").exists()


class TestPredict:
    def test_missing_files(self, probed: Path, pictures: Path, tmp_path: Path) -> None:
        there = pictures / "circle" / "circle_00.jpg"
        headstart("predict", probed, tmp_path / "no.jpg").refused("no.jpg does not exist")
        headstart("predict", probed, there, tmp_path / "no.jpg").refused("no.jpg does not exist")
        headstart("predict", probed, there, pictures).refused(f"{pictures} is a folder among several")
        assert headstart("predict", probed).refused().endswith("Give files, a folder or a table file.\n")

    def test_formats(self, probed: Path, pictures: Path) -> None:
        headstart("predict", probed, pictures, "--format", "xml").refused("'xml'", "csv, json, parquet, table")
        headstart("predict", probed, pictures, "--format", "parquet").refused("--out")
        headstart("evaluate", probed, pictures, "--format", "csv").refused("no format 'csv'", "json, table")

    def test_nothing_that_can_be_read(self, probed: Path, tmp_path: Path) -> None:
        one, other = tmp_path / "a.jpg", tmp_path / "b.jpg"
        for path in (one, other):
            path.write_text("text")
        headstart("predict", probed, one).refused(f"No example in {one} can be used", "not an image")
        headstart("predict", probed, one, other).refused("No example in the list of files can be used")

    def test_no_run(self, pictures: Path, tmp_path: Path) -> None:
        headstart("predict", tmp_path / "no", pictures).refused("There is no run", str(tmp_path / "no"))
        headstart("predict", pictures, pictures).refused(f"{pictures} is not a run", "headstart adapt")


class TestEvaluate:
    def test_a_label_that_the_run_does_not_know(self, probed: Path, tmp_path: Path) -> None:
        others = make_pictures(tmp_path / "others", count=3, first=40)
        (others / "circle").rename(others / "circel")
        headstart("evaluate", probed, others).refused("'circel'", "not among", "Did you mean circle?")

    def test_no_labels(self, probed: Path, pictures: Path) -> None:
        headstart("evaluate", probed, pictures / "circle").refused("no class folders")


class TestCompare:
    def test_too_few(self, probed: Path, tmp_path: Path) -> None:
        headstart("compare", probed).refused("two or more runs")
        headstart("compare", probed, tmp_path / "no").refused("There is no run")

    def test_no_test_item_in_common(self, probed: Path, source: Path, tmp_path: Path) -> None:
        others = make_pictures(tmp_path / "others", count=8, first=40)
        run = tmp_path / "run"
        headstart("adapt", others, "-s", source, "--no-baselines", "-o", run).ok()
        headstart("compare", probed, run).refused("probe and run share no test item", "same target")

    def test_other_labels(self, probed: Path, source: Path, pictures: Path, tmp_path: Path) -> None:
        others = tmp_path / "others"
        shutil.copytree(pictures, others)
        (others / "circle").rename(others / "round")
        run = tmp_path / "run"
        headstart("adapt", others, "-s", source, "--no-baselines", "-o", run).ok()
        headstart("compare", probed, run).refused("different labels", "round")


def test_what_is_wrong_with_the_data_is_said_by_the_command_too(source: Path, pictures: Path, tmp_path: Path) -> None:
    def adapt(target: Path, *options: str) -> str:
        ended = headstart("adapt", target, "-s", source, "--no-baselines", "-o", tmp_path / "run", *options)
        assert not (tmp_path / "run").exists()
        return ended.refused()

    empty = tmp_path / "empty"
    empty.mkdir()
    assert f"{empty} is empty" in adapt(empty)
    one = tmp_path / "one"
    shutil.copytree(pictures / "circle", one / "circle")
    assert "one class only: 'circle'" in adapt(one)
    table = tmp_path / "t.csv"
    table.write_text("path,kind\n" + "".join(f"{path},{path.parent.name}\n" for path in pictures.rglob("*.jpg")))
    assert "Did you mean kind" in adapt(table, "--label", "knd")
    bad = tmp_path / "bad"
    shutil.copytree(pictures, bad)
    for number in range(10):
        (bad / "circle" / f"text_{number}.jpg").write_text("text")
    sentence = adapt(bad)
    assert "10 of 42 examples" in sentence
    assert "circle/text_0.jpg: not an image" in sentence
    assert "--quarantine" in sentence
    assert remains(tmp_path) == []


def test_a_class_with_one_picture_is_warned_of(source: Path, pictures: Path, tmp_path: Path) -> None:
    """It is learned, and lies in no test: the receipt says that nothing is known about it."""
    single = tmp_path / "single"
    shutil.copytree(pictures / "circle", single / "circle")
    (single / "square").mkdir()
    shutil.copy(pictures / "square" / "square_00.jpg", single / "square")
    shown = headstart("adapt", single, "-s", source, "--no-baselines", "-o", tmp_path / "run").ok().out
    flat = " ".join(shown.split())
    assert "No test example of “square”" in flat
    assert "Very few examples (under 5) of 'square'" in " ".join(headstart("inspect", single).ok().out.split())


def test_a_decompression_bomb_is_set_aside(source: Path, pictures: Path, tmp_path: Path) -> None:
    import struct
    import zlib

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    bombed = tmp_path / "bombed"
    shutil.copytree(pictures, bombed)
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 1, 0, 0, 0, 0))
    content = chunk(b"IDAT", zlib.compress(bytes(60_000)))
    (bombed / "circle" / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + header + content + chunk(b"IEND", b""))
    assert "circle/bomb.png: far too large: 3600 million pixels" in headstart("inspect", bombed).ok().err
    shown = headstart("adapt", bombed, "-s", source, "--no-baselines", "-o", tmp_path / "run").ok()
    assert "1 example set aside" in shown.out


@pytest.mark.parametrize("task", ["forecasting", "anomaly"])
def test_pictures_are_no_series(task: str, pictures: Path) -> None:
    headstart("inspect", pictures, "--task", task).refused(str(pictures), "CSV")
