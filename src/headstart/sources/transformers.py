"""What all sources of transformers share: a folder with config.json and model.safetensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from headstart.core.errors import SourceError
from headstart.sources import weights
from headstart.sources.description import SourceCard
from headstart.sources.library import FolderSource

if TYPE_CHECKING:
    import torch


class TransformersSource(FolderSource):
    """A model in the format of transformers, of any modality."""

    family = "hf"

    @property
    def architecture(self) -> str:
        return str(self._config.get("model_type") or self._config["architectures"][0])

    def build_as(self, automatic: Any, pretrained: bool, what: str, **options: Any) -> torch.nn.Module:
        """The network that transformers' class `automatic` makes of this folder.

        Raises:
            SourceError: it makes none; `what` says what it was wanted as.
        """
        from transformers import AutoConfig
        from transformers.utils import logging

        logging.disable_progress_bar()
        logging.set_verbosity_error()
        try:
            if not pretrained:
                config = AutoConfig.from_pretrained(self.folder, local_files_only=True, trust_remote_code=False)
                return automatic.from_config(config, **options)  # type: ignore[no-any-return]
            return automatic.from_pretrained(  # type: ignore[no-any-return]
                self.folder,
                local_files_only=True,
                use_safetensors=True,
                trust_remote_code=False,
                dtype="float32",
                **options,
            )
        except (ValueError, KeyError) as problem:
            raise SourceError(
                f"transformers cannot open {self.name} as {what}: {str(problem).splitlines()[0]}"
            ) from None

    def weights(self) -> dict[str, NDArray[Any]]:
        return weights.load(self.path) if self.seed is None else super().weights()

    @cached_property
    def _prefix(self) -> str:
        """What the names of the trunk's weights begin with in the file of a model with a head."""
        return _common_prefix(weights.names(self.path), list(self.module().state_dict()))

    def on_disk(self, changed: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """The library renames some weights when it loads them (query to q_proj); its own way back is taken."""
        written = set(weights.names(self.path))
        if self.seed is not None or set(changed) <= written:
            return dict(changed)
        named = {f"{self._prefix}{name}": value for name, value in changed.items()}
        if set(named) <= written:
            return named
        import torch
        from transformers.core_model_loading import revert_weight_conversion

        network = self.module()
        given = revert_weight_conversion(network, network.state_dict())
        before = {name: value.clone() for name, value in given.items()}
        network.load_state_dict({name: torch.from_numpy(value) for name, value in changed.items()}, strict=False)
        after = revert_weight_conversion(network, network.state_dict())
        return {name: value.numpy() for name, value in after.items() if not torch.equal(value, before[name])}

    def own_labels(self) -> tuple[str, ...]:
        known = self._config.get("id2label") or {}
        names = tuple(str(known[key]) for key in sorted(known, key=int))
        return () if all(name == f"LABEL_{number}" for number, name in enumerate(names)) else names

    def card(self) -> SourceCard:
        licence, trained_on = "not stated", "not stated"
        readme = self.folder / "README.md"
        if readme.is_file() and readme.read_text(encoding="utf-8").startswith("---"):
            import yaml

            facts = yaml.safe_load(readme.read_text(encoding="utf-8").split("---")[1]) or {}
            licence = str(facts.get("license", licence))
            datasets = facts.get("datasets", trained_on)
            trained_on = ", ".join(datasets) if isinstance(datasets, list) else str(datasets)
        return SourceCard(licence=licence, trained_on=trained_on, size=self.path.stat().st_size, place=str(self.folder))


def _common_prefix(written: Sequence[str], built: Sequence[str]) -> str:
    """The prefix that turns the most names of `built` into names of `written`."""
    known = set(written)
    first = built[0]
    candidates = [name.removesuffix(first) for name in written if name.endswith(first)] or [""]
    return max(candidates, key=lambda prefix: sum(f"{prefix}{name}" in known for name in built))
