"""Tables of users and what they met."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from headstart.core.errors import DataError
from headstart.data.contents import contents_of
from headstart.data.read import read
from headstart.verbs.inspect import inspect


def write(path, **columns):
    parquet.write_table(pa.table(columns), path)
    return path


def read_ratings(path, **options):
    return read(path, reader="interactions", written=True, **options)


def six(path, **more):
    """One user with six items, given in another order than met, and one with two."""
    return write(
        path,
        user=[1, 1, 1, 1, 1, 1, 2, 2],
        item=[10, 20, 30, 40, 50, 60, 10, 20],
        rating=more.get("rating", [1, 2, 3, 4, 5, 4, 3, 3]),
        timestamp=[6, 5, 4, 3, 2, 1, 1, 2],
    )


def test_the_last_item_is_for_the_test_and_the_one_before_for_validation(tmp_path):
    table = read_ratings(six(tmp_path / "r.parquet"))
    nexts = table.strings("next item")
    found = {
        (part, content["user"], tuple(content["items"]), label)
        for part, content, label in zip(table.strings("split"), contents_of(table), nexts, strict=True)
    }
    assert found == {
        ("test", "1", ("60", "50", "40", "30", "20"), "10"),
        ("validation", "1", ("60", "50", "40", "30"), "20"),
        ("train", "1", ("60", "50", "40"), "30"),
        ("train", "2", ("10",), "20"),
    }


def test_equal_ratings_and_repeated_items_are_said(tmp_path):
    assert any("All ratings" in note for note in read_ratings(six(tmp_path / "r.parquet", rating=[3] * 8)).notes)
    path = write(tmp_path / "d.csv.parquet", user=["a"] * 7, item=["x", "x", "y", "z", "v", "w", "u"])
    table = read_ratings(path)
    assert any("1 row repeats" in note for note in table.notes)
    assert any("does not say when" in note for note in table.notes)


def test_ids_of_different_type_are_matched(tmp_path):
    items = write(tmp_path / "i.parquet", item=["10", "20", "30", "40", "50", "60"], title=list("abcdef"))
    table = read_ratings(six(tmp_path / "r.parquet"), items=str(items))
    assert table.items is not None
    assert table.items.strings("title") == list("abcdef")
    assert not any("not in" in note for note in table.notes)


def test_items_that_the_table_lacks_are_counted_and_named(tmp_path):
    items = write(tmp_path / "i.parquet", item=[10.0, 20.0, 30.0, 40.0], title=list("abcd"))
    table = read_ratings(six(tmp_path / "r.parquet"), items=str(items))
    assert any("2 items" in note and "50" in note and "60" in note for note in table.notes)
    assert set(table.items.strings("id")) == {"10", "20", "30", "40", "50", "60"}


def test_a_table_of_other_items_is_refused(tmp_path):
    items = write(tmp_path / "i.parquet", item=["tt1", "tt2"], title=["a", "b"])
    with pytest.raises(DataError, match="called like 'tt1'"):
        read_ratings(six(tmp_path / "r.parquet"), items=str(items))


def test_what_is_no_table_of_users_and_items_is_refused(tmp_path):
    with pytest.raises(DataError, match="no column of users"):
        read_ratings(write(tmp_path / "r.parquet", a=[1], b=[2]))
    with pytest.raises(DataError, match="at least 5 items"):
        read_ratings(write(tmp_path / "r.parquet", user=[1, 1], item=[2, 3], time=[1, 2]))


def test_contents_take_memory_only_when_they_are_asked_for(tmp_path):
    users = np.repeat(np.arange(100), 60)
    items = np.tile(np.arange(60), 100)
    table = read_ratings(write(tmp_path / "r.parquet", user=users, item=items, time=items))
    assert len(table) == 300
    assert len(table.memory[len(table) - 1]["items"]) == 59
    assert len(table.memory.items) == 6000


def test_the_latest_time_is_the_test_for_everyone(tmp_path):
    users, moments = np.repeat(np.arange(50), 20), np.tile(np.arange(20), 50)
    table = read_ratings(write(tmp_path / "r.parquet", user=users, item=moments, time=moments), time="time")
    counts = [len(content["items"]) for content in contents_of(table)]
    found = {part: {count for count, own in zip(counts, table.strings("split"), strict=True) if own == part}
             for part in ("train", "validation", "test")}  # fmt: skip
    assert max(found["train"]) < min(found["validation"]) < min(found["test"])


def test_new_users_are_in_one_part_and_show_so_many_items(tmp_path):
    users, items = np.repeat(np.arange(200), 6), np.tile(np.arange(6), 200)
    table = read_ratings(
        write(tmp_path / "r.parquet", user=users, item=items, time=items), new_users=2, test=0.5, validation=0.1
    )
    people = [content["user"] for content in contents_of(table)]
    assert len(set(people)) == len(people) == 200
    for part, content in zip(table.strings("split"), contents_of(table), strict=True):
        assert len(content["items"]) == (5 if part == "train" else 2)
    assert 60 < table.strings("split").count("test") < 140


def test_to_predict_short_histories_are_enough(tmp_path):
    path = write(tmp_path / "r.parquet", user=["a", "a", "b"], item=["x", "y", "x"], time=[1, 2, 1])
    table = read(path, reader="interactions", labelled=False)
    assert table.strings("id") == ["a", "b"]
    assert [content["items"] for content in contents_of(table)] == [["x", "y"], ["x"]]


def test_missing_ratings_are_said_and_count_as_the_mean(tmp_path):
    table = read_ratings(six(tmp_path / "r.parquet", rating=[5, 3, None, None, 4, 4, 4, 4]))
    assert any("2 ratings are missing in 'rating'" in note for note in table.notes)
    assert {4.0} < {rating for content in contents_of(table) for rating in content["ratings"]} <= {3.0, 4.0, 5.0}


def test_a_table_is_told_in_a_few_lines(tmp_path):
    days = [1_400_000_000 + 86_400 * day for day in (5, 4, 3, 2, 1, 0, 0, 9)]
    path = write(tmp_path / "r.parquet", user=[1, 1, 1, 1, 1, 1, 2, 2], item=[1, 2, 3, 4, 5, 1, 1, 2], time=days)
    items = write(tmp_path / "items.parquet", item_id=[1, 2, 3, 4, 5, 6, 7], title=list("abcdefg"))
    found = inspect(path, task="recommendation", items=str(items))
    told = dict(found.about)
    assert found.examples == 2 and told["users"] == "2" and told["items"] == "5"
    assert told["interactions"].startswith("7, 70 %") and told["repeats"] == "1 row"
    assert told["time"] == "2014-05-13 to 2014-05-22" and told["never met"] == "2 items of items.parquet"
    assert "1 have fewer than 5" in told["of a user"] and "5 have fewer than 5" in told["of an item"]
