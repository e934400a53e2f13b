"""Numbers in sentences."""

from __future__ import annotations


def counted(number: int, one: str, more: str) -> str:
    """`1 text is`, `1,200 texts are`: a number and what is said of it, for one and for more."""
    return f"{number:,} {one if number == 1 else more}"
