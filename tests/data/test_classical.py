"""What is told of a series by itself: Theta against its formulas, step by step."""

from __future__ import annotations

import numpy as np
import pytest

from headstart.data.classical import COMPLEX, DAMPED, SMOOTHINGS, classical_forecasts, seasonal_parts, theta_forecast


def test_theta_is_half_the_line_and_half_the_smoothing() -> None:
    random = np.random.default_rng(0)
    values = 20 + 0.3 * np.arange(40) + random.normal(size=40).cumsum()
    slope = np.polyfit(np.arange(40), values, 1)[0]
    tried = {}
    for share in SMOOTHINGS:
        level, error = values[0], 0.0
        for value in values[1:]:
            error += (value - level) ** 2
            level += share * (value - level)
        tried[share] = error, level
    share = min(tried, key=lambda one: tried[one][0])
    # Hyndman and Billah 2003: smoothing, with a drift of half the slope
    told = [tried[share][1] + slope / 2 * (step - 1 + (1 - (1 - share) ** 40) / share) for step in range(1, 7)]
    assert theta_forecast(values, 6, 1) == pytest.approx(told)


@pytest.mark.parametrize("length", [1, 2, 5, 40])
def test_a_damped_trend_follows_its_recursion(length: int) -> None:
    random = np.random.default_rng(0)
    values = (0.3 * np.arange(40) + random.normal(size=40).cumsum())[:length]
    first = np.arange(min(12, length))
    slope, start = np.polyfit(first, values[:12], 1) if length > 1 else (0.0, values[0])
    tried = []
    for follow, share, damping in DAMPED:
        level, trend, error = start - slope, slope, 0.0
        for value in values:
            off = value - level - damping * trend
            level, trend = level + damping * trend + follow * off, damping * trend + follow * share * off
            error += off**2
        tried.append((error, [level + trend * sum(damping**k for k in range(1, step + 1)) for step in range(1, 7)]))
    assert classical_forecasts(values, 0.0, 6, 1)[6:12] == pytest.approx(min(tried, key=lambda one: one[0])[1])


@pytest.mark.parametrize(("length", "level"), [(1, 20), (3, 20), (40, 20), (40, 0)])
def test_a_complex_level_follows_its_recursion(length: int, level: int) -> None:
    values = (level + np.random.default_rng(0).normal(size=40).cumsum())[:length]
    tried = []
    for real, imaginary in COMPLEX:
        if level == 0 and imaginary < 1:  # fades to 0, which is not the least value here
            continue
        moves = np.array([[1, imaginary - 1], [1, 1 - real]])  # Svetunkov, Kourentzes and Ord 2022
        follows = np.array([real - imaginary, real + imaginary])
        state, error = moves @ np.full(2, values[:12].mean()), 0.0
        for value in values:
            off = value - state[0]
            state, error = moves @ state + follows * off, error + off**2
        told = [(np.linalg.matrix_power(moves, step) @ state)[0] for step in range(6)]
        tried.append((error, told))
    assert classical_forecasts(values, 0.0, 6, 1)[12:18] == pytest.approx(min(tried, key=lambda one: one[0])[1])


@pytest.mark.parametrize("multiplied", [True, False])
def test_seasons_are_put_back_as_they_were_taken_out(multiplied: bool) -> None:
    steps = np.arange(60 + 12)
    season, level = 1 + 0.4 * np.sin(2 * np.pi * steps / 12), 50 + 0.05 * steps
    values = level * season if multiplied else level - 100 + 10 * season
    told = theta_forecast(values[:60], 12, 12)
    flat = theta_forecast(level[:60] - (0 if multiplied else 90), 12, 12)
    assert told == pytest.approx(flat * season[60:] if multiplied else flat + 10 * (season[60:] - 1), rel=0.05)
    theta, damped, fades, last = classical_forecasts(values[:60] - 3, 3.0, 12, 12).reshape(4, 12)
    assert theta == pytest.approx(told - 3) and last == pytest.approx(values[48:60] - 3)
    assert damped == pytest.approx(values[60:] - 3, rel=0.05) and fades == pytest.approx(values[60:] - 3, rel=0.05)


def test_short_and_constant_pasts_are_told_too() -> None:
    assert theta_forecast(np.array([2.0, 2, 2, 2]), 3, 12) == pytest.approx([2, 2, 2])
    assert np.isfinite(theta_forecast(np.array([0.0, 1, 0, 5, 0]), 3, 2)).all()


def test_what_may_be_luck_is_hardly_taken_for_a_season() -> None:
    random = np.random.default_rng(0)
    season = np.tile(np.sin(2 * np.pi * np.arange(12) / 12), 6)
    noise = random.normal(size=(50, 72))
    of_noise = np.mean([seasonal_parts(values, 12)[0].var() for values in noise])
    of_both = np.mean([seasonal_parts(values + 3 * season, 12)[0].var() for values in noise])
    assert of_noise < 0.4 / 6  # means of six values, as they are, vary by a sixth
    assert of_both == pytest.approx(9 / 2, rel=0.1)
