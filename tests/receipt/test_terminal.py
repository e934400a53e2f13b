"""What the terminal shows: everything at 80 columns, and nothing that only colour says."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from rich.console import Console
from tests.receipt.evidence import evidence, regression_evidence

from headstart.core.errors import DataError
from headstart.receipt.assemble import prove
from headstart.receipt.comparison import compare
from headstart.receipt.terminal import compare_table, show, trainable_table


def shown(write: Callable[[Console], None]) -> str:
    stream = io.StringIO()
    write(Console(file=stream, width=80, no_color=True))
    text = stream.getvalue()
    assert all(len(line) <= 80 for line in text.splitlines())
    return text


def test_the_verdict_comes_first_and_every_arm_is_named() -> None:
    given = evidence()
    receipt = prove(given).receipt
    text = shown(lambda console: show(receipt, console))
    flat = " ".join(text.split())
    assert flat.startswith("Helped: 95.0 % accuracy against")
    assert "91.5 to 97.5" in flat and "Majority class (daisy)" in flat
    assert flat.index("Cost: 1 min 24 s, 1.4 GB") < flat.index("Warning:") < flat.index("receipt.html")
    assert "Note: 2 exact duplicates; copies of one content stay in one part." in flat
    assert receipt.label_efficiency.sentence is not None and receipt.label_efficiency.sentence in flat


def test_markup_in_names_is_shown_as_it_is() -> None:
    given = evidence(labels=["[red]a[/red]", "b"] * 400)
    text = shown(lambda console: show(prove(given).receipt, console))
    assert "[red]a[/red]" in text


def test_the_plan_says_what_trains() -> None:
    given = evidence()
    lines = shown(lambda console: trainable_table(given.outcome.plan, given.source, console)).splitlines()
    stages = {line.split()[0]: line.split() for line in lines if line.startswith("stage") and "parameters" not in line}
    assert stages["stage1"][3:] == ["frozen"] and stages["stage3"][3:] == ["trains", "0.0003"]
    assert any(line.startswith("head: label") and line.rstrip().endswith("0.001           0.001") for line in lines)


def test_runs_are_compared_on_what_they_share() -> None:
    first, second = prove(evidence(adapted=0.95)), prove(evidence(adapted=0.80))
    kept = second.predictions.slice(0, 200)
    found = compare([("one", first.receipt, first.predictions), ("two", second.receipt, kept)])
    rows = [row for row in first.predictions.to_pylist() if row["id"] in set(kept.column("id").to_pylist())]
    right = [sum(row["truth"] == row["answer"] for row in table) / 200 for table in (rows, kept.to_pylist())]
    assert found.items == 200 and found.runs[0].difference is None
    assert found.runs[1].difference is not None
    assert found.runs[1].difference.value == pytest.approx(right[1] - right[0], abs=1e-12)
    assert (found.runs[1].difference.high or 0) < 0
    text = shown(lambda console: compare_table(found, console))
    assert "200 shared test images" in " ".join(text.split()) and "Only the 200" in text


def test_the_order_of_rows_does_not_matter_for_a_comparison() -> None:
    proof = prove(evidence())
    turned = proof.predictions.take(list(range(proof.predictions.num_rows))[::-1])
    found = compare([("one", proof.receipt, proof.predictions), ("two", proof.receipt, turned)])
    assert found.runs[1].difference is not None
    assert [found.runs[1].difference.value, found.runs[1].difference.low, found.runs[1].difference.high] == [0, 0, 0]


def test_groups_are_resampled_together_in_a_comparison() -> None:
    alone, grouped = (prove(evidence(groups=groups)) for groups in (None, [f"{k // 40}" for k in range(960)]))
    widths = []
    for proof in (alone, grouped):
        found = compare([("one", proof.receipt, proof.predictions), ("two", proof.receipt, proof.predictions)])
        ends = found.runs[0].metrics[found.primary.name]
        widths.append((ends.high or 0) - (ends.low or 0))
        assert ends == proof.receipt.adapted.metrics[found.primary.name]
    assert widths[0] != widths[1]


def test_what_cannot_be_compared_is_refused() -> None:
    proof, numbers = prove(evidence()), prove(regression_evidence())
    other = prove(evidence(labels=["x", "y", "rose", "tulip"] * 240))
    with pytest.raises(DataError, match="classification task and two a regression"):
        compare([("one", proof.receipt, proof.predictions), ("two", numbers.receipt, numbers.predictions)])
    with pytest.raises(DataError, match="different labels: daisy, sunflower, x and y"):
        compare([("one", proof.receipt, proof.predictions), ("two", other.receipt, other.predictions)])
    with pytest.raises(DataError, match="share no test item"):
        compare([("one", proof.receipt, proof.predictions), ("two", proof.receipt, proof.predictions.slice(0, 0))])
