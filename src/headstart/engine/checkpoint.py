"""The state of an unfinished training, in one safetensors file, replaced in one step: whole at any moment."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from headstart.core import files
from headstart.core.errors import RunError

STATE = "state"


def save(path: Path, tensors: dict[str, torch.Tensor], document: dict[str, Any]) -> None:
    """Writes tensors and a JSON document together."""
    from safetensors.torch import save_file

    with files.atomic(path) as temporary:
        save_file(
            {name: tensor.detach().contiguous().clone() for name, tensor in tensors.items()},
            temporary,
            metadata={STATE: json.dumps(document)},
        )


def load(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """What `save` wrote.

    Raises:
        RunError: the file is damaged.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as opened:
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
            return tensors, json.loads(opened.metadata()[STATE])
    except (SafetensorError, KeyError, json.JSONDecodeError) as problem:
        raise RunError(
            f"The checkpoint {path} is damaged ({problem}). Remove it and run again from the start."
        ) from None


def optimiser_tensors(optimiser: torch.optim.Optimizer) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """State of an optimiser as named tensors, and the few numbers that are not tensors."""
    state = optimiser.state_dict()["state"]
    tensors = {
        f"optimiser.{index}.{name}": value
        for index, entries in state.items()
        for name, value in entries.items()
        if isinstance(value, torch.Tensor)
    }
    numbers = {
        f"{index}.{name}": value
        for index, entries in state.items()
        for name, value in entries.items()
        if not isinstance(value, torch.Tensor)
    }
    return tensors, numbers


def restore_optimiser(
    optimiser: torch.optim.Optimizer, tensors: dict[str, torch.Tensor], numbers: dict[str, Any]
) -> None:
    """Moments lie in memory as their parameters do, because a fused step goes through both in that order."""
    parameters = [parameter for group in optimiser.param_groups for parameter in group["params"]]
    state: dict[int, dict[str, Any]] = {}
    for name, value in tensors.items():
        if name.startswith("optimiser."):
            _, index, entry = name.split(".", 2)
            like = parameters[int(index)]
            state.setdefault(int(index), {})[entry] = (
                torch.empty_like(like).copy_(value) if value.shape == like.shape else value
            )
    for name, number in numbers.items():
        index, entry = name.split(".", 1)
        state.setdefault(int(index), {})[entry] = number
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
