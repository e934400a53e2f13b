"""Tiny text models in the hub's format, with a tokenizer of whole words, and generated texts."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch

WORDS = """good great fine lovely happy bad awful poor sad angry the a film book song story was is very quite and but
    he she they saw read heard liked hated it in of to with london paris berlin anna peter maria .""".split()  # noqa: SIM905
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "<s>", "</s>"]
VOCABULARY = len(SPECIAL) + len(WORDS)
_SIZES: dict[str, Any] = {"vocab_size": VOCABULARY, "pad_token_id": 0}
_BERT = {
    **_SIZES, "hidden_size": 24, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 32,
    "max_position_embeddings": 64,
}  # fmt: skip
_TWO_SIDED = {
    **_SIZES, "d_model": 24, "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 2,
    "decoder_attention_heads": 2, "encoder_ffn_dim": 32, "decoder_ffn_dim": 32, "max_position_embeddings": 64,
    "eos_token_id": 6, "bos_token_id": 5, "decoder_start_token_id": 6, "forced_eos_token_id": 6,
}  # fmt: skip
FAMILIES: dict[str, tuple[str, dict[str, Any]]] = {
    "bert": ("BertForMaskedLM", _BERT),
    "roberta": ("RobertaForMaskedLM", {**_BERT, "pad_token_id": 1, "max_position_embeddings": 66}),
    "distilbert": ("DistilBertForMaskedLM", {**_SIZES, "dim": 24, "n_layers": 3, "n_heads": 2, "hidden_dim": 32,
                                             "max_position_embeddings": 64}),
    "modernbert": ("ModernBertForMaskedLM", {**_BERT, "cls_token_id": 2, "sep_token_id": 3, "bos_token_id": 2,
                                             "eos_token_id": 3}),
    "deberta-v2": ("DebertaV2ForMaskedLM", {**_BERT, "relative_attention": True, "pos_att_type": ["p2c", "c2p"]}),
    "gpt2": ("GPT2LMHeadModel", {"vocab_size": VOCABULARY, "n_embd": 24, "n_layer": 3, "n_head": 2, "n_positions": 64,
                                 "bos_token_id": 5, "eos_token_id": 6}),
    "llama": ("LlamaForCausalLM", {**_BERT, "num_key_value_heads": 1, "bos_token_id": 5, "eos_token_id": 6}),
    "t5": ("T5ForConditionalGeneration", {**_SIZES, "d_model": 24, "d_kv": 12, "d_ff": 32, "num_layers": 2,
                                          "num_heads": 2, "eos_token_id": 6, "decoder_start_token_id": 0}),
    "bart": ("BartForConditionalGeneration", _TWO_SIDED),
    "marian": ("MarianMTModel", {**_TWO_SIDED, "decoder_vocab_size": VOCABULARY}),
}  # fmt: skip
"""model_type -> the class that is published, and a tiny configuration."""


def write_tokenizer(
    folder: Path, *, template: str = "[CLS] $A [SEP]", pair: str = "[CLS] $A [SEP] $B:1 [SEP]:1"
) -> None:
    """A tokenizer of whole words in the library's own format."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    numbers = {word: number for number, word in enumerate([*SPECIAL, *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(numbers, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single=template, pair=pair, special_tokens=[(name, numbers[name]) for name in SPECIAL]
    )
    tokenizer.add_special_tokens(SPECIAL)
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(
        json.dumps(
            {
                "tokenizer_class": "PreTrainedTokenizerFast",
                "pad_token": "[PAD]",
                "unk_token": "[UNK]",
                "mask_token": "[MASK]",
                "eos_token": "</s>",
                "bos_token": "<s>",
            }
        )
    )


def write_text_model(folder: Path, family: str, *, seed: int = 0, **changed: Any) -> Path:
    """A model of `family` with random weights, as transformers saves it."""
    import transformers

    name, configuration = FAMILIES[family]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        kind = getattr(transformers, name)
        network = kind(kind.config_class(**{**configuration, **changed}))
    network.save_pretrained(folder)
    write_tokenizer(folder)
    return folder


def sentence(mood: str, number: int) -> str:
    """A short opinion; `number` chooses its words and how many there are."""
    random = np.random.default_rng([number, len(mood)])
    words = WORDS[:5] if mood == "good" else WORDS[5:10]
    thing = str(random.choice(WORDS[11:16]))
    filler = " ".join(random.choice(WORDS[10:26], int(random.integers(0, 12))))
    return f"the {thing} was {random.choice(words)} and {random.choice(words)} {filler}".strip()


def write_reviews(path: Path, count: int = 40) -> Path:
    """A CSV of `count` opinions of each of two moods."""
    lines = ["text,label"] + [f'"{sentence(mood, number)} {number}",{mood}' for number in range(count)
                              for mood in ("good", "bad")]  # fmt: skip
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def tagged(number: int) -> tuple[list[str], list[str]]:
    """The words of a sentence with names of persons and places of one or two words, and their tags."""
    random = np.random.default_rng([number, 9])
    persons, places = WORDS[-4:-1], WORDS[-7:-4]
    words, tags = [], []
    for _ in range(int(random.integers(1, 3))):
        for kind, names, verb in (("person", persons, WORDS[24:28]), ("place", places, WORDS[31:33])):
            count = int(random.integers(1, 3))
            words += [*random.choice(names, count).tolist(), str(random.choice(verb)), str(random.choice(WORDS[10:20]))]
            tags += [f"B-{kind}", *[f"I-{kind}"] * (count - 1), "O", "O"]
    return words, tags


def write_conll(folder: Path, train: int = 60, test: int = 40) -> Path:
    """A folder with train.conll and test.conll."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, numbers in (("train", range(train)), ("test", range(1000, 1000 + test))):
        sentences = [zip(*tagged(number), strict=True) for number in numbers]
        lines = ["\n".join(f"{word}\t{tag}" for word, tag in sentence) for sentence in sentences]
        (folder / f"{name}.conll").write_text("\n\n".join(lines) + "\n")
    return folder


def asked(number: int) -> dict[str, Any]:
    """A question of SQuAD's form: which persons there are in a text, with a name of one or two words, or none."""
    random = np.random.default_rng([number, 11])
    words = random.choice(WORDS[10:31], int(random.integers(4, 12))).tolist()
    name = random.choice(WORDS[-4:-1], int(random.integers(0, 3))).tolist()
    place = int(random.integers(0, len(words)))
    context = " ".join([*words[:place], *name, *words[place:], "."])
    answers = [{"text": " ".join(name), "answer_start": len(" ".join([*words[:place], ""]))}] if name else []
    question = {"id": f"q{number:04d}", "question": "he saw", "answers": answers, "is_impossible": not name}
    return {"context": context, "qas": [question]}


def write_squad(path: Path, numbers: Iterable[int], title: str = "names") -> Path:
    """A file of SQuAD's JSON with these questions, each on a context of its own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    articles = [{"title": title, "paragraphs": [asked(number) for number in numbers]}]
    path.write_text(json.dumps({"version": "v2.0", "data": articles}))
    return path


def pair(number: int) -> tuple[str, str]:
    """Some words, and the first of them in German, so to speak: backwards."""
    random = np.random.default_rng([number, 4])
    words = random.choice(WORDS[:20], int(random.integers(4, 9))).tolist()
    return " ".join(words), " ".join(reversed(words[:3]))


def write_pairs(path: Path, count: int = 60) -> Path:
    """A TSV of texts and what is to be written in answer to them."""
    rows = ["source\ttarget", *("\t".join(pair(number)) for number in range(count))]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path
