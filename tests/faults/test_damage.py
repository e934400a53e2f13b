"""A run whose files were changed, cut or lost is refused, and the file is named."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.journeys.world import headstart

import headstart as hs

NEEDED = ("model.safetensors", "headstart.json", "config.json", "labels.json", "preprocessing.json")
"""What a run cannot answer without."""


@pytest.fixture
def run(probed: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(probed, tmp_path / "run"))


def flip(path: Path, share: float) -> None:
    """One bit of the byte that far into the file."""
    content = bytearray(path.read_bytes())
    content[int(share * (len(content) - 1))] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("name", NEEDED)
def test_a_flipped_byte(name: str, share: float, run: Path, pictures: Path) -> None:
    flip(run / name, share)
    if name == "headstart.json" and share == 1.0:
        (run / name).write_bytes((run / name).read_bytes()[:-2])  # the last byte is a new line, which means nothing
    for verb, other in (("predict", pictures), ("evaluate", pictures), ("compare", run)):
        headstart(verb, run, other).refused(str(run / name), "damaged")
    with pytest.raises(hs.HeadstartError, match=name):
        hs.load(run)


@pytest.mark.parametrize("name", NEEDED)
def test_a_missing_file(name: str, run: Path, pictures: Path) -> None:
    (run / name).unlink()
    headstart("predict", run, pictures).refused(name if name != "headstart.json" else str(run))


@pytest.mark.parametrize("name", ["receipt.json", "predictions.parquet"])
def test_a_changed_proof_is_not_compared_but_the_run_still_answers(
    name: str, run: Path, probed: Path, pictures: Path
) -> None:
    flip(run / name, 0.5)
    headstart("compare", run, probed).refused(str(run / name), "damaged or was changed")
    headstart("predict", run, pictures).ok()
    (run / name).unlink()
    headstart("compare", probed, run).refused(f"has no {name}")


def test_a_prettier_receipt_is_noticed(run: Path) -> None:
    """The proof cannot be made better than it is without anybody seeing it."""
    path = run / "receipt.json"
    path.write_text(path.read_text().replace('"no evidence"', '"helped"').replace('"hurt"', '"helped"') + " ")
    with pytest.raises(hs.HeadstartError, match=r"receipt\.json is damaged or was changed"):
        _ = hs.load(run).receipt


def test_a_damaged_run_as_a_source(run: Path, pictures: Path, tmp_path: Path) -> None:
    path = run / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-64])
    goal = tmp_path / "second"
    headstart("adapt", pictures, "-s", run, "--no-baselines", "-o", goal).refused(str(path))
    assert not goal.exists()


def test_a_run_of_a_newer_version(run: Path, pictures: Path) -> None:
    import json

    from headstart.core import fingerprints

    mark = json.loads((run / "headstart.json").read_text())
    del mark["digest"]
    mark["format"] = 99
    (run / "headstart.json").write_text(json.dumps({**mark, "digest": fingerprints.of_json(mark)}))
    headstart("predict", run, pictures).refused("newer version", "pip install -U headstart")
