"""The bank: features of frozen stages on disk, computed once per item, ever."""

from headstart.bank.fill import Features, Filled, features_now, features_of
from headstart.bank.store import Bank, Shelf

__all__ = ["Bank", "Features", "Filled", "Shelf", "features_now", "features_of"]
