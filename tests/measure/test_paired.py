"""Paired comparison: the same resamples for both arms, seeds drawn too, and what the verdict says."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headstart.core.errors import HeadstartError
from headstart.measure.intervals import Interval, bootstrap_weights
from headstart.measure.paired import compare, compare_apart, compare_seeds, verdict
from headstart.measure.scores import Mean, Proportion, accuracy_statistic, macro_f1_statistic


def arms(items=60, seed=0):
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 3, items)
    right = [generator.random(items) < share for share in (0.8, 0.4)]
    return labels, *(np.where(sure, labels, generator.integers(0, 3, items)) for sure in right)


def test_both_arms_see_the_same_resamples():
    labels, better, worse = arms()
    first, second = macro_f1_statistic(labels, better, 3), macro_f1_statistic(labels, worse, 3)
    found = compare(first, second, 60, resamples=300, seed=9)
    slow = [
        float(first(row[None])[0] - second(row[None])[0])
        for row in np.concatenate(list(bootstrap_weights(60, resamples=300, seed=9)))
    ]
    np.testing.assert_allclose([found.low, found.high], np.quantile(slow, [0.025, 0.975]), rtol=1e-10)
    assert verdict(found) == "helped"


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), items=st.integers(2, 50))
def test_an_arm_against_itself_is_exactly_nothing_and_swapping_arms_swaps_the_interval(seed, items):
    labels, better, worse = arms(items, seed)
    first, second = accuracy_statistic(labels, better), accuracy_statistic(labels, worse)
    assert compare(first, first, items, resamples=100) == Interval(0.0, 0.0, 0.0)
    assert verdict(compare(first, first, items, resamples=100)) == "no evidence"
    forth, back = compare(first, second, items, resamples=100), compare(second, first, items, resamples=100)
    assert forth.value == -back.value
    np.testing.assert_allclose([forth.low, forth.high], [-back.high, -back.low], atol=1e-12)


def test_verdict_needs_the_whole_interval_on_one_side():
    assert verdict(Interval(0.2, 0.1, 0.3)) == "helped"
    assert verdict(Interval(-0.2, -0.3, -0.1)) == "hurt"
    assert verdict(Interval(0.2, 0.0, 0.3)) == "no evidence"
    assert verdict(Interval(0.2, -0.1, 0.3)) == "no evidence"
    assert verdict(Interval(-0.2, -0.4, 0.0)) == "no evidence"
    assert verdict(compare(Mean(np.ones(1)), Mean(np.zeros(1)), 1)) == "no evidence"


def test_the_verdict_is_wrong_about_equal_arms_no_more_often_than_it_says():
    generator = np.random.default_rng(4)
    wrong = 0
    for simulation in range(200):
        first, second = (Proportion((generator.random(100) < 0.7).astype(float)) for _ in range(2))
        wrong += verdict(compare(first, second, 100, resamples=400, seed=simulation)) != "no evidence"
    assert 0.01 <= wrong / 200 <= 0.10


def test_one_seed_each_is_the_plain_comparison():
    labels, better, worse = arms()
    first, second = accuracy_statistic(labels, better), accuracy_statistic(labels, worse)
    assert compare_seeds([first], [second], 60, seed=3) == compare(first, second, 60, seed=3)


@pytest.mark.parametrize("seeds", [2, 3, 8])
def test_seeds_add_the_variance_of_the_mean_of_that_many_seeds(seeds):
    """Items alike, so all spread is between seeds: the variance must be that of a mean, s^2 / S."""
    levels = np.random.default_rng(seeds).normal(size=seeds)
    trained = [Mean(np.full(10, level)) for level in levels]
    found = compare_seeds(trained, [Mean(np.zeros(10))], 10, resamples=20_000, level=0.5)
    assert found.value == pytest.approx(levels.mean())
    generator = np.random.default_rng(0)
    drawn = generator.choice(levels, size=(100_000, seeds)).mean(axis=1) - levels.mean()
    widened = levels.mean() + drawn * np.sqrt(seeds / (seeds - 1))
    assert widened.var() == pytest.approx(levels.var(ddof=1) / seeds, rel=0.05)
    tolerance = 0.05 * widened.std() + 1e-9
    if seeds == 8:  # few seeds have few distinct means, and quantiles that jump
        middle = np.quantile(widened, [0.25, 0.75])
        np.testing.assert_allclose([found.low, found.high], middle, atol=tolerance)
    else:
        assert widened.min() - 1e-9 <= found.low <= found.high <= widened.max() + 1e-9


def test_seeds_that_disagree_take_the_verdict_away():
    labels, better, _ = arms(200)
    generator = np.random.default_rng(1)
    guess = generator.integers(0, 3, 200)
    lucky, baseline = accuracy_statistic(labels, better), accuracy_statistic(labels, guess)
    unlucky = accuracy_statistic(labels, (guess + 1) % 3)
    assert verdict(compare_seeds([lucky], [baseline], 200)) == "helped"
    assert verdict(compare_seeds([lucky, lucky, lucky], [baseline], 200)) == "helped"
    assert verdict(compare_seeds([lucky, unlucky, unlucky], [baseline], 200)) == "no evidence"


def test_groups_are_respected_and_one_group_gives_no_evidence():
    labels, better, worse = arms()
    first, second = [accuracy_statistic(labels, better)], [accuracy_statistic(labels, worse)]
    assert verdict(compare_seeds(first, second, 60, groups=np.zeros(60))) == "no evidence"
    with pytest.raises(HeadstartError, match="one seed"):
        compare_seeds([], second, 60)


def test_items_of_two_domains_are_resampled_apart() -> None:
    random = np.random.default_rng(0)
    one, other = random.random(400) < 0.9, random.random(300) < 0.8
    found = compare_apart(Proportion(one), 400, Proportion(other), 300)
    error = np.sqrt(0.9 * 0.1 / 400 + 0.8 * 0.2 / 300)
    assert found.value == pytest.approx(one.mean() - other.mean())
    assert (found.high - found.low) / (2 * 1.96 * error) == pytest.approx(1, abs=0.15)
    alone = compare_apart(Proportion(one), 400, Proportion(other), 300, groups_b=np.zeros(300))
    assert np.isinf(alone.low) and np.isinf(alone.high)
