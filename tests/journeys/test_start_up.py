"""Nothing heavy is loaded before it is used: start-up is part of the time that a user feels."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.journeys.world import home, python

HEAVY = (
    "torch", "torchvision", "timm", "transformers", "sklearn", "pyarrow", "scipy", "lance", "matplotlib", "openvino",
)  # fmt: skip
LOADED = f"""
import sys
heavy = {HEAVY!r}
def tell():
    print("LOADED", *(name for name in heavy if name in sys.modules))
"""
COMMAND = f"""{LOADED}
from headstart.cli import main
try:
    main()
finally:
    tell()
"""


def loaded(code: str, *arguments: str | Path) -> set[str]:
    ended = python(code, *arguments).ok()
    return set(ended.out.rpartition("LOADED")[2].split())


def test_importing_loads_nothing_heavy() -> None:
    assert loaded(f"{LOADED}\nimport headstart\ndir(headstart)\ntell()") == set()


@pytest.mark.parametrize("arguments", [["--help"], ["adapt", "--help"], ["--version"], ["bank", "--help"]])
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    assert loaded(COMMAND, *arguments) == set()


def test_a_second_probe_needs_no_torch(probed: Path, place: Path, source: Path, pictures: Path, tmp_path: Path) -> None:
    """All features are in the bank, the head is solved in NumPy, and the weights are copied as they are."""
    with home(place / "home"):
        found = loaded(
            COMMAND, "adapt", pictures, "--source", source, "--strategy", "probe", "--no-baselines",
            "--out", tmp_path / "again",
        )  # fmt: skip
    assert found.isdisjoint({"torch", "torchvision", "timm", "transformers", "sklearn", "matplotlib", "openvino"})
    assert (tmp_path / "again" / "model.safetensors").read_bytes() == (probed / "model.safetensors").read_bytes()


def test_the_module_is_a_command() -> None:
    import runpy
    import sys

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["headstart", "--version"])
        with pytest.raises(SystemExit) as ended:
            runpy.run_module("headstart", run_name="__main__")
    assert not ended.value.code
