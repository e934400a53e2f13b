"""Of which format a folder is: what its documents say, and who opens it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from headstart.core import files
from headstart.core.registry import Registry
from headstart.sources.library import LibrarySource

BEHAVIOUR, PATCHES, RECOGNISER = "behaviour", "series-patches", "recogniser"
STATIC, TINY_TIME_MIXER, YAMNET = "model2vec", "tinytimemixer", "yamnet"
SPEECH_EMBEDDING, LISTED = "speech_embedding", "onnx_graph_listing"
CLAP, PATCH_TST, PATCH_MIXER = "clap", "patchtst", "patchtsmixer"
SPECTROGRAM_TRANSFORMER = "audio-spectrogram-transformer"
"""What config.json of a model calls itself, where that says enough."""
CHRONOS_BOLT = "chronos_config"
"""In config.json of a model of chronos-forecasting, which calls itself a T5."""
TIMM, IMAGES, SOUNDS, TEXTS = "timm", "transformers/images", "transformers/sounds", "transformers/texts"
"""Told apart by what else lies in the folder."""
formats: Registry[Callable[[Path, str], LibrarySource]] = Registry(
    "format",
    {
        BEHAVIOUR: "headstart.sources.behaviour.source:open_behaviour",
        CHRONOS_BOLT: "headstart.sources.series.chronos_bolt:ChronosBoltSource",
        CLAP: "headstart.sources.sounds.clap:ClapSounds",
        IMAGES: "headstart.sources.images.transformers:TransformersImages",
        LISTED: "headstart.sources.sounds.speech_embedding:SpeechEmbeddingSource",
        PATCHES: "headstart.sources.series.patches:PatchesSource",
        PATCH_MIXER: "headstart.sources.series.transformers:TransformersSeries",
        PATCH_TST: "headstart.sources.series.transformers:TransformersSeries",
        RECOGNISER: "headstart.sources.sounds.recogniser:RecogniserSource",
        SOUNDS: "headstart.sources.sounds.transformers:TransformersSounds",
        SPECTROGRAM_TRANSFORMER: "headstart.sources.sounds.spectrogram_transformer:SpectrogramTransformer",
        SPEECH_EMBEDDING: "headstart.sources.sounds.speech_embedding:SpeechEmbeddingSource",
        STATIC: "headstart.sources.texts.static:StaticSource",
        TEXTS: "headstart.sources.texts.transformers:TransformersTexts",
        TIMM: "headstart.sources.images.timm:TimmSource",
        TINY_TIME_MIXER: "headstart.sources.series.tiny_time_mixer:TinyTimeMixerSource",
        YAMNET: "headstart.sources.sounds.yamnet:YamnetSource",
    },
)
MODALITY = "modality"
"""In the configuration of a network that is used for contents of another kind than its library's."""
RUN_MARK = "headstart.json"
"""Every run folder has this document; it names the source's family and the heads."""
PREPROCESSOR = "preprocessor_config.json"
PROCESSOR = "processor_config.json"
"""What transformers writes instead, since version 5, where a preprocessor and a tokenizer are saved as one."""
TOKENIZER = "tokenizer.json"
TOKENIZER_FILES = (TOKENIZER, "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.txt",
                   "vocab.json", "merges.txt", "spiece.model", "sentencepiece.bpe.model", "tokenizer.model",
                   "source.spm", "target.spm")  # fmt: skip
"""Everything that may belong to a tokenizer in a folder of the hub's format."""


def preprocessor_of(folder: Path) -> dict[str, Any]:
    """How contents are prepared, as the folder says; empty where it does not."""
    if (folder / PREPROCESSOR).is_file():
        return dict(files.read_json(folder / PREPROCESSOR))
    if not (folder / PROCESSOR).is_file():
        return {}
    whole = files.read_json(folder / PROCESSOR)
    return dict(whole.get("feature_extractor") or whole.get("image_processor") or {})
