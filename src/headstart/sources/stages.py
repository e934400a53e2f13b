"""Cutting any network into stages: ordered slices that together hold every parameter before the classifier.

The network is run once on a blank input to see what is executed, in which order, and what comes out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headstart.core.errors import SourceError
from headstart.sources.description import Stage

if TYPE_CHECKING:
    import torch
    from torch import nn

CONTAINERS = ("features", "blocks", "layers", "stages", "layer", "levels", "encoder")
"""Names under which the libraries keep the repeated part of a network; its elements become stages."""

WRAPPER_SHARE = 0.5
"""A child with more than this share of the parameters is only a wrapper, when it holds such a container."""

TABLE_SHARE = 0.9
"""A stage with more than this share of its parameters in embeddings is a table."""

ALL_BUT_HEAD = 0.9
"""A plain sequence with more than this share of the parameters is the whole trunk: its elements become stages."""


@dataclass
class Unit:
    """A module that is never divided between stages, and what was seen of it in one run."""

    path: str
    module: nn.Module
    position: int = -1
    output: Any = None


def find_classifier(network: nn.Module, run: Callable[[], Any]) -> str:
    """Path of the last linear layer that runs in `run`, which is the one that answers.

    Raises:
        SourceError: the network's output does not come from a linear layer.
    """
    import torch

    executed: list[tuple[str, torch.Tensor]] = []
    handles = [
        module.register_forward_hook(_recorder(executed, path))
        for path, module in network.named_modules()
        if isinstance(module, torch.nn.Linear)
    ]
    try:
        with torch.no_grad():
            output = first_tensor(run())
    finally:
        for handle in handles:
            handle.remove()
    if not executed or not torch.equal(executed[-1][1], output):
        raise SourceError(
            "this network's answers are not those of one linear layer, so another cannot be put in its place. "
            "Choose a source that ends in a linear classifier."
        )
    return executed[-1][0]


def _recorder(executed: list[tuple[str, torch.Tensor]], path: str) -> Any:
    def record(_module: nn.Module, _inputs: Any, output: Any) -> None:
        executed.append((path, output))

    return record


def cut(network: nn.Module, run: Callable[[], Any], classifier: str, *, varies: bool = False) -> tuple[Stage, ...]:
    """The stages of `network`, in the order in which they run.

    Args:
        run: runs the network on one example.
        classifier: path of the linear layer that answers; empty when there is none, and all of it is trunk.
        varies: examples differ in length, or in the rows they are, and so do the outputs of stages.
    """
    import torch

    trunk = {id(parameter): parameter.numel() for name, parameter in network.named_parameters()
             if not (classifier and belongs(name, (classifier,)))}  # fmt: skip
    modules = {id(module): Unit(path, module) for path, module in reversed(_units(network, "", trunk))}
    units = [unit for unit in modules.values() if unit.path != classifier]
    runs = 0
    entered: list[torch.Tensor] = []

    def seen(unit: Unit) -> Any:
        def record(_module: nn.Module, _inputs: Any, output: Any) -> None:
            nonlocal runs
            if isinstance(output, tuple) and not _has_weights(unit.module):
                return  # sines and cosines of positions, say: they lie beside the way
            unit.position, unit.output = runs, first_tensor(output)
            runs += 1

        return record

    handles = [unit.module.register_forward_hook(seen(unit)) for unit in units]
    if classifier:
        listen = network.get_submodule(classifier).register_forward_pre_hook
        handles.append(listen(lambda _module, inputs: entered.append(inputs[0])))
    try:
        with torch.no_grad():
            run()
    finally:
        for handle in handles:
            handle.remove()
    executed = sorted((unit for unit in units if unit.position >= 0), key=lambda unit: unit.position)
    groups = _group(executed)
    return _stages(network, groups, classifier, entered[-1] if entered else groups[-1][-1].output, varies)


def _units(module: nn.Module, prefix: str, trunk: dict[int, int], within: bool = False) -> list[tuple[str, nn.Module]]:
    """The modules that stages are made of: children, with containers, wrappers of containers, and lists opened.

    Args:
        trunk: sizes of the parameters before the classifier, by identity: the cut must not change with the number of
            answers, because a run is opened with other answers than its source had.
        within: an element of a container was opened already; what lies deeper are blocks, which stay whole.
    """
    found: list[tuple[str, nn.Module]] = []
    for name, child in module.named_children():
        path = f"{prefix}{name}"
        element = name.isdigit()
        if not (element and within) and _opens(name, child, trunk):
            found.extend(_units(child, f"{path}.", trunk, within or element))
        elif name in ("classifier", "head", "heads", "fc") and not prefix:
            found.extend((f"{path}.{inner}" if inner else path, leaf) for inner, leaf in _leaves(child))
        else:
            found.append((path, child))
    return found


def _leaves(module: nn.Module) -> list[tuple[str, nn.Module]]:
    return [(name, child) for name, child in module.named_modules() if not list(child.children())]


def _opens(name: str, child: nn.Module, trunk: dict[int, int]) -> bool:
    from torch import nn

    if not list(child.children()):
        return False
    if name in CONTAINERS or isinstance(child, nn.ModuleList):  # a list never runs itself
        return True
    if not name.isdigit() and any(isinstance(inner, nn.ModuleList) for inner in child.children()):
        return True
    share = sum(trunk.get(id(parameter), 0) for parameter in child.parameters()) / sum(trunk.values())
    if isinstance(child, nn.Sequential) and share > ALL_BUT_HEAD:
        return True
    holds = any(path.split(".")[-1] in CONTAINERS for path, _ in child.named_modules() if path)
    return holds and share > WRAPPER_SHARE


def _group(units: list[Unit]) -> list[list[Unit]]:
    """Units without weights, and norms, join the stage before them; embeddings are added up, so they are one;
    convolutions along time are one until there is a sequence."""
    groups: list[list[Unit]] = []
    for unit in units:
        if groups and (not _has_weights(unit.module) or _embeds([*groups[-1], unit]) or _is_signal(groups[-1])):
            groups[-1].append(unit)
        else:
            groups.append([unit])
    if len(groups) > 1 and not any(_has_weights(unit.module) for unit in groups[0]):
        groups[1] = groups[0] + groups[1]
        del groups[0]
    return groups


def _embeds(units: list[Unit]) -> bool:
    from torch import nn

    return all(isinstance(unit.module, nn.Embedding) for unit in units if _has_weights(unit.module))


def _is_signal(units: list[Unit]) -> bool:
    """Whether what leaves them has channels before time (N, D, L), as convolutions along time give it."""
    from torch import nn

    last = next((unit for unit in reversed(units) if unit.output.ndim == 3), None)
    if last is None:
        return False
    widths = {inner.out_channels for inner in last.module.modules() if isinstance(inner, nn.Conv1d)}
    return last.output.shape[1] in widths and last.output.shape[2] not in widths


def _has_weights(module: nn.Module) -> bool:
    return any(parameter.ndim > 1 for parameter in module.parameters())


def _stages(
    network: nn.Module, groups: list[list[Unit]], classifier: str, entered: torch.Tensor, varies: bool
) -> tuple[Stage, ...]:
    owned = [[unit.path for unit in group] for group in groups]
    for name, _ in list(network.named_parameters()) + list(network.named_buffers()):
        if not belongs(name, (*filter(None, [classifier]), *(path for paths in owned for path in paths))):
            owned[0].append(name)  # class tokens, position embeddings: they act on the input
    stages = []
    for index, (group, paths) in enumerate(zip(groups, owned, strict=True)):
        last = index == len(groups) - 1
        way = [unit for unit in group if unit.output.shape[0] == entered.shape[0]]  # not the embeddings of positions
        output = entered if last else way[-1].output
        layout = layout_of(output)
        count = sum(parameter.numel() for name, parameter in network.named_parameters() if belongs(name, paths))
        stages.append(
            Stage(
                name=group[0].path,
                owns=tuple(paths),
                tap=classifier if last and classifier else way[-1].path,
                layout=layout,
                shape=_shape(output, layout, varies),
                width=_width(output, layout),
                parameters=count,
                is_table=_looked_up(network, paths) > TABLE_SHARE * count,
            )
        )
    return tuple(stages)


def _shape(output: torch.Tensor, layout: str, varies: bool) -> tuple[int, ...]:
    """Of one example's output. Where examples differ in length, so do sequences; all else is of an unknown number of
    rows."""
    if not varies:
        return tuple(output.shape[1:])
    return (-1, *output.shape[2 if layout == "sequence" else 1 :])


def _looked_up(network: nn.Module, paths: list[str]) -> int:
    """How many of the parameters under `paths` are rows of embeddings."""
    from torch import nn

    tables = {
        id(module.weight): module.weight.numel()
        for name, module in network.named_modules()
        if isinstance(module, nn.Embedding) and belongs(name, paths)
    }
    return sum(tables.values())


def belongs(name: str, paths: Any) -> bool:
    """Whether the parameter or module called `name` lies at or under one of `paths`."""
    return any(name == path or name.startswith(f"{path}.") for path in paths)


def layout_of(output: torch.Tensor) -> str:
    """The layout of a stage's output; a map's two spatial axes are told by being equal (inputs are square)."""
    if output.ndim == 2:
        return "pooled"
    if output.ndim == 3:
        return "sequence"
    if output.ndim == 4:
        return "map-last" if output.shape[1] == output.shape[2] != output.shape[3] else "map"
    raise SourceError(f"a stage of this network gives a tensor with {output.ndim} axes; 2, 3 or 4 can be used.")


def _width(output: torch.Tensor, layout: str) -> int:
    return int(output.shape[1] if layout == "map" else output.shape[-1])


def first_tensor(output: Any) -> torch.Tensor:
    """The tensor in what a module returns: itself, the logits, or the first of a tuple."""
    import torch

    if isinstance(output, torch.Tensor):
        return output
    for name in ("logits", "last_hidden_state"):
        if isinstance(getattr(output, name, None), torch.Tensor):
            return getattr(output, name)  # type: ignore[no-any-return]
    if isinstance(output, (tuple, list)) and output:
        return first_tensor(output[0])
    raise SourceError(f"a stage of this network returns a {type(output).__name__}, which holds no tensor.")
