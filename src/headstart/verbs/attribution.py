"""What an answer depended on, shown in the example itself; one way a modality."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from headstart.core.registry import Registry
from headstart.receipt.evidence import Evidence
from headstart.receipt.exhibits import Exhibit

ways: Registry[Callable[[Evidence, Sequence[str]], list[tuple[str, Exhibit]]]] = Registry(
    "way to attribute",
    {
        "image": "headstart.verbs.attribution_image:attributions",
        "text": "headstart.verbs.attribution_text:attributions",
    },
)


def attributions(found: Evidence, ids: Sequence[str]) -> list[tuple[str, Exhibit]]:
    """(title, exhibit) for the test examples `ids`; nothing where the modality or the task has no way to tell."""
    modality = found.checked.table.modality
    if found.task.kind != "classification" or modality not in ways.names():
        return []
    return ways.get(modality)(found, ids)
