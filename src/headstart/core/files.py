"""Files that are whole or absent: written beside their place, then moved into it."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from headstart.core.errors import HeadstartError


@contextlib.contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Yields a temporary path; what was written there replaces `path` in one step when the block ends well.

    Raises:
        HeadstartError: no permission or no space; nothing is left behind.
    """
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        temporary.replace(path)
    except Exception as problem:
        refused = refusal(problem)
        if refused is None:
            raise
        raise explain(refused, path) from problem
    finally:
        if temporary.is_dir():
            shutil.rmtree(temporary, ignore_errors=True)
        else:
            temporary.unlink(missing_ok=True) if temporary.parent.exists() else None


def write_text(path: Path, text: str) -> None:
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, document: Any) -> None:
    write_text(path, json.dumps(document, indent=1, ensure_ascii=False) + "\n")


def read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as problem:
        raise HeadstartError(f"{path} is not valid JSON (line {problem.lineno}: {problem.msg}).") from None


def require_writable(folder: Path) -> None:
    """Refuses, before any work is done, a folder that cannot be written to.

    Raises:
        HeadstartError: no permission, no space, or a file stands in the way.
    """
    existing = folder
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    if not existing.is_dir():
        raise HeadstartError(f"{existing} is a file, so {folder} cannot be made. Choose another place with --out.")
    probe = existing / f".headstart-{uuid.uuid4().hex[:8]}"
    try:
        probe.write_bytes(b"x")
    except OSError as problem:
        raise explain(problem, folder) from problem
    finally:
        with contextlib.suppress(OSError):
            probe.unlink(missing_ok=True)


def require_space(folder: Path, needed: int) -> None:
    """Refuses to start writing `needed` bytes where they do not fit.

    Raises:
        HeadstartError: less than that is free.
    """
    existing = folder
    while not existing.exists():
        existing = existing.parent
    free = shutil.disk_usage(existing).free
    if free < needed:
        raise HeadstartError(
            f"No space for {folder}: {needed / 1e6:.1f} MB are needed and {free / 1e6:.1f} MB are free. "
            "Free some space or choose another place."
        )


def refusal(problem: Exception) -> OSError | None:
    """The file system's refusal in an exception: Python's own, or that of a library in Rust, whose message has its
    number as `(os error 28)`."""
    told = re.search(r"\(os error (\d+)\)", str(problem))
    if told and getattr(problem, "errno", None) is None:
        return OSError(int(told.group(1)), os.strerror(int(told.group(1))))
    return problem if isinstance(problem, OSError) else None


def explain(problem: OSError, path: Path) -> HeadstartError:
    """The sentence for a file system's refusal."""
    if problem.errno == errno.ENOSPC:
        return HeadstartError(
            f"No space left on the disk while writing {path}. Free some space and run again; "
            "nothing half-written was kept."
        )
    if problem.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return HeadstartError(f"No permission to write {path}. Choose another place or change its permissions.")
    return HeadstartError(f"{path} could not be written: {os.strerror(problem.errno or 0)}.")
