"""Logistic regression against scikit-learn, and its out-of-fold scores against refitting each fold."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from headstart.measure.calibration import negative_log_likelihood, softmax
from headstart.measure.logistic import PENALTIES, fit_logistic, stratified_folds


def example(items, width, classes=3, seed=0):
    generator = np.random.default_rng(seed)
    labels = generator.permutation(np.arange(items) % classes)
    features = generator.normal(size=(classes, width))[labels] + generator.normal(size=(items, width)) * 1.5
    return features + 2, labels, generator.uniform(0.5, 2, items)


def scikit_learn(features, labels, weights, penalty, norm):
    """The same objective times 1 / penalty: scikit-learn's is C sum_i w_i loss_i + |W|^2 / 2."""
    model = LogisticRegression(C=1 / (penalty * weights.sum()), tol=1e-10, max_iter=5000)
    return model.fit(features / norm, labels, sample_weight=weights)


@pytest.mark.parametrize(("items", "width"), [(60, 5), (30, 50)])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("penalty", [1e-3, 0.1])
def test_equals_scikit_learn_on_all_and_on_each_fold(items, width, weighted, penalty):
    features, labels, weights = example(items, width)
    weights = weights if weighted else np.ones(items)
    solution = fit_logistic(features, labels, 3, penalties=[penalty], weights=weights, seed=4)

    share = weights / weights.sum()
    centred = features - share @ features
    norm = np.sqrt(share @ (centred**2).sum(axis=1))
    reference = scikit_learn(centred, labels, weights, penalty, norm)
    np.testing.assert_allclose(softmax(solution.scores(features)), reference.predict_proba(centred / norm), atol=2e-5)
    folds = stratified_folds(labels, 5, 4)
    for fold in range(5):
        kept = folds != fold
        reference = scikit_learn(centred[kept], labels[kept], weights[kept], penalty, norm)
        np.testing.assert_allclose(
            softmax(solution.left_out[~kept]), reference.predict_proba(centred[~kept] / norm), atol=2e-5
        )


def test_the_path_goes_down_until_the_out_of_fold_loss_rises():
    features, labels, _ = example(90, 6)
    solution = fit_logistic(features, labels, 3)
    penalties, losses = zip(*solution.path, strict=True)
    assert penalties == tuple(sorted(PENALTIES, reverse=True))[: len(penalties)]
    assert list(losses[:-1]) == sorted(losses[:-1], reverse=True)
    assert solution.penalty == penalties[int(np.argmin(losses))]
    assert min(losses) == pytest.approx(negative_log_likelihood(solution.left_out, labels), rel=1e-12)


def test_the_same_seed_gives_the_same_numbers_and_another_other_folds():
    features, labels, _ = example(60, 5)
    first, again, other = (fit_logistic(features, labels, 3, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.left_out, again.left_out)
    np.testing.assert_array_equal(first.weight, again.weight)
    assert not np.allclose(first.left_out, other.left_out)


def test_folds_spread_each_class_evenly():
    labels = np.repeat([0, 1, 2], [23, 11, 2])
    folds = stratified_folds(labels, 5, 0)
    for label in range(3):
        counts = np.bincount(folds[labels == label], minlength=5)
        assert counts.max() - counts.min() <= 1


def test_tiny_tables_with_lone_and_missing_classes_give_numbers():
    features = np.random.default_rng(0).normal(size=(4, 7))
    solution = fit_logistic(features, np.array([0, 0, 1, 3]), 5)
    assert np.isfinite(solution.left_out).all() and np.isfinite(solution.scores(features)).all()
    assert set(solution.scores(features).argmax(axis=1)) <= {0, 1, 3}
