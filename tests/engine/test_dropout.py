"""Dropout from bytes does what torch's does, shares, scale, gradients, seeds, whoever asks for it."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from headstart.engine.dropout import MANY, QuickDropout, dropout


@pytest.mark.parametrize("share", [0.1, 0.5])
@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_drops_its_share_and_keeps_the_mean(share: float, precision: torch.dtype) -> None:
    torch.manual_seed(0)
    given = torch.ones(200, 500, dtype=precision, requires_grad=True)
    told = dropout(given, share)
    told.sum().backward()
    assert float((told == 0).float().mean()) == pytest.approx(share, abs=0.006)
    assert float(told.double().mean()) == pytest.approx(1, abs=0.02)
    assert told.dtype == precision
    assert torch.equal(given.grad, told.detach())


def test_the_seed_of_torch_decides_and_evaluation_drops_nothing() -> None:
    module, given = nn.Dropout(0.3), torch.randn(64, 8)
    told = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        with QuickDropout():
            told.append(module(given))
    assert torch.equal(told[0], told[1])
    assert not torch.equal(told[0], told[2])
    with QuickDropout():
        assert torch.equal(module.eval()(given), given)
        assert not functional.dropout(given, 1.0).any()


def test_modules_and_functions_drop_by_bytes() -> None:
    given = torch.ones(64, 64)
    for told in (nn.Dropout(0.1), lambda values: functional.dropout(values, 0.1)):
        torch.manual_seed(3)
        with QuickDropout():
            found = told(given)
        torch.manual_seed(3)
        assert torch.equal(found, dropout(given, 0.1))


def test_attention_to_many_keys_drops_what_a_place_says_to_all() -> None:
    random = torch.Generator().manual_seed(0)
    query, key, value = (torch.randn(4, 3, MANY, 5, generator=random, requires_grad=True) for _ in range(3))
    seen = torch.ones(4, 1, MANY, MANY, dtype=torch.bool).tril()
    torch.manual_seed(1)
    with QuickDropout():
        found = functional.scaled_dot_product_attention(query, key, value, attn_mask=seen, dropout_p=0.5)
    torch.manual_seed(1)
    kept = dropout(torch.ones(4, 3, MANY, 1), 0.5)
    weights = (query @ key.mT / math.sqrt(5)).masked_fill(~seen, -math.inf).softmax(dim=-1)
    assert set(kept.unique().tolist()) == {0.0, 2.0}
    assert torch.allclose(found, (weights * kept.mT) @ value, atol=1e-6)


def test_attention_to_fewer_keys_drops_for_each_query_by_itself() -> None:
    query, value = torch.zeros(1, 1, MANY - 1, MANY - 1), torch.eye(MANY - 1)[None, None]
    torch.manual_seed(0)
    with QuickDropout():
        weights = functional.scaled_dot_product_attention(query, query, value, dropout_p=0.5)[0, 0]
    assert float((weights == 0).float().mean()) == pytest.approx(0.5, abs=0.05)
    assert not (weights == 0).all(dim=0).any()


def test_attention_without_dropout_is_what_it_was() -> None:
    query = torch.randn(2, 3, 7, 5)
    plain = functional.scaled_dot_product_attention(query, query, query, is_causal=True)
    with QuickDropout():
        assert torch.equal(plain, functional.scaled_dot_product_attention(query, query, query, is_causal=True))
