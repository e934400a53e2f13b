"""A live source whose stages can be listened to, and entered in the middle.

Entering in the middle is what makes partly frozen training cheap: the activations at the cut were computed once,
and are put in place of what the last frozen stage returns, while the stages before it run on one blank example.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from headstart.sources.stages import belongs

if TYPE_CHECKING:
    from headstart.sources.contract import Source, Stage

POOLED, FULL = "pooled", "full"


class Network(nn.Module):
    """The trunk of a source: `forward` maps inputs to the output of each stage asked for.

    Args:
        source: what to build; its classifier is kept aside as `classifier`.
    """

    def __init__(self, source: Source) -> None:
        super().__init__()
        self.description = source.description
        self.body = source.module()
        self.entry = source.entry()
        self._stages: dict[str, Stage] = {stage.name: stage for stage in source.stages}
        self._wanted: frozenset[str] = frozenset()
        self._heard: dict[str, torch.Tensor] = {}
        self._entered: tuple[str, torch.Tensor] | None = None
        last = source.stages[-1].name
        self.classifier = self.body.get_submodule(self.description.classifier)
        self.body.set_submodule(self.description.classifier, nn.Identity())
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
        self.body(self.entry(inputs))
        heard, self._heard, self._entered = self._heard, {}, None
        return heard

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
        def hook(_module: nn.Module, _inputs: Any, output: torch.Tensor) -> None:
            if stage in self._wanted:
                self._heard.setdefault(stage, output)

        return hook

    def parameters_of(self, stage: Stage) -> list[tuple[str, nn.Parameter]]:
        return [(name, parameter) for name, parameter in self.body.named_parameters() if belongs(name, stage.owns)]

    def modules_of(self, stage: Stage) -> list[nn.Module]:
        return [module for name, module in self.body.named_modules() if name and belongs(name, stage.owns)]


def pool(features: torch.Tensor, layout: str) -> torch.Tensor:
    """(N, D) of a stage's output: the mean over positions."""
    if layout == "map":
        return features.mean(dim=(2, 3))
    if layout == "map-last":
        return features.mean(dim=(1, 2))
    if layout == "sequence":
        return features.mean(dim=1)
    return features


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
