"""Recommenders on goodbooks and movietweetings, and what three sources of behaviour are worth elsewhere.

    python benchmarks/ratings.py RECSYS WORK

RECSYS holds goodbooks/ and movietweetings/, each with ratings.parquet and items.parquet; what is made is kept in WORK,
where a second call goes on. Users with at least five items, the last one for the test, every item ranked that the user
has not met; everything chosen on the item before the last.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pandas as pd

import headstart as hs
from headstart.receipt.document import Receipt
from headstart.verbs.untaught_behaviour import from_nothing

TEXTS, BUDGET, EPOCHS = "builtin/text-tiny", 20.0, 6
ARMS = {
    "popularity": "what most users met",
    "item-knn": "ItemKNN",
    "factorisation": "factorisation",
    "ease": "EASE",
    "zero-shot": "source, nothing solved",
    "scratch": "ours, random weights",
    "adapted": "ours",
}
FEW = {"new_users": 3, "test": 0.9, "validation": 0.05}
"""Of the third transfer: some 500 users to learn from, thousands to test on, of whom three items are known."""


def prepared(data: Path, work: Path) -> None:
    """The parts of goodbooks that transfers go between: domains, and users."""
    ratings = pd.read_parquet(data / "goodbooks" / "ratings.parquet")
    items = pd.read_parquet(data / "goodbooks" / "items.parquet")
    for domain in ("fiction", "nonfiction"):
        chosen = items[items["domain"] == domain].drop(columns=["domain", "fiction_share"])
        chosen.to_parquet(work / f"{domain}-items.parquet")
        ratings[ratings["item"].isin(chosen["item"])].to_parquet(work / f"{domain}.parquet")
    ratings[ratings["user"] % 2 == 0].to_parquet(work / "even.parquet")
    ratings[ratings["user"] % 2 == 1].to_parquet(work / "odd.parquet")


def source(work: Path, ratings: Path, items: Path, name: str) -> Path:
    folder = work / "sources" / name
    if not (folder / "receipt.json").is_file():
        from_nothing(ratings, items=items, out=folder, epochs=EPOCHS)
    return folder


def receipt(work: Path, name: str, ratings: Path, items: Path, start: str | Path, **options: Any) -> Receipt:
    folder = work / "runs" / name
    if not (folder / "receipt.json").is_file():
        chosen = {"task": "recommendation", "items": items, "source": start, "baseline_budget": BUDGET, **options}
        hs.adapt(ratings, out=folder, **chosen)
    return hs.load(folder).receipt


def table(found: dict[str, Receipt]) -> None:
    """A row an arm: recall@10 with its interval, and seconds."""
    print("| recall@10, % | " + " | ".join(found) + " |")
    print("|---|" + "---|" * len(found))
    for arm, title in ARMS.items():
        cells = []
        for one in found.values():
            here = next((each for each in one.arms if each.name == arm), None)
            cells.append("" if here is None else _cell(here))
        print(f"| {title} | " + " | ".join(cells) + " |")


def _cell(arm: Any) -> str:
    value = arm.metrics["recall_at_10"]
    seconds = f", {arm.cost.seconds:.0f} s" if arm.cost else ""
    return f"{100 * value.value:.1f} ({100 * value.low:.1f} to {100 * value.high:.1f}){seconds}"


def transfers(found: dict[str, Receipt]) -> None:
    """Against the same network from random weights, and the receipt's verdict against the best of all others."""
    print("| transfer | test users | with the source | without | verdict |")
    print("|---|---|---|---|---|")
    for name, one in found.items():
        arms = {arm.name: _cell(arm) for arm in one.arms}
        print(f"| {name} | {one.target.test} | {arms['adapted']} | {arms['scratch']} | {one.verdict.sentence} |")


def main() -> None:
    data, work = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    work.mkdir(parents=True, exist_ok=True)
    prepared(data, work)
    names = ("goodbooks", "movietweetings")
    places = {name: (data / name / "ratings.parquet", data / name / "items.parquet") for name in names}
    fiction = source(work, work / "fiction.parquet", work / "fiction-items.parquet", "fiction")
    nonfiction = receipt(
        work, "nonfiction", work / "nonfiction.parquet", work / "nonfiction-items.parquet", fiction,
        same_users=True, new_users=0,
    )  # fmt: skip
    goodbooks = receipt(work, "goodbooks", *places["goodbooks"], TEXTS)
    readers = source(work, work / "even.parquet", places["goodbooks"][1], "readers")
    few = receipt(work, "few", work / "odd.parquet", places["goodbooks"][1], readers, same_items=True, **FEW)
    films = receipt(work, "films", *places["movietweetings"], fiction)
    movietweetings = receipt(work, "movietweetings", *places["movietweetings"], TEXTS)
    table({"goodbooks": goodbooks, "movietweetings": movietweetings})
    print()
    found = {"fiction to nonfiction, users new there": nonfiction, "books to films, by texts": films}
    transfers({**found, "new readers of the same books": few})


if __name__ == "__main__":
    main()
