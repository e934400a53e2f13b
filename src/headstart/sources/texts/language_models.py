"""Text models with the language-model head they came with: causal (the next piece) or masked (the hidden pieces)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from headstart.core import seeds
from headstart.core.errors import SourceError
from headstart.data.modalities.text import plain
from headstart.sources.inputs import Inputs
from headstart.sources.texts.heads import ASKED_BY, CAUSAL, MASKED
from headstart.sources.texts.own_heads import IGNORED, WANTED, WithOwnHead
from headstart.sources.texts.pieces import Pieces
from headstart.sources.texts.source import IDS

if TYPE_CHECKING:
    import torch

WINDOW = 512
"""Most pieces of one example, where the model could take more."""
CONTINUED = 100
"""Pieces by which a model goes on from a prompt, unless it is told otherwise."""
MASKS = ("[MASK]", "<mask>")
"""How tokenizers write what hides a piece."""
MARGIN = 4
"""Pieces by which windows are shorter: a part of a text may be cut into other pieces than within the whole."""
HIDDEN, SHOWN_AS_MASK, SHOWN_AS_OTHER = 0.15, 0.8, 0.1
"""Shares of Devlin et al. (2019): pieces to predict, and of these those that become the mask, or any other piece."""


class LanguageModel(WithOwnHead):
    """Inputs are the pieces of a text with those to be predicted: the next ones, or the hidden ones."""

    def preparation(self) -> dict[str, Any]:
        window = min(self._longest(), WINDOW)
        return {**super().preparation(), "length": window, "part": window, "at_once": window}

    def prepare(self, content: Any) -> Inputs:
        return self._with_wanted(super().prepare(content), 0, "")

    def view(self, content: Any, view: int, key: str) -> Inputs:
        """Other pieces are hidden in every view; a causal model has one view of a text."""
        return self._with_wanted(super().prepare(content), view, key) if view else self.prepare(content)

    def _with_wanted(self, inputs: Inputs, view: int, key: str) -> Inputs:
        ids = inputs[IDS]
        if self.head == CAUSAL:
            return {**inputs, WANTED: np.append(ids[1:], IGNORED).astype(np.int32)}
        shown, wanted = self._hide(ids, seeds.generator(view, "mask", key, *map(int, ids)))
        return {**inputs, IDS: shown, WANTED: wanted}

    def _hide(self, ids: NDArray[Any], random: np.random.Generator) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """The pieces as shown, and those to predict: at least one where there is any."""
        places = np.flatnonzero(~np.isin(ids, self._special))
        count = min(len(places), max(1, round(HIDDEN * len(places))))
        chosen = random.permutation(places)[:count]
        shown, wanted = ids.astype(np.int32), np.full(len(ids), IGNORED, np.int32)
        wanted[chosen] = ids[chosen]
        draw = random.random(count)
        shown[chosen[draw < SHOWN_AS_MASK]] = self._mask
        other = chosen[(draw >= SHOWN_AS_MASK) & (draw < SHOWN_AS_MASK + SHOWN_AS_OTHER)]
        shown[other] = random.integers(0, self.pieces.size, len(other))
        return shown, wanted

    @cached_property
    def _special(self) -> list[int]:
        added = self.pieces.tokenizer.get_added_tokens_decoder()
        return [number for number, piece in added.items() if piece.special]

    @cached_property
    def _mask(self) -> int:
        for name in MASKS:
            number = self.pieces.tokenizer.token_to_id(name)
            if number is not None:
                return int(number)
        raise SourceError(f"The tokenizer of {self.title} has no [MASK] piece, which {ASKED_BY[MASKED]} needs.")

    def divide(self, content: Any) -> list[Any]:
        """Parts of a text that fit the model; together they are the text."""
        text = plain(self._decoder.decode(content))
        found = self._windows.tokenizer.encode(text)
        starts = [_first_letter(one) for one in [found, *found.overflowing]]
        ends = [*starts[1:], len(text)]
        return [text[start:end] for start, end in zip([0, *starts[1:]], ends, strict=True) if text[start:end].strip()]

    @cached_property
    def _windows(self) -> Pieces:
        return self.open_pieces().limited(max(MARGIN + 1, int(self.description.preparation["length"]) - MARGIN))

    def generate(self, prompt: str, *, most: int | None = None, sample: bool = False, seed: int = 0) -> str:
        """The text that goes on from `prompt`, the prompt included, or of a masked model the prompt with its masks
        filled in: with what is likeliest, or drawn with `sample`.

        Raises:
            SourceError: a masked model, and nothing in the prompt is masked.
        """
        import torch

        if self.head != CAUSAL:
            return self._filled_in(prompt, sample, seed)
        pieces = self.pieces.encode(prompt)[IDS]
        last = np.flatnonzero(~np.isin(pieces, self._special)).max(initial=0)
        ids = torch.from_numpy(pieces[: last + 1]).long()[None]  # without an end mark
        network: Any = self.module()
        room = int(self.description.preparation["length"]) - ids.shape[1]
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.manual_seed(seed)
            found = network.generate(
                ids,
                attention_mask=torch.ones_like(ids),
                max_new_tokens=max(1, min(most or CONTINUED, room)),
                do_sample=sample,
                pad_token_id=self.pieces.padding,
                use_cache=True,
            )
        return self.pieces.tokenizer.decode(found[0].tolist())

    def _filled_in(self, prompt: str, sample: bool, seed: int) -> str:
        """Each mask on its own, as Devlin et al. (2019) predict them."""
        import torch

        own = str(self.pieces.tokenizer.id_to_token(self._mask))
        for name in MASKS:
            prompt = prompt.replace(name, own)
        ids = self.pieces.encode(prompt)[IDS]
        hidden = np.flatnonzero(ids == self._mask)
        if not len(hidden):
            raise SourceError(
                f"{self.title} fills in what is hidden and cannot go on from a prompt. Write {own} where a word is "
                "missing, or use a causal model."
            )
        with torch.no_grad():
            batch = torch.from_numpy(ids).long()[None]
            scores = self.module()(input_ids=batch, attention_mask=torch.ones_like(batch)).logits[0, hidden]
        generator = torch.Generator().manual_seed(seed)
        likely = scores.float().softmax(dim=-1)
        chosen = torch.multinomial(likely, 1, generator=generator)[:, 0] if sample else likely.argmax(dim=-1)
        for piece in chosen.tolist():
            prompt = prompt.replace(own, self.pieces.tokenizer.decode([piece]).strip(), 1)
        return prompt

    def entry_for(self, preparation: Mapping[str, Any]) -> torch.nn.Module:
        from headstart.sources.network import TextEntry

        del preparation
        return TextEntry(leaves_out=(WANTED,))


def _first_letter(encoding: Any) -> int:
    """Where in the text the first piece of an encoding begins."""
    for (start, end), special in zip(encoding.offsets, encoding.special_tokens_mask, strict=True):
        if not special and end > start:
            return int(start)
    return 0
