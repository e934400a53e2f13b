"""Texts from files to a proven run, as a user would."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
import yaml

import headstart as hs
from contracts.texts import sentence, write_reviews
from headstart.core.errors import HeadstartError
from journeys.world import headstart


def test_reviews(model: Path, tmp_path: Path) -> None:
    reviews = write_reviews(tmp_path / "reviews.csv")
    run = hs.adapt(reviews, source=model, out=tmp_path / "run", baseline_budget=1)
    receipt = run.receipt
    assert {arm.name for arm in receipt.arms} >= {"adapted", "majority", "plain", "scratch"}
    assert receipt.arms[0].metrics["accuracy"].value > 0.7
    again = hs.load(tmp_path / "run")
    moods = ["good", "bad"] * 10
    told = again.predict([f"{sentence(mood, 100 + place)}" for place, mood in enumerate(moods)])
    assert sum(one == mood for one, mood in zip(told, moods, strict=True)) >= 15
    asked = headstart("predict", tmp_path / "run", "--prompt", sentence("good", 100), "--format", "json").ok()
    assert json.loads(asked.out)[0]["answer"] == told[0]
    headstart("predict", tmp_path / "run", reviews, "--prompt", "good").refused("one or the other")
    page = (tmp_path / "run" / "receipt.html").read_text()
    assert "What the answers depended on" in page and '<p class="text">' in page


def test_finetuned_answers_after_opening(model: Path, tmp_path: Path) -> None:
    reviews = write_reviews(tmp_path / "reviews.csv")
    run = hs.adapt(reviews, source=model, strategy="finetune", options={"epochs": 2, "freeze": "none"},
                   out=tmp_path / "run", baselines=False)  # fmt: skip
    texts = [sentence("good", 100), sentence("bad", 101)]
    assert (hs.load(tmp_path / "run").predict_proba(texts) == run.predict_proba(texts)).all()
    from transformers import AutoModel, AutoTokenizer

    AutoTokenizer.from_pretrained(tmp_path / "run")
    AutoModel.from_pretrained(tmp_path / "run")


@pytest.mark.parametrize("form", ["tsv", "jsonl", "csv.gz", "parquet", "folder"])
def test_other_forms(form: str, model: Path, tmp_path: Path) -> None:
    rows = [(sentence(mood, number) + f" {number}", mood) for number in range(20) for mood in ("good", "bad")]
    path = tmp_path / f"reviews.{form}"
    if form == "tsv":
        path.write_text("text\tlabel\n" + "".join(f"{text}\t{mood}\n" for text, mood in rows))
    elif form == "jsonl":
        path.write_text("".join(json.dumps({"text": text, "label": mood}) + "\n" for text, mood in rows))
    elif form == "csv.gz":
        path.write_bytes(gzip.compress(b"text,label\n" + b"".join(f"{t},{m}\n".encode() for t, m in rows)))
    elif form == "parquet":
        import pyarrow as pa
        from pyarrow import parquet

        parquet.write_table(pa.table({"text": [t for t, _ in rows], "label": [m for _, m in rows]}), path)
    else:
        for place, (text, mood) in enumerate(rows):
            (path / mood).mkdir(parents=True, exist_ok=True)
            (path / mood / f"{place:02d}.txt").write_text(text)
    run = hs.adapt(path, source=model, out=tmp_path / "run", baselines=False)
    assert run.labels == ("bad", "good")
    assert run.receipt.source.modality == "text"


def test_pairs_and_numbers(model: Path, tmp_path: Path) -> None:
    lines = ["question,answer,relevant,stars"] + [
        f"how was it,{sentence(mood, number)} {number},{answer}"
        for number in range(30)
        for mood, answer in (("good", "yes,4.5"), ("bad", "no,1.5"))
    ]
    (tmp_path / "pairs.csv").write_text("\n".join(lines) + "\n")
    run = hs.adapt(tmp_path / "pairs.csv", source=model, content="question,answer", label="relevant",
                   out=tmp_path / "run", baselines=False)  # fmt: skip
    assert run.labels == ("no", "yes")
    (tmp_path / "more.csv").write_text("question,answer\nhow was it,the film was good\n")
    assert len(run.predict(tmp_path / "more.csv")) == 1
    (tmp_path / "other.csv").write_text("text\nthe film was good\n")
    with pytest.raises(HeadstartError, match="has no column 'question'"):
        run.predict(tmp_path / "other.csv")
    number = hs.adapt(tmp_path / "pairs.csv", source=model, content="answer", label="stars", out=tmp_path / "number",
                      baseline_budget=1)  # fmt: skip
    assert number.task.kind == "regression" and number.receipt.arm("plain") is not None


def test_bad_rows_are_set_aside(model: Path, tmp_path: Path) -> None:
    reviews = write_reviews(tmp_path / "reviews.csv")
    with reviews.open("a", encoding="utf-8") as stream:
        stream.write('"   ",good\n,bad\n"the film was good",\n')
    run = hs.adapt(reviews, source=model, out=tmp_path / "run", baselines=False)
    reasons = {item.id.rpartition(":")[2]: item.reason for item in run.receipt.target.quarantine}
    assert "empty" in reasons["81"] and "nothing" in reasons["82"] and "no value for 'label'" in reasons["83"]
    (tmp_path / "latin.csv").write_bytes("text,label\nplain words,good\ncaf\u00e9,bad\n".encode("latin-1"))
    with pytest.raises(HeadstartError, match=r"Row 2 of latin\.csv is not UTF-8 in its column 'text'"):
        hs.adapt(tmp_path / "latin.csv", source=model, out=tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_a_line_of_ten_megabytes(model: Path, tmp_path: Path) -> None:
    reviews = write_reviews(tmp_path / "reviews.csv")
    with reviews.open("a", encoding="utf-8") as stream:
        stream.write(f"{'good film ' * 1_000_000},good\n")
    run = hs.adapt(reviews, source=model, out=tmp_path / "run", baselines=False)
    assert any("longer than" in note for note in run.receipt.target.notes)


def test_what_is_read_at_first_is_read_again_or_refused(tmp_path: Path) -> None:
    reviews = write_reviews(tmp_path / "reviews.csv")
    run = hs.adapt(reviews, out=tmp_path / "run", baselines=False)
    recipe = yaml.safe_load((tmp_path / "run" / "recipe.yaml").read_text())
    assert recipe["source"] == "builtin/text-tiny" and recipe["content"] == "text"
    other = tmp_path / "other.csv"
    other.write_text("".join(f"mood {row},{text}\n" for row, text in [("a", "b"), (0, sentence("good", 1))]))
    headstart("predict", tmp_path / "run", other).refused("has no column 'text' (--content)")
    headstart("evaluate", tmp_path / "run", other, "--content", "b", "--label", "mood a").refused("mood 0")
    assert run.answer(other, "b").predictions.answers == run.predict([sentence("good", 1)])


def test_texts_that_were_read_together_are_asked_for_together(tmp_path: Path) -> None:
    pairs = tmp_path / "pairs.csv"
    lines = [f"how was it,{sentence(mood, place)},{mood}" for place in range(12) for mood in ("good", "bad")]
    pairs.write_text("\n".join(["question,context,label", *lines]))
    told = headstart("adapt", pairs, "--out", tmp_path / "run", "--no-baselines").ok()
    assert "builtin/text-tiny, reading question and context" in told.out + told.err
    assert "- Read: question and context." in (tmp_path / "run" / "README.md").read_text()
    run = hs.load(tmp_path / "run")
    assert run.receipt.target.read == ["question", "context"]
    assert len(run.predict([("how was it", sentence("good", 1))])) == 1
    needed = "it is one text, and question and context are read together"
    headstart("predict", tmp_path / "run", "--prompt", "how was it").refused(needed)
    with pytest.raises(HeadstartError, match=needed):
        run.predict(["how was it"])
