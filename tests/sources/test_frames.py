"""Answers along a sound: every moment once, in the window that knows most of it, whatever else is in a batch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from contracts.sounds import RATE, samples, write_sound_model, write_yamnet
from headstart.core.errors import SourceError
from headstart.sources import Source, open_source
from headstart.sources.network import Network
from headstart.sources.points import Point
from headstart.sources.sounds import recogniser
from headstart.sources.sounds.frames import Frames
from headstart.sources.trunk import Trunk

SOUNDS = [(samples("tone", 1, 2.0), RATE), (samples("noise", 2, 0.4), RATE), (samples("sweep", 3, 5.3), RATE)]


@pytest.fixture(params=["recogniser", "wav2vec2"], scope="module")
def source(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Source:
    folder = tmp_path_factory.mktemp("models") / request.param
    if request.param == "recogniser":
        recogniser.write(folder, recogniser.Architecture(width=16, blocks=2), ("<blank>", "a"), 0)
    else:
        write_sound_model(folder, request.param)
    return open_source(folder).reading("places")


def read(source: Source, sounds: list[object]) -> np.ndarray:
    network, last = Network(source).eval(), source.stages[-1].name
    batch = {name: torch.from_numpy(value) for name, value in source.collate(list(map(source.prepare, sounds))).items()}
    with torch.no_grad():
        return network.read(last, network(batch, [last])[last], batch).numpy()


@pytest.mark.parametrize("values", [1, 59, 60, 61, 240, 241, 1000])
def test_every_moment_is_answered_where_there_is_most_around_it(values: int) -> None:
    frames = Frames(answers=20, window=60, hop=3)
    series = np.arange(values, dtype=np.float32)[:, None] + 1
    windows = frames.cut(series)
    places = frames.places(values, len(windows))
    assert len(places) == frames.moments(values) == max(1, -(-values // 3))
    row, inside = np.divmod(places, 20)
    assert (windows[row, inside * 3, 0] == np.arange(len(places)) * 3 + 1).all()
    inner = (places >= 20) & (row < len(windows) - 1)
    assert ((inside >= 5) & (inside < 15) | ~inner).all()


def test_moments_do_not_depend_on_the_batch(source: Source) -> None:
    together = read(source, SOUNDS)
    alone = np.concatenate([read(source, [sound]) for sound in SOUNDS])
    assert together.shape[1] == source.stages[-1].width and np.allclose(together, alone, atol=1e-5)
    counts = [source.places(source.prepare(sound)) for sound in SOUNDS]
    assert sum(counts) == len(together) and counts[1] < counts[0] < counts[2]
    few = source.few(source.collate(list(map(source.prepare, SOUNDS))), 2)
    assert (few["places"] >= 0).sum() == sum(counts[:2]) and few["places"].max() < len(few["parts"]) * 1000


def test_converted_is_the_same(source: Source) -> None:
    point = Point(source.stages[-1].name, "places")
    batch = source.collate(list(map(source.prepare, SOUNDS)))
    (found,) = Trunk(source, [point], 64, "openvino").run(iter([batch]))
    counts = [source.places(source.prepare(sound)) for sound in SOUNDS]
    values = np.concatenate([found[point][row, :count] for row, count in enumerate(counts)])
    wanted = read(source, SOUNDS)
    cosine = (values * wanted).sum(1) / np.linalg.norm(values, axis=1) / np.linalg.norm(wanted, axis=1)
    assert cosine.mean() > 0.998


def test_views_keep_what_is_said_whole(source: Source) -> None:
    lengths = {source.places(source.view(SOUNDS[0], view, "key")) for view in range(1, 6)}
    whole = source.places(source.prepare(SOUNDS[0]))
    assert len(lengths) > 1 and all(0.85 * whole < length < 1.15 * whole for length in lengths)
    first, again = (source.view(SOUNDS[0], 3, "key")["parts"] for _ in range(2))
    assert (first == again).all()


def test_sources_of_whole_sounds_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="recogniser"):
        open_source(write_yamnet(tmp_path / "yamnet")).reading("places")
