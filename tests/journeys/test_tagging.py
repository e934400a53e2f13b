"""Tags of words from files to a proven run, as a user would."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import headstart as hs
from contracts.texts import tagged, write_conll, write_text_model
from headstart.core.errors import HeadstartError
from journeys.world import headstart


def test_from_conll_to_answers(model: Path, tmp_path: Path) -> None:
    folder = write_conll(tmp_path / "names")
    run = hs.adapt(folder, source=model, out=tmp_path / "run", baseline_budget=1)
    receipt = run.receipt
    assert receipt.task.kind == "tagging" and receipt.primary.name == "f1"
    assert {arm.name for arm in receipt.arms} == {"adapted", "outside", "word", "scratch"}
    adapted = receipt.arms[0].metrics["f1"]
    assert adapted.value > 0.5 and adapted.low < adapted.value < adapted.high
    assert len(receipt.label_efficiency.points) > 1
    assert any(": " in span for mistake in receipt.mistakes for span in [*mistake.truth, *mistake.answer])
    words = tagged(5000)[0]
    again = hs.load(tmp_path / "run")
    (answer,) = again.predict([words])
    assert len(answer) == len(words) and answer == run.predict([words])[0]
    found = again.evaluate(folder / "test.conll")
    assert found.metrics["f1"].value == pytest.approx(adapted.value, abs=0.02)


def test_finetuned_on_the_command_line(model: Path, tmp_path: Path) -> None:
    folder = write_conll(tmp_path / "names", 40, 20)
    runs = [tmp_path / "probe", tmp_path / "finetune"]
    for run, strategy in zip(runs, ("probe", "finetune"), strict=True):
        options = ["--set", "epochs=2"] if strategy == "finetune" else []
        ended = headstart("adapt", folder, "--source", model, "--task", "tagging", "--strategy", strategy, "--out", run,
                          "--no-baselines", *options)  # fmt: skip
        assert ended.code == 0, ended.err
    (tmp_path / "new.conll").write_text("Anna\nsaw\nLondon\n\nit\n")
    answered = headstart("predict", runs[1], tmp_path / "new.conll", "--format", "json")
    assert answered.code == 0 and [len(row["answer"]) for row in json.loads(answered.out)] == [3, 1]
    (asked,) = json.loads(headstart("predict", runs[1], "--prompt", "Anna saw London", "--format", "json").ok().out)
    assert len(asked["answer"]) == 3
    shown = headstart("predict", runs[1], "--prompt", "Anna saw London").ok().out
    assert "B-" not in shown and (": Anna" in shown or ": London" in shown or "none" in shown)
    compared = headstart("compare", *runs)
    assert compared.code == 0 and "Span F1" in compared.out


def test_a_decoder_is_refused_by_name(tmp_path: Path) -> None:
    decoder = write_text_model(tmp_path / "gpt2", "gpt2")
    with pytest.raises(HeadstartError, match=r"gpt2.*left to right.*encoder"):
        hs.adapt(write_conll(tmp_path / "names"), source=decoder, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_another_number_of_tags_than_words(model: Path, tmp_path: Path) -> None:
    rows = [dict(zip(("text", "tags"), tagged(number), strict=True)) for number in range(30)]
    rows[3]["tags"] = rows[3]["tags"][:-1]
    path = tmp_path / "names.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    run = hs.adapt(path, source=model, out=tmp_path / "run", baselines=False)
    assert run.receipt.task.kind == "tagging"
    with pytest.raises(HeadstartError, match=r"names.jsonl:04.*words and .* tags"):
        run.evaluate(path)
    assert [(item.id, item.reason) for item in run.receipt.target.quarantine][:1] == [
        ("names.jsonl:04", f"it has {len(rows[3]['text'])} words and {len(rows[3]['tags'])} tags in 'label'")
    ]
