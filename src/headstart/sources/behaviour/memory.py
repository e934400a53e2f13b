"""The memory of one catalogue, solved in closed form beside a network that knows behaviour: what is chosen, and how."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headstart.measure.collaborative import NEXT, Histories, NextItems, Ridge

MOST = 3000
"""Items, those that most users met, that the memory knows: solving it grows with the cube of their number."""
HALF_LIVES, PENALTIES = (1.5, 3.0, 6.0, 12.0), (10.0, 30.0, 100.0, 300.0)
FIRST_PENALTY = 100.0
SHARES = (0.0, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.5, 5.0)
"""How much the network's scores count beside the memory's; 0 where it knows nothing that helps."""
AT_ONCE = 256

Scores = NDArray[np.float32]


def solved(
    met: Histories, everything: Histories, asked: Histories, wanted: NDArray[np.int64], network: Scores
) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """The memory's arrays, and what was chosen: half-life, penalty and the network's share that rank the next items of
    the validation part best, fitted on `met`; with these it is fitted again on `everything`.

    Args:
        asked: histories of N users of the validation part; `wanted` (N,) is what they met next.
        network: the network's scores (N, K) for them.
    """
    tried: list[dict[str, float]] = []

    def attempt(ways: NextItems, penalty: float) -> None:
        values = by_share(ways.solve(penalty), met, asked, wanted, network)
        share = SHARES[int(np.argmax(values))]
        tried.append({"half_life": ways.half_life, "penalty": penalty, "share": share, "gain": float(values.max())})

    if len(asked):
        for half_life in HALF_LIVES:
            attempt(NextItems(met.first(MOST), half_life), FIRST_PENALTY)
        best = NextItems(met.first(MOST), max(tried, key=lambda one: one["gain"])["half_life"])
        for penalty in PENALTIES:
            if penalty != FIRST_PENALTY:
                attempt(best, penalty)
    usual = {"half_life": HALF_LIVES[1], "penalty": FIRST_PENALTY, "share": 0.0, "gain": float("nan")}
    chosen = max(tried, key=lambda one: one["gain"], default=usual)
    solution = NextItems(everything.first(MOST), chosen["half_life"]).solve(chosen["penalty"])
    arrays = {
        "memory.base": base_of_all(solution, everything),
        "memory.weight": solution.weight,
        "memory.mapping": solution.mapping,
        "memory.settings": np.array([chosen["half_life"], chosen["share"]], np.float32),
    }
    notes = {"solver": "ridge to the next items", "left_out_value": chosen["gain"], **chosen, "tried": tried}
    return arrays, notes


def by_share(
    ridge: Ridge, met: Histories, asked: Histories, wanted: NDArray[np.int64], network: Scores
) -> NDArray[np.float64]:
    """(len(SHARES),): the mean discounted gain of what came next, 1 / log2(1 + its place), for each share."""
    base = base_of_all(ridge, met)
    gains = np.zeros(len(SHARES))
    for start in range(0, len(asked), AT_ONCE):
        here = slice(start, start + AT_ONCE)
        users = asked.part(start, start + AT_ONCE)
        known = np.repeat(base[None], len(users), axis=0)
        known[:, : len(ridge.base)] = ridge.scores(users.first(len(ridge.base)))
        known, other = standard(known), standard(network[here])
        known[np.repeat(np.arange(len(users)), np.diff(users.starts)), users.items] = -np.inf
        for number, share in enumerate(SHARES):
            scores = known + np.float32(share) * other
            true = np.take_along_axis(scores, wanted[here][:, None], axis=1)
            places = (scores > true).sum(axis=1) + ((scores == true).sum(axis=1) - 1) / 2
            gains[number] += float((1 / np.log2(2 + places)).sum())
    return gains / max(1, len(asked))


def base_of_all(ridge: Ridge, met: Histories) -> Scores:
    """(K,): the ridge's, and for items beyond those that it knows how often they follow at all."""
    often = met.counts() * (sum(NEXT) / max(1, len(met.items)))
    return np.concatenate([ridge.base, often[len(ridge.base) :]]).astype(np.float32)


def standard(scores: Scores) -> Scores:
    """Each row in deviations from its mean."""
    apart = scores - scores.mean(axis=1, keepdims=True)
    return np.asarray(apart / np.maximum(apart.std(axis=1, keepdims=True), 1e-6), np.float32)


def moved(memory: Mapping[str, NDArray[Any]], places: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    """The memory of one catalogue for another one with the same items in another order, and some more.

    Args:
        places: (K,) of the other's items in the first one; -1 for those that it lacks.
    """
    base, weight = memory["base"], memory["weight"]
    known = np.flatnonzero((places >= 0) & (places < len(weight)))
    size = int(known.max(initial=-1)) + 1
    found = np.zeros((size, size), np.float32)
    found[np.ix_(known, known)] = weight[np.ix_(places[known], places[known])]
    unknown = np.float32(base.min(initial=0))
    return {
        "base": np.where(places >= 0, base[np.maximum(places, 0)], unknown).astype(np.float32),
        "weight": found,
        "mapping": np.zeros((0, 0), np.float32),
        "settings": np.asarray(memory["settings"], np.float32),
    }
