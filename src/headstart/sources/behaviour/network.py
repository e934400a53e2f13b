"""A model of behaviour over items that are known by features: what a user did is a sequence of items, each the vector
that an adapter makes of its features, so that the same network reads and ranks any catalogue (after SASRec, Kang &
McAuley 2018, and UniSRec, Hou et al. 2022). Beside it a memory of the catalogue at hand, solved in closed form."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional

NOTHING = -1
"""In the place of an item, where a history has none."""
WARMTH = 0.1
"""What cosines are divided by at first."""
MOST_SCORES = 100_000_000
"""Of a batch in training: of a large catalogue fewer of the last places are learned from at once."""
SLOPE = 0.1
"""By how much attention to an item falls with each that came after it, in the slowest of the heads."""


class Catalogue(nn.Module):
    """What is known of the K items: features, and how many users met each. It takes the size of what is loaded."""

    features: torch.Tensor
    counts: torch.Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("features", torch.zeros(1, width))
        self.register_buffer("counts", torch.zeros(1))

    def _load_from_state_dict(self, state: dict[str, Any], prefix: str, *rest: Any) -> None:
        _resize(self, state, prefix)
        super()._load_from_state_dict(state, prefix, *rest)

    def popularity(self) -> torch.Tensor:
        """(K,): logarithms of the shares of the items, each counted once more than it was met."""
        return ((self.counts + 1) / (self.counts + 1).sum()).log()


class Memory(nn.Module):
    """Linear scores of what comes next from what was met, of the items met most; see `measure.collaborative.Ridge`."""

    base: torch.Tensor
    weight: torch.Tensor
    mapping: torch.Tensor
    settings: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("base", torch.zeros(0))
        self.register_buffer("weight", torch.zeros(0, 0))
        self.register_buffer("mapping", torch.zeros(0, 0))
        self.register_buffer("settings", torch.zeros(2))

    def _load_from_state_dict(self, state: dict[str, Any], prefix: str, *rest: Any) -> None:
        _resize(self, state, prefix)
        super()._load_from_state_dict(state, prefix, *rest)

    def forward(self, items: torch.Tensor, scores: torch.Tensor, people: torch.Tensor) -> torch.Tensor:
        """(N, K): the memory's scores with those of the network, each in deviations over the catalogue; the network's
        have their share.

        Args:
            people: (N, D), what is known of the users from elsewhere.
        """
        if not len(self.weight):
            return scores
        half_life, share = float(self.settings[0]), float(self.settings[1])
        known = linear_scores(items, self.base, self.weight, half_life)
        if self.mapping.numel():
            known[:, : self.mapping.shape[1]] += people @ self.mapping
        return share * standard(scores) + standard(known)


def linear_scores(items: torch.Tensor, base: torch.Tensor, weight: torch.Tensor, half_life: float) -> torch.Tensor:
    """(N, K) of histories (N, L): base + bag @ weight, the bag of items below P that `weight` (P, P) knows."""
    known = (items >= 0) & (items < len(weight))
    ages = known.flip(1).cumsum(dim=1).flip(1) - 1
    values = 0.5 ** (ages / half_life) * known
    bags = weight.new_zeros(len(items), len(weight))
    bags.scatter_add_(1, items.clamp(0, len(weight) - 1), values.to(weight.dtype))
    scores = base.expand(len(items), -1).clone()
    scores[:, : len(weight)] += bags @ weight
    return scores


def standard(scores: torch.Tensor) -> torch.Tensor:
    """Each row in deviations from its mean."""
    return (scores - scores.mean(dim=1, keepdim=True)) / scores.std(dim=1, keepdim=True).clamp(min=1e-6)


class People(nn.Module):
    """What is known of users: their keys, see `key_of`, and a vector each."""

    keys: torch.Tensor
    vectors: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("keys", torch.zeros(0, dtype=torch.int64))
        self.register_buffer("vectors", torch.zeros(0, 0))

    def _load_from_state_dict(self, state: dict[str, Any], prefix: str, *rest: Any) -> None:
        _resize(self, state, prefix)
        super()._load_from_state_dict(state, prefix, *rest)

    def forward(self, places: torch.Tensor) -> torch.Tensor:
        """(N, D) of users by their places (N,); zeros for -1."""
        if not len(self.vectors):
            return self.vectors.new_zeros(len(places), self.vectors.shape[1])
        return self.vectors[places.clamp(min=0)] * (places >= 0).unsqueeze(1)


class Block(nn.Module):
    """One layer of attention to what came before, and of a small network for each item, with norms ahead of both."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.before_attention, self.before_inner = nn.LayerNorm(width), nn.LayerNorm(width)
        self.mixing = nn.Linear(width, 3 * width)
        self.joining = nn.Linear(width, width)
        self.inner = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.dropout = nn.Dropout(dropout)

    def forward(self, states: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        """(N, L, D), with a bias (N, heads, L, L) of attention."""
        count, length, width = states.shape
        mixed = self.mixing(self.before_attention(states)).view(count, length, 3, self.heads, -1)
        query, key, value = mixed.permute(2, 0, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(query, key, value, bias.to(query.dtype))
        states = states + self.dropout(self.joining(seen.transpose(1, 2).reshape(count, length, width)))
        found: torch.Tensor = states + self.dropout(self.inner(self.before_inner(states)))
        return found


class BehaviourModel(nn.Module):
    """Scores of what comes next: the popularity of an item, and how near it is to what the user seems to look for."""

    def __init__(self, features: int, width: int, layers: int, heads: int, length: int, dropout: float) -> None:
        super().__init__()
        self.length, self.heads = length, heads
        self.catalogue = Catalogue(features)
        self.adapter = nn.Linear(features, width, bias=False)
        self.blocks = nn.ModuleList(Block(width, heads, dropout) for _ in range(layers))
        self.warmth = nn.Parameter(torch.tensor([WARMTH]).log())
        self.memory, self.earlier, self.people, self.elsewhere = Memory(), Memory(), People(), People()
        if layers == 0 and features == width:
            nn.init.eye_(self.adapter.weight)

    def forward(
        self,
        items: torch.Tensor,
        wanted: torch.Tensor | None = None,
        person: torch.Tensor | None = None,
        remembers: bool = True,
    ) -> torch.Tensor:
        """Scores (N, K) of what comes after histories (N, L), filled up in front, with -inf for what was met; or, where
        it is told what is `wanted` (N, L) at the last places, logits (N, L', K) of these, without the memory.

        Args:
            person: (N, 1), the place of each user among those known from elsewhere; -1 for others.
            remembers: False for the scores of all items without the memory, those that were met too.
        """
        vectors = functional.normalize(self.adapter(self.catalogue.features), dim=1)
        recent = items[:, -self.length :]
        places = 1
        if wanted is not None and bool((wanted[:, :-1] >= 0).any()):
            room = MOST_SCORES // (len(items) * len(self.catalogue.counts))
            places = min(recent.shape[1], max(1, room))
        states = functional.normalize(self.states(recent)[:, -places:], dim=2)
        logits: torch.Tensor = states @ vectors.T / self.warmth.exp() + self.catalogue.popularity()
        if wanted is not None:
            return logits
        people = self.elsewhere(items.new_full((len(items),), -1) if person is None else person[:, 0])
        known: torch.Tensor = self.earlier(items, logits[:, 0].float(), people[:, :0])
        if not remembers:
            return known
        scores: torch.Tensor = self.memory(items, known, people)
        met = torch.zeros_like(scores, dtype=torch.bool)
        met.scatter_(1, items.clamp(min=0), items >= 0)
        return scores.masked_fill(met, -torch.inf)

    def states(self, items: torch.Tensor) -> torch.Tensor:
        """(N, L, D): what the user seems to look for after each item."""
        there = items >= 0
        given: torch.Tensor = self.adapter(self.catalogue.features[items.clamp(min=0)]) * there.unsqueeze(2)
        bias = attention_bias(there, self.heads)
        if not self.blocks:
            return torch.softmax(bias[:, 0], dim=2).to(given.dtype) @ given
        states: torch.Tensor = given
        for block in self.blocks:
            states = block(states, bias)
        return states


def attention_bias(there: torch.Tensor, heads: int) -> torch.Tensor:
    """(N, heads, L, L): -inf for what comes later and for what is not there (but itself); else the less, the longer
    ago, each head at a slope of its own (Press et al. 2022)."""
    length = there.shape[1]
    ago = torch.arange(length)[:, None] - torch.arange(length)[None]
    slopes = SLOPE * 2.0 ** torch.arange(heads)
    bias = -slopes.view(1, -1, 1, 1) * ago
    seen = (ago >= 0) & (there[:, None, None, :] | (ago == 0))
    return torch.where(seen, bias, -torch.inf)


def _resize(module: nn.Module, state: dict[str, Any], prefix: str) -> None:
    for name, buffer in module.named_buffers(recurse=False):
        given = state.get(prefix + name)
        if given is not None and given.shape != buffer.shape:
            setattr(module, name, buffer.new_zeros(given.shape))
