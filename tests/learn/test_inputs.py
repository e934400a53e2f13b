"""What X may be, and what becomes of it."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from headstart.core.errors import HeadstartError
from headstart.learn import SourceFeatures, TransferClassifier
from headstart.learn.inputs import InputError, as_grey_levels, as_squares, contents_of, value_range


def _bytes(picture: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "PNG")
    return stream.getvalue()


def test_a_row_is_the_smallest_square_that_holds_it():
    rows = np.arange(1, 15, dtype=np.uint8).reshape(2, 7)
    assert as_squares(rows).tolist() == [[[1, 2, 3], [4, 5, 6], [7, 0, 0]], [[8, 9, 10], [11, 12, 13], [14, 0, 0]]]
    assert as_squares(np.full((1, 1), 9, np.uint8)).tolist() == [[[9]]]
    assert as_squares(np.zeros((1, 64), np.uint8)).shape == (1, 8, 8)


@pytest.mark.parametrize(
    ("numbers", "black_white"),
    [
        (np.array([3, 200], np.uint8), (0, 255)),
        (np.array([False, True]), (0, 1)),
        (np.array([0.2, 0.9]), (0, 1)),
        (np.array([0.0, 16.0]), (0, 16)),
        (np.array([-3, 5]), (-3, 5)),
        (np.array([0, 900], np.uint16), (0, 900)),
    ],
)
def test_what_is_black_and_white(numbers, black_white):
    assert value_range(numbers) == black_white


def test_numbers_are_scaled_by_the_training_range_and_clipped():
    levels = as_grey_levels(np.array([-20.0, -10.0, 0.0, 30.0, 99.0]), (-10.0, 30.0))
    assert levels.tolist() == [0, 0, 64, 255, 255]
    assert as_grey_levels(np.array([7.0, 7.0]), (7.0, 7.0)).tolist() == [0, 0]
    features = SourceFeatures()
    contents_of(features, np.array([[0.0, 10.0]]), "image", fitting=True)
    later = contents_of(features, np.array([[5.0, 20.0]]), "image", fitting=False)
    assert later[0].tolist() == [[128, 255], [0, 0]]


def test_every_form_of_the_same_pictures_has_the_same_features(digits, files, source):
    pictures = digits[0][:10]
    transform = SourceFeatures(source).fit_transform
    expected = transform(pictures)
    objects = np.empty(10, dtype=object)
    objects[:] = files[:10]
    forms = {
        "colours": np.repeat(pictures[..., None], 3, axis=3),
        "one channel": pictures[..., None],
        "rows": pictures.reshape(10, -1),
        "floats in 0..1": pictures / 255,
        "paths": files[:10],
        "strings": np.array(files[:10]),
        "objects": objects,
        "column": objects[:, None],
        "series": pd.Series(files[:10]),
        "frame": pd.DataFrame({"file": files[:10]}),
        "pictures": [Image.fromarray(picture) for picture in pictures],
        "arrays": list(pictures),
        "bytes": [_bytes(picture) for picture in pictures],
    }
    for form, given in forms.items():
        np.testing.assert_allclose(transform(given), expected, atol=1e-5, err_msg=form)


def test_a_content_may_come_more_than_once(files, source):
    features = SourceFeatures(source).fit(files)
    twice = features.transform([files[3], files[5], files[3]])
    assert np.array_equal(twice[0], twice[2])
    assert not np.array_equal(twice[0], twice[1])


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.full((4, 8, 8), np.nan), "NaN"),
        (np.full((4, 9), np.inf), "infinity"),
        ([], "Expected 2D array"),
        (np.zeros((0, 8, 8), np.uint8), "0 sample"),
        (np.zeros((0, 8), np.uint8), "0 sample"),
        (pd.Series([], dtype=object), "Expected a 2-dimensional|Expected 2D"),
        (np.zeros((4, 8, 8), complex), "Complex"),
        (np.zeros((4, 8, 8, 7), np.uint8), "shape"),
        (["none.png"] * 4, r"none\.png.*does not exist"),
        ([b"no picture"] * 4, "not an image"),
        ([b"no picture", None, b"", b""], "not an image"),
        (np.array(["1", "2", "3", "4"], dtype="S1"), "Expected 2D array|bytes/strings"),
    ],
)
def test_what_cannot_be_used_is_a_value_error(X, message, source):
    with pytest.raises(ValueError, match=message):
        SourceFeatures(source).fit_transform(X)
    with pytest.raises(ValueError, match=message):
        TransferClassifier(source).fit(X, [0, 1, 0, 1][: len(X)])


def test_the_first_bad_file_is_named(files, source):
    with pytest.raises(InputError, match=r"X\[1\] \(none\.png\) .* does not exist\. \(2 of 4 cannot"):
        SourceFeatures(source).fit_transform([files[0], "none.png", files[1], None])


def test_our_errors_are_both(source):
    with pytest.raises(HeadstartError, match="not an image") as caught:
        SourceFeatures(source).fit_transform([b"no picture"])
    assert isinstance(caught.value, InputError)
    assert isinstance(caught.value, ValueError)


def test_the_form_of_x_may_not_change(digits, source):
    pictures = digits[0][:10]
    rows = pictures.reshape(10, -1)
    for first, second in ((pictures, rows), (rows, pictures), (rows, list(pictures))):
        with pytest.raises(InputError, match="Give X in the form it was fitted on"):
            SourceFeatures(source).fit(first).transform(second)


def test_a_second_fit_forgets_the_first(digits, source):
    pictures = digits[0][:10]
    features = SourceFeatures(source).fit(pd.DataFrame(pictures.reshape(10, -1)).add_prefix("pixel"))
    assert features.n_features_in_ == len(features.feature_names_in_) == 64
    features.fit(pictures)
    assert not hasattr(features, "n_features_in_")
    assert not hasattr(features, "feature_names_in_")


def test_numbers_that_do_not_mean_a_picture_are_refused_after_files(files, source):
    features = SourceFeatures(source).fit(files)
    with pytest.raises(InputError, match="give floats in"):
        features.transform(np.full((2, 8, 8), 7.0))


def test_sounds_in_memory_are_contents() -> None:
    sounds = [(np.zeros(100 * (row + 1), np.float32), 16_000) for row in range(3)]
    assert contents_of(object(), sounds, "audio", fitting=False) == sounds


@pytest.mark.parametrize("as_objects", [False, True])
def test_samples_without_a_rate_say_what_is_missing(as_objects: bool) -> None:
    sounds = [np.zeros(16_000 + row, np.float32) for row in range(4)]
    X = np.array(sounds, object) if as_objects else sounds
    with pytest.raises(InputError, match=r"samples without a rate; give \(samples, samples a second\), or the path"):
        TransferClassifier("builtin/audio-tiny").fit(X, [0, 1, 0, 1])
    with pytest.raises(InputError, match=r"shape \(16000,\)"):
        TransferClassifier().fit(X, [0, 1, 0, 1])
