"""Features of a frozen source as a step of a pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import TransformerMixin
from sklearn.utils.validation import check_is_fitted

from headstart.bank import features_of
from headstart.learn.base import FromSource
from headstart.learn.inputs import InputError, as_read, contents_of, examples_of
from headstart.sources import Source, open_source
from headstart.sources.points import POOLED, WHOLE, Point
from headstart.strategies.probe import candidate_stages


class SourceFeatures(TransformerMixin, FromSource):  # type: ignore[misc]
    """What a source sees in each example, as numbers (N, D) of float32 for any estimator of scikit-learn.

    Nothing is trained. Features come from the bank, and what it lacks is computed once and kept there.

    Args:
        source: such as "builtin/image-tiny", "timm/resnet50.a1_in1k", a model folder, or an earlier run.
        stages: "last", "each" (all of them), or names; several, side by side, as a sequence or joined by +.
        pooled: False gives every position of a stage's output, flattened, instead of their mean.

    X is described in `headstart.learn.inputs`; `fit` learns from it the scale of its numbers, and no more.
    """

    def __init__(
        self,
        source: str | Path | Source = "builtin/image-tiny",
        stages: str | Sequence[str] = "last",
        pooled: bool = True,
    ) -> None:
        self.source = source
        self.stages = stages
        self.pooled = pooled

    def fit(self, X: object, y: object = None) -> SourceFeatures:
        """Looks at the form of X and at the source's stages.

        Raises:
            HeadstartError: no such source or stage.
            ValueError: X cannot be used.
        """
        del y
        source = open_source(self.source)
        contents = contents_of(self, X, source.description.modality, fitting=True)
        source = self._suited(source, as_read(contents, source.description.modality, self._bank()))
        asked = self.stages if isinstance(self.stages, str) else "+".join(self.stages)
        names = dict.fromkeys(name for names in candidate_stages(source, asked) for name in names)
        self.points_ = tuple(Point(name, POOLED if self.pooled else WHOLE) for name in names)
        self.widths_ = tuple(int(np.prod(point.shape(source.description))) for point in self.points_)
        return self

    def transform(self, X: object) -> NDArray[np.float32]:
        """Features (N, D), the stages side by side.

        Raises:
            ValueError: X cannot be used.
        """
        check_is_fitted(self)
        source, bank = self._open_fitted(), self._bank()
        contents = contents_of(self, X, source.description.modality, fitting=False)
        examples = examples_of(contents, source.description.modality, bank)
        found = features_of(bank, source, examples, self.points_)
        return np.concatenate([found.at[point].reshape(len(contents), -1) for point in self.points_], axis=1)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """STAGE_NUMBER for each of the D columns. `input_features` is only compared with what was fitted."""
        check_is_fitted(self)
        fitted = getattr(self, "n_features_in_", None)
        if input_features is not None and fitted is not None and len(input_features) != fitted:
            raise InputError(
                f"input_features should have length equal to number of features ({fitted}), got {len(input_features)}."
            )
        return np.array(
            [
                f"{point.stage}_{number}"
                for point, width in zip(self.points_, self.widths_, strict=True)
                for number in range(width)
            ],
            dtype=object,
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        return tags
