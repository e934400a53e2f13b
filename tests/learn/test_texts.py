"""Texts: what X may be with a source of texts, and what becomes of it."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline

import headstart as hs
from headstart.learn import InputError, SourceFeatures, TransferClassifier

SOURCE = "builtin/text-tiny"
ENDS = ("film", "book.txt", "song", "day")
TEXTS = [f"{start} {end}" for end in ENDS for start in ("I love this", "We adore this", "What a lovely")]
TEXTS += [f"{start} {end}" for end in ENDS for start in ("I hate this", "We loathe this", "What an awful")]
FEELINGS = ["good"] * 12 + ["bad"] * 12


def test_texts_are_told_in_cross_validation_after_pickling_and_when_saved(tmp_path: Path) -> None:
    X, y = np.array(TEXTS), np.array(FEELINGS)
    assert cross_val_score(TransferClassifier(SOURCE), X, y, cv=3).mean() > 0.7
    assert cross_val_score(make_pipeline(SourceFeatures(SOURCE), LogisticRegression()), X, y, cv=3).mean() > 0.7
    fitted = clone(TransferClassifier(SOURCE)).fit(TEXTS, FEELINGS)
    new = ["An awful, awful evening", "a lovely evening"]
    assert fitted.predict(new).tolist() == ["bad", "good"]
    assert np.array_equal(pickle.loads(pickle.dumps(fitted)).predict_proba(new), fitted.predict_proba(new))
    assert fitted.save(tmp_path / "saved").predict(new) == ["bad", "good"]


def test_every_form_of_the_same_texts_has_the_same_features(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    expected = SourceFeatures(SOURCE).fit_transform(TEXTS)
    files = [tmp_path / f"{row}.txt" for row in range(len(TEXTS))]
    for file, text in zip(files, TEXTS, strict=True):
        file.write_text(text)
    objects = np.array(TEXTS, object)
    column = pandas.Series(TEXTS)
    for given in (tuple(TEXTS), np.array(TEXTS), objects, objects[:, None], column, column.to_frame(), files):
        np.testing.assert_allclose(SourceFeatures(SOURCE).fit_transform(given), expected, atol=1e-6)


def test_texts_that_belong_together_stand_in_tuples_or_columns() -> None:
    pandas = pytest.importorskip("pandas")
    pairs = [(text, other) for text, other in zip(TEXTS, reversed(TEXTS), strict=True)]
    expected = SourceFeatures(SOURCE).fit_transform(pairs)
    for given in (np.array(pairs), pandas.DataFrame(pairs, columns=["question", "answer"])):
        np.testing.assert_allclose(SourceFeatures(SOURCE).fit_transform(given), expected, atol=1e-6)
    assert not np.allclose(expected, SourceFeatures(SOURCE).fit_transform(TEXTS))
    with pytest.raises(InputError, match=r"X\[1\] cannot be used: the text is empty in 'text 2'"):
        SourceFeatures(SOURCE).fit_transform([pairs[0], ("What is it?", " ")])


def test_an_empty_text_is_named_by_its_place() -> None:
    with pytest.raises(InputError, match=r"X\[2\] cannot be used: the text is empty"):
        TransferClassifier(SOURCE).fit([*TEXTS[:2], "", *TEXTS[2:-1]], FEELINGS)


def test_a_tuple_handed_to_a_model_is_a_pair(tmp_path: Path) -> None:
    run = hs.adapt(
        ([{"question": text, "answer": "yes"} for text in TEXTS], FEELINGS),
        source=SOURCE,
        out=tmp_path / "run",
        baselines=False,
    )
    assert run.predict([(TEXTS[0], "yes")]) == run.predict([{"question": TEXTS[0], "answer": "yes"}])
