"""Text sources: every family in the hub's format, cut into stages, pooled, and computed as its library does."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from contracts.texts import FAMILIES, VOCABULARY, sentence, write_text_model, write_tokenizer
from headstart.core.errors import SourceError
from headstart.sources import Source, open_source
from headstart.sources import network as network_module
from headstart.sources.network import Network
from headstart.sources.points import Point
from headstart.sources.stages import belongs
from headstart.sources.texts.source import SHOWN
from headstart.sources.trunk import Trunk

TEXTS = [sentence("good", 1), "a", sentence("bad", 2) + " and " + sentence("good", 3)]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(params=list(FAMILIES))
def source(request: pytest.FixtureRequest, models: Path) -> Source:
    folder = models / request.param
    return open_source(folder if folder.is_dir() else write_text_model(folder, request.param))


def pooled(source: Source, texts: list[str]) -> np.ndarray:
    network = Network(source).eval()
    batch = {name: torch.from_numpy(array) for name, array in source.collate(list(map(source.prepare, texts))).items()}
    stages = [stage.name for stage in source.stages]
    with torch.no_grad():
        heard = network(batch, stages)
        return torch.cat([network.pool(stage, heard[stage], batch) for stage in stages], dim=1).numpy()


def test_stages_are_embeddings_and_blocks_and_hold_every_parameter(source: Source) -> None:
    blocks = 2 if source.description.architecture in ("t5", "bart", "marian") else 3
    assert len(source.stages) == blocks + 1, [stage.name for stage in source.stages]
    assert all((stage.layout, stage.shape, stage.width) == ("sequence", (-1, 24), 24) for stage in source.stages)
    network = source.module()
    for name, _ in network.named_parameters():
        assert sum(belongs(name, stage.owns) for stage in source.stages) == 1, name
    assert sum(stage.parameters for stage in source.stages) == sum(p.numel() for p in network.parameters())


def test_padding_changes_nothing(source: Source) -> None:
    together = pooled(source, TEXTS)
    alone = np.concatenate([pooled(source, [text]) for text in TEXTS])
    assert np.allclose(together, alone, atol=1e-5)
    assert np.abs(together[0] - together[2]).max() > 1e-3


def test_rows_of_one_length_go_together_in_training(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    """Features and gradients are those of the whole batch, and fewer places are computed."""
    network = Network(source).eval()
    texts = ["a", sentence("good", 1), " ".join(sentence("bad", number) for number in range(6)), "a b", "good"]
    batch = {name: torch.from_numpy(array) for name, array in source.collate(list(map(source.prepare, texts))).items()}
    stages = [stage.name for stage in source.stages]
    block = [one for _, one in network.parameters_of(source.stages[1]) if one.ndim == 2]
    taken: list[int] = []
    network.body.register_forward_pre_hook(
        lambda _module, _given, named: taken.append(named["input_ids"].numel()), with_kwargs=True
    )

    def learned() -> torch.Tensor:
        heard = network(batch, stages)
        features = torch.cat([network.pool(stage, heard[stage], batch) for stage in stages], dim=1)
        gradients = torch.autograd.grad(features.square().sum(), block, allow_unused=True)
        return torch.cat([one.detach().flatten() for one in (features, *gradients) if one is not None])

    monkeypatch.setattr(network_module, "AT_LEAST", 1)
    grouped = learned()
    assert len(taken) > 1 and sum(taken) < network_module.WORTH * batch["input_ids"].numel()
    monkeypatch.setattr(network_module, "by_length", lambda mask: [])
    assert torch.allclose(grouped, learned(), atol=1e-4, rtol=1e-4)


def test_so_do_those_of_a_head_that_tells_pieces(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = models / "gpt2"
    source = open_source(folder if folder.is_dir() else write_text_model(folder, "gpt2")).with_head("causal-lm")
    network, last = Network(source).eval(), source.stages[-1].name
    texts = ["a good", " ".join(sentence("bad", number) for number in range(6)), "good a b"]
    batch = {name: torch.from_numpy(array) for name, array in source.collate(list(map(source.prepare, texts))).items()}
    there = batch["attention_mask"].bool()
    monkeypatch.setattr(network_module, "AT_LEAST", 1)
    assert len(network_module.by_length(batch["attention_mask"])) == 2
    grouped = network(batch, [last])[last]
    with torch.no_grad():
        whole = network(batch, [last])[last]
    assert torch.allclose(grouped[there], whole[there], atol=1e-5)


def test_even_batches_go_through_as_they_are() -> None:
    even = torch.ones(40, 64, dtype=torch.int64)
    assert not network_module.by_length(even)
    in_front = torch.cat([torch.zeros(40, 40, dtype=torch.int64), even], dim=1)
    assert not network_module.by_length(in_front)  # what comes first may not be left out
    uneven = torch.ones(40, 64, dtype=torch.int64)
    uneven[::2, 9:] = 0
    short, long = network_module.by_length(torch.cat([uneven, uneven]))
    assert short.tolist() == list(range(0, 80, 2)) and long.tolist() == list(range(1, 80, 2))


def test_last_stage_is_what_the_library_gives(source: Source) -> None:
    from transformers import AutoModel

    folder = Path(source.name)
    model = AutoModel.from_pretrained(folder).eval()
    model = model.get_encoder() if model.config.is_encoder_decoder else model
    example = source.prepare(TEXTS[0])
    arguments = {name: torch.from_numpy(value[None]).long() for name, value in example.items()}
    with torch.no_grad():
        expected = model(**arguments).last_hidden_state.mean(dim=1).numpy()
    assert np.allclose(pooled(source, TEXTS[:1])[:, -24:], expected, atol=1e-5)


def test_converted_is_the_same(source: Source) -> None:
    points = [Point(source.stages[0].name), Point(source.stages[-1].name)]
    batch = source.collate([source.prepare(text) for text in TEXTS])
    longer = source.collate([source.prepare(" ".join(TEXTS))])
    found = {}
    for runtime in ("reference", "openvino"):
        trunk = Trunk(source, points, 3, runtime)
        found[runtime] = list(trunk.run([batch, longer]))
    assert trunk.choice is not None and trunk.choice.runtime.startswith("openvino"), trunk.choice
    for one, other in zip(found["reference"], found["openvino"], strict=True):
        for point in points:
            assert np.allclose(one[point], other[point], atol=0.05 * np.abs(one[point]).max())


def test_pairs_and_words(models: Path) -> None:
    source = open_source(write_text_model(models / "pairs", "bert"))
    assert source.prepare("the film")["input_ids"].tolist() == source.prepare(["the", "film"])["input_ids"].tolist()
    pair = source.prepare({"question": "the film", "context": "was good"})
    assert pair["token_type_ids"].tolist() == [0, 0, 0, 0, 1, 1, 1]
    assert len(source.prepare({"question": "the film", "context": "good " * 500})["input_ids"]) == 64


def test_long_texts_are_read_in_parts(source: Source) -> None:
    """The mean over parts, each weighing as many pieces as it has; together with short texts, and by itself."""
    long = " ".join(TEXTS * 12)
    inputs = source.prepare(long)
    parts, length = inputs["input_ids"].shape
    assert parts > 1 and length == source.description.preparation["part"]
    rows = [{name: values[row, : inputs["attention_mask"][row].sum()] for name, values in inputs.items()}
            for row in range(parts)]  # fmt: skip
    weights = inputs["attention_mask"].sum(axis=1)
    points = [Point(source.stages[-1].name)]
    runtime = Trunk(source, points, 3, "reference")
    prepared = [source.prepare(TEXTS[0]), inputs, source.prepare(TEXTS[1])]
    [together] = runtime.run([source.collate(prepared)])
    [alone] = runtime.run([source.collate(rows)])
    assert np.allclose(together[points[0]][1], np.average(alone[points[0]], axis=0, weights=weights), atol=1e-5)
    short = [next(runtime.run([source.collate([one])]))[points[0]][0] for one in (prepared[0], prepared[2])]
    assert np.allclose(together[points[0]][[0, 2]], short, atol=1e-5)
    few = source.few(source.collate(prepared), 2)
    assert np.allclose(next(runtime.run([few]))[points[0]], together[points[0]][:2], atol=1e-5)


def test_views_of_a_long_text_are_some_of_its_parts(models: Path) -> None:
    source = open_source(write_text_model(models / "views", "bert"))
    long = " ".join(TEXTS * 60)
    whole = source.prepare(long)["input_ids"]
    kept = SHOWN // source.description.preparation["part"]
    assert len(whole) > kept
    seen = set()
    for view in range(1, 20):
        found = source.view(long, view, "key")["input_ids"]
        first = next(row for row in range(len(whole)) if (whole[row : row + kept] == found).all())
        assert len(found) == kept and (source.view(long, view, "key")["input_ids"] == found).all()
        seen.add(first)
    assert len(seen) > 3
    assert (source.view(long, 0, "key")["input_ids"] == whole).all()
    assert (source.view(TEXTS[0], 3, "key")["input_ids"] == source.prepare(TEXTS[0])["input_ids"]).all()


def test_what_lies_behind_the_last_part_is_told(source: Source) -> None:
    assert source.remarks([TEXTS[0], " ".join(TEXTS * 12)], {}) == []
    [told] = source.remarks([TEXTS[0], "film " * 5000, {"question": TEXTS[0], "context": TEXTS[1]}], {})
    assert told.startswith("1 text is longer than the 1024 pieces")


def test_a_text_model_without_a_tokenizer_is_called_that(tmp_path: Path) -> None:
    folder = write_text_model(tmp_path / "bert", "bert")
    for file in folder.iterdir():
        if file.name not in ("config.json", "model.safetensors"):
            file.unlink()
    with pytest.raises(SourceError, match="bert has no tokenizer that can be used"):
        open_source(folder).prepare("a good film")


def test_a_tokenizer_of_another_model(models: Path, tmp_path: Path) -> None:
    folder = write_text_model(tmp_path / "small", "bert", vocab_size=VOCABULARY - 4)
    write_tokenizer(folder)
    with pytest.raises(SourceError, match=rf"does not belong to the model.*up to number {VOCABULARY - 1}.*knows"):
        open_source(folder).prepare("the film")


def test_sentence_encoders_pool_as_they_say(models: Path, tmp_path: Path) -> None:
    folder = write_text_model(tmp_path / "first", "bert")
    before = open_source(folder).fingerprint
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_cls_token": True}))
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 16}))
    source = open_source(folder)
    assert (source.description.pooling, source.input_shape()) == ("first", (1024,))
    assert source.description.preparation["part"] == 16
    assert source.fingerprint != before
    network = Network(source).eval()
    batch = {name: torch.from_numpy(value[None]) for name, value in source.prepare("the film").items()}
    with torch.no_grad():
        last = network(batch, [source.stages[-1].name])[source.stages[-1].name]
    assert np.allclose(pooled(source, ["the film"])[:, -24:], last[:, 0].numpy())


def test_minilm_is_what_its_makers_say() -> None:
    folder = Path(os.environ.get("HEADSTART_MODELS", "")) / "all-MiniLM-L6-v2"
    if not (folder / "model.safetensors").is_file():
        pytest.skip("no all-MiniLM-L6-v2 under HEADSTART_MODELS")
    source = open_source(folder)
    assert source.stages[0].name == "embeddings" and len(source.stages) == 7
    texts = ["A man is eating food.", "A man is eating a piece of bread.", "A monkey is playing drums."]
    vectors = pooled(source, texts)[:, -384:]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    assert abs(vectors[0] @ vectors[1] - 0.755) < 2e-3 and abs(vectors[0] @ vectors[2] - 0.048) < 2e-3
