"""fastai's vision_learner over the timm network: fit_one_cycle on the frozen body, or fine_tune.

All settings are the library's own defaults; BatchNorm layers of a frozen body train, as fastai means them to.
A full run has one epoch more: fine_tune begins with one on the frozen body.
"""

import os

os.environ["HF_HUB_OFFLINE"] = "1"

from pathlib import Path

import torch
from common import BATCH, WORKERS, Curve, age, arguments, datasets, is_parquet, write_result
from fastai.vision.all import (
    Callback,
    CategoryBlock,
    DataBlock,
    DataLoaders,
    FlipItem,
    ImageBlock,
    ImageDataLoaders,
    IndexSplitter,
    RandomResizedCrop,
    itemgetter,
    set_seed,
    vision_learner,
)

SIZE = 224


class Record(Callback):
    """Keeps the curve and what the latest pass over the test items predicted."""

    def __init__(self):
        self.curve = Curve()

    def before_validate(self):
        self.began = age()
        self.predicted, self.labels = [], []

    def after_pred(self):
        if not self.training:
            self.predicted.append(self.pred.argmax(1).cpu())
            self.labels.append(self.y.cpu())

    def after_validate(self):
        self.predictions, self.targets = torch.cat(self.predicted), torch.cat(self.labels)
        self.curve.add((self.predictions == self.targets).double().mean().item(), age() - self.began)


def data_loaders(data: Path) -> tuple[DataLoaders, list[str]]:
    """Loaders (vision_learner adds the network's own normalisation) and the name of each test item."""
    # On test items RandomResizedCrop resizes by 8/7 and takes the centre.
    options = {"item_tfms": [RandomResizedCrop(SIZE), FlipItem()]}
    loading = {"bs": BATCH, "num_workers": WORKERS}
    if not is_parquet(data):
        loaders = ImageDataLoaders.from_folder(data, train="train", valid="test", **options, **loading)
        return loaders, [Path(item).relative_to(data / "test").as_posix() for item in loaders.valid.items]
    train, test, _ = datasets(data)
    # Lists, for fastai would hand over the two parts of a tuple one by one.
    rows = [list(row) for row in zip(train.images + test.images, train.targets + test.targets, strict=True)]
    block = DataBlock(
        blocks=(ImageBlock, CategoryBlock),
        splitter=IndexSplitter(range(len(train), len(rows))),
        get_x=itemgetter(0),
        get_y=itemgetter(1),
        **options,
    )
    return block.dataloaders(rows, **loading), [f"{row:08d}" for row in range(len(test))]


def main() -> None:
    args = arguments(__doc__)
    set_seed(args.seed)
    loaders, names = data_loaders(args.data)
    record = Record()
    learner = vision_learner(loaders, f"local-dir:{args.weights}", cbs=record)
    with learner.no_bar(), learner.no_logging():
        if args.mode == "frozen":
            learner.fit_one_cycle(args.epochs)
        else:
            learner.fine_tune(args.epochs)
    write_result(args, "fastai_vision", ["fastai", "timm"], names, record.targets, record.predictions, record.curve)


if __name__ == "__main__":
    main()
