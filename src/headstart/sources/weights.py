"""Reading weight files: safetensors only, checked, never code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from headstart.core.errors import SourceError

WEIGHTS = "model.safetensors"


def find(folder: Path) -> Path:
    """The safetensors file of a model folder.

    Raises:
        SourceError: there is none; when there is a pickle instead, the message says how to convert it.
    """
    path = folder / WEIGHTS
    if path.is_file():
        return path
    pickles = sorted(p.name for p in folder.iterdir() if p.suffix in (".bin", ".pth", ".pt", ".pkl", ".ckpt"))
    if pickles:
        raise SourceError(
            f"{folder} holds {pickles[0]}, a pickle, which can run code when it is opened, and no {WEIGHTS}. "
            "Convert it with safetensors.torch.save_file in a place you trust, then try again."
        )
    raise SourceError(f"{folder} has no {WEIGHTS}. Put the weights there as safetensors.")


def load(path: Path) -> dict[str, NDArray[Any]]:
    """All tensors of a safetensors file as arrays.

    Raises:
        SourceError: the file is not safetensors, or is damaged.
    """
    from safetensors import SafetensorError

    try:
        from safetensors.numpy import load_file

        return dict(load_file(path))
    except (TypeError, KeyError, AttributeError):  # bfloat16, which NumPy does not have
        from safetensors.torch import load_file as load_torch_file

        return {name: tensor.float().numpy() for name, tensor in load_torch_file(path).items()}
    except (SafetensorError, ValueError, OSError) as problem:
        raise SourceError(f"{path} is not a whole safetensors file ({problem}). Fetch or copy it again.") from None


def into(network: Any, arrays: dict[str, NDArray[Any]], path: Path) -> None:
    """Puts the tensors of `path` into `network`; names and shapes must match exactly.

    Raises:
        SourceError: they do not; the first differences are named.
    """
    import torch

    own = network.state_dict()
    missing = sorted(set(own) - set(arrays) - {name for name in own if name.endswith("num_batches_tracked")})
    unexpected = sorted(set(arrays) - set(own))
    shapes = [name for name in own if name in arrays and tuple(own[name].shape) != tuple(arrays[name].shape)]
    if missing or unexpected or shapes:
        parts = [
            f"{label}: {', '.join(names[:3])}{' …' if len(names) > 3 else ''}"
            for label, names in (("missing", missing), ("not known", unexpected), ("of another shape", shapes))
            if names
        ]
        raise SourceError(
            f"The weights in {path} do not fit the architecture ({'; '.join(parts)}). "
            "Check the configuration beside them."
        )
    network.load_state_dict(
        {name: torch.tensor(array, dtype=own[name].dtype) for name, array in arrays.items()}, strict=False
    )


def one(path: Path, name: str) -> NDArray[Any]:
    """One tensor of a safetensors file, without reading the others."""
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as opened:
        found: NDArray[Any] = opened.get_tensor(name)
        return found


def names(path: Path) -> list[str]:
    """Names of the tensors of a safetensors file, without reading them."""
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as opened:
        return list(opened.keys())
