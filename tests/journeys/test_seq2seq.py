"""From pairs of texts to a proven run that writes answers, on the command line and in Python."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as parquet
import pytest
import torch
import transformers
from tests.journeys.world import headstart

import headstart as hs
from contracts.texts import pair, write_pairs, write_text_model
from headstart.core.errors import HeadstartError
from headstart.verbs.adapt import follow
from headstart.verbs.recipe import Recipe

EASY = [(f"{one} {thing} {was} {mood}", mood) for one in ("the", "a") for thing in ("film", "book", "song", "story")
        for was in ("was", "is") for mood in ("good", "great", "bad", "sad")]  # fmt: skip
"""What was said of it is all of the answer."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("seq2seq")
    for family in ("t5", "bert"):
        write_text_model(folder / family, family)
    rows = ["en\tde", *map("\t".join, EASY)]
    (folder / "pairs.tsv").write_text("\n".join(rows) + "\n")
    (folder / "new.tsv").write_text("en\nthe film was great\nthe song was bad\n")
    return folder


@pytest.fixture(scope="module")
def run(place: Path) -> Path:
    headstart(
        "adapt", place / "pairs.tsv", "--task", "seq2seq", "--source", place / "t5", "--strategy", "finetune",
        "--freeze", "none", "--epochs", "12", "--learning-rate", "0.01", "--baseline-budget", "0.5", "--beams", "2",
        "--set", "batch=8", "--set", "decay=1.0", "--out", place / "run",
    ).ok()  # fmt: skip
    return place / "run"


def test_the_receipt(run: Path) -> None:
    receipt = hs.load(run).receipt
    arms = {arm.name: {name: one.value for name, one in arm.metrics.items()} for arm in receipt.arms}
    assert set(arms) == {"adapted", "copy", "zero-shot", "plain", "scratch"}
    assert list(arms["adapted"]) == ["chrf", "bleu", "rouge1", "rouge2", "rougeL", "exact_match"]
    assert arms["adapted"]["exact_match"] > 0.8
    assert receipt.task.watched == "Log-likelihood a piece" and receipt.arms[0].curve[0].value < 0
    assert receipt.label_efficiency.sentence is None and not receipt.target.classes
    page = (run / "receipt.html").read_text()
    assert "Log-likelihood a piece, validation" in page and "chrF" in page
    assert not any("Classes" in note or "Very few" in note for note in receipt.target.notes)


def test_predictions_are_kept_as_numbers_and_read_again(run: Path) -> None:
    from headstart.core.ragged import from_arrow

    table = parquet.read_table(run / "predictions.parquet")
    model = hs.load(run)
    decoded = model.task.decode(from_arrow(table.column("scores_adapted")))
    assert decoded.answers == table.column("answer").to_pylist()
    texts = [EASY[int(name.rpartition(":")[2]) - 1][0] for name in table.column("id").to_pylist()]
    assert model.predict(texts) == decoded.answers
    assert np.allclose(decoded.confidence, table.column("confidence").to_numpy())


def test_predict(run: Path, place: Path) -> None:
    given = headstart("predict", run, place / "new.tsv", "--format", "json").ok()
    rows = json.loads(given.out)
    assert [row["id"] for row in rows] == ["new.tsv:1", "new.tsv:2"] and set(rows[0]) == {"id", "answer", "confidence"}
    assert all(0 < row["confidence"] <= 1 for row in rows)
    (place / "again.txt").write_text("the film was great\nthe song was bad\n")
    given = headstart("predict", run, place / "again.txt", "--format", "csv").ok()
    assert [row["answer"] for row in csv.DictReader(given.out.splitlines())] == [row["answer"] for row in rows]
    given = headstart("predict", run, "--prompt", "the film was great").ok()
    assert given.out.strip() == rows[0]["answer"]
    headstart("predict", run, place / "new.tsv", "--beams", "5").ok()


def test_beams_are_kept_and_may_be_changed(run: Path, place: Path) -> None:
    assert json.loads((run / "generation_config.json").read_text())["num_beams"] == 2
    model = hs.load(run)
    assert model.source._settings.num_beams == 2 and model.writing(6).source._settings.num_beams == 6
    headstart("predict", run, place / "new.tsv", "--beams", "0").refused("--beams is 0: it should be from 1 to 64")


def test_evaluate(run: Path, place: Path) -> None:
    found = json.loads(headstart("evaluate", run, place / "pairs.tsv", "--format", "json").ok().out)
    assert found["items"] == len(EASY) and found["primary"] == "chrf" and "too good" in found["notes"][0]
    assert found["metrics"]["exact_match"]["value"] > 0.8
    for name, side in (("en", 0), ("de", 1)):
        (place / f"other.{name}").write_text("\n".join(row[side] for row in EASY[:8]) + "\n")
    known = json.loads(headstart("evaluate", run, place / "other.en", "--format", "json").ok().out)
    assert known["items"] == 8 and known["metrics"]["exact_match"]["value"] > 0.8  # the run knows which side it read
    headstart("adapt", place / "other.en", "--task", "seq2seq", "--source", place / "t5",
              "--out", place / "other").refused("other.en", "--text", "--label")  # fmt: skip


def test_transformers_opens_it(run: Path) -> None:
    theirs = transformers.AutoModelForSeq2SeqLM.from_pretrained(run, dtype="float32").eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(run)
    given = tokenizer(EASY[0][0], return_tensors="pt")
    ours = hs.load(run).source.module()
    with torch.no_grad():
        assert torch.equal(theirs(input_ids=given.input_ids, labels=given.input_ids).logits,
                           ours(input_ids=given.input_ids, labels=given.input_ids).logits)  # fmt: skip
    found = tokenizer.decode(theirs.generate(given.input_ids)[0], skip_special_tokens=True)
    assert found.strip() == hs.load(run).predict([EASY[0][0]])[0]


def test_comparing_runs_and_adapting_further(run: Path, place: Path, tmp_path: Path) -> None:
    """A run is a source: for the same head, and, by its encoder alone, for other tasks."""
    further = hs.adapt(([row[0] for row in EASY], [row[1] for row in EASY]), source=run, task="seq2seq",
                       strategy="lora", options={"epochs": 1}, baselines=False, out=tmp_path / "further")  # fmt: skip
    assert further.receipt.strategy.name == "lora"
    assert any("adapters" in row.stage for row in further.receipt.strategy.trainable)
    moods = hs.adapt(([row[0] for row in EASY], [row[1] for row in EASY]), source=run,
                     baselines=False, out=tmp_path / "moods")  # fmt: skip
    assert moods.receipt.task.kind == "classification"
    second = tmp_path / "second"
    headstart("adapt", "--recipe", run / "recipe.yaml", "--out", second).ok()
    shown = headstart("compare", run, second).ok()
    assert "chrF" in shown.out and "+0.000" in shown.out


def test_from_nothing_and_on(place: Path, tmp_path: Path) -> None:
    headstart(
        "pretrain", write_pairs(tmp_path / "pairs.tsv", 40), "--objective", "seq2seq", "--epochs", "1", "--arch",
        "transformer:pieces=300,width=16,layers=1,heads=2", "--out", tmp_path / "new",
    ).ok()  # fmt: skip
    run = hs.load(tmp_path / "new")
    assert run.receipt.strategy.name == "scratch" and run.source.architecture == "pegasus"
    assert (tmp_path / "new-start" / "tokenizer.json").is_file()
    text = "größer 狗 good"  # every letter is known, down to its bytes
    taught = run.source.taught({}, text)
    assert run.source.spell({"labels": torch.from_numpy(taught["labels"])[None]}) == [text]
    headstart("pretrain", tmp_path / "pairs.tsv", "--objective", "seq2seq", "--out", tmp_path / "new").refused(
        "new-start exists already"
    )
    headstart(
        "pretrain", tmp_path / "pairs.tsv", "--objective", "seq2seq", "--source", tmp_path / "new", "--epochs", "1",
        "--out", tmp_path / "on",
    ).ok()  # fmt: skip
    assert hs.load(tmp_path / "on").receipt.strategy.name == "finetune"


def test_pieces_are_learned_from_what_is_learned_from(tmp_path: Path) -> None:
    """The test's texts do not settle how texts are cut."""
    from headstart.verbs.untaught import from_nothing

    pieces = []
    for odd in ("zzzzqqqq", "xxyyxxyy"):
        rows = [f"{text}\t{answer}\t{'test' if number < 10 else 'train'}" for number, (text, answer) in
                enumerate(map(pair, range(40)))]  # fmt: skip
        rows[:10] = [f"{odd} {odd} {row}" for row in rows[:10]]
        path = tmp_path / "pairs.tsv"
        path.write_text("\n".join(["source\ttarget\tsplit", *rows]) + "\n")
        from_nothing(path, out=tmp_path / odd, arch="transformer:pieces=300,width=8,layers=1,heads=1", epochs=0.1)
        pieces.append((tmp_path / f"{odd}-start" / "tokenizer.json").read_text())
    assert pieces[0] == pieces[1]


def test_refusals(place: Path, tmp_path: Path) -> None:
    for source, strategy, message in (
        ("bert", "finetune", "was not made for seq2seq"),
        ("t5", "probe", "no closed form"),
        ("t5", "contrastive", "Use --strategy finetune or lora"),
    ):
        recipe = Recipe(target=str(place / "pairs.tsv"), source=str(place / source), task="seq2seq", strategy=strategy)
        with pytest.raises(HeadstartError, match=message):
            follow(recipe, out=tmp_path / "none")
    assert not (tmp_path / "none").exists()
    moods = ([row[0] for row in EASY], [row[1] for row in EASY])
    with pytest.raises(HeadstartError, match="Leave --beams out"):
        hs.adapt(moods, source=place / "bert", beams=3, out=tmp_path / "none")
    pairs = place / "pairs.tsv"
    headstart("pretrain", pairs, "--objective", "masked-lm", "--out", tmp_path / "no").refused("Give both")
    headstart("pretrain", pairs, "--objective", "seq2seq", "--arch", "transformer:depth=3", "--out",
              tmp_path / "no").refused("has no option 'depth'")  # fmt: skip
    headstart("pretrain", pairs, "--objective", "seq2seq", "--arch", "lstm", "--out", tmp_path / "no").refused(
        "no architecture 'lstm'"
    )
