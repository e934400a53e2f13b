"""Tags of words: spans and metrics as seqeval has them, sequences that are valid, labels of every scheme."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from scipy.special import log_softmax
from seqeval import metrics as seqeval

from headstart.core.errors import DataError
from headstart.core.ragged import as_arrow, from_arrow, ragged
from headstart.data.table import Table
from headstart.data.tags import spans_of, written
from headstart.measure.intervals import bootstrap_interval
from headstart.tasks import Task, choose
from headstart.tasks.tagging import Tagging

TAGS = ["O", "B-x", "I-x", "E-x", "S-x", "B-y", "I-y", "E-y", "S-y"]
sentences = some.lists(some.lists(some.tuples(some.sampled_from(TAGS), some.sampled_from(TAGS)), min_size=1),
                       min_size=1, max_size=6)  # fmt: skip


def made(*sentence: str) -> Task:
    return Tagging.from_labels("tags", [list(sentence)])


@settings(max_examples=300, deadline=None)
@given(sentences)
@pytest.mark.filterwarnings("ignore")
def test_spans_are_those_of_seqeval(pairs: list[list[tuple[str, str]]]) -> None:
    from seqeval.metrics.sequence_labeling import get_entities

    for sentence in pairs:
        for tags in zip(*sentence, strict=True):
            assert [(kind, first, last + 1) for kind, first, last in get_entities(list(tags))] == spans_of(tags)


@pytest.mark.filterwarnings("ignore")
def test_metrics_are_those_of_seqeval() -> None:
    random = np.random.default_rng(0)
    bio = ["O", "B-x", "I-x", "B-y", "I-y"]
    truth = [random.choice(bio, random.integers(1, 20)).tolist() for _ in range(60)]
    task = Tagging.from_labels("tags", truth)
    targets = task.encode(truth)
    predictions = task.decode(ragged(random.normal(size=(len(one), 5)) for one in truth))
    found = {metric.name: float(metric.statistic(np.ones((1, 60)))[0]) for metric in task.metrics(predictions, targets)}
    known = task.answers_of(targets)
    assert found["f1"] == pytest.approx(seqeval.f1_score(known, predictions.answers))
    assert found["precision"] == pytest.approx(seqeval.precision_score(known, predictions.answers))
    assert found["recall"] == pytest.approx(seqeval.recall_score(known, predictions.answers))
    assert found["token_accuracy"] == pytest.approx(seqeval.accuracy_score(known, predictions.answers))
    assert seqeval.f1_score(truth, predictions.answers) == pytest.approx(found["f1"])  # rewriting changes no span
    twice = np.r_[2.0, np.zeros(58), 1.0][None]  # a bootstrap draws sentences
    again = [known[0], known[0], known[-1]], [predictions.answers[place] for place in (0, 0, -1)]
    assert task.metric(predictions, targets).statistic(twice)[0] == pytest.approx(seqeval.f1_score(*again))
    interval = bootstrap_interval(task.metric(predictions, targets).statistic, 60)
    assert interval.low < found["f1"] < interval.high


@pytest.mark.parametrize("task", [made("B-x", "I-y", "O"), made("B-x", "E-x", "S-x", "O")], ids=["BIO", "BIOES"])
def test_decoded_is_the_best_valid_sequence(task: Task) -> None:
    random = np.random.default_rng(1)
    for words in (1, 2, 4):
        scores = random.normal(size=(words, task.outputs)) * 2
        logs = log_softmax(scores, axis=1)
        ends = any(tag[0] == "E" for tag in task.labels)
        best = max(
            (
                sum(logs[word, tag] for word, tag in enumerate(path))
                for path in itertools.product(range(task.outputs), repeat=words)
                if (names := [task.labels[tag] for tag in path]) == written(spans_of(names), words, ends=ends)
            ),
        )
        (answer,) = task.decode(ragged([scores])).answers
        assert answer == written(spans_of(answer), words, ends=ends)
        assert sum(logs[word, task.labels.index(tag)] for word, tag in enumerate(answer)) == pytest.approx(best)


def test_spans_are_shown_by_their_words_where_these_are_at_hand() -> None:
    task = Tagging("tags", ("B-person", "I-person", "O"))
    tags = ["B-person", "I-person", "O"]
    assert task.shown(tags, "Anna Berg laughed") == ["person: Anna Berg"]
    assert task.shown(tags) == ["person (words 1 to 2)"]


def test_schemes() -> None:
    old = made("I-x", "I-x", "B-x", "O")  # IOB1: B- only where a span begins right behind another
    assert old.labels == ("O", "B-x", "I-x")
    assert old.answers_of(old.encode([["I-x", "I-x", "B-x", "O", "I-x"]])) == [["B-x", "I-x", "B-x", "O", "B-x"]]
    assert made("S-x", "O").labels == ("O", "B-x", "I-x", "E-x", "S-x")
    with pytest.raises(DataError, match="marks no word"):
        made("O", "O")
    with pytest.raises(DataError, match=r"has 'person'.*one a word"):
        made("person", "O")
    with pytest.raises(DataError, match=r"'B-z'.*not among the training labels"):
        old.encode([["B-z"]])


def test_lists_of_tags_are_taken_for_tagging() -> None:
    import pyarrow as pa

    from headstart.data.table import Examples

    for values, kind in (([["B-x", "O"], ["O"]], "tagging"), ([["O", "b"], ["b"]], "multilabel")):
        table = Table(pa.table({"id": ["1", "2"], "label": values}), "there", "text")
        assert choose(Examples(table, np.arange(2), ["", ""])).kind == kind


def test_baselines_look_at_words_alone() -> None:
    task = made("B-x", "I-x", "O")
    values, contents = [["B-x", "O"], ["B-x", "I-x"], ["O"]], [["anna", "saw"], ["anna", "maria"], ["maria"]]
    outside, word = task.baselines_of(task.encode(values), contents)
    asked = [["anna", "maria", "peter"], "saw anna"]
    assert task.decode(outside.answer(asked, 2)).answers == [["O"] * 3, ["O"] * 2]
    assert task.decode(word.answer(asked, 2)).answers == [["B-x", "I-x", "O"], ["O", "B-x"]]


def test_scores_come_back_from_arrow() -> None:
    scores = ragged(np.random.default_rng(0).normal(size=(count, 3)) for count in (2, 1, 4))
    for given_scores in (scores, scores[2]):
        again = from_arrow(as_arrow(given_scores))
        assert all(np.array_equal(one, other) for one, other in zip(again, given_scores, strict=True))
