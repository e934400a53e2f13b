"""What this machine is and has: cores, memory, native bf16, versions."""

from __future__ import annotations

import functools
import os
import platform
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


@functools.cache
def cores() -> int:
    """Cores this process may use (not those of the whole machine)."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@functools.cache
def has_native_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 itself (AVX512-BF16, AMX, or Arm's BF16)."""
    information = Path("/proc/cpuinfo")
    if not information.exists():
        return platform.machine() == "arm64"
    text = information.read_text()
    return any(flag in text for flag in ("amx_bf16", "avx512_bf16", " bf16"))


def peak_memory() -> int:
    """The largest resident memory of this process so far, in bytes."""
    if sys.platform == "win32":
        return 0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak if sys.platform == "darwin" else peak * 1024)


def versions() -> dict[str, str]:
    """Versions of what the numbers depend on."""
    names = ("headstart", "torch", "torchvision", "timm", "transformers", "openvino", "numpy", "soxr", "pylance")
    found = {"python": platform.python_version()}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


class Stopwatch:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self._start = time.perf_counter()

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self._start
