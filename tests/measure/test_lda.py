"""LDA against its definition: an explicit inverse for the solution, N refits for the left-out scores."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ortho_group
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from headstart.core.errors import HeadstartError
from headstart.measure.calibration import fit_temperature, negative_log_likelihood, softmax
from headstart.measure.lda import fit_lda
from headstart.measure.linear import RELATIVE_PENALTIES


def example(items, width, classes=4, seed=0):
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, classes, items)
    labels[: 2 * classes] = np.repeat(np.arange(classes), 2)
    centres = generator.normal(size=(classes, width))
    features = centres[labels] + generator.normal(size=(items, width)) * np.linspace(0.3, 2, width) + 3
    return features, labels


def scatter(features, labels):
    total = np.zeros((features.shape[1],) * 2)
    for label in np.unique(labels):
        deviation = features[labels == label] - features[labels == label].mean(axis=0)
        total += deviation.T @ deviation
    return total


def discriminants(query, features, labels, classes, covariance, origin, priors, items):
    """Scores by the formula, from an explicit inverse; classes without examples by the rule of fit_lda."""
    inverse = np.linalg.inv(covariance)
    scores, constants = np.full(classes, np.nan), np.full(classes, np.nan)
    for label in np.unique(labels):
        mean = features[labels == label].mean(axis=0) - origin
        constants[label] = -mean @ inverse @ mean / 2 + np.log(priors[label])
        scores[label] = (query - origin) @ inverse @ mean + constants[label]
    return np.where(np.isnan(scores), np.nanmin(constants) - np.log(2 * items), scores)


def slowly(features, labels, classes, penalty, priors):
    """Scores and left-out scores of every example; normaliser, penalty, origin and priors of all examples."""
    items, width = features.shape
    within = scatter(features, labels)
    ridge = penalty * np.trace(within) / items / min(items, width) * np.eye(width)
    origin = features.mean(axis=0)
    everything = [
        discriminants(row, features, labels, classes, within / items + ridge, origin, priors, items) for row in features
    ]
    left_out = []
    for row in range(items):
        kept = np.arange(items) != row
        rest, named = features[kept], labels[kept]
        covariance = scatter(rest, named) / items + ridge
        left_out.append(discriminants(features[row], rest, named, classes, covariance, origin, priors, items))
    return np.array(everything), np.array(left_out)


@pytest.mark.parametrize(("items", "width"), [(40, 6), (24, 50), (20, 20)])
@pytest.mark.parametrize("penalty", [1e-3, 0.3, 100.0])
@pytest.mark.parametrize("priors", ["empirical", "uniform"])
def test_equals_refitting_without_each_example(items, width, penalty, priors):
    features, labels = example(items, width)
    solution = fit_lda(features, labels, 4, penalties=[penalty], priors=priors)
    share = np.bincount(labels, minlength=4) / items if priors == "empirical" else np.full(4, 0.25)
    scores, left_out = slowly(features, labels, 4, penalty, share)
    np.testing.assert_allclose(solution.scores(features), scores, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(solution.left_out, left_out, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize(("items", "width"), [(30, 5), (20, 40)])
def test_lone_examples_and_missing_classes_are_scored_as_never_seen(items, width):
    features, labels = example(items, width)
    labels[labels == 2] = 1
    labels[7] = 2  # alone in its class; classes 4 and 5 have no example at all
    solution = fit_lda(features, labels, 6, penalties=[0.1])
    share = np.maximum(np.bincount(labels, minlength=6), 1) / items
    scores, left_out = slowly(features, labels, 6, 0.1, share)
    np.testing.assert_allclose(solution.scores(features), scores, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(solution.left_out, left_out, rtol=1e-7, atol=1e-7)
    anywhere = np.random.default_rng(1).normal(size=(200, width)) * 5 + 3
    assert set(solution.scores(anywhere).argmax(axis=1)) <= {0, 1, 2, 3}


def test_posteriors_are_those_of_scikit_learn():
    features, labels = example(200, 5)
    within = scatter(features, labels) / 200
    solution = fit_lda(features, labels, 4, penalties=[0.5])
    shrunk = within + 0.5 * np.trace(within) / 5 * np.eye(5)

    class Shrunk:
        def fit(self, group):
            self.covariance_ = shrunk
            return self

    reference = LinearDiscriminantAnalysis(solver="lsqr", covariance_estimator=Shrunk()).fit(features, labels)
    np.testing.assert_allclose(softmax(solution.scores(features)), reference.predict_proba(features), atol=1e-10)


def test_one_example_a_class_is_the_nearest_example():
    features = np.random.default_rng(0).normal(size=(5, 12))
    solution = fit_lda(features, np.arange(5), 5)
    assert (solution.scores(features).argmax(axis=1) == np.arange(5)).all()
    assert np.isfinite(solution.left_out).all()
    assert (solution.left_out.argmax(axis=1) != np.arange(5)).all()


@pytest.mark.parametrize(("items", "width"), [(60, 8), (40, 80)])
def test_the_default_choice_is_the_left_out_log_loss_at_its_best_temperature(items, width):
    features, labels = example(items, width)
    solution = fit_lda(features, labels, 4)
    assert [penalty for penalty, _ in solution.path] == list(RELATIVE_PENALTIES)
    for penalty, loss in solution.path:
        left_out = fit_lda(features, labels, 4, penalties=[penalty]).left_out
        calibrated = fit_temperature(left_out, labels) * left_out
        assert loss == pytest.approx(negative_log_likelihood(calibrated, labels))
    assert solution.penalty == min(solution.path, key=lambda pair: pair[1])[0]
    errors = fit_lda(features, labels, 4, choose=lambda left: float((left.argmax(axis=1) != labels).mean()))
    assert min(loss for _, loss in errors.path) == (errors.left_out.argmax(axis=1) != labels).mean()


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), items=st.integers(8, 30), width=st.integers(2, 15))
def test_rotating_moving_and_stretching_the_features_changes_nothing(seed, items, width):
    features, labels = example(items, width, seed=seed)
    rotation = ortho_group.rvs(width, random_state=seed)
    plain = fit_lda(features, labels, 4, penalties=[0.1])
    moved = fit_lda(features @ rotation * 30 - 7.0, labels, 4, penalties=[0.1])
    np.testing.assert_allclose(moved.left_out, plain.left_out, rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(
        moved.scores(features @ rotation * 30 - 7.0), plain.scores(features), rtol=1e-7, atol=1e-7
    )


@pytest.mark.parametrize("labels", [[0, 1, 4], [0, 1, -1], [0.0, 1.0, 1.0], [0, 1]])
def test_labels_that_are_no_class_numbers_are_refused(labels):
    with pytest.raises(HeadstartError, match=r"Label|label"):
        fit_lda(np.eye(3), labels, 4)
