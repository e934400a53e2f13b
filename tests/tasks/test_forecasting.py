"""Forecasting: what metrics say, on the series' own scale and against slow formulas; the closed form by blocks."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch

from contracts.series import write_wide
from headstart.data.contents import contents_of
from headstart.data.read import read
from headstart.data.table import Examples, Table
from headstart.data.windows import FIELDS, Windows
from headstart.measure.blocked import fit_blocked_ridge
from headstart.measure.forecasts import best_shares, pinball
from headstart.tasks.forecasting import Forecasting
from headstart.tasks.local_models import Local


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Table:
    return read(
        write_wide(tmp_path_factory.mktemp("d") / "a.csv"), time="month", reader="windows", windows=Windows(6, 36)
    )


def test_metrics_are_those_of_the_formulas(table: Table) -> None:
    examples = Examples(table, np.arange(len(table)), [""] * len(table))
    task = Forecasting.from_labels("label", examples.labels())
    targets = task.encode(examples.labels())
    scores = np.random.default_rng(0).normal(size=(len(table), 18))
    told = task.answer(scores, contents_of(examples))
    found = {one.name: one.statistic(np.ones((1, len(table))))[0] for one in task.metrics(task.decode(scores), targets)}
    truth = targets[:, :6]
    low, middle, high = np.array(told.answers).reshape(-1, 3, 6).transpose(1, 0, 2)
    unit, deviation, naive = (targets[:, FIELDS.index(name) - len(FIELDS)] for name in ("unit", "deviation", "naive"))
    error = np.abs(truth - middle).mean(axis=1)
    assert found["mase"] == pytest.approx((error / unit).mean())
    assert found["skill"] == pytest.approx(1 - (error / unit).sum() / (naive / unit).sum())
    assert found["mse"] == pytest.approx((((truth - middle) / deviation[:, None]) ** 2).mean())
    assert found["smape"] == pytest.approx((2 * np.abs(truth - middle) / (np.abs(truth) + np.abs(middle))).mean())
    assert found["coverage"] == pytest.approx(((truth >= low) & (truth <= high)).mean())
    losses = [np.maximum(q * (truth - f), (q - 1) * (truth - f)) for q, f in ((0.1, low), (0.5, middle), (0.9, high))]
    assert found["quantile_loss"] == pytest.approx(2 * np.mean(losses) / np.abs(truth).mean())


def test_the_loss_is_that_of_the_closed_form(table: Table) -> None:
    examples = Examples(table, np.arange(50), [""] * len(table))
    task = Forecasting.from_labels("label", examples.labels())
    numbers = task.numbers(task.encode(examples.labels()))
    scores = np.sort(np.random.default_rng(0).normal(size=(50, 3, 6)), axis=1).reshape(50, 18)
    by_torch = task.loss(torch.from_numpy(scores), torch.from_numpy(numbers)).numpy()
    assert by_torch == pytest.approx(numbers[:, -1] * pinball(numbers[:, :6], scores.reshape(50, 3, 6)), rel=1e-4)
    late = numbers[:, 6] >= np.median(numbers[:, 6])
    assert task.left_out_loss(scores, numbers) == pytest.approx(float(by_torch[late].mean()), rel=1e-4)


def test_seasonal_naive_has_no_skill_over_itself(table: Table) -> None:
    examples = Examples(table, np.arange(len(table)), [""] * len(table))
    task = Forecasting.from_labels("label", examples.labels())
    targets = task.encode(examples.labels())
    naive, seasonal = task.baselines(targets)
    assert task.watch(seasonal.answer(contents_of(examples), len(table)), targets) == pytest.approx(0, abs=1e-9)
    assert task.watch(naive.answer(contents_of(examples), len(table)), targets) < -1


def test_missing_values_to_be_told_do_not_count(table: Table) -> None:
    examples = Examples(table, np.arange(20), [""] * len(table))
    task = Forecasting.from_labels("label", examples.labels())
    targets = task.encode(examples.labels())
    scores = task.numbers(targets)[:, :6]
    scores = np.tile(scores, 3)
    holes = targets.copy()
    holes[:, 2] = np.nan
    assert np.isfinite(task.numbers(holes)).all()
    assert task.errors(task.decode(scores), holes) == pytest.approx(0, abs=1e-9)


def test_later_blocks_are_told_from_what_had_ended_before_them() -> None:
    random = np.random.default_rng(0)
    features, times = random.normal(size=(60, 7)), random.permutation(60) // 2
    targets = features @ random.normal(size=(7, 2)) + random.normal(size=(60, 2))
    weight = np.ones(60)
    found = fit_blocked_ridge(features, targets, times=times, gap=5, blocks=4)
    late = times >= 22
    kept = np.flatnonzero(times <= times[late].min() - 5)
    assert found.left_out[late] == pytest.approx(_told(features, targets, weight, kept, late, found.penalty))


def test_later_blocks_are_told_from_earlier_ones() -> None:
    random = np.random.default_rng(0)
    features, weight = random.normal(size=(60, 7)), random.uniform(0.5, 2, 60)
    targets = features @ random.normal(size=(7, 2)) + 3 + random.normal(size=(60, 2))
    found = fit_blocked_ridge(features, targets, weights=weight, blocks=4)
    for out, kept in ((slice(15, 30), np.r_[0:15, 30:60]), (slice(45, 60), np.r_[0:45])):
        assert found.left_out[out] == pytest.approx(_told(features, targets, weight, kept, out, found.penalty))


def test_a_head_departs_from_the_best_combination_of_what_is_told_already(table: Table) -> None:
    examples = Examples(table, np.arange(len(table)), [""] * len(table))
    task = Forecasting.from_labels("label", examples.labels())
    numbers = task.numbers(task.encode(examples.labels()))
    random = np.random.default_rng(0)
    first, second = (numbers[:, :6] + random.normal(0, 1, (len(table), 6)) for _ in range(2))
    features = np.concatenate([first, second, random.normal(0, 5, (len(table), 6))], axis=1).astype(np.float32)
    blocks = np.eye(18).reshape(18, 3, 6)
    starts = [(name, np.tile(blocks[:, k], 3), np.zeros(18)) for k, name in enumerate(("one", "other", "noise"))]
    told = np.stack([features @ weight[:, 6:12] for _, weight, _ in starts])
    shares = best_shares(told, numbers[:, :6], numbers[:, -1])
    assert shares == pytest.approx([0.5, 0.5, 0], abs=0.11) and shares.sum() == pytest.approx(1)
    found = task.solve_from(features, numbers, starts)
    losses = [task.left_out_loss(features @ weight, numbers) for _, weight, _ in starts]
    assert task.left_out_loss(found.left_out, numbers) < 0.8 * min(losses)
    assert found.solver.startswith("ridge from ") and "noise" not in found.solver


def test_models_of_the_field_are_fitted_to_values_not_to_deviations(
    monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    """Factors of a season or a trend need values above 0; and what is told is in deviations again."""

    class GrowsOn:
        def forecast(self, values: np.ndarray, h: int, level: list[int]) -> dict[str, np.ndarray]:
            assert values.min() > 0
            warnings.warn("Too few residuals", UserWarning, stacklevel=1)
            told = values[-1] * (values[-1] / values[-2]) ** np.arange(1, h + 1)
            return {"mean": told, "lo-80": told - 1, "hi-80": told + 1}

    monkeypatch.setattr(Local, "_model", lambda self, length: GrowsOn())
    values = 7 * 1.02 ** np.arange(60)
    even = (values - values[:48].mean()) / values[:48].std()
    told = Local("ets", "", np.zeros((1, 1)), 12, 1).told(values[:48])
    assert told == pytest.approx(np.stack([even[48:] - 1, even[48:], even[48:] + 1]))
    assert not recwarn.list, "what the library thinks of one past is not for the terminal"


def _told(
    features: np.ndarray, targets: np.ndarray, weight: np.ndarray, kept: np.ndarray, out: slice, penalty: float
) -> np.ndarray:
    """What is left out, from a fit to what is kept, with its share of the penalty."""
    share = weight[kept] / weight[kept].sum()
    centre, middle = share @ features[kept], share @ targets[kept]
    even, wanted = features[kept] - centre, targets[kept] - middle
    weighed = even * weight[kept][:, None]
    share = penalty * weight[kept].sum() / weight.sum()
    slopes = np.linalg.solve(weighed.T @ even + share * np.eye(7), weighed.T @ wanted)
    return (features[out] - centre) @ slopes + middle
