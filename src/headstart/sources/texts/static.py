"""Static word pieces: one vector a piece, averaged over a text; in the format of the library model2vec."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from headstart.core.errors import SourceError
from headstart.sources import weights
from headstart.sources.contract import Artefact
from headstart.sources.formats import STATIC, TOKENIZER
from headstart.sources.library import OwnFormat
from headstart.sources.texts import pieces
from headstart.sources.texts.pieces import Pieces
from headstart.sources.texts.source import LENGTH, TextSource

if TYPE_CHECKING:
    import torch

VECTORS = "embeddings"
"""Name of the one tensor, (pieces, width), in the library's format."""
_WORDS = "words.weight"


class StaticSource(OwnFormat, TextSource):
    """A folder with config.json, tokenizer.json and model.safetensors, whose whole network is a table of vectors.

    Vectors of whole numbers are read as shares of 127.
    """

    family = "static"

    @property
    def architecture(self) -> str:
        return STATIC

    def has_classifier(self) -> bool:
        return False

    def own_labels(self) -> tuple[str, ...]:
        return ()

    @cached_property
    def _vectors(self) -> NDArray[np.float32]:
        arrays = weights.load(self.path)
        if VECTORS not in arrays or arrays[VECTORS].ndim != 2:
            raise SourceError(f"{self.path} has no table '{VECTORS}' of vectors, as static models have.")
        found = arrays[VECTORS]
        return np.asarray(found / 127 if found.dtype.kind == "i" else found, np.float32)

    def preparation(self) -> dict[str, Any]:
        limits = dict.fromkeys(("length", "part", "at_once"), LENGTH)  # parts make no difference to a mean of vectors
        return {**limits, "vocabulary": len(self._vectors), "segments": False}

    def require_places(self) -> None:
        raise SourceError(
            f"{self.title} has one vector for each piece of a word, whatever stands around it. For answers at words "
            "use an encoder, such as hf/distilbert-base-uncased or hf/bert-base-cased."
        )

    def open_pieces(self) -> Pieces:
        return pieces.open_pieces(self.folder, segments=False, vocabulary=len(self._vectors))

    def build(self, pretrained: bool) -> torch.nn.Module:
        import torch

        class StaticModel(torch.nn.Module):
            def __init__(self, count: int, width: int) -> None:
                super().__init__()
                self.words = torch.nn.Embedding(count, width)

            def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
                del attention_mask
                return self.words(input_ids)  # type: ignore[no-any-return]

        network = StaticModel(*self._vectors.shape)
        if pretrained:
            network.load_state_dict({_WORDS: torch.from_numpy(self._vectors)})
        return network

    def weights(self) -> dict[str, NDArray[Any]]:
        return weights.load(self.path) if self.seed is None else self.on_disk(super().weights())

    def on_disk(self, changed: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        return {VECTORS if name == _WORDS else name: value for name, value in changed.items()}

    def artefact(self, labels: Sequence[str], outputs: int) -> Artefact:
        del labels, outputs
        return Artefact(
            {"config.json": self._config},
            (self.folder / TOKENIZER,),
            "model2vec.StaticModel.from_pretrained('{folder}')",
        )
