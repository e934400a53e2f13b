"""A full disk and missing permissions: said in one sentence, and nothing half-written stays."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.journeys.world import Outcome, headstart, remains

FINETUNE = ["--strategy", "finetune", "--epochs", "1"]


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of 128 kB; skipped where it cannot be mounted."""
    if shutil.which("mount") is None:
        pytest.skip("there is no mount on this machine")
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(folder)]
    mounted = subprocess.run(command, capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("a small file system can only be mounted by the administrator of a Linux machine")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


@pytest.mark.parametrize("options", [[], FINETUNE])
def test_a_run_that_does_not_fit(options: list[str], small: Path, source: Path, pictures: Path) -> None:
    headstart("adapt", pictures, "-s", source, "--no-baselines", "-o", small / "run", *options).refused(
        "space", str(small / "run")
    )
    assert list(small.iterdir()) == []


def test_a_bank_that_is_full(
    small: Path, source: Path, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Activations of the cut do not fit; with space again, the same bank serves."""
    monkeypatch.setenv("HEADSTART_HOME", str(small / "home"))
    run = tmp_path / "run"
    command: list[str | Path] = ["adapt", pictures, "-s", source, "--no-baselines", "-o", run]
    headstart(*command, *FINETUNE).refused("space", str(small / "home"))
    assert not run.exists()
    subprocess.run(["mount", "-o", "remount,size=8m", small], check=True)
    headstart(*command, *FINETUNE).ok()
    assert headstart("bank", "verify").ok().out == "The bank is whole.\n"


def test_results_that_do_not_fit(small: Path, probed: Path, source: Path, pictures: Path) -> None:
    with contextlib.suppress(OSError), (small / "fill").open("wb", buffering=0) as stream:
        while True:
            stream.write(bytes(4096))
    commands: list[list[str | Path]] = [
        ["predict", probed, pictures, "--format", "csv", "--out", small / "answers.csv"],
        ["embed", pictures, "-s", source, "--out", small / "features.parquet"],
    ]
    for command in commands:
        headstart(*command).refused("No space left", str(small))
    assert [path.name for path in small.iterdir()] == ["fill"]


@pytest.mark.parametrize("name", ["model.safetensors", "receipt.html", "receipt.json", "headstart.json"])
def test_a_disk_that_fills_up_while_a_run_is_written(
    name: str, source: Path, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = Path.replace

    def full(path: Path, target: Path) -> Path:
        if target.name == name:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", full)
    run = tmp_path / "run"
    headstart("adapt", pictures, "-s", source, "--no-baselines", "-o", run).refused("No space left", str(run / name))
    assert not run.exists()
    assert remains(tmp_path) == []


def test_no_permission_to_write(source: Path, pictures: Path, tmp_path: Path) -> None:
    """The administrator may write everywhere, so that right is given up first."""
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o555)
    without = ["setpriv", "--bounding-set", "-dac_override"] if os.geteuid() == 0 else []
    if without and shutil.which(without[0]) is None:
        pytest.skip("the administrator can only give up rights with setpriv, which is not here")
    code = "from headstart.cli import main\nmain()"
    command: list[str | Path] = ["adapt", pictures, "-s", source, "-o", locked / "run"]
    command = [*without, sys.executable, "-c", code, *command]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    Outcome(ended.returncode, ended.stdout, ended.stderr).refused(
        f"No permission to write {locked / 'run'}", "Choose another place"
    )
    assert list(locked.iterdir()) == []
