"""The bank: what is in it is not computed again, whatever is killed, added at once, flipped or trimmed."""

from __future__ import annotations

import importlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from contracts.networks import SIZE, Target, draw, make_target, open_kind, workplace
from headstart.bank import Bank, features_of, store
from headstart.core.errors import DataError, HeadstartError
from headstart.data import checks
from headstart.data.facts import Facts
from headstart.data.read import read
from headstart.data.table import Examples
from headstart.sources import Source
from headstart.sources.points import Point
from headstart.sources.runtimes import Eager

TESTS = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def _eager(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADSTART_RUNTIME", "eager")


@pytest.fixture
def source(networks: Path) -> Source:
    return open_kind("layer norm", networks)


def examples_of(contents: list[object]) -> Examples:
    checked = checks.check(read(contents, labelled=False), quarantine_share=0.9)
    return Examples(checked.table, np.arange(len(checked.table)), checked.keys)


def pictures(count: int, first: int = 0) -> list[object]:
    return [draw("circle", number)[0] for number in range(first, first + count)]


def last(source: Source) -> Point:
    return Point(source.stages[-1].name)


class TestFilling:
    def test_nothing_is_computed_twice(self, source: Source, tmp_path: Path) -> None:
        point = last(source)
        first = features_of(Bank(tmp_path), source, examples_of(pictures(20)), [point])
        assert (first.filled.computed, first.filled.reused) == (20, 0)
        again = features_of(Bank(tmp_path), source, examples_of(pictures(20)), [point])
        assert (again.filled.computed, again.filled.reused) == (0, 20)
        assert np.array_equal(first.at[point], again.at[point])
        more = features_of(Bank(tmp_path), source, examples_of(pictures(30)), [point])
        assert (more.filled.computed, more.filled.reused) == (10, 20)
        assert np.array_equal(more.at[point][:20], first.at[point])
        other = features_of(Bank(tmp_path), source.from_random(0), examples_of(pictures(5)), [point])
        assert other.filled.computed == 5

    def test_against_the_reference(self, source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Order, pooled and whole points, against one plain pass; whole ones within float16."""
        monkeypatch.setenv("HEADSTART_RUNTIME", "reference")
        points = [Point(stage.name) for stage in source.stages] + [Point(source.stages[1].name, "whole")]
        given = examples_of(pictures(12))
        found = features_of(Bank(tmp_path), source, given, points)
        batch = source.collate([source.prepare(picture) for picture in pictures(12)])
        expected = next(iter(Eager(source, points, precise=True).run([batch])))
        for point in points:
            assert np.allclose(found.at[point], expected[point], rtol=1e-3 if point.form == "whole" else 0, atol=1e-4)
        turned = features_of(Bank(tmp_path), source, given.take(np.arange(11, -1, -1)), points)
        assert all(np.array_equal(turned.at[point][::-1], found.at[point]) for point in points)

    def test_all_stages_in_one_pass(self, source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        passes: list[int] = []
        inner = Eager.run
        monkeypatch.setattr(Eager, "run", lambda self, batches: inner(self, passes.append(1) or batches))
        points = [Point(stage.name) for stage in source.stages]
        features_of(Bank(tmp_path), source, examples_of(pictures(8)), points[:2])
        before = len(passes)
        found = features_of(Bank(tmp_path), source, examples_of(pictures(8)), points)  # two are there, three are not
        assert found.filled.computed == 8 and len(passes) <= 2 * before
        assert {len(shelf.rows) for point in points for shelf in [Bank(tmp_path).shelf(source, point)]} == {8}

    def test_views_are_kept_apart(self, source: Source, tmp_path: Path) -> None:
        point, given = last(source), examples_of(pictures(6))
        plain, mirrored, third = (features_of(Bank(tmp_path), source, given, [point], view) for view in (0, 1, 2))
        assert [one.filled.computed for one in (plain, mirrored, third)] == [6, 6, 6]
        assert not np.allclose(plain.at[point], mirrored.at[point])
        assert not np.allclose(mirrored.at[point], third.at[point])
        flipped = examples_of([picture.transpose(0) for picture in pictures(6)])  # type: ignore[attr-defined]
        as_they_are = features_of(Bank(tmp_path), source, flipped, [point])
        assert np.allclose(as_they_are.at[point], mirrored.at[point], atol=2e-2)

    def test_equal_contents_are_computed_once(self, source: Source, tmp_path: Path) -> None:
        for name in ("one.png", "two.png"):
            draw("square", 1)[0].save(tmp_path / name)
        draw("square", 2)[0].save(tmp_path / "three.png")
        given = examples_of(sorted(tmp_path.glob("*.png")))
        found = features_of(Bank(tmp_path / "bank"), source, given, [last(source)])
        assert found.filled.computed == 2 and found.at[last(source)].shape == (3, 24)
        rows = dict(zip(given.ids(), found.at[last(source)], strict=True))
        one, three, two = (rows[name] for name in sorted(rows))
        assert np.array_equal(one, two) and not np.array_equal(one, three)

    def test_no_examples(self, source: Source, tmp_path: Path) -> None:
        none = examples_of(pictures(3)).take(np.array([], np.int64))
        found = features_of(Bank(tmp_path), source, none, [last(source)])
        assert found.at[last(source)].shape == (0, 24) and found.filled.computed == 0

    def test_a_file_that_vanishes_is_named(self, source: Source, tmp_path: Path) -> None:
        draw("square", 1)[0].save(tmp_path / "one.png")
        given = examples_of([tmp_path / "one.png"])
        (tmp_path / "one.png").unlink()
        with pytest.raises(DataError, match=r"one\.png cannot be used: the file does not exist"):
            features_of(Bank(tmp_path / "bank"), source, given, [last(source)])

    def test_committed_whenever_much_is_waiting(
        self, source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        filling = importlib.import_module("headstart.bank.fill")
        monkeypatch.setattr(filling, "FLUSH_BYTES", 1)
        monkeypatch.setattr(filling, "BATCH", 4)
        inner, adds = store.Rows.add, []

        def add(self: store.Rows, keys: list[str], columns: dict[str, object]) -> None:
            adds.append(len(keys))
            inner(self, keys, columns)

        monkeypatch.setattr(store.Rows, "add", add)
        features_of(Bank(tmp_path), source, examples_of(pictures(10)), [last(source)])
        assert adds == [4, 4, 2]


CHILD = """
import importlib
import sys
from pathlib import Path
import numpy as np
from contracts.networks import draw, open_kind
from headstart.bank import Bank, features_of
from headstart.data import checks
from headstart.data.read import read
from headstart.data.table import Examples
from headstart.sources.points import Point

root, first, count = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
fill = importlib.import_module("headstart.bank.fill")
fill.FLUSH_BYTES, fill.BATCH = 1, 4
source = open_kind("layer norm", root / "networks")
checked = checks.check(read([draw("circle", number)[0] for number in range(first, first + count)], labelled=False))
examples = Examples(checked.table, np.arange(len(checked.table)), checked.keys)
points = [Point(stage.name) for stage in source.stages[-2:]]
print("ready", flush=True)
sys.stdin.readline()
print(features_of(Bank(root / "bank"), source, examples, points).filled.computed, flush=True)
"""


def child(root: Path, first: int, count: int) -> subprocess.Popen[bytes]:
    """A process that fills the bank with commits of four rows once it is told to."""
    environment = {**os.environ, "PYTHONPATH": str(TESTS), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen([sys.executable, "-c", CHILD, str(root), str(first), str(count)],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)  # fmt: skip
    assert process.stdout is not None and process.stdout.readline() == b"ready\n"
    return process


def start(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    process.stdin.write(b"go\n")
    process.stdin.flush()


def close(process: subprocess.Popen[bytes]) -> None:
    process.wait()
    for stream in (process.stdin, process.stdout):
        assert stream is not None
        stream.close()


class TestTogether:
    def test_killed_at_random_moments(self, tmp_path: Path) -> None:
        """After each kill the bank opens, is whole, and is filled further; in the end it holds the right numbers."""
        source = open_kind("layer norm", tmp_path / "networks")
        points = [Point(stage.name) for stage in source.stages[-2:]]
        draws = random.Random(0)
        for _ in range(3):
            process = child(tmp_path, 0, 80)
            start(process)
            time.sleep(draws.uniform(0.05, 0.4))
            process.send_signal(signal.SIGKILL)
            close(process)
            assert Bank(tmp_path / "bank").verify() == {}
        given = examples_of(pictures(80))
        found = features_of(Bank(tmp_path / "bank"), source, given, points)
        expected = features_of(Bank(tmp_path / "other"), source, given, points)
        for point in points:
            assert np.allclose(found.at[point], expected.at[point], atol=2e-2)  # another size of batch in bfloat16
            assert len(Bank(tmp_path / "bank").shelf(source, point).rows.positions()) == 80

    def test_two_processes_fill_one_shelf(self, tmp_path: Path) -> None:
        source = open_kind("layer norm", tmp_path / "networks")
        processes = [child(tmp_path, 0, 60), child(tmp_path, 20, 60)]
        for process in processes:
            start(process)
        for process in processes:
            close(process)
        assert [process.returncode for process in processes] == [0, 0]
        bank, point = Bank(tmp_path / "bank"), last(source)
        given = examples_of(pictures(80))
        found = features_of(bank, source, given, [point])
        assert found.filled.computed == 0 and bank.verify() == {}
        expected = features_of(Bank(tmp_path / "other"), source, given, [point])
        assert np.allclose(found.at[point], expected.at[point], atol=2e-2)

    def test_another_process_changes_the_shelf(self, source: Source, tmp_path: Path) -> None:
        """An open shelf reads the right rows after rows were removed and files put together elsewhere."""
        bank, point = Bank(tmp_path), last(source)
        given = examples_of(pictures(20))
        expected = features_of(bank, source, given, [point]).at[point]
        keys = given.content_keys()
        shelf, elsewhere = bank.shelf(source, point), bank.shelf(source, point)
        assert np.array_equal(shelf.read(keys), expected)
        elsewhere.rows.remove(keys[:7])
        assert np.array_equal(shelf.read(keys[10:]), expected[10:])
        assert shelf.missing(keys) == keys[:7]
        elsewhere.add(keys[:7], expected[:7])
        elsewhere.rows._dataset().optimize.compact_files()
        assert np.array_equal(shelf.read(keys), expected)

    def test_killed_before_the_first_commit(self, source: Source, tmp_path: Path) -> None:
        shelf = Bank(tmp_path).shelf(source, last(source))
        (shelf.rows.folder / store.ROWS / "_versions").mkdir(parents=True)
        (shelf.rows.folder / store.ROWS / "data").mkdir()
        assert Bank(tmp_path).verify() == {} and Bank(tmp_path).summaries()[0].items == 0
        assert features_of(Bank(tmp_path), source, examples_of(pictures(3)), [last(source)]).filled.computed == 3

    def test_many_small_files_become_one(self, source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(store, "MANY_FRAGMENTS", 4)
        monkeypatch.setattr(store, "READING_MINUTES", 0)
        shelf = Bank(tmp_path).shelf(source, last(source))
        values = np.random.default_rng(0).normal(size=(30, 24)).astype(np.float32)
        for row in range(30):
            shelf.add([f"key{row}"], values[row : row + 1])
        assert len(shelf.rows._dataset().get_fragments()) <= 5
        assert len(list((shelf.rows.folder / store.ROWS / "data").iterdir())) <= 6
        assert np.array_equal(shelf.read([f"key{row}" for row in range(30)]), values)


class TestKeeping:
    def fill(self, root: Path, source: Source, count: int = 40) -> dict[str, np.ndarray]:
        given = examples_of(pictures(count))
        found = features_of(Bank(root), source, given, [last(source)])
        return dict(zip(given.content_keys(), found.at[last(source)], strict=True))

    def test_a_flipped_byte_is_found_and_removed(self, source: Source, tmp_path: Path) -> None:
        values = self.fill(tmp_path / "whole", source)
        point, draws, found = last(source), random.Random(1), 0
        (data,) = (tmp_path / "whole").rglob("*.lance/data/*.lance")
        length = data.stat().st_size
        for _ in range(25):
            shutil.rmtree(tmp_path / "bank", ignore_errors=True)
            shutil.copytree(tmp_path / "whole", tmp_path / "bank")
            path = tmp_path / "bank" / data.relative_to(tmp_path / "whole")
            content = bytearray(path.read_bytes())
            content[draws.randrange(length)] ^= 1 << draws.randrange(8)
            path.write_bytes(content)
            bank = Bank(tmp_path / "bank")
            damaged = bank.verify()
            found += bool(damaged)
            assert bank.verify() == {}
            shelf = bank.shelf(source, point)
            here = [key for key in values if key not in set(shelf.missing(list(values)))]
            assert len(here) >= 39 or damaged
            for key, row in zip(here, shelf.read(here), strict=True):
                assert np.array_equal(row, values[key])
            again = features_of(bank, source, examples_of(pictures(40)), [point])
            assert np.allclose(again.at[point], np.stack(list(values.values())), atol=2e-2)
        assert found >= 5  # the values are most of the file

    @pytest.mark.parametrize("part", ["_versions/*.manifest", "data/*.lance"])
    def test_a_shelf_that_cannot_be_read_says_what_to_do(self, part: str, source: Source, tmp_path: Path) -> None:
        self.fill(tmp_path, source)
        for path in tmp_path.rglob(f"rows.lance/{part}"):
            path.write_bytes(b"nothing of use" * 20)
        given = examples_of(pictures(40))
        with pytest.raises(HeadstartError, match=r"is damaged.*headstart bank verify"):
            features_of(Bank(tmp_path), source, given, [last(source)])
        assert len(Bank(tmp_path).summaries()) == 1
        assert list(Bank(tmp_path).verify().values()) == [["the whole shelf"]]
        assert features_of(Bank(tmp_path), source, given, [last(source)]).filled.computed == 40

    def test_trim_removes_what_was_used_longest_ago(self, source: Source, tmp_path: Path) -> None:
        bank = Bank(tmp_path)
        given = examples_of(pictures(4))
        names = [stage.name for stage in source.stages[:4]]
        for place, name in enumerate(names):
            features_of(bank, source, given, [Point(name)])
            used = bank.shelf(source, Point(name)).rows.folder / store.USED
            os.utime(used, (1000 + place, 1000 + place))
        features_of(bank, source, given, [Point(names[0])])  # reading counts as use
        shelves = bank.summaries()
        assert [shelf.about["point"] for shelf in shelves] == [names[0], names[3], names[2], names[1]]
        assert [shelf.items for shelf in shelves] == [4] * 4
        size = sum(shelf.size for shelf in shelves[:2])
        removed = bank.trim(size)
        assert [shelf.about["point"] for shelf in removed] == [names[1], names[2]]
        assert sum(shelf.size for shelf in bank.summaries()) <= size
        assert bank.trim(size) == []
        freed = bank.clear()
        assert freed == size and bank.summaries() == [] and not tmp_path.exists()
        assert features_of(bank, source, given, [Point(names[0])]).filled.computed == 4

    def test_an_old_small_shelf_does_not_outlive_a_newer_one(self, source: Source, tmp_path: Path) -> None:
        bank = Bank(tmp_path)
        features_of(bank, source, examples_of(pictures(2)), [Point(source.stages[0].name)])
        features_of(bank, source, examples_of(pictures(60)), [Point(source.stages[1].name, "whole")])
        features_of(bank, source, examples_of(pictures(30)), [Point(source.stages[2].name, "whole")])
        for place, stage in enumerate(source.stages[:3]):
            folder = bank.shelf(source, Point(stage.name, "whole" if place > 0 else "pooled")).rows.folder
            os.utime(folder / store.USED, (1000 + place, 1000 + place))
        newest = bank.summaries()[0]
        removed = bank.trim(newest.size + 100)
        assert len(removed) == 2 and bank.summaries() == [newest]

    def test_values_beyond_float16_are_clipped(self, source: Source, tmp_path: Path) -> None:
        stage = source.stages[1]
        shelf = Bank(tmp_path).shelf(source, Point(stage.name, "whole"))
        large = np.full((1, *stage.shape), 1e6, np.float32)
        shelf.add(["large"], large)
        assert np.isfinite(shelf.read(["large"])).all() and Bank(tmp_path).verify() == {}

    def test_facts_are_kept(self, tmp_path: Path) -> None:
        facts = {"a": Facts("", np.arange(256, dtype=np.uint8), (("size", "1x1"),)), "b": Facts("not an image")}
        Bank(tmp_path).facts("image").put(facts)
        found = Bank(tmp_path).facts("image").get(["b", "a", "c"])
        assert list(found) == ["b", "a"] and found["b"] == facts["b"]
        assert np.array_equal(found["a"].thumbnail, facts["a"].thumbnail)
        assert found["a"].properties == (("size", "1x1"),)
        assert Bank(tmp_path).verify() == {}
        for path in tmp_path.rglob("data/*.lance"):
            path.write_bytes(b"nothing of use" * 20)
        assert list(Bank(tmp_path).verify().values()) == [["the whole shelf"]]
        assert Bank(tmp_path).facts("image").get(["a"]) == {}


def test_generated_target_is_what_it_says(tmp_path: Path) -> None:
    target: Target = make_target(tmp_path, 4)
    assert len(target.table) == 12 and workplace(tmp_path).state is None and SIZE == 32
