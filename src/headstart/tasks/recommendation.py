"""What a user meets next: a ranking of every item that the user has not met, never of a sample of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import sparse

from headstart.core.errors import DataError
from headstart.data.contents import Told, contents_of
from headstart.data.table import Examples
from headstart.measure.collaborative import Histories
from headstart.measure.scores import Mean, MeanAmong, Proportion
from headstart.tasks import ranking
from headstart.tasks.baselines import Baseline
from headstart.tasks.histories import whole_histories
from headstart.tasks.piecewise import WANTED, Piecewise
from headstart.tasks.predictions import Metric, Numbers, Predictions, Scores, Targets
from headstart.tasks.ranking import LISTED

if TYPE_CHECKING:
    import torch

AT = 10
"""Places of a ranking that are shown and measured."""
COLD = 10
"""Users who met an item in training below which it is a cold one."""


@dataclass(frozen=True)
class Recommendation(Piecewise):
    """Targets (N,): ids of the next items. Scores (N, 2 x LISTED): numbers of the best items among those not met yet,
    best first, then their scores; -1 where there are no more. In training, (N, 2) as of other tasks that are answered
    piece by piece.

    `labels` are all items of the catalogue, those that most users met in training first.
    """

    kind: ClassVar[str] = "recommendation"
    reader: ClassVar[str] = "interactions"
    options: ClassVar[tuple[str, ...]] = ("items", "user", "same_users", "same_items", "new_users")
    own_head: ClassVar[str] = "recommender"
    texts: ClassVar[bool] = True
    taught: ClassVar[bool] = True
    solvers: ClassVar[tuple[str, ...]] = ("ridge",)
    watched: ClassVar[str] = "Log-likelihood of the next item"
    plain: ClassVar[str] = ""
    primary: str = "recall_at_10"
    popularity: tuple[int, ...] = ()
    """Users (K,) who met each item in training."""

    @classmethod
    def from_labels(cls, label: str, values: Sequence[Any]) -> Recommendation:
        del values
        raise DataError(f"Column '{label}' alone does not say what users met. Give a table of users and items.")

    @classmethod
    def from_examples(cls, label: str, examples: Examples) -> Recommendation:
        known = examples.table.items
        if known is None:
            raise DataError(f"{examples.table.origin} is no table of users and items, from which to recommend.")
        ids = known.strings("id")
        number = {name: place for place, name in enumerate(ids)}
        told = Histories.of(whole_histories(contents_of(examples), examples.labels(label), number).values(), len(ids))
        counts = told.counts()
        order = np.argsort(-counts, kind="stable").tolist()
        return cls(label, tuple(ids[one] for one in order), popularity=tuple(int(counts[one]) for one in order))

    def describe(self) -> dict[str, Any]:
        return {**super().describe(), "popularity": list(self.popularity)}

    @classmethod
    def restored(cls, stored: Mapping[str, Any]) -> Recommendation:
        labels, popularity = tuple(stored["labels"]), tuple(stored["popularity"])
        return cls(stored["label"], labels, stored["primary"], popularity)

    @property
    def occurrences(self) -> Sequence[int]:
        return self.popularity

    @property
    def _number(self) -> dict[str, int]:
        return {name: place for place, name in enumerate(self.labels)}

    def encode(self, values: Sequence[Any]) -> Targets:
        """Ids as texts.

        Raises:
            DataError: they are of another catalogue altogether.
        """
        if len(values) and not {str(value) for value in values} & set(self.labels):
            raise DataError(
                "No item that came next is in the catalogue, where they are called like "
                f"'{self.labels[0]}', and here like '{values[0]}'. Give ratings of the same items, or adapt to these."
            )
        found = np.empty(len(values), object)
        found[:] = [str(value) for value in values]
        return found

    def numbers(self, targets: Targets) -> Numbers:
        """What is learned is an input: see `Source.taught`."""
        return np.zeros(len(targets), np.float64)

    def read(self, outputs: torch.Tensor, inputs: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """In training losses, of the scores (N, L, K) at the last L places; else lists, of the scores (N, K)."""
        if WANTED in inputs:
            return super().read(outputs, {WANTED: inputs[WANTED][:, -outputs.shape[1] :]})
        import torch

        found = outputs.new_full((len(outputs), 2 * LISTED), -torch.inf)
        count = min(LISTED, outputs.shape[1])
        best = outputs.float().topk(count, dim=1)
        found[:, :LISTED] = -1
        found[:, :count] = best.indices.to(found.dtype).masked_fill(best.values == -torch.inf, -1)
        found[:, LISTED : LISTED + count] = best.values.to(found.dtype)
        return found

    def watch(self, scores: Scores, targets: Targets) -> float:
        del targets
        return -self.loss_a_piece(scores)

    def decode(self, scores: Scores) -> Predictions:
        """The first ten items; as sure as the first one's score is high, by which answers can only be sorted."""
        best = scores[:, :AT].astype(np.int64).tolist()
        answers = [[self.labels[one] for one in row if one >= 0] for row in best]
        return Predictions(scores, answers, None, np.nan_to_num(scores[:, LISTED], neginf=0.0))

    def metrics(self, predictions: Predictions, targets: Targets) -> list[Metric]:
        place = self._places(predictions.scores, targets)
        hit = (place < AT).astype(np.float64)
        gain = np.where(place < AT, 1 / np.log2(2.0 + place), 0.0)
        counts = np.array(self.popularity)
        number = self._number
        met = np.array([counts[number[one]] if one in number else 0 for one in targets])
        return [
            Metric("recall_at_10", "Recall@10", Proportion(hit)),
            Metric("ndcg_at_10", "nDCG@10", Mean(gain)),
            Metric("recall_at_50", "Recall@50", Proportion((place < LISTED).astype(np.float64))),
            Metric("recall_of_cold_items", "Recall@10 of cold items", MeanAmong(hit, met < COLD)),
            Metric("coverage", "Coverage@10", Coverage(self._recommended(predictions.scores))),
            Metric(
                "popularity",
                "Popularity@10, ‰",
                Mean(self._popularity(predictions.scores)),
                greater_is_better=False,
            ),
        ]

    def reordered(self, scores: Scores, labels: Sequence[str]) -> Scores:
        number = self._number
        moved = np.array([*(number[name] for name in labels), -1], np.float64)
        found = np.array(scores, np.float64)
        found[:, :LISTED] = moved[found[:, :LISTED].astype(np.int64)]
        return found

    def _places(self, scores: Scores, targets: Targets) -> NDArray[np.int64]:
        """At which place of its ranking, from 0, each user's next item stands; LISTED where it is not listed."""
        number = self._number
        wanted = np.array([number.get(one, -2) for one in targets])
        found = scores[:, :LISTED].astype(np.int64) == wanted[:, None]
        return np.asarray(np.where(found.any(axis=1), found.argmax(axis=1), LISTED), np.int64)

    def _recommended(self, scores: Scores) -> sparse.csr_matrix:
        """(N, K): 1 where an item is among those that a user is shown."""
        best = scores[:, :AT].astype(np.int64)
        rows, columns = np.nonzero(best >= 0)
        entries = (np.ones(len(rows), np.float32), (rows, best[rows, columns]))
        return sparse.csr_matrix(entries, shape=(len(scores), self.outputs))

    def _popularity(self, scores: Scores) -> NDArray[np.float64]:
        """How popular what each user is shown is: of a thousand interactions in training, how many were with one such
        item, on average."""
        counts = np.array([*self.popularity, 0], np.float64) * (1000 / max(1, sum(self.popularity)))
        return np.asarray(counts[scores[:, :AT].astype(np.int64)].mean(axis=1), np.float64)

    @property
    def arrow_type(self) -> pa.DataType:
        return pa.list_(pa.string())

    @property
    def truth_type(self) -> pa.DataType:
        return pa.string()

    def answers_of(self, targets: Targets) -> list[Any]:
        return list(targets)

    def errors(self, predictions: Predictions, targets: Targets) -> NDArray[np.float64]:
        """The place of what came next in the ranking; 0 where it is among the first ten."""
        place = self._places(predictions.scores, targets)
        return np.asarray(np.where(place < AT, 0, place), np.float64)

    def baselines_of(self, targets: Targets, contents: Iterable[Any]) -> list[Baseline]:
        del targets, contents
        return [ranking.Popular("popularity", "What most users met", np.zeros((1, 2)), self)]

    def rivals(self, train: Told, validation: Told, fit: Told, asked: int) -> tuple[list[Baseline], list[str]]:
        del asked
        return ranking.rivals(self, train, validation, fit), []


@dataclass(frozen=True, eq=False)
class Coverage:
    """Which share of the catalogue is recommended to at least one of the users drawn."""

    recommended: sparse.csr_matrix
    """(N, K): 1 where an item is among those that a user is shown."""

    def __call__(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        shown = [int((row[None] @ self.recommended > 0).sum()) for row in (weights > 0).astype(np.float32)]
        return np.array(shown, np.float64) / int(self.recommended.shape[1])
