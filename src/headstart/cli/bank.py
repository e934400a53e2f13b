"""`headstart bank …`: looking after the bank."""

from __future__ import annotations

from typing import Annotated

import typer

from headstart.cli.show import show_table

app = typer.Typer(
    no_args_is_help=True,
    help="Look after the bank, where features are kept so that nothing is computed twice.\n\n"
    "Example: headstart bank list",
)


@app.command("list")
def show() -> None:
    """List what is kept: source, stage, items, size, last use.

    Example: headstart bank list
    """
    from headstart.bank.store import age
    from headstart.receipt import words
    from headstart.verbs.bank import open_bank

    bank = open_bank()
    rows = [
        (
            str(shelf.about.get("source", "")),
            str(shelf.about.get("point", "")),
            str(shelf.about.get("view", "")),
            f"{shelf.items:,}",
            words.size(shelf.size),
            age(shelf.used),
        )
        for shelf in bank.summaries()
    ]
    if not rows:
        print(f"{bank.root} is empty.")
        return
    show_table(f"{bank.root}", ("source", "stage", "view", "items", "size", "used"), rows)


@app.command("verify")
def bank_verify() -> None:
    """Read everything again and remove what is damaged; it will be computed anew when it is needed.

    Example: headstart bank verify
    """
    from headstart.verbs.bank import open_bank

    damaged = open_bank().verify()
    for shelf, keys in damaged.items():
        print(f"{shelf}: removed {len(keys)} damaged: {', '.join(keys[:3])}")
    print("The bank is whole." if not damaged else "The rest of the bank is whole.")


@app.command("trim")
def bank_trim(
    gigabytes: Annotated[
        float | None,
        typer.Option("--to", help="Size in gigabytes; HEADSTART_BANK_GB (20) when not given.", show_default=False),
    ] = None,
) -> None:
    """Remove what was used least recently until the bank is small enough.

    Example: headstart bank trim --to 5
    """
    from headstart.core.wording import counted
    from headstart.receipt import words
    from headstart.verbs.bank import trim

    removed, freed = trim(gigabytes)
    print(f"{counted(removed, 'shelf', 'shelves')} removed, {words.size(freed)} freed.")


@app.command("clear")
def bank_clear() -> None:
    """Remove everything from the bank.

    Example: headstart bank clear
    """
    from headstart.receipt import words
    from headstart.verbs.bank import open_bank

    print(f"{words.size(open_bank().clear())} freed.")
