"""From a name to a source: `family/NAME`, a folder, or an earlier run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from headstart.core.errors import SourceError
from headstart.core.registry import Registry, suggest
from headstart.sources.contract import Source

families: Registry[Callable[[str], Source]] = Registry(
    "family",
    {
        "timm": "headstart.sources.images.timm:open_timm",
        "torchvision": "headstart.sources.images.torchvision:open_torchvision",
        "hf": "headstart.sources.local:open_repository",
        "builtin": "headstart.sources.builtin:open_builtin",
    },
)


def open_source(name: str | Path | Source) -> Source:
    """The source called `name`: a folder in timm's, transformers' or our format, an earlier run, or `family/NAME`.

    Raises:
        SourceError: no such source, or its weights are not here and cannot be fetched.
    """
    if isinstance(name, Source):
        return name
    folder = Path(name).expanduser()
    if folder.is_dir():
        from headstart.sources.local import open_folder

        return open_folder(folder.resolve())
    family, _, rest = str(name).partition("/")
    if family in families.names() and rest:
        return families.get(family)(rest)
    if family in families.names():
        raise SourceError(
            f"'{name}' names a family without a model. Give one, such as {family}/NAME; `headstart sources` lists them."
        )
    raise SourceError(
        f"There is no source '{name}': it is neither a folder nor a family's model. {suggest(str(name), _names())}"
    )


def _names() -> list[str]:
    from headstart.sources.catalogue import quick_names

    return quick_names()
