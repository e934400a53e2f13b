"""The arms beside the adapted one: what costs nothing, what knows no source, and what the source answers itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from numpy.typing import NDArray

from headstart.bank import Bank
from headstart.data.contents import Contents, Told, contents_of
from headstart.data.splits import Splits, subsample
from headstart.data.table import Examples
from headstart.engine.own import own_head
from headstart.engine.plan import Length, Plan, Train
from headstart.engine.predict import scores
from headstart.engine.run import run
from headstart.engine.solve import affordable
from headstart.engine.trained import LinearHead, Moment, Trained, Workplace
from headstart.receipt.evidence import PLAIN, Arm, BudgetPoint
from headstart.sources import Source
from headstart.strategies import Target
from headstart.strategies.plain import plain_scores
from headstart.strategies.probe import HEAD, Probe
from headstart.strategies.scratch import Scratch
from headstart.tasks import Task
from headstart.verbs.recipe import Recipe

BUDGETS = (1 / 16, 1 / 8, 1 / 4, 1 / 2)
"""Shares of the training labels at which label efficiency is measured, besides all of them."""
SHORT_OF_TIME = 0.75
"""Share of its budget below which the network from random weights is trained again."""
IMPROVING = 0.005
"""Gain of the primary metric over the last quarter of training from which an arm counts as still improving."""


@dataclass(frozen=True)
class Arms:
    """All arms, the adapted one first."""

    arms: tuple[Arm, ...]
    budgets: tuple[BudgetPoint, ...]
    steps: int | None
    """Steps that the network from random weights took, for repeating the run."""
    warnings: tuple[str, ...] = ()
    """What a reader should know of arms that were left out."""


def arms(adapted: Trained, recipe: Recipe, parts: Splits, given: Mapping[str, Examples], bank: Bank) -> Arms:
    """Every arm's scores on the test examples, whose labels stay sealed."""
    test = parts.test.examples
    found = [
        Arm(
            "adapted",
            f"{adapted.source.title}, {recipe.strategy}",
            True,
            scores(adapted, test, bank)[HEAD],
            adapted,
            again=_again(adapted, adapted.source, recipe, given, test, bank),
        )
    ]
    found += _trivial(adapted, given["fit"], test)
    zero_shot = _zero_shot(adapted)
    if zero_shot is not None:
        found.append(
            Arm(
                "zero-shot", "The source's own answers, untrained", True, scores(zero_shot, test, bank)[HEAD], zero_shot
            )
        )
    at_hand = bool(adapted.plan.solved_first)  # the features are in the bank already
    solvable = bool(adapted.task.solvers)
    if recipe.strategy != "probe" and solvable and (recipe.baselines or at_hand):
        probe = run(
            Probe().plan(
                adapted.source, adapted.task, Target(len(given["train"]), len(given["validation"])), recipe.seed
            ),
            adapted.source,
            given,
            Workplace(bank),
        )
        found.append(Arm("probe", "Closed-form head on frozen features", True, scores(probe, test, bank)[HEAD], probe))
    if not recipe.baselines:
        return Arms(tuple(found), (), None)
    plain = plain_scores(adapted.task, given, test)
    if plain is not None:
        found.append(Arm(PLAIN, plain[0], False, plain[1], fitted=True))
    rivals, left_out = _rivals(adapted.task, given, test)
    found += rivals
    scratch = _scratch(adapted, recipe, given, bank)
    repeated = _again(scratch, adapted.source, recipe, given, test, bank)
    found.append(replace(scratch_arm(scratch, recipe, parts, bank), again=repeated))
    budgets = _budgets(adapted, recipe, parts, given, bank)
    return Arms(tuple(found), budgets, next(iter(scratch.steps.values())), tuple(left_out))


def _again(
    trained: Trained, source: Source, recipe: Recipe, given: Mapping[str, Examples], test: Examples, bank: Bank
) -> tuple[NDArray[Any], ...]:
    """Scores of the same plan run with the other seeds; none where nothing is trained, so that nothing is random."""
    if not trained.plan.trainings:
        return ()
    phases = tuple(
        replace(phase, length=Length(steps=trained.steps[phase.name]))
        if isinstance(phase, Train) and phase.length.seconds is not None
        else phase
        for phase in trained.plan.phases
    )
    plans = [replace(trained.plan, phases=phases, seed=recipe.seed + more) for more in range(1, recipe.seeds)]
    return tuple(scores(run(plan, source, given, Workplace(bank)), test, bank)[HEAD] for plan in plans)


def scratch_arm(scratch: Trained, recipe: Recipe, parts: Splits, bank: Bank) -> Arm:
    seconds = scratch.cost.seconds
    note = f"trained for {seconds:.0f} s (at least {recipe.baseline_budget:.0f} s, or as long as the adaptation took)"
    return Arm(
        "scratch",
        "The same network from random weights",
        False,
        scores(scratch, parts.test.examples, bank)[HEAD],
        scratch,
        (note,),
        still_improving(scratch.history),
    )


def still_improving(history: list[Moment]) -> bool:
    """Whether validation was better at the end than three quarters of the way through."""
    values = [moment.value for moment in history if moment.value is not None]
    if len(values) < 4:
        return False
    quarter = max(1, len(values) // 4)
    return max(values[-quarter:]) - max(values[:-quarter]) > IMPROVING


def _trivial(adapted: Trained, fit: Examples, test: Examples) -> list[Arm]:
    task = adapted.task
    baselines = task.baselines_of(task.encode(fit.labels(task.label)), _looked_at(adapted, fit))
    return [Arm(one.name, one.title, False, one.answer(_looked_at(adapted, test), len(test))) for one in baselines]


def _rivals(task: Task, given: Mapping[str, Examples], test: Examples) -> tuple[list[Arm], list[str]]:
    """What people of the field would fit without a source, and what of it is left out."""
    train, validation, fit = (Told.by(given[name], task.label) for name in ("train", "validation", "fit"))
    rivals, left_out = task.rivals(train, validation, fit, len(test))
    arms = [Arm(one.name, one.title, False, one.answer(contents_of(test), len(test)), fitted=True) for one in rivals]
    return arms, left_out


def _looked_at(adapted: Trained, examples: Examples) -> Iterable[Any]:
    """The contents, or the inputs that the source makes of them: what the task's baselines look at."""
    if adapted.task.looks_at == "contents":
        return contents_of(examples)
    from headstart.engine.feed import prepared

    contents = Contents(examples.table)
    return (prepared(adapted.source, contents, examples, place) for place in range(len(examples)))


def _zero_shot(adapted: Trained) -> Trained | None:
    if adapted.uses_own_head:
        return Trained(Plan("zero-shot", (), adapted.plan.heads, ()), adapted.source, adapted.tasks, {}, {})
    head: LinearHead | None = own_head(adapted.source, adapted.task) if adapted.task.untrained else None
    if head is None:
        return None
    plan = Plan("zero-shot", (), adapted.plan.heads, (), seed=adapted.plan.seed)
    return Trained(plan, adapted.source, adapted.tasks, {HEAD: head}, {})


def _scratch(adapted: Trained, recipe: Recipe, given: Mapping[str, Examples], bank: Bank) -> Trained:
    """The same architecture from random weights, for the larger of the adaptation's time and the budget.

    When the first steps were slow and the rest were not, it is trained again with the number of steps that fits.
    """
    seconds = max(adapted.cost.seconds, recipe.baseline_budget)
    if recipe.baseline_steps:
        return _from_random(Scratch(steps=recipe.baseline_steps), adapted, recipe, given, bank)
    trained = _from_random(Scratch(seconds=seconds), adapted, recipe, given, bank)
    if trained.cost.seconds >= SHORT_OF_TIME * seconds:
        return trained
    steps = round(next(iter(trained.steps.values())) * seconds / trained.cost.seconds)
    return _from_random(Scratch(steps=steps), adapted, recipe, given, bank)


def _from_random(
    strategy: Scratch, adapted: Trained, recipe: Recipe, given: Mapping[str, Examples], bank: Bank
) -> Trained:
    target = Target(len(given["train"]), len(given["validation"]))
    return run(strategy.plan(adapted.source, adapted.task, target, recipe.seed), adapted.source, given, Workplace(bank))


def _budgets(
    adapted: Trained, recipe: Recipe, parts: Splits, given: Mapping[str, Examples], bank: Bank
) -> tuple[BudgetPoint, ...]:
    """The closed-form head with fewer labels: the source's features are in the bank, so this costs next to nothing."""
    if adapted.uses_own_head or not adapted.task.solvers:
        return ()
    fit, task = given["fit"], adapted.task
    probe = Probe().plan(adapted.source, task, Target(len(given["train"]), len(given["validation"])), recipe.seed)
    same = tuple(affordable(phase, task, adapted.source, fit) for phase in probe.solved_first)  # whatever the budget
    probe = replace(probe, phases=same)
    points = []
    for share in (*BUDGETS, 1.0):
        count = round(share * len(fit))
        if count < 2 * task.outputs:
            continue
        fewer = subsample(fit, total=count, seed=recipe.seed, column=task.label) if share < 1 else fit
        trained = run(probe, adapted.source, {**given, "fit": fewer}, Workplace(bank))
        points.append(BudgetPoint(len(fewer), scores(trained, parts.test.examples, bank)[HEAD]))
    return tuple(points)
