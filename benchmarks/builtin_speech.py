"""Makes the builtin source `builtin/speech-tiny`: a recogniser of English, from LJ Speech and sentences by espeak-ng.

    python benchmarks/builtin_speech.py LJ WORK OUT

LJ is the folder `speech_en_lj` (metadata.csv with file and text), WORK a folder for what is spoken and for the run.
"""

from __future__ import annotations

import csv
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import soundfile
import yaml
from rich.console import Console
from safetensors.numpy import load_file, save_file

from headstart.core.hardware import versions
from headstart.verbs.untaught_speech import from_nothing
from speaking import RATE, some_voice, spoken

ACCENTS = ("en-us", "en-gb", "en-gb-scotland", "en-gb-x-rp", "en-029", "en-gb-x-gbclan")
SPOKEN, AS_WRITTEN = 1400, 200
"""Sentences made up; rows of words of LJ Speech, in any order."""
WHO = """
the teacher|my brother|an old man|a young girl|the king|our neighbour|his daughter|a good friend |
the doctor|a quiet child|the farmer|her uncle|every student|the driver|a bird|the black dog |
a small cat|the wind|nobody|the judge
"""
DOES = """
opens|watches|breaks|carries|finds|buys|sells|paints|leaves|forgets|follows|brings|cleans
| loves|hides|reads|throws|keeps|measures|questions
"""
WHAT = """
the window|a heavy box|the yellow flowers|an apple|seven letters|the long road|a glass of water |
the kitchen table|some fresh bread|a silver ring|the garden gate|two thousand books|a joyful song |
the picture|the exact number|a cup of coffee|the village church|a purple jacket|the vegetables |
nothing at all
"""
HOW = """
in the morning|after school|without a word|behind the house|very slowly|at the river|before dinner |
every sunday|with great care|near the station|for the first time|once again|on the bridge |
under the trees|at half past eight|in the deep snow|because of the weather|when it is quiet |
across the ocean|just in time
"""
EPOCHS = 30
README = """---
license: apache-2.0
tags: [automatic-speech-recognition, feature-extraction]
---

# builtin/speech-tiny

A small recogniser of English letters (1.3 million parameters, log-mel spectra of 16 kHz) that comes with Headstart, as
a start for other languages and vocabularies. It was trained by `headstart pretrain --objective speech-recognition` on
{count} utterances: 100 of LJ Speech (public domain, one reader), the others spoken by espeak-ng. It has heard one human
voice; as a recogniser of English it is a toy.

Made by `python benchmarks/builtin_speech.py LJ WORK OUT`.
"""


def sentences(texts: list[str]) -> list[str]:
    random = np.random.default_rng(0)
    parts = [[one.strip() for one in part.split("|") if one.strip()] for part in (WHO, DOES, WHAT, HOW)]
    made = [" ".join(str(random.choice(part)) for part in parts) for _ in range(SPOKEN)]
    words = sorted({word for text in texts for word in text.split()})
    mixed = [" ".join(random.choice(words, random.integers(3, 8))) for _ in range(AS_WRITTEN)]
    return made + mixed


def write(folder: Path, work: Path) -> Path:
    """The table of recordings and transcripts."""
    table = work / "english.csv"
    if table.exists():
        return table
    (work / "spoken").mkdir(parents=True)
    with (folder / "metadata.csv").open() as lines:
        rows = [(str(folder.resolve() / row["file"]), row["text"]) for row in csv.DictReader(lines)]
    made = sentences([text for _, text in rows])

    def speak(number: int) -> tuple[str, str]:
        random = np.random.default_rng([4, number])
        path = work.resolve() / "spoken" / f"{number:05}.flac"
        samples = spoken(made[number], some_voice(ACCENTS, random))
        noise = random.normal(size=len(samples)) * np.abs(samples).max() * 10 ** (-random.uniform(25, 60) / 20)
        soundfile.write(path, samples + noise, RATE)
        return str(path), made[number]

    with ThreadPoolExecutor(2) as pool:
        rows += pool.map(speak, range(len(made)))
    with table.open("w", newline="") as file:
        csv.writer(file).writerows([("path", "sentence"), *rows])
    return table


def main() -> None:
    folder, work, out = map(Path, sys.argv[1:])
    table = write(folder, work)
    model = from_nothing(table, out=work / "run", content="sentence", epochs=EPOCHS, console=Console())
    out.mkdir(parents=True)
    arrays = load_file(model.folder / "model.safetensors")
    save_file({name: array.astype(np.float16) for name, array in arrays.items()}, out / "model.safetensors")
    config = json.loads((model.folder / "config.json").read_text())
    trained_on = "English: LJ Speech (100 utterances) and sentences by espeak-ng"
    config |= {"license": "apache-2.0", "trained_on": trained_on}
    (out / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    arm = model.receipt.arms[0]
    made = {
        "objective": "speech-recognition",
        "arch": "recogniser",
        "epochs": EPOCHS,
        "trained_on": trained_on,
        "held_out": {name: round(one.value, 4) for name, one in arm.metrics.items() if one is not None},
        "versions": versions(),
    }
    (out / "recipe.yaml").write_text(yaml.safe_dump(made, sort_keys=False))
    (out / "README.md").write_text(README.format(count=len(table.read_text().splitlines()) - 1))


if __name__ == "__main__":
    main()
