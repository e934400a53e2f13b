"""Questions on contexts from files to a proven run, as a user would."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import headstart as hs
from contracts.texts import asked, write_squad, write_text_model
from headstart.core.errors import HeadstartError
from journeys.world import headstart


def test_from_squad_to_answers(model: Path, tmp_path: Path) -> None:
    path = write_squad(tmp_path / "squad.json", range(100))
    run = hs.adapt(path, source=model, out=tmp_path / "run", baseline_budget=1)
    receipt = run.receipt
    assert receipt.task.kind == "question-answering" and receipt.primary.name == "f1"
    assert {arm.name for arm in receipt.arms} == {"adapted", "never", "guess", "scratch"}
    adapted = receipt.arms[0].metrics
    assert adapted["f1"].value > 0.6 and adapted["f1"].low < adapted["f1"].value < adapted["f1"].high
    assert set(adapted) == {"f1", "exact_match", "answered_f1", "unanswered_accuracy"}
    assert len(receipt.label_efficiency.points) > 1
    assert all(isinstance(one.truth, str) and one.answer != one.truth for one in receipt.mistakes)
    page = (tmp_path / "run" / "receipt.html").read_text()
    assert "F1 where there is an answer" in page and "questions on 100 contexts" in page
    again = hs.load(tmp_path / "run")
    given = asked(5000)
    content = {"question": given["qas"][0]["question"], "context": given["context"]}
    assert again.predict([content]) == run.predict([content])
    assert again.predict([content])[0] in given["context"]
    found = again.evaluate(write_squad(tmp_path / "more.json", range(2000, 2080)))
    assert found.metrics["f1"].value > 0.5 and found.lost is not None
    assert any("learned from a part" in note for note in again.evaluate(path).notes)


def test_finetuned_on_the_command_line(model: Path, tmp_path: Path) -> None:
    folder = write_squad(tmp_path / "names" / "train.json", range(60)).parent
    write_squad(folder / "dev.json", range(1000, 1030))
    runs = [tmp_path / "probe", tmp_path / "finetune"]
    for run, strategy in zip(runs, ("probe", "finetune"), strict=True):
        options = ["--set", "epochs=2"] if strategy == "finetune" else []
        headstart("adapt", folder, "--source", model, "--task", "question-answering", "--strategy", strategy,
                  "--out", run, "--no-baselines", *options).ok()  # fmt: skip
        assert hs.load(run).receipt.target.test == 30
    assert "F1" in headstart("compare", *runs).ok().out
    assert "against its own test" in headstart("evaluate", runs[1], folder / "dev.json", folder / "train.json").ok().out
    answered = headstart("predict", runs[1], folder / "dev.json", "--format", "json").ok()
    rows = json.loads(answered.out)
    assert [row["id"] for row in rows] == [f"q{number}" for number in range(1000, 1030)]
    assert all(0 < row["confidence"] <= 1 for row in rows)
    table = tmp_path / "new.csv"
    table.write_text('question,context\nhe saw,"the film , anna and peter ."\nhe saw,\n')
    answered = headstart("predict", runs[1], table, "--format", "csv").ok()
    assert answered.out.splitlines()[0] == '"id","answer","confidence"' and len(answered.out.splitlines()) == 2
    assert "new.csv:2: the text is empty in 'context'" in answered.err
    shown = headstart("inspect", folder).ok().out
    assert "answer in the context" in shown and "90 questions on" in shown and "Parts: test 30, train 60" in shown


def test_what_cannot_answer_at_words_is_refused(tmp_path: Path) -> None:
    path = write_squad(tmp_path / "squad.json", range(20))
    decoder = write_text_model(tmp_path / "gpt2", "gpt2")
    with pytest.raises(HeadstartError, match=r"gpt2.*left to right.*encoder"):
        hs.adapt(path, source=decoder, out=tmp_path / "run")
    with pytest.raises(HeadstartError, match=r"builtin/text-tiny has one vector for each.*an encoder"):
        hs.adapt(path, source="builtin/text-tiny", out=tmp_path / "run")
    reviews = tmp_path / "reviews.csv"
    reviews.write_text("text,label\n" + "".join(f"a film {place},{'ab'[place % 2]}\n" for place in range(12)))
    with pytest.raises(HeadstartError, match=r"Column 'label' has 'a', and for question answering it has to hold"):
        hs.adapt(reviews, source=write_text_model(tmp_path / "bert", "bert"), task="question-answering",
                 out=tmp_path / "run")  # fmt: skip
    assert not (tmp_path / "run").exists()
