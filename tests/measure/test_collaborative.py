"""Closed forms of recommenders against slow, independent ways to the same numbers."""

import numpy as np
import pytest

from headstart.measure.collaborative import NEXT, Histories, NextItems, ease, item_knn, top


@pytest.fixture
def met():
    random = np.random.default_rng(0)
    return Histories.of([random.permutation(12)[: random.integers(0, 9)] for _ in range(60)], 12)


def dense(met):
    rows = np.zeros((len(met), met.catalogue))
    for user in range(len(met)):
        rows[user, met.items[met.starts[user] : met.starts[user + 1]]] = 1
    return rows


def test_ease_is_a_ridge_of_every_item_on_all_others(met):
    rows, penalty = dense(met), 3.0
    found = ease(met, penalty)
    for item in range(met.catalogue):
        others = np.delete(rows, item, axis=1)
        weights = np.linalg.solve(others.T @ others + penalty * np.eye(11), others.T @ rows[:, item])
        assert np.allclose(np.delete(found[:, item], item), weights, atol=1e-4)
        assert found[item, item] == 0


def test_next_items_is_a_ridge_with_an_intercept_over_every_place_of_every_history(met):
    before, after = [], []
    for user in range(len(met)):
        items = met.items[met.starts[user] : met.starts[user + 1]]
        for place in range(len(items)):
            bag, follows = np.zeros(12), np.zeros(12)
            for age, item in enumerate(items[:place][::-1]):
                bag[item] = 0.5 ** (age / 2.0)
            for share, item in zip(NEXT, items[place:], strict=False):
                follows[item] = share
            before.append(bag)
            after.append(follows)
    x, y = np.array(before), np.array(after)
    centred, wanted = x - x.mean(axis=0), y - y.mean(axis=0)
    weight = np.linalg.solve(centred.T @ centred + 5.0 * np.eye(12), centred.T @ wanted)
    np.fill_diagonal(weight, 0)
    found = NextItems(met, 2.0).solve(5.0)
    assert np.allclose(found.weight, weight, atol=1e-4)
    assert np.allclose(found.base, y.mean(axis=0) - x.mean(axis=0) @ weight, atol=1e-4)


def test_item_knn_is_a_shrunk_cosine_of_which_the_nearest_are_kept(met):
    rows = dense(met)
    together = rows.T @ rows
    size = np.sqrt(np.diag(together))
    cosine = together / (np.outer(size, size) + 10.0)
    np.fill_diagonal(cosine, 0)
    assert np.allclose(item_knn(met, neighbours=100).toarray(), cosine, atol=1e-6)
    few = item_knn(met, neighbours=3).toarray()
    assert (np.count_nonzero(few, axis=0) <= 3).all()
    assert np.allclose(few.max(axis=0), cosine.max(axis=0), atol=1e-6)


def test_bags_count_an_item_half_that_so_many_others_followed():
    bags = Histories.of([np.array([3, 1, 0])], 4).bags(2.0).toarray()
    assert np.allclose(bags, [[1, 0.5**0.5, 0, 0.5]])


def test_top_lists_the_best_first_and_never_what_is_ruled_out():
    found = top(np.array([[0.1, -np.inf, 0.7, 0.3]]), 5)
    assert found[0, :5].tolist() == [2, 3, 0, -1, -1]
    assert found[0, 5:].tolist() == [0.7, 0.3, 0.1, -np.inf, -np.inf]
