"""Static sources: in model2vec's own format, pooled as it does, taught in closed form, trained and read back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import headstart as hs
from contracts.texts import sentence, write_reviews, write_text_model
from headstart.core.errors import HeadstartError
from headstart.sources import open_source
from headstart.verbs.pretrain import Pretraining, pretrain

TEXTS = [sentence(mood, number) for number in range(60) for mood in ("good", "bad")]


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Vectors of 16 numbers, taught by a tiny encoder."""
    root = tmp_path_factory.mktemp("static")
    teacher = write_text_model(root / "teacher", "bert")
    pretrain(TEXTS, out=root / "words", teacher=teacher, recipe=Pretraining(arch="static:width=16"))
    return root / "words"


def test_teaching_comes_nearer_to_the_teacher(words: Path) -> None:
    import yaml

    made = yaml.safe_load((words / "recipe.yaml").read_text())
    assert made["cosine"] > made["cosine_start"] and made["cosine"] > 0.5
    assert made["texts"] == len(set(TEXTS))


def test_texts_that_stand_there_twice_are_held_out_twice(words: Path, tmp_path: Path) -> None:
    import yaml

    recipe = Pretraining(arch="static:width=16")
    doubled = [text for text in TEXTS for _ in range(2)]
    pretrain(doubled, out=tmp_path / "words", teacher=words.parent / "teacher", recipe=recipe)
    once, twice = (yaml.safe_load((folder / "recipe.yaml").read_text()) for folder in (words, tmp_path / "words"))
    assert twice["cosine"] == pytest.approx(once["cosine"], abs=1e-3)


def test_the_library_gives_the_same_vectors(words: Path) -> None:
    library = pytest.importorskip("model2vec")
    own = library.StaticModel.from_pretrained(str(words)).encode(TEXTS[:5])
    table = hs.embed(TEXTS[:5], source=words)
    ours = np.array(table.column("features").to_pylist())
    cosines = (ours * own).sum(axis=1) / np.linalg.norm(ours, axis=1) / np.linalg.norm(own, axis=1)
    assert cosines.min() > 0.999


def test_a_repository_of_the_hub_may_be_in_any_format(words: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADSTART_MODELS", str(words.parent))
    assert open_source(f"hf/{words.name}").description.architecture == open_source(words).description.architecture


def test_trained_vectors_are_read_back(words: Path, tmp_path: Path) -> None:
    run = hs.adapt(write_reviews(tmp_path / "reviews.csv"), source=words, strategy="finetune", baselines=False,
                   options={"epochs": 3, "freeze": "none", "learning_rate": 0.01}, out=tmp_path / "run")  # fmt: skip
    before, after = (open_source(folder)._vectors for folder in (words, tmp_path / "run"))
    assert before.shape == after.shape and np.abs(before - after).max() > 1e-3
    assert (hs.load(tmp_path / "run").predict_proba(TEXTS[:4]) == run.predict_proba(TEXTS[:4])).all()


def test_what_cannot_teach(words: Path, tmp_path: Path) -> None:
    with pytest.raises(HeadstartError, match="learns from a teacher alone"):
        pretrain(TEXTS, out=tmp_path / "none", recipe=Pretraining(arch="static"))
    with pytest.raises(HeadstartError, match="is no text model"):
        pretrain(TEXTS, out=tmp_path / "none", teacher="builtin/image-tiny", recipe=Pretraining(arch="static"))


def test_the_builtin_source_is_small_and_known() -> None:
    source = open_source("builtin/text-tiny")
    assert source.description.card.size < 6_000_000 and source.stages[-1].width == 192
    folder = Path(source.description.card.place)
    assert sum(path.stat().st_size for path in folder.iterdir()) < 6_000_000
