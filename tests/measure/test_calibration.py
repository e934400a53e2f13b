"""Calibration against direct minimisation and against counting by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize, minimize_scalar
from scipy.special import expit
from scipy.special import softmax as scipy_softmax
from sklearn.metrics import log_loss

from headstart.core.errors import HeadstartError
from headstart.measure.calibration import (
    calibration_error,
    fit_platt,
    fit_temperature,
    negative_log_likelihood,
    reliability,
    sigmoid,
    softmax,
)


def example(items=200, classes=4, scale=3.0, seed=0):
    generator = np.random.default_rng(seed)
    logits = generator.normal(size=(items, classes)) * 2
    labels = np.array([generator.choice(classes, p=row) for row in scipy_softmax(logits, axis=1)])
    return logits * scale, labels


def test_softmax_and_sigmoid_are_exact_and_never_overflow():
    scores = np.array([[1e4, -1e4, 0.0], [1.0, 2.0, 3.0]])
    np.testing.assert_allclose(softmax(scores), scipy_softmax(scores, axis=1), rtol=1e-14)
    line = np.array([-1e4, -3.0, 0.0, 2.0, 1e4])
    np.testing.assert_allclose(sigmoid(line), expit(line), rtol=1e-14)


def test_negative_log_likelihood_is_the_log_loss():
    scores, labels = example()
    probabilities = scipy_softmax(scores, axis=1)
    slow = log_loss(labels, probabilities)
    assert negative_log_likelihood(scores, labels) == pytest.approx(slow, rel=1e-10)


@pytest.mark.parametrize("items", [12, 200, 3000])
@pytest.mark.parametrize("scale", [0.01, 3.0, 500.0])
def test_temperature_minimises_the_log_loss_with_one_even_pseudo_example(items, scale):
    scores, labels = example(items=items, scale=scale)
    logs = np.eye(4)[labels] + 1 / (4 * items)  # one example more, spread over examples and classes

    def loss(log_scale):
        return -(logs * np.log(scipy_softmax(np.exp(log_scale) * scores, axis=1) + 1e-300)).sum()

    bounds = (np.log(1e-2 / scale), np.log(1e2 / scale))
    slow = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-10}).x
    assert fit_temperature(scores, labels) == pytest.approx(np.exp(slow), rel=1e-4)


def test_temperature_finds_the_scale_that_made_the_labels():
    scores, labels = example(items=20_000, scale=4.0)
    assert fit_temperature(scores, labels) == pytest.approx(0.25, rel=0.05)


def test_temperature_stays_finite_and_positive_where_the_loss_has_no_minimum():
    scores = np.eye(3)[[0, 1, 2, 0]] * 2.0
    right, wrong = fit_temperature(scores, [0, 1, 2, 0]), fit_temperature(scores, [1, 2, 0, 1])
    assert 1 < right < 10
    assert 0 < wrong < 1e-2
    assert fit_temperature(np.ones((4, 3)), [0, 1, 2, 0]) == 1.0


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10_000), items=st.integers(2, 40), factor=st.floats(0.01, 100))
def test_temperature_keeps_the_winner_and_undoes_any_scale(seed, items, factor):
    scores, labels = example(items=items, seed=seed)
    scale = fit_temperature(scores, labels)
    assert scale > 0
    np.testing.assert_array_equal((scale * scores).argmax(axis=1), scores.argmax(axis=1))
    assert fit_temperature(scores * factor, labels) == pytest.approx(scale / factor, rel=1e-5)


@pytest.mark.parametrize(("positives", "items"), [(3, 20), (100, 200), (1, 2000)])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_platt_minimises_its_loss(positives, items, scale):
    generator = np.random.default_rng(positives)
    targets = (np.arange(items) < positives).astype(float)
    scores = (generator.normal(size=items) + 1.5 * targets + 4) * scale
    wanted = np.where(targets == 1, (positives + 1) / (positives + 2), 1 / (items - positives + 2))

    def loss(line):
        margin = line[0] * scores / scale + line[1]
        return np.mean(np.logaddexp(0, margin) - wanted * margin)

    slow = minimize(loss, [0.0, 0.0], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-15}).x
    slope, offset = fit_platt(scores, targets)
    np.testing.assert_allclose([slope * scale, offset], slow, rtol=1e-4, atol=1e-4)


def test_platt_never_turns_the_scores_round():
    scores = np.arange(10.0)
    slope, offset = fit_platt(scores, (scores < 5).astype(int))
    assert slope == 0.0
    assert sigmoid(np.array(offset)) == pytest.approx(0.5)
    assert fit_platt(np.ones(3), [1, 1, 0])[0] == 0.0
    assert fit_platt(scores, np.ones(10))[1] == pytest.approx(np.log(11))


def test_platt_survives_perfect_separation():
    slope, offset = fit_platt(np.array([-1.0, -1.0, 1.0, 1.0]), [0, 0, 1, 1])
    np.testing.assert_allclose(sigmoid(slope * np.array([-1.0, 1.0]) + offset), [1 / 4, 3 / 4], atol=1e-6)


def test_calibration_error_counted_by_hand():
    confidence = np.array([0.9, 0.8, 0.7, 0.6])
    probabilities = np.stack([confidence, 1 - confidence], axis=1)
    labels = np.array([0, 1, 0, 0])  # right, wrong, right, right
    low, high = reliability(probabilities, labels, bins=2)
    assert (low.confidence, low.accuracy, low.count) == (pytest.approx(0.65), 1.0, 2)
    assert (high.confidence, high.accuracy, high.count) == (pytest.approx(0.85), 0.5, 2)
    assert calibration_error(probabilities, labels, bins=2) == pytest.approx((0.35 + 0.35) / 2)
    assert len(reliability(probabilities, labels, bins=10)) == 4


def test_calibration_error_is_small_for_true_probabilities_and_large_for_bold_ones():
    scores, labels = example(items=20_000, scale=1.0)
    assert calibration_error(softmax(scores), labels) < 0.02
    assert calibration_error(softmax(5 * scores), labels) > 0.1


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), items=st.integers(1, 60), bins=st.integers(1, 20))
def test_the_order_of_the_examples_does_not_matter_even_with_ties(seed, items, bins):
    generator = np.random.default_rng(seed)
    confidence = generator.integers(6, 10, items) / 10
    probabilities, labels = np.stack([confidence, 1 - confidence], axis=1), generator.integers(0, 2, items)
    order = generator.permutation(items)
    first, second = (
        calibration_error(probabilities, labels, bins),
        calibration_error(probabilities[order], labels[order], bins),
    )
    assert first == pytest.approx(second, abs=1e-12)
    assert 0 <= first <= 1
    assert sum(part.count for part in reliability(probabilities, labels, bins)) == items


def test_bad_input_is_refused():
    with pytest.raises(HeadstartError, match="finite"):
        fit_temperature([[np.nan, 1.0]], [0])
    with pytest.raises(HeadstartError, match="Label 2"):
        fit_temperature([[0.0, 1.0]], [2])
    with pytest.raises(HeadstartError, match="0 or 1"):
        fit_platt([0.1, 0.2], [1, 2])
    with pytest.raises(HeadstartError, match="bin"):
        reliability([[0.5, 0.5]], [0], bins=0)
