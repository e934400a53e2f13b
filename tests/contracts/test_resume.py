"""A run that was stopped at any step goes on to the same bits as one that was left alone."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from contracts.networks import Target, make_target, open_kind, workplace
from contracts.plans import VARIANTS, Stopped, assert_same, count_steps, go, stop_at, tensors_of, variant, watched
from headstart.core.errors import RunError
from headstart.sources import Source

TESTS = Path(__file__).parents[1]


@pytest.mark.parametrize("name", VARIANTS)
def test_stopped_anywhere(
    name: str, source: Source, target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = variant(name, source, target)
    whole, steps = count_steps(plan, source, target, workplace(tmp_path, "whole"), monkeypatch)
    assert steps >= 4
    for stop in sorted({1, steps // 2, steps - 1}):  # the last lies in the refit
        place = workplace(tmp_path, f"stopped{stop}")
        with watched(monkeypatch, stop_at(stop)), pytest.raises(Stopped):
            go(plan, source, target, place)
        resumed = go(plan, source, target, place)
        assert_same(resumed, whole)
        assert resumed.steps == whole.steps
        assert [(m.phase, m.step, m.items_seen, m.loss, m.value) for m in resumed.history] == [
            (m.phase, m.step, m.items_seen, m.loss, m.value) for m in whole.history
        ]
        assert resumed.cost.items_seen == whole.cost.items_seen
        assert resumed.cost.backward_passes == whole.cost.backward_passes


def test_stopped_three_times_in_one_run(
    networks: Path, target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = open_kind("dropout", networks)
    plan = variant("gradual, interpolated, pulled back", source, target)
    whole = go(plan, source, target, workplace(tmp_path))
    place = workplace(tmp_path, "state")
    for _ in range(3):
        with watched(monkeypatch, stop_at(3)), pytest.raises(Stopped):
            go(plan, source, target, place)
    assert_same(go(plan, source, target, place), whole)


def test_cost_of_what_was_stopped_counts(
    networks: Path, target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = open_kind("batch norm", networks)
    plan = variant("one phase, moving average", source, target)
    _, steps = count_steps(plan, source, target, workplace(tmp_path, "whole"), monkeypatch)
    place = workplace(tmp_path, "state")
    with watched(monkeypatch, stop_at(steps - 1)), pytest.raises(Stopped):  # in the refit
        go(plan, source, target, place)
    from headstart.engine import checkpoint

    _, document = checkpoint.load(tmp_path / "state" / "refit.safetensors")
    assert go(plan, source, target, place).cost.seconds >= document["seconds"] > 0
    _, first = checkpoint.load(tmp_path / "state" / "state.safetensors")
    assert document["seconds"] >= first["seconds"]


def test_a_checkpoint_of_something_else_is_not_used(
    networks: Path, target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, other = open_kind("batch norm", networks), open_kind("layer norm", networks)
    plan = variant("random weights", source, target)
    for changed in ("seed", "examples", "source"):
        place = workplace(tmp_path, changed)
        with watched(monkeypatch, stop_at(3)), pytest.raises(Stopped):
            go(plan, source, target, place)
        used, parts, chosen = source, dict(target.parts), plan
        if changed == "seed":
            chosen = dataclasses.replace(plan, seed=5)
        elif changed == "examples":
            parts["train"] = parts["train"].take(parts["train"].indices.argsort()[:20])
        else:
            used, chosen = other, variant("random weights", other, target)
        given = dataclasses.replace(target, parts=parts)
        assert_same(go(chosen, used, given, place), go(chosen, used, given, workplace(tmp_path)))


def test_damaged_checkpoint_is_refused(
    networks: Path, target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = open_kind("batch norm", networks)
    plan = variant("random weights", source, target)
    place = workplace(tmp_path, "state")
    with watched(monkeypatch, stop_at(3)), pytest.raises(Stopped):
        go(plan, source, target, place)
    path = tmp_path / "state" / "state.safetensors"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(RunError, match="is damaged"):
        go(plan, source, target, place)


CHILD = """
import os, sys
from pathlib import Path
from contracts.networks import make_target, open_kind, workplace
from contracts.plans import go, variant
from headstart.engine import loop

root = Path(sys.argv[1])
loop.CHECKPOINT_SECONDS, loop.KEEPING = -1.0, float("inf")
inner = loop._step
def step(*arguments):
    print("step", flush=True)
    return inner(*arguments)
loop._step = step
target = make_target(root / "target")
source = open_kind("dropout", root)
go(variant("gradual, interpolated, pulled back", source, target), source, target, workplace(root, "state"))
"""


def test_killed_without_warning(tmp_path: Path) -> None:
    target, source = make_target(tmp_path / "target"), open_kind("dropout", tmp_path)
    plan = variant("gradual, interpolated, pulled back", source, target)
    environment = {**os.environ, "PYTHONPATH": str(TESTS), "OMP_NUM_THREADS": "1"}
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(tmp_path)], stdout=subprocess.PIPE, env=environment)
    assert child.stdout is not None
    for _ in range(6):
        assert child.stdout.readline() == b"step\n"
    time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    assert (tmp_path / "state" / "state.safetensors").is_file()
    resumed = go(plan, source, target, workplace(tmp_path, "state"))
    whole = go(plan, source, target, workplace(tmp_path / "elsewhere"))
    assert tensors_of(resumed).keys() == tensors_of(whole).keys()
    assert_same(resumed, whole)
