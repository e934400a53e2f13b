"""Transcripts: alphabets, the loss against a sum over all paths, greedy and beam decoding, errors counted by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from scipy.special import log_softmax

from headstart.core.errors import DataError
from headstart.core.ragged import ragged
from headstart.measure.ctc import best_path, prefix_search
from headstart.tasks import use
from headstart.tasks.speech_recognition import SpeechRecognition

TASK = SpeechRecognition.from_labels("sentence", ["a b", "ba"])


def logs(moments: int, seed: int, labels: int = 3) -> np.ndarray:
    return log_softmax(np.random.default_rng(seed).normal(0, 2, (moments, labels)), axis=1)


def collapsed(path: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(label for label, _ in itertools.groupby(path) if label)


def by_all_paths(given: np.ndarray) -> dict[tuple[int, ...], float]:
    """Sequence -> its probability, the slow way."""
    found: dict[tuple[int, ...], float] = {}
    for path in itertools.product(range(given.shape[1]), repeat=len(given)):
        chance = float(np.exp(sum(given[moment, label] for moment, label in enumerate(path))))
        found[collapsed(path)] = found.get(collapsed(path), 0.0) + chance
    return found


def test_the_alphabet_is_that_of_training() -> None:
    assert TASK.labels == ("<blank>", " ", "a", "b")
    decomposed = "e\N{COMBINING ACUTE ACCENT}"
    assert SpeechRecognition.from_labels("s", [decomposed]).labels[1:] == ("é",)
    numbers = TASK.numbers(TASK.encode(["ab", "a?b"]))
    assert [own.tolist() for own in numbers] == [[2, 3, 0], [2, 3, 0]], "unknown letters are not learned"
    with pytest.raises(DataError, match="--text"):
        SpeechRecognition.from_labels("s", [1.5])
    assert SpeechRecognition.columns(None, "sentence") == ("sentence", None)
    assert use(TASK.searching(8).describe()) == TASK.searching(8)


def test_the_loss_is_that_of_all_paths_together() -> None:
    truths, moments = ["ab", "b b"], [4, 5]
    given = [logs(count, seed, TASK.outputs) for seed, count in enumerate(moments)]
    numbers = torch.from_numpy(np.concatenate(list(TASK.numbers(TASK.encode(truths)))))
    outputs = torch.from_numpy(np.concatenate(given))
    found = TASK.losses(outputs, numbers, torch.tensor(moments)).numpy()
    wanted = [
        -np.log(by_all_paths(own)[tuple(TASK.labels.index(letter) for letter in truth)]) / len(truth)
        for own, truth in zip(given, truths, strict=True)
    ]
    assert found == pytest.approx(wanted, rel=1e-5)
    alone = TASK.losses(outputs[:4], numbers[:3], torch.tensor([4])).numpy()
    assert alone == pytest.approx(found[:1])


@pytest.mark.parametrize("seed", range(8))
def test_wide_search_finds_the_likeliest_sequence(seed: int) -> None:
    given = logs(5, seed)
    chances = by_all_paths(given)
    assert tuple(prefix_search(given, 60)) == max(chances, key=lambda one: chances[one])
    best = tuple(int(label) for label in given.argmax(axis=1))
    assert tuple(best_path(given)) == collapsed(best)


def test_search_sees_what_the_best_path_does_not() -> None:
    """Two paths of a letter together beat the one of nothing (Graves et al. 2006, figure)."""
    given = np.log(np.array([[0.6, 0.4], [0.6, 0.4]]))
    assert best_path(given) == [] and prefix_search(given, 4) == [1]
    scores = ragged([given])
    task = SpeechRecognition("s", ("<blank>", "a"))
    assert task.decode(scores).answers == [""] and task.searching(4).decode(scores).answers == ["a"]


def test_errors_are_counted() -> None:
    targets = TASK.encode(["a b", "ba"])
    always = {one.name: one.answer([], 2) for one in TASK.baselines(TASK.encode(["ba", "a b", "ba"]))}
    assert TASK.decode(always["usual"]).answers == ["ba", "ba"] and TASK.decode(always["empty"]).answers == ["", ""]
    metrics = {one.name: one for one in TASK.metrics(TASK.decode(always["usual"]), targets)}
    ones, second = np.ones((1, 2)), np.array([[0.0, 1.0]])
    assert metrics["word_error_rate"].statistic(ones)[0] == pytest.approx(2 / 3)
    assert metrics["character_error_rate"].statistic(ones)[0] == pytest.approx(3 / 5)
    assert metrics["character_accuracy"].statistic(second)[0] == 1
    assert TASK.errors(TASK.decode(always["usual"]), targets).tolist() == [3, 0]
