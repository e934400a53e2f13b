"""CLAP: sounds beside texts (Wu et al. 2023), a folder of transformers. Its tower for sounds is the source; its tower
for texts answers by the names of labels alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from headstart.sources.contract import Artefact
from headstart.sources.formats import PREPROCESSOR, PROCESSOR, TOKENIZER_FILES
from headstart.sources.sounds.source import LENGTH
from headstart.sources.sounds.transformers import TransformersSounds

if TYPE_CHECKING:
    import torch

PROMPT = "This is a sound of {}."
"""How the authors ask for a label."""


class ClapSounds(TransformersSounds):
    """Parts of as many seconds as the extractor reads at once; heads see the mean of their vectors, each of length one.
    Where the extractor would make four pictures of a long sound, the sound is several parts of one instead."""

    def has_classifier(self) -> bool:
        return False

    def build(self, pretrained: bool) -> torch.nn.Module:
        from transformers import AutoModel

        from headstart.sources.sounds.clap_network import SoundTower

        return SoundTower(self.build_as(AutoModel, pretrained, "a model for sound"))

    def preparation(self) -> dict[str, Any]:
        known = self._preprocessor
        rate = int(known.get("sampling_rate", 48_000))
        part = int(known.get("nb_max_samples") or known.get("max_length_s", 10) * rate)
        shape = self._picture(np.zeros(part, np.float32), rate).shape
        return {"rate": rate, "seconds": LENGTH, "part": part, "shape": list(shape)}

    def _picture(self, samples: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
        """(T, bands) of at most one part."""
        found = self._extract(samples, sampling_rate=rate, return_tensors="np")
        return np.asarray(found["input_features"][0, 0], np.float32)

    def parts_of(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        known = self.description.preparation
        size = int(known["part"])
        starts = range(0, max(1, len(samples) - size // 2), size)  # a rest is read when it is half a part
        return np.stack([self._picture(samples[start : start + size], int(known["rate"])) for start in starts])

    def named(self, labels: Sequence[str]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        import torch
        from transformers import AutoModel, AutoTokenizer

        pieces = AutoTokenizer.from_pretrained(self.folder, local_files_only=True, trust_remote_code=False)
        asked = [PROMPT.format(label.replace("_", " ").strip().lower()) for label in labels]
        network: Any = self.build_as(AutoModel, True, "CLAP").eval()
        with torch.no_grad():
            found = network.get_text_features(**pieces(asked, padding=True, return_tensors="pt"))
            vectors = getattr(found, "pooler_output", found)
            scale = network.logit_scale_a.exp()
        weight = (torch.nn.functional.normalize(vectors, dim=1) * scale).double().numpy().T
        return weight, np.zeros(len(labels))

    def artefact(self, labels: Sequence[str], outputs: int) -> Artefact:
        del labels, outputs
        copies = tuple(
            path for name in (PREPROCESSOR, PROCESSOR, *TOKENIZER_FILES) if (path := self.folder / name).is_file()
        )
        opens_with = "transformers.ClapModel.from_pretrained('{folder}')"
        return Artefact({"config.json": self._config}, copies, opens_with)
