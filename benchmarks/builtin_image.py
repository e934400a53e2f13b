"""Makes the builtin source `builtin/image-tiny`: a small residual network taught by a larger one.

    python benchmarks/builtin_image.py DATA TEACHER OUT

DATA is a table of pictures with a column `class_name` (here: 7 500 pictures of 100 classes of Tiny ImageNet, 64 px),
TEACHER a source (here: MobileNetV2 1.0 trained on ImageNet-1k). Takes about half an hour on two cores.
"""

from __future__ import annotations

import sys

from rich.console import Console

from headstart.verbs.pretrain import Pretraining, pretrain

RECIPE = Pretraining(
    arch="resnet10t:channels=[48-96-192-384]",
    size=64,
    epochs=45,
    learning_rate=2e-3,
    batch=64,
    views=6,
    teacher_weight=4.0,
    trained_on="Tiny ImageNet (100 classes, 75 pictures each), features of a MobileNetV2",
)

if __name__ == "__main__":
    data, teacher, out = sys.argv[1:]
    pretrain(data, out=out, recipe=RECIPE, teacher=teacher, label="class_name", console=Console())
