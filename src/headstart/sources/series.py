"""What all sources of series share. They read a series in one of two ways: whole, to tell what it is, or its latest
values, to tell what comes next ("ahead")."""

from __future__ import annotations

import copy
import dataclasses
import itertools
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from headstart.core import seeds
from headstart.data.contents import Unreadable
from headstart.data.modalities.series import Series, level_and_scale, past, resampled
from headstart.sources.contract import AHEAD, POOLED, ROWS, Description, Inputs, Stage
from headstart.sources.library import LibrarySource
from headstart.sources.parts import first_rows, rows_of

if TYPE_CHECKING:
    import torch

VALUES, OBSERVED, STATISTICS = "values", "observed", "statistics"
"""Inputs (channels, L): values of mean zero and deviation one; whether they are there (1) or fill up what goes ahead of
a short past (0). And (channels, 2): level and scale, on a logarithmic scale, where the whole series is read."""
CONTEXT = "context"
"""The first stage: what the network is shown, for heads that read it themselves."""
COARSE = 64
"""Parts of a whole series whose means are that stage's output."""
SHIFT, NOISE = 0.1, 0.1
"""Most of a series by which a view begins later or ends earlier, and most noise in it, in deviations."""
QUANTILES = ("low", "middle", "high")
"""Outputs for every step that is told: the quantiles 0.1, 0.5 and 0.9."""


def output_names(horizon: int) -> tuple[str, ...]:
    """Names of a forecast's outputs: all low ones, then all in the middle, then all high ones."""
    return tuple(f"+{step} {quantile}" for quantile in QUANTILES for step in range(1, horizon + 1))


class SeriesSource(LibrarySource):
    """A model for series. Its network takes `values`, and what else it names in `takes`, and has a module `context`."""

    modality: ClassVar[str] = "series"  # type: ignore[misc]
    takes: ClassVar[tuple[str, ...]] = (VALUES, OBSERVED, STATISTICS)
    side_by_side: ClassVar[bool] = True
    """Whether the outputs of several channels are kept apart; else heads see their mean."""
    is_ahead = False
    channels = 1

    @property
    @abstractmethod
    def context(self) -> int:
        """How many values of a series it looks at."""

    @property
    @abstractmethod
    def horizon(self) -> int:
        """How many steps its own head tells; 0 without one."""

    def reading(self, form: str) -> Self:
        if form not in (POOLED, AHEAD):
            return super().reading(form)  # type: ignore[return-value]
        return self if self.is_ahead == (form == AHEAD) else self._as(form == AHEAD, self.channels)

    def suited(self, contents: Iterable[Any]) -> Self:
        """Set for as many channels as the contents have."""
        for content in itertools.islice(contents, 1 if self.side_by_side else 0):
            channels = len(Series().decode(content))
            return self if channels == self.channels else self._as(self.is_ahead, channels)
        return self

    def _as(self, is_ahead: bool, channels: int) -> Self:
        other = copy.copy(self)
        for derived in ("description", "_decoder"):
            other.__dict__.pop(derived, None)
        other.known, other.is_ahead, other.channels = None, is_ahead, channels
        return other

    def opened(self, known: Mapping[str, Any]) -> Self:
        """As a run's description has it."""
        other = self._as(bool(known["preparation"]["ahead"]), int(known["preparation"]["channels"]))
        other.known = known
        return other

    def has_classifier(self) -> bool:
        return self.is_ahead and self.horizon > 0

    def own_labels(self) -> tuple[str, ...]:
        return output_names(self.horizon) if self.has_classifier() else ()

    @property
    def offers(self) -> tuple[tuple[str, ...], ...]:
        """Of forecasts: the last stage, what it is shown, or both (which is a linear model of the past, with the
        network's help). Else the last stage, two or four, and these beside the series itself."""
        names = [stage.name for stage in self.stages]
        if self.is_ahead:
            return ((names[-1],), (CONTEXT,), (CONTEXT, names[-1]))
        return tuple(
            dict.fromkeys(
                [tuple(names[1:][-count:]) for count in (1, 2, 4)]
                + [(CONTEXT, *names[1:][-count:]) for count in (1, 4)]
            )
        )

    def preparation(self) -> dict[str, Any]:
        return {"length": self.context, "ahead": self.is_ahead, "channels": self.channels}

    def _describe(self, fingerprint: str) -> Description:
        """With the context ahead of the stages that have weights."""
        found = super()._describe(fingerprint)
        width = self.context if self.is_ahead else self.channels * (COARSE + 2)
        first = Stage(CONTEXT, (), CONTEXT, "pooled", (width,), width, 0)
        others = tuple(_without_context(stage) for stage in found.stages)
        return dataclasses.replace(found, stages=(first, *others))

    @cached_property
    def _decoder(self) -> Series:
        return Series()

    def prepare(self, content: Any) -> Inputs:
        if self.is_ahead:
            values, level, scale = past(content)
            return self._ahead((values - level) / scale)
        return self._whole(self._decoded(content))

    def _decoded(self, content: Any) -> NDArray[np.float64]:
        values = self._decoder.decode(content)
        if self.side_by_side and len(values) != self.channels:
            raise Unreadable(f"{len(values)} channels, and this model was set for {self.channels}")
        return values

    def _ahead(self, values: NDArray[np.float64]) -> Inputs:
        given = values[-self.context :]
        found = np.zeros((1, self.context), np.float32)
        observed = np.zeros((1, self.context), np.float32)
        found[0, self.context - len(given) :] = given
        observed[0, self.context - len(given) :] = 1
        return self._taken({VALUES: found, OBSERVED: observed, STATISTICS: np.zeros((1, 2), np.float32)})

    def _whole(self, values: NDArray[np.float64]) -> Inputs:
        """Every channel stretched or squeezed to the network's length."""
        known = np.array([level_and_scale(channel) for channel in values])
        even = (values - known[:, :1]) / known[:, 1:]
        found = np.stack([resampled(channel, self.context) for channel in even]).astype(np.float32)
        levels = np.stack([np.arcsinh(known[:, 0]), np.log(known[:, 1])], axis=1).astype(np.float32)
        return self._taken({VALUES: found, OBSERVED: np.ones_like(found), STATISTICS: levels})

    def _taken(self, inputs: Inputs) -> Inputs:
        """What the network takes; channels that are told one by one are rows of a batch."""
        if self.side_by_side:
            return {name: inputs[name] for name in self.takes}
        return {name: inputs[name][:, None] for name in self.takes}

    @property
    def varies(self) -> bool:
        return not self.side_by_side and not self.is_ahead

    def length(self, inputs: Inputs) -> int:
        return 1 if self.side_by_side else len(inputs[VALUES])

    def few(self, batch: Inputs, count: int) -> Inputs:
        return super().few(batch, count) if self.side_by_side else first_rows(batch, count)

    def view(self, content: Any, view: int, key: str) -> Inputs:
        """View 0 is the series. Others of a whole one lack a little at its ends and are a little noisy, those of a past
        have a little noise."""
        if view == 0:
            return self.prepare(content)
        random = seeds.generator(0, "view", view, key)
        noise = NOISE * random.random()
        if self.is_ahead:
            values, level, scale = past(content)
            return self._ahead((values - level) / scale + noise * random.normal(size=values.shape))
        values = self._decoded(content)
        most = int(SHIFT * values.shape[1])
        first, last = (int(random.integers(0, most + 1)) for _ in range(2))
        cut = values[:, first : values.shape[1] - last]
        return self._whole(cut + noise * cut.std(axis=1, keepdims=True) * random.normal(size=cut.shape))

    def collate(self, inputs: Sequence[Inputs]) -> Inputs:
        if self.side_by_side:
            return {name: np.stack([example[name] for example in inputs]) for name in inputs[0]}
        rows = rows_of([len(example[VALUES]) for example in inputs])
        return {**{name: np.concatenate([example[name] for example in inputs]) for name in inputs[0]}, ROWS: rows}

    def blank(self, preparation: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
        shape = (1, preparation["channels"], preparation["length"])
        levels = np.zeros((*shape[:2], 2), np.float32)
        whole = {VALUES: np.zeros(shape, np.float32), OBSERVED: np.ones(shape, np.float32), STATISTICS: levels}
        return {name: whole[name] for name in self.takes}

    def noise(self, count: int) -> Inputs:
        random = np.random.default_rng(0)
        blank = self.blank(self.description.preparation)
        found = {name: np.repeat(values, count, axis=0) for name, values in blank.items()}
        found[VALUES] = random.normal(size=found[VALUES].shape).astype(np.float32)
        return found if self.side_by_side else {**found, ROWS: rows_of([1] * count)}

    def entry_for(self, preparation: Mapping[str, Any]) -> torch.nn.Module:
        from headstart.sources.network import NamedEntry

        del preparation
        return NamedEntry()

    def input_shape(self) -> tuple[int, ...]:
        return (self.channels, self.context)

    def remarks(self, contents: Iterable[Any]) -> list[str]:
        del contents
        return []


def _without_context(stage: Stage) -> Stage:
    """A module without weights joins the stage after it; here it is one of its own."""
    owns = tuple(path for path in stage.owns if path != CONTEXT)
    return dataclasses.replace(stage, owns=owns, name=owns[0] if stage.name == CONTEXT else stage.name)
