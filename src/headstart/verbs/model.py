"""An adapted model: what `adapt` gives and `load` opens."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from headstart.bank import features_now
from headstart.core import files
from headstart.core.errors import DataError, RecipeError, RunError
from headstart.core.ragged import beside
from headstart.data.contents import contents_of
from headstart.data.table import Examples, Quarantined, Table
from headstart.engine.trained import LinearHead
from headstart.sources import Source
from headstart.sources.points import Point
from headstart.tasks import Predictions, Task
from headstart.verbs.reading import readable, reading_of

if TYPE_CHECKING:
    import pyarrow as pa

    from headstart.receipt.document import Receipt
    from headstart.verbs.evaluate import Evaluation
    from headstart.verbs.recommend import Recommendations


@dataclass(frozen=True)
class Answers:
    """Predictions for the readable among some contents, and what was set aside."""

    table: Table
    predictions: Predictions
    quarantine: tuple[Quarantined, ...]


class Model:
    """A source with heads, in a run's folder.

    `predict` and `predict_proba` take a folder, a table file, a list of paths, of Pillow pictures, or of arrays.
    """

    def __init__(self, folder: Path, source: Source, heads: dict[str, LinearHead], tasks: dict[str, Task]) -> None:
        self.folder = folder
        self.source = source
        self.heads = heads
        self.tasks = tasks

    def __repr__(self) -> str:
        return f"Model('{self.folder}', {self.task.kind}, {len(self.labels)} labels)"

    @property
    def task(self) -> Task:
        return next(iter(self.tasks.values()))

    @property
    def head(self) -> LinearHead:
        return next(iter(self.heads.values()))

    @property
    def receipt(self) -> Receipt:
        """The proof, as it was written when the run ended."""
        from headstart.receipt.document import Receipt
        from headstart.verbs import artefact

        return Receipt.model_validate(files.read_json(artefact.sealed(self.folder, "receipt.json")))

    def predict(self, contents: Any) -> list[Any]:
        """One answer for each content: a label, a list of labels, or a number; a language model's is the perplexity.

        Raises:
            DataError: a content cannot be read; use `answer` to have those set aside.
        """
        return self._all(contents).answers

    def predict_proba(self, contents: Any) -> NDArray[np.float64]:
        """Probabilities (N, K), columns in the order of `labels`."""
        probabilities = self._all(contents).probabilities
        if probabilities is None:
            raise RunError(f"A {self.task.kind} model has no probabilities; use predict.")
        return probabilities

    @property
    def labels(self) -> tuple[str, ...]:
        return self.task.labels

    def _all(self, contents: Any) -> Predictions:
        answers = self.answer(contents)
        if answers.quarantine:
            first = answers.quarantine[0]
            raise DataError(
                f"{first.id} cannot be used: {first.reason}"
                + (f" (and {len(answers.quarantine) - 1} more)" if len(answers.quarantine) > 1 else "")
                + "."
            )
        return answers.predictions

    def answer(self, contents: Any, content: str | None = None) -> Answers:
        """Predictions for what can be read, and a list of what cannot.

        Args:
            content: the columns of a table that are read, as `a,b`; those that were learned from when not given.
        """
        how = reading_of(self.folder, self.task, self.source, contents)
        table = readable(contents, self.source, content or how.content, self.task.texts, how)
        return Answers(table, self.task.answer(self.scores(table), contents_of(table)), table.quarantine)

    def scores(self, table: Table) -> NDArray[np.float64]:
        """Scores (N, K) of every row, before decoding."""
        if self.heads:
            return self.head.scores(self.features(table, self.head.at))
        from headstart.bank import Bank
        from headstart.core import settings
        from headstart.engine.plan import Head, Plan
        from headstart.engine.predict import scores
        from headstart.engine.trained import Trained

        heads = tuple(
            Head(name, task.describe(), (self.source.stages[-1].name,), "own") for name, task in self.tasks.items()
        )
        saved = Trained(Plan("saved", (), heads, ()), self.source, self.tasks, {}, {})
        examples = Examples(table, np.arange(len(table)), [str(row) for row in range(len(table))])
        return scores(saved, examples, Bank(settings.current().bank))[heads[0].name]

    def writing(self, beams: int) -> Model:
        """The same model, which follows `beams` ways to go on at once when it writes, or looks for a transcript.

        Raises:
            HeadstartError: its answers are not looked for, or `beams` is out of range.
        """
        from headstart.verbs.recipe import MOST_BEAMS

        if not 1 <= beams <= MOST_BEAMS:
            raise RecipeError(f"--beams is {beams}: it should be from 1 to {MOST_BEAMS}.")
        if self.task.writes:
            return Model(self.folder, self.source.writing(beams=beams), self.heads, self.tasks)
        tasks = {name: task.searching(beams) for name, task in self.tasks.items()}
        return Model(self.folder, self.source, self.heads, tasks)

    def generate(self, prompt: str, *, most: int | None = None, sample: bool = False, seed: int = 0) -> str:
        """The text that goes on from `prompt`, fills in its masks or answers it; see `Source.generate`."""
        return self.source.generate(prompt, most=most, sample=sample, seed=seed)

    def features(self, table: Table, stages: Sequence[str]) -> NDArray[Any]:
        """What the head reads of `stages`, side by side, for every row: (N, D), or at places (N,) of (P, D)."""
        reads = self.task.reads
        keys = [str(row) for row in range(len(table))]
        examples = Examples(table, np.arange(len(table)), keys)
        points = [Point(stage, reads) for stage in stages]
        found = features_now(self.source.reading(reads), examples, sorted(set(points)), "Predictions")
        return beside([found[point] for point in points])

    def recommend(
        self,
        user: str | int | None = None,
        *,
        met: Sequence[str | int] = (),
        count: int = 10,
        histories: str | Path | None = None,
    ) -> Recommendations:
        """The best `count` items for one user, each with its reasons; see `headstart.verbs.recommend`.

        Args:
            user: an id in the table that the run learned from, or in `histories`, another table of what users met.
            met: ids of items that the user met since, or of all where `user` is None; the earliest first.

        Raises:
            HeadstartError: the run does not recommend, or the table is gone.
        """
        from headstart.verbs.recommend import recommend

        return recommend(self, user, met=met, count=count, histories=histories)

    def evaluate(self, target: Any, *, label: str | None = None, content: str | None = None) -> Evaluation:
        """How good the model is on other labelled data; see `headstart.verbs.evaluate`."""
        from headstart.verbs.evaluate import evaluate

        return evaluate(self, target, label=label, content=content)

    def embed(self, contents: Any, *, stages: Sequence[str] = ()) -> pa.Table:
        """Features of any contents, from this model's trunk, as a table with `id` and `features`."""
        from headstart.verbs.embed import embed

        return embed(contents, source=self.source, stages=stages)

    def save(self, folder: str | Path) -> Path:
        """Copies the run's folder; the copy is opened again before this returns."""
        goal = Path(folder)
        if goal.exists():
            raise RunError(f"{goal} exists already. Choose another name.")
        with files.atomic(goal) as temporary:
            shutil.copytree(self.folder, temporary)
        load(goal)
        return goal


def load(folder: str | Path) -> Model:
    """Opens a run.

    Raises:
        RunError: there is no run, it is not finished, or a file of it was changed.
    """
    from headstart.verbs import artefact

    path = Path(folder).expanduser().resolve()
    if (path / artefact.STATE).is_dir():
        raise RunError(f"The run {path} is not finished. Go on with: headstart adapt --resume {folder}")
    source, heads, tasks = artefact.read(path)
    return Model(path, source, heads, tasks)
