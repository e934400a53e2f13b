"""How long `import headstart` and `headstart --help` take, as whole processes less the bare interpreter's start.

python benchmarks/startup.py
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

RUNS = 11


def seconds(*command: str) -> float:
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


if __name__ == "__main__":
    bare = seconds(sys.executable, "-c", "pass")
    imported = seconds(sys.executable, "-c", "import headstart")
    helped = seconds(str(Path(sys.executable).parent / "headstart"), "--help")
    print("| | seconds | bar |\n|---|---|---|")
    print(f"| import headstart (less the interpreter's {bare:.3f}) | {imported - bare:.3f} | 0.1 |")
    print(f"| headstart --help, whole process | {helped:.3f} | 0.3 |")
