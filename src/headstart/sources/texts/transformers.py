"""Text models in the format of transformers: encoders, decoders, and the encoders of encoder-decoders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from headstart.core import files
from headstart.core.errors import SourceError
from headstart.sources.contract import Artefact, Source
from headstart.sources.formats import TOKENIZER_FILES
from headstart.sources.recommending import RECOMMENDER
from headstart.sources.texts import pieces
from headstart.sources.texts.heads import open_with_head
from headstart.sources.texts.pieces import Pieces
from headstart.sources.texts.source import AT_ONCE, LENGTH, PART, SENTENCE, TextSource
from headstart.sources.transformers import TransformersSource

if TYPE_CHECKING:
    import torch

POOLING = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "first", "pooling_mode_lasttoken": "last"}
"""What a sentence encoder's own configuration calls the ways to pool."""
POSITIONS = ("max_position_embeddings", "n_positions", "max_sequence_length")
"""What configurations call the most positions that a model has."""


class TransformersTexts(TransformersSource, TextSource):
    """A folder with config.json, model.safetensors and a tokenizer: its trunk, without the head it came with."""

    def identity(self) -> dict[str, Any]:
        return {**super().identity(), "preparation": self.preparation(), "pooling": self.pooling}

    def has_classifier(self) -> bool:
        return False

    def own_labels(self) -> tuple[str, ...]:
        return ()

    def build(self, pretrained: bool) -> torch.nn.Module:
        from transformers import AutoModel

        network: Any = self.build_as(AutoModel, pretrained, "a text model")
        network.config.use_cache = False
        if self._config.get("is_encoder_decoder"):
            return network.get_encoder()  # type: ignore[no-any-return]
        if getattr(network, "pooler", None) is not None:
            network.pooler = None  # it belongs to the task that the model was first trained for
        return network  # type: ignore[no-any-return]

    def preparation(self) -> dict[str, Any]:
        longest = self._longest()
        return {
            "length": LENGTH,
            "part": min(longest, SENTENCE if self._is_sentence_encoder else PART),
            "at_once": min(longest, AT_ONCE),
            "vocabulary": int(self._config["vocab_size"]),
            "segments": int(self._config.get("type_vocab_size", 0)) > 1,
        }

    def require_places(self) -> None:
        if not _reads_one_way(self._config):
            return
        raise SourceError(
            f"{self.title} ({self.architecture}) reads from left to right, so what it knows at a word lacks all that "
            "follows. For answers at words use an encoder, such as hf/distilbert-base-uncased or hf/bert-base-cased."
        )

    @property
    def _is_sentence_encoder(self) -> bool:
        return (self.folder / "1_Pooling" / "config.json").is_file()

    def _longest(self) -> int:
        """The most pieces that the model takes, by its own configuration and its sentence encoder's."""
        limits = [int(self._config[name]) for name in POSITIONS if self._config.get(name)]
        reserved = 2 if self._config.get("model_type") in ("roberta", "xlm-roberta", "camembert") else 0
        limits = [limit - reserved for limit in limits]  # these count positions from the padding's number on
        path = self.folder / "sentence_bert_config.json"
        if path.is_file():
            limits.append(int(files.read_json(path).get("max_seq_length") or AT_ONCE))
        return min([*limits, 1 << 20])

    def with_head(self, head: str) -> Source:
        if head in ("", RECOMMENDER):
            return super().with_head(head)
        opened = open_with_head(self.folder, self.name, head)
        opened.seed = self.seed
        return opened

    @property
    def pooling(self) -> str:
        path = self.folder / "1_Pooling" / "config.json"
        if path.is_file():
            known = files.read_json(path)
            return next((ours for name, ours in POOLING.items() if known.get(name)), "mean")
        return "mean"

    def open_pieces(self) -> Pieces:
        preparation = self.description.preparation
        return pieces.open_pieces(
            self.folder, segments=preparation["segments"], vocabulary=int(preparation["vocabulary"])
        )

    def artefact(self, labels: Sequence[str], outputs: int) -> Artefact:
        del labels, outputs
        here = [self.folder / name for name in (*TOKENIZER_FILES, "sentence_bert_config.json", "modules.json")]
        copies = tuple(path for path in here if path.is_file())
        nested = self.folder / "1_Pooling" / "config.json"
        documents = {"config.json": self._config}
        if nested.is_file():
            documents["1_Pooling/config.json"] = dict(files.read_json(nested))
        return Artefact(documents, copies, "transformers.AutoModel.from_pretrained('{folder}')")


def _reads_one_way(config: Mapping[str, Any]) -> bool:
    """Whether it is a decoder: of a family that was only ever trained to go on with texts."""
    from transformers.models.auto import modeling_auto as families

    kind = config.get("model_type")
    onward, both = families.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES, families.MODEL_FOR_MASKED_LM_MAPPING_NAMES
    return bool(config.get("is_decoder")) or (kind in onward and kind not in both)
