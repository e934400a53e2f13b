"""What trains and what is frozen: a row for each stage and head, read from a plan."""

from __future__ import annotations

from collections.abc import Sequence

from headstart.engine.plan import Head, Plan, Solve
from headstart.receipt.document import PhaseRate, TrainableRow
from headstart.sources import Source


def trainable_rows(plan: Plan, source: Source, widths: dict[str, int] | None = None) -> list[TrainableRow]:
    """Stages from input to output, then heads.

    Args:
        widths: features that each head reads, once its stages are chosen; by default those the plan names.
    """
    rows = [_row(stage.name, stage.parameters, plan, is_head=False) for stage in source.stages]
    for head in plan.heads:
        if head.start == "own":
            continue  # its last stage, which stands above
        width = (widths or {}).get(head.name, _width(head, source))
        outputs = len(head.task["labels"])
        rows.append(_row(head.name, (width + 1) * outputs, plan, is_head=True))
    return rows


def frozen_stages(rows: Sequence[TrainableRow]) -> list[TrainableRow]:
    return [row for row in rows if row.how == "frozen" and not row.is_head]


def _row(name: str, parameters: int, plan: Plan, *, is_head: bool) -> TrainableRow:
    rates = [PhaseRate(phase=phase.name, rate=dict(phase.trains).get(name)) for phase in plan.trainings]
    trains = any(rate.rate is not None for rate in rates)
    if is_head and any(isinstance(phase, Solve) and phase.head == name for phase in plan.phases):
        return TrainableRow(
            stage=name,
            parameters=parameters,
            is_head=True,
            rates=rates,
            how="solved, then trains" if trains else "solved",
        )
    return TrainableRow(
        stage=name, parameters=parameters, is_head=is_head, rates=rates, how="trains" if trains else "frozen"
    )


def _width(head: Head, source: Source) -> int:
    return sum(source.description.stage(stage).width for stage in head.at)
