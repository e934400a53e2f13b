"""Where things are kept and how much room they may take; read from the environment, nothing at import."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from headstart.core.errors import HeadstartError
from headstart.core.registry import suggest

RUNTIMES = ("auto", "openvino", "eager", "reference")


@dataclass(frozen=True)
class Settings:
    home: Path
    """Where banks, conversions and descriptions of sources are kept (HEADSTART_HOME)."""
    bank_size: int
    """The size, in bytes, that `headstart bank trim` cuts the bank down to (HEADSTART_BANK_GB)."""
    runtime: str
    """Which runtime computes frozen features: auto, openvino, eager, reference (HEADSTART_RUNTIME)."""

    @property
    def bank(self) -> Path:
        return self.home / "bank"

    @property
    def trunks(self) -> Path:
        return self.home / "trunks"

    @property
    def descriptions(self) -> Path:
        return self.home / "sources"


def current() -> Settings:
    home = os.environ.get("HEADSTART_HOME")
    gigabytes = os.environ.get("HEADSTART_BANK_GB", "20")
    try:
        bank_size = int(float(gigabytes) * 1e9)
    except ValueError:
        raise HeadstartError(f"HEADSTART_BANK_GB is '{gigabytes}'; give a number of gigabytes, such as 20.") from None
    runtime = os.environ.get("HEADSTART_RUNTIME", "auto")
    if runtime not in RUNTIMES:
        raise HeadstartError(f"HEADSTART_RUNTIME is '{runtime}'. {suggest(runtime, RUNTIMES)}")
    return Settings(
        home=Path(home).expanduser() if home else Path.home() / ".cache" / "headstart",
        bank_size=bank_size,
        runtime=runtime,
    )
