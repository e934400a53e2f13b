"""Features as a step of a pipeline."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from headstart.core.errors import HeadstartError
from headstart.learn import SourceFeatures


def test_equal_to_the_network_run_by_hand(digits, source):
    import timm
    import torch
    from PIL import Image
    from torchvision.transforms import v2

    network = timm.create_model(f"local-dir:{source}", pretrained=True).eval()
    prepare = v2.Compose([v2.PILToTensor(), v2.ToDtype(torch.float32, scale=True), v2.Normalize([0.5] * 3, [0.5] * 3)])
    batch = torch.stack(
        [
            prepare(Image.fromarray(picture).convert("RGB").resize((32, 32), Image.Resampling.BILINEAR))
            for picture in digits[0][:20]
        ]
    )
    with torch.no_grad():
        expected = network.forward_head(network.forward_features(batch), pre_logits=True).numpy()
    np.testing.assert_allclose(SourceFeatures(source).fit_transform(digits[0][:20]), expected, atol=1e-4)


def test_stages_stand_side_by_side(digits, source):
    pictures = digits[0][:8]
    parts = [SourceFeatures(source, stages=name).fit_transform(pictures) for name in ("layer1", "layer3")]
    assert [part.shape for part in parts] == [(8, 8), (8, 32)]
    for asked in ("layer1+layer3", ("layer1", "layer3"), ["layer1", "layer3"]):
        assert np.array_equal(SourceFeatures(source, asked).fit_transform(pictures), np.concatenate(parts, axis=1))
    every = SourceFeatures(source, "each").fit(pictures)
    assert every.transform(pictures).shape == (8, sum(every.widths_))
    assert every.transform(pictures).shape[1] > 8 + 16 + 32 + 64


def test_features_that_are_not_pooled_have_the_pooled_ones_as_mean(digits, source):
    pictures = digits[0][:8]
    whole = SourceFeatures(source, "layer1", pooled=False).fit(pictures)
    pooled = SourceFeatures(source, "layer1").fit_transform(pictures)
    found = whole.transform(pictures)
    assert found.shape == (8, len(whole.get_feature_names_out()))
    assert found.shape[1] > pooled.shape[1]
    np.testing.assert_allclose(found.reshape(8, 8, -1).mean(axis=2), pooled, rtol=2e-3, atol=2e-3)  # kept as float16


def test_an_unknown_stage_is_refused_with_the_nearest(digits, source):
    with pytest.raises(HeadstartError, match=r"no stage 'layer9'"):
        SourceFeatures(source, "layer9").fit(digits[0][:8])


def test_names_and_data_frames(files, source):
    features = SourceFeatures(source, "layer1").set_output(transform="pandas")
    frame = pd.DataFrame({"file": files[:6]}, index=list("abcdef"))
    found = features.fit_transform(frame)
    assert list(found.columns) == [f"layer1_{number}" for number in range(8)]
    assert list(found.index) == list("abcdef")


def test_a_column_of_paths_beside_other_columns(digits, files, source):
    frame = pd.DataFrame({"file": files, "weight": np.arange(len(files), dtype=float)})
    columns = ColumnTransformer(
        [("seen", SourceFeatures(source, "layer1"), "file"), ("known", "passthrough", ["weight"])]
    )
    found = columns.fit_transform(frame)
    assert np.array_equal(found[:, -1], frame["weight"])
    expected = SourceFeatures(source, "layer1").fit_transform(digits[0][:120])
    np.testing.assert_allclose(found[:, :-1], expected, atol=1e-5)
    assert columns.get_feature_names_out()[0] == "seen__layer1_0"


def test_grid_search_computes_each_feature_once(digits, files, source, no_trunk):
    labels = digits[1][:120]
    SourceFeatures(source, "each").fit_transform(files)
    no_trunk()
    pipeline = make_pipeline(SourceFeatures(source), StandardScaler(), LogisticRegression(max_iter=500))
    options = {"sourcefeatures__stages": ["last", "each"], "logisticregression__C": [0.01, 1.0]}
    grid = GridSearchCV(pipeline, options, cv=2).fit(files, labels)
    assert grid.best_score_ > 0.5
    assert cross_val_score(clone(grid.best_estimator_), files, labels, cv=2).mean() > 0.5


def test_what_the_bank_holds_needs_no_torch(digits, source, tmp_path):
    pictures = tmp_path / "pictures.npy"
    np.save(pictures, digits[0][:20])
    SourceFeatures(source).fit_transform(digits[0][:20])
    program = f"""
import sys, numpy as np, headstart
assert "sklearn" not in sys.modules
pictures = np.load({str(pictures)!r})
features = headstart.SourceFeatures({source!r}).fit_transform(pictures)
model = headstart.TransferClassifier({source!r}).fit(pictures, np.arange(20) % 2)
assert features.shape == (20, 64) and model.predict(pictures).shape == (20,)
assert "torch" not in sys.modules and "timm" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
