"""Sound sources: what the published numbers say, parts that are averaged, views, and sounds of any length."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch

import headstart as hs
from contracts.sounds import RATE, encoded, run_listed, samples, write_sounds, write_speech_embedding, write_yamnet
from headstart.data import checks
from headstart.data.read import read
from headstart.sources import Source, open_source
from headstart.sources.network import Network
from headstart.sources.points import Point
from headstart.sources.trunk import Trunk

MODELS = os.environ.get("HEADSTART_MODELS", "")
SHARED = Path(MODELS).parent if MODELS else Path()
published = pytest.mark.skipif(
    not (Path(MODELS) / "yamnet").is_dir() or not (SHARED / "data" / "audio").is_dir(),
    reason="HEADSTART_MODELS names no folder with yamnet, and data/audio beside it",
)
speech_embedding = pytest.mark.skipif(
    not (Path(MODELS) / "speech_embedding").is_dir() or not (SHARED / "data" / "audio").is_dir(),
    reason="HEADSTART_MODELS names no folder with speech_embedding, and data/audio beside it",
)
SOUNDS = [(samples("tone", 1, 3.0), RATE), (samples("noise", 2, 0.3), RATE), (samples("sweep", 3, 1.6), RATE)]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    return open_source(write_yamnet(tmp_path_factory.mktemp("models") / "yamnet"))


def features(source: Source, sounds: list[object]) -> np.ndarray:
    """Every stage, pooled, one beside another."""
    network = Network(source).eval()
    batch = {name: torch.from_numpy(array) for name, array in source.collate(list(map(source.prepare, sounds))).items()}
    stages = [stage.name for stage in source.stages]
    with torch.no_grad():
        heard = network(batch, stages)
        return torch.cat([network.pool(stage, heard[stage], batch) for stage in stages], dim=1).numpy()


@published
@pytest.mark.parametrize("number", range(3))
def test_yamnet_gives_its_published_numbers(number: int) -> None:
    source = open_source(Path(MODELS) / "yamnet")
    expected = json.loads((Path(MODELS) / "yamnet" / "expected.json").read_text())["references"][number]
    inputs = source.prepare((SHARED / expected["clip"]).read_bytes())
    patches = inputs["parts"]
    assert len(patches) == expected["patches"]
    assert patches[0].mean() == pytest.approx(expected["logmel_first_patch_mean"], abs=2e-3)
    assert patches[0, 0, :4] == pytest.approx(expected["logmel_first_row_first4"], abs=2e-3)
    network, last = Network(source).eval(), source.stages[-1].name
    batch = {name: torch.from_numpy(value) for name, value in source.collate([inputs]).items()}
    with torch.no_grad():
        heard = network(batch, [last])[last]
        embedding = network.pool(last, heard, batch)[0]
        scores = torch.sigmoid(network.classifier(heard)).mean(dim=0)
    assert embedding[:8].numpy() == pytest.approx(expected["embedding_mean_over_patches_first8"], abs=3e-3)
    assert float(embedding.norm()) == pytest.approx(expected["embedding_norm"], abs=5e-3)
    for place, (label, score) in zip(scores.argsort(descending=True)[:3].tolist(), expected["top3"], strict=True):
        assert source.description.labels[place] == label and float(scores[place]) == pytest.approx(score, abs=3e-3)


def test_a_sound_is_the_mean_of_its_parts(source: Source) -> None:
    together = features(source, SOUNDS)
    alone = np.concatenate([features(source, [sound]) for sound in SOUNDS])
    assert np.allclose(together, alone, atol=1e-5)
    counts = [source.length(source.prepare(sound)) for sound in SOUNDS]
    assert counts == [5, 1, 2]
    first, second = (source.prepare(SOUNDS[2])["parts"][part] for part in range(2))
    network, stage = Network(source).eval(), source.stages[1].name
    with torch.no_grad():
        parts = network({"parts": torch.from_numpy(np.stack([first, second]))}, [stage])[stage].mean(dim=(2, 3))
    width = source.stages[0].width
    assert np.allclose(together[2, width : width + source.stages[1].width], parts.mean(dim=0), atol=1e-5)


def test_converted_is_the_same(source: Source) -> None:
    points = [Point(source.stages[0].name), Point(source.stages[-1].name)]
    batch = source.collate([source.prepare(sound) for sound in SOUNDS])
    found = {}
    for runtime in ("reference", "eager", "openvino"):
        trunk = Trunk(source, points, 3, runtime)
        found[runtime] = next(iter(trunk.run([batch])))
        assert trunk.choice is not None and trunk.choice.runtime.split()[0] == runtime, trunk.choice
    for point in points:
        for runtime in ("eager", "openvino"):
            assert np.allclose(found["reference"][point], found[runtime][point], atol=0.05), (point, runtime)


def test_views_are_of_their_number_and_key_alone(source: Source) -> None:
    def view(number: int, key: str) -> np.ndarray:
        return source.view(SOUNDS[0], number, key)["parts"]

    plain = source.prepare(SOUNDS[0])["parts"]
    assert np.array_equal(view(0, "a"), plain)
    assert np.array_equal(view(3, "a"), view(3, "a"))
    for number, key in ((1, "a"), (3, "a"), (3, "b")):
        assert view(number, key).shape == plain.shape and not np.allclose(view(number, key), plain)
    assert not np.allclose(view(3, "a"), view(3, "b"))


def remarks(source: Source, contents: list[object]) -> list[str]:
    """As a run hears them: by what the checks found."""
    return source.remarks(contents, checks.check(read(contents, labelled=False)).counts)


def test_other_rates_and_long_sounds(source: Source) -> None:
    at_rate = source.prepare((samples("tone", 5, 1.0), RATE))["parts"]
    resampled = source.prepare(encoded(samples("tone", 5, 1.0, 44_100), rate=44_100))["parts"]
    assert resampled.shape == at_rate.shape
    long = (np.tile(SOUNDS[0][0], 25), RATE)
    assert source.length(source.prepare(long)) == 123
    assert remarks(source, [long, SOUNDS[0]]) == [
        "1 recording is longer than the 60 s that are read; what follows is not."
    ]


def test_what_happens_to_sounds_on_their_way_in_is_said(source: Source) -> None:
    tone, low = SOUNDS[0], (SOUNDS[0][0], 8_000)
    assert remarks(source, [tone, low, low]) == ["2 recordings are resampled to 16,000 Hz by soxr, from 8,000 Hz."]
    odd = [(0 * tone[0], RATE), ((9 * tone[0]).clip(-1, 1), 44_100), low]
    assert remarks(source, [tone, *odd]) == [
        "1 recording is silent throughout.",
        "1 recording is clipped: louder than a file can hold.",
        "2 recordings are resampled to 16,000 Hz by soxr, from 8,000 to 44,100 Hz.",
    ]


def test_stages_hold_every_parameter_and_say_that_rows_differ(source: Source) -> None:
    assert [stage.name for stage in source.stages] == ["layer1", "layer2", "layer3"]
    assert source.stages[0].shape == (-1, 4, 48, 32) and source.stages[-1].shape == (-1, 12)
    network = source.module()
    head = sum(p.numel() for p in network.classifier.parameters())
    assert sum(stage.parameters for stage in source.stages) + head == sum(p.numel() for p in network.parameters())


@speech_embedding
def test_speech_embedding_gives_its_published_numbers() -> None:
    folder = Path(MODELS) / "speech_embedding"
    source, expected = open_source(folder), json.loads((folder / "expected.json").read_text())
    inputs = source.prepare((SHARED / expected["clip"]).read_bytes())
    assert inputs["parts"].shape == (expected["windows"], 76, 32)
    assert inputs["parts"][0, 0, :4] == pytest.approx(expected["mel_first_row_first4"], abs=2e-3)
    network, last = Network(source).eval(), source.stages[-1].name
    batch = {name: torch.from_numpy(value) for name, value in source.collate([inputs]).items()}
    with torch.no_grad():
        embedding = network(batch, [last])[last][0]
    assert embedding[:8].numpy() == pytest.approx(expected["embedding_first_window_first8"], abs=0.06)  # in float16
    assert float(embedding.norm()) == pytest.approx(expected["embedding_first_window_norm"], abs=0.06)


def test_speech_embedding_is_what_its_graph_says_and_survives_a_run(tmp_path: Path) -> None:
    folder = write_speech_embedding(tmp_path / "model")
    source = open_source(folder)
    parts = source.prepare(SOUNDS[0])["parts"]
    assert len(parts) == 1 + (1 + (3 * RATE - 512) // 160 - 76) // 8
    listed = json.loads((folder / "config.json").read_text())["graphs"]["embedding_model"]
    network, last = Network(source).eval(), source.stages[-1].name
    with torch.no_grad():
        heard = network({"parts": torch.from_numpy(parts)}, [last])[last]
    assert torch.allclose(heard, run_listed(listed, folder, torch.from_numpy(parts)), rtol=1e-3, atol=1e-3)
    sounds = write_sounds(tmp_path / "sounds", 6)
    options = {"epochs": 1}
    run = hs.adapt(sounds, source=folder, strategy="finetune", options=options, baselines=False, out=tmp_path / "run")
    again = open_source(run.folder)
    np.testing.assert_array_equal(again.prepare(SOUNDS[1])["parts"], source.prepare(SOUNDS[1])["parts"])
