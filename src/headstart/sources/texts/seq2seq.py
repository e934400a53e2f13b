"""Encoder-decoders of transformers with their own head (T5, BART, Marian, Pegasus …): a text in, a text out.

In training the decoder is shown the true answer, moved on by one piece, and predicts each next piece (teacher forcing).
To answer, it goes on from what it wrote itself, along several beams.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from headstart.core.wording import counted
from headstart.sources.contract import Artefact
from headstart.sources.inputs import Inputs, Tensors
from headstart.sources.texts.own_heads import GENERATION, IGNORED, WANTED, WithOwnHead
from headstart.sources.texts.pieces import Pieces
from headstart.sources.texts.source import IDS, MASK

if TYPE_CHECKING:
    import torch

READ, WRITTEN = 512, 256
"""Most pieces of a text that is read, and of one that is written, where the model could take more."""
BEAMS = 4
"""Ways to go on that are followed at once, where the model's own settings name no number."""
ROOM = 1.5
"""An answer may become so many times as long as the longest of training: one that repeats itself ends there."""


class EncoderDecoder(WithOwnHead):
    """Inputs are the pieces of a text; `taught` adds those of its answer."""

    beams: int | None = None
    """None: as many as the model's own settings say."""
    longest: int | None = None
    """Pieces of the longest answer of training; None: as the model's own settings say."""
    shortened: int = 0
    """Answers of training that are longer than what the model writes."""

    def preparation(self) -> dict[str, Any]:
        most = self._longest()
        limits = dict.fromkeys(("length", "part", "at_once"), min(most, READ))
        return {**super().preparation(), **limits, "answer": min(most, WRITTEN)}

    def remarks(self, contents: Iterable[Any], counts: Mapping[str, Mapping[str, int]]) -> list[str]:
        limit, count = self.description.preparation["answer"], self.shortened
        told = counted(count, "answer is", "answers are")
        cut = [f"{told} longer than the {limit} pieces that are written; what follows is not learned."] if count else []
        return [*super().remarks(contents, counts), *cut]

    def taught(self, inputs: Inputs, answer: str) -> Inputs:
        """With the answer's pieces, which end in the end mark whether the tokenizer puts it or not."""
        pieces = self._answer_pieces.encode(answer)[IDS]
        if len(self._ends) and (not len(pieces) or pieces[-1] not in self._ends):
            pieces = np.append(pieces, self._ends[0])
        return {**inputs, WANTED: pieces.astype(np.int32)}

    def length(self, inputs: Inputs) -> int:
        return super().length(inputs) + len(inputs.get(WANTED, ()))

    def writing(self, answers: Sequence[str] = (), beams: int | None = None) -> Self:
        other = copy.copy(self)
        other.__dict__.pop("_settings", None)
        other.beams = beams or self.beams
        if answers:
            other.longest = max(len(self.taught({}, answer)[WANTED]) for answer in answers)
            other.shortened = sum(map(self._answer_pieces.cuts, answers))
        return other

    def write(self, network: torch.nn.Module, inputs: Tensors) -> Tensors:
        return self._written(network, inputs, self._settings)

    def spell(self, inputs: Tensors) -> list[str]:
        rows = [row[row >= 0].tolist() for row in inputs[WANTED]]
        return [self.pieces.tokenizer.decode(row, skip_special_tokens=True).strip() for row in rows]

    def generate(self, prompt: str, *, most: int | None = None, sample: bool = False, seed: int = 0) -> str:
        """What the model writes in answer to `prompt`: by beams, or drawn with `sample`."""
        import torch

        settings = copy.deepcopy(self._settings)
        settings.max_new_tokens = most or settings.max_new_tokens
        if sample:
            settings.do_sample, settings.num_beams = True, 1
        batch = {name: torch.from_numpy(part) for name, part in self.collate([self.prepare(prompt)]).items()}
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.manual_seed(seed)
            return self.spell(self._written(self.module(), batch, settings))[0]

    def _written(self, network: Any, inputs: Tensors, settings: Any) -> Tensors:
        import torch

        found = network.generate(inputs[IDS].long(), attention_mask=inputs[MASK].long(), generation_config=settings)
        pieces = found[:, 1:]  # behind the mark with which the decoder starts
        ends = torch.isin(pieces, torch.from_numpy(self._ends))
        behind = ends.cumsum(dim=1) - ends.long() > 0
        return {**inputs, WANTED: pieces.masked_fill(behind, IGNORED)}

    @cached_property
    def _settings(self) -> Any:
        """transformers' own settings for writing: the model's, with these beams, and no longer than answers may be."""
        from transformers import AutoConfig, GenerationConfig

        if (self.folder / GENERATION).is_file():
            settings = GenerationConfig.from_pretrained(self.folder, local_files_only=True)
        else:
            settings = GenerationConfig.from_model_config(
                AutoConfig.from_pretrained(self.folder, local_files_only=True)
            )
        limit = int(self.description.preparation["answer"])
        settings.use_cache = True
        settings.num_beams = self.beams or settings.num_beams or BEAMS
        settings.pad_token_id = self.pieces.padding if settings.pad_token_id is None else settings.pad_token_id
        if self.longest is not None:
            settings.max_new_tokens = min(limit, math.ceil(ROOM * self.longest))
            settings.max_length = settings.min_length = settings.min_new_tokens = None
        elif settings.max_length is None and settings.max_new_tokens is None:
            settings.max_new_tokens = limit
        return settings

    @cached_property
    def _ends(self) -> NDArray[np.int64]:
        """Numbers of the pieces that end an answer."""
        known = self._settings.eos_token_id
        known = self._config.get("eos_token_id") if known is None else known
        return np.array([] if known is None else known, np.int64).reshape(-1)

    @cached_property
    def _answer_pieces(self) -> Pieces:
        """They leave room for the end mark."""
        return self.open_pieces().limited(int(self.description.preparation["answer"]) - 1)

    def entry_for(self, preparation: Mapping[str, Any]) -> torch.nn.Module:
        from headstart.sources.network import TaughtEntry

        del preparation
        return TaughtEntry(WANTED, self._moved_on)

    @cached_property
    def _moved_on(self) -> Callable[[torch.Tensor], torch.Tensor]:
        """From answers (N, L) to what the decoder is shown (N, L), as the model's own class has it."""
        import torch

        with torch.device("meta"), torch.random.fork_rng(devices=[]):
            network: Any = self.build(pretrained=False)
        own = getattr(network, "prepare_decoder_input_ids_from_labels", None)
        if own is not None:
            return own  # type: ignore[no-any-return]
        start, padding = int(network.config.decoder_start_token_id), int(network.config.pad_token_id)

        def moved_on(wanted: torch.Tensor) -> torch.Tensor:
            shown = wanted.roll(1, dims=1).masked_fill(wanted.roll(1, dims=1) == IGNORED, padding)
            shown[:, 0] = start
            return shown

        return moved_on

    def blank(self, preparation: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
        batch = super().blank(preparation)
        return {**batch, WANTED: batch[IDS]}

    def noise(self, count: int) -> Inputs:
        batch = super().noise(count)
        return {**batch, WANTED: batch[IDS]}

    def artefact(self, labels: Sequence[str], outputs: int) -> Artefact:
        """With the settings for writing, so that transformers writes the same answers."""
        found = super().artefact(labels, outputs)
        copies = tuple(path for path in found.copies if path.name != GENERATION)
        settings = {name: value for name, value in self._settings.to_diff_dict().items() if not name.startswith("_")}
        return Artefact({**found.documents, GENERATION: settings}, copies, found.opens_with)
