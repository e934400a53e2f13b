"""Ridge against fitting it slowly: scikit-learn for the solution, N refits for the left-out predictions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ortho_group
from sklearn.linear_model import Ridge

from headstart.core.errors import HeadstartError
from headstart.measure.linear import RELATIVE_PENALTIES
from headstart.measure.ridge import fit_ridge


def example(items, width, outputs=3, seed=0):
    generator = np.random.default_rng(seed)
    features = generator.normal(size=(items, width)) * np.linspace(0.1, 3, width) + 5
    targets = features @ generator.normal(size=(width, outputs)) + generator.normal(size=(items, outputs))
    return features, targets, generator.uniform(0.2, 3, items)


def refit(features, targets, penalty, weights):
    left_out = np.empty_like(targets)
    for row in range(len(features)):
        kept = np.arange(len(features)) != row
        model = Ridge(alpha=penalty, solver="cholesky")
        model.fit(features[kept], targets[kept], sample_weight=None if weights is None else weights[kept])
        left_out[row] = model.predict(features[row : row + 1])
    return left_out


@pytest.mark.parametrize(("items", "width"), [(40, 6), (25, 60), (20, 20)])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("penalty", [0.05, 3.0, 400.0])
def test_equals_refitting_without_each_example(items, width, weighted, penalty):
    features, targets, weights = example(items, width)
    weights = weights if weighted else None
    solution = fit_ridge(features, targets, penalties=[penalty], weights=weights)

    reference = Ridge(alpha=penalty, solver="cholesky").fit(features, targets, sample_weight=weights)
    np.testing.assert_allclose(solution.weight, reference.coef_.T, rtol=0, atol=1e-8)
    np.testing.assert_allclose(solution.scores(features), reference.predict(features), rtol=0, atol=1e-8)
    np.testing.assert_allclose(solution.left_out, refit(features, targets, penalty, weights), rtol=0, atol=1e-8)


@pytest.mark.parametrize(("items", "width"), [(40, 6), (25, 60)])
def test_path_holds_the_loss_of_refitting_at_every_default_penalty(items, width):
    features, targets, weights = example(items, width)
    solution = fit_ridge(features, targets, weights=weights)

    share = weights / weights.sum()
    centred = np.sqrt(weights)[:, None] * (features - share @ features)
    unit = np.linalg.eigvalsh(centred.T @ centred).sum() / min(items, width)
    np.testing.assert_allclose([p for p, _ in solution.path], np.array(RELATIVE_PENALTIES) * unit, rtol=1e-9)
    for penalty, loss in solution.path:
        errors = (refit(features, targets, penalty, weights) - targets) ** 2
        assert loss == pytest.approx(share @ errors.mean(axis=1), rel=1e-8)
    assert solution.penalty == min(solution.path, key=lambda pair: pair[1])[0]


def test_choose_decides_and_ties_go_to_the_larger_penalty():
    features, targets, _ = example(30, 4)
    penalties = [10.0, 0.1, 1000.0]
    assert fit_ridge(features, targets, penalties=penalties, choose=lambda left_out: 1.0).penalty == 1000.0
    shrunk = fit_ridge(features, targets, penalties=penalties, choose=lambda left_out: -left_out.std())
    assert shrunk.penalty == 0.1
    with pytest.raises(HeadstartError, match="not a number"):
        fit_ridge(features, targets, choose=lambda left_out: float("nan"))


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), items=st.integers(3, 25), width=st.integers(2, 12))
def test_rotating_and_moving_the_features_changes_nothing(seed, items, width):
    features, targets, weights = example(items, width, seed=seed)
    rotation = ortho_group.rvs(width, random_state=seed)
    plain = fit_ridge(features, targets, weights=weights)
    moved = fit_ridge(features @ rotation - 7.0, targets, weights=weights)
    np.testing.assert_allclose(moved.left_out, plain.left_out, atol=1e-6 * np.abs(targets).max())


def test_features_that_are_all_alike_predict_the_mean_of_the_others():
    targets = np.arange(5.0)[:, None]
    solution = fit_ridge(np.full((5, 3), 2.5), targets)
    np.testing.assert_allclose(solution.left_out, (targets.sum() - targets) / 4)
    np.testing.assert_allclose(solution.scores(np.ones((1, 3))), [[2.0]])


def test_scaled_folds_an_affine_change_into_everything():
    features, targets, _ = example(30, 4)
    solution = fit_ridge(features, targets)
    scale, offset = np.array([2.0, 0.5, 3.0]), np.array([1.0, 0.0, -1.0])
    changed = solution.scaled(scale, offset)
    np.testing.assert_allclose(changed.scores(features), solution.scores(features) * scale + offset)
    np.testing.assert_allclose(changed.left_out, solution.left_out * scale + offset)
    np.testing.assert_allclose(solution.scaled(2.0).scores(features), solution.scores(features) * 2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"features": np.ones(5)}, "shape"),
        ({"features": np.ones((1, 2)), "targets": np.ones((1, 1))}, "at least 2"),
        ({"features": np.array([[1.0], [np.nan], [1.0]]), "targets": np.ones((3, 1))}, "row 1"),
        ({"targets": np.ones(30)}, "Ridge targets"),
        ({"targets": np.full((30, 1), np.inf)}, "row 0"),
        ({"weights": np.zeros(30)}, "positive"),
        ({"penalties": [0.0]}, "Penalties"),
        ({"penalties": []}, "Penalties"),
    ],
)
def test_bad_input_is_refused_with_what_is_wrong(change, message):
    features, targets, _ = example(30, 4)
    arguments = {"features": features, "targets": targets} | change
    with pytest.raises(HeadstartError, match=message):
        fit_ridge(arguments.pop("features"), arguments.pop("targets"), **arguments)


def test_scores_refuse_features_of_another_width():
    features, targets, _ = example(30, 4)
    with pytest.raises(HeadstartError, match="4"):
        fit_ridge(features, targets).scores(np.ones((2, 5)))
