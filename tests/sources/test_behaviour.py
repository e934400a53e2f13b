"""The network that ranks a catalogue, and its memory, against the same in NumPy."""

import numpy as np
import pytest
import torch

from headstart.measure.collaborative import Histories, NextItems
from headstart.sources.behaviour import network as behaviour_network
from headstart.sources.behaviour.histories import key_of
from headstart.sources.behaviour.memory import moved
from headstart.sources.behaviour.network import BehaviourModel, linear_scores
from headstart.sources.behaviour.source import BehaviourSource
from headstart.sources.recommending import Catalogue
from headstart.tasks import ranking
from headstart.tasks.ranking import Ranked
from headstart.tasks.recommendation import Recommendation

CONFIG = {"model_type": "behaviour", "text": "builtin/text-tiny", "features": 6, "width": 8, "layers": 1, "heads": 2}


@pytest.fixture
def met():
    random = np.random.default_rng(0)
    return Histories.of([random.permutation(9)[: random.integers(1, 9)] for _ in range(80)], 9)


@pytest.fixture
def source():
    features = np.random.default_rng(1).normal(size=(9, 6)).astype(np.float32)
    empty = BehaviourSource("behaviour", CONFIG, {})
    return empty.knowing(Catalogue([f"i{number}" for number in range(9)], [""] * 9, features, range(9, 0, -1)))


def padded(met):
    rows = [met.items[start:end] for start, end in zip(met.starts[:-1], met.starts[1:], strict=True)]
    found = np.full((len(rows), 10), -1)
    for row, items in enumerate(rows):
        found[row, 10 - len(items) :] = items
    return torch.from_numpy(found)


def test_the_memory_in_the_network_is_the_ridge(met):
    ridge = NextItems(met, 2.0).solve(3.0)
    found = linear_scores(padded(met), torch.from_numpy(ridge.base), torch.from_numpy(ridge.weight), 2.0)
    assert np.allclose(found.numpy(), ridge.scores(met), atol=1e-4)


def test_a_memory_follows_its_items_to_another_order(met):
    ridge = NextItems(met, 2.0).solve(3.0)
    memory = {"base": ridge.base, "weight": ridge.weight, "settings": np.array([2.0, 0.5], np.float32)}
    places = np.array([4, -1, 0, 8, 1, 2, 3, 5, 6, 7])
    other = moved(memory, places)
    there = np.flatnonzero(places >= 0)
    assert np.array_equal(other["weight"][np.ix_(there, there)], ridge.weight[np.ix_(places[there], places[there])])
    assert not other["weight"][1].any() and np.array_equal(other["base"][there], ridge.base[places[there]])


def test_what_was_met_is_not_recommended_and_what_comes_later_is_not_seen(source):
    network = source.module()
    assert isinstance(network, BehaviourModel)
    items = torch.tensor([[-1, 3, 1, 7]])
    with torch.no_grad():
        scores = network(items)
        assert torch.isinf(scores[0, [3, 1, 7]]).all() and torch.isfinite(scores[0, [0, 2, 4, 5, 6, 8]]).all()
        wanted = torch.tensor([[-1, 1, 7, 2]])
        whole = network(items, wanted=wanted)
        shorter = network(items[:, :3], wanted=wanted[:, :3])
    assert torch.allclose(whole[:, 2], shorter[:, 2], atol=1e-5)
    assert torch.allclose(whole[:, -1, [0, 2]], network(items)[:, [0, 2]], atol=1e-5)


def test_batches_say_the_same_as_single_users(source):
    contents = [{"user": "a", "items": []}, {"user": "b", "items": ["i1"]}, {"user": "c", "items": ["i1", "i5", "i2"]}]
    together = source._answers(contents)
    alone = np.concatenate([source._answers([one]) for one in contents])
    assert np.allclose(np.nan_to_num(together, neginf=-99), np.nan_to_num(alone, neginf=-99), atol=1e-5)


def test_random_weights_know_the_items_and_nobody(source):
    people = {"people.keys": np.array([key_of("a")]), "people.vectors": np.ones((1, 2), np.float32)}
    known = BehaviourSource("behaviour", CONFIG, {**source._arrays, **people}, [("i0", "")])
    things = Catalogue(["i0"], [""], np.zeros((1, 6), np.float32), [1], same_users=True)
    assert known.knowing(things)._person == {key_of("a"): 0}
    assert not known.knowing(things).from_random(0)._person
    assert not known.knowing(Catalogue(["i0"], [""], np.zeros((1, 6), np.float32), [1]))._person
    drawn = source.from_random(3).weights()
    assert np.array_equal(drawn["catalogue.features"], source._arrays["catalogue.features"])
    assert not np.allclose(drawn["adapter.weight"], source.weights()["adapter.weight"])


def test_of_a_large_catalogue_fewer_of_the_last_places_are_learned_from(source, monkeypatch):
    network, items = source.module(), torch.tensor([[3, 1, 7, 2], [-1, -1, 4, 5]])
    wanted = torch.tensor([[1, 7, 2, 8], [-1, -1, 5, 6]])
    with torch.no_grad():
        whole = network(items, wanted=wanted)
        monkeypatch.setattr(behaviour_network, "MOST_SCORES", 2 * 2 * 9 + 1)
        fewer = network(items, wanted=wanted)
    assert whole.shape == (2, 4, 9) and torch.equal(fewer, whole[:, -2:])


def test_rankings_are_the_same_however_many_users_are_scored_at_once(monkeypatch):
    task = Recommendation("next item", tuple(f"i{number}" for number in range(9)), popularity=tuple(range(9, 0, -1)))
    weight = np.random.default_rng(0).normal(size=(9, 9))
    ranked = Ranked("", "", np.zeros((1, 2)), task, lambda users: users.bags() @ weight)
    contents = [{"user": "a", "items": [f"i{number}", "i8"]} for number in range(7)]
    whole = ranked.answer(contents, 7)
    monkeypatch.setattr(ranking, "MOST_SCORES", 20)
    assert np.array_equal(whole, ranked.answer(contents, 7))
