"""What the classifier and the transformer share: opening the source again, and finding the bank."""

from __future__ import annotations

from pathlib import Path

from sklearn.base import BaseEstimator

from headstart.bank import Bank
from headstart.core import settings
from headstart.core.errors import SourceError
from headstart.sources import Source, open_source


class FromSource(BaseEstimator):  # type: ignore[misc]
    """An estimator that starts from `source`. It keeps the source's fingerprint, never the source: so it is small
    when pickled, and opens the source by its name wherever it is unpickled."""

    source: str | Path | Source
    fingerprint_: str

    def _open_fitted(self) -> Source:
        """The source, which must be the one that it was fitted with.

        Raises:
            SourceError: not found, or its weights or configuration are others now.
        """
        opened = open_source(self.source)
        if opened.fingerprint != self.fingerprint_:
            raise SourceError(
                f"{opened.name} is not the source that this {type(self).__name__} was fitted with: its "
                "weights or configuration differ. Fit again, or give it the earlier source."
            )
        return opened

    def _bank(self) -> Bank:
        return Bank(settings.current().bank)
