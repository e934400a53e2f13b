"""Batches of examples that differ in length."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from headstart.data.batches import chunks_within


@given(st.lists(st.integers(1, 50), min_size=1, max_size=40), st.integers(1, 8), st.integers(1, 120))
def test_batches_hold_every_example_once_within_what_memory_holds(lengths: list[int], size: int, most: int) -> None:
    order = np.argsort(lengths, kind="stable")
    batches = list(chunks_within(order, size, np.array(lengths), most))
    assert np.concatenate(batches).tolist() == order.tolist()
    for batch in batches:
        longest = max(lengths[int(place)] for place in batch)
        assert len(batch) == 1 or (len(batch) <= size and len(batch) * longest <= most)
