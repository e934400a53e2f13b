"""What trains and what is frozen: a row for each stage and head, read from a plan."""

from __future__ import annotations

from collections.abc import Sequence

from headstart.engine.plan import Head, Plan, Solve
from headstart.receipt.document import PhaseRate, TrainableRow
from headstart.sources import Source
from headstart.sources.description import Stage


def trainable_rows(plan: Plan, source: Source, widths: dict[str, int] | None = None) -> list[TrainableRow]:
    """Stages from input to output, then heads.

    Args:
        widths: features that each head reads, once its stages are chosen; by default those the plan names.
    """
    rows = [row for stage in source.stages for row in _stage_rows(stage, plan)]
    for head in plan.heads:
        if head.start == "own":
            continue  # its last stage, which stands above
        width = (widths or {}).get(head.name, _width(head, source))
        outputs = len(head.task["labels"])
        rows.append(_row(head.name, (width + 1) * outputs, plan, is_head=True))
    return rows


def _stage_rows(stage: Stage, plan: Plan) -> list[TrainableRow]:
    """One row, or with adapters two: what stays as it is, and what is learned beside it."""
    row = _row(stage.name, stage.parameters, plan, is_head=False)
    if plan.adapters is None or row.how == "frozen":
        return [row]
    added, own = {name: (added, own) for name, added, own in plan.adapters.learned}[stage.name]
    rates = [PhaseRate(phase=rate.phase, rate=None) for rate in row.rates]
    base = row.model_copy(update={"parameters": stage.parameters - own, "how": "frozen", "rates": rates})
    what = "adapters and norms" if own else "adapters"
    return [base, row.model_copy(update={"stage": f"{stage.name}: {what}", "parameters": added + own})]


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
