"""The model card: README.md of a run, in the format of the Hugging Face hub."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from headstart.receipt import words
from headstart.receipt.document import ArmSection, Measure, Receipt

PIPELINES = {
    "image classification": "image-classification",
    "image multilabel": "image-classification",
    "text classification": "text-classification",
    "text multilabel": "text-classification",
    "text question-answering": "question-answering",
    "audio classification": "audio-classification",
}
"""The hub's name for a modality and a kind of task, where it has one."""
HUB_LICENCES = frozenset(
    {
        "apache-2.0",
        "mit",
        "bsd-3-clause",
        "bsd-2-clause",
        "cc-by-4.0",
        "cc-by-sa-4.0",
        "cc-by-nc-4.0",
        "cc-by-nc-sa-4.0",
        "cc0-1.0",
        "openrail",
        "gpl-3.0",
        "lgpl-3.0",
        "mpl-2.0",
        "unlicense",
    }
)
LIBRARIES = {"timm": "timm", "hf": "transformers", "transformers": "transformers"}
HUB_METRICS = {"macro_f1": "f1", "micro_f1": "f1", "mean_absolute_error": "mae", "root_mean_squared_error": "rmse",
               "rouge1": "rouge", "rouge2": "rouge", "rougeL": "rouge"}  # fmt: skip
"""The hub's names of metrics, where they differ from ours."""


def card(receipt: Receipt, opens_with: str) -> str:
    """Front matter in YAML, then plain sections.

    Args:
        opens_with: the line of Python that opens the folder with the source's own library; empty when there is none.
    """
    import yaml

    matter = yaml.safe_dump(front_matter(receipt), sort_keys=False, allow_unicode=True)
    return (
        "\n".join(
            [
                "---",
                matter.rstrip("\n"),
                "---",
                "",
                *_lead(receipt),
                *_usage(receipt, opens_with),
                *_results(receipt),
                *_data(receipt),
                *_limits(receipt),
            ]
        )
        + "\n"
    )


def front_matter(receipt: Receipt) -> dict[str, Any]:
    """The metadata that the hub reads."""
    source = receipt.source
    licence = source.licence.lower()
    matter: dict[str, Any] = {"license": licence if licence in HUB_LICENCES else "other"}
    if matter["license"] == "other":
        matter["license_name"] = source.licence
    matter["library_name"] = LIBRARIES.get(source.family, "headstart")
    if not PurePath(source.name).is_absolute():  # a folder of this machine means nothing elsewhere
        matter["base_model"] = source.name.partition("/")[2] if source.family in ("hf", "transformers") else source.name
    pipeline = PIPELINES.get(f"{source.modality} {receipt.task.kind}")
    if pipeline:
        matter["pipeline_tag"] = pipeline
    matter |= {
        "tags": ["headstart", "transfer-learning", receipt.strategy.name],
        "metrics": list(dict.fromkeys(HUB_METRICS.get(one.name, one.name) for one in receipt.task.measures)),
        "model-index": [_model_index(receipt, pipeline)],
    }
    return matter


def _model_index(receipt: Receipt, pipeline: str | None) -> dict[str, Any]:
    metrics = [
        {"type": HUB_METRICS.get(measure.name, measure.name), "name": measure.title, "value": value}
        for measure in receipt.task.measures
        if (value := receipt.adapted.metrics[measure.name].value) is not None
    ]
    task = pipeline or f"{receipt.source.modality}-{receipt.task.kind}"
    name = words.named(receipt.target.origin)
    dataset = {"name": name, "type": name, "split": "test", "revision": receipt.target.fingerprint}
    return {"name": receipt.run, "results": [{"task": {"type": task}, "dataset": dataset, "metrics": metrics}]}


def _lead(receipt: Receipt) -> list[str]:
    answer = f"It answers {_code(receipt.task.label)}"
    names = receipt.task.labels
    if receipt.target.classes:
        more = f" and {len(names) - 20} more" if len(names) > 20 else ""
        answer += f" with {len(names)} labels: {', '.join(_cell(name) for name in names[:20])}{more}"
    adapted = (
        f"{_code(words.named(receipt.source.name))}, adapted by {receipt.strategy.name} to "
        f"{_cell(words.named(receipt.target.origin))}. {answer}."
    )
    return [f"# {_cell(receipt.run)}", "", adapted, "", f"**{_cell(receipt.verdict.sentence)}**", ""]


def _usage(receipt: Receipt, opens_with: str) -> list[str]:
    lines = [
        "## How to use it",
        "",
        "```python",
        "import headstart",
        "",
        'model = headstart.load(".")',
        f"answers = model.predict(...)  # {words.noun(receipt.source.modality)}: paths, or contents in memory",
        "```",
        "",
    ]
    if opens_with:
        lines += [
            "Or with the library that the source comes from:",
            "",
            "```python",
            f"import {opens_with.partition('.')[0]}",
            "",
            f"network = {opens_with}",
            "```",
            "",
        ]
    return lines


def _results(receipt: Receipt) -> list[str]:
    measures = receipt.task.measures
    rows = [f"| | {' | '.join(words.heading(measure) for measure in measures)} |", f"|---|{'---|' * len(measures)}"]
    rows += [
        f"| {_cell(arm.title)} | {' | '.join(_result(arm, measure) for measure in measures)} |" for arm in receipt.arms
    ]
    items = words.count(receipt.target.test, f"test {words.noun(receipt.source.modality, receipt.task.things)}")
    note = f"On {items} that nothing was fitted or chosen on; 95 % bootstrap intervals in brackets."
    again = [f"{arm.title}, {words.seeds(arm.seeds, receipt.primary)}." for arm in receipt.arms if arm.seeds]
    lines = ["## Results", "", note, "", *rows, "", *([*again, ""] if again else [])]
    if receipt.label_efficiency.sentence:
        lines += [receipt.label_efficiency.sentence, ""]
    return lines


def _result(arm: ArmSection, measure: Measure) -> str:
    found = arm.metrics[measure.name]
    ends = words.bounds(found, measure)
    return f"{words.amount(found.value, measure)} ({ends})" if ends else words.amount(found.value, measure)


def _data(receipt: Receipt) -> list[str]:
    target, source = receipt.target, receipt.source
    lines = [
        "## What it learned from",
        "",
        f"- Source: {_code(words.named(source.name))}, trained on {_cell(source.trained_on)}; "
        f"licence {_cell(source.licence)}; {words.short(source.parameters)} parameters.",
        f"- Target: {_cell(words.named(target.origin))}, {target.training:,} examples to train on, "
        f"{target.validation:,} to choose by, {target.test:,} to test on; {len(target.quarantine):,} set aside.",
    ]
    if target.read:
        lines.append(f"- Read: {words.listed(list(map(_cell, target.read)))}.")
    if target.classes:
        shown = ", ".join(f"{_cell(one.name)} {one.count:,}" for one in target.classes[:30])
        lines.append(f"- Labels to learn from: {shown}{', …' if len(target.classes) > 30 else ''}.")
    return [*lines, *(f"- {_cell(note)}" for note in target.notes), ""]


def _limits(receipt: Receipt) -> list[str]:
    lines = [
        "## Limits",
        "",
        "- The numbers hold for examples like those of the test; nothing is known about others.",
        "- The licence of the source goes on to hold for the adapted weights.",
    ]
    lines += [f"- {_cell(warning)}" for warning in receipt.warnings]
    versions = ", ".join(f"{name} {version}" for name, version in receipt.versions.items())
    return [
        *lines,
        "",
        f"Made {receipt.created} with {versions}; seed {receipt.seed}. The whole receipt is in "
        "`receipt.html` and `receipt.json`.",
    ]


def _code(text: str) -> str:
    """A name as code, whatever is in it."""
    return f"`{' '.join(text.replace('`', ' ').split())}`"


def _cell(text: str) -> str:
    """Text from outside, inside Markdown: no new lines, tables, markup or tags of its own."""
    flat = " ".join(text.split())
    for mark in "\\`*_[]<>|#":
        flat = flat.replace(mark, f"\\{mark}")
    return flat
