"""Where partly frozen training starts: what lies before the cut is computed once for each example, and kept."""

from __future__ import annotations

from headstart.data.contents import Contents
from headstart.data.table import Examples
from headstart.engine.feed import prepared, tensors
from headstart.engine.plan import Plan, Train
from headstart.sources import Source
from headstart.sources.network import Network


def cut_of(plan: Plan, source: Source, network: Network, examples: Examples) -> str | None:
    """The last stage before any that trains or that a head or objective reads.

    None when there is none, or when this network gives other answers when it is entered there (because something
    besides the stage's output flows past it): then every example goes through the whole network.
    """
    cut = last_untouched(plan, source)
    if cut is None or not len(examples) or -1 in source.description.stage(cut).shape:
        return None
    contents = Contents(examples.table)
    two = [prepared(source, contents, examples, place % len(examples)) for place in range(2)]
    return cut if network.can_enter(cut, tensors(source.collate(two))) else None


def last_untouched(plan: Plan, source: Source) -> str | None:
    """The last stage before any that trains or whose output is read (that of the very last stage aside)."""
    trained = plan.trained_stages()
    needed = {stage for phase in plan.trainings for stage in read_stages(plan, phase)}
    before = None
    for stage in source.stages:
        if stage.name in trained or (stage.name in needed and stage is not source.stages[-1]):
            return before
        before = stage.name
    return before


def read_stages(plan: Plan, phase: Train) -> set[str]:
    """Stages whose output a phase needs: what heads read, and what objectives look at."""
    wanted = {stage for head in plan.heads for stage in head.at}
    wanted |= {stage for solve in plan.solved_last for stages in solve.candidates for stage in stages}
    return wanted | {str(term.options["stage"]) for term in phase.objectives if "stage" in term.options}
