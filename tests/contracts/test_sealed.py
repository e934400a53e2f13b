"""The test's labels are behind an object that raises, and every strategy runs and predicts without them."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from contracts.networks import LABEL_OF, WHOLE_EXAMPLES, Target, open_kind, workplace
from contracts.plans import short_plan
from headstart.data.table import Examples, SealedError
from headstart.engine.predict import scores
from headstart.engine.run import run
from headstart.strategies import strategies


class Hidden(Examples):
    """Test examples whose labels must not be read."""

    def labels(self, column: str = "label") -> list[object]:
        raise SealedError("the test was read")


@pytest.mark.parametrize("task", WHOLE_EXAMPLES)
@pytest.mark.parametrize("name", strategies.names())
def test_no_strategy_reads_the_test(name: str, task: str, networks: Path, target: Target, tmp_path: Path) -> None:
    source = open_kind("layer norm", networks)
    known = target.splits.test.examples
    hidden = Hidden(known.table, known.indices, known.keys)
    place = workplace(tmp_path, "state")
    trained = run(short_plan(name, source, target, task), source, {**target.parts, "test": hidden}, place)
    answers = scores(trained, hidden, place.bank)["label"]
    assert answers.shape == (len(hidden), target.task(task).outputs)
    assert np.isfinite(answers).all()
    with pytest.raises(SealedError):
        known.labels(LABEL_OF[task])


def test_labels_of_the_test_change_nothing(networks: Path, target: Target, tmp_path: Path) -> None:
    """With other test labels in the table, weights and answers are the same to the bit."""
    source = open_kind("layer norm", networks)
    labels = target.table.strings("shape")
    for row in target.splits.test.examples.indices:
        labels[int(row)] = "circle"
    table = target.table.with_column("shape", labels)
    parts = {name: dataclasses.replace(part, table=table) for name, part in target.parts.items()}
    plan = short_plan("finetune", source, target)
    one = run(plan, source, target.parts, workplace(tmp_path / "one"))
    other = run(plan, source, parts, workplace(tmp_path / "other"))
    assert np.array_equal(one.head.weight, other.head.weight)
