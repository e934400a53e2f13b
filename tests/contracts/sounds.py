"""Generated sounds: tones, sweeps and noise, as samples and as files."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from contracts.networks import Target
from headstart.data import checks, splits
from headstart.data.read import read
from headstart.data.table import LABEL
from headstart.tasks import Task, tasks

RATE = 16_000
KINDS = ("tone", "sweep", "noise")


def samples(kind: str, number: int, seconds: float = 0.0, rate: int = RATE) -> np.ndarray:
    """One sound (S,) as floats; `number` chooses its pitch, volume and length."""
    random = np.random.default_rng([number, len(kind)])
    length = seconds or float(random.uniform(0.5, 2.2))
    time = np.arange(int(length * rate)) / rate
    pitch = random.uniform(200, 900)
    if kind == "tone":
        wave = np.sin(2 * np.pi * pitch * time)
    elif kind == "sweep":
        wave = np.sin(2 * np.pi * (pitch + 700 * time) * time)
    else:
        wave = random.normal(0, 0.4, len(time))
    rise = np.minimum(1, time / random.uniform(0.02, 0.3))
    hiss = random.normal(0, 0.01, len(time))
    return (0.5 * random.uniform(0.4, 1) * rise * wave + hiss).clip(-0.99, 0.99).astype(np.float32)


def encoded(values: np.ndarray, form: str = "WAV", rate: int = RATE, subtype: str | None = None) -> bytes:
    """The bytes of a file."""
    import soundfile

    stream = io.BytesIO()
    soundfile.write(stream, values, rate, format=form, subtype=subtype)
    return stream.getvalue()


def write_sounds(folder: Path, count: int = 16, first: int = 0, form: str = "wav") -> Path:
    """A folder for each kind of sound with `count` files each."""
    for kind in KINDS:
        (folder / kind).mkdir(parents=True, exist_ok=True)
        for number in range(first, first + count):
            (folder / kind / f"{number:03d}.{form}").write_bytes(encoded(samples(kind, number), form.upper()))
    return folder


def make_sounds(root: Path, count: int = 10) -> Target:
    """`count` sounds of each kind, read, checked and split."""
    table = read(write_sounds(root, count))
    parts = splits.split(checks.check(table), seed=0)
    given = {name: parts.part(name) for name in ("train", "validation", "fit")}
    return SoundTarget(parts.train.table, given, parts)


class SoundTarget(Target):
    """Sounds by their kind, the one thing that is learned of them."""

    def task(self, kind: str) -> Task:
        return tasks.get(kind).from_labels(LABEL, self.parts["fit"].labels(LABEL))


def write_yamnet(folder: Path, *, seed: int = 0) -> Path:
    """A tiny network of YAMNet's kind with random weights, in its format."""
    from safetensors.torch import save_file

    from headstart.sources.sounds.yamnet_network import Yamnet

    separable = "depthwise 3x3 (stride) + bias + relu, then pointwise 1x1 + bias + relu"
    layers = [
        {"name": "layer1", "kind": "conv 3x3 + bias + relu", "stride": 2, "out": 4},
        {"name": "layer2", "kind": separable, "stride": 2, "out": 8},
        {"name": "layer3", "kind": separable, "stride": 2, "out": 12},
    ]
    front_end = {
        "sample_rate": RATE, "window": "periodic Hann 400 samples", "hop": 160, "fft": 512, "mel_bands": 64,
        "mel_min_hz": 125.0, "mel_max_hz": 7500.0, "log": "ln(mel + 0.001)", "patch_frames": 96, "patch_hop_frames": 48,
    }  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = Yamnet(layers, 3)
    folder.mkdir(parents=True, exist_ok=True)
    save_file(network.state_dict(), folder / "model.safetensors")
    config = {
        "model_type": "yamnet", "num_classes": 3, "layers": layers, "frontend": front_end,
        "class_names": ["Tones", "Noise", "Animal"],
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def write_speech_embedding(folder: Path, *, seed: int = 0) -> Path:
    """Random weights in the form in which the graphs of speech_embedding are listed."""
    from safetensors.numpy import save_file

    random = np.random.default_rng(seed)
    arrays = {"melspectrogram.1.melW": random.uniform(0, 1, (257, 32))}
    angle = 2 * np.pi * np.outer(np.arange(257), np.arange(512)) / 512
    for part, wave in (("real", np.cos(angle)), ("imag", np.sin(angle))):
        arrays[f"melspectrogram.0.stft.conv_{part}.weight"] = (np.hanning(512) * wave)[:, None]
    nodes: list[dict[str, Any]] = []

    def convolution(name: str, shape: tuple[int, ...], names: tuple[str, ...], pads: list[int]) -> None:
        arrays[f"embedding_model.model/{name}/{names[0]}"] = random.normal(0, np.prod(shape[1:]) ** -0.5, shape)
        for bias in names[1:]:
            arrays[f"embedding_model.model/{name}/{bias}"] = random.normal(0, 0.1, shape[0])
        nodes.append({"op": "Conv", "inputs": [f"model/{name}/{one}" for one in names], "pads": pads})

    unfused = "StatefulPartitionedCall/StatefulPartitionedCall/Conv2D/ReadVariableOp:0"
    convolution("conv2d", (24, 1, 3, 3), (unfused,), [0, 1, 0, 1])
    moments = ("ReadVariableOp:0", "ReadVariableOp_1:0")
    norm = [f"model/batch_normalization/{one}" for one in (*moments, *(f"FusedBatchNormV3/{m}" for m in moments))]
    arrays |= {f"embedding_model.{name}": random.uniform(0.5, 1.5, 24) for name in norm}
    nodes += [{"op": "Relu"}, {"op": "BatchNormalization", "inputs": norm}, {"op": "Bound"}]
    number, inside = 0, 24
    for outside, count, pool in ((24, 2, (2, 2)), (48, 4, (1, 2)), (72, 4, (2, 2)), (96, 4, (1, 2)), (96, 4, (2, 2))):
        for place in range(count):
            number += 1
            kernel, pads = ((1, 3), [0, 1, 0, 1]) if place % 2 == 0 else ((3, 1), [0, 0, 0, 0])
            names = ("Conv2D_weights_fused_bn", "Conv2D_bias_fused_bn")
            convolution(f"conv2d_{number}", (outside, inside, *kernel), names, pads)
            nodes.append({"op": "Bound"})
            inside = outside
        nodes.append({"op": "MaxPool", "kernel": pool})
    convolution("conv2d_19", (96, 96, 3, 1), ("Conv2D/ReadVariableOp:0",), [0, 0, 0, 0])
    folder.mkdir(parents=True)
    save_file({name: value.astype(np.float32) for name, value in arrays.items()}, folder / "model.safetensors")
    config = {"model_type": "onnx_graph_listing", "graphs": {"embedding_model": {"nodes": nodes}}}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def run_listed(graph: dict[str, Any], folder: Path, windows: torch.Tensor) -> torch.Tensor:
    """What the listed nodes make of windows (R, 76, 32), one after another."""
    from safetensors.torch import load_file
    from torch.nn import functional

    arrays, values = load_file(folder / "model.safetensors"), windows.unsqueeze(1)
    for node in graph["nodes"]:
        given = [arrays[f"embedding_model.{name}"] for name in node.get("inputs", [])]
        if node["op"] == "Conv":
            values = functional.conv2d(values, *given, padding=tuple(node["pads"][:2]))
        elif node["op"] == "BatchNormalization":
            scale, shift, mean, variance = given
            values = functional.batch_norm(values, mean, variance, scale, shift, eps=1e-3)
        elif node["op"] == "Bound":
            values = torch.maximum(functional.leaky_relu(values, 0.2), torch.tensor(-0.4))
        else:
            values = values.relu() if node["op"] == "Relu" else functional.max_pool2d(values, node["kernel"])
    return values.flatten(1)


_SIZES: dict[str, Any] = {
    "hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32,
}  # fmt: skip
_WAVES = {
    **_SIZES, "vocab_size": 10, "conv_dim": (8, 8, 8), "conv_stride": (20, 4, 2), "conv_kernel": (40, 4, 3),
    "num_conv_pos_embeddings": 8, "num_conv_pos_embedding_groups": 2,
}  # fmt: skip
_WAVE_FRONT = {"feature_extractor_type": "Wav2Vec2FeatureExtractor", "sampling_rate": RATE, "do_normalize": True,
               "feature_size": 1, "padding_value": 0.0, "return_attention_mask": False}  # fmt: skip
FAMILIES: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "audio-spectrogram-transformer": (
        "ASTForAudioClassification",
        {**_SIZES, "max_length": 64, "num_mel_bins": 16, "num_labels": 4},
        {"feature_extractor_type": "ASTFeatureExtractor", "sampling_rate": RATE, "max_length": 64, "num_mel_bins": 16},
    ),
    "wav2vec2": ("Wav2Vec2ForPreTraining", {**_WAVES, "num_codevectors_per_group": 4, "codevector_dim": 8,
                                            "proj_codevector_dim": 8}, _WAVE_FRONT),
    "hubert": ("HubertModel", {**_WAVES, "feat_extract_norm": "layer", "do_stable_layer_norm": True}, _WAVE_FRONT),
    "whisper": (
        "WhisperForConditionalGeneration",
        {"vocab_size": 20, "d_model": 24, "encoder_layers": 2, "decoder_layers": 1, "encoder_attention_heads": 2,
         "decoder_attention_heads": 2, "encoder_ffn_dim": 32, "decoder_ffn_dim": 32, "num_mel_bins": 80,
         "max_source_positions": 100, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
         "decoder_start_token_id": 1, "begin_suppress_tokens": None, "suppress_tokens": None},
        {"feature_extractor_type": "WhisperFeatureExtractor", "sampling_rate": RATE, "chunk_length": 2,
         "feature_size": 80, "hop_length": 160, "n_fft": 400},
    ),
}  # fmt: skip
"""model_type -> the class that is published, a tiny configuration, and preprocessor_config.json."""


def write_sound_model(folder: Path, family: str, *, seed: int = 0) -> Path:
    """A model of `family` with random weights, as transformers saves it."""
    import transformers

    name, configuration, preprocessor = FAMILIES[family]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        kind = getattr(transformers, name)
        network = kind(kind.config_class(**configuration))
        with torch.no_grad():
            for value in network.parameters():
                value.add_(0.05 * torch.randn_like(value))
    network.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(preprocessor))
    return folder
