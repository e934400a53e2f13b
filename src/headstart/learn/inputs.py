"""What scikit-learn hands over, as contents that a source reads.

X is one of

- **pictures**: an array (N, H, W), (N, H, W, 1), (N, H, W, 3) or (N, H, W, 4);
- **contents**: a list, object array, pandas Series or one-column DataFrame of paths, bytes, Pillow pictures, or
  arrays (H, W[, C]) of any sizes (uint8, or floats in 0..1), or sounds as (samples, rate);
- **texts**, for a source of texts: strings in any of these forms (a file is a `pathlib.Path` then), or several that
  belong together, as tuples or as a DataFrame or array of several columns;
- **rows**: numbers (N, D). Each row is a grey picture: the smallest square that holds D pixels, row by row, what is
  left over at the end black. Colours have no place in a row: reshape to (N, H, W, 3);
- **series**, for a source of series: an array (N, T) or (N, channels, T), or a list of arrays (T,) or (channels, T) of
  any lengths. Values that are missing are nan, and numbers stand as they are.

In arrays of pictures and in rows, uint8 stands as it is, and so do booleans and floats that lie in 0..1 when fitted.
All other numbers are scaled: the smallest of the training data becomes black, the largest white, and what lies
outside later is clipped.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pyarrow as pa
from numpy.typing import NDArray
from sklearn.utils import check_array
from sklearn.utils.validation import validate_data

from headstart.bank import Bank
from headstart.core.errors import DataError
from headstart.data import checks
from headstart.data.contents import IN_MEMORY
from headstart.data.contents import contents_of as of_examples
from headstart.data.modalities import modality_in_memory, open_modality
from headstart.data.table import Examples, Table

ValueRange = tuple[float, float]
"""The numbers that are black and white."""
_LEARNED = ("n_features_in_", "feature_names_in_")


class InputError(DataError, ValueError):
    """X or y cannot be used as they are; a ValueError too, because that is what scikit-learn's users catch."""


def contents_of(estimator: Any, X: object, modality: str, *, fitting: bool, at_least: int = 1) -> list[Any]:
    """The contents (N) in `X` for a source of `modality`: paths, bytes, Pillow pictures or arrays, as they were given.

    When `fitting`, the estimator learns `value_range_` (None for contents), and for rows `n_features_in_` and
    `feature_names_in_`, as scikit-learn's estimators do.

    Raises:
        ValueError: numbers that are not finite, fewer than `at_least` examples, or another form than it was fitted on.
    """
    kind = open_modality(modality)
    listed = _listed(X, modality)
    rows = listed is None and _axes(X) < 3
    if not fitting and rows != hasattr(estimator, "n_features_in_"):
        fitted, given = ("contents", "rows of numbers") if rows else ("rows of numbers", "contents")
        raise InputError(
            f"{type(estimator).__name__} was fitted on {fitted} and is given {given}. "
            "Give X in the form it was fitted on."
        )
    if fitting and not rows:
        for name in _LEARNED:
            vars(estimator).pop(name, None)
    if listed is not None:
        if len(listed) < at_least:
            raise InputError(f"Found {len(listed)} sample(s) while a minimum of {at_least} is required.")
        if fitting:
            estimator.value_range_ = None
        return _of_same_channels(estimator, listed, fitting) if kind.gaps else listed
    finite = "allow-nan" if kind.gaps else True
    if rows:
        numbers = validate_data(estimator, X, reset=fitting, ensure_min_samples=at_least, ensure_all_finite=finite)
    else:
        numbers = check_array(
            X, allow_nd=True, ensure_min_samples=at_least, ensure_all_finite=finite, estimator=estimator
        )
    if fitting:
        estimator.value_range_ = value_range(numbers) if kind.levels else None
    if kind.gaps:
        return _of_same_channels(estimator, list(numbers), fitting)
    if estimator.value_range_ is None:  # contents that are read as they are
        return list(numbers)
    pictures = as_grey_levels(numbers, estimator.value_range_)
    return list(as_squares(pictures) if rows else pictures)


def _listed(X: Any, modality: str) -> list[Any] | None:
    """X as a list, when it holds contents and not numbers."""
    if hasattr(X, "iloc"):  # of pandas
        X = X.iloc[:, 0] if X.ndim == 2 and X.shape[1] == 1 else X
        values = X.tolist() if X.ndim == 1 else _together(X.to_numpy(), modality)
    elif isinstance(X, np.ndarray):
        flat = X.dtype.kind in "OUT" and X.size == len(np.atleast_1d(X))
        values = X.reshape(-1).tolist() if flat else _together(X, modality)
    else:
        values = list(X) if isinstance(X, (list, tuple)) else []
    return values if _are_uneven(values) or any(_is_content(value, modality) for value in values) else None


def _are_uneven(values: Sequence[Any]) -> bool:
    """Whether their lengths differ, so that they are no table of numbers: what they are instead, the modality says."""
    return len({len(value) for value in values if hasattr(value, "__len__")}) > 1


def _together(X: NDArray[Any], modality: str) -> list[Any]:
    """Rows as contents, where the modality has contents of several parts and these are such."""
    rows = [tuple(row) for row in X.tolist()] if X.ndim == 2 and X.dtype.kind in "OUT" else []
    kind = open_modality(modality)
    return rows if any(kind.recognises(row) for row in rows) else []


def _is_content(value: object, modality: str) -> bool:
    if isinstance(value, np.ndarray):
        return value.ndim > 1 or modality_in_memory(value) == modality
    plain = (str, os.PathLike, bytes, bytearray, memoryview, PIL.Image.Image)
    return isinstance(value, plain) or modality_in_memory(value) is not None


def _of_same_channels(estimator: Any, listed: list[Any], fitting: bool) -> list[Any]:
    """Series as they are. When `fitting`, the estimator learns `channels_in_`; files are not opened for that.

    Raises:
        InputError: their channels differ, or are not as many as it was fitted on.
    """
    found = {len(np.atleast_2d(one)) for one in listed if isinstance(one, np.ndarray)}
    if len(found) > 1:
        raise InputError(
            f"X has series of from {min(found)} to {max(found)} channels. Give every one the same channels."
        )
    if fitting:
        estimator.channels_in_ = next(iter(found), None)
    elif found and estimator.channels_in_ not in (None, *found):
        raise InputError(
            f"X has series of {found.pop()} channel(s), and {type(estimator).__name__} was fitted on "
            f"{estimator.channels_in_}. Give it the same channels."
        )
    return listed


def _axes(X: object) -> int:
    axes = getattr(X, "ndim", None)
    return int(axes) if axes is not None else np.asarray(X).ndim


def value_range(numbers: NDArray[Any]) -> ValueRange:
    """What is black and white among these training numbers."""
    if numbers.dtype == np.uint8:
        return 0.0, 255.0
    low, high = float(numbers.min()), float(numbers.max())
    return (0.0, 1.0) if low >= 0 and high <= 1 else (low, high)


def as_grey_levels(numbers: NDArray[Any], black_white: ValueRange) -> NDArray[np.uint8]:
    """Numbers of any shape on the scale 0..255; those outside the range are clipped."""
    low, high = black_white
    if numbers.dtype == np.uint8 and (low, high) == (0.0, 255.0):
        return numbers
    share = (numbers.astype(np.float64) - low) / ((high - low) or 1.0)
    return np.rint(255 * np.clip(share, 0, 1)).astype(np.uint8)


def as_squares(rows: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Rows (N, D) as pictures (N, S, S), S the smallest whole number with S x S >= D; zeros fill the end."""
    count, width = rows.shape
    side = math.isqrt(width - 1) + 1
    padded = np.zeros((count, side * side), dtype=np.uint8)
    padded[:, :width] = rows
    return padded.reshape(count, side, side)


def as_read(contents: Sequence[Any], modality: str, bank: Bank) -> Iterator[Any]:
    """The contents as sources take them; nothing is read before the first is asked for."""
    yield from of_examples(examples_of(contents, modality, bank))


def examples_of(contents: Sequence[Any], modality: str, bank: Bank) -> Examples:
    usable = checked(contents, modality, bank)
    return Examples(usable.table, np.arange(len(contents)), usable.keys)


def checked(contents: Sequence[Any], modality: str, bank: Bank) -> checks.Checked:
    """A table of the contents, each decoded once (or known to the bank), with their digests.

    One content may stand there several times, as in a bootstrap sample.

    Raises:
        InputError: one cannot be read; nothing is set aside, because scikit-learn wants an answer for each.
    """
    kind = open_modality(modality)
    paths = [isinstance(one, os.PathLike) or (isinstance(one, str) and not kind.recognises(one)) for one in contents]
    rows = pa.table(
        {
            "id": pa.array([f"item {row}" for row in range(len(contents))]),
            "path": pa.array(
                [
                    str(Path(content).expanduser().absolute()) if is_path else IN_MEMORY
                    for content, is_path in zip(contents, paths, strict=True)
                ]
            ),
            "member": pa.array([None if is_path else str(row) for row, is_path in enumerate(paths)], pa.string()),
        }
    )
    table = Table(rows, "X", modality, memory=contents, labels=())
    try:
        usable = checks.check(table, bank.facts(modality), quarantine_share=1.0)
    except DataError as problem:
        raise InputError(str(problem)) from None
    if bad := usable.table.quarantine:
        row = int(bad[0].id.removeprefix("item "))
        place = f" ({contents[row]})" if paths[row] else ""
        more = f" ({len(bad)} of {len(contents)} cannot.)" if len(bad) > 1 else ""
        raise InputError(f"X[{row}]{place} cannot be used: {bad[0].reason}.{more} Leave it out or mend it.")
    return usable
