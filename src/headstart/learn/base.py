"""What the classifier and the transformer share: opening the source again, and finding the bank."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sklearn.base import BaseEstimator

from headstart.bank import Bank
from headstart.core import settings
from headstart.core.errors import HeadstartError, SourceError
from headstart.data.modalities import open_modality
from headstart.sources import Source, open_source


class FromSource(BaseEstimator):  # type: ignore[misc]
    """An estimator that starts from `source`. It keeps the source's fingerprint, and how it was set for the contents,
    never the source: so it is small when pickled, and opens the source by its name wherever it is unpickled."""

    source: str | Path | Source
    fingerprint_: str
    setting_: Any

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
        return opened if self.setting_ is None else opened.set_to(self.setting_)

    def _suited(self, source: Source, contents: Iterable[Any]) -> Source:
        """The source set for these contents, which is remembered."""
        suited = source.suited(contents)
        self.fingerprint_, self.setting_ = source.fingerprint, suited.setting
        return suited

    def _bank(self) -> Bank:
        return Bank(settings.current().bank)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        try:
            tags.input_tags.allow_nan = open_modality(open_source(self.source).modality).gaps
        except HeadstartError:  # `fit` says what is wrong with it
            tags.input_tags.allow_nan = False
        return tags
