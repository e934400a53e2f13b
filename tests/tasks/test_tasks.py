"""Every task: labels to targets and back, heads in closed form, losses and metrics against plain NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some
from sklearn import metrics as sklearn_metrics
from sklearn.linear_model import LogisticRegression

from headstart.core.errors import DataError, HeadstartError, StrategyError
from headstart.data.table import Examples, Table
from headstart.tasks import Task, choose, tasks, use

VALUES: dict[str, list[Any]] = {
    "classification": ["dog", "cat", "dog", "bird", "cat", "dog"] * 8,
    "multilabel": [["a", "b"], ["b"], [], ["a", "c"], ["c"], ["a", "b", "c"]] * 8,
    "regression": [3.5, -1.0, 2.0, 8.0, 0.5, 1.5] * 8,
    "imitation": [[0.5, 1.0], [-1.0, 2.0], [0.0, 0.3], [2.0, -2.0], [1.0, 1.0], [-0.5, 0.0]] * 8,
}
"""Labels as they stand in a table, for every task that answers for an example as a whole by new layers."""


@pytest.fixture(
    params=[name for name in tasks.names() if tasks.get(name).reads == "pooled" and not tasks.get(name).own_head]
)
def task(request: pytest.FixtureRequest) -> Task:
    assert request.param in VALUES, f"give this test labels for the task '{request.param}'"
    return tasks.get(request.param).from_labels("column", VALUES[request.param])


def features_for(task: Task, width: int = 12, noise: float = 0.5) -> np.ndarray:
    """Features that tell the targets, with noise."""
    random = np.random.default_rng(0)
    targets = np.asarray(task.encode(VALUES[task.kind]))
    plain = np.eye(task.outputs)[targets] if targets.dtype == np.int64 else targets.reshape(len(targets), -1)
    told = plain @ random.normal(size=(plain.shape[1], width))
    return (told + noise * random.normal(size=told.shape)).astype(np.float32)


class TestEveryTask:
    def test_is_rebuilt_from_its_description(self, task: Task) -> None:
        again = use(task.describe())
        assert again == task and again.describe() == task.describe()

    def test_targets_and_scores_have_the_shapes_it_says(self, task: Task) -> None:
        values = VALUES[task.kind]
        targets = task.encode(values)
        assert len(targets) == len(values)
        for solver in task.solvers:
            solution = task.solve(features_for(task), targets, solver)
            assert solution.weight.shape == (12, task.outputs) and solution.left_out.shape == (
                len(values),
                task.outputs,
            )
            assert np.isfinite(solution.weight).all() and np.isfinite(task.left_out_loss(solution.left_out, targets))
            predictions = task.decode(solution.scores(features_for(task)))
            assert len(predictions.answers) == len(predictions.confidence) == len(values)
            names = [metric.name for metric in task.metrics(predictions, targets)]
            assert task.primary in names and len(set(names)) == len(names)
            assert task.metric(predictions, targets).greater_is_better

    def test_a_better_head_scores_better(self, task: Task) -> None:
        targets = task.encode(VALUES[task.kind])
        good = task.solve(features_for(task), targets, task.solvers[0])
        noise = np.random.default_rng(1).normal(size=(len(targets), 12)).astype(np.float32)
        poor = task.solve(noise, targets, task.solvers[0])
        assert task.left_out_loss(good.left_out, targets) < task.left_out_loss(poor.left_out, targets)
        assert task.value(task.decode(good.left_out), targets) > task.value(task.decode(poor.left_out), targets)

    def test_loss_falls_where_the_answer_is_right(self, task: Task) -> None:
        targets = task.encode(VALUES[task.kind])
        right = np.eye(task.outputs)[targets] * 9 if targets.dtype == np.int64 else targets.reshape(len(targets), -1)
        if task.kind == "multilabel":
            right = 18.0 * right - 9
        losses = [task.loss(torch.tensor(scores), torch.from_numpy(targets)) for scores in (right, -right - 1)]
        assert all(loss.shape == (len(targets),) for loss in losses)
        assert float(losses[0].mean()) < 0.01 < float(losses[1].mean())

    def test_baselines_answer_alike_for_everyone(self, task: Task) -> None:
        targets = task.encode(VALUES[task.kind])
        for baseline in task.baselines(targets):
            assert baseline.scores.shape == (1, task.outputs) and np.isfinite(baseline.scores).all() and baseline.title
            predictions = task.decode(np.repeat(baseline.scores, len(targets), axis=0))
            solution = task.solve(features_for(task), targets, task.solvers[0])
            value = task.value(predictions, targets)
            assert value <= task.value(task.decode(solution.left_out), targets) + 1e-9

    def test_what_training_seems_to_gain_is_doubted(self, task: Task) -> None:
        if not task.solvers:
            return
        targets = task.numbers(task.encode(VALUES[task.kind]))
        worse, better = (task.solve(features_for(task, noise=noise), targets, "best") for noise in (3.0, 0.1))
        humbled = task.humbled(better, worse.left_out, targets)
        assert task.humbled(worse, better.left_out, targets).weight == pytest.approx(worse.weight)
        if task.kind in ("classification", "multilabel"):
            given = task.decode(humbled.left_out).probabilities
            wrong = [
                np.mean(one.left_out.argmax(axis=1) != targets if targets.ndim == 1 else (one.left_out > 0) != targets)
                for one in (worse, better)
            ]
            least = 1 / (targets.size + 2)
            sure = given.max(axis=1) if targets.ndim == 1 else np.maximum(given, 1 - given)
            assert 1 - sure.mean() == pytest.approx(np.sqrt(wrong[0] * max(wrong[1], least)), rel=0.02)
            assert wrong[0] > 0.1 and humbled.weight != pytest.approx(better.weight)
        else:
            assert humbled is better

    def test_unknown_solver(self, task: Task) -> None:
        if len(task.solvers) > 1 or task.kind in ("multilabel", "regression"):
            with pytest.raises(StrategyError, match="no solver 'guess'"):
                task.solve(features_for(task), task.encode(VALUES[task.kind]), "guess")

    def test_moments_are_those_of_what_is_not_a_logit(self, task: Task) -> None:
        shift, scale = task.moments(task.encode(VALUES[task.kind]))
        assert shift.shape == scale.shape == (task.outputs,) and (scale > 0).all()
        if task.kind == "regression":
            assert shift[0] == pytest.approx(np.mean(VALUES["regression"]))
            assert scale[0] == pytest.approx(np.std(VALUES["regression"]))
        else:
            assert not shift.any() and (scale == 1).all()


class TestClassification:
    def made(self) -> Task:
        return tasks.get("classification").from_labels("column", VALUES["classification"])

    @given(some.lists(some.sampled_from(["a", "b", 3, 3.0, "10", "9"]), min_size=2, max_size=30))
    def test_there_and_back(self, values: list[Any]) -> None:
        names = {str(int(value)) if isinstance(value, float) else str(value) for value in values}
        if len(names) < 2:
            with pytest.raises(DataError, match="has one class only"):
                tasks.get("classification").from_labels("column", values)
            return
        task = tasks.get("classification").from_labels("column", values)
        assert set(task.labels) == names and len(task.labels) == len(names)
        scores = 5.0 * np.eye(task.outputs)[task.encode(values)]
        assert task.decode(scores).answers == [
            str(int(value)) if isinstance(value, float) else str(value) for value in values
        ]

    def test_numbers_stand_in_their_order(self) -> None:
        task = tasks.get("classification").from_labels("column", [10, 9, 100, 9, "few"])
        assert task.labels == ("9", "10", "100", "few")

    def test_loss_and_balance(self) -> None:
        task = self.made()
        scores = np.random.default_rng(0).normal(size=(48, 3))
        targets = task.encode(VALUES["classification"])
        probabilities = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        expected = -np.log(probabilities[np.arange(48), targets])
        found = task.loss(torch.tensor(scores), torch.from_numpy(targets)).numpy()
        assert np.allclose(found, expected, atol=1e-5)
        soft = np.random.default_rng(1).dirichlet(np.ones(3), 48)
        mixed = task.loss(torch.tensor(scores), torch.tensor(soft).float()).numpy()
        assert np.allclose(mixed, -(soft * np.log(probabilities)).sum(axis=1), atol=1e-5)
        weights = task.balance(targets)
        assert weights[targets].mean() == pytest.approx(1.0)
        counts = np.bincount(targets)
        assert np.allclose(weights * counts, (weights * counts)[0])

    def test_metrics_against_scikit_learn(self) -> None:
        task = self.made()
        scores = np.random.default_rng(0).normal(size=(48, 3))
        targets = task.encode(VALUES["classification"])
        predictions = task.decode(scores)
        best = scores.argmax(axis=1)
        expected = {
            "accuracy": sklearn_metrics.accuracy_score(targets, best),
            "balanced_accuracy": sklearn_metrics.balanced_accuracy_score(targets, best),
            "macro_f1": sklearn_metrics.f1_score(targets, best, average="macro"),
            "log_loss": sklearn_metrics.log_loss(targets, predictions.probabilities),
        }
        found = {one.name: float(one.statistic(np.ones((1, 48)))[0]) for one in task.metrics(predictions, targets)}
        for name, value in expected.items():
            assert found[name] == pytest.approx(value, abs=1e-9), name
        assert predictions.confidence == pytest.approx(predictions.probabilities.max(axis=1))

    def test_solved_heads_are_calibrated(self) -> None:
        """No temperature makes the left-out scores better, for any of the solvers."""
        task, features = self.made(), features_for(self.made(), noise=2.5)
        targets = task.encode(VALUES["classification"])
        for solver in task.solvers:
            left_out = task.solve(features, targets, solver).left_out

            def log_loss(temperature: float, left_out: np.ndarray = left_out) -> float:
                probabilities = task.decode(temperature * left_out).probabilities
                return float(sklearn_metrics.log_loss(targets, probabilities))

            assert log_loss(1.0) <= min(log_loss(0.7), log_loss(1.4)) + 1e-6
        best = task.solve(features, targets, "best")
        losses = {
            name: task.left_out_loss(task.solve(features, targets, name).left_out, targets) for name in ("ridge", "lda")
        }
        assert best.solver == min(losses, key=losses.__getitem__)

    def test_logistic_is_scikit_learns(self) -> None:
        task, features = self.made(), features_for(self.made())
        targets = task.encode(VALUES["classification"])
        ours = task.solve(features, targets, "logistic").scores(features).argmax(axis=1)
        theirs = LogisticRegression(max_iter=500).fit(features, targets).predict(features)
        assert np.mean(ours == theirs) > 0.95

    def test_uneven_classes_are_judged_evenly(self) -> None:
        made = tasks.get("classification").from_labels
        assert made("column", ["a"] * 10 + ["b"] * 3).primary == "balanced_accuracy"
        assert made("column", ["a"] * 9 + ["b"] * 3).primary == "accuracy"

    def test_unknown_label(self) -> None:
        with pytest.raises(DataError, match=r"'dgo' in column 'column' was not among .* Did you mean dog"):
            self.made().encode(["dgo"])

    def test_majority(self) -> None:
        (majority,) = self.made().baselines(self.made().encode(VALUES["classification"]))
        assert majority.title == "Majority class (dog)"
        assert self.made().decode(majority.scores).answers == ["dog"]


class TestMultiLabel:
    def made(self) -> Task:
        return tasks.get("multilabel").from_labels("column", VALUES["multilabel"])

    @given(some.lists(some.lists(some.sampled_from("abc"), unique=True), min_size=1, max_size=20))
    def test_there_and_back(self, values: list[list[str]]) -> None:
        task = self.made()
        targets = task.encode(values)
        assert task.decode(10.0 * targets - 5).answers == [sorted(value) for value in values]

    def test_loss_and_metrics(self) -> None:
        task = self.made()
        targets = task.encode(VALUES["multilabel"])
        scores = np.random.default_rng(0).normal(size=targets.shape)
        share = 1 / (1 + np.exp(-scores))
        expected = -(targets * np.log(share) + (1 - targets) * np.log(1 - share)).mean(axis=1)
        assert np.allclose(task.loss(torch.tensor(scores), torch.from_numpy(targets)), expected, atol=1e-5)
        predictions = task.decode(scores)
        found = {one.name: float(one.statistic(np.ones((1, 48)))[0]) for one in task.metrics(predictions, targets)}
        chosen = share > 0.5
        assert found["mean_average_precision"] == pytest.approx(
            sklearn_metrics.average_precision_score(targets, scores, average="macro")
        )
        assert found["micro_f1"] == pytest.approx(sklearn_metrics.f1_score(targets, chosen, average="micro"))
        assert found["hamming_loss"] == pytest.approx(sklearn_metrics.hamming_loss(targets, chosen))

    def test_calibrated(self) -> None:
        """What is said with a certainty of p is right about p of the time, in total over each label."""
        task = self.made()
        targets = task.encode(VALUES["multilabel"])
        left_out = task.solve(features_for(task), targets, "best").left_out
        probabilities = task.decode(left_out).probabilities
        assert probabilities is not None
        assert np.allclose(probabilities.mean(axis=0), targets.mean(axis=0), atol=0.03)

    def test_errors(self) -> None:
        with pytest.raises(DataError, match="'d' in column 'column' was not among"):
            self.made().encode([["a", "d"]])
        with pytest.raises(DataError, match="holds no labels at all"):
            tasks.get("multilabel").from_labels("column", [[], []])


class TestRegression:
    def made(self) -> Task:
        return tasks.get("regression").from_labels("column", VALUES["regression"])

    @given(some.lists(some.floats(-1e6, 1e6), min_size=1, max_size=20))
    def test_there_and_back(self, values: list[float]) -> None:
        task = self.made()
        assert task.decode(np.asarray(task.encode(values))[:, None]).answers == values

    def test_loss_and_metrics(self) -> None:
        task = self.made()
        targets = task.encode(VALUES["regression"])
        scores = np.random.default_rng(0).normal(size=(48, 1))
        assert np.allclose(task.loss(torch.tensor(scores), torch.from_numpy(targets)), (scores[:, 0] - targets) ** 2)
        found = {one.name: float(one.statistic(np.ones((1, 48)))[0])
                 for one in task.metrics(task.decode(scores), targets)}  # fmt: skip
        assert found["r_squared"] == pytest.approx(sklearn_metrics.r2_score(targets, scores[:, 0]))
        assert found["mean_absolute_error"] == pytest.approx(sklearn_metrics.mean_absolute_error(targets, scores[:, 0]))

    def test_errors(self) -> None:
        with pytest.raises(DataError, match="there is nothing to learn"):
            tasks.get("regression").from_labels("column", [2, 2.0])
        with pytest.raises(DataError, match="holds 'many', which is not a number"):
            self.made().encode([1, "many"])
        with pytest.raises(DataError, match="not finite in row 1"):
            self.made().encode([1, float("inf")])


class TestImitation:
    def test_loss_is_the_mean_over_features(self) -> None:
        task = tasks.get("imitation").from_labels("column", VALUES["imitation"])
        targets = task.encode(VALUES["imitation"])
        scores = np.random.default_rng(0).normal(size=targets.shape)
        assert np.allclose(task.loss(torch.tensor(scores), torch.from_numpy(targets)),
                           ((scores - targets) ** 2).mean(axis=1), atol=1e-6)  # fmt: skip


class TestChoosing:
    def chosen(self, values: list[Any], asked: str | None = None) -> Task:
        rows = pa.table({"id": [str(row) for row in range(len(values))], "label": pa.array(values)})
        table = Table(rows, "the target", "image")
        return choose(Examples(table, np.arange(len(values)), [""] * len(values)), asked)

    @pytest.mark.parametrize(
        ("values", "kind"),
        [
            (["a", "b"], "classification"),
            ([["a"], ["b", "c"]], "multilabel"),
            ([0.5, 1.5, 2.0], "regression"),
            ([0.0, 1.0, 1.0], "classification"),
            ([1, 2, 3], "classification"),
            (list(range(50)), "regression"),
            (list(range(25)) * 20, "classification"),
            (["a", None, "b"], "classification"),
        ],
    )
    def test_by_type_and_values(self, values: list[Any], kind: str) -> None:
        assert self.chosen(values).kind == kind

    def test_asked(self) -> None:
        assert self.chosen([1, 2, 3], "regression").kind == "regression"
        with pytest.raises(HeadstartError, match=r"no task called 'regresion'. Did you mean regression"):
            self.chosen([1, 2], "regresion")

    @settings(max_examples=20, deadline=None)
    @given(some.lists(some.sampled_from(["x", "y", "z"]), min_size=2, max_size=40))
    def test_many_labels_are_counted_once(self, values: list[str]) -> None:
        if len(set(values)) > 1:
            assert self.chosen(values).labels == tuple(sorted(set(values)))
