"""The run's folder: weights in the source library's own format, with what is needed to open and to trust them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headstart.core import files, fingerprints, hardware
from headstart.core.errors import RunError
from headstart.engine.trained import LinearHead, Trained
from headstart.sources import Source, open_source
from headstart.sources import weights as weight_files
from headstart.sources.contract import Artefact
from headstart.sources.formats import RUN_MARK
from headstart.tasks import Task, use

HEADS = "heads.safetensors"
ADAPTERS = "adapters"
"""Folder of the adapters that were merged into the weights, in peft's own format."""
STATE = ".state"
"""Folder of the checkpoints of an unfinished run."""
FORMAT = 1


def write(folder: Path, trained: Trained) -> str:
    """Writes weights and configuration; gives the line of Python that opens them, in that folder, with the source's own
    library; empty when only this project does.

    Ends by reading everything back and comparing (`verify`), so a run that is written can be opened.
    """
    source = trained.source
    folded = is_folded(trained)
    labels = trained.task.labels
    outputs = trained.task.outputs if folded else source.description.outputs
    artefact = source.artefact(labels if folded else source.description.labels, outputs)
    arrays = state_of(trained)
    files.require_space(folder, sum(array.nbytes for array in arrays.values()))
    for name, document in artefact.documents.items():
        files.write_json(folder / name, document)
    for path in artefact.copies:
        with files.atomic(folder / path.name) as temporary:
            shutil.copyfile(path, temporary)
    save_arrays(folder / weight_files.WEIGHTS, arrays)
    own = trained.uses_own_head
    if not folded and not own:
        save_arrays(
            folder / HEADS,
            {
                f"{name}.{part}": array
                for name, head in trained.heads.items()
                for part, array in (("weight", head.weight), ("bias", head.bias))
            },
        )
    files.write_json(folder / "labels.json", list(labels))
    files.write_json(folder / "preprocessing.json", source.description.preparation)
    adapters = _write_adapters(folder, trained)
    documents = [weight_files.WEIGHTS, "labels.json", "preprocessing.json", *artefact.documents]
    documents += [path.name for path in artefact.copies]
    documents += [*([] if folded or own else [HEADS]), *adapters]
    mark = {
        "format": FORMAT,
        "headstart": hardware.versions()["headstart"],
        "family": source.description.family,
        "architecture": source.description.architecture,
        "source": source.name,
        "folded": folded,
        "description": _description(folder, trained, artefact),
        "own": own,
        "heads": {
            head.name: {
                "at": list(trained.heads[head.name].at if head.name in trained.heads else head.at),
                "task": trained.tasks[head.name].describe(),
            }
            for head in trained.plan.heads
        },
        "files": {name: fingerprints.of_file(folder / name) for name in documents},
    }
    _write_mark(folder, mark)
    verify(folder, trained)
    return artefact.opens_with.replace("{folder}", ".") if folded or own else ""


def _write_adapters(folder: Path, trained: Trained) -> list[str]:
    """Adapters as peft writes them; gives the files' names. They have a folder of their own: beside the weights they
    are merged into, transformers would find them and add them once more."""
    if trained.adapters is None:
        return []
    files.write_json(folder / ADAPTERS / "adapter_config.json", trained.adapters.config)
    save_arrays(folder / ADAPTERS / "adapter_model.safetensors", trained.adapters.tensors)
    return [f"{ADAPTERS}/adapter_config.json", f"{ADAPTERS}/adapter_model.safetensors"]


def _description(folder: Path, trained: Trained, artefact: Artefact) -> dict[str, Any]:
    """What the folder is as a source. An untouched trunk keeps its fingerprint, under which the bank knows it."""
    known = trained.source.description
    written = weight_files.WEIGHTS
    if is_folded(trained):
        known = replace(known, labels=trained.task.labels, outputs=trained.task.outputs)
    return asdict(
        replace(
            known,
            fingerprint=fingerprints.of_file(folder / written) if trained.weights else trained.source.fingerprint,
            card=replace(known.card, place="", size=(folder / written).stat().st_size),
            configuration=next(iter(artefact.documents.values())),
        )
    )


def _write_mark(folder: Path, mark: dict[str, Any]) -> None:
    files.write_json(folder / RUN_MARK, {**mark, "digest": fingerprints.of_json(mark)})


def seal(folder: Path, names: Iterable[str]) -> None:
    """Notes the digests of the proof's files, which are not needed to predict but must not be changed."""
    proof = {name: fingerprints.of_file(folder / name) for name in names}
    _write_mark(folder, {**read_mark(folder), "proof": proof})


def sealed(folder: Path, name: str) -> Path:
    """The path of a file of the proof, after its digest was compared.

    Raises:
        RunError: it is missing, damaged or was changed.
    """
    path = folder / name
    if not path.is_file():
        raise RunError(f"{folder} has no {name}. Copy the whole folder again, or repeat the run from its recipe.yaml.")
    if fingerprints.of_file(path) != read_mark(folder).get("proof", {}).get(name):
        raise _changed(path)
    return path


def _changed(path: Path) -> RunError:
    return RunError(
        f"{path} is damaged or was changed: its digest differs from the one noted in {RUN_MARK}. "
        "Copy it again, or repeat the run from its recipe.yaml."
    )


def is_folded(trained: Trained) -> bool:
    """Whether the one head reads what the source's own classifier reads, and gives no more than the task's labels, and
    so can take its place."""
    read_by_classifier = (trained.source.stages[-1].name,) if trained.source.description.classifier else ()
    if len(trained.heads) != 1 or trained.head.at != read_by_classifier:
        return False
    return bool(trained.head.weight.shape[1] == trained.task.outputs)


def state_of(trained: Trained) -> dict[str, NDArray[Any]]:
    """Every tensor of the artefact, by the library's own names: untouched ones as they lie in the source's file."""
    arrays = dict(trained.source.weights())
    arrays.update(trained.source.on_disk(trained.weights))
    if is_folded(trained):
        classifier = trained.source.description.classifier
        arrays[f"{classifier}.weight"] = trained.head.weight.T.astype(np.float32)
        arrays[f"{classifier}.bias"] = trained.head.bias.astype(np.float32)
    return arrays


def save_arrays(path: Path, arrays: dict[str, NDArray[Any]]) -> None:
    from safetensors.numpy import save_file

    with files.atomic(path) as temporary:
        save_file(
            {name: np.require(array, requirements="C") for name, array in arrays.items()},
            temporary,
            metadata={"format": "pt"},
        )
        temporary.chmod(0o644)  # the library makes it readable for its owner only


def verify(folder: Path, trained: Trained) -> None:
    """Opens what was written and compares it with what was trained, byte for byte; where a network was trained, a
    fresh one is made from the folder and must answer alike.

    Raises:
        RunError: anything differs.
    """
    opened, heads, _ = read(folder)
    for name, head in trained.heads.items():
        for part in ("weight", "bias"):
            if not np.array_equal(np.float32(getattr(heads[name], part)), np.float32(getattr(head, part))):
                raise RunError(f"The head '{name}' in {folder} differs from the trained one. Please report this.")
    written, meant = weight_files.load(folder / weight_files.WEIGHTS), state_of(trained)
    different = [name for name in meant if name not in written or not np.array_equal(written[name], meant[name])]
    if different:
        raise RunError(
            f"Weights in {folder} differ from the trained ones: {', '.join(different[:3])}. Please report this."
        )
    if trained.weights:
        _answers_alike(opened, trained)


def _answers_alike(opened: Source, trained: Trained) -> None:
    """The fresh network's own logits equal the trained head on the fresh network's features (1e-3 of their range)."""
    import torch

    from headstart.sources.network import call
    from headstart.sources.stages import first_tensor

    if not is_folded(trained) and not trained.uses_own_head:
        return
    network = opened.module()
    state = network.state_dict()
    lost = [name for name, value in trained.weights.items() if not np.allclose(state[name].numpy(), value, atol=1e-6)]
    if lost:
        raise RunError(f"{lost[0]}, read back from the run's folder, is not what was trained. Please report this.")
    if trained.uses_own_head:
        return
    noise = {name: torch.from_numpy(array) for name, array in opened.noise(4).items()}
    entered: list[torch.Tensor] = []
    classifier = network.get_submodule(opened.description.classifier)
    classifier.register_forward_pre_hook(lambda _module, inputs: entered.append(inputs[0]))
    with torch.no_grad():
        answers = first_tensor(call(network, opened.entry()(noise))).double().numpy()
    expected = trained.head.scores(entered[-1].numpy())
    if np.abs(answers - expected).max() > 1e-3 * max(1.0, float(np.abs(expected).max())):
        raise RunError("A fresh network made from the run's folder answers differently. Please report this.")


def read(folder: Path) -> tuple[Source, dict[str, LinearHead], dict[str, Task]]:
    """The source, heads and tasks of a run's folder.

    Raises:
        RunError: no run, an unfinished one, or one whose files were changed.
    """
    mark = read_mark(folder)
    for name, digest in mark["files"].items():
        if not (folder / name).is_file():
            raise RunError(
                f"{folder} lacks {name}. Copy the whole folder again, or repeat the run from its recipe.yaml."
            )
        if fingerprints.of_file(folder / name) != digest:
            raise _changed(folder / name)
    source = open_source(folder)
    tasks = {name: use(head["task"]) for name, head in mark["heads"].items()}
    if mark.get("own"):
        return source.with_head(next(iter(tasks.values())).own_head), {}, tasks
    path = folder / (weight_files.WEIGHTS if mark["folded"] else HEADS)
    heads = {}
    for name, head in mark["heads"].items():
        prefix = source.description.classifier if mark["folded"] else name
        weight, bias = read_two(path, f"{prefix}.weight", f"{prefix}.bias")
        heads[name] = LinearHead(
            tuple(head["at"]), (weight.T if mark["folded"] else weight).astype(np.float64), bias.astype(np.float64)
        )
    return source, heads, tasks


def read_two(path: Path, first: str, second: str) -> tuple[NDArray[Any], NDArray[Any]]:
    """Two tensors of a file, without reading the others."""
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as opened:
        return opened.get_tensor(first), opened.get_tensor(second)


def read_mark(folder: Path) -> dict[str, Any]:
    """The document that makes a folder a run."""
    path = folder / RUN_MARK
    if not folder.is_dir():
        raise RunError(f"There is no run {folder}. Runs are made by `headstart adapt`.")
    if not path.is_file():
        if (folder / STATE).is_dir() or (folder / "recipe.yaml").is_file():
            raise RunError(f"The run {folder} is not finished. Go on with: headstart adapt --resume {folder}")
        raise RunError(f"{folder} is not a run: it has no {RUN_MARK}. Runs are made by `headstart adapt`.")
    try:
        mark = dict(json.loads(path.read_text(encoding="utf-8")))
        digest = mark.pop("digest")
    except (ValueError, KeyError, UnicodeDecodeError):
        raise RunError(f"{path} is damaged. Copy the folder again, or repeat the run from its recipe.yaml.") from None
    if digest != fingerprints.of_json(mark):
        raise RunError(
            f"{path} is damaged or was changed. Copy the folder again, or repeat the run from its recipe.yaml."
        )
    if mark["format"] > FORMAT:
        raise RunError(
            f"{folder} was made by a newer version ({mark['headstart']}). Update with: pip install -U headstart"
        )
    return mark
