"""Not a peer but the floor under all of them: decode, spectra and forward of the same clips, no learning.

OpenVINO in the precision that it chooses by itself, 32 clips a batch, prepared by two threads.
"""

import os

os.environ["HF_HUB_OFFLINE"] = "1"

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import openvino
import torch
from sounds_common import parts, samples
from texts_common import arguments, write_figures
from transformers import AutoFeatureExtractor, AutoModelForAudioClassification

BATCH, THREADS = 32, 2


def compiled(folder: Path, shape: tuple[int, ...]) -> openvino.CompiledModel:
    model = AutoModelForAudioClassification.from_pretrained(folder, attn_implementation="eager").eval()
    network = openvino.convert_model(model.base_model, example_input=torch.zeros(1, *shape))
    network.reshape([BATCH, *shape])
    return openvino.Core().compile_model(network, "CPU", {"PERFORMANCE_HINT": "THROUGHPUT"})


if __name__ == "__main__":
    args = arguments(__doc__)
    clips = [path for part in parts(args.data) for path in part["path"]]
    extract = AutoFeatureExtractor.from_pretrained(args.model)

    def spectrum(path: str) -> np.ndarray:
        return extract(samples(path), sampling_rate=extract.sampling_rate, return_tensors="np")["input_values"][0]

    trunk = compiled(args.model, spectrum(clips[0]).shape)
    features: dict[int, np.ndarray] = {}
    queue = openvino.AsyncInferQueue(trunk)
    queue.set_callback(lambda request, start: features.update({start: request.get_output_tensor(1).data.copy()}))
    with ThreadPoolExecutor(THREADS) as pool:
        for start in range(0, len(clips), BATCH):
            batch = list(pool.map(spectrum, clips[start : start + BATCH]))
            batch += batch[:1] * (BATCH - len(batch))
            queue.start_async(np.stack(batch), userdata=start)
    queue.wait_all()
    if len(features) != -(-len(clips) // BATCH) or not all(np.isfinite(found).all() for found in features.values()):
        raise SystemExit("floor_sounds: some clips have no features; the time would mean nothing")
    write_figures(args.out, clips=len(clips))
