"""A live source whose stages can be listened to, and entered in the middle.

Entering in the middle is what makes partly frozen training cheap: the activations at the cut were computed once,
and are put in place of what the last frozen stage returns, while the stages before it run on one blank example.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from headstart.sources.inputs import ROWS
from headstart.sources.points import PLACES
from headstart.sources.stages import belongs, first_tensor

if TYPE_CHECKING:
    from headstart.sources.contract import Source
    from headstart.sources.description import Stage

MASK = "attention_mask"
"""Input (N, L) that says which positions are there (1) and which only fill a batch up (0)."""


BAND, AT_LEAST, WORTH = 16, 256, 0.8
"""Places by which rows of one group may differ in length; of a group, so that a pass is worth its overhead; and the
share of a batch's places that groups may keep, to be worth it."""


def call(network: nn.Module, entered: Any) -> Any:
    """What `network` returns for what an entry gives: a tensor, or arguments by name."""
    return network(**entered) if isinstance(entered, dict) else network(entered)


class Network(nn.Module):
    """The trunk of a source: `forward` maps inputs to the output of each stage asked for.

    Args:
        source: what to build; its classifier is kept aside as `classifier`.
        change: called with the trunk before it is listened to, to put other modules in the place of some.
    """

    def __init__(self, source: Source, change: Callable[[nn.Module], None] | None = None) -> None:
        super().__init__()
        self.description = source.description
        self.body = source.module()
        self.entry = source.entry()
        self._stages: dict[str, Stage] = {stage.name: stage for stage in source.stages}
        self._wanted: frozenset[str] = frozenset()
        self._heard: dict[str, torch.Tensor] = {}
        self._entered: tuple[str, torch.Tensor] | None = None
        last = source.stages[-1].name
        if self.description.classifier:
            self.classifier = self.body.get_submodule(self.description.classifier)
            self.body.set_submodule(self.description.classifier, nn.Identity())
        if change is not None:
            change(self.body)
        for stage in source.stages:
            module = self.body.get_submodule(stage.tap)
            if stage.name == last:
                module.register_forward_hook(self._listen_last(stage.name))
            else:
                module.register_forward_hook(self._listen(stage.name))

    def forward(
        self, inputs: dict[str, torch.Tensor], at: Sequence[str], entered: tuple[str, torch.Tensor] | None = None
    ) -> dict[str, torch.Tensor]:
        """Outputs of the stages `at`, in their own layouts.

        Args:
            inputs: a batch as the source's `collate` gives it, as tensors. Ignored past its first example when
                `entered` is given.
            at: names of stages.
            entered: (stage, its outputs (N, …)): the network is run from the end of that stage on.
        """
        self._wanted, self._heard, self._entered = frozenset(at), {}, entered
        if entered is not None:
            inputs = {name: value[:1] for name, value in inputs.items()}
            if entered[0] in self._wanted:
                self._heard[entered[0]] = entered[1]
        given = self.entry(inputs)
        learns = torch.is_grad_enabled() and entered is None  # else batches are sorted by length, or traced
        groups = self.entry.groups(given) if learns and isinstance(self.entry, TextEntry) else []
        heard = self._by_groups(given, groups) if groups else self._run(given)
        self._entered, self._wanted = None, frozenset()
        return heard

    def _run(self, given: Any) -> dict[str, torch.Tensor]:
        call(self.body, given)
        heard, self._heard = self._heard, {}
        return heard

    def _by_groups(self, given: dict[str, torch.Tensor], groups: list[torch.Tensor]) -> dict[str, torch.Tensor]:
        """The same as `_run`, from groups of rows, each cut to its longest; 0 behind that."""
        mask = given[MASK]
        found: dict[str, torch.Tensor] = {}
        for rows in groups:
            length = int(mask[rows].sum(dim=1).max())
            for stage, output in self._run({name: value[rows, :length] for name, value in given.items()}).items():
                place = (rows, slice(length)) if self._stages[stage].layout == "sequence" else (rows,)
                if stage not in found:
                    axes = len(place)
                    found[stage] = output.new_zeros((*mask.shape[:axes], *output.shape[axes:]))
                found[stage][place] = output
        return found

    def can_enter(self, stage: str, inputs: dict[str, torch.Tensor]) -> bool:
        """Whether running from the end of `stage` on gives what the whole network gives; `inputs`: two examples."""
        last = self.description.stages[-1].name
        mode = self.training
        self.eval()
        try:
            with torch.no_grad():
                whole = self(inputs, [stage, last])
                entered = self(inputs, [last], (stage, whole[stage]))
        except (RuntimeError, ValueError, IndexError, TypeError, AssertionError):  # does not fit what came another way
            return False
        finally:
            self.train(mode)
        return torch.allclose(entered[last], whole[last], rtol=1e-3, atol=1e-3 * float(whole[last].abs().max()))

    def _listen(self, stage: str) -> Any:
        def hook(_module: nn.Module, _inputs: Any, output: Any) -> Any:
            if self._entered is not None and self._entered[0] == stage:
                tensor = self._entered[1]
                return (tensor, *output[1:]) if isinstance(output, tuple) else tensor
            if stage in self._wanted and stage not in self._heard:
                self._heard[stage] = output[0] if isinstance(output, tuple) else output
            return None

        return hook

    def _listen_last(self, stage: str) -> Any:
        def hook(_module: nn.Module, _inputs: Any, output: Any) -> None:
            if stage in self._wanted and not (self._entered is not None and self._entered[0] == stage):
                self._heard[stage] = first_tensor(output)  # of several runs, the last

        return hook

    def read(self, stage: str, features: torch.Tensor, inputs: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """What heads read of the output of `stage`: (N, D), or where the inputs name places, (T, D) at all of them."""
        if PLACES not in inputs:
            return self.pool(stage, features, inputs)
        return features.flatten(0, 1)[inputs[PLACES][inputs[PLACES] >= 0].long()]

    def at_places(self, features: torch.Tensor, inputs: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """(N, P, D) of a sequence's features; anything where places only fill up."""
        return features.flatten(0, 1)[inputs[PLACES].long().clamp(min=0)]

    def pool(self, stage: str, features: torch.Tensor, inputs: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """(N, D) of the output of `stage` for a batch of inputs; of an example in parts, their mean by length."""
        mask = inputs.get(MASK)
        pooled = pool(features, self._stages[stage].layout, mask, self.description.pooling)
        if ROWS not in inputs:
            return pooled
        rows = inputs[ROWS].long()
        lengths = torch.ones_like(pooled[:, 0]) if mask is None else mask.to(pooled.dtype).sum(dim=1)
        shares = lengths[rows.clamp(min=0)] * (rows >= 0)
        shares = shares / shares.sum(dim=1, keepdim=True).clamp(min=1)
        return (pooled[rows.clamp(min=0)] * shares.unsqueeze(-1)).sum(dim=1)

    def parameters_of(self, stage: Stage) -> list[tuple[str, nn.Parameter]]:
        return [(name, parameter) for name, parameter in self.body.named_parameters() if belongs(name, stage.owns)]

    def modules_of(self, stage: Stage) -> list[nn.Module]:
        return [module for name, module in self.body.named_modules() if name and belongs(name, stage.owns)]


def pool(features: torch.Tensor, layout: str, mask: torch.Tensor | None = None, pooling: str = "mean") -> torch.Tensor:
    """(N, D) of a stage's output: of a map, the mean over positions; of a sequence, what `pooling` says.

    Args:
        mask: (N, L), 1 for the positions of a sequence that count.
        pooling: "mean", "first" or "last" of the positions that count.
    """
    if layout == "map":
        return features.mean(dim=(2, 3))
    if layout == "map-last":
        return features.mean(dim=(1, 2))
    if layout == "sequence":
        return _pool_sequence(features, mask, pooling)
    return features


def _pool_sequence(features: torch.Tensor, mask: torch.Tensor | None, pooling: str) -> torch.Tensor:
    if pooling == "first":
        return features[:, 0]
    if mask is None:
        return features.mean(dim=1) if pooling == "mean" else features[:, -1]
    counts = mask.to(features.dtype)
    if pooling == "last":
        places = torch.arange(1, mask.shape[1] + 1, device=mask.device).to(features.dtype)
        counts = (counts * places == (counts * places).amax(dim=1, keepdim=True)).to(features.dtype)
    return (features * counts.unsqueeze(-1)).sum(dim=1) / counts.sum(dim=1, keepdim=True).clamp(min=1)


def by_length(mask: torch.Tensor) -> list[torch.Tensor]:
    """Rows of a batch in groups of about one length, from its mask (N, L); none where filling up costs little."""
    if bool((mask[:, 1:] > mask[:, :-1]).any()):  # filled up in front
        return []
    lengths, order = mask.sum(dim=1).sort(stable=True)
    known, first, groups, kept = lengths.tolist(), 0, [], 0
    for end in range(1, len(known) + 1):
        size = (end - first) * known[end - 1]
        if end == len(known) or (known[end] - known[first] >= BAND and size >= AT_LEAST):
            groups.append(order[first:end])
            first, kept = end, kept + size
    return groups if kept < WORTH * mask.numel() else []


class TextEntry(nn.Module):
    """Numbers of word pieces and their mask (N, L) as the arguments of transformers' models.

    Args:
        leaves_out: inputs that are for the loss, not for the network; what says where examples are never is.
    """

    def __init__(self, leaves_out: Sequence[str] = ()) -> None:
        super().__init__()
        self.leaves_out = frozenset((PLACES, ROWS, *leaves_out))

    def forward(self, inputs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        return {name: value.long() for name, value in inputs.items() if name not in self.leaves_out}

    def groups(self, given: dict[str, torch.Tensor]) -> list[torch.Tensor]:
        """Rows of what `forward` gave that had better go through apart, each group cut to its longest; or none."""
        return by_length(given[MASK])


class TaughtEntry(TextEntry):
    """The same for an encoder-decoder, with what the decoder is shown.

    Args:
        wanted: the input that holds the answers.
        moved_on: from these to what the decoder is shown.
    """

    def __init__(self, wanted: str, moved_on: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__(leaves_out=(wanted,))
        self.wanted, self.moved_on = wanted, moved_on

    def forward(self, inputs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        return {**super().forward(inputs), "decoder_input_ids": self.moved_on(inputs[self.wanted].long())}

    def groups(self, given: dict[str, torch.Tensor]) -> list[torch.Tensor]:
        """None: what the decoder is shown has lengths of its own."""
        del given
        return []


class BehaviourEntry(nn.Module):
    """Histories (N, L), whose they are, and in training what is wanted at each place.

    Args:
        names: input -> what the network calls it.
    """

    def __init__(self, names: Mapping[str, str]) -> None:
        super().__init__()
        self.names = dict(names)

    def forward(self, inputs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        return {name: inputs[given].long() for given, name in self.names.items() if given in inputs}


class ArrayEntry(nn.Module):
    """One input, whose numbers the network takes as they are, in the network's own precision."""

    one: torch.Tensor

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.register_buffer("one", torch.ones(()), persistent=False)

    def forward(self, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
        return inputs[self.name].to(self.one.dtype)


class NamedEntry(nn.Module):
    """Inputs as arguments of the same names, in the network's own precision."""

    one: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("one", torch.ones(()), persistent=False)

    def forward(self, inputs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        return {name: values.to(self.one.dtype) for name, values in inputs.items() if name != ROWS}


class ImageEntry(nn.Module):
    """Pictures (N, H, W, 3), uint8, to normalised tensors (N, 3, H, W)."""

    scale: torch.Tensor
    shift: torch.Tensor

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.register_buffer("scale", 1 / (255 * torch.tensor(std)).view(1, -1, 1, 1), persistent=False)
        self.register_buffer("shift", -(torch.tensor(mean) / torch.tensor(std)).view(1, -1, 1, 1), persistent=False)

    def forward(self, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
        pixels = inputs["image"].permute(0, 3, 1, 2).to(self.scale.dtype)
        return pixels * self.scale + self.shift


class GreyEntry(nn.Module):
    """Pictures (R, H, W) of one colour, 0 to 1, to normalised tensors (R, 3, H, W)."""

    shift: torch.Tensor
    scale: torch.Tensor

    def __init__(self, name: str, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.name = name
        self.register_buffer("shift", torch.tensor(mean).view(1, -1, 1, 1), persistent=False)
        self.register_buffer("scale", 1 / torch.tensor(std).view(1, -1, 1, 1), persistent=False)

    def forward(self, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
        return (inputs[self.name].to(self.scale.dtype).unsqueeze(1) - self.shift) * self.scale
