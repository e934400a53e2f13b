"""The heads that text models come with: which there are, what they answer, and who opens a model with one."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headstart.sources.texts.source import TextSource

CAUSAL, MASKED, SEQ2SEQ = "causal-lm", "masked-lm", "seq2seq-lm"
OPENED_AS = {
    CAUSAL: ("AutoModelForCausalLM", "headstart.sources.texts.language_models:LanguageModel"),
    MASKED: ("AutoModelForMaskedLM", "headstart.sources.texts.language_models:LanguageModel"),
    SEQ2SEQ: ("AutoModelForSeq2SeqLM", "headstart.sources.texts.seq2seq:EncoderDecoder"),
}
"""Head -> transformers' class and ours."""
ASKED_BY = {CAUSAL: "language-modeling", MASKED: "masked-language-modeling", SEQ2SEQ: "seq2seq"}
"""The task that each head answers."""


def open_with_head(folder: Path, name: str, head: str) -> TextSource:
    """The model in `folder` with its own head.

    Raises:
        SourceError: it was made for another one.
    """
    module, _, kind = OPENED_AS[head][1].partition(":")
    return getattr(importlib.import_module(module), kind)(folder, name, head)  # type: ignore[no-any-return]


def head_of(config: Mapping[str, Any]) -> str:
    """The head with which a model was made, from transformers' own tables; empty when with none of these."""
    from transformers.models.auto import modeling_auto as known

    kind = config.get("model_type", "")
    if config.get("is_encoder_decoder"):
        return SEQ2SEQ if kind in known.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES else ""
    if kind in known.MODEL_FOR_MASKED_LM_MAPPING_NAMES and not config.get("is_decoder"):
        return MASKED
    return CAUSAL if kind in known.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES else ""
