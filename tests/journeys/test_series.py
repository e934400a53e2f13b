"""Series from tables and archives to proven runs, as a user would."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from tests.journeys.world import headstart

import headstart as hs
from contracts.series import SMALL, shapes, write_archive, write_machine, write_patches, write_wide
from contracts.texts import write_reviews
from headstart.core.errors import HeadstartError
from headstart.data.readers.memory import from_memory


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_patches(tmp_path_factory.mktemp("models") / "patches")


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_wide(tmp_path_factory.mktemp("series") / "stores.csv", steps=200)


def test_a_table_to_a_run_that_tells_what_comes_next(network: Path, stores: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    wanted = ("--task", "forecasting", "--time", "month", "--horizon", "6")
    told = headstart("adapt", stores, *wanted, "--source", network, "--baseline-budget", "1", "--out", run).ok().out
    assert "The last season again (12 steps)" in told and "Skill" in told and "test windows" in told
    receipt = hs.load(run).receipt
    metrics = {arm.name: arm.metrics for arm in receipt.arms}
    assert {"adapted", "naive", "seasonal_naive", "zero-shot", "scratch"} <= set(metrics)
    assert metrics["adapted"]["skill"].value > 0.1 and metrics["seasonal_naive"]["skill"].value == 0
    assert 0.6 < metrics["adapted"]["coverage"].value <= 1
    assert receipt.target.groups, "windows overlap: intervals are drawn over blocks of time"
    assert receipt.arms[0].notes[-1].startswith("Head: ridge ")
    answers = list(csv.DictReader(io.StringIO(headstart("predict", run, stores, "--format", "csv").ok().out)))
    assert [row["step"] for row in answers if row["id"] == "store 1"] == [str(step) for step in range(1, 7)]
    assert list(answers[0])[:3] == ["id", "time", "step"] and answers[0]["time"] == answers[6]["time"] > "2000"
    assert all(float(row["low"]) <= float(row["middle"]) <= float(row["high"]) for row in answers)
    assert "MASE" in headstart("evaluate", run, stores).ok().out


def test_series_are_looked_at_before_anything_is_learned(stores: Path, tmp_path: Path) -> None:
    wanted = ("--task", "forecasting", "--time", "month")
    told = headstart("inspect", stores, *wanted, "--horizon", "6").ok().out
    assert "200 steps of 1 month long" in told and "Times: " in told and "Season: 12 steps" in told
    assert "Parts: train" in told and "test" in told
    headstart("inspect", stores, "--horizon", "6").refused("--horizon is for forecasting")
    headstart("inspect", stores, *wanted, "--horizon", "300").refused("too few")
    machine = write_machine(tmp_path / "machine.csv")
    told = headstart("inspect", machine, "--task", "anomaly", "--time", "hour").ok().out
    assert "Events: 2, 24 steps in all" in told


def test_what_is_known_ahead_of_time_helps(network: Path, tmp_path: Path) -> None:
    shop, plans, run = tmp_path / "shop.csv", tmp_path / "plans.csv", tmp_path / "run"
    random = np.random.default_rng(0)
    days = np.arange(np.datetime64("2023-01-01"), np.datetime64("2023-01-01") + 306).astype(str)
    offers = random.random(306) < 0.3
    sold = [f"{number:.2f}" for number in 50 + 20 * offers[:300] + random.normal(0, 1, 300)]
    rows = zip(days, [*sold, *[""] * 6], np.where(offers, "true", "false"), strict=True)
    lines = ["day,sold,offer", *map(",".join, rows)]
    shop.write_text("\n".join(lines[:301]))
    plans.write_text("\n".join(lines))
    wanted = ("--task", "forecasting", "--time", "day", "--value", "sold", "--horizon", "6", "--baseline-budget", "1")
    headstart("adapt", shop, *wanted, "--known", "offer", "--source", network, "--out", run).ok()
    arms = {arm.name: arm.metrics["skill"].value for arm in hs.load(run).receipt.arms}
    assert arms["adapted"] > 0.6 and arms["plain"] > 0.6 and arms["plain_theta"] < 0.5
    headstart("predict", run, shop).refused("6 steps are to be told", "offer filled in")
    told = list(csv.DictReader(io.StringIO(headstart("predict", run, plans, "--format", "csv").ok().out)))
    assert [row["time"] for row in told] == days[300:].tolist()
    assert [float(row["middle"]) for row in told] == pytest.approx((50 + 20 * offers[300:]).tolist(), abs=6)
    headstart("adapt", shop, *wanted, "--known", "price", "--source", network).refused("no column 'price'")


def test_a_machine_to_a_run_that_raises_alarms(tmp_path: Path) -> None:
    machine, run = write_machine(tmp_path / "machine.csv"), tmp_path / "run"
    wanted = ("--task", "anomaly", "--time", "hour", "--test", "0.5", "--horizon", "4", "--baseline-budget", "1")
    told = headstart("adapt", machine, *wanted, "--source", "builtin/series-tiny", "--out", run).ok().out
    assert "F1 of events" in told and "Distance from the median" in told
    receipt = hs.load(run).receipt
    metrics = {arm.name: arm.metrics for arm in receipt.arms}
    assert {"adapted", "never", "always", "moving_median", "scratch"} == set(metrics)
    assert metrics["adapted"]["recall"].value == 1 and metrics["adapted"]["f1"].value > 0.6
    assert receipt.target.groups is not None and receipt.target.groups > 20, "resampled by blocks of time"
    rows = list(csv.DictReader(io.StringIO(headstart("predict", run, machine, "--format", "csv").ok().out)))
    alarms = [row["id"] for row in rows if row["alarm"] == "true"]
    days = {one[:10] for one in alarms}
    assert {day for day in days if day > "2024-01-13"} == {"2024-01-16", "2024-01-21"}, "of the second half, the two"
    assert len(days) < 9 and len(rows) > 500
    assert "Events found" in headstart("evaluate", run, machine).ok().out


def test_trained_for_what_comes_next(network: Path, stores: Path, tmp_path: Path) -> None:
    given = {"task": "forecasting", "time": "month", "horizon": SMALL.horizon, "source": network}
    options = {"epochs": 1, "freeze": "none"}
    run = hs.adapt(stores, **given, strategy="finetune", options=options, out=tmp_path / "run", baselines=False)
    again = hs.load(tmp_path / "run").answer(stores).predictions.answers
    assert np.array_equal(again, run.answer(stores).predictions.answers)
    further = hs.adapt(stores, **{**given, "source": tmp_path / "run"}, out=tmp_path / "more", baselines=False)
    assert "zero-shot" in {arm.name for arm in further.receipt.arms}, "the run's own head tells as many steps"
    shapes_of = write_archive(tmp_path / "kinds.npz")
    hs.adapt(shapes_of, source=tmp_path / "run", out=tmp_path / "kinds", baselines=False)


@pytest.mark.parametrize("channels", [1, 3])
def test_an_archive_to_a_run_that_tells_kinds(network: Path, channels: int, tmp_path: Path) -> None:
    archive, run = write_archive(tmp_path / "kinds.npz", channels), tmp_path / "run"
    told = headstart("adapt", archive, "--source", network, "--baseline-budget", "1", "--out", run).ok().out
    assert "60 test series" in told
    model = hs.load(run)
    arms = {arm.name: arm.metrics["accuracy"].value for arm in model.receipt.arms}
    assert arms["adapted"] > 0.8 and "MiniROCKET with ridge" in told
    values, kinds = shapes(9, 7, channels)
    assert np.mean(np.array(model.predict(list(values))) == kinds) > 0.6
    assert len(json.loads(headstart("predict", run, archive, "--format", "json").ok().out)) == 96


def test_a_head_that_reads_around_its_source_saves_no_labels(network: Path, tmp_path: Path) -> None:
    archive, run = write_archive(tmp_path / "kinds.npz", 1), tmp_path / "run"
    wanted = ("--set", "stages=convolutions", "--baseline-budget", "1")
    headstart("adapt", archive, "--source", network, *wanted, "--out", run).ok()
    receipt = hs.load(run).receipt
    assert any("nothing that the source learned" in warning for warning in receipt.warnings)
    assert any(arm.name == "scratch" for arm in receipt.arms) and receipt.label_efficiency.sentence is None


def test_a_model_of_transformers_trained_and_opened_again(stores: Path, tmp_path: Path) -> None:
    import transformers

    sizes = {"context_length": 64, "patch_length": 8, "patch_stride": 8, "d_model": 16, "prediction_length": 6}
    config = transformers.PatchTSMixerConfig(**sizes, num_layers=2, num_input_channels=1, loss="mse", scaling="std")
    transformers.PatchTSMixerForPrediction(config).save_pretrained(tmp_path / "mixer")
    given = {"task": "forecasting", "time": "month", "horizon": 6, "baselines": False, "strategy": "finetune"}
    options = {"epochs": 1, "freeze": "none"}
    run = hs.adapt(stores, **given, source=tmp_path / "mixer", options=options, out=tmp_path / "run")
    assert "zero-shot" in {arm.name for arm in run.receipt.arms}
    told, again = run.answer(stores), hs.load(tmp_path / "run").answer(stores)
    assert np.array_equal(told.predictions.answers, again.predictions.answers)


def test_what_does_not_fit_is_refused(network: Path, stores: Path, tmp_path: Path) -> None:
    reviews = write_reviews(tmp_path / "reviews.csv")
    headstart("adapt", reviews, "--source", network).refused("takes series and", "holds text")
    headstart("adapt", stores, "--task", "forecasting", "--source", network).refused("--horizon")
    headstart("adapt", reviews, "--horizon", "3", "--source", network).refused("--horizon is for forecasting")
    wanted = ("--task", "forecasting", "--horizon", "6", "--time")
    headstart("adapt", stores, *wanted, "when", "--source", network).refused("no column 'when'")
    random = np.random.default_rng(0)
    mixed = [random.normal(size=(1 + row // 12, 9)) for row in range(24)]
    with pytest.raises(HeadstartError, match="from 1 to 2 channels"):
        table = from_memory(mixed, list("ab") * 12, modality="series")
        hs.adapt(table, source=network, out=tmp_path / "run", quarantine=1, baselines=False)
    headstart("adapt", stores, *wanted, "month", "--source", "builtin/image-tiny").refused("does not take series")


def test_the_builtin_source_tells_seasons_it_never_saw(stores: Path, tmp_path: Path) -> None:
    given = {"task": "forecasting", "time": "month", "horizon": 12, "baselines": False}
    run = hs.adapt(stores, source="builtin/series-tiny", **given, out=tmp_path / "run")
    values = {arm.name: arm.metrics["skill"].value for arm in run.receipt.arms}
    assert values["zero-shot"] > values["naive"] + 0.5, "a season of so little noise is best repeated, but it is seen"
    assert run.receipt.source.trained_on.startswith("M4 weekly")


def test_the_demo_writes_its_table_into_an_empty_folder(tmp_path: Path) -> None:
    from headstart.verbs.demo_series import MUSEUMS, write_museums

    rows = write_museums(tmp_path / "runs" / "museums.csv").read_text().splitlines()
    assert len(rows) == 1 + 3 * 7 * 24 and rows[0].count(",") == len(MUSEUMS)
