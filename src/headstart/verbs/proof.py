"""From arms to the receipt's files: JSON, page, card, predictions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from headstart.core import files, hardware, worker
from headstart.data.checks import Checked
from headstart.data.contents import Contents
from headstart.data.modalities import open_modality
from headstart.data.splits import Splits
from headstart.engine.trained import Trained
from headstart.receipt.assemble import Proof, prove
from headstart.receipt.evidence import Evidence
from headstart.receipt.exhibits import Exhibit
from headstart.verbs.baselines import Arms
from headstart.verbs.recipe import Recipe

if TYPE_CHECKING:
    from rich.console import Console

SEALED = ("receipt.json", "predictions.parquet")
"""What other verbs read again: their digests are noted in the run, so that a change is seen."""
DRAWN = 8
"""Forecasts that the page shows."""
LOOKED = 4
"""Examples for which the page shows where the model looked."""


def evidence(
    name: str, trained: Trained, usable: Checked, parts: Splits, arms: Arms, recipe: Recipe, watch: hardware.Stopwatch
) -> Evidence:
    """Everything that the receipt is made from."""
    return Evidence(
        run=name,
        source=trained.source,
        checked=usable,
        splits=parts,
        task=trained.task,
        arms=arms.arms,
        budgets=arms.budgets,
        baselines_skipped=not recipe.baselines,
        seed=recipe.seed,
        recipe=recipe.model_dump(exclude_none=True),
        warnings=arms.warnings,
        seconds=watch.seconds,
        peak_memory=worker.peak_memory(),
    )


def write(folder: Path, found: Evidence, opens_with: str, console: Console | None) -> Proof:
    """Opens the test, once, and writes what it says."""
    import pyarrow.parquet as parquet

    from headstart.receipt.card import card
    from headstart.receipt.page import render

    proof = prove(found)
    exhibits = _exhibits(found, proof, [mistake.id for mistake in proof.receipt.mistakes])
    courses = _courses(found, proof)
    looked = _where_it_looked(found, proof) if not found.baselines_skipped else []
    with files.atomic(folder / "predictions.parquet") as temporary:
        parquet.write_table(proof.predictions, temporary)
    files.write_text(folder / "receipt.html", render(proof.receipt, exhibits=exhibits, looked=looked, courses=courses))
    files.write_text(folder / "README.md", card(proof.receipt, opens_with))
    files.write_text(folder / "receipt.json", proof.receipt.model_dump_json(indent=1) + "\n")
    if console is not None:
        from headstart.receipt.terminal import show

        show(proof.receipt, console, folder)
    return proof


def _exhibits(found: Evidence, proof: Proof, ids: list[str]) -> dict[str, Exhibit]:
    """What the page shows of some test examples, by id: themselves, or what was told of them and what came."""
    test = found.splits.test.examples
    places = {name: place for place, name in enumerate(test.ids())}
    contents, modality = Contents(test.table), open_modality(test.table.modality)
    answers, truths = proof.predictions.column("answer"), proof.predictions.column("truth")
    shown: dict[str, Exhibit] = {}
    for name in ids:
        place = places[name]
        content = contents.read(int(test.indices[place]))
        course = found.task.course(content, answers[place].as_py(), truths[place].as_py())
        shown[name] = course or modality.show(content)
    return shown


def _courses(found: Evidence, proof: Proof) -> list[tuple[str, Exhibit]]:
    """Forecasts of test examples at even distances, where the task tells what comes next."""
    ids = found.splits.test.examples.ids()
    chosen = [ids[place * len(ids) // DRAWN] for place in range(DRAWN)] if len(ids) >= DRAWN else ids
    exhibits = _exhibits(found, proof, chosen) if found.task.looks_ahead else {}
    return list(exhibits.items())


def _where_it_looked(found: Evidence, proof: Proof) -> list[tuple[str, Exhibit]]:
    """Examples with what the answer depended on: the most confident mistakes, then the most confident answers."""
    from headstart.verbs.attribution import attributions

    mistakes = [mistake.id for mistake in proof.receipt.mistakes[:LOOKED]]
    ids = proof.predictions.sort_by([("confidence", "descending")]).column("id").to_pylist()
    chosen = (mistakes + [name for name in ids if name not in mistakes])[:LOOKED]
    return attributions(found, chosen)
