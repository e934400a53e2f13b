"""The same recipe gives the same numbers: repeated, and gone on with after a kill at any moment."""

from __future__ import annotations

import signal
from pathlib import Path

import pyarrow.parquet as parquet
import pytest
import yaml
from tests.journeys.world import headstart, home, python

from headstart.verbs.model import load

ENDED_BY = """
import os, signal, sys
from headstart.engine import checkpoint, loop
loop.CHECKPOINT_SECONDS, loop.KEEPING = 0.0, float("inf")
save, left = checkpoint.save, [int(sys.argv.pop(1))]
def save_and_end(*arguments):
    save(*arguments)
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.{signal})
checkpoint.save = save_and_end
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs begin without one
from headstart.cli import main
main()
"""
"""A command that keeps its state after every step, and is ended by a signal right after the n-th time."""
KILLED, INTERRUPTED = ENDED_BY.format(signal="SIGKILL"), ENDED_BY.format(signal="SIGINT")
KILLED_WHILE_WRITING = """
import os, signal, sys
from pathlib import Path
from headstart.core import files
write, name = files.write_text, sys.argv.pop(1)
def write_or_end(path, text):
    if path.name == name:
        path.with_name("." + name + ".tmp").write_text(text[: len(text) // 2])
        os.kill(os.getpid(), signal.SIGKILL)
    write(path, text)
files.write_text = write_or_end
from headstart.cli import main
main()
"""


def weights(run: Path) -> bytes:
    return (run / "model.safetensors").read_bytes()


def predictions(run: Path) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = parquet.read_table(run / "predictions.parquet").to_pylist()
    return rows


def test_a_recipe_repeats_a_finetuning_with_its_baselines(finetuned: Path, place: Path, tmp_path: Path) -> None:
    recipe = yaml.safe_load((finetuned / "recipe.yaml").read_text())
    assert recipe["baseline_steps"] >= 1
    again = tmp_path / "again"
    headstart("adapt", "--recipe", finetuned / "recipe.yaml", "--out", again).ok()  # an empty bank of its own
    assert weights(again) == weights(finetuned)
    assert predictions(again) == predictions(finetuned)
    assert (again / "recipe.yaml").read_text() == (finetuned / "recipe.yaml").read_text()
    with home(place / "home"):  # and with everything in the bank
        headstart("adapt", "--recipe", again / "recipe.yaml", "--out", tmp_path / "third").ok()
    assert weights(tmp_path / "third") == weights(finetuned)
    assert predictions(tmp_path / "third") == predictions(finetuned)


def test_a_recipe_repeats_a_probe(probed: Path, tmp_path: Path) -> None:
    headstart("adapt", "--recipe", probed / "recipe.yaml", "--out", tmp_path / "again").ok()
    assert weights(tmp_path / "again") == weights(probed)
    assert predictions(tmp_path / "again") == predictions(probed)


def test_another_seed_gives_another_split(probed: Path, source: Path, pictures: Path, tmp_path: Path) -> None:
    headstart("adapt", pictures, "-s", source, "--no-baselines", "--seed", "1", "-o", tmp_path / "run").ok()
    assert {row["id"] for row in predictions(tmp_path / "run")} != {row["id"] for row in predictions(probed)}


@pytest.fixture
def undisturbed(source: Path, pictures: Path, tmp_path: Path) -> tuple[list[str], Path]:
    """The command of a fine-tuning of a few steps, and its run."""
    command = [
        "adapt", str(pictures), "--source", str(source), "--strategy", "finetune", "--epochs", "6",
        "--set", "batch=8", "--no-baselines", "--out",
    ]  # fmt: skip
    headstart(*command, tmp_path / "undisturbed").ok()
    return command, tmp_path / "undisturbed"


def test_several_seeds_are_judged_and_the_first_is_the_model(
    source: Path, pictures: Path, undisturbed: tuple[list[str], Path], tmp_path: Path
) -> None:
    command, one = undisturbed
    told = headstart(*command, tmp_path / "two", "--seeds", "2").ok().out
    assert weights(tmp_path / "two") == weights(one)
    receipt = load(tmp_path / "two").receipt
    assert len(receipt.adapted.seeds) == 2
    assert receipt.adapted.seeds[0] == receipt.adapted.metrics[receipt.verdict.metric].value
    assert "2 seeds:" in told and "2 seeds" in receipt.verdict.sentence
    probe = ["adapt", pictures, "--source", source, "--no-baselines", "--out", tmp_path / "probe", "--seeds", "2"]
    headstart(*probe).ok()
    assert load(tmp_path / "probe").receipt.adapted.seeds == []  # nothing in it is random
    headstart(*probe[:-3], tmp_path / "none", "--seeds", "0").refused("--seeds is 0")


def test_a_run_killed_twice_ends_like_one_that_was_not(undisturbed: tuple[list[str], Path], tmp_path: Path) -> None:
    command, whole = undisturbed
    run = tmp_path / "killed"
    assert python(KILLED, "2", *command, run).code == -signal.SIGKILL
    assert not (run / "model.safetensors").exists()
    headstart("predict", run, "x.jpg").refused(str(run), "not finished", f"adapt --resume {run}")
    assert python(KILLED, "3", "adapt", "--resume", run).code == -signal.SIGKILL
    headstart("adapt", "--resume", run).ok()
    assert weights(run) == weights(whole)
    assert predictions(run) == predictions(whole)
    assert {path.name for path in run.iterdir()} == {path.name for path in whole.iterdir()}


@pytest.mark.parametrize("name", ["receipt.json", "README.md"])
def test_a_run_killed_while_it_was_written_is_unfinished_and_goes_on(
    undisturbed: tuple[list[str], Path], tmp_path: Path, name: str
) -> None:
    command, whole = undisturbed
    run = tmp_path / "killed"
    assert python(KILLED_WHILE_WRITING, name, *command, run).code == -signal.SIGKILL
    headstart("predict", run, "x.jpg").refused("not finished")
    headstart("adapt", "--resume", run).ok()
    assert weights(run) == weights(whole)
    assert predictions(run) == predictions(whole)


def test_an_interrupt_ends_with_130_and_says_how_to_go_on(undisturbed: tuple[list[str], Path], tmp_path: Path) -> None:
    command, whole = undisturbed
    run = tmp_path / "stopped"
    ended = python(INTERRUPTED, "3", *command, run)
    assert ended.code == 130
    assert ended.err.endswith(f"headstart: stopped. Go on with: headstart adapt --resume {run}\n")
    assert "Traceback" not in ended.err
    headstart(*command, run).refused(str(run), "unfinished run", f"headstart adapt --resume {run}")
    headstart("adapt", "--resume", run).ok()
    assert weights(run) == weights(whole)


def test_a_finished_run_is_not_gone_on_with(probed: Path) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in probed.iterdir()}
    assert "finished already" in headstart("adapt", "--resume", probed).ok().out
    assert {path.name: path.stat().st_mtime_ns for path in probed.iterdir()} == before


def test_what_cannot_be_gone_on_with(tmp_path: Path, pictures: Path) -> None:
    headstart("adapt", "--resume", tmp_path).refused(str(tmp_path), "recipe.yaml", "nothing to go on with")
    headstart("adapt", "--resume", tmp_path / "no").refused("There is no run", str(tmp_path / "no"))
    (tmp_path / "recipe.yaml").write_text("target: in memory\nsource: tiny\n")
    (tmp_path / ".state").mkdir()
    headstart("adapt", "--resume", tmp_path).refused("in memory", "Call headstart.adapt")


def test_a_damaged_checkpoint_is_named(undisturbed: tuple[list[str], Path], tmp_path: Path) -> None:
    command, _ = undisturbed
    run = tmp_path / "killed"
    assert python(KILLED, "3", *command, run).code == -signal.SIGKILL
    state = next((run / ".state").iterdir())
    state.write_bytes(state.read_bytes()[:1000])
    headstart("adapt", "--resume", run).refused(str(state), "damaged")
    assert state.exists()
