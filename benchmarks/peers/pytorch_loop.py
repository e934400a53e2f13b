"""A hand-written loop in the manner of PyTorch's transfer learning tutorial (SGD, momentum, step rate)."""

import math
import os

os.environ["HF_HUB_OFFLINE"] = "1"

import timm
import torch
from common import BATCH, WORKERS, Curve, age, arguments, datasets, item_names, transforms, write_result
from torch import nn
from torch.utils.data import DataLoader

# The tutorial's 0.001 goes with batches of 4: the rate grows with the batch.
RATE = 0.001 * BATCH / 4


def train_epoch(model, loader, optimizer, device, frozen):
    trunk, head = model
    trunk.train(not frozen)  # a frozen trunk keeps its BatchNorm statistics
    head.train()
    for images, labels in loader:
        loss = nn.functional.cross_entropy(model(images.to(device)), labels.to(device))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@torch.inference_mode()
def predict(model, loader, device):
    """Predicted class of each item (N,)."""
    model.eval()
    return torch.cat([model(images.to(device)).argmax(1).cpu() for images, _ in loader])


def main() -> None:
    args = arguments(__doc__)
    torch.manual_seed(args.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    frozen = args.mode == "frozen"

    train, test, classes = datasets(args.data)
    trunk = timm.create_model(f"local-dir:{args.weights}", pretrained=True, num_classes=0)
    model = nn.Sequential(trunk, nn.Linear(trunk.num_features, classes)).to(device)
    train.transform, test.transform = transforms(trunk.pretrained_cfg)
    options = {"batch_size": BATCH, "num_workers": WORKERS, "persistent_workers": True}
    train_loader, test_loader = DataLoader(train, shuffle=True, **options), DataLoader(test, **options)

    trunk.requires_grad_(not frozen)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.SGD(trained, lr=RATE, momentum=0.9)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, step_size=math.ceil(args.epochs * 2 / 3), gamma=0.1)

    curve = Curve()
    for _ in range(args.epochs):
        train_epoch(model, train_loader, optimizer, device, frozen)
        schedule.step()
        began = age()
        predictions = predict(model, test_loader, device)
        accuracy = (predictions == torch.tensor(test.targets)).double().mean().item()
        curve.add(accuracy, age() - began)
    write_result(args, "pytorch_loop", ["torch", "timm"], item_names(test), test.targets, predictions, curve)


if __name__ == "__main__":
    main()
