"""Options that several commands share, and the reading of name=value pairs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

Target = Annotated[str, typer.Argument(help="Folder, table file, data set folder or zip.", show_default=False)]
Source = Annotated[
    str | None,
    typer.Option(
        "--source",
        "-s",
        help="What to start from, a builtin one for your data when not given; `headstart sources` lists some.",
        show_default=False,
    ),
]
Out = Annotated[Path | None, typer.Option("--out", "-o", help="Where to write.", show_default=False)]
Label = Annotated[str | None, typer.Option(help="Column to learn; several that say 0 or 1 as a,b.", show_default=False)]
Content = Annotated[
    str | None,
    typer.Option("--content", "--text", help="Column of paths, pictures or texts; several as a,b.", show_default=False),
]
Group = Annotated[
    str | None, typer.Option(help="Column whose values never lie across parts (patient, video).", show_default=False)
]
Time = Annotated[
    str | None, typer.Option(help="Column by which the latest examples become the test.", show_default=False)
]
Split = Annotated[str | None, typer.Option(help="Column that says train, validation or test.", show_default=False)]
FORECASTING: dict[str, Any] = {"rich_help_panel": "Options of --task forecasting and anomaly", "show_default": False}
Series = Annotated[str | None, typer.Option(help="Column that tells series apart.", **FORECASTING)]
Value = Annotated[str | None, typer.Option(help="Column of the values, or several as a,b.", **FORECASTING)]
Horizon = Annotated[int | None, typer.Option(help="Steps that are told.", **FORECASTING)]
Context = Annotated[int | None, typer.Option(help="Steps of the past that are looked at.", **FORECASTING)]
Season = Annotated[int | None, typer.Option(help="Steps of the season; found when not given.", **FORECASTING)]
Known = Annotated[
    str | None, typer.Option(help="Columns of what is known ahead, such as price,holiday.", **FORECASTING)
]
Stride = Annotated[int | None, typer.Option(help="Steps from one tested window to the next.", **FORECASTING)]
RECOMMENDATION: dict[str, Any] = {"rich_help_panel": "Options of --task recommendation", "show_default": False}
Items = Annotated[str | None, typer.Option(help="Table of the items that users met.", **RECOMMENDATION)]
User = Annotated[str | None, typer.Option("--user", help="Column of users.", **RECOMMENDATION)]
NewUsers = Annotated[
    int | None,
    typer.Option(help="Test on users who are not learned from, after so many of their items.", **RECOMMENDATION),
]
SameItems = Annotated[
    bool,
    typer.Option("--same-items", help="Items are those that the source learned from, by id.", **RECOMMENDATION),
]
SameUsers = Annotated[
    bool,
    typer.Option("--same-users", help="Users are those that the source learned from, by id.", **RECOMMENDATION),
]
Beams = Annotated[
    int | None,
    typer.Option(
        help="Where answers are written: ways to go on that are followed at once, 1 to 64.", show_default=False
    ),
]
Seed = Annotated[int, typer.Option(help="Of every random choice.")]


def settings(pairs: list[str]) -> dict[str, Any]:
    """`name=value` pairs as a dictionary; values are read as YAML does (numbers, true, false, words)."""
    import yaml

    from headstart.core.errors import RecipeError

    found: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise RecipeError(f"--set needs name=value, not '{pair}'.")
        try:
            found[name.strip()] = yaml.safe_load(value)
        except yaml.YAMLError:
            raise RecipeError(f"--set {pair}: '{value}' is no value. Give a number, a word, true or false.") from None
    return found
