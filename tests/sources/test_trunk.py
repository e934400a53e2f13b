"""The compiled trunk against the reference: parity, refusal, fallback, cached conversion, and the estimate."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from contracts.networks import KINDS, draw, open_kind
from headstart.core import settings
from headstart.core.errors import HeadstartError
from headstart.sources import Source, open_source
from headstart.sources.points import Point
from headstart.sources.runtimes import BATCH, Eager, OpenVino, Output
from headstart.sources.trunk import MEAN_COSINE, Trunk, mean_cosine

openvino = pytest.mark.skipif(
    "not __import__('headstart.sources.trunk', fromlist=['x'])._openvino_serves()",
    reason="OpenVINO does not serve this processor",
)


def batches(source: Source, count: int) -> list[dict[str, np.ndarray]]:
    pictures = [draw(shape, number)[0] for number in range(count) for shape in ("circle",)]
    inputs = [source.prepare(picture) for picture in pictures]
    return [source.collate(inputs[start : start + BATCH]) for start in range(0, count, BATCH)]


def points(source: Source) -> list[Point]:
    return [Point(source.stages[1].name, "whole"), Point(source.stages[1].name), Point(source.stages[-1].name)]


@openvino
def test_a_precise_start_is_nearer(networks: Path, tmp_path: Path) -> None:
    if "bf16" not in OpenVino.precisions():
        pytest.skip("this processor does not multiply bfloat16")
    source = open_kind("batch norm", networks)
    given, at = batches(source, 8), points(source)[-1:]
    expected = next(Eager(source, at, precise=True).run(given))[at[0]]
    OpenVino.convert(Eager(source, at, precise=True).trunk, given[0], tmp_path / "trunk.xml")
    cosines = [
        mean_cosine(expected, next(OpenVino(tmp_path / "trunk.xml", at, precision).run(given))[at[0]])
        for precision in ("bf16", "f32+bf16", "f32")
    ]
    assert cosines[0] < cosines[1] < cosines[2]


def computed(trunk: Trunk, given: list[dict[str, np.ndarray]]) -> Output:
    outputs = list(trunk.run(given))
    return {point: np.concatenate([output[point] for output in outputs]) for point in trunk.points}


def reference(source: Source, given: list[dict[str, np.ndarray]]) -> Output:
    chosen = points(source)
    outputs = list(Eager(source, chosen, precise=True).run(given))
    return {point: np.concatenate([output[point] for output in outputs]) for point in chosen}


@pytest.mark.parametrize("runtime", ["reference", "eager", pytest.param("openvino", marks=openvino), "auto"])
@pytest.mark.parametrize("kind", KINDS)
def test_parity(kind: str, runtime: str, networks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forty items in batches of 32 and 8: nothing that pads a batch may reach the features."""
    monkeypatch.setenv("HEADSTART_RUNTIME", runtime)
    source = open_kind(kind, networks)
    given = batches(source, 40)
    trunk = Trunk(source, points(source), 40)
    found, expected = computed(trunk, given), reference(source, given)
    assert trunk.choice is not None
    assert trunk.choice.cosine >= MEAN_COSINE
    assert runtime == "auto" or trunk.choice.runtime.startswith(runtime)
    for point, value in expected.items():
        assert found[point].shape == value.shape == (40, *point.shape(source.description))
        assert found[point].dtype == np.float32
        assert mean_cosine(value, found[point]) >= MEAN_COSINE, point
        if runtime == "reference":
            assert np.array_equal(value, found[point])


@openvino
@pytest.mark.parametrize(
    ("name", "form"),
    [("image", "pooled"), ("audio", "pooled"), ("speech", "places"), ("series", "pooled"), ("series", "ahead")],
)
def test_what_comes_with_the_package_is_converted(name: str, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADSTART_RUNTIME", "openvino")
    source = open_source(f"builtin/{name}-tiny").reading(form)
    trunk = Trunk(source, [Point(source.stages[-1].name)], 64)
    assert all(np.isfinite(value).all() for output in trunk.run([source.noise(2)]) for value in output.values())
    assert trunk.choice is not None and trunk.choice.runtime.startswith("openvino")


@openvino
def test_a_trunk_that_training_changed_is_computed_as_fast_and_leaves_nothing(
    networks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADSTART_RUNTIME", "openvino")
    source = open_kind("layer norm", networks)
    weights = source.module().state_dict()
    name = next(name for name, value in weights.items() if value.ndim > 1)
    changed = source.with_weights({name: weights[name].numpy()[::-1].copy()})
    given = batches(source, 40)
    trunk = Trunk(changed, points(changed), 40)
    found, expected = computed(trunk, given), reference(changed, given)
    assert trunk.choice is not None and trunk.choice.runtime.startswith("openvino")
    for point, value in expected.items():
        assert mean_cosine(value, found[point]) >= MEAN_COSINE
        assert not np.allclose(value, reference(source, given)[point], atol=1e-3)
    trunks = settings.current().trunks
    assert not trunks.is_dir() or not list(trunks.glob("*.xml"))


def spoiled(self: Any, given: Any, inner: Any) -> Iterator[Output]:
    """Features with the examples of a batch in another order."""
    for output in inner(self, given):
        yield {point: value[::-1].copy() for point, value in output.items()}


@openvino
def test_a_program_that_differs_is_refused_once(networks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADSTART_RUNTIME", "openvino")
    source = open_kind("layer norm", networks)
    given, inner = batches(source, 8), OpenVino.run
    monkeypatch.setattr(OpenVino, "run", lambda self, batches: spoiled(self, batches, inner))
    trunk = Trunk(source, points(source), 8)
    found = computed(trunk, given)
    assert trunk.choice is not None and trunk.choice.runtime.startswith("eager")
    assert "converted trunk differed (mean cosine" in trunk.choice.reason
    for point, value in reference(source, given).items():
        assert mean_cosine(value, found[point]) >= MEAN_COSINE
    monkeypatch.setattr(OpenVino, "convert", lambda *_: pytest.fail("converted again"))
    again = Trunk(source, points(source), 8)
    computed(again, given)
    assert again.choice == trunk.choice


def test_eager_that_differs_is_refused(networks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADSTART_RUNTIME", "eager")
    source = open_kind("layer norm", networks)
    given, inner = batches(source, 8), Eager.run
    monkeypatch.setattr(Eager, "run", lambda self, batches: inner(self, batches) if self.name == "reference"
                        else spoiled(self, batches, inner))  # fmt: skip
    trunk = Trunk(source, points(source), 8)
    found = computed(trunk, given)
    assert trunk.choice is not None and trunk.choice.runtime == "reference"
    assert "differed (mean cosine" in trunk.choice.reason
    for point, value in reference(source, given).items():
        assert np.array_equal(value, found[point])


@openvino
def test_what_cannot_be_converted_is_computed_eagerly(networks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADSTART_RUNTIME", "openvino")
    source = open_kind("layer norm", networks)

    def fail(*_: object) -> None:
        raise TypeError("an operation that the converter does not know")

    monkeypatch.setattr(OpenVino, "convert", fail)
    for _ in range(2):
        trunk = Trunk(source, points(source), 8)
        assert len(computed(trunk, batches(source, 8))) == 3
        assert trunk.choice is not None and trunk.choice.runtime.startswith("eager")
        assert trunk.choice.reason == "OpenVINO does not convert this network (TypeError)"
        monkeypatch.setattr(OpenVino, "convert", lambda *_: pytest.fail("tried again"))


@openvino
def test_the_conversion_is_kept(networks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from headstart.core import settings

    monkeypatch.setenv("HEADSTART_RUNTIME", "openvino")
    source = open_kind("batch norm", networks)
    given = batches(source, 8)
    first = Trunk(source, points(source), 8)
    found = computed(first, given)
    inner = OpenVino.convert
    monkeypatch.setattr(OpenVino, "convert", lambda *_: pytest.fail("converted again"))
    for runtime in ("openvino", "auto"):  # what is converted already costs nothing, so few items use it too
        monkeypatch.setenv("HEADSTART_RUNTIME", runtime)
        second = Trunk(source, points(source), 1)
        again = computed(second, given)
        assert second.choice is not None and second.choice.reason == "converted and proven earlier"
        assert all(np.array_equal(found[point], again[point]) for point in found)
    monkeypatch.setattr(OpenVino, "convert", inner)
    monkeypatch.setenv("HEADSTART_RUNTIME", "openvino")
    program = next(settings.current().trunks.glob("*.xml"))
    program.write_text("<net")  # damaged: it is converted anew
    third = Trunk(source, points(source), 8)
    computed(third, given)
    assert third.choice is not None and third.choice.reason.startswith("converted in")


@openvino
def test_few_items_do_not_repay_a_conversion(networks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from headstart.sources import trunk as module

    monkeypatch.setenv("HEADSTART_RUNTIME", "auto")
    source = open_kind("batch norm", networks)
    measured = module.Trunk._measured
    monkeypatch.setattr(module.Trunk, "_measured", lambda *given: (measured(*given)[0], 0.01 * module.EAGER_SPEED_UP))
    for items, runtime in ((200, "eager"), (300, "openvino")):  # 1.5 s of conversion, 6 ms gained an item
        trunk = Trunk(source, points(source), items)
        computed(trunk, batches(source, 8))
        assert trunk.choice is not None and trunk.choice.runtime.startswith(runtime)
        if runtime == "eager":
            assert "200 items at about 10.0 ms do not repay a conversion of about 2 s" in trunk.choice.reason


def test_unknown_runtime_and_no_items(networks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = open_kind("batch norm", networks)
    monkeypatch.setenv("HEADSTART_RUNTIME", "egaer")
    with pytest.raises(HeadstartError, match=r"HEADSTART_RUNTIME is 'egaer'. Did you mean eager"):
        Trunk(source, points(source), 1)
    monkeypatch.setenv("HEADSTART_RUNTIME", "eager")
    assert list(Trunk(source, points(source), 0).run([])) == []


def test_mean_cosine() -> None:
    one = np.array([[1.0, 0.0], [1.0, 1.0]], np.float32)
    assert mean_cosine(one, one) == pytest.approx(1.0)
    assert mean_cosine(one, np.array([[0.0, 1.0], [-2.0, -2.0]], np.float32)) == pytest.approx(-0.5)
    assert mean_cosine(one, one * np.nan) == -1.0
