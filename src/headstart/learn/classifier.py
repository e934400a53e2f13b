"""A classifier of scikit-learn that starts from a source."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils import assert_all_finite, check_consistent_length, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from headstart.core import files
from headstart.core.errors import DataError, RunError
from headstart.data import splits
from headstart.data.checks import Checked
from headstart.data.contents import contents_of as of_examples
from headstart.data.table import LABEL, Examples
from headstart.engine.plan import Plan
from headstart.engine.predict import scores
from headstart.engine.run import run
from headstart.engine.trained import Trained, Workplace
from headstart.learn.base import FromSource
from headstart.learn.inputs import InputError, checked, contents_of, examples_of
from headstart.measure.calibration import softmax
from headstart.sources import Source, open_source
from headstart.strategies import Target
from headstart.tasks import use
from headstart.tasks.classification import Classification
from headstart.verbs import artefact
from headstart.verbs.model import Model, load
from headstart.verbs.recipe import Recipe
from headstart.verbs.recipe import checked as checked_options

VALIDATION_SHARE = 0.2
"""Of the training data, held out while a strategy trains by gradient descent."""
AS_THEY_ARE = (None, (0.0, 1.0), (0.0, 255.0))
"""Ranges of numbers that any reader of pictures understands."""


class TransferClassifier(ClassifierMixin, FromSource):  # type: ignore[misc]
    """A source adapted to the classes in y.

    The probe, the default, is closed form on features from the bank: fast, and the same every time. Strategies that
    train by gradient descent hold a fifth of the training data out to stop by, look-alikes together, and train on
    all of it in the end (unless their options say otherwise).

    Args:
        source: such as "builtin/image-tiny", "timm/resnet50.a1_in1k", a model folder, or an earlier run.
        strategy: "probe" or "finetune"; `headstart.strategies` lists them.
        options: of the strategy, such as {"epochs": 5}.
        seed: of every random choice.

    X is described in `headstart.learn.inputs`. Pickled, it holds a head and, when stages were trained, their weights
    as arrays; the source is opened by its name again.

    Attributes:
        classes_: (K,) sorted.
        head_: weight (D, K) and bias (K,), on the pooled features of the stages `head_.at`.
        plan_: what was done.
    """

    def __init__(
        self,
        source: str | Path | Source = "builtin/image-tiny",
        strategy: str = "probe",
        options: Mapping[str, Any] | None = None,
        seed: int = 0,
    ) -> None:
        self.source = source
        self.strategy = strategy
        self.options = options
        self.seed = seed

    def fit(self, X: object, y: Any) -> TransferClassifier:
        """Adapts the source to X (N) and y (N,): strings or numbers that are classes.

        Raises:
            ValueError: X or y cannot be used.
            HeadstartError: no such source, strategy or option.
        """
        if y is None:
            raise InputError(
                f"This {type(self).__name__} estimator requires y to be passed, but the target y is "
                "None. Give one class for each example."
            )
        source, bank = open_source(self.source), self._bank()
        contents = contents_of(self, X, source.description.modality, fitting=True, at_least=2)
        classes, numbers = _classes(y, contents)
        recipe = checked_options(
            Recipe,
            {
                "target": "X",
                "source": str(self.source),
                "strategy": self.strategy,
                "options": dict(self.options or {}),
                "seed": self.seed,
            },
            "classifier",
        )
        names = [str(name) for name in classes.tolist()]
        labels = [names[number] for number in numbers]
        task = dataclasses.replace(Classification.from_labels(LABEL, labels), labels=tuple(names))
        usable = _labelled(checked(contents, source.description.modality, bank), labels)
        source = self._suited(source, of_examples(_everything(usable)))
        held = round(VALIDATION_SHARE * len(labels))
        weights = task.balance(numbers)
        target = Target(len(labels) - held, held, float(weights.max() / weights.min()))
        plan = recipe.build_strategy().plan(source, task, target, self.seed)
        trained = run(plan, source, _parts(usable, plan), Workplace(bank))
        self.classes_, self.plan_ = classes, plan
        self.head_, self.weights_ = trained.head, trained.weights
        return self

    def decision_function(self, X: object) -> NDArray[np.float64]:
        """Logits (N, K), or for two classes (N,) that of the second over the first."""
        logits = self._logits(X)
        return logits[:, 1] - logits[:, 0] if len(self.classes_) == 2 else logits

    def predict_proba(self, X: object) -> NDArray[np.float64]:
        """Probabilities (N, K), columns as in `classes_`."""
        return softmax(self._logits(X))

    def predict(self, X: object) -> NDArray[Any]:
        """The most probable of `classes_` (N,)."""
        best: NDArray[Any] = self._logits(X).argmax(axis=1)
        return np.asarray(self.classes_[best])

    def save(self, folder: str | Path) -> Model:
        """Writes weights in the source library's own format, and gives the model that `headstart.load` opens there.

        Its labels are strings and it takes pictures as they are; it has no receipt, which only `adapt` makes.

        Raises:
            RunError: the folder exists, or what this classifier was fitted on was scaled or made of rows first.
        """
        check_is_fitted(self)
        goal = Path(folder).expanduser()
        if goal.exists():
            raise RunError(f"{goal} exists already. Choose another name.")
        of_rows = hasattr(self, "n_features_in_") and self.value_range_ is not None
        if of_rows or self.value_range_ not in AS_THEY_ARE:
            raise RunError(
                "This classifier was fitted on numbers that were made into pictures first, which a saved "
                "model does not do. Fit it on uint8 pictures or on files, or pickle it."
            )
        with files.atomic(goal) as temporary:
            temporary.mkdir()
            artefact.write(temporary, self._trained())
        return load(goal)

    def _logits(self, X: object) -> NDArray[np.float64]:
        check_is_fitted(self)
        trained, bank = self._trained(), self._bank()
        modality = trained.source.description.modality
        examples = examples_of(contents_of(self, X, modality, fitting=False), modality, bank)
        return np.asarray(scores(trained, examples, bank)[self.plan_.heads[0].name], dtype=np.float64)

    def _trained(self) -> Trained:
        """The engine's own form of what was fitted."""
        source = self._open_fitted()
        head = self.plan_.heads[0]
        if self.plan_.start == "random":
            source = source.from_random(self.plan_.seed)
        return Trained(self.plan_, source, {head.name: use(dict(head.task))}, {head.name: self.head_}, self.weights_)


def _classes(y: Any, contents: list[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """The sorted classes (K,) in `y`, and the number (N,) of each example's."""
    values = column_or_1d(y, warn=True)
    assert_all_finite(values, input_name="y")
    check_consistent_length(contents, values)
    check_classification_targets(values)
    classes, numbers = np.unique(values, return_inverse=True)
    if len(classes) < 2:
        raise InputError(f"y has one class only ({classes[0]}). At least two are needed to learn to tell them apart.")
    return classes, numbers.astype(np.int64)


def _labelled(usable: Checked, labels: list[str]) -> Checked:
    table = dataclasses.replace(usable.table.with_column(LABEL, labels), labels=(LABEL,))
    return dataclasses.replace(usable, table=table)


def _everything(usable: Checked) -> Examples:
    return Examples(usable.table, np.arange(len(usable.table)), usable.keys)


def _parts(usable: Checked, plan: Plan) -> dict[str, Examples]:
    """Everything as `fit`; when the plan asks for more, also `train` and `validation` among it.

    Raises:
        InputError: too few examples to hold some out.
    """
    everything = _everything(usable)
    if plan.parts <= {"fit"}:
        return {"fit": everything}
    try:  # scikit-learn keeps the test elsewhere: what a split calls test is the validation here
        held = splits.split(usable, test=VALIDATION_SHARE, validation=0.0, seed=plan.seed)
    except DataError as problem:
        raise InputError(
            f"X is too small or too alike to hold out a part of it, which '{plan.strategy}' stops by "
            f"({problem}) Add examples, or use strategy='probe'."
        ) from None
    return {"fit": everything, "train": held.train, "validation": held.test.open()}
