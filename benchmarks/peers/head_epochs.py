"""How good the Trainer's head on a frozen trunk becomes, by learning rate and epochs: on features computed once.

The trunk drops nothing out and clips have no views, so that is what epoch by epoch would give.
"""

import os

os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np
import pandas as pd
import torch
from sounds_common import parts, samples
from texts_common import USUAL_RATE, arguments, write_figures
from torch.nn import functional
from transformers import AutoFeatureExtractor, AutoModelForAudioClassification

RATES, EPOCHS = (USUAL_RATE, 5e-4, 1e-3, 5e-3, 2e-2), (5, 10, 20, 40, 80, 160)
BATCH, SEEDS = 32, 3

if __name__ == "__main__":
    args = arguments(__doc__)
    train, test = parts(args.data)
    names = sorted(set(train["label"]))
    extract = AutoFeatureExtractor.from_pretrained(args.model)
    model = AutoModelForAudioClassification.from_pretrained(args.model).eval()

    def known(rows: pd.DataFrame) -> tuple[torch.Tensor, torch.Tensor]:
        """Features (N, D) and classes (N,)."""
        paths, found = list(rows["path"]), []
        for start in range(0, len(paths), BATCH):
            clips = [samples(path) for path in paths[start : start + BATCH]]
            given = extract(clips, sampling_rate=extract.sampling_rate, return_tensors="pt")["input_values"]
            with torch.no_grad():
                found.append(model.base_model(given).pooler_output)
        return torch.cat(found), torch.tensor([names.index(name) for name in rows["label"]])

    (features, classes), (others, truth) = known(train), known(test)

    def accuracy(rate: float, epochs: int, seed: int) -> float:
        torch.manual_seed(seed)
        head = AutoModelForAudioClassification.from_config(model.config).classifier
        optimiser = torch.optim.AdamW(head.parameters(), lr=rate, weight_decay=0.0)
        steps = epochs * -(-len(features) // BATCH)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: 1 - step / steps)
        for _ in range(epochs):
            for rows in torch.randperm(len(features)).split(BATCH):
                optimiser.zero_grad()
                functional.cross_entropy(head(features[rows]), classes[rows]).backward()
                optimiser.step()
                schedule.step()
        return float((head(others).argmax(dim=1) == truth).float().mean())

    print("| accuracy, %, by rate and epochs | " + " | ".join(map(str, EPOCHS)) + " |")
    print("|---" * (len(EPOCHS) + 1) + "|")
    for rate in RATES:
        row = [np.mean([accuracy(rate, epochs, seed) for seed in range(SEEDS)]) for epochs in EPOCHS]
        print(f"| {rate:g} | " + " | ".join(f"{value:.1%}"[:-1] for value in row) + " |", flush=True)
    write_figures(args.out)
