"""Dropout from bytes does what torch's does: shares, scale, gradients, seeds."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from headstart.engine.dropout import ByteDropout, quicken


@pytest.mark.parametrize("share", [0.1, 0.5])
@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_drops_its_share_and_keeps_the_mean(share: float, precision: torch.dtype) -> None:
    torch.manual_seed(0)
    given = torch.ones(200, 500, dtype=precision, requires_grad=True)
    told = ByteDropout(share)(given)
    told.sum().backward()
    assert float((told == 0).float().mean()) == pytest.approx(share, abs=0.006)
    assert float(told.double().mean()) == pytest.approx(1, abs=0.02)
    assert told.dtype == precision
    assert torch.equal(given.grad, told.detach())


def test_the_seed_of_torch_decides_and_evaluation_drops_nothing() -> None:
    dropout, given = ByteDropout(0.3), torch.randn(64, 8)
    told = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        told.append(dropout(given))
    assert torch.equal(told[0], told[1])
    assert not torch.equal(told[0], told[2])
    assert torch.equal(dropout.eval()(given), given)
    assert not ByteDropout(1.0)(given).any()


def test_only_plain_dropout_is_replaced() -> None:
    body = nn.Sequential(nn.Dropout(0.2), nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.1)), nn.Dropout2d(0.1))
    quicken(body)
    assert [type(module).__name__ for module in body.modules() if "Dropout" in type(module).__name__] == [
        "ByteDropout",
        "ByteDropout",
        "Dropout2d",
    ]
    assert body[0].p == 0.2
