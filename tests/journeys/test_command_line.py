"""What a user types, and what they read."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pyarrow.parquet as parquet
import pytest
from tests.journeys.world import headstart, make_pictures, make_source

from headstart import __version__

COMMANDS = (
    "demo", "inspect", "sources", "adapt", "evaluate", "predict", "embed", "compare", "pretrain",
    "bank list", "bank verify", "bank trim", "bank clear",
)  # fmt: skip
ARTEFACT = {
    "model.safetensors", "config.json", "recipe.yaml", "receipt.json", "receipt.html", "labels.json",
    "preprocessing.json", "README.md", "headstart.json", "predictions.parquet",
}  # fmt: skip


def test_every_command_has_an_example_in_its_help() -> None:
    for command in COMMANDS:
        shown = headstart(*command.split(), "--help").ok().out
        assert f"headstart {command}" in shown.split("Example", 1)[1], command


def test_the_list_of_commands_is_complete() -> None:
    from headstart.cli import app

    named = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    groups = [group.typer_instance for group in app.registered_groups if group.typer_instance]
    named |= {f"bank {command.name}" for group in groups for command in group.registered_commands}
    assert named == set(COMMANDS)


def test_the_version() -> None:
    assert headstart("--version").ok().out == f"headstart {__version__}\n"


def test_inspect_says_what_is_there(pictures: Path) -> None:
    lines = headstart("inspect", pictures).ok().out.splitlines()
    assert lines[0] == f"{pictures}: 32 usable examples"
    assert [line.split()[:2] for line in lines[2:4]] == [["circle", "16"], ["square", "16"]]
    assert "Size: 96x80 (32)" in lines


def test_sources_name_and_stages(source: Path) -> None:
    listed = headstart("sources").ok().out
    assert "timm/resnet50.a1_in1k" in listed
    assert "torchvision/resnet50" in headstart("sources", "--search", "chvision/resnet50").ok().out
    rows = [line.split() for line in headstart("sources", "--stages", source).ok().out.splitlines()[2:]]
    assert [row[0] for row in rows] == ["conv1", "layer1", "layer2", "layer3", "layer4"]
    assert rows[-1][2:] == ["64", "64"]


def test_sources_on_this_machine_come_first(source: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADSTART_MODELS", str(place))
    rows = headstart("sources", "--search", "tiny").ok().out.splitlines()
    mine = next(row for row in rows if row.startswith(str(source)))
    assert "here, 445 kB, apache-2.0" in mine
    places = ["here," in row for row in rows[1:]]
    assert places == sorted(places, reverse=True)


def test_adapt_shows_plan_verdict_arms_and_files(source: Path, pictures: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shown = headstart("adapt", pictures, "-s", source, "--no-baselines", "-o", run).ok().out
    assert "Plan: probe of tiny" in shown
    assert "130 of 108.0 k parameters are learned" in shown
    verdict = json.loads((run / "receipt.json").read_text())["verdict"]["sentence"]
    assert "The costly baselines were skipped" in verdict
    assert verdict in " ".join(shown.split())
    assert f"In {run}:" in shown
    assert {path.name for path in run.iterdir()} == ARTEFACT


def test_a_finetuned_run_has_every_arm(finetuned: Path) -> None:
    receipt = json.loads((finetuned / "receipt.json").read_text())
    assert [arm["name"] for arm in receipt["arms"]] == ["adapted", "majority", "probe", "scratch"]
    assert receipt["frozen"]["stages"] == ["conv1"]
    assert receipt["frozen"]["same"] is True
    assert receipt["frozen"]["before"]
    assert {path.name for path in finetuned.iterdir()} == ARTEFACT


def test_the_card_opens_with_what_it_says_and_names_no_folder_of_this_machine(
    finetuned: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = (finetuned / "README.md").read_text()
    assert str(place) not in card
    lines = card.split("Or with the library that the source comes from:")[1].split("```")[1].splitlines()[1:]
    monkeypatch.chdir(finetuned)
    found: dict[str, object] = {}
    exec("\n".join(lines), found)
    assert type(found["network"]).__name__ == "ResNet"


def test_evaluate_as_table_and_json(probed: Path, tmp_path: Path) -> None:
    others = make_pictures(tmp_path / "others", count=5, first=40)
    told = json.loads(headstart("evaluate", probed, others, "--format", "json").ok().out)
    assert told["items"] == 10
    assert told["primary"] == "accuracy"
    accuracy = told["metrics"]["accuracy"]
    assert accuracy["low"] <= accuracy["value"] <= accuracy["high"]
    table = headstart("evaluate", probed, others).ok()
    assert f"{100 * accuracy['value']:.1f} %" in table.out
    assert "10 images" in table.out
    assert table.err == ""


def test_one_item_has_no_interval_of_what_is_lost(probed: Path, tmp_path: Path) -> None:
    others = make_pictures(tmp_path / "others", count=1, first=40)
    for further in sorted(path for path in others.rglob("*") if path.is_file())[1:]:
        further.write_bytes(b"")
    told = headstart("evaluate", probed, others).ok().out
    assert ": 1 image\n" in told
    assert "than on the run's own test (too few images for an interval)." in told


def test_evaluate_on_what_the_run_learned_from_is_noted(probed: Path, pictures: Path) -> None:
    ended = headstart("evaluate", probed, pictures).ok()
    assert "these numbers are too good" in ended.err


def test_predictions_are_the_same_in_every_format(probed: Path, pictures: Path, tmp_path: Path) -> None:
    rows = json.loads(headstart("predict", probed, pictures, "--format", "json").ok().out)
    assert len(rows) == 32
    assert sum(row["answer"] == row["id"].split("/")[0] for row in rows) >= 28
    read = list(csv.DictReader(io.StringIO(headstart("predict", probed, pictures, "--format", "csv").ok().out)))
    assert [row["id"] for row in read] == [row["id"] for row in rows]
    assert [float(row["confidence"]) for row in read] == [row["confidence"] for row in rows]
    out = tmp_path / "answers.parquet"
    ended = headstart("predict", probed, pictures, "--format", "parquet", "--out", out).ok()
    assert ended.out == f"32 predictions written to {out}\n"
    assert parquet.read_table(out).to_pylist() == rows
    table = headstart("predict", probed, pictures).ok().out
    first = next(line.split() for line in table.splitlines() if line.startswith(rows[0]["id"]))
    assert first == [rows[0]["id"], rows[0]["answer"], f"{rows[0]['confidence']:.3f}"]


def test_predict_takes_one_file_files_or_a_folder_without_classes(probed: Path, pictures: Path) -> None:
    files = sorted((pictures / "circle").iterdir())[:3]
    every = json.loads(headstart("predict", probed, pictures, "--format", "json").ok().out)
    wanted = {row["id"].split("/")[-1]: row["answer"] for row in every}
    for given in ([files[0]], files, [pictures / "circle"]):
        rows = json.loads(headstart("predict", probed, *given, "--format", "json").ok().out)
        assert len(rows) in (1, 3, 16)
        assert all(wanted[Path(row["id"]).name] == row["answer"] for row in rows)


def test_embed_writes_the_stages_that_were_asked_for(source: Path, pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "features.parquet"
    headstart("embed", pictures, "--source", source, "--out", out).ok()
    table = parquet.read_table(out)
    assert table.column_names == ["id", "label", "features"]
    assert all(row["id"].startswith(row["label"]) for row in table.select(["id", "label"]).to_pylist())
    assert len(table.column("features")[0].as_py()) == 64
    headstart("embed", pictures, "-s", source, "--stage", "layer2", "--stage", "layer4", "-o", out).ok()
    both = parquet.read_table(out)
    assert both.column_names == ["id", "label", "features layer2", "features layer4"]
    assert both.column("features layer4").to_pylist() == table.column("features").to_pylist()


def test_compare_puts_runs_side_by_side(probed: Path, finetuned: Path) -> None:
    rows = headstart("compare", probed, finetuned).ok().out.splitlines()
    assert rows[0].split() == ["probe", "finetune"]
    assert rows[1].split() == ["strategy", "probe", "finetune"]
    assert rows[2].split() == ["source", "tiny", "tiny"]
    assert "8 shared test images" in "\n".join(rows)


def test_an_earlier_run_is_a_source(finetuned: Path, tmp_path: Path) -> None:
    """The new task has other labels, which the earlier one did not know."""
    others = make_pictures(tmp_path / "others", count=10, first=40)
    (others / "circle").rename(others / "round")
    run = tmp_path / "second"
    shown = headstart("adapt", others, "--source", finetuned, "--no-baselines", "--out", run).ok().out
    assert "Plan: probe of finetune" in shown
    assert json.loads((run / "labels.json").read_text()) == ["round", "square"]
    rows = json.loads(headstart("predict", run, others, "--format", "json").ok().out)
    assert sum(row["answer"] == row["id"].split("/")[0] for row in rows) >= 18


def test_a_run_whose_labels_the_source_knows_has_a_zero_shot_arm(
    finetuned: Path, pictures: Path, tmp_path: Path
) -> None:
    headstart("adapt", pictures, "--source", finetuned, "--no-baselines", "--out", tmp_path / "run").ok()
    receipt = json.loads((tmp_path / "run" / "receipt.json").read_text())
    assert "zero-shot" in [arm["name"] for arm in receipt["arms"]]


def test_the_bank_is_listed_verified_trimmed_and_cleared(source: Path, pictures: Path, tmp_path: Path) -> None:
    assert "is empty" in headstart("bank", "list").ok().out
    headstart("embed", pictures, "-s", source, "-o", tmp_path / "f.parquet").ok()
    rows = [line.split() for line in headstart("bank", "list").ok().out.splitlines()]
    assert any(row[1:4] == ["layer4", "0", "32"] for row in rows)
    assert headstart("bank", "verify").ok().out == "The bank is whole.\n"
    assert "0 shelves removed" in headstart("bank", "trim", "--to", "1").ok().out
    assert "2 shelves removed" in headstart("bank", "trim", "--to", "0").ok().out
    headstart("bank", "clear").ok()
    assert "is empty" in headstart("bank", "list").ok().out


def test_finetune_options_by_name(source: Path, pictures: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    headstart(
        "adapt", pictures, "-s", source, "--strategy", "finetune", "--epochs", "1", "--freeze", "layer3",
        "--learning-rate", "1e-3", "--set", "averaging=none", "--set", "refit=false", "--no-baselines", "-o", run,
    ).ok()  # fmt: skip
    receipt = json.loads((run / "receipt.json").read_text())
    options = {"freeze": "layer3", "epochs": 1.0, "learning_rate": 0.001, "averaging": "none", "refit": False}
    assert receipt["strategy"]["options"] == options
    assert receipt["frozen"]["stages"] == ["conv1", "layer1", "layer2", "layer3"]


def test_pretrain_makes_a_source(pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "mine"
    shown = headstart(
        "pretrain", pictures, "--out", out, "--arch", "resnet10t:channels=[8-16-32-64]", "--size", "32",
        "--epochs", "1", "--views", "1", "--teacher", make_source(tmp_path / "teacher", 1),
    ).ok()  # fmt: skip
    assert f"--source {out}" in " ".join(shown.out.split())
    headstart("adapt", pictures, "-s", out, "--no-baselines", "-o", tmp_path / "run").ok()
