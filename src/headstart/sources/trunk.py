"""Choosing how a frozen trunk is computed: by a measured estimate, and only after parity is proven."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from headstart.core import files, fingerprints, hardware, settings, worker
from headstart.core.errors import HeadstartError
from headstart.sources.contract import Source
from headstart.sources.inputs import Inputs
from headstart.sources.points import Point
from headstart.sources.runtimes import BATCH, Eager, OpenVino, Output, Runtime

MEAN_COSINE = 0.998
"""Parity: mean cosine with the reference that every stage must reach on the probe batch."""
PROBE_ITEMS = 8
CONVERSION_SECONDS = 1.5
"""Assumed for a first conversion on this machine; replaced by what was measured."""
EAGER_SPEED_UP = 3.0 if hardware.has_native_bfloat16() else 1.0
"""Assumed gain of eager bfloat16 over the reference."""
CONVERTED_SPEED_UP = 2.5
"""Assumed gain of a converted trunk over eager bfloat16; conservative against what was measured (3 to 4)."""


@dataclass(frozen=True)
class Choice:
    """Which runtime was taken, and why: a sentence for the receipt."""

    runtime: str
    reason: str
    cosine: float
    """Lowest mean cosine with the reference over the stages; 1.0 for the reference itself."""


class Trunk:
    """A frozen source at some points, computed by whatever pays off for the number of items to come."""

    def __init__(self, source: Source, points: Sequence[Point], items: int, asked: str = "auto") -> None:
        self.source, self.points, self.items = source, tuple(sorted(points)), items
        self.choice: Choice | None = None
        self._expected: tuple[Output, float] | None = None
        wished = settings.current().runtime  # of the user's environment, which goes before what a recipe noted
        self._asked = asked if wished == "auto" else wished
        self._passing = tempfile.TemporaryDirectory() if source.changed is not None else None

    def run(self, batches: Iterable[Inputs]) -> Iterator[Output]:
        """Features of each batch, in order; the first batch also serves to choose and to prove."""
        waiting = iter(batches)
        first = next(waiting, None)
        if first is None:
            return
        runtime = self._choose(first)

        def every() -> Iterator[Inputs]:
            yield first
            yield from waiting

        yield from runtime.run(every())

    def _choose(self, first: Inputs) -> Runtime:
        model = self._model_path(first)
        proof = model.with_suffix(".json")
        if self._asked in ("auto", "openvino") and proof.is_file() and _openvino_serves():
            known = files.read_json(proof)
            if not known["precision"]:
                return self._eager(first, known["reason"])
            program = self._opened(model, known["precision"])
            if program is not None:
                self.choice = Choice(program.name, "converted and proven earlier", known["cosine"])
                return program
        if worker.is_there() and self.source.changed is None:
            self.choice = worker.call(_choose_there, self.source, self.points, self.items, self._asked, first)
            known = files.read_json(proof) if proof.is_file() else {}
            program = self._opened(model, known["precision"]) if known.get("precision") else None
            return program or There(self.choice.runtime)
        return self._prove(first, model, proof)

    def _prove(self, first: Inputs, model: Path, proof: Path) -> Runtime:
        if self._asked == "reference":
            self.choice = Choice("reference", "asked for", 1.0)
            return self._reference
        if self._asked == "eager" or not _openvino_serves():
            return self._eager(
                first, "asked for" if self._asked == "eager" else "OpenVINO does not serve this processor"
            )
        if self._asked == "auto":
            seconds = self._measured(first)[1] / EAGER_SPEED_UP
            conversion = self._conversion_seconds()
            if self.items * seconds < conversion + self.items * seconds / CONVERTED_SPEED_UP:
                return self._eager(
                    first,
                    f"{self.items} items at about {seconds * 1000:.1f} ms do not repay a conversion of "
                    f"about {conversion:.0f} s",
                )
        return self._convert(first, model, proof)

    def _convert(self, first: Inputs, model: Path, proof: Path) -> Runtime:
        """The trunk as a program, in the first precision that is proven equal to the reference."""
        start = time.perf_counter()
        try:
            example = self.source.noise(2) if self.source.varies else first
            OpenVino.convert(self._reference.trunk, example, model, varies=self.source.varies)
        except HeadstartError:
            raise
        except Exception as problem:  # the tracer and the converter raise any kind of error on what they do not know
            return self._refuse(first, proof, f"OpenVINO does not convert this network ({type(problem).__name__})")
        seconds = round(time.perf_counter() - start, 2)
        files.write_json(self._timing_path(), {"seconds": seconds})
        for precision in OpenVino.precisions():
            program = OpenVino(model, self.points, precision, varies=self.source.varies)
            cosine = self._parity(program, first)
            if cosine >= MEAN_COSINE:
                files.write_json(
                    proof, {"precision": precision, "cosine": cosine, "seconds": seconds, "source": self.source.name}
                )
                self.choice = Choice(program.name, f"converted in {seconds:.1f} s", cosine)
                return program
        return self._refuse(first, proof, f"the converted trunk differed (mean cosine {cosine:.4f} < {MEAN_COSINE})")

    def _opened(self, model: Path, precision: str) -> OpenVino | None:
        """A program that was converted before; None when its files are gone or damaged."""
        try:
            return OpenVino(model, self.points, precision, varies=self.source.varies)
        except RuntimeError:
            return None

    def _refuse(self, first: Inputs, proof: Path, reason: str) -> Runtime:
        """Eager from now on, and a note of why, so that the conversion is not tried again."""
        files.write_json(proof, {"precision": None, "reason": reason, "source": self.source.name})
        return self._eager(first, reason)

    def _eager(self, first: Inputs, reason: str) -> Runtime:
        eager = Eager(self.source, self.points)
        cosine = self._parity(eager, first)
        if cosine >= MEAN_COSINE:
            self.choice = Choice(eager.name, reason, cosine)
            return eager
        self.choice = Choice("reference", f"eager bfloat16 differed (mean cosine {cosine:.4f} < {MEAN_COSINE})", 1.0)
        return self._reference

    @cached_property
    def _reference(self) -> Eager:
        """What every other runtime is compared with, and converted from."""
        return Eager(self.source, self.points, precise=True)

    def _parity(self, runtime: Runtime, first: Inputs) -> float:
        """The lowest over the points of the mean cosine with the reference, on at most PROBE_ITEMS examples."""
        expected, _ = self._measured(first)
        other = next(iter(runtime.run([self.source.few(first, PROBE_ITEMS)])))
        return min(mean_cosine(expected[point], other[point]) for point in self.points)

    def _measured(self, first: Inputs) -> tuple[Output, float]:
        """The reference's features of at most PROBE_ITEMS examples, and its seconds an example."""
        if self._expected is None:
            few = self.source.few(first, PROBE_ITEMS)
            start = time.perf_counter()
            features = next(self._reference.run([few]))
            self._expected = features, (time.perf_counter() - start) / len(next(iter(few.values())))
        return self._expected

    def _model_path(self, first: Inputs) -> Path:
        import importlib.metadata

        shape = [[key, *([] if self.source.varies else first[key].shape[1:])] for key in sorted(first)]
        key = fingerprints.of_json(
            [
                [str(point) for point in self.points],
                shape,
                BATCH,
                importlib.metadata.version("openvino") if _openvino_serves() else "",
            ]
        )
        folder = Path(self._passing.name) if self._passing else settings.current().trunks
        return folder / f"{self.source.fingerprint}-{key[:12]}.xml"

    def _timing_path(self) -> Path:
        return settings.current().trunks / "conversion.json"

    def _conversion_seconds(self) -> float:
        path = self._timing_path()
        return float(files.read_json(path)["seconds"]) if path.is_file() else CONVERSION_SECONDS


class There(Runtime):
    """What the worker chose to compute itself."""

    def __init__(self, name: str) -> None:
        self.name = name

    def run(self, batches: Iterable[Inputs]) -> Iterator[Output]:
        return (worker.call(_compute_there, batch) for batch in batches)


_there: list[Runtime] = []
"""In the worker: what it chose last."""


def _choose_there(source: Source, points: Sequence[Point], items: int, asked: str, first: Inputs) -> Choice:
    trunk = Trunk(source, points, items, asked)
    _there[:] = [trunk._choose(first)]
    assert trunk.choice is not None
    return trunk.choice


def _compute_there(batch: Inputs) -> Output:
    return next(_there[0].run([batch]))


def _openvino_serves() -> bool:
    import importlib.util
    import platform

    return platform.machine() in ("x86_64", "AMD64") and importlib.util.find_spec("openvino") is not None


def mean_cosine(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Mean over examples of the cosine between rows of two arrays (N, …)."""
    a, b = one.reshape(len(one), -1).astype(np.float64), other.reshape(len(other), -1).astype(np.float64)
    product = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return float(np.nan_to_num(np.mean((a * b).sum(axis=1) / np.maximum(product, 1e-12)), nan=-1.0))
