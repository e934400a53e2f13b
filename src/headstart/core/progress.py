"""Progress with time left, on standard error, for anything that takes more than two seconds."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator

Advance = Callable[[int], None]
QUIET_SECONDS = 2.0


class _Delayed:
    """A rich progress bar that appears only once the work has taken `QUIET_SECONDS`."""

    def __init__(self, title: str, total: int) -> None:
        self.title, self.total, self.done = title, total, 0
        self.start = time.monotonic()
        self.first = (self.start, 0)
        """When the first items were done, and how many: before them lies what is done once, such as converting."""
        self.stop: Callable[[], None] = lambda: None
        self.update: Callable[[int], None] | None = None

    def advance(self, count: int) -> None:
        if self.done == 0:
            self.first = (time.monotonic(), count)
        self.done += count
        if self.update is not None:
            self.update(self.done)
        elif time.monotonic() - self.start > QUIET_SECONDS and self._worth_showing():
            self._show()

    def _worth_showing(self) -> bool:
        """Not when the end is near; a start that was slow to get going says nothing of the rest."""
        elapsed = time.monotonic() - self.start
        return self.done < self.total and (self.done >= 0.05 * self.total or elapsed > 5 * QUIET_SECONDS)

    def _show(self) -> None:
        if not sys.stderr.isatty():
            self._show_lines()
            return
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("left"),
            console=Console(stderr=True),
            transient=True,
        )
        task = bar.add_task(self.title, total=self.total, completed=self.done)
        bar.start()
        self.stop = bar.stop
        self.update = lambda done: bar.update(task, completed=done)

    def _show_lines(self) -> None:
        """Not a terminal: a line at each further quarter of a minute, so that a log stays readable."""
        last = [0.0]

        def update(done: int) -> None:
            elapsed = time.monotonic() - self.start
            if elapsed - last[0] >= 15 or last[0] == 0.0:
                last[0] = elapsed
                print(f"{self.title}: {done}/{self.total}{self._left()}", file=sys.stderr, flush=True)

        self.update = update
        update(self.done)

    def _left(self) -> str:
        """By the pace since the first items; nothing while there were no others."""
        since, before = self.first
        if self.done == before:
            return ""
        pace = (time.monotonic() - since) / (self.done - before)
        return f", {pace * (self.total - self.done):.0f} s left"


@contextlib.contextmanager
def progress(title: str, total: int) -> Iterator[Advance]:
    """`with progress("Features", 720) as advance: … advance(32)`."""
    delayed = _Delayed(title, total)
    try:
        yield delayed.advance
    finally:
        delayed.stop()
