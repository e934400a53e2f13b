"""A translator, or any other writer of answers, from nothing but pairs of texts: pieces learned from the texts to learn
from, a small encoder-decoder (Vaswani et al. 2017, with norms ahead of its layers), random weights."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pydantic

from headstart.bank import Bank
from headstart.core import files, settings
from headstart.core.errors import RecipeError, RunError
from headstart.data import checks, splits
from headstart.data.contents import contents_of
from headstart.data.modalities.text import Text, plain
from headstart.data.read import read
from headstart.data.table import Examples
from headstart.verbs.adapt import adapt
from headstart.verbs.pretrain import parts_of
from headstart.verbs.recipe import checked

if TYPE_CHECKING:
    from rich.console import Console

    from headstart.verbs.model import Model

TASK, NAME = "seq2seq", "transformer"
TEST = 0.1
"""Share to test on, where the target has no test part: of a larger task it is enough."""
PADDING, END = "<pad>", "</s>"


class Architecture(pydantic.BaseModel):
    """Of the new network and its pieces."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    pieces: int = pydantic.Field(4000, ge=300, le=200_000, description="Most word pieces, of both sides together.")
    width: int = pydantic.Field(256, ge=8, le=4096, description="Numbers by which a piece is described.")
    layers: int = pydantic.Field(3, ge=1, le=48, description="Of the encoder, and of the decoder.")
    heads: int = pydantic.Field(4, ge=1, le=64, description="Of attention; they divide the width.")
    dropout: float = pydantic.Field(0.2, ge=0, lt=1, description="Share of activations dropped in training.")
    length: int = pydantic.Field(512, ge=8, le=4096, description="Most pieces of a text.")


def from_nothing(
    target: Any,
    *,
    out: str | Path,
    arch: str = NAME,
    epochs: float = 30,
    learning_rate: float = 1e-3,
    batch: int = 64,
    label: str | None = None,
    content: str | None = None,
    split: str | None = None,
    seed: int = 0,
    console: Console | None = None,
) -> Model:
    """Teaches a new encoder-decoder on the pairs of `target`; the folder `out` is a run, and a source to adapt. What it
    began as stays beside it, in the folder of that name with `-start`.

    Args:
        arch: "transformer", or "transformer:key=value,…" with fields of `Architecture`.

    Raises:
        HeadstartError: something cannot be used; the message says what to do.
    """
    architecture: Architecture = chosen(Architecture, NAME, arch, TASK)
    start = start_beside(out)
    table = read(target, label=label, content=content, split=split, written=True)
    usable = checks.check(table, Bank(settings.current().bank).facts(table.modality))
    learned = splits.split(usable, test=TEST, seed=seed).part("fit")
    count = write(start, _texts(learned), architecture, seed)
    if console is not None:
        console.print(f"{start}: {count:,} pieces learned from {len(learned):,} pairs.")
    return adapt(
        target,
        source=start,
        task=TASK,
        strategy="scratch",
        options={"epochs": epochs, "learning_rate": learning_rate, "batch": batch},
        label=label,
        content=content,
        split=split,
        test=TEST,
        baselines=False,
        seed=seed,
        out=out,
        console=console,
    )


def chosen(kind: type[pydantic.BaseModel], name: str, arch: str, task: str) -> Any:
    """The architecture called `name`, of the fields that `arch` gives, such as "name:width=128".

    Raises:
        RecipeError: another name, or a field that it does not have.
    """
    asked, arguments = parts_of(arch)
    if asked != name:
        raise RecipeError(f"There is no architecture '{asked}' for {task}. Say {name}, or {name}:width=128.")
    return checked(kind, arguments, f"architecture {name}")


def start_beside(out: str | Path) -> Path:
    """The folder, beside that of the run, of what it began as.

    Raises:
        RunError: it exists already.
    """
    folder = Path(out).resolve()
    start = folder.with_name(f"{folder.name}-start")
    if start.exists():
        raise RunError(f"{start} exists already. Remove it, or choose another name with --out.")
    return start


def write(folder: Path, texts: Iterable[str], architecture: Architecture, seed: int) -> int:
    """Writes an untrained model with its pieces, in transformers' format; gives the number of pieces."""
    import torch
    from transformers import PegasusConfig, PegasusForConditionalGeneration
    from transformers.utils import logging

    logging.disable_progress_bar()
    tokenizer = learn_pieces(texts, architecture.pieces)
    numbers = {name: tokenizer.token_to_id(name) for name in (PADDING, END)}
    config = PegasusConfig(
        vocab_size=tokenizer.get_vocab_size(),
        d_model=architecture.width,
        encoder_layers=architecture.layers,
        decoder_layers=architecture.layers,
        encoder_attention_heads=architecture.heads,
        decoder_attention_heads=architecture.heads,
        encoder_ffn_dim=4 * architecture.width,
        decoder_ffn_dim=4 * architecture.width,
        max_position_embeddings=architecture.length,
        activation_function="relu",
        dropout=architecture.dropout,
        attention_dropout=architecture.dropout,
        scale_embedding=True,
        pad_token_id=numbers[PADDING],
        eos_token_id=numbers[END],
        decoder_start_token_id=numbers[PADDING],
        forced_eos_token_id=None,
    )
    with torch.random.fork_rng(devices=[]), files.atomic(folder) as temporary:
        torch.manual_seed(seed)
        PegasusForConditionalGeneration(config).save_pretrained(temporary)
        tokenizer.save(str(temporary / "tokenizer.json"))
        known = {"tokenizer_class": "PreTrainedTokenizerFast", "pad_token": PADDING, "eos_token": END}
        files.write_json(temporary / "tokenizer_config.json", known)
    return int(tokenizer.get_vocab_size())


def learn_pieces(texts: Iterable[str], most: int) -> Any:
    """A tokenizer of byte pairs (Sennrich et al. 2016), down to bytes where it has to be: nothing is unknown to it."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=most,
        min_frequency=2,
        special_tokens=[PADDING, END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"$A {END}", pair=f"$A $B {END}", special_tokens=[(END, tokenizer.token_to_id(END))]
    )
    return tokenizer


def _texts(examples: Examples) -> Iterator[str]:
    """Both sides of every pair."""
    for content, answer in zip(contents_of(examples), examples.labels(), strict=True):
        yield plain(Text().decode(content))
        yield answer
