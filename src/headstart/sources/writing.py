"""Answers in words: what a source gives whose own head writes them. Every other refuses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

from headstart.core.errors import SourceError
from headstart.sources.description import Described
from headstart.sources.inputs import Inputs, Tensors

if TYPE_CHECKING:
    import torch


class MayWrite(Described):
    """The part of `Source` that only those answer which write texts.

    Raises:
        SourceError: each method, where the source does not.
    """

    def taught(self, inputs: Inputs, answer: str) -> Inputs:
        """The inputs of one example with the answer that is to be given: for training and validation alone."""
        del inputs, answer
        raise self._writes_nothing()

    def writing(self, answers: Sequence[str] = (), beams: int | None = None) -> Self:
        """The same source, set to write.

        Args:
            answers: of training; those it writes become about as long at most.
            beams: ways to go on that it follows at once.
        """
        del answers, beams
        raise self._writes_nothing()

    def write(self, network: torch.nn.Module, inputs: Tensors) -> Tensors:
        """A batch of inputs with the answers that a live `network` of this source writes, as `taught` adds them."""
        del network, inputs
        raise self._writes_nothing()

    def spell(self, inputs: Tensors) -> list[str]:
        """The texts of the answers in a batch of inputs."""
        del inputs
        raise self._writes_nothing()

    def generate(self, prompt: str, *, most: int | None = None, sample: bool = False, seed: int = 0) -> str:
        """The text that goes on from `prompt`, fills it in or answers it; at most `most` pieces of it."""
        del prompt, most, sample, seed
        raise self._writes_nothing()

    def _writes_nothing(self) -> SourceError:
        return SourceError(f"{self.title} does not write texts. Use a run of --task language-modeling or seq2seq.")
