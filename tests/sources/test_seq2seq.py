"""Encoder-decoders: what the decoder is shown, ends of answers, settings for writing, and a real one."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers

from contracts.texts import pair, write_text_model, write_tokenizer
from headstart.core.errors import SourceError
from headstart.sources import Source, open_source
from headstart.sources.network import Network
from headstart.tasks import tasks

HEAD = "seq2seq-lm"
FAMILIES = ("t5", "bart", "marian")
END = 6
"""The number of the end mark in the tests' tokenizer."""


@pytest.fixture(params=FAMILIES)
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return write_text_model(tmp_path / request.param, request.param)


def batch_of(source: Source, pairs: list[tuple[str, str]]) -> dict[str, torch.Tensor]:
    taught = [source.taught(source.prepare(text), answer) for text, answer in pairs]
    return {name: torch.from_numpy(value) for name, value in source.collate(taught).items()}


def test_loss_is_that_of_transformers(folder: Path) -> None:
    """Stages, entry and loss together give what the library's own class gives for its labels."""
    source = open_source(folder).with_head(HEAD)
    batch = batch_of(source, [pair(number) for number in range(5)] + [("good film", "fine")])
    network, last = Network(source).eval(), source.stages[-1].name
    theirs = transformers.AutoModelForSeq2SeqLM.from_pretrained(folder, dtype="float32").eval()
    for model in (network.body, theirs):
        for value in model.buffers():  # a bias behind the last layer, where there is one
            value.copy_(torch.arange(value.numel()).view(value.shape) / 10)
    wanted = batch["labels"].long()
    assert (wanted == -100).any() and not (wanted[:, 0] < 0).any()
    with torch.no_grad():
        logits = network(batch, [last])[last]
        found = theirs(batch["input_ids"].long(), attention_mask=batch["attention_mask"].long(), labels=wanted)
    assert torch.equal(logits, found.logits)
    task = tasks.get("seq2seq").from_labels("answer", ["x"])
    assert torch.allclose(task.loss(task.read(logits, batch), torch.zeros(5)).mean(), found.loss, atol=1e-5)


def test_every_parameter_belongs_to_one_stage(folder: Path) -> None:
    """Word vectors that are shared belong to the first; encoder comes ahead of decoder, and the head last."""
    source = open_source(folder).with_head(HEAD)
    network = Network(source)
    owned = [name for stage in source.stages for name, _ in network.parameters_of(stage)]
    assert sorted(owned) == sorted(name for name, _ in network.body.named_parameters())
    names = [stage.name for stage in source.stages]
    sides = ["encoder" if "encoder" in name else "decoder" if "decoder" in name else name for name in names]
    assert sides == sorted(sides, key=["encoder", "decoder", "lm_head"].index) and names[-1] == "lm_head"
    assert any("shared" in name for name, _ in network.parameters_of(source.stages[0]))
    assert source.stages[-1].parameters == 0  # tied


@pytest.mark.parametrize(("template", "before"), [("$A", 0), ("$A </s>", 0), ("<s> $A </s>", 1)])
def test_answers_end_in_one_end_mark(template: str, before: int, tmp_path: Path) -> None:
    folder = write_text_model(tmp_path / "t5", "t5")
    write_tokenizer(folder, template=template, pair=template.replace("$A", "$A $B"))
    source = open_source(folder).with_head(HEAD)
    taught = source.taught(source.prepare("good"), "fine song")
    assert len(taught["labels"]) == before + 3 and np.flatnonzero(taught["labels"] == END).tolist() == [before + 2]
    assert (taught["input_ids"] == source.prepare("good")["input_ids"]).all()
    assert source.taught({}, "")["labels"].tolist()[-1] == END
    (text,) = source.spell({"labels": torch.from_numpy(taught["labels"])[None]})
    assert text == "fine song"


def test_long_answers_are_cut_and_counted(tmp_path: Path) -> None:
    source = open_source(write_text_model(tmp_path / "bart", "bart")).with_head(HEAD)
    answers = ["good " * 500, "good", "fine " * 70]
    set_to = source.writing(answers)
    assert len(source.taught({}, answers[0])["labels"]) == 64 and source.taught({}, answers[0])["labels"][-1] == END
    assert set_to.remarks([], {}) == [
        "2 answers are longer than the 64 pieces that are written; what follows is not learned."
    ]
    assert set_to.remarks(["good " * 500], {})[0].startswith("1 text is longer")
    assert not source.writing(["good"]).remarks([], {})


def test_settings_for_writing(folder: Path) -> None:
    source = open_source(folder).with_head(HEAD)
    settings = source._settings
    assert (settings.num_beams, settings.max_new_tokens) == (4, min(256, source.description.preparation["answer"]))
    chosen = source.writing(["good fine song"], 2)
    longest = len(source.taught({}, "good fine song")["labels"])
    assert (chosen._settings.num_beams, chosen._settings.max_new_tokens) == (2, int(np.ceil(1.5 * longest)))
    assert chosen.writing(beams=3)._settings.max_new_tokens == chosen._settings.max_new_tokens
    written = chosen.artefact((), 0).documents["generation_config.json"]
    assert written["num_beams"] == 2 and "max_length" not in written and "_from_model_config" not in written


def test_writing_is_that_of_transformers(folder: Path) -> None:
    source = open_source(folder).with_head(HEAD).writing(["good fine song story"], 3)
    texts = [pair(number)[0] for number in range(4)]
    batch = {name: torch.from_numpy(one) for name, one in source.collate([source.prepare(t) for t in texts]).items()}
    network = Network(source).eval()
    with torch.no_grad():
        found = source.write(network.body, batch)
        theirs = transformers.AutoModelForSeq2SeqLM.from_pretrained(folder, dtype="float32").generate(
            batch["input_ids"].long(),
            attention_mask=batch["attention_mask"].long(),
            num_beams=3,
            max_new_tokens=source._settings.max_new_tokens,
        )
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    expected = [text.strip() for text in tokenizer.batch_decode(theirs, skip_special_tokens=True)]
    assert source.spell(found) == expected
    for row in found["labels"]:
        ends = torch.nonzero(row == END).flatten().tolist()
        assert len(ends) <= 1 and (not ends or (row[ends[0] + 1 :] == -100).all())
    assert (
        source.generate(texts[0]) == source.spell(source.write(network.body, {k: v[:1] for k, v in batch.items()}))[0]
    )


def test_a_family_that_does_not_say_what_its_decoder_is_shown(tmp_path: Path) -> None:
    """Blenderbot's class has no such method; the usual rule gives what it does itself."""
    folder = tmp_path / "blenderbot"
    config = transformers.BlenderbotConfig(
        vocab_size=60, d_model=24, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=32, decoder_ffn_dim=32, max_position_embeddings=64, pad_token_id=0,
        eos_token_id=6, bos_token_id=5, decoder_start_token_id=5, forced_eos_token_id=None,
    )  # fmt: skip
    transformers.BlenderbotForConditionalGeneration(config).save_pretrained(folder)
    write_tokenizer(folder)
    source = open_source(folder).with_head(HEAD)
    batch = batch_of(source, [pair(number) for number in range(4)])
    network, last = Network(source).eval(), source.stages[-1].name
    with torch.no_grad():
        logits = network(batch, [last])[last]
        theirs = source.module()(batch["input_ids"].long(), attention_mask=batch["attention_mask"].long(),
                                 labels=batch["labels"].long())  # fmt: skip
    assert torch.allclose(logits, theirs.logits, atol=1e-6)


def test_other_sources_do_not_write(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"bert.*was not made for seq2seq. It was made for masked-language-modeling"):
        open_source(write_text_model(tmp_path / "bert", "bert")).with_head(HEAD)
    with pytest.raises(SourceError, match="does not write texts"):
        open_source(tmp_path / "bert").writing(["a"])
    with pytest.raises(SourceError, match="does not write texts"):
        open_source("builtin/image-tiny").generate("a")


def test_names_from_arabic_letters() -> None:
    folder = Path(os.environ.get("HEADSTART_MODELS", "")) / "aren-transliteration"
    if not folder.is_dir():
        pytest.skip("no aren-transliteration under HEADSTART_MODELS")
    expected = {"آتزمون": "atzmon", "آتشيسون": "achison", "برلين": "berlin", "مرسيدس": "mersedes", "محمد": "mahmad"}
    source = open_source(folder).with_head(HEAD)
    for beams in (1, 4):
        assert {name: source.writing(beams=beams).generate(name) for name in expected} == expected
    losses = {answer: loss_a_piece(source, "آتزمون", answer) for answer in ("atzmon", "berlin")}
    assert losses == pytest.approx({"atzmon": 0.1517, "berlin": 6.3721}, abs=1e-3)


def loss_a_piece(source: Source, text: str, answer: str) -> float:
    batch, last = batch_of(source, [(text, answer)]), source.stages[-1].name
    with torch.no_grad():
        logits = Network(source).eval()(batch, [last])[last]
    losses, pieces = tasks.get("seq2seq").from_labels("", []).read(logits, batch)[0].tolist()
    return losses / pieces
