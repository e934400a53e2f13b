"""Where a model looked: the part of a picture that its answer depends on, by captum."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from headstart.data.contents import Contents
from headstart.engine.trained import Trained
from headstart.receipt.evidence import Evidence

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image

WINDOWS = 7
"""Occlusion slides a window of this part of the picture's side, for networks without a map to look at."""


def attributions(found: Evidence, ids: Sequence[str]) -> list[tuple[str, Image]]:
    """(title, picture with the warm parts that spoke for the answer) for the test examples `ids`.

    Grad-CAM (Selvaraju et al. 2017) on the deepest stage that is a map; occlusion (Zeiler and Fergus 2014) for a
    network that has none. Nothing when captum is not installed.
    """
    trained = found.arms[0].trained
    if importlib.util.find_spec("captum") is None or trained is None:
        return []
    network, layer = _network(trained)
    test = found.splits.test.examples
    rows = {name: int(row) for name, row in zip(test.ids(), test.indices, strict=True)}
    contents = Contents(test.table)
    result = []
    for name in ids:
        inputs = trained.source.prepare(contents.read(rows[name]))
        picture = inputs["image"]
        answer, heat = _heat(network, layer, trained, picture)
        result.append((f"{name}: {trained.task.labels[answer]}", _overlay(picture, heat)))
    return result


def _network(trained: Trained) -> tuple[torch.nn.Module, Any]:
    """Pixels, normalised, to the head's scores; and the module whose map Grad-CAM reads, if there is one."""
    import torch

    from headstart.engine.training import build_model

    model = build_model(trained, trained.plan)
    model.network.body.load_state_dict(
        {name: torch.from_numpy(value) for name, value in trained.weights.items()}, strict=False
    )
    model.eval()
    model.network.entry = torch.nn.Identity()
    at = trained.head.at

    class Answering(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, pixels: torch.Tensor) -> torch.Tensor:
            heard = self.model.network(pixels, at)
            pooled = torch.cat([self.model.network.pool(stage, heard[stage], {}) for stage in at], dim=1)
            return self.model.heads[next(iter(self.model.heads))](pooled)  # type: ignore[no-any-return]

    maps = [stage for stage in trained.source.stages if stage.layout == "map" and min(stage.shape[1:]) > 2]
    layer = model.network.body.get_submodule(maps[-1].tap) if maps else None
    return Answering().eval(), layer


def _heat(
    network: torch.nn.Module, layer: Any, trained: Trained, picture: NDArray[np.uint8]
) -> tuple[int, NDArray[np.float64]]:
    """The answer's class, and how much each part (H', W') of the picture spoke for it."""
    import torch
    from captum.attr import LayerGradCam, Occlusion

    pixels = trained.source.entry()({"image": torch.from_numpy(picture[None].copy())})
    pixels.requires_grad_(True)
    answer = int(network(pixels).argmax())
    if layer is not None:
        heat = LayerGradCam(network, layer).attribute(pixels, target=answer)[0, 0]
    else:
        side = max(1, pixels.shape[-1] // WINDOWS)
        heat = (
            Occlusion(network)
            .attribute(pixels.detach(), target=answer, sliding_window_shapes=(3, side, side), strides=(3, side, side))[
                0
            ]
            .mean(dim=0)
        )
    return answer, np.maximum(heat.detach().double().numpy(), 0)


def _overlay(picture: NDArray[np.uint8], heat: NDArray[np.float64]) -> Image:
    import PIL.Image

    height, width = picture.shape[:2]
    scaled = np.uint8(255 * heat / max(float(heat.max()), 1e-12))
    smooth = PIL.Image.fromarray(scaled).resize((width, height), PIL.Image.Resampling.BICUBIC)
    mask = np.asarray(smooth, np.float64) / 255
    warm = np.stack([np.full_like(mask, 255), 255 * (1 - mask) * 0.8, np.zeros_like(mask)], axis=-1)
    share = (0.65 * mask)[..., None]
    return PIL.Image.fromarray(np.uint8(picture * (1 - share) + warm * share))
