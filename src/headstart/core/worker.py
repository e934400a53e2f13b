"""A second process for what takes long to load: libraries load there while contents are read here.

It stays the same process, and a script that calls Headstart needs no `if __name__ == "__main__"` for it: the standard
library's pools run the script again, and loky's begin anew once a library has filled some hundred megabytes.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import IO, Any, ParamSpec, TypeVar, cast

from headstart.core import hardware
from headstart.core.errors import HeadstartError

Given = ParamSpec("Given")
Result = TypeVar("Result")


class _Worker:
    """A process that calls what it is sent, in order; what goes through its pipes is of these two processes alone."""

    def __init__(self) -> None:
        paths = {"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONSAFEPATH": "1"}
        serve = f"from {__name__} import _serve; _serve()"
        pipe = subprocess.PIPE
        command = [sys.executable, "-c", serve]
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, env={**os.environ, **paths})
        self._unread = 0

    def send(self, *request: Any) -> None:
        packed = pickle.dumps(request, protocol=pickle.HIGHEST_PROTOCOL)  # whole, or nothing is sent
        stream = cast(IO[bytes], self._process.stdin)
        pickle.dump(packed, stream)
        stream.flush()
        self._unread += 1

    def receive(self) -> Any:
        """What came of the last request."""
        while self._unread:
            went_well, result = pickle.load(cast(IO[bytes], self._process.stdout))
            self._unread -= 1
        if not went_well:
            raise result
        return result

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()


_worker: _Worker | None = None
_peak = 0
"""Largest resident memory of a worker that has ended, in bytes."""


@contextlib.contextmanager
def worker(wanted: bool) -> Iterator[None]:
    """Where it is `wanted`, and while it lasts, `call` computes in another process."""
    global _worker
    if not wanted or _worker is not None:
        yield
        return
    _worker = _Worker()
    try:
        yield
    finally:
        _stop()


def end() -> None:
    """Ends the other process, if there is one: `call` computes here from now on."""
    global _peak
    if _worker is not None:
        _peak = max(_peak, call(hardware.peak_memory))
        _stop()


def _stop() -> None:
    global _worker
    if _worker is not None:
        _worker.kill()
        _worker = None


def is_there() -> bool:
    return _worker is not None


def begin(function: Callable[Given, None], *given: Given.args, **named: Given.kwargs) -> None:
    """Has the other process, if there is one, begin with what will be asked for; failures show when it is."""
    if _worker is not None:
        _worker.send(function, given, named)


def call(function: Callable[Given, Result], *given: Given.args, **named: Given.kwargs) -> Result:
    """What `function` returns, or raises: from the other process, if there is one.

    Raises:
        HeadstartError: that process was ended from outside.
    """
    if _worker is None:
        return function(*given, **named)
    try:
        _worker.send(function, given, named)
        return cast(Result, _worker.receive())
    except (EOFError, BrokenPipeError):
        raise HeadstartError(
            "The process that builds networks was ended from outside, most likely because memory ran out. "
            "Close other programs and run again."
        ) from None


def peak_memory() -> int:
    """The largest resident memory so far, of both processes, in bytes."""
    return hardware.peak_memory() + (call(hardware.peak_memory) if _worker is not None else _peak)


def _serve() -> None:
    """In the worker: answers requests until there are no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt is this process's parent's, which then ends it
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what libraries print is not an answer
    while True:
        try:
            packed = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        try:
            function, given, named = pickle.loads(packed)
            answer = pickle.dumps((True, function(*given, **named)), protocol=pickle.HIGHEST_PROTOCOL)
        except Exception as problem:  # whatever it is, it is raised there
            answer = pickle.dumps((False, problem))
        answers.write(answer)
        answers.flush()
