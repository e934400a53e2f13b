"""What examples look like to a source."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

Inputs = Mapping[str, NDArray[Any]]
"""One example (or, with a leading axis, a batch) as a source takes it, before normalisation."""
Tensors = dict[str, "torch.Tensor"]
"""The same of a batch, on the way into a network."""
ROWS = "rows"
"""Input (N, R): the rows of a batch that each example's parts are; -1 fills up. Without it a row is an example."""
