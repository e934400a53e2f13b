"""Tables of values over time: even steps, parts that never overlap in what is to be told, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as csv
import pytest

from contracts.series import seasonal, shapes, write_archive, write_wide
from headstart.core.errors import DataError
from headstart.data import checks, splits
from headstart.data.contents import Contents, Unreadable
from headstart.data.modalities.series import Series
from headstart.data.read import read
from headstart.data.windows import COMING, FIELDS, Windows, find_season, season_of

CUT = Windows(horizon=6, context=36)


def rows(path: Path, lines: list[str]) -> Path:
    path.write_text("\n".join(lines) + "\n")
    return path


def test_parts_do_not_share_what_is_to_be_told(tmp_path: Path) -> None:
    path = write_wide(tmp_path / "stores.csv")
    parts = splits.split(checks.check(read(path, time="month", reader="windows", windows=CUT)))
    every = {name: parts.part(name) for name in ("train", "validation")} | {"test": parts.test.open()}
    whole, told = seasonal(240, 0), {}
    for name, examples in every.items():
        contents = Contents(examples.table)
        told[name] = set()
        for place, label in zip(examples.ids(), examples.labels(), strict=True):
            if place.endswith("store 0"):
                start = int(np.argmin(np.abs(whole - label[0])))
                told[name] |= set(range(start, start + 6))
                past = contents.read(examples.table.column("id").to_pylist().index(place))
                assert np.allclose(past, whole[max(0, start - 36) : start]), "the past ends where the label begins"
    assert not (told["train"] & told["validation"]) and not (told["validation"] & told["test"])
    assert max(told["train"]) < min(told["validation"]) < min(told["test"])
    assert len(told["test"]) == 60, "a quarter of all steps, every one of them told"
    assert len(every["test"]) == 2 * (60 - 6 + 1), "every window"
    groups = {name: set(examples.groups() or ()) for name, examples in every.items()}
    assert not groups["train"] & groups["test"]


def test_rows_of_each_part_may_be_said(tmp_path: Path) -> None:
    path = write_wide(tmp_path / "stores.csv", series=1)
    table = read(path, time="month", split="100/50/60", reader="windows", windows=CUT)
    counts = [table.strings("split").count(name) for name in ("train", "validation", "test")]
    assert counts[1:] == [50 - 6 + 1, 60 - 6 + 1]
    last = np.asarray(table.column("label")[-1].as_py())
    assert np.allclose(last[:6], seasonal(240)[204:210]), "the test ends at row 210"


def test_a_long_table_with_its_own_parts(tmp_path: Path) -> None:
    lines = ["store,step,sold,split"]
    for store in range(3):
        values = seasonal(60, store)
        lines += [f"{store},{step},{values[step]},{'test' if step >= 54 else 'train'}" for step in range(60)]
    path = rows(tmp_path / "long.csv", lines)
    table = read(path, time="step", reader="windows", windows=Windows(6, 36, series="store", value="sold", season=12))
    assert table.strings("split").count("test") == 3
    label = np.asarray(table.column("label")[len(table) - 1].as_py())
    train = seasonal(60, 2)[:54]
    assert label[6 + FIELDS.index("unit")] == pytest.approx(np.mean(np.abs(train[12:] - train[:-12])))


def test_missing_rows_and_values_are_said(tmp_path: Path) -> None:
    path = write_wide(tmp_path / "stores.csv", series=1)
    lines = path.read_text().splitlines()
    del lines[50]
    lines[100] = lines[100].split(",")[0] + ","
    table = read(rows(path, lines), time="month", reader="windows", windows=CUT)
    assert any("1 row is missing" in note for note in table.notes)
    assert any("2 of 240 values are missing" in note for note in table.notes)
    assert all(np.isfinite(Series().decode(content)).all() for content in map(Contents(table).read, range(len(table))))


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["date,sold", *[f"2020-01-{day:02d},{day}" for day in range(1, 29)], "2020-01-05,7"], "in rows 5 and 29"),
        (["date,sold", *[f"2020-01-{day:02d} 00:00:00,{day}" for day in range(1, 29)], "2020-01-29 07:30:00,3"],
         "steps of several lengths: mostly 1 day, but 1.3125 days from row 28 to 29"),
        (["date,sold", *[f"2020-01-{day:02d},{day}" for day in range(1, 8)]], "too few to learn to tell 6"),
        (["date,sold", *[f"2020-{1 + day // 28:02d}-{1 + day % 28:02d},5" for day in range(84)]], "constant"),
        (["date,sold", "yesterday,1", "today,2"], "'yesterday' in row 1"),
        (["date,sold", *[f"2020-01-{day:02d}T00:00,{day}" for day in range(1, 9)], "soon,9"], "'soon' in row 9"),
        (["date,sold", "2020-01-01,2", "2020-01-02,many"], "'sold' has 'many' in row 2"),
        (["date,sold", "2020-01-01,", "2020-01-02,"], "'sold' is empty"),
        (["date,a,b,c,d", *[f"2020-01-{day:02d},1,2,3,4" for day in range(1, 29)]],
         "none of its 4 can be used: a: it is constant in its training part: always 1; b: .*; and 1 more. Mend or"),
    ],
)  # fmt: skip
def test_bad_tables_are_refused_with_what_to_do(lines: list[str], said: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=said.replace("(", r"\(")):
        read(rows(tmp_path / "bad.csv", lines), time="date", reader="windows", windows=CUT)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("sold", "The column 'sold' of .*bad.csv has 'many' in row 2, which is no number. Write one there"),
        ("date", "The column 'date' of .*bad.csv has '2020-01-01' in row 1, which is no number."),
    ],
)
def test_values_that_are_no_numbers_are_named_with_their_row(value: str, said: str, tmp_path: Path) -> None:
    path = rows(tmp_path / "bad.csv", ["date,sold", "2020-01-01,2", "2020-01-02,many", "2020-01-03,"])
    with pytest.raises(DataError, match=said):
        read(path, reader="windows", windows=Windows(6, 24, value=value))


@pytest.mark.parametrize(
    ("header", "series", "said"),
    [
        ("date,store,sold", None, "from 2020-02-09 in row 40 to 2020-01-01 in row 41. Say --time date --series store,"),
        ("when,place,sold", None, "Say --time when --series place,"),
        ("date,store,sold", "store", "Say --time date, or take that column out"),
    ],
)
def test_stacked_series_without_a_time_are_refused(header: str, series: str | None, said: str, tmp_path: Path) -> None:
    days = [f"2020-{1 + day // 31:02d}-{1 + day % 31:02d}" for day in range(40)]
    lines = [f"{day},{store},{number % 7}" for store in ("north", "south") for number, day in enumerate(days)]
    path = rows(tmp_path / "long.csv", [header, *(lines[::-1] if series else lines)])
    with pytest.raises(DataError, match=said):
        read(path, reader="windows", windows=Windows(6, 24, series=series, value="sold"))


def test_a_part_may_count_its_time_anew(tmp_path: Path) -> None:
    parts = [("train", step) for step in range(150)] + [("test", step) for step in range(60)]
    lines = [f"{step},{step % 7},{part}" for part, step in parts]
    path = rows(tmp_path / "anew.csv", ["timestamp,value,which", *lines])
    table = read(path, reader="windows", windows=Windows(6, 24, value="value"), split="which")
    assert any("looks like their time: --time timestamp" in note for note in table.notes)
    with pytest.raises(DataError, match="from 149 in row 150 to 0 in row 151"):
        read(path, reader="windows", windows=Windows(6, 24, value="value"))
    table = read(path, reader="windows", windows=CUT, split="which")
    assert {one.split()[-1] for one in table.strings("id")} == {"value"}, "what counts the steps is no series"
    stacked = [f"{step},{step % 7},{part},{store}" for store in ("north", "south") for part, step in parts]
    path = rows(tmp_path / "stacked.csv", ["timestamp,value,which,store", *stacked])
    with pytest.raises(DataError, match="from 149 in row 150 to 0 in row 211"):
        read(path, reader="windows", windows=Windows(6, 24, value="value"), split="which")


def test_a_column_like_a_time_that_nobody_named_is_said(tmp_path: Path) -> None:
    table = read(write_wide(tmp_path / "stores.csv"), reader="windows", windows=CUT)
    assert any("the column 'month' looks like their time: --time month" in note for note in table.notes)
    table = read(rows(tmp_path / "plain.csv", ["sold", *map(str, seasonal(240))]), reader="windows", windows=CUT)
    assert not any("--time" in note for note in table.notes)


@pytest.mark.parametrize("set_back", [0, 1])
def test_clocks_that_are_set_back_and_days_of_many_hours_are_only_said(set_back: int, tmp_path: Path) -> None:
    hours = np.datetime64("2020-01-01T00") + np.arange(240)
    when = [f"{hour},{hour.astype(int) % 24}" for hour in (hours.astype("datetime64[D]"), hours)[set_back]]
    if set_back:
        when[120] = when[119]
    lines = [f"{one},{value}" for one, value in zip(when, seasonal(240), strict=True)]
    table = read(rows(tmp_path / "hours.csv", ["date,hour,sold", *lines]), reader="windows",
                 windows=Windows(6, 24, value="sold"))  # fmt: skip
    assert any("looks like their time: --time date" in note for note in table.notes)


@pytest.mark.parametrize(
    ("times", "told"),
    [
        (["2020-01-30", "2020-01-31", "2020-02-01"], ["2020-02-02", "2020-02-03"]),
        (["2020-02-28 22:00", "2020-02-28 23:00"], ["2020-02-29 00:00:00", "2020-02-29 01:00:00"]),
        (["2020-11-30", "2020-12-31", "2021-01-31"], ["2021-02-28", "2021-03-31"]),
        (["2020-11-15", "2020-12-15", "2021-02-15"], ["2021-03-15", "2021-04-15"]),
        (["3", "5", "7"], [9, 11]),
        ([f"2021-03-{day:02d}" for day in range(1, 27) if day % 7 not in (6, 0)], ["2021-03-29", "2021-03-30"]),
        (["2020-01-30"], None),
        (None, None),
    ],
)
def test_steps_to_be_told_have_their_times(times: list[str] | None, told: list[object] | None, tmp_path: Path) -> None:
    named = times or ["a", "b", "c"]
    path = rows(tmp_path / "sold.csv", ["when,sold", *[f"{time},{place}" for place, time in enumerate(named)]])
    given = {"time": "when"} if times else {}
    table = read(path, labelled=False, reader="windows", windows=Windows(2, 24, value="sold"), **given)
    assert (table.column(COMING).to_pylist() == [told]) if told else not table.has(COMING)


@pytest.mark.parametrize("dated", [True, False])
def test_a_horizon_longer_than_the_series_is_refused(dated: bool, tmp_path: Path) -> None:
    path = write_wide(tmp_path / "stores.csv")
    given = {"time": "month"} if dated else {}
    with pytest.raises(DataError, match="its 240 steps are too few to learn to tell 300"):
        read(path, reader="windows", windows=Windows(300, 48), **given)


def test_one_bad_series_is_set_aside_by_name(tmp_path: Path) -> None:
    path = write_wide(tmp_path / "stores.csv", series=2)
    lines = path.read_text().splitlines()
    flat = [lines[0] + ",flat", *[line + ",7" for line in lines[1:]]]
    table = read(rows(path, flat), time="month", reader="windows", windows=CUT)
    assert [(item.id, "constant" in item.reason) for item in table.quarantine] == [("flat", True)]


@pytest.mark.parametrize("season", [4, 7, 12, 24])
def test_a_season_is_found(season: int) -> None:
    assert find_season([seasonal(400, one, season) for one in range(3)]) == season
    assert find_season([np.random.default_rng(0).normal(size=400)]) == 1


def test_a_season_found_is_the_shortest_that_is_about_as_good() -> None:
    """Changes agree at two and four seasons' distance as well, by luck a little better."""
    assert {find_season([seasonal(4000, one, 12, noise=0.5)]) for one in range(12)} == {12}


def test_each_series_may_have_a_season_of_its_own(tmp_path: Path) -> None:
    columns = {f"shop {season}": seasonal(200, 0, season) for season in (7, 12)}
    path = tmp_path / "sales.csv"
    csv.write_csv(pa.table(columns), path)
    apart = read(path, reader="windows", windows=Windows(6, 36, season=1, seasons_apart=True))
    seen: dict[str, set[int]] = {}
    for number, name in enumerate(apart.column("id").to_pylist()):
        content = Contents(apart).read(number)
        seen.setdefault(name.split()[-1], set()).add(season_of(content))
        assert np.asarray(content).ndim == 1 and len(np.asarray(content)) <= 36
    assert seen == {"7": {7}, "12": {12}}
    assert isinstance(Contents(read(path, reader="windows", windows=Windows(6, 36))).read(0), np.ndarray)


def test_archives_of_labelled_series(tmp_path: Path) -> None:
    table = read(write_archive(tmp_path / "shapes.npz", channels=2))
    assert table.modality == "series" and table.strings("split").count("test") == 60
    assert Series().decode(Contents(table).read(40)).shape == (2, 40)
    np.savez(tmp_path / "objects.npz", X_train=np.ones((3, 9)), y_train=np.array(["a", 1, None], object))
    with pytest.raises(DataError, match="Python objects"):
        read(tmp_path / "objects.npz")


def test_files_of_the_ucr_archive(tmp_path: Path) -> None:
    for part, seed in (("TRAIN", 0), ("TEST", 1)):
        values, kinds = shapes(12, seed)
        plain = ["\t".join([kind, *map(str, one[0])]) for kind, one in zip(kinds, values, strict=True)]
        rows(tmp_path / f"Kinds_{part}.tsv", plain)
        data = [f"{','.join(map(str, one[0]))}:{kind}" for kind, one in zip(kinds, values, strict=True)]
        data[0] = data[0].replace(str(values[0, 0, 0]), "?", 1)
        rows(
            tmp_path / f"Others_{part}.ts",
            ["# made up", "@problemName Others", "@classLabel true square triangle wave", "@data", *data],
        )
    tables = [read(tmp_path / name) for name in ("Kinds_TRAIN.tsv", "Others_TEST.ts")]
    assert tables[0].rows.column("label").equals(tables[1].rows.column("label"))
    assert tables[0].strings("split") == tables[1].strings("split") == ["train"] * 12 + ["test"] * 12
    first, other = (Series().decode(Contents(table).read(0)) for table in tables)
    assert other[0, 0] == first[0, 1] and np.allclose(first[0, 1:], other[0, 1:]), "a missing end is as its neighbour"
    asked = read(tmp_path / "Kinds_TEST.tsv", labelled=False)
    assert asked.strings("id") == [f"Kinds_TEST {row:02d}" for row in range(12)], "rows of that file, named by it"
    assert np.allclose(Contents(asked).read(0), Contents(tables[0]).read(12))


def test_what_cannot_be_a_series_says_why() -> None:
    reasons = [Series().examine(content).problem for content in ([], np.full(5, np.nan), b"text", np.ones((2, 2, 2)))]
    assert all(reasons) and "missing" in reasons[1] and "NumPy" in reasons[2]
    assert dict(Series().examine(np.ones(30)).properties)["constant"] == "yes"
    with pytest.raises(Unreadable, match="infinite"):
        Series().decode([1.0, np.inf])
