"""A classifier that starts from a source."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

import headstart
from headstart.core.errors import HeadstartError, RunError, SourceError
from headstart.learn import SourceFeatures, TransferClassifier
from headstart.measure.calibration import softmax
from headstart.tasks.classification import Classification

QUICK = {"epochs": 2, "views": 1, "freeze": "layer3"}


def _forms(pictures: np.ndarray, files: list[str]) -> dict[str, object]:
    return {"arrays": pictures, "paths": files, "pictures": [Image.fromarray(picture) for picture in pictures]}


@pytest.mark.parametrize("strategy", ["probe", "finetune"])
def test_far_better_than_the_majority(digits, source, strategy):
    seen, new, known, wanted = train_test_split(*digits, test_size=0.3, random_state=0, stratify=digits[1])
    model = TransferClassifier(source, strategy, QUICK if strategy == "finetune" else None).fit(seen, known)
    assert model.score(new, wanted) > 0.6 > 5 * np.bincount(wanted).max() / len(wanted)
    assert bool(model.weights_) == (strategy == "finetune")
    probabilities = model.predict_proba(new)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0)
    assert np.array_equal(model.classes_[model.decision_function(new).argmax(axis=1)], model.predict(new))
    again = clone(model).fit(seen, known)
    assert np.array_equal(again.predict_proba(new), probabilities)


def test_equal_to_features_and_a_head_solved_apart(digits, source):
    pictures, labels = digits
    features = SourceFeatures(source).fit_transform(pictures)
    task = Classification("label", tuple(map(str, range(10))))
    head = task.solve(features[:200], labels[:200].astype(np.int64), "best")
    model = TransferClassifier(source).fit(pictures[:200], labels[:200])
    np.testing.assert_allclose(model.predict_proba(pictures[200:]), softmax(head.scores(features[200:])), atol=1e-9)


@pytest.mark.parametrize(
    "classes",
    [
        ["9", "10", "b"],
        np.array([30, 4, 200]),
        np.array([2.0, -1.0, 10.0]),
        np.array(["c", "a", "b"], dtype=object),
        [True, False],
    ],
)
def test_classes_are_those_of_y_in_the_order_of_scikit_learn(classes, digits, source):
    names = np.asarray(classes)
    labels = names[digits[1][:60] % len(names)]
    model = TransferClassifier(source, options={"solver": "lda"}).fit(digits[0][:60], labels)
    assert np.array_equal(model.classes_, np.unique(labels))
    answers = model.predict(digits[0][:60])
    assert answers.dtype == labels.dtype
    assert (answers == labels).mean() > 0.7
    assert model.decision_function(digits[0][:60]).shape == ((60,) if len(names) == 2 else (60, len(names)))


@pytest.mark.parametrize("form", ["arrays", "paths", "pictures"])
def test_in_the_tools_of_scikit_learn(form, digits, files, source):
    X, y = _forms(digits[0][:120], files)[form], digits[1][:120]
    model = make_pipeline(FunctionTransformer(), TransferClassifier(source))
    assert cross_val_score(model, X, y, cv=2).mean() > 0.4
    answers = cross_val_predict(TransferClassifier(source), X, y, cv=2, method="predict_proba")
    assert (answers.argmax(axis=1) == y).mean() > 0.4
    grid = GridSearchCV(TransferClassifier(source), {"options": [{"solver": "ridge"}, {"solver": "lda"}]}, cv=2)
    assert grid.fit(X, y).best_params_["options"]["solver"] in ("ridge", "lda")
    assert grid.predict(X).shape == (120,)


def test_cross_validation_computes_each_feature_once(digits, source, no_trunk):
    model = TransferClassifier(source).fit(*digits)
    no_trunk()
    assert cross_val_score(clone(model), *digits, cv=3).mean() > 0.5


def test_two_processes_give_the_scores_of_one(digits, source):
    pictures, labels = digits[0][:120], digits[1][:120]
    alone = cross_val_score(TransferClassifier(source), pictures, labels, cv=2)
    several = cross_val_score(TransferClassifier(source), pictures, labels, cv=2, n_jobs=2, error_score="raise")
    assert np.array_equal(several, alone)


@pytest.mark.parametrize("strategy", ["probe", "finetune"])
def test_pickled_it_answers_alike(digits, source, strategy):
    pictures, labels = digits[0][:100], digits[1][:100]
    model = TransferClassifier(source, strategy, QUICK if strategy == "finetune" else None).fit(pictures, labels)
    stored = pickle.dumps(model)
    assert np.array_equal(pickle.loads(stored).predict_proba(pictures), model.predict_proba(pictures))
    heads = sum(array.nbytes for array in (model.head_.weight, model.head_.bias, *model.weights_.values()))
    assert len(stored) < heads + 20_000  # no network, no picture


def test_a_source_that_changed_is_refused(digits, source, tmp_path):
    folder = shutil.copytree(source, tmp_path / "moving")
    model = TransferClassifier(str(folder)).fit(digits[0][:60], digits[1][:60])
    document = (folder / "config.json").read_text()
    (folder / "config.json").write_text(document.replace("bilinear", "bicubic"))
    with pytest.raises(SourceError, match="not the source that this TransferClassifier was fitted with"):
        model.predict(digits[0][:2])
    (folder / "config.json").write_text(document)
    assert model.predict(digits[0][:2]).shape == (2,)


@pytest.mark.parametrize("strategy", ["probe", "finetune"])
def test_saved_it_is_a_model(digits, source, tmp_path: Path, strategy):
    pictures, labels = digits[0][:100], digits[1][:100]
    model = TransferClassifier(source, strategy, QUICK if strategy == "finetune" else None).fit(pictures, labels)
    model.save(tmp_path / "run")
    opened = headstart.load(tmp_path / "run")
    answers = opened.answer(list(pictures)).predictions
    logits = model.decision_function(pictures)
    np.testing.assert_allclose(answers.scores, logits, atol=0.1)  # the bank keeps activations at the cut as float16
    assert (np.array(answers.answers) == model.predict(pictures).astype(str)).mean() >= 0.98
    with pytest.raises(RunError, match="exists already"):
        model.save(tmp_path / "run")
    rows = clone(model).set_params(strategy="probe", options=None).fit(pictures.reshape(100, -1), labels)
    with pytest.raises(RunError, match="made into pictures first"):
        rows.save(tmp_path / "other")
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([0, 1, 0], "inconsistent numbers of samples"),
        ([1, 1, 1, 1], "one class"),
        ([0.1, 0.2, 0.3, 0.4], "continuous"),
        ([0, 1, 0, np.nan], "NaN"),
        (None, "requires y"),
        ([[0, 1], [1, 0], [0, 1], [1, 0]], "1d array"),
    ],
)
def test_labels_that_cannot_be_learned(y, message, digits, source):
    with pytest.raises(ValueError, match=message):
        TransferClassifier(source).fit(digits[0][:4], y)


def test_too_little_to_hold_a_part_out(digits, source):
    with pytest.raises(ValueError, match="use strategy='probe'"):
        TransferClassifier(source, "finetune").fit(np.repeat(digits[0][:1], 4, axis=0), [0, 1, 0, 1])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"strategy": "prob"}, "probe"),
        ({"options": {"solvr": "lda"}}, "solver"),
        ({"seed": -1}, "seed"),
        ({"options": {"stages": "layer9"}}, "no stage 'layer9'"),
        ({"source": "builtin/none"}, "no builtin source"),
    ],
)
def test_parameters_are_checked_when_it_is_fitted(given, message, digits, source):
    with pytest.raises(HeadstartError, match=message):
        TransferClassifier(**{"source": source, **given}).fit(digits[0][:20], digits[1][:20])


def test_two_pictures_of_each_class(digits, source):
    """Nothing is held out where the strategy does not ask for it, so that few examples are enough."""
    pictures, labels = digits
    few = np.concatenate([np.flatnonzero(labels == digit)[:2] for digit in range(10)])
    model = TransferClassifier(source, "contrastive", {"steps": 2}).fit(pictures[few], labels[few])
    assert (model.predict(pictures[few]) == labels[few]).mean() > 0.5
