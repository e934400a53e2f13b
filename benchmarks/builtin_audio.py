"""Makes the builtin source `builtin/audio-tiny`: words, sounds from formulas and speech, with YAMNet as its teacher.

    python benchmarks/builtin_audio.py AUDIO TEACHER WORK OUT

AUDIO is a folder with `speech_commands`, `speech_en_lj`, `speech_yesno` and `speech_voxforge_fr_it_es_ru` (metadata.csv
beside clips), TEACHER a folder of YAMNet, WORK a folder for what is made to learn from (half a gigabyte, made once).
The words for digits are left out everywhere, and so is everything of the sets that results are reported on.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray
from rich.console import Console

from headstart.verbs.pretrain import Pretraining, pretrain
from speaking import RATE, some_voice, spoken
from synthetic_sounds import KINDS, recorded, sound

ACCENTS = ("en-us", "en-gb", "en-gb-scotland", "en-gb-x-rp", "en-029", "en-gb-x-gbclan")
DIGITS = {"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"}
WORDS = """
about above after again air all along also animal answer apple around away baby back ball bed before begin below
better bird black blue boat book both bottle box boy bread bring brother brown build busy camera car carry cat chair
change child city clean clear close cloud cold come cook corner country cow cup dance dark day deep dinner dog door
down draw dream drink drive early earth east easy eat empty end enough evening every eye face fall family farm fast
father few field fight find fire fish floor flower fly follow food foot forest forward friend full game garden girl
give glass go gold good grass great green ground grow hair hand happy hard head hear heart heavy help here high hill
home horse hot hour house ice idea island jump keep key king kitchen know land large last late laugh leaf learn left
letter light line list little live long look love low machine make man map mark may meet milk minute mirror money moon
morning mother mountain mouth move music name near never new night noise north nothing number ocean off old open
orange order paper park people phone picture plane plant play pocket point power pull push question quick quiet rain
read ready red rest right ring river road room round run sand school sea season sell shirt ship shoe shop short shut
side silver sing sister sit sky sleep slow small smile snow soap soft some song sound south speak spring square stand
star start stone stop storm story street strong summer sun swim table tail talk tall teach tell thing think ticket
time today tomorrow tonight top touch town train tree try turn uncle under up voice wait walk wall want warm wash
watch water wave way weather week west wheel white wide wild wind window winter woman wood word work world wow write
year yellow yes yesterday young
""".split()  # noqa: SIM905
RENDERINGS, OF_A_KIND, CUTS = 24, 120, 2
SECOND = RATE
RECIPE = Pretraining(
    arch="shortened:layers=13",
    epochs=10,
    learning_rate=5e-4,
    batch=32,
    views=4,
    teacher_weight=2.0,
    weight_decay=0.01,
    trained_on="words by espeak-ng, sounds from formulas, Speech Commands (200 clips), LJ Speech (100 sentences), "
    "VoxForge (39 sentences); features of YAMNet (AudioSet), whose first layers it began as",
)


def placed(samples: NDArray[np.float32], random: np.random.Generator) -> NDArray[np.float64]:
    """Within at most one second: at its beginning, or later; what is too long loses its end."""
    held = samples[:SECOND].astype(np.float64)
    early, late = (int(random.uniform(0, (SECOND - len(held)) * share)) for share in (0.6, 0.6))
    return np.pad(held, (early, min(late, SECOND - len(held) - early)))


def word(number: int) -> tuple[str, NDArray[np.float64]]:
    random = np.random.default_rng([1, number])
    text = WORDS[number // RENDERINGS]
    return f"word {text}", recorded(placed(spoken(text, some_voice(ACCENTS, random)), random), random)


def formula(number: int) -> tuple[str, NDArray[np.float64]]:
    random = np.random.default_rng([2, number])
    kind = KINDS[number // OF_A_KIND]
    made = sound(kind, SECOND, random)
    if random.uniform() < 0.3:
        made = made + random.uniform(0.05, 0.4) * sound(str(random.choice(KINDS)), SECOND, random)
    return f"sound {kind}", recorded(made, random)


def clips(audio: Path) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """Speech Commands without its digits, and seconds cut from sentences."""
    random = np.random.default_rng(3)
    with (audio / "speech_commands" / "metadata.csv").open() as lines:
        for row in csv.DictReader(lines):
            if row["label"] not in DIGITS:
                samples, _ = soundfile.read(audio / "speech_commands" / row["file"])
                yield f"word {row['label']}", samples
    for folder in ("speech_en_lj", "speech_yesno", "speech_voxforge_fr_it_es_ru"):
        for path in sorted((audio / folder).rglob("*.ogg")):
            samples, _ = soundfile.read(path)
            for _ in range(CUTS):
                start = int(random.integers(0, len(samples) - SECOND))
                yield "speech", recorded(samples[start : start + SECOND], random)


def write(audio: Path, work: Path) -> Path:
    """The folder of sounds and the table of their labels."""
    table = work / "sounds.csv"
    if table.exists():
        return table
    (work / "sounds").mkdir(parents=True)
    rows = []
    with ThreadPoolExecutor(2) as pool:
        made = [
            *pool.map(word, range(len(WORDS) * RENDERINGS)),
            *pool.map(formula, range(len(KINDS) * OF_A_KIND)),
            *clips(audio),
        ]
    for number, (label, samples) in enumerate(made):
        name = f"sounds/{number:05}.flac"
        soundfile.write(work / name, samples.astype(np.float32), RATE)
        rows.append((name, label))
    with table.open("w", newline="") as file:
        csv.writer(file).writerows([("path", "label"), *rows])
    return table


if __name__ == "__main__":
    audio, teacher, work, out = map(Path, sys.argv[1:])
    pretrain(write(audio, work), out=out, recipe=RECIPE, teacher=teacher, label="label", console=Console())
