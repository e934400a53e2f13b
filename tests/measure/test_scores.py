"""Every metric against scikit-learn or SciPy, on all items and on resamples written out item by item."""

import numpy as np
import pytest
import sklearn.metrics as sk
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from headstart.core.errors import HeadstartError
from headstart.measure import scores as ours
from headstart.measure.calibration import softmax

CLASSES = 5


def classification(items, seed):
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, CLASSES - 1, items)  # the last class never occurs, but may be predicted
    predicted = np.where(generator.random(items) < 0.5, labels, generator.integers(0, CLASSES, items))
    return labels, predicted


def probabilities(items, seed):
    labels, _ = classification(items, seed)
    return labels, softmax(np.random.default_rng(seed).normal(size=(items, CLASSES)) * 4)


def tagging(items, seed):
    generator = np.random.default_rng(seed)
    targets = (generator.random((items, 3)) < 0.5).astype(int)
    return targets, (generator.random((items, 3)) < 0.4).astype(int)


def ranking(items, seed):
    targets, _ = tagging(items, seed)
    return targets, np.round(np.random.default_rng(seed + 1).random((items, 3)) + targets * 0.3, 1)  # ties


def numbers(items, seed):
    generator = np.random.default_rng(seed)
    targets = generator.normal(size=items) + 100
    return targets, targets + generator.normal(size=items)


def many_numbers(items, seed):
    generator = np.random.default_rng(seed)
    targets = generator.normal(size=(items, 2)) * [1, 10]
    return targets, targets + generator.normal(size=(items, 2))


def tied_numbers(items, seed):
    return tuple(np.round(column) for column in numbers(items, seed))


def present_average_precision(targets, given):
    columns = [column for column in range(3) if targets[:, column].any()]
    return np.mean([sk.average_precision_score(targets[:, column], given[:, column]) for column in columns])


METRICS = {
    "accuracy": (classification, ours.accuracy_statistic, ours.accuracy, sk.accuracy_score, False),
    "balanced accuracy": (
        classification,
        ours.balanced_accuracy_statistic,
        ours.balanced_accuracy,
        lambda labels, predicted: sk.recall_score(labels, predicted, labels=np.unique(labels), average="macro"),
        True,
    ),
    "macro F1": (
        classification,
        ours.macro_f1_statistic,
        ours.macro_f1,
        lambda labels, predicted: sk.f1_score(labels, predicted, average="macro"),
        True,
    ),
    "log loss": (
        probabilities,
        ours.log_loss_statistic,
        ours.log_loss,
        lambda labels, given: sk.log_loss(labels, given, labels=range(CLASSES)),
        False,
    ),
    "mean average precision": (
        ranking,
        ours.mean_average_precision_statistic,
        ours.mean_average_precision,
        present_average_precision,
        False,
    ),
    "micro F1": (
        tagging,
        ours.micro_f1_statistic,
        ours.micro_f1,
        lambda targets, predicted: sk.f1_score(targets, predicted, average="micro", zero_division=0),
        False,
    ),
    "Hamming loss": (tagging, ours.hamming_loss_statistic, ours.hamming_loss, sk.hamming_loss, False),
    "mean absolute error": (
        many_numbers,
        ours.mean_absolute_error_statistic,
        ours.mean_absolute_error,
        sk.mean_absolute_error,
        False,
    ),
    "root mean squared error": (
        many_numbers,
        ours.root_mean_squared_error_statistic,
        ours.root_mean_squared_error,
        sk.root_mean_squared_error,
        False,
    ),
    "R squared": (numbers, ours.r_squared_statistic, ours.r_squared, sk.r2_score, False),
    "R squared of two": (many_numbers, ours.r_squared_statistic, ours.r_squared, sk.r2_score, False),
    "Spearman": (
        tied_numbers,
        ours.spearman_statistic,
        ours.spearman,
        lambda targets, predicted: spearmanr(targets, predicted).statistic,
        False,
    ),
}


@pytest.mark.parametrize("name", METRICS)
def test_equals_the_reference_on_all_items_and_on_written_out_resamples(name):
    draw, statistic, number, reference, by_class = METRICS[name]
    truth, predicted = draw(60, seed=3)
    extra = (CLASSES,) if by_class else ()
    assert number(truth, predicted, *extra) == pytest.approx(reference(truth, predicted), rel=1e-10)

    generator = np.random.default_rng(0)
    weights = generator.multinomial(60, np.full(60, 1 / 60), size=20).astype(float)
    weights[0, 10:] = 0  # a resample that misses classes
    written_out = [np.repeat(np.arange(60), row.astype(int)) for row in weights]
    slow = [reference(truth[rows], predicted[rows]) for rows in written_out]
    np.testing.assert_allclose(statistic(truth, predicted, *extra)(weights), slow, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", METRICS)
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), items=st.integers(3, 40))
def test_the_order_of_the_items_does_not_matter_and_ones_give_the_value(name, seed, items):
    draw, statistic, number, _, by_class = METRICS[name]
    truth, predicted = draw(items, seed)
    extra = (CLASSES,) if by_class else ()
    order = np.random.default_rng(seed).permutation(items)
    plain = number(truth, predicted, *extra)
    shuffled = number(truth[order], predicted[order], *extra)
    doubled = statistic(truth, predicted, *extra)(np.full((2, items), 1.0))
    np.testing.assert_allclose(shuffled, plain, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(doubled, [plain, plain], rtol=1e-12)


def test_confusion_counts_as_scikit_learn_does():
    labels, predicted = classification(80, seed=1)
    table = ours.confusion(labels, predicted, CLASSES)
    np.testing.assert_array_equal(table, sk.confusion_matrix(labels, predicted, labels=range(CLASSES)))
    weights = np.random.default_rng(0).integers(0, 4, size=(3, 80))
    for row, counts in enumerate(ours.confusion(labels, predicted, CLASSES, weights)):
        slow = sk.confusion_matrix(labels, predicted, labels=range(CLASSES), sample_weight=weights[row])
        np.testing.assert_array_equal(counts, slow)


def test_what_a_sample_cannot_tell_is_nan():
    constant, varied = np.ones(4), np.arange(4.0)
    assert np.isnan(ours.r_squared(constant * 0.1, varied))
    assert np.isnan(ours.spearman(constant, varied))
    assert np.isnan(ours.mean_average_precision(np.zeros((4, 2)), np.ones((4, 2))))
    assert ours.micro_f1(np.zeros((4, 2)), np.zeros((4, 2))) == 0.0


def test_a_label_without_positives_is_left_out_of_the_mean():
    targets = np.array([[1, 0], [0, 0], [1, 0]])
    assert ours.mean_average_precision(targets, np.array([[0.9, 0.5], [0.1, 0.4], [0.8, 0.3]])) == 1.0


def test_a_sure_mistake_costs_a_finite_log_loss():
    assert ours.log_loss([0], [[0.0, 1.0]]) == pytest.approx(-np.log(np.finfo(float).eps))


@pytest.mark.parametrize(
    ("metric", "arguments", "message"),
    [
        (ours.accuracy, ([0, 1], [0]), "cannot be compared"),
        (ours.macro_f1, ([0, 3], [0, 1], 3), "Label 3 of row 1"),
        (ours.log_loss, ([0, 1], [0.5, 0.5]), "shape"),
        (ours.mean_absolute_error, ([1.0], [np.nan]), "not finite"),
        (ours.spearman, (np.ones((2, 2)), np.ones((2, 2))), r"\(N,\)"),
        (ours.r_squared, ([], []), "at least one item"),
    ],
)
def test_bad_input_is_refused_with_what_is_wrong(metric, arguments, message):
    with pytest.raises(HeadstartError, match=message):
        metric(*arguments)
