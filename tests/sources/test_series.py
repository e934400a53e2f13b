"""Sources of series: what the published numbers say, two ways to read, channels, and own heads."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pyarrow.parquet as parquet
import pytest
import torch

from contracts.series import SMALL, seasonal, write_patches
from headstart.core.errors import SourceError
from headstart.data.classical import NAMES, classical_forecasts
from headstart.data.modalities.series import past
from headstart.sources import Source, open_source
from headstart.sources.network import Network

MODELS = os.environ.get("HEADSTART_MODELS", "")
SHARED = Path(MODELS).parent if MODELS else Path()
published = pytest.mark.skipif(
    not (Path(MODELS) / "ttm_v1").is_dir() or not (SHARED / "data" / "series").is_dir(),
    reason="HEADSTART_MODELS names no folder with ttm_v1, and data/series beside it",
)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    return open_source(write_patches(tmp_path_factory.mktemp("models") / "patches"))


def heard(source: Source, contents: list[np.ndarray]) -> dict[str, torch.Tensor]:
    network = Network(source).eval()
    inputs = source.collate([source.prepare(content) for content in contents])
    batch = {name: torch.from_numpy(array) for name, array in inputs.items()}
    with torch.no_grad():
        found = network(batch, [stage.name for stage in source.stages])
        return {stage: network.pool(stage, values, batch) for stage, values in found.items()}


@published
def test_the_tiny_time_mixer_tells_its_published_numbers() -> None:
    source = open_source(Path(MODELS) / "ttm_v1").reading("ahead")
    expected = json.loads((Path(MODELS) / "ttm_v1" / "expected.json").read_text())["reference"]
    values = parquet.read_table(SHARED / "data/series/ett/ETTh1.parquet").column("OT").to_numpy()[:1024]
    _, level, scale = past(values)
    network = source.module()
    inputs = {name: torch.from_numpy(array) for name, array in source.collate([source.prepare(values)]).items()}
    with torch.no_grad():
        told = network(**source.entry()(inputs))[0].numpy() * scale + level
    assert told[:8] == pytest.approx(expected["forecast_first8"], abs=2e-3)
    assert told.mean() == pytest.approx(expected["forecast_mean"], abs=2e-3)
    assert source.description.classifier == "head.base_forecast_block" and len(source.stages) > 4


def test_the_past_is_seen_as_it_is_and_short_ones_are_filled_up(source: Source) -> None:
    ahead = source.reading("ahead")
    assert ahead.description.labels[:2] == ("+1 low", "+2 low") and not source.description.labels
    values = seasonal(100)
    inputs = ahead.prepare(values)
    whole = (values - values.mean()) / values.std()
    assert inputs["values"][0] == pytest.approx(whole[-SMALL.context :], abs=1e-5)
    short = ahead.prepare(values[:20])
    assert short["observed"][0].sum() == 20 and not short["values"][0, :44].any()
    assert heard(ahead, [values])["context"].shape == (1, SMALL.context)
    assert ahead.fingerprint != source.fingerprint, "features of the two ways are kept apart"


def test_a_new_network_begins_as_the_mean_of_what_is_classical(source: Source) -> None:
    ahead, values = source.reading("ahead"), seasonal(60)
    _, level, scale = past(values)
    inputs = ahead.collate([ahead.prepare(values)])
    with torch.no_grad():
        told = ahead.module()(**ahead.entry()({name: torch.from_numpy(array) for name, array in inputs.items()}))[0]
    even = (values - level) / scale
    of_methods = classical_forecasts(even, level / scale, SMALL.horizon, 12).reshape(len(NAMES), SMALL.horizon)
    assert told.reshape(3, -1).numpy() == pytest.approx(np.tile(of_methods.mean(axis=0), (3, 1)), abs=1e-5)
    assert [stage.name for stage in ahead.stages][-2:] == ["summary", "guide"]
    assert not any(name.startswith("guide.") for name, _ in source.module().named_parameters()), "not of whole series"


def test_what_guides_is_the_same_for_heads_of_other_lengths(source: Source) -> None:
    ahead, values = source.reading("ahead"), seasonal(60)
    for steps in (5, 30):
        inputs = ahead.suited([values], (steps, 12)).prepare(values)
        guide = inputs["guide"].reshape(len(NAMES), SMALL.horizon)
        read = inputs["classical"].reshape(len(NAMES), steps)
        both = min(steps, SMALL.horizon)
        assert guide[:, :both] == pytest.approx(read[:, :both], abs=1e-5)
        assert guide.ravel() == pytest.approx(ahead.prepare(values)["guide"], abs=1e-5), "12 is found in the past"


def test_a_season_that_nobody_told_is_that_of_all_pasts(source: Source) -> None:
    ahead = source.reading("ahead")
    contents = [seasonal(80, one) for one in range(5)]
    set_for = ahead.suited(contents)
    short = contents[0][:30]  # too short to tell
    expected = ahead.suited(contents, (SMALL.horizon, 12)).prepare(short)["guide"]
    assert set_for.prepare(short)["guide"] == pytest.approx(expected, abs=1e-6)
    assert np.abs(ahead.prepare(short)["guide"] - expected).max() > 0.1
    assert "classical" not in set_for.prepare(short) and set_for.suited(contents) is set_for
    again = ahead.set_to(set_for.setting)
    assert again.fingerprint == set_for.fingerprint


def test_channels_stand_side_by_side(source: Source) -> None:
    both = np.stack([seasonal(50, 1), seasonal(50, 2)])
    two = source.suited([both])
    found, first = heard(two, [both, both]), heard(source, [both[:1]])
    for stage in source.stages[1:]:
        width = source.description.stage(stage.name).width
        assert two.description.stage(stage.name).width == 2 * width
        assert found[stage.name].shape == (2, 2 * width)
        assert found[stage.name][0, :width] == pytest.approx(first[stage.name][0], abs=1e-4)


def test_views_are_pure_functions_of_their_key(source: Source) -> None:
    values = seasonal(80)
    for one in (source, source.reading("ahead")):
        views = [one.view(values, view, key)["values"] for view, key in ((1, "a"), (1, "a"), (1, "b"), (2, "a"))]
        assert (views[0] == views[1]).all() and (views[0] != views[2]).any() and (views[0] != views[3]).any()
        assert (one.view(values, 0, "a")["values"] == one.prepare(values)["values"]).all()
    ahead = source.reading("ahead")
    assert (ahead.view(values, 1, "a")["guide"] == ahead.prepare(values)["guide"]).all(), "of the past as it is"
    assert not ahead.view(values[:20], 1, "a")["values"][0, :44].any(), "no noise where there are no values"


def test_convolutions_stand_beside_what_the_network_knows(source: Source) -> None:
    contents = [np.stack([seasonal(50, one), seasonal(50, one + 1)]) for one in range(6)]
    set_for = source.suited(contents)
    assert [stage.name for stage in set_for.stages[:2]] == ["context", "convolutions"]
    assert ("convolutions",) in set_for.offers and "convolutions" not in source.description.preparation
    found, lean = heard(set_for, contents[:2]), set_for.toward(["summary"])
    assert found["convolutions"].shape == (2, 9996) and 0 < found["convolutions"].mean() < 1
    assert "convolved" not in lean.prepare(contents[0]) and lean.fingerprint == set_for.fingerprint
    assert set_for.suited(contents) is set_for, "what is set for them already stays known to the bank"
    assert set_for.suited(contents[:3]).fingerprint != set_for.fingerprint
    thresholds = set_for.weights()["convolutions.thresholds"]
    assert thresholds.shape == (9996,) and "convolutions.thresholds" not in source.weights()


def test_sources_of_other_things_do_not_tell_what_comes_next() -> None:
    with pytest.raises(SourceError, match="does not take series"):
        open_source("builtin/image-tiny").reading("ahead")


@pytest.mark.parametrize("kind", ["PatchTST", "PatchTSMixer"])
def test_models_of_transformers_tell_what_the_library_tells(kind: str, tmp_path: Path) -> None:
    import transformers

    torch.manual_seed(0)
    sizes = {"context_length": 64, "patch_length": 8, "patch_stride": 8, "d_model": 16, "prediction_length": 6}
    more = (
        {"num_hidden_layers": 2, "num_attention_heads": 2, "ffn_dim": 32} if kind == "PatchTST" else {"num_layers": 2}
    )
    config = getattr(transformers, f"{kind}Config")(**sizes, **more, num_input_channels=1, loss="mse", scaling="std")
    model = getattr(transformers, f"{kind}ForPrediction")(config).eval()
    model.save_pretrained(tmp_path / "model")
    source = open_source(tmp_path / "model").reading("ahead")
    values = seasonal(64)
    with torch.no_grad():
        expected = model(past_values=torch.tensor(values, dtype=torch.float32)[None, :, None]).prediction_outputs
        inputs = {name: torch.from_numpy(array) for name, array in source.collate([source.prepare(values)]).items()}
        told = source.module()(**source.entry()(inputs))[0].numpy()
    _, level, scale = past(values)
    assert told * scale + level == pytest.approx(expected[0, :, 0].numpy(), rel=2e-3)
    assert source.description.classifier == "head" and source.description.labels[0] == "+1 low, +1 middle, +1 high"
    assert len(source.stages) >= 4
    found = heard(source, [values, values[:20]])
    assert {stage.name: found[stage.name].shape[1] for stage in source.stages} == {
        s.name: s.width for s in source.stages
    }
    whole = open_source(tmp_path / "model")
    assert all(len(array) == 2 for array in heard(whole, [np.stack([values] * 3), values[None]]).values())


def test_chronos_bolt_tells_what_its_library_tells(tmp_path: Path) -> None:
    library = pytest.importorskip("chronos.chronos_bolt", reason="chronos-forecasting is not installed")
    import transformers

    sizes = {"context_length": 64, "prediction_length": 6, "input_patch_size": 8, "input_patch_stride": 8}
    chronos = {**sizes, "quantiles": [0.1, 0.3, 0.5, 0.7, 0.9], "use_reg_token": True}
    more = {"d_model": 16, "d_ff": 32, "d_kv": 8, "num_layers": 2, "num_decoder_layers": 2, "num_heads": 2}
    config = transformers.T5Config(**more, chronos_config=chronos, dense_act_fn="relu", pad_token_id=0)
    config.decoder_start_token_id = 0
    torch.manual_seed(0)
    model = library.ChronosBoltModelForForecasting(config).eval()
    model.save_pretrained(tmp_path / "model")
    source = open_source(tmp_path / "model").reading("ahead")
    for values in (seasonal(64), seasonal(40)):
        with torch.no_grad():
            expected = model(context=torch.tensor(values, dtype=torch.float32)[None]).quantile_preds[0].numpy()
            inputs = {name: torch.from_numpy(array) for name, array in source.collate([source.prepare(values)]).items()}
            told = source.module()(**source.entry()(inputs))[0].numpy()
        _, level, scale = past(values)
        assert told.reshape(5, 6) * scale + level == pytest.approx(expected, rel=1e-3)
    assert source.description.labels[:7] == (*(f"+{step} low" for step in range(1, 7)), "+1 at 0.3")
    assert source.description.classifier == "head" and len(source.stages) >= 4
    found = heard(source, [seasonal(64), seasonal(40)])
    assert {name: values.shape[1] for name, values in found.items()} == {s.name: s.width for s in source.stages}
