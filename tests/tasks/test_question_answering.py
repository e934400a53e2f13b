"""Answers in contexts: metrics as SQuAD's official evaluation has them, spans and losses against slow computations."""

from __future__ import annotations

import re
import string
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some

from headstart.core.errors import DataError, StrategyError
from headstart.core.ragged import as_arrow, joined, ragged
from headstart.data.answers import TYPE
from headstart.measure import spans
from headstart.measure.answers import exact_match, overlap_f1
from headstart.measure.calibration import softmax
from headstart.receipt.comparison import stored_metrics
from headstart.receipt.document import TaskSection
from headstart.tasks import Task, choose, tasks, use
from headstart.tasks.question_answering import LONGEST, QuestionAnswering

pieces = some.text(alphabet="abte THE an,.-'\u201c\u00e9\u0130 \n", max_size=24)


def cell(words: int, *answers: tuple[str, int, int]) -> dict[str, Any]:
    texts, first, last = zip(*answers, strict=True) if answers else ((), (), ())
    return {"texts": list(texts), "first": list(first), "last": list(last), "words": words}


def made(*cells: dict[str, Any]) -> Task:
    return QuestionAnswering.from_labels("label", [*cells, cell(3, ("x", 1, 1))])


def official(answer: str, accepted: list[str]) -> tuple[float, float]:
    """Exact match and F1, step by step as the definition says, with none of the project's code."""

    def words(text: str) -> list[str]:
        kept = "".join(letter for letter in text.lower() if letter not in string.punctuation)
        return re.sub(r"\b(?:a|an|the)\b", " ", kept).split()

    golds = [gold for gold in accepted if words(gold)] or [""]
    exact = max(int(words(gold) == words(answer)) for gold in golds)
    best = 0.0
    for gold in golds:
        left, right = words(gold), words(answer)
        if not left or not right:
            best = max(best, float(left == right))
            continue
        shared, rest = 0, list(left)
        for word in right:
            if word in rest:
                rest.remove(word)
                shared += 1
        if shared:
            precision, recall = shared / len(right), shared / len(left)
            best = max(best, 2 * precision * recall / (precision + recall))
    return float(exact), best


@settings(max_examples=400, deadline=None)
@given(pieces, some.lists(pieces, max_size=3))
def test_metrics_are_the_official_ones(answer: str, accepted: list[str]) -> None:
    exact, shared = official(answer, accepted)
    assert exact_match(answer, accepted) == exact
    assert overlap_f1(answer, accepted) == pytest.approx(shared)


def test_known_values() -> None:
    assert exact_match("The Normans!", ["normans"]) == 1 and overlap_f1("", []) == 1 and overlap_f1("Rome", []) == 0
    assert overlap_f1("in the 10th century", ["10th and 11th centuries", "10th century"]) == pytest.approx(4 / 5)
    task = made()
    targets = task.encode([cell(3, ("x", 1, 1)), cell(2), cell(2), cell(4, ("a b", 0, 1))])
    predictions = task.decode(ragged(np.zeros((1 + one.words, 2)) for one in targets))
    predictions = type(predictions)(predictions.scores, ["x", "", "y", "b"], None, predictions.confidence)
    found = {one.name: float(one.statistic(np.ones((1, 4)))[0]) for one in task.metrics(predictions, targets)}
    assert found == pytest.approx(
        {"f1": (1 + 1 + 0 + 1.0) / 4, "exact_match": 3 / 4, "answered_f1": 1.0, "unanswered_accuracy": 0.5}
    )  # "a b" is "b" without its article
    none = {one.name: float(one.statistic(np.array([[1.0, 0, 0, 1]]))[0]) for one in task.metrics(predictions, targets)}
    assert np.isnan(none["unanswered_accuracy"]) and none["answered_f1"] == 1
    assert task.errors(predictions, targets).tolist() == [0, 0, 1, 0]


def test_the_likeliest_span_is_found() -> None:
    random = np.random.default_rng(0)
    seen = set()
    for words in [1, 2, 3, 7, 12, 20] * 6:
        scores = random.normal(size=(1 + words, 2)) * 2 + np.eye(1 + words, 2)[:, :1] * 4
        sums = {(i, j): scores[1 + i, 0] + scores[1 + j, 1] for i in range(words) for j in range(i, min(words, i + 5))}
        sums[-1, -1] = scores[0].sum()
        best = max(sums, key=lambda span: sums[span])
        found = spans.likeliest(scores, 5)
        assert (found.first, found.last) == best
        assert found.probability == pytest.approx(np.exp(sums[best]) / sum(map(np.exp, sums.values())))
        seen.add(found.first < 0)
    assert seen == {True, False}
    assert spans.likeliest(np.zeros((1, 2)), 5) == spans.Span(-1, -1, 1.0)


def batch(seed: int, examples: int = 12) -> tuple[Task, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    cells = []
    for number in range(examples):
        words = int(random.integers(1, 9))
        first = random.integers(0, words, int(random.integers(0, 3)))
        cells.append(cell(words, *((f"{number}", int(place), int(random.integers(place, words))) for place in first)))
    task = made(*cells)
    targets = task.encode(cells)
    return task, targets, ragged(random.normal(size=(1 + one.words, 2)) * 2 for one in targets)


def test_loss_is_that_of_start_and_end() -> None:
    """Each example's mean negative log-likelihood of all accepted starts, and of all ends, its own softmax each."""
    task, targets, scores = batch(0)
    expected = []
    for own, one in zip(scores, targets, strict=True):
        chances = softmax(own.T)
        starts = {1 + first for first, _ in one.spans} or {0}
        ends = {1 + last for _, last in one.spans} or {0}
        told = [sum(chances[0, place] for place in starts), sum(chances[1, place] for place in ends)]
        expected.append(-np.log(told).mean())
    numbers = joined(task.numbers(targets))
    outputs = torch.tensor(joined(scores), requires_grad=True)
    losses = task.loss(outputs, torch.from_numpy(numbers))
    assert np.allclose(losses.detach().numpy(), expected, atol=1e-5)
    assert task.left_out_loss(scores, task.numbers(targets)) == pytest.approx(np.mean(expected))
    losses.mean().backward()
    for place, column in ((0, 0), (3, 1), (7, 0)):
        moved = joined(scores).copy()
        moved[place, column] += 1e-4
        change = (spans.span_losses(moved, numbers[:, :2], numbers[:, 2]).mean() - np.mean(expected)) / 1e-4
        assert outputs.grad[place, column] == pytest.approx(change, abs=1e-4)


def test_scale_and_mixture_have_the_lowest_loss() -> None:
    task, targets, noise = batch(1, 60)
    numbers = joined(task.numbers(targets))
    flags, first = numbers[:, :2], numbers[:, 2]
    told = joined(noise) + 1.5 * flags

    def loss(scores: np.ndarray) -> float:
        return float(spans.span_losses(scores, flags, first).mean())

    scale = spans.fit_scale(told, flags, first)
    assert scale == task.calibrate(ragged([told]), ragged([numbers]))
    assert all(loss(scale * told) < loss(factor * scale * told) + 2e-3 for factor in (0.7, 0.9, 1.1, 1.4))
    assert spans.fit_scale(np.zeros_like(told), flags, first) == 1 and spans.fit_scale(100.0 * flags, flags, first) < 10
    columns = np.column_stack([told, first, np.ones(len(told))])
    weights = spans.fit_mixture(columns, flags, first)
    assert weights.shape == (4, 2) and not weights[3].any()
    assert loss(columns @ weights) < loss(scale * told)
    for place in np.ndindex(3, 2):
        moved = weights.copy()
        moved[place] += 0.1
        assert loss(columns @ moved) > loss(columns @ weights) - 1e-4
    assert np.isfinite(spans.fit_mixture(50.0 * flags, flags, first)).all()


def test_closed_form_finds_answers() -> None:
    """Features that tell what is marked give a good head, also from some of the places alone; noise does not."""
    random = np.random.default_rng(3)
    task, targets, _ = batch(2, 80)
    numbers = joined(task.numbers(targets))
    told = np.column_stack([numbers, numbers[:, 0] & numbers[:, 2]]) @ random.normal(size=(4, 12))
    noise = random.normal(size=told.shape)
    good, poor = (task.solve(one.astype(np.float32), numbers, "best") for one in (told + 0.1 * noise, noise))
    apart = task.numbers(targets)
    left = ragged(np.split(good.left_out, np.cumsum([len(one) for one in apart])[:-1]))
    assert task.watch(left, targets) > 0.95
    assert task.left_out_loss(good.left_out, numbers) < 0.2 < task.left_out_loss(poor.left_out, numbers)
    assert np.allclose(good.scores(told + 0.1 * noise), good.left_out, atol=0.5 * np.abs(good.left_out).max())
    with pytest.raises(StrategyError, match=r"no solver 'lda'\. Known: ridge"):
        task.solve(told.astype(np.float32), numbers, "lda")


def test_a_start_for_training_is_no_surer_than_it_may_be() -> None:
    random = np.random.default_rng(4)
    task, targets, _ = batch(5, 20)
    numbers = joined(task.numbers(targets))
    told = 2 * numbers @ random.normal(size=(3, 400))
    features = (told + 4 * random.normal(size=told.shape)).astype(np.float32)
    solution = task.solve(features, numbers, "ridge")
    soft = task.soften(solution, features, numbers)
    own, fitted, left_out = (
        task.left_out_loss(scores, numbers)
        for scores in (soft.scores(features), solution.scores(features), solution.left_out)
    )
    assert fitted < 0.9 * left_out and own == pytest.approx(left_out, rel=1e-2)


def test_truth_comes_back_from_the_stored_answers() -> None:
    task, targets, scores = batch(6)
    contents = [{"question": "?", "context": " ".join(map(str, range(one.words)))} for one in targets]
    predictions = task.answer(scores, contents)
    assert [answer == "" for answer in predictions.answers] == [span is None for span in task.decode(scores).answers]
    truth = pa.array(task.answers_of(targets), task.truth_type)
    table = pa.table({"truth": truth, "answer": predictions.answers, "scores_adapted": as_arrow(scores)})
    section = TaskSection(kind=task.kind, label="label", labels=list(task.labels), primary="f1", measures=[])
    found = stored_metrics(task, section, table, np.arange(len(table)), truth.to_pylist())
    ones = np.ones((1, len(targets)))
    for metric in task.metrics(predictions, targets):
        assert found[metric.name].statistic(ones) == pytest.approx(metric.statistic(ones), nan_ok=True)
    assert use(task.describe()) == task and truth.type == TYPE


def test_answers_are_parts_of_the_context() -> None:
    task = made()
    content = {"question": "When?", "context": 'It was "in 1066", they say.'}
    scores = np.zeros((1 + 10, 2))
    scores[3, 0] = scores[5, 1] = 30
    assert task.answer(ragged([scores]), [content]).answers == ['"in 1066']
    many = np.zeros((1 + 2 * LONGEST, 2))
    many[1, 0] = many[2 * LONGEST, 1] = 5
    span = task.decode(ragged([many])).answers[0]
    assert span is None or span[1] - span[0] < LONGEST
    assert task.shown("") == "no answer" and task.shown(cell(4, ("a", 0, 0), ("b", 1, 1), ("a", 2, 2))) == "a / b"


def test_baselines() -> None:
    context = "Anna saw a film. In 1066 William of Normandy took England by force. It rained."
    asked = [{"question": question, "context": context}
             for question in ("When was England taken by force?", "Who ate cheese?")]  # fmt: skip
    words = 19
    task = made()
    targets = task.encode([cell(words, ("1066", 7, 7)), cell(words)])
    never, guess = task.baselines_of(targets, asked)
    assert task.answer(never.answer(asked, 2), asked).answers == ["", ""]
    found = task.answer(guess.answer(asked, 2), asked).answers
    assert found == ["1066 William", ""]  # it learned from the second question that shares no word with the context
    assert task.answer(guess.answer(asked[:1], 1), asked[:1]).answers == found[:1]
    long = {"question": "stone stone", "context": "stone " * 100}
    scores = guess.answer([long], 1)
    assert scores[0].shape == (101, 2)


def test_what_cannot_be_learned() -> None:
    from headstart.data.table import Examples, Table

    with pytest.raises(DataError, match="has no answer to any question"):
        QuestionAnswering.from_labels("label", [cell(3)])
    with pytest.raises(DataError, match=r"has 'yes', and for question answering.*answer_start"):
        tasks.get("question-answering").from_labels("label", ["yes", "no"])
    rows = pa.table({"id": ["1"], "label": pa.array([cell(3, ("x", 1, 1))], TYPE)})
    examples = Examples(Table(rows, "there", "text"), np.arange(1), [""])
    assert choose(examples).kind == "question-answering"
    with pytest.raises(DataError, match=r"there has answers in contexts, from which classification cannot be learned"):
        choose(examples, "classification")
