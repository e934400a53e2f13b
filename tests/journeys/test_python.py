"""The verbs in Python."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.conftest import draw
from tests.journeys.world import make_pictures

import headstart as hs


@pytest.fixture
def unseen(tmp_path: Path) -> Path:
    """Without losses of compression, so that pictures decoded here are those that the model decodes."""
    return make_pictures(tmp_path / "unseen", count=4, first=60, ending="png")


def test_a_model_is_the_same_however_it_was_come_by(
    source: Path, pictures: Path, probed: Path, unseen: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made = hs.adapt(pictures, source=source, strategy=hs.Probe(), baselines=False)
    assert made.folder == tmp_path / "runs" / "pictures"
    assert hs.adapt(pictures, source=hs.open_source(source), baselines=False).folder == tmp_path / "runs" / "pictures-2"
    kept = hs.load(made.save(tmp_path / "kept"))
    every = [model.predict_proba(unseen) for model in (made, kept, hs.load(probed), hs.load("runs/pictures-2"))]
    assert all(np.array_equal(one, every[0]) for one in every)
    with pytest.raises(hs.HeadstartError, match="exists already"):
        made.save(tmp_path / "kept")


def test_contents_may_be_a_folder_paths_pictures_or_arrays(probed: Path, unseen: Path) -> None:
    model = hs.load(probed)
    paths = sorted(unseen.rglob("*.png"))
    pictures = [Image.open(path) for path in paths]
    arrays = [np.asarray(picture) for picture in pictures]
    every = [model.predict_proba(given) for given in (unseen, paths, list(map(str, paths)), pictures, arrays)]
    assert every[0].shape == (8, 2)
    np.testing.assert_allclose(every[0].sum(axis=1), 1)
    assert all(np.array_equal(one, every[0]) for one in every[1:])
    assert model.predict(paths) == [model.labels[best] for best in every[0].argmax(axis=1)]


def test_a_content_that_cannot_be_read_is_refused_or_set_aside(probed: Path, unseen: Path) -> None:
    model = hs.load(probed)
    (unseen / "circle" / "bad.jpg").write_text("text")
    with pytest.raises(hs.HeadstartError, match=r"circle/bad\.jpg cannot be used: not an image"):
        model.predict(unseen)
    answers = model.answer(unseen)
    assert len(answers.predictions.answers) == len(answers.table) == 8
    assert [item.id for item in answers.quarantine] == ["circle/bad.jpg"]


def test_evaluate_embed_and_receipt(probed: Path, unseen: Path, source: Path) -> None:
    model = hs.load(probed)
    found = hs.evaluate(model, unseen)
    assert found.items == 8
    truth = [path.parent.name for path in sorted(unseen.rglob("*.png"))]
    assert found.metrics["accuracy"].value == np.mean(np.array(model.predict(unseen)) == truth)
    assert model.evaluate(unseen).as_dict() == found.as_dict()
    assert (
        model.embed(unseen).column("features").to_pylist()
        == hs.embed(unseen, source=source).column("features").to_pylist()
    )
    assert model.receipt.run == probed.name
    assert model.receipt.verdict.answer in ("helped", "no evidence", "hurt")


def test_adapting_to_pictures_in_memory(source: Path, tmp_path: Path) -> None:
    contents = [draw(shape, number) for shape in ("circle", "square") for number in range(12)]
    labels = ["round"] * 12 + ["square"] * 12
    model = hs.adapt((contents, labels), source=source, baselines=False, out=tmp_path / "run")
    assert model.labels == ("round", "square")
    assert model.receipt.target.training + model.receipt.target.validation + model.receipt.target.test == 24
    answers = model.predict(contents)
    assert sum(answer == label for answer, label in zip(answers, labels, strict=True)) >= 20
    with pytest.raises(hs.HeadstartError, match="in memory"):
        hs.repeat(tmp_path / "run" / "recipe.yaml", out=tmp_path / "again")


def test_a_strategy_with_options_is_written_into_the_recipe(source: Path, pictures: Path, tmp_path: Path) -> None:
    way = hs.Finetune(epochs=1, averaging="none", refit=False)
    model = hs.adapt(pictures, source=source, strategy=way, baselines=False, out=tmp_path / "run")
    assert model.receipt.strategy.options == {"epochs": 1.0, "averaging": "none", "refit": False}
    again = hs.repeat(tmp_path / "run" / "recipe.yaml", out=tmp_path / "again")
    assert np.array_equal(again.predict_proba(pictures), model.predict_proba(pictures))


def test_inspect_and_compare(pictures: Path, probed: Path, finetuned: Path) -> None:
    found = hs.inspect(pictures)
    assert found.labels == {"circle": 16, "square": 16}
    both = hs.compare([probed, finetuned])
    assert [run.strategy for run in both.runs] == ["probe", "finetune"]
    assert both.items == 8
    assert both.runs[1].difference is not None


def test_every_public_name_is_there() -> None:
    assert all(getattr(hs, name) is not None for name in hs.__all__)
    with pytest.raises(AttributeError, match="no attribute 'adpt'"):
        getattr(hs, "adpt")  # noqa: B009
