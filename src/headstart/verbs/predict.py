"""Predict new examples with a run, as a table, JSON, CSV or Parquet."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.errors import HeadstartError
from headstart.core.registry import suggest
from headstart.data.windows import COMING
from headstart.verbs.model import Answers, Model

if TYPE_CHECKING:
    import pyarrow as pa

FORMATS = ("table", "json", "csv", "parquet")


def predict(model: Model, contents: Any) -> pa.Table:
    """One row a readable content: id, answer, confidence, and a probability for each label. Of forecasts, one row a
    step: id, its time where times are known, step, low, middle, high."""
    return as_table(model, model.answer(contents))


def as_table(model: Model, answers: Answers) -> pa.Table:
    import pyarrow as pa

    predictions = answers.predictions
    laid_out = model.task.laid_out(answers.table.strings("id"), predictions)
    if laid_out and answers.table.has(COMING):
        times = answers.table.column(COMING).combine_chunks().flatten()
        laid_out = {"id": laid_out["id"], "time": times, **laid_out}
    if laid_out:
        return pa.table({name: pa.array(values) for name, values in laid_out.items()})
    columns: dict[str, Any] = {
        "id": answers.table.column("id").combine_chunks(),
        model.task.answers: pa.array(predictions.answers),
    }
    if predictions.is_probability:
        columns["confidence"] = pa.array(predictions.confidence)
    if predictions.probabilities is not None:
        columns.update(
            {
                f"probability {label}": pa.array(np.ascontiguousarray(predictions.probabilities[:, number]))
                for number, label in enumerate(model.labels)
            }
        )
    return pa.table(columns)


def written(table: pa.Table, form: str) -> bytes:
    """The table as JSON (a list of objects), CSV or Parquet.

    Raises:
        HeadstartError: no such format.
    """
    import io

    import pyarrow as pa
    from pyarrow import csv, parquet

    stream = io.BytesIO()
    if form == "json":
        return (json.dumps(table.to_pylist(), ensure_ascii=False, indent=1) + "\n").encode()
    if form == "csv":
        flat = [
            pa.array([";".join(value) for value in column.to_pylist()]) if pa.types.is_list(column.type) else column
            for column in table.columns
        ]
        csv.write_csv(pa.table(dict(zip(table.column_names, flat, strict=True))), stream)
    elif form == "parquet":
        parquet.write_table(table, stream)
    else:
        raise HeadstartError(f"There is no format '{form}'. {suggest(form, FORMATS)}")
    return stream.getvalue()


def expand(names: Sequence[str]) -> Any:
    """What a user gave on the command line: one folder or table file as it is, else a list of files.

    Raises:
        HeadstartError: a file that does not exist, or a folder among files.
    """
    from pathlib import Path

    from headstart.data.readers import reader_of

    paths = [Path(name).expanduser() for name in names]
    if len(paths) == 1 and (not paths[0].is_file() or reader_of(paths[0]) is not None):
        return paths[0]
    for path in paths:
        if not path.exists():
            raise HeadstartError(f"{path} does not exist. Check the spelling, or leave it out.")
        if path.is_dir():
            raise HeadstartError(f"{path} is a folder among several arguments. Give one folder, or files.")
    return paths
