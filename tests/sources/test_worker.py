"""The second process: it computes what this one would, and what goes wrong there is said here."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from contracts.networks import open_kind
from headstart.core import worker
from headstart.core.errors import HeadstartError, SourceError
from headstart.sources import Source
from headstart.sources.points import Point
from headstart.sources.trunk import Trunk

COLD = """
import sys, headstart
print("begun")
model = headstart.adapt({photos!r}, source={source!r}, baselines=False, out="run")
assert not {{"torch", "timm"}} & set(sys.modules)
print(model.receipt.cost.peak_memory)
"""
OWN = """
import headstart
from headstart.sources.images.timm import TimmSource
from pathlib import Path
class Mine(TimmSource):
    pass
headstart.adapt({photos!r}, source=Mine(Path({source!r}), "mine"), baselines=False, out="run")
"""
UNCOMPILED = """
import sys
from headstart.sources.images.timm import load_without_compiler
load_without_compiler()
assert "timm" in sys.modules and "torch._dynamo" not in sys.modules
import torch
assert torch.compile(lambda x: x + 1, backend="eager")(torch.ones(1)).item() == 2
assert callable(torch._dynamo.explain)
"""


def python(program: str, folder: Path) -> subprocess.CompletedProcess[str]:
    (folder / "script.py").write_text(program)
    return subprocess.run([sys.executable, "script.py"], cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def source(networks: Path) -> Source:
    return open_kind("batch norm", networks)


@pytest.mark.parametrize("runtime", ["reference", "auto"])
def test_same_features(runtime: str, source: Source) -> None:
    """What is converted there is computed here; what is not, there."""
    points, given = [Point(source.stages[-1].name)], [source.noise(5), source.noise(3)]

    def features() -> list[np.ndarray]:
        return [output[points[0]] for output in Trunk(source, points, 5000, runtime).run(given)]

    with worker.worker(wanted=True):
        assert worker.call(os.getpid) != os.getpid()
        there = features()
    assert not worker.is_there()
    for one, other in zip(there, features(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


def test_a_script_needs_no_guard_and_never_loads_pytorch(photos: Path, source: Source, tmp_path: Path) -> None:
    done = python(COLD.format(photos=str(photos), source=source.name), tmp_path)
    assert done.returncode == 0, done.stderr
    begun, memory = done.stdout.split()
    assert begun == "begun"
    assert int(memory) > 3e8  # the process that loaded PyTorch counts


def test_a_source_that_a_script_defines_is_built_here(photos: Path, source: Source, tmp_path: Path) -> None:
    done = python(OWN.format(photos=str(photos), source=source.name), tmp_path)
    assert done.returncode == 0, done.stderr


def test_a_mistake_is_told_by_its_own_sentence(source: Source) -> None:
    with worker.worker(wanted=True), pytest.raises(SourceError, match="has no stage 'nothing'"):
        worker.call(source.description.stage, "nothing")


def test_a_killed_worker_gets_a_sentence() -> None:
    with worker.worker(wanted=True), pytest.raises(HeadstartError, match="memory ran out"):
        worker.call(os.kill, worker.call(os.getpid), signal.SIGKILL)


def test_timm_without_the_compiler_leaves_the_compiler_whole(tmp_path: Path) -> None:
    done = python(UNCOMPILED, tmp_path)
    assert done.returncode == 0, done.stderr
