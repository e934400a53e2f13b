"""Sound models in the format of transformers: on waveforms (wav2vec2, HuBERT), or on spectra (AST, Whisper)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from headstart.core import files
from headstart.core.errors import SourceError
from headstart.measure.ctc import NO_LETTER
from headstart.sources.contract import Artefact
from headstart.sources.formats import PREPROCESSOR, preprocessor_of
from headstart.sources.sounds.source import LENGTH, SoundSource
from headstart.sources.transformers import TransformersSource

if TYPE_CHECKING:
    import torch

WAVEFORM = "Wav2Vec2FeatureExtractor"
"""What preprocessor_config.json calls the preparation of models that take samples as they are."""
CHANCES = {"apply_spec_augment": False, "layerdrop": 0.0}
"""What networks do at random in training, outside torch's generator or by leaving frozen stages out."""
PART = 2.0
"""Seconds of a waveform that are read together; a shorter sound is repeated until it lasts as long."""
WINDOW = 4.0
"""Seconds of a waveform that are read together where its moments are answered."""
LETTERS = "vocab.json"
"""Numbers of letters, as transformers' tokenizer for CTC has them: a bar is a space, padding is the blank."""
SPACE, BLANK = "|", "<pad>"


class TransformersSounds(TransformersSource, SoundSource):
    """A folder with config.json, preprocessor_config.json and model.safetensors.

    Of a model that classifies sounds the whole network is kept; of any other its trunk, of two-sided ones the encoder.
    """

    @cached_property
    def _preprocessor(self) -> dict[str, Any]:
        found = preprocessor_of(self.folder)
        if "feature_extractor_type" not in found:
            raise SourceError(
                f"{self.folder} has no {PREPROCESSOR} that names a feature extractor, so there is no telling how "
                "sounds are prepared for it. Copy it from where the model comes from."
            )
        return found

    @cached_property
    def _extract(self) -> Any:
        from transformers import AutoFeatureExtractor

        return AutoFeatureExtractor.from_pretrained(self.folder, local_files_only=True, trust_remote_code=False)

    def identity(self) -> dict[str, Any]:
        return {**super().identity(), "preprocessor": self._preprocessor, "part": [PART, WINDOW, LENGTH]}

    @property
    def _published_as(self) -> str:
        return str((self._config.get("architectures") or [""])[0])

    @property
    def _spells(self) -> bool:
        """Whether its own head tells letters at each moment."""
        return self._published_as.endswith("ForCTC")

    def has_classifier(self) -> bool:
        one_linear = self._spells or self._published_as.endswith("ForAudioClassification")
        return one_linear and not self._config.get("is_encoder_decoder")

    def own_labels(self) -> tuple[str, ...]:
        if self._spells:
            return self._letters()
        return super().own_labels() if self.has_classifier() else ()

    def _letters(self) -> tuple[str, ...]:
        if not (self.folder / LETTERS).is_file():
            return ()
        numbers = {str(name): int(number) for name, number in files.read_json(self.folder / LETTERS).items()}
        named = sorted(numbers, key=lambda name: numbers[name])
        lower = all(name == name.upper() for name in named if len(name) == 1)
        return tuple(NO_LETTER if name == BLANK else " " if name == SPACE else name.lower() if lower and len(name) == 1
                     else name for name in named)  # fmt: skip

    def build(self, pretrained: bool) -> torch.nn.Module:
        from transformers import AutoModel, AutoModelForAudioClassification, AutoModelForCTC

        whole = AutoModelForCTC if self._spells else AutoModelForAudioClassification
        kind = whole if self.has_classifier() else AutoModel
        network: Any = self.build_as(kind, pretrained, "a model for sound")
        for chance, never in CHANCES.items():
            if hasattr(network.config, chance):
                setattr(network.config, chance, never)
        if self._config.get("is_encoder_decoder"):
            return network.get_encoder()  # type: ignore[no-any-return]
        return network  # type: ignore[no-any-return]

    @property
    def _takes_samples(self) -> bool:
        return bool(self._preprocessor["feature_extractor_type"] == WAVEFORM)

    def preparation(self) -> dict[str, Any]:
        rate = int(self._preprocessor.get("sampling_rate", 16_000))
        if self._takes_samples:
            part = int(PART * rate)
            known = {"rate": rate, "seconds": LENGTH, "part": part, "shape": [part]}
            return {**known, "frames": self._frames_of(int(WINDOW * rate))}
        shape = self._extracted(np.zeros(rate, np.float32), rate).shape
        if len(shape) != 2:
            raise SourceError(f"{self.name} takes spectra of {len(shape)} axes; those of AST and Whisper have two.")
        return {"rate": rate, "seconds": LENGTH, "part": self._part(rate, shape), "shape": list(shape)}

    def _frames_of(self, window: int) -> dict[str, int]:
        """The fields of `Frames`, by the sizes and steps of the convolutions that samples go through."""
        answers, hop = window, 1
        for size, stride in zip(self._config["conv_kernel"], self._config["conv_stride"], strict=True):
            answers, hop = (answers - size) // stride + 1, hop * stride
        return {"answers": answers, "window": window, "hop": hop}

    def series(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        if not self._takes_samples:
            return super().series(samples)
        return self._extracted(samples, int(self.description.preparation["rate"]))

    def _part(self, rate: int, shape: tuple[int, ...]) -> int:
        """Samples of one spectrum, by the extractor's own configuration: 30 s, or frames of 10 ms."""
        seconds = self._preprocessor.get("chunk_length")
        return int(seconds * rate) if seconds else int(shape[0] * rate / 100)

    def _extracted(self, samples: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
        found = self._extract(samples, sampling_rate=rate, return_tensors="np")
        return np.asarray(found[self._extract.model_input_names[0]][0], np.float32)

    def parts_of(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        known = self.description.preparation
        size = int(known["part"])
        if self._takes_samples and len(samples) < size:
            samples = np.resize(samples, size)
        starts = list(range(0, max(1, len(samples) - size // 2), size))  # a rest is read when it is half a part
        if self._takes_samples:
            starts[-1] = min(starts[-1], len(samples) - size)
        return np.stack([self._extracted(samples[start : start + size], int(known["rate"])) for start in starts])

    def artefact(self, labels: Sequence[str], outputs: int) -> Artefact:
        if self._spells:
            return self._spelling(labels, outputs)
        if not self.has_classifier():
            opens_with = "transformers.AutoModel.from_pretrained('{folder}')"
            return Artefact({"config.json": self._config, PREPROCESSOR: self._preprocessor}, (), opens_with)
        names = list(labels) if len(labels) == outputs else [f"LABEL_{number}" for number in range(outputs)]
        document = {
            **self._config,
            "num_labels": outputs,
            "id2label": {str(number): label for number, label in enumerate(names)},
            "label2id": {label: number for number, label in enumerate(names)},
        }
        opens_with = "transformers.AutoModelForAudioClassification.from_pretrained('{folder}')"
        return Artefact({"config.json": document, PREPROCESSOR: self._preprocessor}, (), opens_with)

    def _spelling(self, labels: Sequence[str], outputs: int) -> Artefact:
        """A head that tells letters, with the vocabulary that transformers' own tokenizer reads."""
        named = list(labels) if len(labels) == outputs else [f"<{number}>" for number in range(outputs)]
        spelled = [{NO_LETTER: BLANK, " ": SPACE}.get(name, name) for name in named]
        config = {**self._config, "vocab_size": outputs}
        if BLANK in spelled:
            config["pad_token_id"] = spelled.index(BLANK)
        tokenizer = {"tokenizer_class": "Wav2Vec2CTCTokenizer", "pad_token": BLANK, "word_delimiter_token": SPACE}
        documents = {
            "config.json": config,
            PREPROCESSOR: self._preprocessor,
            LETTERS: {name: number for number, name in enumerate(spelled)},
            "tokenizer_config.json": tokenizer,
        }
        opens_with = "transformers.AutoModelForCTC.from_pretrained('{folder}')"
        return Artefact(documents, (), opens_with)
