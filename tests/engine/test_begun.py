"""A head that begins as the source's own classifier, where both tell the same labels."""

from __future__ import annotations

import numpy as np
import pytest

from headstart.engine.own import begun, own_head
from headstart.engine.trained import LinearHead
from headstart.measure.ctc import NO_LETTER
from headstart.sources import Source, open_source
from headstart.sources.sounds import recogniser
from headstart.tasks.speech_recognition import SpeechRecognition

LETTERS = (NO_LETTER, " ", "'", "a", "e")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    folder = tmp_path_factory.mktemp("models") / "recogniser"
    recogniser.write(folder, recogniser.Architecture(width=16, blocks=1), LETTERS, seed=0)
    return open_source(folder)


def zeros(source: Source, outputs: int) -> LinearHead:
    return LinearHead((source.stages[-1].name,), np.zeros((16, outputs)), np.zeros(outputs))


def test_letters_of_both_begin_as_they_are_and_new_ones_as_their_mean(source: Source) -> None:
    task = SpeechRecognition("text", (NO_LETTER, "e", "é"))
    head = begun(source, task, zeros(source, 3))
    own = {name: np.asarray(value, np.float64) for name, value in source.weights().items()}
    np.testing.assert_array_equal(head.weight[:, :2], own["classifier.weight"][[0, 4]].T)
    np.testing.assert_array_equal(head.bias[:2], own["classifier.bias"][[0, 4]])
    np.testing.assert_allclose(head.weight[:, 2], own["classifier.weight"].mean(axis=0))


def test_without_a_shared_label_it_begins_as_given(source: Source) -> None:
    start = zeros(source, 1)
    assert begun(source, SpeechRecognition("text", ("é",)), start) is start


def test_a_sign_alone_is_not_another_one(source: Source) -> None:
    assert own_head(source, SpeechRecognition("text", (NO_LETTER, "a", "é"))) is None
