"""Frozen means frozen: parameters, buffers, mode. Asserted after every change of mode, proven by a digest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from torch import nn
from torch.nn.modules.batchnorm import _NormBase

from headstart.core import fingerprints
from headstart.engine.adapters import learns
from headstart.engine.plan import Adapters
from headstart.sources.description import Stage
from headstart.sources.network import Network
from headstart.sources.stages import belongs


class Model(nn.Module):
    """A source's network with heads, some of its stages frozen.

    `train()` keeps frozen stages in eval mode, so that they use no batch statistics and no dropout; their
    parameters have no gradients. `freeze` says which stages train from now on. `reads` maps each head to the
    stages whose pooled outputs it takes, side by side. With `adapters`, these alone train in the stages that train.
    """

    def __init__(
        self,
        network: Network,
        stages: tuple[Stage, ...],
        heads: Mapping[str, nn.Module],
        reads: Mapping[str, tuple[str, ...]],
        adapters: Adapters | None = None,
    ) -> None:
        super().__init__()
        self.reads = dict(reads)
        self.adapters = adapters
        self.network = network
        self.heads = nn.ModuleDict(dict(heads))
        self._stages = stages
        self._training_stages: frozenset[str] = frozenset()
        self._training_heads: frozenset[str] = frozenset()
        self._update_statistics = False

    def freeze(self, trains: Iterable[str], *, update_statistics: bool) -> None:
        """From now on the stages and heads in `trains` train; everything else is frozen."""
        trains = frozenset(trains)
        self._training_stages = frozenset(stage.name for stage in self._stages) & trains
        self._training_heads = frozenset(self.heads) & trains
        self._update_statistics = update_statistics
        for parameter in self.parameters():
            parameter.requires_grad_(False)
        for stage in self._stages:
            if stage.name in self._training_stages:
                for _, parameter in self.learnable(stage):
                    parameter.requires_grad_(True)
        for name in self._training_heads:
            self.heads[name].requires_grad_(True)
        self.train(self.training)

    def learnable(self, stage: Stage) -> list[tuple[str, nn.Parameter]]:
        """The parameters of `stage` that train when it does."""
        own = self.network.parameters_of(stage)
        return own if self.adapters is None else [(name, one) for name, one in own if learns(self.adapters, name)]

    def train(self, mode: bool = True) -> Model:
        super().train(mode)
        if mode:
            self.network.eval()
            for stage in self._stages:
                if stage.name in self._training_stages:
                    for module in self.network.modules_of(stage):
                        module.train(self._update_statistics or not isinstance(module, _NormBase))
        return self

    def digest_of_frozen(self, frozen: Iterable[str]) -> str:
        """Digest of every parameter and buffer of the stages `frozen`, and of what adapters leave as it is."""
        paths = [path for stage in self._stages if stage.name in set(frozen) for path in stage.owns]
        adapters = self.adapters
        return fingerprints.of_arrays(
            {
                name: tensor.detach().cpu().numpy()
                for name, tensor in self.network.body.state_dict().items()
                if belongs(name, paths) or (adapters is not None and not learns(adapters, name))
            }
        )
