"""Ways to compute a frozen trunk. Each takes batches of inputs and gives features, in order, as float32.

`Reference` is how people write it (eager, float32) and is what the others are compared with.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from headstart.core import files, hardware
from headstart.sources.contract import Source
from headstart.sources.inputs import Inputs
from headstart.sources.points import PLACES, WHOLE, Point

if TYPE_CHECKING:
    import openvino
    import torch

BATCH = 32
Output = dict[Point, NDArray[np.float32]]


class Runtime(ABC):
    """A frozen trunk that is ready to compute."""

    name: str

    @abstractmethod
    def run(self, batches: Iterable[Inputs]) -> Iterator[Output]:
        """Features of each batch (at most BATCH examples), in the order of the batches."""


class Eager(Runtime):
    """PyTorch as it is: float32 as the reference, or bfloat16 with channels last where the processor has it."""

    def __init__(self, source: Source, points: Sequence[Point], *, precise: bool = False) -> None:
        import torch

        self._points = tuple(points)
        self.trunk = _build(source, points)
        self._type = torch.bfloat16 if hardware.has_native_bfloat16() and not precise else torch.float32
        if not precise:
            self.trunk = self.trunk.to(self._type).to(memory_format=torch.channels_last)
        self.name = "reference" if precise else f"eager {str(self._type).removeprefix('torch.')}"

    def run(self, batches: Iterable[Inputs]) -> Iterator[Output]:
        import torch

        with torch.inference_mode():
            for batch in batches:
                outputs = self.trunk(*(torch.from_numpy(np.ascontiguousarray(batch[key])) for key in sorted(batch)))
                yield {point: output.float().numpy() for point, output in zip(self._points, outputs, strict=True)}


class OpenVino(Runtime):
    """The trunk as an OpenVINO program.

    Args:
        precision: "f16", "bf16", "f32+bf16" or "f32": of the arithmetic. Where the processor multiplies float16 itself,
            that is as fast as bfloat16 and a hundred times nearer to the reference. "f32+bf16" computes the first third
            in float32, whose errors all that follows would carry on: half as far from the reference as bfloat16, and
            not much slower.
    """

    def __init__(self, model: Path, points: Sequence[Point], precision: str, *, varies: bool = False) -> None:
        import openvino

        core = openvino.Core()
        core.set_property({"CACHE_DIR": str(model.parent / "compiled")})
        self.name = f"openvino {precision}"
        self._points, self._varies = tuple(points), varies
        first, _, rest = precision.rpartition("+")
        self._program = core.compile_model(
            _begun_precisely(model) if first else model,
            "CPU",
            {
                "PERFORMANCE_HINT": "THROUGHPUT",
                "INFERENCE_PRECISION_HINT": rest,
                "INFERENCE_NUM_THREADS": hardware.cores(),
            },
        )

    @staticmethod
    def precisions() -> list[str]:
        """Those that this processor computes itself, the best first."""
        import openvino

        able = openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        rounded = {"FP16": ["f16"], "BF16": ["bf16", "f32+bf16"]}
        return [hint for capability, hints in rounded.items() if capability in able for hint in hints] + ["f32"]

    @staticmethod
    def convert(trunk: torch.nn.Module, example: Inputs, model: Path, *, varies: bool = False) -> None:
        """Writes the reference's `trunk` as a program for batches shaped like `example` (smaller ones are padded).

        Args:
            varies: for batches of any number of examples and of any length instead.
        """
        import warnings

        import openvino
        import torch
        from openvino.frontend import FrontEndManager
        from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

        keys = sorted(example)
        few = tuple(torch.from_numpy(np.repeat(example[key][:1], 2, axis=0)) for key in keys)
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            traced = torch.jit.trace(trunk, few, check_trace=False, strict=False)  # type: ignore[no-untyped-call]
            reader = FrontEndManager().load_by_framework("pytorch")  # `convert_model` takes seven times as long
            decoder = TorchScriptPythonDecoder(traced, example_input=few)  # which has to outlive what is read with it
            read = reader.load(decoder)
            program = reader.convert(read)
        for key, parameter in zip(keys, program.get_parameters(), strict=True):
            shape = [-1] * example[key].ndim if varies else [BATCH, *example[key].shape[1:]]
            parameter.set_partial_shape(openvino.PartialShape(shape))
            parameter.set_element_type(openvino.Type(example[key].dtype))
        program.validate_nodes_and_infer_types()
        _save(program, model)

    def run(self, batches: Iterable[Inputs]) -> Iterator[Output]:
        from collections import deque

        requests = [
            self._program.create_infer_request()
            for _ in range(self._program.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS"))
        ]
        free, busy = deque(requests), deque[tuple[Any, int | None]]()
        for batch in batches:
            if not free:
                yield self._finish(busy, free)
            request = free.popleft()
            count = None if self._varies else len(next(iter(batch.values())))
            whole = (lambda array: array) if self._varies else _pad
            request.start_async({index: whole(batch[key]) for index, key in enumerate(sorted(batch))})
            busy.append((request, count))
        while busy:
            yield self._finish(busy, free)

    def _finish(self, busy: Any, free: Any) -> Output:
        request, count = busy.popleft()
        request.wait()
        output = {
            point: np.array(request.get_output_tensor(index).data[:count], dtype=np.float32)
            for index, point in enumerate(self._points)
        }
        free.append(request)
        return output


def _begun_precisely(model: Path) -> Path:
    """The program in `model` with the first third of its multiplications, and what lies between, kept in float32."""
    import openvino

    marked = model.with_stem(f"{model.stem}-begun-precisely")
    if marked.is_file():
        return marked
    program = openvino.Core().read_model(model)
    operations = program.get_ordered_ops()
    multiplies = [place for place, one in enumerate(operations) if "Convolution" in one.get_type_name()]
    multiplies = multiplies or [place for place, one in enumerate(operations) if one.get_type_name() == "MatMul"]
    for operation in operations[: multiplies[len(multiplies) // 3] if multiplies else 0]:
        operation.get_rt_info()["precise_0"] = ""  # heeded when it is read from a file
    _save(program, marked)
    return marked


def _save(program: openvino.Model, model: Path) -> None:
    import openvino

    with files.atomic(model.with_suffix(".bin")) as weights:
        openvino.save_model(program, weights.with_suffix(".xml"), compress_to_fp16=False)
        weights.with_suffix(".bin").replace(weights)
        weights.with_suffix(".xml").replace(model)


def _pad(array: NDArray[Any]) -> NDArray[Any]:
    if len(array) == BATCH:
        return array
    return np.concatenate([array, np.repeat(array[:1], BATCH - len(array), axis=0)])


def _build(source: Source, points: Sequence[Point]) -> torch.nn.Module:
    """Inputs (in the alphabetical order of their names) to the features at `points`."""
    import torch

    from headstart.sources.network import Network

    names = sorted(source.noise(1))
    wanted = sorted({point.stage for point in points})

    class Trunk(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = Network(source)

        def forward(self, *given: torch.Tensor) -> tuple[torch.Tensor, ...]:
            inputs = dict(zip(names, given, strict=True))
            heard = self.network(inputs, wanted)
            return tuple(self._taken(point, heard[point.stage], inputs) for point in points)

        def _taken(self, point: Point, features: torch.Tensor, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
            if point.form == WHOLE:
                return features
            if point.form == PLACES:
                return self.network.at_places(features, inputs)
            return self.network.pool(point.stage, features, inputs)

    return Trunk().eval()
