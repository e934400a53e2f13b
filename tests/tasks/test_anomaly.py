"""Anomalies: what counts as found and as false, where the threshold comes from, what is seen of a step."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from contracts.series import write_machine
from headstart.core.errors import DataError
from headstart.data.contents import contents_of
from headstart.data.modalities.series import past
from headstart.data.read import read
from headstart.data.table import Examples, Table
from headstart.data.windows import Windows
from headstart.measure.events import judged
from headstart.measure.mahalanobis import lengths
from headstart.tasks.anomaly import Anomaly
from headstart.tasks.unfamiliar import unfamiliar, usual

CUT = Windows(4, 48, value="heat", test=0.5, each_step=True)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Table:
    path = write_machine(tmp_path_factory.mktemp("d") / "machine.csv")
    return read(path, time="hour", reader="windows", windows=CUT)


def part(table: Table, name: str) -> Examples:
    rows = np.flatnonzero(np.array(table.strings("split")) == name)
    return Examples(table, rows, [""] * len(table))


def test_an_event_is_found_once_and_long_false_alarms_count_again_and_again() -> None:
    events = np.array([0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 2, 2, 2])
    places = np.arange(15)

    def counted(*alarms: int) -> tuple[float, ...]:
        return tuple(float(one.sum()) for one in judged(np.isin(places, alarms), events, places))

    assert counted() == (0, 0, 2)
    assert counted(8) == counted(7, 8, 9) == (1, 1, 2), "no point adjustment: more alarms in it find no more"
    assert counted(0, 1, 2, 8) == (1, 2, 2), "one false alarm, as long as events are"
    assert counted(0, 2, 3, 6) == (0, 3, 2), "the next begins when that is over"
    assert counted(*places) == (2, 6, 2), "always an alarm finds all, and is wrong most of the time"
    shuffled = np.random.default_rng(0).permutation(15)
    again = judged(np.isin(places, (0, 1, 2, 8))[shuffled], events[shuffled], places[shuffled])
    assert [one.sum() for one in again] == [1, 2, 2]


def test_normal_steps_are_learned_and_every_step_of_the_test_is_judged(table: Table) -> None:
    task = Anomaly.from_examples("label", part(table, "train"))
    for name in ("train", "validation"):
        assert not task.encode(part(table, name).labels())[:, 4].any(), "nothing of an event is learned from"
    targets = task.encode(part(table, "test").labels())
    apart = np.diff(targets[:, 5]).tolist()
    assert apart.count(1) == len(apart) - 2, "every step, in the order of time"
    assert apart.count(4) == 2, "but for those just after the two events: they hold some of these"
    assert len(np.unique(targets[:, 4])) == 3, "two events, and what is none"
    for content, target in zip(contents_of(part(table, "test")), targets, strict=True):
        values, level, scale = past(content)
        assert values.shape == (48,) and content.now == pytest.approx(target[:4])
        assert target[7:9] == pytest.approx([level, scale]), "judged in the units in which it is told"
        assert values.max() < 20 and np.nanmax(content.past) < 30, "what was unusual is not told to come again"
    assert task.restored(task.describe()) == task


def test_of_given_parts_the_last_fifth_to_learn_from_says_what_is_normal(tmp_path: Path) -> None:
    parts = ["train"] * 500 + ["test"] * 100
    values = np.random.default_rng(0).normal(size=600).round(3).tolist()
    rows = enumerate(zip(values, parts, strict=True))
    lines = [f"{value},{place % 97 == 3:d},{part}" for place, (value, part) in rows]
    (tmp_path / "parts.csv").write_text("\n".join(["heat,is_anomaly,split", *lines]))
    table = read(tmp_path / "parts.csv", reader="windows", windows=CUT)
    assert 70 < table.strings("split").count("validation") <= 100, "not as many as forecasts of two horizons have"


def test_the_threshold_is_the_farthest_normal_distance(table: Table) -> None:
    examples = part(table, "train")
    task = Anomaly.from_examples("label", examples)
    targets = task.encode(examples.labels())
    random = np.random.default_rng(0)
    scores = np.sort(random.normal(size=(len(targets), 3, 4)), axis=1).reshape(len(targets), 12)
    evened = scores @ task.calibrate(scores, task.numbers(targets))
    distance = task.answer(evened, contents_of(examples)).confidence
    assert distance.max() == pytest.approx(1)
    assert evened[:, 4:8] == pytest.approx(scores[:, 4:8]), "the forecast itself stays"
    solution = task.solve(random.normal(size=(len(targets), 5)).astype(np.float32), task.numbers(targets), "ridge")
    normal = task.answer(solution.left_out, contents_of(examples)).confidence
    assert usual(normal) == pytest.approx(1), "an odd stretch does not hide others"


def test_a_past_unlike_all_others_is_an_alarm_though_its_forecast_is_right() -> None:
    """Where it is as stable a sign as the forecasts: else it is not looked at."""
    random = np.random.default_rng(0)
    mixed = random.normal(size=(8, 40))
    features = (random.normal(size=(400, 8)) @ mixed + 0.1 * random.normal(size=(400, 40))).astype(np.float32)
    apart = random.gamma(1, size=400)
    apart[[10, 110]] *= 20
    found = unfamiliar(features, apart / usual(apart))
    assert found is not None
    alike = (random.normal(size=(50, 8)) @ mixed).astype(np.float32)
    far = lengths(alike + random.normal(0, 1, (50, 40)).astype(np.float32), found.weight, found.bias)
    assert lengths(alike, found.weight, found.bias).max() < 1.2 < far.min(), "such values, but not together"
    steady = np.full(400, 0.9)
    assert unfamiliar(features, steady) is None, "forecasts are never as far off: nothing is more stable"
    assert unfamiliar(features[:50], apart[:50]) is None, "too few to say what is usual"


def test_what_is_unlike_is_part_of_the_head_and_its_scores(table: Table) -> None:
    examples = part(table, "train")
    task = Anomaly.from_examples("label", examples)
    numbers = task.numbers(task.encode(examples.labels()))
    odd = numbers.copy()
    odd[100, :4] += 50  # so that forecasts are no stable sign
    features = np.random.default_rng(0).normal(size=(len(numbers), 6)).astype(np.float32)
    solution = task.solve(features, odd, "ridge")
    assert solution.weight.shape[1] > len(task.labels) and "distance" in solution.solver
    scores = solution.scores(features)
    told = task.answer(scores, contents_of(examples))
    alone = task.answer(scores[:, : len(task.labels)], contents_of(examples))
    unlike = task.laid_out([""] * len(scores), told)["unlike"]
    assert told.confidence == pytest.approx(np.maximum(alone.confidence, unlike))
    assert 0.5 < unlike.max() < 1.5
    assert task.reordered(scores, task.labels).tolist() == scores.tolist(), "as other runs' answers are compared"
    apart = unlike - alone.confidence
    assert "after a course unlike those learned from" in task.shown(told.answers[int(np.argmax(apart))])
    assert "was expected" in task.shown(told.answers[int(np.argmin(apart))])
    assert task.soften(solution, features, odd).weight.shape[1] == len(task.labels), "a network that learns moves"


def test_the_moving_median_finds_what_is_far_from_it(table: Table) -> None:
    from headstart.data.contents import Told

    fit, test = part(table, "train"), part(table, "test")
    task = Anomaly.from_examples("label", fit)
    targets = task.encode(test.labels())
    told = Told.by(fit, "label")
    [median], _ = task.rivals(told, told, told, len(test))
    found = {}
    for one in (*task.baselines(targets), median):
        scores = one.answer(contents_of(test), len(test))
        predictions = task.answer(scores, contents_of(test))
        found[one.name] = {
            metric.name: metric.statistic(np.ones((1, len(test))))[0] for metric in task.metrics(predictions, targets)
        }
        assert ((task.errors(predictions, targets) == 0).all()) == (found[one.name]["f1"] == 1)
    assert found["never"] == {"f1": 0, "precision": 0, "recall": 0}
    assert found["always"]["recall"] == 1 and found["always"]["f1"] < 0.3
    assert found["moving_median"]["f1"] > found["always"]["f1"]


def test_what_cannot_be_judged_is_refused(tmp_path: Path) -> None:
    path = write_machine(tmp_path / "machine.csv")
    text = path.read_text()

    def refused(text: str, **given: object) -> str:
        path.write_text(text)
        with pytest.raises(DataError) as problem:
            read(path, time="hour", reader="windows", windows=Windows(4, 48, **{"each_step": True, **given}))
        return str(problem.value)

    assert "--label" in refused(text.replace("is_anomaly", "noted"), value="heat")
    assert "0 and 1, but row 1 has" in refused(text, value="heat", event="heat")
    assert "--test 0.6" in refused(text, value="heat", test=0.05)
    assert "rows 1 and 2" in (told := refused(text.replace("T01", "T00", 1))) and "leave out --time" in told
