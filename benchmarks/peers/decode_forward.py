"""Not a peer but the floor under all of them: decode, resize and forward of the same images, no learning.

OpenVINO in bf16 (or what --precision says), 32 images a batch, JPEGs decoded by two threads at the smallest scale that
covers the input.
The result file holds convert_seconds, run_seconds (decode and forward), images and images_per_second.
"""

import os

os.environ["HF_HUB_OFFLINE"] = "1"

import io
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

import numpy as np
import openvino
import timm
import torch
from common import BATCH, age, arguments, datasets, is_parquet, peak_memory_mb
from openvino.preprocess import PrePostProcessor
from PIL import Image

DECODERS = 2


def compiled_trunk(weights: Path, precision: str) -> tuple[openvino.CompiledModel, int, float]:
    """The trunk over uint8 images (BATCH, size, size, 3), its size in pixels, its crop as part of a side."""
    model = timm.create_model(f"local-dir:{weights}", pretrained=True, num_classes=0).eval()
    own = timm.data.resolve_data_config(pretrained_cfg=model.pretrained_cfg)
    size = own["input_size"][-1]
    network = openvino.convert_model(model, example_input=torch.zeros(1, 3, size, size))
    network.reshape([BATCH, 3, size, size])
    steps = PrePostProcessor(network)
    steps.input().tensor().set_element_type(openvino.Type.u8).set_layout(openvino.Layout("NHWC"))
    steps.input().model().set_layout(openvino.Layout("NCHW"))
    mean, std = ([255 * value for value in own[name]] for name in ("mean", "std"))
    steps.input().preprocess().convert_element_type(openvino.Type.f32).mean(mean).scale(std)
    settings = {"PERFORMANCE_HINT": "THROUGHPUT", "INFERENCE_PRECISION_HINT": precision}
    return openvino.Core().compile_model(steps.build(), "CPU", settings), size, own["crop_pct"]


def encoded_images(data: Path) -> list[Path | bytes]:
    train, test, _ = datasets(data)
    if is_parquet(data):
        return [*train.images, *test.images]
    return [Path(path) for path, _ in [*train.samples, *test.samples]]


def decode(content: Path | bytes, size: int, crop: float) -> np.ndarray:
    """Centre crop of one image, uint8 (size, size, 3)."""
    with Image.open(io.BytesIO(content) if isinstance(content, bytes) else content) as image:
        whole = round(size / crop)
        image.draft("RGB", (whole, whole))
        side = min(image.size) * crop
        left, top = (image.width - side) / 2, (image.height - side) / 2
        box = (left, top, left + side, top + side)
        return np.asarray(image.convert("RGB").resize((size, size), Image.Resampling.BILINEAR, box))


def batches(contents: list[Path | bytes], size: int, crop: float) -> Iterator[np.ndarray]:
    """uint8 (BATCH, size, size, 3), decoded ahead by two threads; the last one is filled up with zeros."""

    def batch(start: int) -> np.ndarray:
        pixels = np.zeros((BATCH, size, size, 3), np.uint8)
        for row, content in enumerate(contents[start : start + BATCH]):
            pixels[row] = decode(content, size, crop)
        return pixels

    with ThreadPoolExecutor(DECODERS) as pool:
        yield from pool.map(batch, range(0, len(contents), BATCH))


def main() -> None:
    args = arguments(__doc__)
    began = time.perf_counter()
    trunk, size, crop = compiled_trunk(args.weights, args.precision)
    converted = time.perf_counter()

    contents = encoded_images(args.data)
    features = np.zeros((len(contents), trunk.output().shape[1]), np.float32)

    def keep(request: openvino.InferRequest, start: int) -> None:
        features[start : start + BATCH] = request.get_output_tensor().data[: len(contents) - start]

    queue = openvino.AsyncInferQueue(trunk)
    queue.set_callback(keep)
    for number, pixels in enumerate(batches(contents, size, crop)):
        queue.start_async(pixels, userdata=number * BATCH)
    queue.wait_all()
    ended = time.perf_counter()
    if not np.isfinite(features).all() or not features.any(axis=1).all():
        raise SystemExit("decode_forward: some items have no features; the time would mean nothing")

    result = {
        "peer": "decode_forward",
        "version": f"openvino {version('openvino')}",
        "convert_seconds": round(converted - began, 2),
        "run_seconds": round(ended - converted, 2),
        "images": len(contents),
        "images_per_second": round(len(contents) / (ended - converted), 1),
        "seconds": round(age(), 2),
        "peak_memory_mb": round(peak_memory_mb(), 1),
    }
    args.out.write_text(json.dumps(result) + "\n")
    print(
        f"decode_forward: conversion {result['convert_seconds']} s, decode and forward "
        f"{result['run_seconds']} s, {result['images']} images, {result['images_per_second']} images/s"
    )


if __name__ == "__main__":
    main()
