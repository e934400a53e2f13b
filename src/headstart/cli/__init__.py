"""The command line: one command a verb. Each parses, calls, and shows; nothing is decided here."""

from __future__ import annotations

import gc
import os
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from headstart.cli import bank, learn, look, pretraining


class Commands(TyperGroup):
    """Ends an interrupt with exit code 130, as typer does, but not without a word."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as stopped:
            further = f" Go on with: headstart adapt --resume {stopped.args[0]}" if stopped.args else ""
            print(f"\nheadstart: stopped.{further}", file=sys.stderr)
            raise typer.Exit(130) from None


app = typer.Typer(
    name="headstart",
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Takes what a model already knows to a new task, and shows whether it helped.\n\n"
    "Start here: [bold]headstart demo[/bold]",
)


def _version(asked: bool) -> None:
    if asked:
        from headstart import __version__

        print(f"headstart {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Options of every command."""


app.command()(learn.demo)
app.command()(look.inspect)
app.command()(look.sources)
app.command()(learn.adapt)
app.command()(learn.evaluate)
app.command()(learn.predict)
app.command()(look.embed)
app.command()(look.compare)
app.command()(pretraining.pretrain)
app.add_typer(bank.app, name="bank")


def main() -> None:
    """Runs the command line; a user's mistake ends with one sentence and exit code 2."""
    from headstart.core.errors import HeadstartError

    # Threads of PyTorch that wait for each other spin for some microseconds and then sleep. Measured, a step of a small
    # text encoder on an idle machine and beside two other programs: 0.29 and 0.61 s; 0.32 and 0.98 as it is by default,
    # with long spinning; 0.39 and 0.60 without any.
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")
    gc.set_threshold(100_000, 50, 50)  # libraries make objects that stay: looking through them seldom saves a tenth
    try:
        app()
    except HeadstartError as mistake:
        print(f"headstart: {mistake}", file=sys.stderr)
        sys.exit(2)
