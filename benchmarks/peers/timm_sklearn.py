"""timm features of the frozen network, then scikit-learn's logistic regression, as people write it."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np
import timm
import torch
from common import BATCH, WORKERS, arguments, datasets, item_names, transforms, write_result
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch.utils.data import DataLoader


@torch.inference_mode()
def features(model, dataset, device):
    """Pooled features (N, D) and labels (N,)."""
    collected, labels = [], []
    for images, targets in DataLoader(dataset, batch_size=BATCH, num_workers=WORKERS):
        collected.append(model(images.to(device)).cpu().numpy())
        labels.append(targets.numpy())
    return np.concatenate(collected), np.concatenate(labels)


def main() -> None:
    args = arguments(__doc__)
    if args.mode == "full":
        raise SystemExit("timm_sklearn trains no network: leave out --full")
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = timm.create_model(f"local-dir:{args.weights}", pretrained=True, num_classes=0).to(device).eval()
    train, test, _ = datasets(args.data)
    train.transform = test.transform = transforms(model.pretrained_cfg)[1]
    train_features, train_labels = features(model, train, device)
    test_features, test_labels = features(model, test, device)
    classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000, random_state=args.seed))
    classifier.fit(train_features, train_labels)
    predictions = classifier.predict(test_features)
    write_result(args, "timm_sklearn", ["timm", "scikit-learn"], item_names(test), test_labels, predictions)


if __name__ == "__main__":
    main()
