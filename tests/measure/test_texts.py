"""Measures of written answers against the libraries they come from, on the items as they are and drawn again."""

from __future__ import annotations

import numpy as np
import pytest
import sacrebleu
from rouge_score.rouge_scorer import RougeScorer

from headstart.measure import texts
from headstart.measure.scores import value

TRUTHS = ["the cat sat on the mat", "a small house stands by the sea", "he reads", "Zwei Männer gehen, schnell."]
ANSWERS = ["the cat is on the mat", "a house stands by the sea today", "", "Zwei Manner gehen schnell ."]
WEIGHTS = np.array([[1.0, 1, 1, 1], [3, 0, 1, 0], [0, 2, 0, 2], [0, 0, 4, 0]])


def drawn(weights: np.ndarray) -> tuple[list[str], list[str]]:
    rows = [row for row, times in enumerate(weights) for _ in range(int(times))]
    return [ANSWERS[row] for row in rows], [TRUTHS[row] for row in rows]


@pytest.mark.parametrize(
    ("ours", "theirs"), [(texts.chrf, sacrebleu.CHRF()), (texts.bleu, sacrebleu.BLEU())], ids=["chrf", "bleu"]
)
def test_corpus_measures_are_those_of_sacrebleu_for_every_draw(ours: object, theirs: object) -> None:
    statistic = ours(ANSWERS, TRUTHS)
    expected = [theirs.corpus_score(answers, [truths]).score for answers, truths in map(drawn, WEIGHTS)]
    assert np.allclose(statistic(WEIGHTS), expected)
    assert 0 < value(statistic, 4) == pytest.approx(expected[0])
    assert ours(TRUTHS, TRUTHS).by_item()[:2] == pytest.approx([100, 100])


def test_single_items() -> None:
    expected = [sacrebleu.CHRF().sentence_score(one, [other]).score for one, other in zip(ANSWERS, TRUTHS, strict=True)]
    assert np.allclose(texts.chrf(ANSWERS, TRUTHS).by_item(), expected)


def test_rouge_is_the_mean_over_items_in_any_script() -> None:
    found = texts.rouge(ANSWERS[:2], TRUTHS[:2])
    scorer = RougeScorer(list(texts.ROUGE))
    for name, statistic in found.items():
        own = [
            scorer.score(truth, answer)[name].fmeasure for answer, truth in zip(ANSWERS[:2], TRUTHS[:2], strict=True)
        ]
        assert np.allclose(statistic(np.array([[1.0, 1], [0, 2]])), [100 * np.mean(own), 100 * own[1]])
    assert value(texts.rouge(["محمد علي"], ["محمد حسن"])["rouge1"], 1) == pytest.approx(50)
    assert value(texts.rouge([""], [""])["rougeL"], 1) == 0
