"""Language models from plain text to a proven run that transformers opens, and on to another task."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pyarrow.parquet as parquet
import pytest
import torch
import transformers
from tests.journeys.world import headstart

import headstart as hs
from contracts.texts import sentence, write_reviews, write_text_model
from headstart.core.errors import HeadstartError
from headstart.core.ragged import from_arrow
from headstart.verbs.adapt import follow
from headstart.verbs.further import go_on
from headstart.verbs.recipe import Recipe

TEXTS = [f"{sentence('good', number)} . {sentence('bad', number)}" for number in range(60)]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    for family, changed in (("llama", {"tie_word_embeddings": True}), ("bert", {}), ("t5", {})):
        write_text_model(folder / family, family, **changed)
    return folder


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "corpus.txt"
    path.write_text("\n".join(TEXTS) + "\n")
    return path


def adapted(corpus: Path, source: Path, out: Path, task: str, **options: object) -> hs.Model:
    return hs.adapt(corpus, source=source, task=task, strategy="finetune", out=out, baseline_budget=0.2,
                    options={"epochs": 3, "freeze": "none", "learning_rate": 0.01, **options})  # fmt: skip


@pytest.mark.parametrize("gradual", [False, True])
def test_causal(gradual: bool, models: Path, corpus: Path, tmp_path: Path) -> None:
    run = adapted(corpus, models / "llama", tmp_path / "run", "language-modeling", gradual=gradual)
    arms = {arm.name: {name: one.value for name, one in arm.metrics.items()} for arm in run.receipt.arms}
    assert set(arms) == {"adapted", "unigram", "zero-shot", "scratch"}
    assert arms["adapted"]["perplexity"] < arms["zero-shot"]["perplexity"]
    assert np.isclose(np.log(arms["adapted"]["perplexity"]), -arms["adapted"]["log_likelihood"])
    text = hs.load(tmp_path / "run").generate("the film was", most=5)
    assert text.startswith("the film was") and len(text) > len("the film was")
    again = hs.load(tmp_path / "run").evaluate(corpus)
    assert again.items == len(TEXTS) and again.notes
    assert all(one.truth is None and str(one.answer).startswith("perplexity ") for one in run.receipt.mistakes)
    assert "Least expected" in (tmp_path / "run" / "receipt.html").read_text()
    assert "perplexity" in headstart("predict", tmp_path / "run", corpus).ok().out.splitlines()[0]

    theirs = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "run", dtype="float32")
    assert theirs.lm_head.weight is theirs.model.embed_tokens.weight
    ids = torch.tensor([[2, 7, 9, 12, 3]])
    with torch.no_grad():
        assert torch.equal(theirs(ids).logits, run.source.module()(ids).logits)
        loss = theirs(ids, labels=ids).loss
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "run")
    scores = run.scores(hs.verbs.reading.readable([tokenizer.decode([7, 9, 12])], run.source))
    assert np.isclose(scores[0, 0] / scores[0, 1], float(loss), rtol=1e-4)


def test_adapters_leave_tied_weights_alone(models: Path, corpus: Path, tmp_path: Path) -> None:
    run = hs.adapt(corpus, source=models / "llama", task="language-modeling", strategy="lora", out=tmp_path / "run",
                   options={"epochs": 2, "freeze": "none", "learning_rate": 0.02}, baselines=False)  # fmt: skip
    arms = {arm.name: arm.metrics["perplexity"].value for arm in run.receipt.arms}
    assert arms["adapted"] < arms["zero-shot"]
    before, after = (transformers.AutoModelForCausalLM.from_pretrained(folder, dtype="float32")
                     for folder in (models / "llama", tmp_path / "run"))  # fmt: skip
    assert torch.equal(before.lm_head.weight, after.lm_head.weight)
    assert not torch.equal(before.model.layers[0].mlp.up_proj.weight, after.model.layers[0].mlp.up_proj.weight)
    answers = parquet.read_table(tmp_path / "run" / "predictions.parquet")
    texts = [TEXTS[int(name.rpartition(":")[2]) - 1] for name in answers.column("id").to_pylist()]
    scores = hs.load(tmp_path / "run").scores(hs.verbs.reading.readable(texts, run.source))
    assert np.allclose(from_arrow(answers.column("scores_adapted")), scores, rtol=1e-3)


def test_masked_then_classified(models: Path, corpus: Path, tmp_path: Path) -> None:
    """Domain-adaptive pre-training, then gradual fine-tuning on the target (Howard and Ruder 2018)."""
    run = go_on(corpus, source=models / "bert", objective="masked-lm", out=tmp_path / "domain", epochs=3,
                learning_rate=0.01)  # fmt: skip
    arms = {arm.name: arm.metrics["perplexity"].value for arm in run.receipt.arms}
    assert arms["adapted"] < arms["zero-shot"]
    fill = transformers.pipeline("fill-mask", model=str(tmp_path / "domain"), top_k=1)
    filled = [found[0]["token_str"] for found in fill("the [MASK] was [MASK] and long")]
    answer = headstart("predict", tmp_path / "domain", "--prompt", "the <mask> was [MASK] and long").ok().out
    assert answer == "the {} was {} and long\n".format(*filled)
    assert "Write [MASK] where a word is missing" in headstart(
        "predict", tmp_path / "domain", "--prompt", "the film was").refused()  # fmt: skip
    reviews = hs.adapt(write_reviews(tmp_path / "reviews.csv"), source=tmp_path / "domain", strategy="finetune",
                       options={"epochs": 2, "gradual": True}, out=tmp_path / "reviews", baselines=False)  # fmt: skip
    assert reviews.receipt.arms[0].metrics["accuracy"].value > 0.7


def test_masks_are_fixed_by_view_and_key(models: Path) -> None:
    from headstart.sources import open_source

    source = open_source(models / "bert").with_head("masked-lm")
    text = " ".join(TEXTS[:2])
    whole, first, second = (source.view(text, view, "key") for view in (0, 1, 2))
    assert all((source.view(text, 1, "key")[name] == first[name]).all() for name in first)
    assert (first["labels"] != second["labels"]).any()
    wanted = whole["labels"] >= 0
    assert wanted.sum() == round(0.15 * (len(wanted) - 2))
    plain = open_source(models / "bert").prepare(text)["input_ids"]
    assert (whole["labels"][wanted] == plain[wanted]).all() and (whole["input_ids"][~wanted] == plain[~wanted]).all()


def test_long_texts_are_cut_and_nothing_is_lost(models: Path, tmp_path: Path) -> None:
    from headstart.sources import open_source

    source = open_source(models / "llama").with_head("causal-lm")
    text = " ".join(TEXTS)
    parts = source.divide(text)
    assert len(parts) > 1 and "".join(parts) == text
    assert not source.remarks(parts, {})
    path = tmp_path / "books.txt.gz"
    path.write_bytes(
        gzip.compress("\n\n".join(" ".join(TEXTS[start : start + 10]) for start in range(0, 60, 10)).encode())
    )
    run = adapted(path, models / "llama", tmp_path / "run", "language-modeling", freeze="model.layers.0")
    frozen = run.receipt.frozen
    assert frozen.same and frozen.before and frozen.stages == ["model.embed_tokens", "model.layers.0"]
    assert any("cut into parts" in note for note in run.receipt.target.notes)


def test_prompt_on_the_command_line(models: Path, corpus: Path, tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from headstart.cli import app

    adapted(corpus, models / "llama", tmp_path / "run", "language-modeling", epochs=1)
    given = CliRunner().invoke(app, ["predict", str(tmp_path / "run"), "--prompt", "the film was"])
    assert given.exit_code == 0 and given.stdout.startswith("the film was")


def test_refusals(models: Path, corpus: Path, tmp_path: Path) -> None:
    for source, task, strategy, message in (
        ("bert", "language-modeling", "finetune", "It was made for masked-language-modeling"),
        ("llama", "masked-language-modeling", "finetune", "It was made for language-modeling"),
        ("t5", "language-modeling", "finetune", "It was made for seq2seq: use it for that, or another source"),
        ("llama", "language-modeling", "probe", "Use --strategy finetune"),
        ("llama", "language-modeling", "contrastive", "Use --strategy finetune or lora"),
        ("llama", None, "probe", "--task language-modeling"),
    ):
        recipe = Recipe(target=str(corpus), source=str(models / source), task=task, strategy=strategy)
        with pytest.raises(HeadstartError, match=message):
            follow(recipe, out=tmp_path / "none")
    assert not (tmp_path / "none").exists()
