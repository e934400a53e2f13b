"""Written answers: to scores and back, metrics, and the two baselines."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from headstart.core.errors import DataError, StrategyError
from headstart.core.ragged import as_arrow, from_arrow
from headstart.tasks import tasks, use

TEXTS = ["ein Hund läuft", "zwei Hunde laufen", "", "狗 🐕"]
TASK = tasks.get("seq2seq").from_labels("de", TEXTS)


def test_answers_come_back_from_their_scores() -> None:
    assert use(TASK.describe()) == TASK and TASK.writes and TASK.own_head == "seq2seq-lm"
    scores = TASK.score_written(TEXTS, [-0.5, -1.0, -2.0, 0.0])
    for given in (scores, from_arrow(as_arrow(scores))):  # as they are, and as a run keeps them
        predictions = TASK.decode(given)
        assert predictions.answers == TEXTS
        assert np.allclose(predictions.confidence, np.exp([-0.5, -1.0, -2.0, 0.0]))


def test_metrics_and_errors() -> None:
    targets = TASK.encode(["ein Hund läuft", "zwei Katzen laufen", "", "eine Katze"])
    predictions = TASK.decode(TASK.score_written(TEXTS, [0.0] * 4))
    found = {metric.name: metric.statistic(np.ones((1, 4)))[0] for metric in TASK.metrics(predictions, targets)}
    assert list(found) == ["chrf", "bleu", "rouge1", "rouge2", "rougeL", "exact_match"]
    assert found["exact_match"] == 0.5 and 0 < found["chrf"] < 100 and TASK.primary == "chrf"
    errors = TASK.errors(predictions, targets)
    assert errors[0] == errors[2] == 0 and 0 < errors[1] < errors[3] == 100
    assert TASK.answers_of(targets) == list(targets)


def test_training_is_watched_by_the_loss_a_piece() -> None:
    scores = np.array([[6.0, 3], [1.0, 2]])
    assert TASK.watch(scores, TASK.encode(["a", "b"])) == pytest.approx(-7 / 5)
    assert TASK.numbers(TASK.encode(["abc", ""])).tolist() == [3, 0]


def test_copying_and_remembering() -> None:
    (copy,) = TASK.baselines_of(TASK.encode(["x"]), [])
    assert TASK.decode(copy.answer(["a dog", b"a cat"], 2)).answers == ["a dog", "a cat"]
    known = ["a black dog", "a red car", "two dogs run"]
    vectoriser = TfidfVectorizer().fit(known)
    answer = TASK.fit_plain(vectoriser.transform(known), TASK.encode(["Hund", "Auto", "Hunde"]), 1.0)
    predictions = TASK.decode(answer(vectoriser.transform(["the black dog run", "two dogs run"])))
    assert predictions.answers == ["Hund", "Hunde"]
    assert predictions.confidence[1] == pytest.approx(1) and 0 < predictions.confidence[0] < 1


def test_refusals() -> None:
    with pytest.raises(DataError, match="'de' has 3, and for seq2seq it has to hold the texts"):
        tasks.get("seq2seq").from_labels("de", ["a", 3])
    with pytest.raises(StrategyError, match="has no closed form"):
        TASK.solve(np.zeros((2, 3), np.float32), TASK.encode(["a", "b"]), "best")
