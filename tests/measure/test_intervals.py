"""Intervals: the counts are a bootstrap, the bounds are its quantiles, and they cover what they promise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from headstart.core.errors import HeadstartError
from headstart.measure import intervals
from headstart.measure.intervals import Interval, bootstrap_interval, bootstrap_weights, wilson_interval
from headstart.measure.scores import Mean, Proportion, accuracy_statistic, spearman_statistic, value


def stacked(*arguments, **options):
    return np.concatenate(list(bootstrap_weights(*arguments, **options)))


@settings(max_examples=30, deadline=None)
@given(items=st.integers(1, 60), resamples=st.integers(1, 30), seed=st.integers(0, 1000))
def test_each_row_counts_as_many_draws_as_there_are_items(items, resamples, seed):
    counts = stacked(items, resamples=resamples, seed=seed)
    assert counts.shape == (resamples, items)
    assert (counts.sum(axis=1) == items).all()
    assert (counts >= 0).all() and (counts == counts.round()).all()


def test_the_chunks_are_bounded_and_do_not_change_the_draws(monkeypatch):
    whole = stacked(50, resamples=40, seed=7)
    monkeypatch.setattr(intervals, "CHUNK", 500)
    chunks = list(bootstrap_weights(50, resamples=40, seed=7))
    assert [len(chunk) for chunk in chunks] == [10, 10, 10, 10]
    np.testing.assert_array_equal(np.concatenate(chunks), whole)
    assert not np.array_equal(whole, stacked(50, resamples=40, seed=8))


def test_counts_have_the_moments_of_a_multinomial():
    counts = stacked(20, resamples=20_000, seed=0)
    np.testing.assert_allclose(counts.mean(axis=0), 1.0, atol=0.05)
    np.testing.assert_allclose(np.cov(counts.T), np.eye(20) - 1 / 20, atol=0.05)


def test_groups_are_drawn_whole():
    groups = np.array(["a", "b", "a", "c", "b", "a"])
    counts = stacked(6, resamples=500, groups=groups, seed=0)
    for name in "abc":
        members = counts[:, groups == name]
        assert (members == members[:, :1]).all()
    assert (counts[:, 0] + counts[:, 1] + counts[:, 3] == 3).all()


def test_the_interval_is_the_middle_of_the_replicates_one_by_one():
    values = np.random.default_rng(0).exponential(size=40)
    found = bootstrap_interval(Mean(values), 40, resamples=300, seed=5, level=0.9)
    slow = [np.mean(np.repeat(values, row.astype(int))) for row in stacked(40, resamples=300, seed=5)]
    assert found.value == pytest.approx(values.mean(), rel=1e-12)
    np.testing.assert_allclose([found.low, found.high], np.quantile(slow, [0.05, 0.95]), rtol=1e-10)
    assert found.level == 0.9


@pytest.mark.parametrize("grouped", [False, True])
def test_intervals_cover_the_truth_as_often_as_they_say(grouped):
    generator = np.random.default_rng(11)
    covered = 0
    for simulation in range(200):
        if grouped:  # 50 groups of 4, and most of the spread lies between them
            groups = np.repeat(np.arange(50), 4)
            values = generator.normal(size=50)[groups] + 0.5 * generator.normal(size=200)
        else:
            groups, values = None, generator.exponential(size=80) - 1
        found = bootstrap_interval(Mean(values), len(values), groups=groups, resamples=400, seed=simulation)
        covered += found.low <= 0 <= found.high
    assert 0.90 <= covered / 200 <= 0.99


def test_ignoring_groups_would_be_too_sure():
    generator = np.random.default_rng(2)
    groups = np.repeat(np.arange(20), 10)
    values = generator.normal(size=20)[groups]
    with_groups = bootstrap_interval(Mean(values), 200, groups=groups)
    without = bootstrap_interval(Mean(values), 200)
    assert with_groups.high - with_groups.low > 2 * (without.high - without.low)


@pytest.mark.parametrize(("right", "items"), [(0, 5), (3, 7), (99, 100), (100, 100), (1, 1)])
@pytest.mark.parametrize("level", [0.8, 0.95])
def test_wilson_is_the_one_of_scipy(right, items, level):
    slow = binomtest(right, items).proportion_ci(level, method="wilson")
    found = wilson_interval(right / items, items, level)
    np.testing.assert_allclose([found.low, found.high], [slow.low, slow.high], rtol=0, atol=1e-12)


@pytest.mark.parametrize("right", [0, 1])
def test_a_perfect_or_hopeless_accuracy_is_not_certain(right):
    statistic = accuracy_statistic(np.ones(30), np.full(30, right))
    found, wilson = bootstrap_interval(statistic, 30), wilson_interval(float(right), 30)
    assert (found.value, found.low, found.high) == (right, wilson.low, wilson.high)
    assert 0.1 < found.high - found.low < 0.2
    by_group = bootstrap_interval(statistic, 30, groups=np.arange(30) // 5)
    assert by_group.high - by_group.low == pytest.approx(
        wilson_interval(float(right), 6).high - wilson_interval(float(right), 6).low
    )


@settings(max_examples=25, deadline=None)
@given(values=st.lists(st.sampled_from([0.0, 1.0]), min_size=2, max_size=40), seed=st.integers(0, 100))
def test_a_proportion_gets_at_least_both_intervals_and_stays_within_0_and_1(values, seed):
    correct = np.array(values)
    found = bootstrap_interval(Proportion(correct), len(correct), resamples=200, seed=seed)
    plain = bootstrap_interval(Mean(correct), len(correct), resamples=200, seed=seed)
    wilson = wilson_interval(float(correct.mean()), len(correct))
    assert found.low == min(plain.low, wilson.low) and found.high == max(plain.high, wilson.high)
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert found.value == value(Proportion(correct), len(correct))


def test_one_item_or_one_group_says_nothing_of_the_spread():
    assert bootstrap_interval(Mean(np.array([3.0])), 1) == Interval(3.0, -np.inf, np.inf)
    one_group = bootstrap_interval(Mean(np.arange(4.0)), 4, groups=np.zeros(4))
    assert one_group == Interval(1.5, -np.inf, np.inf)
    assert bootstrap_interval(Proportion(np.ones(1)), 1) == wilson_interval(1.0, 1)


def test_replicates_that_are_not_numbers_are_left_out():
    targets, predicted = np.array([1.0, 1.0, 2.0]), np.array([0.0, 1.0, 2.0])
    statistic = spearman_statistic(targets, predicted)
    replicates = statistic(stacked(3, resamples=500, seed=0))
    assert np.isnan(replicates).any()
    found = bootstrap_interval(statistic, 3, resamples=500)
    np.testing.assert_allclose([found.low, found.high], np.nanquantile(replicates, [0.025, 0.975]))
    never = bootstrap_interval(spearman_statistic(np.ones(3), predicted), 3, resamples=50)
    assert (never.low, never.high) == (-np.inf, np.inf)


def test_bad_input_is_refused():
    with pytest.raises(HeadstartError, match="at least one item"):
        bootstrap_interval(Mean(np.ones(0)), 0)
    with pytest.raises(HeadstartError, match="one group an item"):
        bootstrap_interval(Mean(np.ones(3)), 3, groups=[1, 2])
    with pytest.raises(HeadstartError, match="level"):
        bootstrap_interval(Mean(np.ones(3)), 3, level=95)
