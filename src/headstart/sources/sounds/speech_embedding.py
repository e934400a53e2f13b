"""Google's speech embedding behind openWakeWord's front end: a folder that lists the nodes of both ONNX graphs, with
their tensors by name; or an earlier run, with the tensors by the names that the network here gives them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from headstart.core.errors import SourceError
from headstart.sources import weights
from headstart.sources.contract import Artefact
from headstart.sources.formats import SPEECH_EMBEDDING
from headstart.sources.library import OwnFormat
from headstart.sources.sounds.source import LENGTH, SoundSource

if TYPE_CHECKING:
    import torch

RATE, FFT, HOP = 16_000, 512, 160
FRAMES, STEP, BANDS = 76, 8, 32
"""Of one window: its frames of 10 ms, those to the next window, and its mel bands."""
REAL, IMAGINARY, MEL = "frontend_real", "frontend_imaginary", "frontend_mel"
SMALLEST, RANGE = 1e-10, 80.0
"""Least energy, and decibels below the loudest at which a spectrum ends."""
GRAPH = "embedding_model."
FRONT_END = {
    REAL: "melspectrogram.0.stft.conv_real.weight",
    IMAGINARY: "melspectrogram.0.stft.conv_imag.weight",
    MEL: "melspectrogram.1.melW",
}
BEGIN = {
    "begin.convolution.weight": "conv2d/StatefulPartitionedCall/StatefulPartitionedCall/Conv2D/ReadVariableOp:0",
    "begin.norm.weight": "batch_normalization/ReadVariableOp:0",
    "begin.norm.bias": "batch_normalization/ReadVariableOp_1:0",
    "begin.norm.running_mean": "batch_normalization/FusedBatchNormV3/ReadVariableOp:0",
    "begin.norm.running_var": "batch_normalization/FusedBatchNormV3/ReadVariableOp_1:0",
    "end.convolution.weight": "conv2d_19/Conv2D/ReadVariableOp:0",
}
CONVOLUTIONS = (2, 4, 4, 4, 4)
"""Of each block."""


def graph_names() -> dict[str, str]:
    """The network's name of each tensor -> that in the listed graphs."""
    places = [(block, place) for block, count in enumerate(CONVOLUTIONS) for place in range(count)]
    within = {
        f"blocks.{block}.convolutions.{place}.{part}": f"conv2d_{number}/Conv2D_{suffix}_fused_bn"
        for (number, (block, place)), (part, suffix) in itertools.product(
            enumerate(places, 1), (("weight", "weights"), ("bias", "bias"))
        )
    }
    return {**FRONT_END, **{own: f"{GRAPH}model/{name}" for own, name in (BEGIN | within).items()}}


class SpeechEmbeddingSource(OwnFormat, SoundSource):
    """A sound is as many windows of 0.76 s as it has whole ones, every 80 ms, at least one; heads see their mean."""

    family = SPEECH_EMBEDDING

    def has_classifier(self) -> bool:
        return False

    def own_labels(self) -> tuple[str, ...]:
        return ()

    def preparation(self) -> dict[str, Any]:
        return {"rate": RATE, "seconds": LENGTH, "shape": [FRAMES, BANDS], "step": STEP}

    @cached_property
    def _arrays(self) -> dict[str, NDArray[Any]]:
        """Of the file, by the network's names.

        Raises:
            SourceError: it is another graph.
        """
        found, names = weights.load(self.path), graph_names()
        if REAL in found:
            return found
        missing = [name for name in names.values() if name not in found]
        if missing:
            raise SourceError(
                f"{self.path} lists other graphs than those of openWakeWord's front end and Google's speech_embedding: "
                f"it has no {missing[0]}."
            )
        return {own: found[name] for own, name in names.items()}

    def series(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """(T, bands) in decibels, as the front end gives them of 16 bits a sample, then divided by 10, and 2 added."""
        whole = np.trunc(np.clip(samples, -1, 1) * 32767).astype(np.float32)
        frames = np.lib.stride_tricks.sliding_window_view(whole, FFT)[::HOP]
        parts = (frames @ self._arrays[name].reshape(-1, FFT).T.astype(np.float32) for name in (REAL, IMAGINARY))
        energies = sum(part**2 for part in parts) @ self._arrays[MEL].astype(np.float32)
        levels = 10 * np.log10(np.maximum(energies, SMALLEST))
        return np.asarray(np.maximum(levels, levels.max() - RANGE) / 10 + 2, np.float32)

    def parts_of(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        missing = FFT + (FRAMES - 1) * HOP - len(samples)
        levels = self.series(np.pad(samples, (0, max(0, missing))))
        windows = np.lib.stride_tricks.sliding_window_view(levels, FRAMES, axis=0)[::STEP]
        return np.ascontiguousarray(windows.transpose(0, 2, 1), np.float32)

    def build(self, pretrained: bool) -> torch.nn.Module:
        import torch

        from headstart.sources.sounds.speech_embedding_network import SpeechEmbedding

        network = SpeechEmbedding({name: self._arrays[name].shape for name in FRONT_END})
        if pretrained:
            weights.into(network, self._arrays, self.path)
        for name in FRONT_END:
            network.get_buffer(name).copy_(torch.from_numpy(self._arrays[name]))
        return network

    def weights(self) -> dict[str, NDArray[Any]]:
        return self._arrays if self.seed is None else super().weights()

    def artefact(self, labels: Sequence[str], outputs: int) -> Artefact:
        del labels, outputs
        known = {name: value for name, value in self._config.items() if name not in ("graphs", "note")}
        return Artefact({"config.json": {**known, "model_type": SPEECH_EMBEDDING}}, (), "")
