"""Text models of transformers opened with the head they came with, which is their last stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from headstart.core.errors import SourceError
from headstart.core.ragged import filled
from headstart.sources.contract import Artefact, Source
from headstart.sources.inputs import Inputs
from headstart.sources.texts.heads import ASKED_BY, OPENED_AS, head_of
from headstart.sources.texts.transformers import TransformersTexts

if TYPE_CHECKING:
    import torch

WANTED = "labels"
"""Input (N, L): at each position the piece to be predicted there, or IGNORED."""
IGNORED = -100
GENERATION = "generation_config.json"


class WithOwnHead(TransformersTexts):
    """A folder of transformers, opened with its own head: the last stage gives scores of every piece (N, L, V).

    Raises:
        SourceError: the model was made with another head.
    """

    def __init__(self, folder: Path, name: str, head: str) -> None:
        super().__init__(folder, name)
        self.head = head
        own = head_of(self._config)
        if own != head:
            instead = f"It was made for {ASKED_BY[own]}: use it for that, or" if own in ASKED_BY else "Use"
            raise SourceError(
                f"{self.title} ({self.architecture}) was not made for {ASKED_BY[head]}. {instead} another source."
            )

    @property
    def answers_itself(self) -> bool:
        return True

    @property
    def opener(self) -> str:
        """The name of transformers' class that opens it."""
        return OPENED_AS[self.head][0]

    def identity(self) -> dict[str, Any]:
        return {**super().identity(), "head": self.head}

    def build(self, pretrained: bool) -> torch.nn.Module:
        import transformers

        network: Any = self.build_as(getattr(transformers, self.opener), pretrained, "a language model")
        network.config.use_cache = False
        return network  # type: ignore[no-any-return]

    def collate(self, inputs: Sequence[Inputs]) -> Inputs:
        """A batch, filled up to the longest; what is to be predicted, where it is known, up to the longest of that."""
        batch = super().collate([{name: part for name, part in one.items() if name != WANTED} for one in inputs])
        if WANTED not in inputs[0]:
            return batch
        wanted = [one[WANTED] for one in inputs]
        return {**batch, WANTED: filled(wanted, max(map(len, wanted)), IGNORED)}

    def artefact(self, labels: Sequence[str], outputs: int) -> Artefact:
        """Opened by transformers' own class, tied weights tied."""
        found = super().artefact(labels, outputs)
        here = self.folder / GENERATION
        copies = (*found.copies, here) if here.is_file() else found.copies
        return Artefact(found.documents, copies, f"transformers.{self.opener}.from_pretrained('{{folder}}')")

    def weights(self) -> dict[str, NDArray[Any]]:
        """Every tensor once: tied ones under the name that transformers trains them by."""
        state = self.module().state_dict()
        return {name: state[name].detach().numpy() for name in state if name not in self._tied}

    @cached_property
    def _tied(self) -> frozenset[str]:
        network = self.module()
        own = {name for name, _ in network.named_parameters()} | {name for name, _ in network.named_buffers()}
        return frozenset(set(network.state_dict()) - own)

    def on_disk(self, changed: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        return {name: value for name, value in changed.items() if name not in self._tied}

    def with_head(self, head: str) -> Source:
        trunk = TransformersTexts(self.folder, self.name)
        trunk.seed = self.seed
        return trunk.with_head(head)
