"""Texts that are on every machine: the first sentences of what Python's standard library says of itself."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator
from types import ModuleType
from typing import Any

SUBJECTS = {
    "files and folders": "os os.path pathlib shutil tempfile glob fnmatch zipfile tarfile gzip io fileinput filecmp",
    "network and mail": "socket ssl http.client http.server http.cookiejar urllib.request urllib.parse ftplib smtplib "
    "imaplib poplib email.message email.utils socketserver ipaddress select",
    "numbers": "math cmath statistics decimal fractions random numbers array colorsys",
    "tasks at once": "threading multiprocessing.managers multiprocessing.pool asyncio queue concurrent.futures "
    "subprocess signal sched contextvars multiprocessing.shared_memory",
    "dates and words": "datetime calendar locale string textwrap difflib gettext unicodedata time zoneinfo",
    "code itself": "ast inspect dis symtable tokenize importlib.util importlib.abc types typing traceback pdb "
    "unittest.case doctest abc",
}
"""Subject -> modules that are about it."""
WRITTEN_IN_C = ("posix", "nt", "_io", "_socket", "_ssl")
"""Modules whose functions the ones above hand on as their own."""
LETTERS, WORDS = (25, 300), 5
"""Least and most letters of a sentence, and least words."""


def sentences() -> tuple[list[str], list[str]]:
    """(sentences, subjects): what is said in modules of one subject only."""
    found: dict[str, set[str]] = {}
    for subject, names in SUBJECTS.items():
        for name in names.split():
            for documented in _documented(importlib.import_module(name)):
                sentence = first_paragraph(inspect.getdoc(documented) or "")
                if LETTERS[0] <= len(sentence) <= LETTERS[1] and len(sentence.split()) >= WORDS:
                    found.setdefault(sentence, set()).add(subject)
    told = [(sentence, next(iter(subjects))) for sentence, subjects in sorted(found.items()) if len(subjects) == 1]
    return [sentence for sentence, _ in told], [subject for _, subject in told]


def _documented(module: ModuleType) -> Iterator[Any]:
    """Public functions and classes of a module's own, and the methods of these classes."""
    own = (module.__name__, f"_{module.__name__}", *WRITTEN_IN_C)
    for name, thing in vars(module).items():
        if name.startswith("_") or not callable(thing) or getattr(thing, "__module__", module.__name__) not in own:
            continue
        yield thing
        if inspect.isclass(thing):
            yield from (method for key, method in vars(thing).items() if not key.startswith("_") and callable(method))


def first_paragraph(text: str) -> str:
    """On one line; a line that only repeats how something is called is passed over."""
    first, _, rest = text.partition("\n\n")
    chosen = rest.partition("\n\n")[0] if re.match(r"^\w+\(.*\)", first) else first
    return re.sub(r"\s+", " ", chosen).strip()
