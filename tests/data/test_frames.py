"""Tables in memory, as pandas, PyArrow and `datasets` hand them over."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

import headstart as hs
from contracts.sounds import encoded, samples
from contracts.texts import sentence
from data.test_huggingface import rows, save_to_disk
from headstart.core.errors import DataError
from headstart.data.contents import Contents
from headstart.data.read import read


@dataclass
class Dataset:
    """What is asked of one of Hugging Face: `datasets` itself is not needed."""

    table: pa.Table

    @property
    def features(self) -> Any:
        return self

    @property
    def arrow_schema(self) -> pa.Schema:
        return self.table.schema

    def with_format(self, name: str) -> Dataset:
        assert name == "arrow"
        return self

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def __getitem__(self, key: slice) -> pa.Table:
        return self.table[key]


def frame(count: int = 40) -> pd.DataFrame:
    moods = ["good", "bad"] * (count // 2)
    return pd.DataFrame(
        {"review": [sentence(mood, place) + f" {place}" for place, mood in enumerate(moods)], "mood": moods}
    )


def test_from_a_frame_to_answers(tmp_path: Path) -> None:
    given = frame()
    run = hs.adapt(given, label="mood", baselines=False, out=tmp_path / "run")
    assert run.receipt.target.read == ["review"] and run.receipt.target.origin == "the table"
    other = frame(20).sample(frac=1, random_state=0)
    answers = hs.load(tmp_path / "run").predict(other)
    assert answers == run.predict(other["review"]) == run.predict(other["review"].tolist())
    found = run.evaluate(other)
    right = sum(one == mood for one, mood in zip(answers, other["mood"], strict=True))
    assert not found.notes and found.metrics["accuracy"].value == right / 20 > 0.5
    with pytest.raises(DataError, match="the table has no column 'review'"):
        run.predict(other.rename(columns={"review": "text"}))


def test_types_that_files_do_not_have() -> None:
    text = pa.array(["a", "b", None], pa.string_view())
    kinds = pa.DictionaryArray.from_arrays(pa.array([0, 1, None], pa.uint32()), pa.array(["x", "y"], pa.string_view()))
    words = pa.array([["a"], ["b", "c"], None], pa.large_list(pa.large_string()))
    given = pa.table({"text": text, "label": kinds, "tokens": words})
    assert read(given).column("label").to_pylist() == ["x", "y", None]
    assert Contents(read(given, content="tokens")).read(1) == ["b", "c"]
    told = read(frame(6).astype({"mood": "category"}).iloc[3:], label="mood")
    assert told.strings("label") == ["bad", "good", "bad"] and told.strings("id") == ["row:1", "row:2", "row:3"]


def test_data_sets_are_read_as_their_folders_are(photos: Path, tmp_path: Path) -> None:
    whole = rows(photos, slice(None))
    save_to_disk(whole, tmp_path / "saved", 1, None)
    folder, memory = read(tmp_path / "saved"), read(Dataset(whole))
    assert memory.strings("label") == folder.strings("label")
    assert [Contents(memory).read(row) for row in range(24)] == [Contents(folder).read(row) for row in range(24)]
    outside = rows(photos, slice(None), embedded=False)
    assert Contents(read(Dataset(outside))).read(3) == Contents(folder).read(3)


def test_sounds_with_what_is_said_in_them() -> None:
    """As `datasets` has a corpus of speech."""
    cells = [{"bytes": encoded(samples("tone", place)), "path": f"{place}.wav"} for place in range(3)]
    given = pa.table({"audio": cells, "sentence": ["one", "two", ""]})
    table = read(Dataset(given), label="sentence", written=True)
    assert table.modality == "audio" and table.column("label").to_pylist() == ["one", "two", None]
    assert Contents(table).read(1) == cells[1]["bytes"]


def test_parts_by_their_names() -> None:
    given = {"train": frame(8), "validation": frame(4), "unsupervised": frame(2)}
    table = read(given, label="mood")
    assert table.strings("split") == ["train"] * 8 + ["test"] * 4 and table.strings("id")[8] == "validation:1"
    assert table.notes == (
        "Not read, since their names tell no part: unsupervised.",
        "The validation part of the table is the test, since there is no other.",
    )
    with pytest.raises(DataError, match="none is called train"):
        read({"a": frame(4)}, label="mood")


def test_refused() -> None:
    with pytest.raises(DataError, match="values of several types"):
        read(pd.DataFrame({"text": ["a", "b"], "label": ["x", 1]}))
    with pytest.raises(DataError, match="the table has no rows"):
        read(frame(0), label="mood")
    with pytest.raises(DataError, match="Name it with --label; there are: mood"):
        read(frame(4))
