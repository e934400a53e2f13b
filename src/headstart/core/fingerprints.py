"""Digests of content: the same bytes give the same name, whatever the path or the time."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

LENGTH = 16  # bytes of digest: 128 bits, 32 hexadecimal letters


def of_bytes(content: bytes | memoryview) -> str:
    return hashlib.blake2b(content, digest_size=LENGTH).hexdigest()


def of_json(document: Any) -> str:
    """Digest of a JSON-like document; the order of keys does not matter."""
    return of_bytes(json.dumps(document, sort_keys=True, ensure_ascii=False, default=str).encode())


def of_file(path: Path) -> str:
    now = path.stat()
    return _of_file(path, now.st_mtime_ns, now.st_size)


@functools.lru_cache(maxsize=64)
def _of_file(path: Path, changed: int, size: int) -> str:
    """The same, kept for as long as the file is as it is."""
    del changed, size
    with path.open("rb") as stream:
        return (
            hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=LENGTH)).hexdigest()
            if hasattr(hashlib, "file_digest")
            else of_bytes(stream.read())
        )


def of_strings(parts: Iterable[str]) -> str:
    """Digest of an ordered sequence of strings, one row at a time (memory stays flat)."""
    digest = hashlib.blake2b(digest_size=LENGTH)
    for part in parts:
        encoded = part.encode()
        digest.update(len(encoded).to_bytes(8, "little") + encoded)
    return digest.hexdigest()


def of_arrays(arrays: Mapping[str, NDArray[Any]]) -> str:
    """Digest of named arrays: names, types, shapes and values, in the order of the names."""
    digest = hashlib.blake2b(digest_size=LENGTH)
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name}|{array.dtype.str}|{array.shape}|".encode())
        digest.update(array.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()
