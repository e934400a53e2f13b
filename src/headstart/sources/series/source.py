"""What all sources of series share. They read a series in one of two ways: whole, to tell what it is, or its latest
values, to tell what comes next ("ahead")."""

from __future__ import annotations

import copy
import dataclasses
import itertools
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from headstart.core import seeds
from headstart.core.errors import DataError
from headstart.data.classical import NAMES, classical_forecasts
from headstart.data.contents import Unreadable
from headstart.data.modalities.convolutions import WIDTH, Convolutions
from headstart.data.modalities.series import Series, level_and_scale, past, resampled
from headstart.data.windows import find_season, known_ahead, season_of
from headstart.sources import weights
from headstart.sources.contract import Start
from headstart.sources.description import Description, Stage
from headstart.sources.inputs import ROWS, Inputs
from headstart.sources.library import LibrarySource
from headstart.sources.parts import first_rows, rows_of
from headstart.sources.points import AHEAD, POOLED

if TYPE_CHECKING:
    import torch

VALUES, OBSERVED, STATISTICS = "values", "observed", "statistics"
"""Inputs (channels, L): values of mean zero and deviation one; whether they are there (1) or fill up what goes ahead of
a short past (0). And (channels, 66), where the whole series is read: level, scale, and means of its parts in its own
units, all on a logarithmic scale."""
CONTEXT = "context"
"""The first stage: what the network is shown, for heads that read it themselves."""
BESIDE = "beside"
CONVOLUTIONS, CLASSICAL, KNOWN = "convolutions", "classical", "known"
"""The next ones, in which the network has no part, and the inputs (D,) that they are: of whole series, what random
convolutions say of them; of a past, what is classical says comes next, in its own deviations, and what is known of the
steps to be told."""
GUIDE = "guide"
"""Input (M H,): what is classical says of the steps that the network's own head tells, where it departs from that."""
HEAD = "head."
"""What the names of the weights begin with that the network tells ahead by."""
SEASONS = 50
"""Pasts, evenly spread, in which a season is looked for that nobody told."""
THRESHOLDS = "convolutions.thresholds"
"""Beside the weights of a run, what its convolutions were set to."""
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
    path: Path
    """Of the file of weights."""
    convolutions: Convolutions | None = None
    outlook: tuple[int, int] | None = None
    """Steps that heads may read of what is classical, and of a season. None: no head does, and each past has the season
    that is found in it."""
    foreseen = 0
    """Numbers that are known of the steps to be told."""
    needed: frozenset[str] | None = None
    """Stages that are read, where not all of them may be: what no head reads need not be made."""

    @property
    @abstractmethod
    def context(self) -> int:
        """How many values of a series it looks at."""

    @property
    @abstractmethod
    def horizon(self) -> int:
        """How many steps its own head tells; 0 without one."""

    @property
    def guided(self) -> int:
        """Of how many steps the network is told what is classical; 0 where it is not."""
        return 0

    def reading(self, form: str) -> Self:
        if form not in (POOLED, AHEAD):
            return super().reading(form)  # type: ignore[return-value]
        return self if self.is_ahead == (form == AHEAD) else self._as(form == AHEAD, self.channels)

    def suited(self, contents: Iterable[Any], outlook: tuple[int, int] | None = None) -> Self:
        """Set for as many channels as the contents have, and with what stands beside the network for them."""
        given = list(itertools.islice(contents, 1 if self.is_ahead and (outlook or not self.guided) else None))
        if self.guided and outlook is None:
            places = np.linspace(0, len(given) - 1, min(len(given), SEASONS)).astype(int)
            outlook, given = (0, find_season([past(given[place])[0] for place in places.tolist()])), given[:1]
        found, known = [Series().decode(content) for content in given], len(known_ahead(given[0]))
        channels = len(found[0]) if self.side_by_side else self.channels
        convolutions = None
        if not self.is_ahead and len({len(one) for one in found}) == 1:  # else `remarks` will speak of it
            convolutions = Convolutions.fitted(found)
        other = self._as(self.is_ahead, channels, convolutions, outlook if self.is_ahead else None)
        other.foreseen = known
        return self if other.preparation() == self.preparation() else other

    @property
    def setting(self) -> Any:
        return self.is_ahead, self.channels, self.convolutions, self.outlook, self.foreseen

    def set_to(self, setting: Any) -> Self:
        *sizes, foreseen = setting
        other = self._as(*sizes)
        other.foreseen = foreseen
        return other

    def _as(
        self,
        is_ahead: bool,
        channels: int,
        convolutions: Convolutions | None = None,
        outlook: tuple[int, int] | None = None,
    ) -> Self:
        other = copy.copy(self)
        for derived in ("description", "_decoder"):
            other.__dict__.pop(derived, None)
        other.known, other.is_ahead, other.channels = None, is_ahead, channels
        other.convolutions, other.outlook, other.foreseen, other.needed = convolutions, outlook, 0, None
        return other

    def toward(self, stages: Iterable[str]) -> Self:
        other = copy.copy(self)
        other.__dict__["description"] = self.description
        other.needed = frozenset(stages)
        return other

    @property
    def _beside(self) -> dict[str, int]:
        """Stages in which the network has no part, and how many numbers each has."""
        if self.is_ahead:
            found = {CLASSICAL: len(NAMES) * self.outlook[0]} if self.outlook and self.outlook[0] else {}
            return {**found, KNOWN: self.foreseen} if self.foreseen else found
        return {CONVOLUTIONS: WIDTH} if self.convolutions is not None else {}

    @property
    def _made(self) -> dict[str, int]:
        return {name: width for name, width in self._beside.items() if self.needed is None or name in self.needed}

    def starts(self) -> list[Start]:
        """What is classical, as it stands."""
        if CLASSICAL not in self._beside:
            return []
        steps = self._beside[CLASSICAL] // len(NAMES)
        read = np.eye(len(NAMES) * steps).reshape(-1, len(NAMES), steps)
        silent = np.zeros(len(QUANTILES) * steps)
        return [Start(name, CLASSICAL, np.tile(read[:, k], len(QUANTILES)), silent) for k, name in enumerate(NAMES)]

    def stored(self) -> dict[str, NDArray[Any]]:
        """The weights of the network as they lie on disk."""
        return {name: array for name, array in weights.load(self.path).items() if name != THRESHOLDS}

    def wanted(self) -> dict[str, NDArray[Any]]:
        """Of these, without what the network tells ahead by where it does not."""
        aside = () if self.is_ahead else (HEAD, f"{GUIDE}.")
        return {name: array for name, array in self.stored().items() if not name.startswith(aside)}

    def weights(self) -> dict[str, NDArray[Any]]:
        arrays = self.stored() if self.seed is None else super().weights()
        return arrays if self.convolutions is None else {**arrays, THRESHOLDS: self.convolutions.thresholds}

    def opened(self, known: Mapping[str, Any]) -> Self:
        """As a run's description has it."""
        told, convolutions, outlook = known["preparation"], None, None
        if CONVOLUTIONS in told:
            sizes = told[CONVOLUTIONS]
            thresholds = weights.one(self.path, THRESHOLDS)
            convolutions = Convolutions(int(sizes["steps"]), int(sizes["channels"]), thresholds)
        if CLASSICAL in told:
            outlook = int(told[CLASSICAL]["steps"]), int(told[CLASSICAL]["season"])
        other = self._as(bool(told["ahead"]), int(told["channels"]), convolutions, outlook)
        other.known, other.foreseen = known, int(told.get(KNOWN, 0))
        return other

    def has_classifier(self) -> bool:
        return self.is_ahead and self.horizon > 0

    def own_labels(self) -> tuple[str, ...]:
        return output_names(self.horizon) if self.has_classifier() else ()

    @property
    def offers(self) -> tuple[tuple[str, ...], ...]:
        """Of forecasts: the last stage, what it is shown, or both (which is a linear model of the past, with the
        network's help), and what is classical beside these. Else the last stage, two or four, these beside the series
        itself, and convolutions, alone or beside both."""
        foreseen = (KNOWN,) if self.foreseen else ()
        beside = tuple(name for name in self._beside if name != KNOWN)
        own = [stage.name for stage in self.stages if stage.name not in (CONTEXT, *self._beside)]
        if self.is_ahead:
            found = [(own[-1],), (CONTEXT,), (CONTEXT, own[-1])]
            found += [(CONTEXT, *beside), (CONTEXT, *beside, own[-1])] if beside else []
            found = [(*foreseen, *stages) for stages in found]
        else:
            found = [tuple(own[-count:]) for count in (1, 2, 4)]
            found += [(CONTEXT,), (CONTEXT, own[-1]), (CONTEXT, *own[-4:])]
            found += [beside, (CONTEXT, *beside, own[-1])] if beside else []
        return tuple(dict.fromkeys(found))

    def preparation(self) -> dict[str, Any]:
        told: dict[str, Any] = {"steps": self.context, "ahead": self.is_ahead, "channels": self.channels}
        if self.is_ahead and self.outlook:
            told |= {CLASSICAL: {"steps": self.outlook[0], "season": self.outlook[1], "methods": NAMES}}
        if self.guided:
            told |= {GUIDE: {"steps": self.guided, "methods": NAMES}}
        if self.is_ahead:
            return {**told, KNOWN: self.foreseen} if self.foreseen else told
        told |= {"parts": COARSE, "scale": "arcsinh"}
        return told if self.convolutions is None else {**told, CONVOLUTIONS: self.convolutions.describe()}

    def _describe(self, fingerprint: str) -> Description:
        """With the context ahead of the stages that have weights."""
        found = super()._describe(fingerprint)
        width = self.context if self.is_ahead else self.channels * (COARSE + 2)
        first = [Stage(CONTEXT, (), CONTEXT, "pooled", (width,), width, 0)]
        for name, width in self._beside.items():
            first.append(Stage(name, (), f"{BESIDE}.{name}", "pooled", (width,), width, 0))
        others = tuple(_without_aside(stage) for stage in found.stages)
        return dataclasses.replace(found, stages=(*first, *others))

    @cached_property
    def _decoder(self) -> Series:
        return Series()

    def prepare(self, content: Any) -> Inputs:
        return self._ahead(content) if self.is_ahead else self._whole(self._decoded(content))

    def _decoded(self, content: Any) -> NDArray[np.float64]:
        values = self._decoder.decode(content)
        wanted = self.channels if self.convolutions is None else self.convolutions.channels
        if len(values) != wanted and (self.side_by_side or self.convolutions is not None):
            raise Unreadable(f"{len(values)} channels, and this model was set for {wanted}")
        return values

    def _ahead(self, content: Any, noise: NDArray[np.float64] | None = None) -> Inputs:
        """
        Args:
            noise: (L,), in deviations, by which what is shown differs from the content's past. What is classical is
                told of the past as it is.

        Raises:
            Unreadable: more or less is known of the steps to be told than was in training.
        """
        values, level, scale = past(content)
        given = ((values - level) / scale)[-self.context :]
        found = np.zeros((1, self.context), np.float32)
        observed = np.zeros((1, self.context), np.float32)
        found[0, self.context - len(given) :] = given if noise is None else given + noise[-len(given) :]
        observed[0, self.context - len(given) :] = 1
        taken = self._taken({VALUES: found, OBSERVED: observed, STATISTICS: np.zeros((1, 2 + COARSE), np.float32)})
        made, known = self._made, known_ahead(content)
        if len(known) != self.foreseen:
            raise Unreadable(f"{len(known)} numbers known ahead of time, and {self.foreseen} were in training")
        of_heads = self.outlook[0] if self.outlook is not None and CLASSICAL in made else 0
        if steps := max(of_heads, self.guided):
            season = self.outlook[1] if self.outlook is not None else season_of(content)
            told = classical_forecasts(given, level / scale, steps, season).reshape(len(NAMES), steps)
            if of_heads:
                taken = {**taken, CLASSICAL: self._rows(told[:, :of_heads].ravel(), 1)}
            if self.guided:
                taken = {**taken, GUIDE: self._rows(told[:, : self.guided].ravel(), 1)}
        return {**taken, KNOWN: self._rows(known, 1)} if KNOWN in made else taken

    def _whole(self, values: NDArray[np.float64]) -> Inputs:
        """Every channel stretched or squeezed to the network's length."""
        known = np.array([level_and_scale(channel) for channel in values])
        even = (values - known[:, :1]) / known[:, 1:]
        found = np.stack([resampled(channel, self.context) for channel in even]).astype(np.float32)
        coarse = np.arcsinh(np.stack([resampled(channel, COARSE) for channel in values]))
        levels = np.column_stack([np.arcsinh(known[:, 0]), np.log(known[:, 1]), coarse]).astype(np.float32)
        taken = self._taken({VALUES: found, OBSERVED: np.ones_like(found), STATISTICS: levels})
        if self.convolutions is None or CONVOLUTIONS not in self._made:
            return taken
        return {**taken, CONVOLUTIONS: self._rows(self.convolutions(values), len(values))}

    def _rows(self, given: NDArray[Any], channels: int) -> NDArray[np.float32]:
        """What all channels share, once for each where they are told one by one."""
        found = given.astype(np.float32)
        return found if self.side_by_side else np.tile(found, (channels, 1))

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
            return self._ahead(content, noise * random.normal(size=self.context))
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

    def accepts(self, preparation: Mapping[str, Any]) -> str:
        return f"{preparation['steps']} steps"

    def blank(self, preparation: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
        shape = (1, preparation["channels"], preparation["steps"])
        levels = np.zeros((*shape[:2], 2 + COARSE), np.float32)
        whole = {VALUES: np.zeros(shape, np.float32), OBSERVED: np.ones(shape, np.float32), STATISTICS: levels}
        beside = {name: np.zeros((1, width), np.float32) for name, width in self._made.items()}
        if self.guided:
            beside[GUIDE] = np.zeros((1, len(NAMES) * self.guided), np.float32)
        return {**{name: whole[name] for name in self.takes}, **beside}

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

    def remarks(self, contents: Iterable[Any], counts: Mapping[str, Mapping[str, int]]) -> list[str]:
        """
        Raises:
            DataError: series have different channels.
        """
        del counts
        if self.is_ahead:
            return []
        found = {len(self._decoder.decode(content)) for content in contents}
        if self.side_by_side and len(found) > 1:
            raise DataError(
                f"The series have from {min(found)} to {max(found)} channels, and every one needs the same. Take out "
                "those of another number, or learn from them apart."
            )
        return []


def _without_aside(stage: Stage) -> Stage:
    """Modules without weights join the stage after them; here they are ones of their own."""
    owns = tuple(path for path in stage.owns if path.split(".")[0] not in (CONTEXT, BESIDE))
    is_first = stage.name.split(".")[0] in (CONTEXT, BESIDE)
    return dataclasses.replace(stage, owns=owns, name=owns[0] if is_first else stage.name)
