"""Low-rank adapters (LoRA, Hu et al. 2022; DoRA, Liu et al. 2024) beside frozen weights, by the library peft.

They live in the network only while it is trained: at the end each is merged into the weight beside it, so that what
is saved is a network like any other.
"""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from headstart.core import seeds
from headstart.engine.plan import Adapters
from headstart.engine.trained import AdapterFiles
from headstart.sources.description import Stage
from headstart.sources.stages import belongs

if TYPE_CHECKING:
    from peft import LoraConfig

PREFIX = "base_model.model."
"""What peft writes before the names of a network's own modules."""


def adaptable(body: nn.Module, paths: Sequence[str]) -> list[str]:
    """Paths of the layers at or under `paths` that an adapter can stand beside.

    Linear layers and plain convolutions, of exactly these types: what a subclass does with its weight (standardise
    it, pad by another rule), a sum of weights would not undergo. Layers whose owner reads their weights without
    calling them are left out too, and those that share their weight with another one, which a sum would change as well.
    """
    from transformers.pytorch_utils import Conv1D

    read_by_owner = [
        path
        for path, module in body.named_modules()
        if isinstance(module, (nn.MultiheadAttention, nn.TransformerEncoderLayer))
    ]
    uses = Counter(parameter for _, parameter in body.named_parameters(remove_duplicate=False))
    return [
        path
        for path, module in body.named_modules()
        if belongs(path, paths)
        and not belongs(path, read_by_owner)
        and (type(module) in (nn.Linear, Conv1D) or (type(module) is nn.Conv2d and _is_plain(module)))
        and uses[module.weight] == 1
    ]


def _is_plain(layer: nn.Conv2d) -> bool:
    return layer.groups == 1 and layer.dilation == (1, 1) and layer.padding_mode == "zeros"


def norms(body: nn.Module, paths: Sequence[str]) -> list[str]:
    """Paths of the normalising layers at or under `paths`: those called so that have weights of one axis only."""
    return [
        path
        for path, module in body.named_modules()
        if belongs(path, paths)
        and "norm" in type(module).__name__.lower()
        and not list(module.children())
        and all(parameter.ndim == 1 for parameter in module.parameters())
        and list(module.parameters())
    ]


def insert(body: nn.Module, adapters: Adapters, seed: int) -> None:
    """Puts adapters beside the layers that `adapters` names. They start as zero, from the plan's seed."""
    from peft import inject_adapter_in_model

    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="fan_in_fan_out is set")  # which peft then does, rightly
        torch.default_generator.manual_seed(seeds.derive(seed, "adapters"))
        inject_adapter_in_model(configuration(adapters), body)


def keep_layout(body: nn.Module) -> None:
    """Puts adapters of convolutions back into the default layout: peft looks at them as matrices."""
    for name, parameter in body.named_parameters():
        if ".lora_" in name:
            parameter.data = parameter.data.contiguous()


def configuration(adapters: Adapters) -> LoraConfig:
    from peft import LoraConfig

    return LoraConfig(
        r=adapters.rank,
        lora_alpha=adapters.alpha,
        lora_dropout=adapters.dropout,
        use_dora=adapters.dora,
        target_modules="|".join(re.escape(path) for path in adapters.targets),  # a pattern, so that it is whole paths
    )


def learns(adapters: Adapters, parameter: str) -> bool:
    """Whether the parameter of an adapted network is one of an adapter, or of a norm that trains with them."""
    return ".lora_" in parameter or belongs(parameter, adapters.norms)


def counts(body: nn.Module, adapters: Adapters, stages: Sequence[Stage]) -> tuple[tuple[str, int, int], ...]:
    """For each of `stages`, how many numbers its adapters learn, and its norms; puts the adapters in `body`."""
    insert(body, adapters, 0)
    sizes = {name: parameter.numel() for name, parameter in body.named_parameters() if learns(adapters, name)}
    return tuple(
        (
            stage.name,
            sum(
                size for name, size in sizes.items() if belongs(name, stage.owns) and not belongs(name, adapters.norms)
            ),
            sum(size for name, size in sizes.items() if belongs(name, stage.owns) and belongs(name, adapters.norms)),
        )
        for stage in stages
    )


def export(body: nn.Module, adapters: Adapters, source: str) -> AdapterFiles:
    """The adapters of `body`, as peft would write them, with the norms that trained."""
    from peft import get_peft_model_state_dict

    tensors = dict(get_peft_model_state_dict(body, save_embedding_layers=False))
    tensors |= {name: value for name, value in body.named_parameters() if belongs(name, adapters.norms)}
    config = configuration(adapters).to_dict()
    config |= {
        "base_model_name_or_path": source,
        "inference_mode": True,
        "modules_to_save": list(adapters.norms) or None,
    }
    return AdapterFiles(
        {f"{PREFIX}{name}": value.detach().contiguous().numpy().copy() for name, value in tensors.items()},
        {name: sorted(value) if isinstance(value, set) else value for name, value in config.items()},
    )


def merge(body: nn.Module, adapters: Adapters) -> None:
    """Adds each adapter to the weight beside it and takes it out; `body` is then built as its library builds it."""
    for path in adapters.targets:
        layer: Any = body.get_submodule(path)
        layer.merge(safe_merge=True)
        body.set_submodule(path, layer.get_base_layer())
