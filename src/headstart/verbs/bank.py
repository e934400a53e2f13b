"""Looking after the bank: list, verify, trim, clear."""

from __future__ import annotations

from headstart.bank import Bank
from headstart.core import settings


def open_bank() -> Bank:
    """The bank of this user."""
    return Bank(settings.current().bank)


def trim(gigabytes: float | None = None) -> tuple[int, int]:
    """Removes the least recently used features until the bank is small enough: (shelves removed, bytes freed)."""
    limit = settings.current().bank_size if gigabytes is None else int(gigabytes * 1e9)
    removed = open_bank().trim(limit)
    return len(removed), sum(shelf.size for shelf in removed)
