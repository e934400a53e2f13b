"""A LightningModule over the timm network: the head alone on a frozen trunk, or every layer."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"

import logging

import lightning
import timm
import torch
from common import BATCH, WORKERS, Curve, age, arguments, datasets, item_names, transforms, write_result
from torch import nn
from torch.utils.data import DataLoader

RATES = {"frozen": 1e-3, "full": 2e-4}


class Classifier(lightning.LightningModule):
    def __init__(self, trunk: nn.Module, classes: int, mode: str):
        super().__init__()
        self.trunk = trunk
        self.head = nn.Linear(trunk.num_features, classes)
        self.mode = mode
        self.curve = Curve()
        if mode == "frozen":  # Lightning keeps the mode each module has when the fit starts
            trunk.requires_grad_(False).eval()

    def forward(self, images):
        return self.head(self.trunk(images))

    def training_step(self, batch, _):
        images, labels = batch
        return nn.functional.cross_entropy(self(images), labels)

    def on_validation_epoch_start(self):
        self.began = age()
        self.predictions, self.labels = [], []

    def validation_step(self, batch, _):
        images, labels = batch
        self.predictions.append(self(images).argmax(1).cpu())
        self.labels.append(labels.cpu())

    def on_validation_epoch_end(self):
        hits = torch.cat(self.predictions) == torch.cat(self.labels)
        self.curve.add(hits.double().mean().item(), age() - self.began)

    def configure_optimizers(self):
        trained = [parameter for parameter in self.parameters() if parameter.requires_grad]
        return torch.optim.AdamW(trained, lr=RATES[self.mode])


def main() -> None:
    args = arguments(__doc__)
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    lightning.seed_everything(args.seed, workers=True, verbose=False)
    train, test, classes = datasets(args.data)
    trunk = timm.create_model(f"local-dir:{args.weights}", pretrained=True, num_classes=0)
    train.transform, test.transform = transforms(trunk.pretrained_cfg)
    options = {"batch_size": BATCH, "num_workers": WORKERS, "persistent_workers": True}
    classifier = Classifier(trunk, classes, args.mode)
    trainer = lightning.Trainer(
        max_epochs=args.epochs,
        devices=1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        log_every_n_steps=1000,
    )
    trainer.fit(classifier, DataLoader(train, shuffle=True, **options), DataLoader(test, **options))
    predictions = torch.cat(classifier.predictions)
    names = item_names(test)
    write_result(args, "lightning_loop", ["lightning", "timm"], names, test.targets, predictions, classifier.curve)


if __name__ == "__main__":
    main()
