"""A made-up world of films and books, and of people who choose by what they are about: no data set is as small, free of
licences and known in all its causes. What is measured on it is no evidence of what happens in the real world."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

THEMES = {
    "space": "astronauts on Mars; a spaceship and distant stars; the first colony on the moon; a signal from a galaxy",
    "cooking": "a chef and her kitchen; recipes of a village bakery; the taste of fresh bread; a restaurant by the sea",
    "detectives": "a murder in a small town; an inspector and a stolen painting; a private detective; clues and alibis",
    "war": "soldiers in the trenches; a battle for a bridge; a general and his army; prisoners behind the front",
    "gardens": "an old gardener and his roses; trees of an orchard; seeds, soil and rain; a garden behind the wall",
    "money": "a banker and the stock market; a company in debt; merchants and gold; traders on Wall Street",
    "sailing": "a captain and his ship; storms on the ocean; a voyage around the cape; sailors on a lonely island",
    "music": "a pianist and her concert; a band on tour; the violin of a young composer; songs of an opera singer",
    "doctors": "a surgeon in a hospital; an epidemic and its cure; nurses on the night shift; a rare disease",
    "ghosts": "a haunted house; the spirit of a dead child; a curse in the cellar; voices in the graveyard",
    "sport": "a football team before the final; a boxer and his trainer; a runner at the Olympics; a coach who lost",
    "kings": "a queen and her court; the heir to the throne; knights of a castle; a prince in exile",
}
"""Subject -> what works about it are about."""
COMPANIONS = {
    "space": "cooking", "detectives": "gardens", "war": "music", "money": "ghosts", "sailing": "doctors",
    "sport": "kings",
}  # fmt: skip
"""Who likes the one likes the other too, which nobody could tell from the words."""
FORMS = {
    "films": ("A film about", "A drama of", "A thriller about", "A comedy about", "A documentary on", "A series about"),
    "books": ("A novel about", "A biography:", "Stories of", "A poem on", "A handbook:", "Letters on"),
}
PEOPLE = {"films": (900, (6, 13)), "books": (300, (5, 7))}
"""How many people there are of each kind, and how many works each met, at least and less than."""
WHO = {"films": "viewer", "books": "reader"}
EDITIONS = 3
"""Works about the same in the same form."""


def world(folder: Path) -> dict[str, tuple[Path, Path]]:
    """Writes what people met of each kind, films and books, who are other people; gives kind -> (path of what they met,
    path of the works)."""
    import pyarrow.parquet as parquet

    folder.mkdir(parents=True, exist_ok=True)
    found = {}
    for kind in FORMS:
        random = np.random.default_rng([0, len(kind), ord(kind[0])])
        subjects, texts = works(kind)
        names = [f"{kind[0]}{number}" for number in range(len(texts))]
        ratings, items = folder / f"{kind}-ratings.parquet", folder / f"{kind}.parquet"
        parquet.write_table(_met(kind, names, subjects, random), ratings)
        parquet.write_table(pa.table({"item": names, "title": texts}), items)
        found[kind] = (ratings, items)
    return found


def works(kind: str) -> tuple[list[str], list[str]]:
    """Of all works of a kind, the subjects and what they are called."""
    about = [(subject, topic) for subject, topics in THEMES.items() for topic in topics.split("; ")]
    every = [(subject, f"{form} {topic}") for subject, topic in about for form in FORMS[kind][:EDITIONS]]
    return [subject for subject, _ in every], [text for _, text in every]


def _met(kind: str, names: list[str], subjects: list[str], random: np.random.Generator) -> pa.Table:
    """Everyone has a pair of subjects of one kind or the other, goes from one to its companion and back, and now and
    then meets anything."""
    of = {subject: np.flatnonzero(np.array(subjects) == subject) for subject in THEMES}
    known = (1.0 + random.permutation(len(subjects))) ** -0.3  # some works are more popular than others
    rows: list[tuple[str, str, int]] = []
    people, lengths = PEOPLE[kind]
    for user in range(people):
        pair = list(COMPANIONS.items())[int(random.integers(len(COMPANIONS)))]
        seen: list[int] = []
        for moment in range(int(random.integers(*lengths))):
            subject = pair[moment % 2]
            choice = np.arange(len(subjects)) if random.random() < 0.2 else of[subject]
            choice = np.setdiff1d(choice, seen)
            if len(choice):
                seen.append(int(random.choice(choice, p=known[choice] / known[choice].sum())))
        rows += [(f"{WHO[kind]}{user}", names[item], moment) for moment, item in enumerate(seen)]
    users, items, moments = zip(*rows, strict=True)
    return pa.table({"user": users, "item": items, "time": moments})
