"""CLAP: its tower for sounds as transformers computes it, and labels that are told apart by their names alone."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

import headstart as hs
from contracts.sounds import KINDS, samples, write_sounds
from headstart.engine.own import own_head
from headstart.sources import Source, open_source
from headstart.sources.network import Network
from headstart.tasks.classification import Classification

RATE = 16_000
PIECES = ["<s>", "<pad>", "</s>", "<unk>", "this", "is", "a", "sound", "of", "tone", "sweep", "noise", "."]


def write_clap(folder: Path, fused: bool = False) -> Path:
    """A tiny model with random weights, as transformers saves it; `fused` ones could look at four cuts of a sound."""
    import transformers
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    sizes = {"hidden_size": 32, "num_hidden_layers": 1, "projection_dim": 16}
    sound = {"patch_embeds_hidden_size": 8, "spec_size": 64, "num_mel_bins": 16, "depths": [1, 1], "window_size": 4,
             "num_attention_heads": [2, 2], "num_classes": 4, "hidden_size": 16, "projection_dim": 16,
             "enable_fusion": fused}  # fmt: skip
    text = {**sizes, "vocab_size": len(PIECES), "num_attention_heads": 2, "intermediate_size": 32,
            "max_position_embeddings": 40}  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        configuration = transformers.ClapConfig(text_config=text, audio_config=sound, projection_dim=16)
        network = transformers.ClapModel(configuration)
        with torch.no_grad():
            for value in network.parameters():
                value.add_(0.1 * torch.randn_like(value))
    network.save_pretrained(folder)
    front = {"feature_extractor_type": "ClapFeatureExtractor", "sampling_rate": RATE, "feature_size": 16,
             "max_length_s": 1, "hop_length": 160, "fft_window_size": 512, "frequency_max": 7000,
             "truncation": "fusion" if fused else "rand_trunc", "nb_max_samples": RATE}  # fmt: skip
    (folder / "preprocessor_config.json").write_text(json.dumps(front))
    pieces = Tokenizer(models.WordLevel({piece: number for number, piece in enumerate(PIECES)}, "<unk>"))
    pieces.normalizer, pieces.pre_tokenizer = normalizers.Lowercase(), pre_tokenizers.Whitespace()
    pieces.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=pieces, bos_token="<s>", eos_token="</s>", pad_token="<pad>", unk_token="<unk>"
    ).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    return open_source(write_clap(tmp_path_factory.mktemp("models") / "clap"))


@pytest.mark.parametrize("fused", [False, True])
def test_labels_are_told_by_name_as_the_library_does(source: Source, fused: bool, tmp_path: Path) -> None:
    from transformers import AutoFeatureExtractor, AutoTokenizer, ClapModel

    source = open_source(write_clap(tmp_path / "fused", fused)) if fused else source
    folder, sound = Path(source.name), samples("sweep", 1, 0.7)
    texts = [f"This is a sound of {kind}." for kind in KINDS]
    inputs = AutoFeatureExtractor.from_pretrained(folder)(sound, sampling_rate=RATE, return_tensors="pt")
    inputs["is_longer"] = torch.zeros(1, 1, dtype=torch.bool)  # of short sounds the library draws it
    pieces = AutoTokenizer.from_pretrained(folder)(texts, padding=True, return_tensors="pt")
    with torch.no_grad():
        expected = ClapModel.from_pretrained(folder).eval()(**inputs, **pieces).logits_per_audio[0].numpy()
    head = own_head(source, Classification("label", KINDS))
    assert head is not None and np.ptp(expected) > 1e-3
    prepared, last = source.prepare((sound, RATE)), source.stages[-1].name
    batch = {name: torch.from_numpy(value) for name, value in source.collate([prepared]).items()}
    with torch.no_grad():
        heard = Network(source).eval()(batch, [last])[last].numpy()
    np.testing.assert_allclose(head.scores(heard)[0], expected, rtol=1e-3, atol=1e-3)


def test_long_sounds_are_several_parts(source: Source) -> None:
    assert [len(source.prepare((samples("tone", 1, seconds), RATE))["parts"]) for seconds in (0.2, 1.4, 1.6, 3)] == [
        1, 1, 2, 3,
    ]  # fmt: skip


def test_a_run_is_what_transformers_opens(source: Source, tmp_path: Path) -> None:
    from transformers import ClapModel

    sounds = write_sounds(tmp_path / "sounds", 6)
    options = {"epochs": 1}
    run = hs.adapt(
        sounds, source=source.name, strategy="finetune", options=options, baselines=False, out=tmp_path / "run"
    )
    assert "zero-shot" in {arm.name for arm in run.receipt.arms}
    before, after = (ClapModel.from_pretrained(folder).state_dict() for folder in (source.name, run.folder))
    changed = {name.partition(".")[0] for name in before if not torch.equal(before[name], after[name])}
    assert changed <= {"audio_model", "audio_projection"} and changed
    assert open_source(run.folder).named(KINDS) is not None
