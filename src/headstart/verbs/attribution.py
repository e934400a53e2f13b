"""What an answer depended on, shown in the example itself; one way a modality and task."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from headstart.core.registry import Registry
from headstart.receipt.evidence import Evidence
from headstart.receipt.exhibits import Exhibit

ways: Registry[Callable[[Evidence, Sequence[str]], list[tuple[str, Exhibit]]]] = Registry(
    "way to attribute",
    {
        "image classification": "headstart.verbs.attribution_image:attributions",
        "text classification": "headstart.verbs.attribution_text:attributions",
        "interactions recommendation": "headstart.verbs.attribution_interactions:attributions",
    },
)


def attributions(found: Evidence, ids: Sequence[str]) -> list[tuple[str, Exhibit]]:
    """(title, exhibit) for the test examples `ids`; nothing where the modality or the task has no way to tell."""
    name = f"{found.checked.table.modality} {found.task.kind}"
    return ways.get(name)(found, ids) if name in ways.names() else []
