"""Words and pairs of words, weighed by how rare they are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from headstart.data.modalities.text import Text, plain

LETTERS = 3
"""Most letters in a row that are counted where words say nothing."""


class TfIdf:
    """Logarithmic counts of words and pairs of words that are in two texts or more, times inverse document
    frequency, each text scaled to length one. Where most texts have no such word, being names perhaps, the same of up
    to three letters in a row."""

    title = "TF-IDF"
    solver = ""

    def __init__(self) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer

        self._text = Text()
        self._vectoriser = TfidfVectorizer(
            preprocessor=self._read, ngram_range=(1, 2), sublinear_tf=True, min_df=2, token_pattern=r"(?u)\b\w+\b"
        )

    def _read(self, content: Any) -> str:
        return plain(self._text.decode(content)).lower()

    def fit(self, contents: Iterable[Any]) -> Any:
        from sklearn.feature_extraction.text import TfidfVectorizer

        listed = list(contents)
        try:
            found = self._vectoriser.fit_transform(listed)
            if 2 * (found.getnnz(axis=1) > 0).sum() >= len(listed):
                return found
        except ValueError:  # no word is in two texts
            pass
        self._vectoriser = TfidfVectorizer(
            preprocessor=self._read, sublinear_tf=True, analyzer="char_wb", ngram_range=(1, LETTERS)
        )
        return self._vectoriser.fit_transform(listed)

    def transform(self, contents: Iterable[Any]) -> Any:
        return self._vectoriser.transform(contents)
