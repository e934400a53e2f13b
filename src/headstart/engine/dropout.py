"""Dropout that costs little on a processor, whatever library asks for it.

Drawing numbers one by one is what dropout costs there, and bytes come several times faster; a share is then the
nearest multiple of 1/256.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch.nn import functional
from torch.overrides import TorchFunctionMode

LEVELS = 256
"""Of a byte."""
MANY = 64
"""Fewer keys than these are dropped for each query by itself. That costs little then, and in a short text a key that is
lost to all queries is much of what there is to learn from."""


def dropout(given: torch.Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> torch.Tensor:
    """As `torch.nn.functional.dropout` (Srivastava et al. 2014), drawn from torch's default generator."""
    dropped = round(LEVELS * p)
    if not training or inplace or not 0 < dropped < LEVELS:
        return functional.dropout(given, p, training, inplace)
    drawn = np.random.Generator(np.random.SFC64(int(torch.randint(2**62, ()))))
    kept = torch.frombuffer(bytearray(drawn.bytes(given.numel())), dtype=torch.uint8).view(given.shape) >= dropped
    return given * (kept.to(given.dtype) * (LEVELS / (LEVELS - dropped)))


def attention(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attn_mask: torch.Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    **options: Any,
) -> torch.Tensor:
    """As `torch.nn.functional.scaled_dot_product_attention`, but where there are many keys, what is dropped of a head's
    weights is the same for all queries (columns, as in DropAttention, Zehui et al. 2019). So values (…, L, D) can be
    dropped in their place, and the kernel serves that never holds all weights at once."""
    if dropout_p and key.shape[-2] >= MANY:
        value, dropout_p = dropout(value.new_ones((*value.shape[:-1], 1)), dropout_p) * value, 0.0
    return functional.scaled_dot_product_attention(query, key, value, attn_mask, dropout_p, is_causal, **options)


class QuickDropout(TorchFunctionMode):
    """Where it is entered, these functions stand for those of `torch.nn.functional`."""

    quick: Mapping[Callable[..., torch.Tensor], Callable[..., torch.Tensor]] = {
        functional.dropout: dropout,
        functional.scaled_dot_product_attention: attention,
    }

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Iterable[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        del types
        quick: Callable[..., Any] = self.quick.get(function, function)
        return quick(*args, **(kwargs or {}))
