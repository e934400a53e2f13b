"""A recipe: everything a user chose, so that a run can be repeated to the same numbers."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any, Literal

import pydantic

from headstart.core.errors import RecipeError
from headstart.core.registry import suggest
from headstart.data.windows import SHORT, Windows
from headstart.strategies import Strategy, strategies

RECIPE = "recipe.yaml"
"""The file of it in a folder."""
MOST_BEAMS = 64
PARTICULAR = {
    **dict.fromkeys(("items", "user", "same_users", "same_items", "new_users"), "recommendation"),
    **dict.fromkeys(("series", "value", "horizon", "context", "season", "stride", "known"), "forecasting"),
}
"""Options that only one kind of task has, and which."""


class Recipe(pydantic.BaseModel):
    """The options of `adapt`. An unknown key is refused by name."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    target: str = pydantic.Field(description="Folder, table file, data set folder or zip.")
    source: str | None = pydantic.Field(None, description="What to start from; a builtin one when not given.")
    strategy: str = pydantic.Field("probe", description="The way to transfer.")
    options: dict[str, Any] = pydantic.Field(default_factory=dict, description="Of the strategy.")
    task: str | None = pydantic.Field(
        None, description="What is predicted, such as classification; found when not given."
    )
    label: str | None = pydantic.Field(None, description="Column to learn.")
    content: str | None = pydantic.Field(None, description="Column of paths or pictures.")
    group: str | None = pydantic.Field(None, description="Column whose values never lie across parts.")
    time: str | None = pydantic.Field(None, description="Column by which the latest examples become the test.")
    items: str | None = pydantic.Field(None, description="Table of the items that users met.")
    user: str | None = pydantic.Field(None, description="Column of users.")
    same_items: bool = pydantic.Field(
        False, description="Whether items are those of the same ids that the source learned from."
    )
    same_users: bool = pydantic.Field(
        False, description="Whether users are those of the same ids that the source learned from."
    )
    new_users: int | None = pydantic.Field(
        None, ge=0, description="Test on users who are not learned from, after so many of their items."
    )
    split: str | None = pydantic.Field(None, description="Column that says train, validation or test.")
    series: str | None = pydantic.Field(
        None, description="Column that tells series apart, where what comes next is told."
    )
    value: str | None = pydantic.Field(None, description="Column of the values that are told, or several as a,b.")
    horizon: int | None = pydantic.Field(None, ge=1, le=10_000, description="Steps that are told.")
    context: int | None = pydantic.Field(
        None, ge=4, le=1_000_000, description="Steps of the past that are looked at; as many as the source takes."
    )
    season: int | None = pydantic.Field(None, ge=1, description="Steps of the season; found when not given.")
    known: str | None = pydantic.Field(
        None, description="Columns of what is known ahead of time, such as price,holiday."
    )
    stride: int | None = pydantic.Field(None, ge=1, description="Steps from one window to be tested on to the next.")
    test: float = pydantic.Field(0.25, gt=0, lt=1, description="Share of examples to test on, when no test is given.")
    validation: float | None = pydantic.Field(
        None, gt=0, lt=1, description="Share of the others to choose by, when none is given; a fifth, at most 500."
    )
    quarantine: float = pydantic.Field(0.2, ge=0, le=1, description="Share of bad items up to which the run goes on.")
    seed: int = pydantic.Field(0, ge=0, description="Of every random choice.")
    seeds: int = pydantic.Field(
        1, ge=1, le=100, description="How many seeds what is trained is trained with; the first is saved."
    )
    beams: int | None = pydantic.Field(
        None, ge=1, le=MOST_BEAMS, description="Ways to go on that are followed at once where answers are written."
    )
    baselines: bool = pydantic.Field(True, description="Whether the costly baselines are run too.")
    baseline_budget: float = pydantic.Field(
        60.0, gt=0, description="Least time, in seconds, for the network from random weights."
    )
    baseline_steps: int | None = pydantic.Field(
        None, ge=1, description="Its number of steps, to repeat an earlier run exactly."
    )

    runtime: Literal["auto", "openvino", "eager", "reference"] = pydantic.Field(
        "auto", description="What computed the features; to repeat an earlier run exactly."
    )

    def windows(self, context: int, each_step: bool = False) -> Windows:
        """How series are cut for a task that looks ahead, or judges each step by what goes ahead of it.

        Args:
            context: steps of the past that are looked at where the user does not say.

        Raises:
            RecipeError: it is not said how far.
        """
        steps = self.horizon or (SHORT if each_step else None)
        if steps is None:
            raise RecipeError(
                "How many steps are to be told is not said. Give it with --horizon, such as --horizon 24."
            )
        return Windows(
            steps,
            self.context or context,
            self.series,
            self.value,
            self.season,
            self.stride,
            self.test,
            self.validation,
            each_step=each_step,
            event=self.label if each_step else None,
            known=tuple(name.strip() for name in self.known.split(",")) if self.known else (),
        )

    def require_particular(self, options: Collection[str], task: str | None) -> None:
        """Refuses options of one kind of task for another, which has the particular `options`.

        Raises:
            RecipeError: one of them was given.
        """
        for name, other in PARTICULAR.items():
            if name not in options and getattr(self, name) not in (None, False):
                raise RecipeError(
                    f"--{name.replace('_', '-')} is for {other}, and the task is {task or 'found from the labels'}. "
                    f"Add --task {other}, or leave it out."
                )

    def build_strategy(self) -> Strategy:
        """The strategy with its options.

        Raises:
            RecipeError: an option that it does not have, or a value out of its range.
        """
        kind = strategies.get(self.strategy)
        return checked(kind, self.options, f"strategy {self.strategy}")  # type: ignore[no-any-return]


def checked(model: Any, values: dict[str, Any], where: str = "") -> Any:
    """`model(**values)`, with one sentence for the first mistake.

    Args:
        where: the values come from; empty where each is an option of its own.
    """
    try:
        return model(**values)
    except pydantic.ValidationError as problem:
        first = problem.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            raise RecipeError(f"The {where} has no option '{name}'. {suggest(name, model.model_fields)}") from None
        if first["type"] == "missing":
            raise RecipeError(f"The {where} lacks '{name}': {model.model_fields[name].description}") from None
        given = f"The {where} has '{name}' =" if where else f"--{name.replace('_', '-')} is"
        wanted = first["msg"].lower().replace("input should", "it should")
        raise RecipeError(f"{given} {first['input']!r}: {wanted}.") from None


def load(path: Path) -> Recipe:
    """The recipe in a YAML file.

    Raises:
        RecipeError: no such file, not YAML, or an unknown key.
    """
    import yaml

    if not path.is_file():
        raise RecipeError(f"There is no recipe {path}.")
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.MarkedYAMLError as problem:
        line = f"line {problem.problem_mark.line + 1}: " if problem.problem_mark else ""
        raise RecipeError(f"{path} is not valid YAML ({line}{problem.problem}).") from None
    except (yaml.YAMLError, UnicodeDecodeError):
        raise RecipeError(f"{path} is not a text file in UTF-8, as recipes are.") from None
    if not isinstance(document, dict):
        raise RecipeError(f"{path} is not a recipe: it holds no names with values.")
    return checked(Recipe, document, f"recipe {path}")  # type: ignore[no-any-return]


def dump(recipe: Recipe) -> str:
    import yaml

    return yaml.safe_dump(recipe.model_dump(exclude_none=True), sort_keys=False, allow_unicode=True)
