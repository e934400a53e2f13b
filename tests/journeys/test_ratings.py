"""From what people met on one catalogue to what to show those of another, as a user would."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from tests.journeys.world import headstart

import headstart as hs
from headstart.core.errors import HeadstartError
from headstart.verbs.adapt import adapt
from headstart.verbs.demo import demo
from headstart.verbs.demo_ratings import world
from headstart.verbs.untaught_behaviour import from_nothing

Kinds = dict[str, tuple[Path, Path]]


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> Kinds:
    return world(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def viewers(kinds: Kinds, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("sources") / "viewers"
    from_nothing(kinds["films"][0], items=kinds["films"][1], out=out, epochs=4, arch="behaviour:width=32,layers=1")
    return out


@pytest.fixture(scope="module")
def readers(kinds: Kinds, viewers: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "readers"
    ratings, items = kinds["books"]
    options = ("--task", "recommendation", "--items", items, "--source", viewers, "--baseline-budget", "1")
    told = headstart("adapt", ratings, *options, "--out", out).ok().out
    assert "recall@10" in told and "300 test users" in " ".join(told.split())
    return out


def test_what_is_learned_of_films_helps_with_books(readers: Path) -> None:
    receipt = hs.load(readers).receipt
    arms = {arm.name: arm.metrics["recall_at_10"].value for arm in receipt.arms}
    assert {"adapted", "popularity", "item-knn", "ease", "zero-shot", "scratch"} <= set(arms)
    assert arms["adapted"] > arms["ease"] > arms["popularity"]
    assert {row.value for row in receipt.by_property} >= {"1 to 4 items"}
    page = (readers / "receipt.html").read_text()
    assert "because of" in page, "ranked lists have reasons"


def test_answers_for_one_user_have_reasons(readers: Path, kinds: Kinds) -> None:
    found = json.loads(headstart("predict", readers, "--user", "reader7", "--top", "4", "--format", "json").ok().out)
    table = parquet.read_table(kinds["books"][0]).to_pylist()
    met = {row["item"] for row in table if row["user"] == "reader7"}
    assert len(found) == 4 and not met & {one["id"] for one in found}
    assert all(set(one["because"]) <= met for one in found) and found[0]["because"]
    called = hs.load(readers).source.thing
    shown = headstart("predict", readers, "--user", "reader7", "--top", "1").ok().out
    assert "; ".join(map(called, found[0]["because"])) in shown, "titles may have commas"
    whole = hs.load(readers).answer(kinds["books"][0])
    row = whole.table.column("id").to_pylist().index("reader7")
    assert whole.predictions.answers[row][:4] == [one["id"] for one in found]


def test_recommending_from_python(readers: Path, probed: Path) -> None:
    model = hs.load(readers)
    assert repr(model) == f"Model('{readers}', recommendation, 144 labels)"
    found = json.loads(headstart("predict", readers, "--user", "reader7", "--top", "2", "--format", "json").ok().out)
    assert [one.id for one in model.recommend("reader7", count=2).items] == [one["id"] for one in found]
    assert model.recommend(7, met=(0,)).notes[0].endswith("has no user '7'.")
    with pytest.raises(HeadstartError, match="a run of classification, which knows no users"):
        hs.load(probed).recommend("reader7")


def test_users_of_a_table_are_recommended_to_by_what_the_run_knows(readers: Path, tmp_path: Path) -> None:
    listed = tmp_path / "users.csv"
    listed.write_text("user,country\nreader7,at\nreader9,at\nreader7,at\nnobody,at\n")
    order = ("predict", readers, listed, "--top", "2")
    rows = json.loads(headstart(*order, "--format", "json").ok().out)
    assert [(row["user"], row["rank"]) for row in rows] == [
        (user, rank) for user in ("reader7", "reader9", "nobody") for rank in (1, 2)
    ]
    own = json.loads(headstart("predict", readers, "--user", "reader9", "--top", "2", "--format", "json").ok().out)
    assert rows[2:4] == own
    shown = headstart(*order).ok()
    assert "reader9" in shown.out and own[1]["title"] in shown.out and "has no user 'nobody'" in shown.err
    assert len(headstart(*order, "--format", "csv").ok().out.splitlines()) == 7
    assert "6 predictions" in headstart(*order, "--format", "parquet", "--out", tmp_path / "shown.parquet").ok().out
    assert parquet.read_table(tmp_path / "shown.parquet").to_pylist() == rows
    listed.write_text("country\nat\n")
    headstart(*order).refused("has no column of users")
    listed.write_text("user,country\n,at\n")
    headstart(*order).refused("lists no user")


def test_users_of_a_table_are_recommended_to_by_what_it_says_they_met(readers: Path, tmp_path: Path) -> None:
    listed = tmp_path / "met.csv"
    listed.write_text("user,item\nnewcomer,b0\nnewcomer,b3\nother,b0\n")
    rows = json.loads(headstart("predict", readers, listed, "--top", "2", "--format", "json").ok().out)
    assert [f"{row['user']} {row['rank']}" for row in rows] == ["newcomer 1", "newcomer 2", "other 1", "other 2"]
    assert all(set(row["because"]) <= {"b0", "b3"} and row["id"] not in ("b0", "b3") for row in rows[:2])
    alike = json.loads(headstart("predict", readers, "--met", "b0,b3", "--top", "2", "--format", "json").ok().out)
    assert [row["id"] for row in alike] == [row["id"] for row in rows[:2]]


def test_the_same_run_measures_the_same_on_its_test_again(readers: Path, kinds: Kinds) -> None:
    own = hs.load(readers).receipt.arms[0].metrics["recall_at_10"].value
    assert own == pytest.approx(hs.load(readers).evaluate(kinds["books"][0]).metrics["recall_at_10"].value)
    other = headstart("compare", readers, readers).ok().out
    assert "300 shared test users" in other


def test_a_user_without_history_gets_what_most_met_and_is_told_so(readers: Path, tmp_path: Path) -> None:
    unknown = headstart("predict", readers, "--user", "reader7000", "--top", "3").ok()
    assert "has no user 'reader7000'" in unknown.err and "shown to whoever is new" in unknown.err
    numbered = headstart("predict", readers, "--user", "7", "--top", "3").ok()
    assert "has no user '7'.\n" in numbered.err, "any number is near some other"
    headstart("predict", readers).refused("nothing to predict", "--user ID, --met IDS or a table of users")
    headstart("predict", readers, "--user", "reader7", "--top", "0").refused("--top is 0: it should be at least 1")
    strange = headstart("predict", readers, "--met", "b0,nothing-like-it", "--top", "3").ok()
    assert "passed over: nothing-like-it" in strange.err
    (tmp_path / "met.csv").write_text("user,item\nsome,b0\nsome,q1\nother,q2\n")
    several = headstart("predict", readers, tmp_path / "met.csv", "--top", "1").ok()
    assert "passed over: q1.\n" in several.err and "passed over: q2.\n" in several.err, "those of tables too"
    assert "Nothing is known of what other met" in several.err and "what some met" not in several.err


def test_users_of_the_same_ids_are_known_only_when_that_is_said(tmp_path: Path) -> None:
    """Who met A elsewhere meets 1 here and who met B meets 2; of new ones nothing else is known."""
    random = np.random.default_rng(0)
    people = [f"p{number}" for number in range(400)]
    kind = random.integers(0, 2, len(people))
    for place, letter in (("there", "t"), ("here", "h")):
        rows = [
            (person, f"{letter}{group}{item}", moment)
            for person, group in zip(people, kind, strict=True)
            for moment, item in enumerate(random.permutation(8)[:6])
        ]
        users, items, moments = zip(*rows, strict=True)
        met = pa.table({"user": users, "item": items, "time": moments})
        parquet.write_table(met, tmp_path / f"{place}.parquet")
        works = pa.table({"item": sorted(set(items)), "title": ["a work"] * len(set(items))})
        parquet.write_table(works, tmp_path / f"{place}-items.parquet")
    there, here = tmp_path / "there.parquet", tmp_path / "here.parquet"
    from_nothing(there, items=tmp_path / "there-items.parquet", out=tmp_path / "source", epochs=1)
    values = [
        adapt(
            here, items=tmp_path / "here-items.parquet", task="recommendation", source=tmp_path / "source", new_users=0,
            same_users=same, baselines=False, out=tmp_path / f"run-{same}",
        ).receipt.arms[0].metrics["ndcg_at_10"].value
        for same in (True, False)
    ]  # fmt: skip
    assert values[0] > values[1] + 0.1


def test_what_cannot_be_recommended_from_is_refused(kinds: Kinds, readers: Path, tmp_path: Path) -> None:
    ratings, items = kinds["books"]
    with pytest.raises(HeadstartError, match="does not recommend"):
        adapt(ratings, items=items, task="recommendation", source="builtin/image-tiny", out=tmp_path / "a")
    with pytest.raises(HeadstartError, match="No source that comes with this package starts from interactions"):
        adapt(ratings, items=items, task="recommendation", out=tmp_path / "a")
    with pytest.raises(HeadstartError, match="--items is for recommendation"):
        adapt(ratings, items=items, source="builtin/text-tiny", out=tmp_path / "c")
    with pytest.raises(HeadstartError, match="no table says it"):
        from_nothing(ratings, items=None, out=tmp_path / "b")
    gone = headstart("predict", readers, tmp_path / "no.parquet", "--user", "reader1")
    assert gone.code and "There is no" in gone.err and f"headstart predict {readers} TABLE --user reader1" in gone.err
    lines = ["user,item", *(f"u{number // 8},other {number}" for number in range(40))]
    (tmp_path / "others.csv").write_text("\n".join(lines))
    headstart("evaluate", readers, tmp_path / "others.csv").refused("No item that came next", "other 7")
    (tmp_path / "liked.csv").write_text("user,item,rating\nann,a,4.5\nbob,b,good\n")
    order = ("--task", "recommendation", "--source", "builtin/text-tiny", "--out", tmp_path / "d")
    headstart("adapt", tmp_path / "liked.csv", *order).refused("'rating'", "has 'good' in row 2")
    headstart("adapt", tmp_path, *order).refused("is a folder", "Parquet")


def test_finetuning_ends_with_the_closed_form(kinds: Kinds, viewers: Path, tmp_path: Path) -> None:
    ratings, items = kinds["books"]
    model = adapt(
        ratings, items=items, task="recommendation", source=viewers, strategy="finetune", options={"epochs": 1},
        baselines=False, out=tmp_path / "run",
    )  # fmt: skip
    known = model.source.weights()
    assert known["memory.weight"].shape == (144, 144)
    assert {arm.name for arm in model.receipt.arms} >= {"adapted", "zero-shot"}


def test_a_demo_that_was_stopped_begins_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left = tmp_path / "demo-world" / "source"
    left.mkdir(parents=True)
    (left / "recipe.yaml").write_text("half-made")

    def stopped(*_: object, out: Path, **__: object) -> None:
        assert not out.exists(), "nothing of the last time is left"
        out.mkdir()
        raise KeyboardInterrupt(str(out))

    monkeypatch.setattr("headstart.verbs.untaught_behaviour.from_nothing", stopped)
    monkeypatch.setattr("headstart.verbs.demo.adapt", stopped)
    for kind in ("ratings", "digits"):
        with pytest.raises(KeyboardInterrupt) as stop:
            demo(kind, out=tmp_path / "demo")
        assert not stop.value.args and not (tmp_path / "demo").exists(), "there is nothing to go on with"
