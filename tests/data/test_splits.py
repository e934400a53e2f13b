"""The laws of splitting, and what given parts, groups and times mean."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from headstart.core.errors import DataError
from headstart.data.checks import Checked
from headstart.data.splits import Splits, split, subsample
from headstart.data.table import SealedError, Table


def checked(
    labels: list[object], *, clusters: list[int] | None = None, order: list[int] | None = None, **columns: list[object]
) -> Checked:
    """A checked table without contents: keys and ids are those of the place in `labels`."""
    count = len(labels)
    keys = [f"key{(place * 7919) % 1_000_003:07d}" for place in range(count)]
    data = {"id": [f"item{place:05d}" for place in range(count)], "path": [""] * count, "label": labels, **columns}
    numbers = np.array(clusters if clusters is not None else range(count), np.int64)
    chosen = np.array(order if order is not None else range(count), np.int64)
    rows = pa.table({name: pa.array(values) for name, values in data.items()}).take(pa.array(chosen))
    return Checked(Table(rows, "the target", "image"), [keys[place] for place in chosen], numbers[chosen], {})


def parts(splits: Splits) -> dict[str, str]:
    return {name: part for part in ("train", "validation", "test") for name in splits.part(part).ids()}


targets = some.integers(20, 150).flatmap(
    lambda count: some.fixed_dictionaries(
        {
            "labels": some.lists(some.sampled_from(["a", "b", "c"]), min_size=count, max_size=count),
            "groups": some.lists(some.integers(0, count // 3), min_size=count, max_size=count),
            "clusters": some.lists(some.integers(0, 3 * count), min_size=count, max_size=count),
            "order": some.permutations(range(count)),
            "seed": some.integers(0, 5),
        }
    )
)


class TestLaws:
    @settings(max_examples=60, deadline=None)
    @given(target=targets)
    def test_groups_classes_and_order(self, target: dict[str, list[int]]) -> None:
        labels = target["labels"]
        groups = [f"g{number}" for number in target["groups"]]
        options = {"clusters": target["clusters"], "group": groups}
        try:
            splits = split(checked(labels, **options), seed=target["seed"])
        except DataError as problem:  # all of it may hang together
            assert "remains to test" in str(problem)
            return
        found = parts(splits)
        assert len(found) == len(labels)
        part_of = [found[f"item{place:05d}"] for place in range(len(labels))]
        for names in (groups, target["clusters"]):
            for name in set(names):
                assert len({part for part, other in zip(part_of, names, strict=True) if other == name}) == 1
        assert {label for label, part in zip(labels, part_of, strict=True) if part == "train"} == set(labels)
        assert "test" in part_of
        again = split(checked(labels, order=target["order"], **options), seed=target["seed"])
        assert parts(again) == found and again.fingerprint == splits.fingerprint
        assert again.train.ids() == splits.train.ids()

    @settings(max_examples=40, deadline=None)
    @given(
        counts=some.lists(some.integers(8, 60), min_size=2, max_size=5),
        seed=some.integers(0, 100),
        test=some.sampled_from([0.1, 0.25, 0.5]),
    )
    def test_shares_of_every_class(self, counts: list[int], seed: int, test: float) -> None:
        labels = [f"class{number}" for number, count in enumerate(counts) for _ in range(count)]
        splits = split(checked(labels), test=test, validation=0.2, seed=seed)
        tested = Counter(splits.test.open().labels())
        chosen = Counter(splits.validation.labels())
        for number, count in enumerate(counts):
            got = tested[f"class{number}"]
            assert abs(got - test * count) <= 0.5
            assert abs(chosen[f"class{number}"] - 0.2 * (count - got)) <= 0.5

    @settings(max_examples=30, deadline=None)
    @given(seed=some.integers(0, 1000))
    def test_groups_of_unequal_size_come_near_the_share(self, seed: int) -> None:
        random = np.random.default_rng(seed)
        groups = [f"g{number}" for number in range(40) for _ in range(int(random.integers(1, 9)))]
        labels = [str(random.integers(0, 3)) for _ in groups]
        splits = split(checked(labels, group=groups), seed=seed)
        assert abs(len(splits.test) / len(labels) - 0.25) < 0.06

    def test_seeds_differ(self) -> None:
        target = checked(["a", "b"] * 50)
        drawn = [parts(split(target, seed=seed)) for seed in (0, 0, 1)]
        assert drawn[0] == drawn[1] != drawn[2]
        assert split(target, seed=0).fingerprint != split(target, seed=1).fingerprint

    def test_a_changed_label_changes_the_fingerprint(self) -> None:
        labels = ["a", "b"] * 50
        other = ["b", *labels[1:]]
        assert split(checked(labels)).fingerprint != split(checked(other)).fingerprint


class TestKindsOfLabels:
    def test_several_labels_are_each_in_proportion(self) -> None:
        random = np.random.default_rng(0)
        names = ["rare", "often", "always"]
        labels = [
            [name for name, share in zip(names, (0.05, 0.5, 0.9), strict=True) if random.random() < share]
            for _ in range(400)
        ]
        splits = split(checked(labels))
        assert abs(len(splits.test) - 100) <= 6
        total = Counter(name for row in labels for name in row)
        tested = Counter(name for row in splits.test.open().labels() for name in row)
        for name in names:
            assert abs(tested[name] - total[name] / 4) <= 3

    def test_numbers_are_in_proportion_along_their_range(self) -> None:
        values = np.random.default_rng(0).exponential(10, 400).tolist()
        splits = split(checked(values))
        tested = np.array(splits.test.open().labels())
        assert len(tested) == 100
        edges = np.quantile(values, [0.2, 0.4, 0.6, 0.8])
        assert np.abs(np.bincount(np.searchsorted(edges, tested), minlength=5) - 20).max() <= 2

    def test_a_class_of_one_is_in_train_and_said_to_be_untested(self) -> None:
        splits = split(checked(["a"] * 20 + ["b"] * 20 + ["lonely"]))
        assert "lonely" in splits.train.labels()
        assert "No test example of 'lonely'" in splits.notes[0]

    def test_a_class_of_two_is_in_train_and_test(self) -> None:
        splits = split(checked(["a"] * 20 + ["b"] * 2))
        assert splits.train.labels().count("b") == 1 and splits.test.open().labels().count("b") == 1

    def test_without_labels(self) -> None:
        target = checked([None] * 40)
        bare = Checked(
            Table(target.table.rows.drop_columns(["label"]), "the target", "image", labels=()),
            target.keys,
            target.clusters,
            {},
        )
        assert len(split(bare).test) == 10


class TestGiven:
    def test_given_parts_stay(self) -> None:
        given_parts = ["train", "validation", "test", "train"] * 20
        splits = split(checked(["a", "b"] * 40, split=given_parts))
        assert parts(splits) == {f"item{place:05d}": part for place, part in enumerate(given_parts)}

    def test_validation_is_drawn_from_train_when_not_given(self) -> None:
        given_parts = ["train", "train", "train", "test"] * 20
        splits = split(checked(["a", "b"] * 40, split=given_parts))
        assert [len(splits.train), len(splits.validation), len(splits.test)] == [48, 12, 20]
        assert all(int(name[-5:]) % 4 == 3 for name in splits.test.examples.ids())

    @pytest.mark.parametrize("given_parts", [["train"] * 80, ["train", "train", "train", "validation"] * 20])
    def test_test_is_drawn_from_train_when_not_given(self, given_parts: list[str]) -> None:
        splits = split(checked(["a", "b"] * 40, split=given_parts))
        share = given_parts.count("train")
        assert len(splits.test) == share // 4
        if "validation" in given_parts:
            assert all(int(name[-5:]) % 4 == 3 for name in splits.validation.ids())

    @pytest.mark.parametrize("how", ["clusters", "group"])
    def test_train_rows_like_the_test_are_dropped(self, how: str) -> None:
        given_parts = ["train"] * 30 + ["validation"] * 5 + ["test"] * 10
        names = list(range(45))
        names[3] = names[31] = names[40]
        options = {"clusters": names} if how == "clusters" else {"group": [f"g{name}" for name in names]}
        splits = split(checked((["a", "b"] * 23)[:45], split=given_parts, **options))  # type: ignore[arg-type]
        assert [len(splits.train), len(splits.validation), len(splits.test)] == [29, 4, 10]
        assert {item.id for item in splits.train.table.quarantine} == {"item00003", "item00031"}
        assert "item00040" in splits.train.table.quarantine[0].reason
        assert splits.notes[0].startswith("2 ")

    def test_validation_rows_like_train_move_there(self) -> None:
        given_parts = ["train"] * 30 + ["validation"] * 5 + ["test"] * 10
        names = list(range(45))
        names[3] = names[31]
        splits = split(checked((["a", "b"] * 23)[:45], split=given_parts, clusters=names))
        assert [len(splits.train), len(splits.validation), len(splits.test)] == [31, 4, 10]

    def test_a_class_only_in_the_given_test(self) -> None:
        labels = ["a", "b"] * 20 + ["c"] * 3
        with pytest.raises(DataError, match="class 'c' has no example to train on"):
            split(checked(labels, split=["train"] * 40 + ["test"] * 3))

    def test_no_train(self) -> None:
        with pytest.raises(DataError, match="no training examples: its split says only test"):
            split(checked(["a", "b"] * 5, split=["test"] * 10))


class TestTime:
    @pytest.mark.parametrize(
        "times",
        [
            [float(place) for place in range(80)],
            [f"2024-{place // 28 + 1:02d}-{place % 28 + 1:02d}" for place in range(80)],
            [f"2024-01-01 10:{place // 60:02d}:{place % 60:02d}" for place in range(80)],
        ],
    )
    def test_the_latest_are_the_test_and_the_next_the_validation(self, times: list[object]) -> None:
        order = np.random.default_rng(0).permutation(80).tolist()
        splits = split(checked(["a", "b"] * 40, time=times, order=order))
        assert splits.test.examples.ids() == [f"item{place:05d}" for place in range(60, 80)]
        assert splits.validation.ids() == [f"item{place:05d}" for place in range(48, 60)]

    def test_equal_times_and_groups_stay_together(self) -> None:
        times = [place // 10 for place in range(80)]
        groups = [f"g{place}" for place in range(80)]
        groups[0] = groups[79]
        splits = split(checked(["a", "b"] * 40, time=times, group=groups))
        found = parts(splits)
        assert found["item00000"] == "test" and Counter(found.values())["test"] == 21

    @pytest.mark.parametrize(
        ("times", "message"),
        [
            ([None, *range(39)], "item00000 has no time"),
            (["soon"] * 40, "'soon', are neither numbers nor dates"),
            ([5] * 40, "all remaining examples have one time"),
        ],
    )
    def test_bad_times(self, times: list[object], message: str) -> None:
        with pytest.raises(DataError, match=message):
            split(checked(["a", "b"] * 20, time=times))

    def test_a_class_that_comes_late(self) -> None:
        with pytest.raises(DataError, match=r"class 'new'.*later than"):
            split(checked(["a", "b"] * 35 + ["new"] * 10, time=list(range(80))))


class TestSealed:
    def test_labels_are_read_only_after_opening(self) -> None:
        splits = split(checked(["a", "b"] * 20))
        with pytest.raises(SealedError):
            splits.test.examples.labels()
        with pytest.raises(SealedError):
            splits.part("test").labels()
        assert splits.test.opened == 0
        assert set(splits.test.open().labels()) == {"a", "b"} and splits.test.opened == 1

    def test_fit_is_train_and_validation(self) -> None:
        splits = split(checked(["a", "b"] * 20))
        assert splits.part("fit").ids() == sorted(splits.train.ids() + splits.validation.ids())
        with pytest.raises(DataError, match="no part called 'dev'"):
            splits.part("dev")


@pytest.mark.parametrize(
    ("shares", "message"),
    [((0.0, 0.2), "test share of 0"), ((1.0, 0.2), "test share of 1"), ((0.2, -0.1), "validation share of -0.1")],
)
def test_impossible_shares(shares: tuple[float, float], message: str) -> None:
    with pytest.raises(DataError, match=message):
        split(checked(["a", "b"] * 5), test=shares[0], validation=shares[1])


def test_one_group_leaves_nothing_to_test() -> None:
    with pytest.raises(DataError, match="remains to test"):
        split(checked(["a", "b"] * 10, group=["same"] * 20))


def test_a_hundred_thousand_rows() -> None:
    """In time that does not grow with the square (else this would not end)."""
    count = 100_000
    groups = [f"g{place // 3}" for place in range(count)]
    splits = split(checked([f"class{place % 100}" for place in range(count)], group=groups))
    assert abs(len(splits.test) - 25_000) < 500


class TestSubsample:
    @settings(max_examples=40, deadline=None)
    @given(
        labels=some.lists(some.sampled_from("abc"), min_size=12, max_size=60),
        seed=some.integers(0, 9),
        sizes=some.tuples(some.integers(1, 12), some.integers(1, 12)),
    )
    def test_nested_and_in_proportion(self, labels: list[str], seed: int, sizes: tuple[int, int]) -> None:
        examples = split(
            checked([*labels, *"aabbcc"], split=["train"] * len(labels) + ["test"] * 0 + ["train"] * 6), seed=seed
        ).train
        small, large = sorted(sizes)
        for kind in ("per_class", "total"):
            few, many = (subsample(examples, **{kind: size}, seed=seed) for size in (small, large))
            assert set(few.ids()) <= set(many.ids()) <= set(examples.ids())
        counts = Counter(subsample(examples, per_class=small, seed=seed).labels())
        assert counts == {name: min(small, have) for name, have in Counter(examples.labels()).items()}
        assert len(subsample(examples, total=small, seed=seed)) == min(small, len(examples))

    def test_a_total_has_every_class_first_and_then_proportions(self) -> None:
        examples = split(checked(["a"] * 300 + ["b"] * 100 + ["c"] * 4), validation=0).train
        assert set(subsample(examples, total=3).labels()) == {"a", "b", "c"}
        counts = Counter(subsample(examples, total=100).labels())
        assert abs(counts["a"] - 74) <= 2 and abs(counts["b"] - 25) <= 2

    def test_does_not_depend_on_the_order_of_rows(self) -> None:
        order = np.random.default_rng(0).permutation(60).tolist()
        chosen = [
            subsample(split(checked(["a", "b"] * 30, order=places)).train, per_class=5).ids()
            for places in (None, order)
        ]
        assert chosen[0] == chosen[1]

    def test_lists_and_numbers(self) -> None:
        lists = split(checked([["a"], ["a", "b"], ["b"]] * 20)).train
        assert len(subsample(lists, per_class=2)) == 6
        numbers = split(checked([place / 7 for place in range(60)])).train
        assert len(subsample(numbers, total=10)) == 10
