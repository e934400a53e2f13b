"""Texts with the texts to be written in answer to them: which column is which."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as compute

from headstart.core.errors import DataError
from headstart.data.readers import Options
from headstart.data.readers.assemble import header_hint
from headstart.data.table import LABEL, STANDARD_COLUMNS

NAMES = (
    ("src", "tgt"), ("source", "target"), ("input", "output"), ("input", "target"), ("text", "summary"),
    ("document", "summary"), ("article", "highlights"), ("article", "summary"), ("dialogue", "summary"),
    ("text", "target"), ("text", "title"),
)  # fmt: skip
"""What columns of texts and of answers are called together."""
_CODES = """aa ab af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de
    dv dz ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia ie ig ii ik io is it
    iu ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb
    nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss
    st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu"""
LANGUAGES = frozenset(_CODES.split())
"""ISO 639-1, without "id", which is the name of another column more often than Indonesian."""


def language(name: str) -> bool:
    """Whether `name` is the code of a language, such as en, pt-BR or zh_CN."""
    return re.split(r"[-_]", name.lower())[0] in LANGUAGES and re.fullmatch(r"..([-_]\w{2,4})?", name) is not None


def flattened(rows: pa.Table) -> pa.Table:
    """With each field of a structure of texts, such as `translation` {en, de}, as a column of its own."""
    columns: dict[str, pa.ChunkedArray] = {}
    for field, column in zip(rows.schema, rows.columns, strict=True):
        if is_structure(field.type):
            columns |= {
                part.name if part.name not in rows.column_names else f"{field.name}.{part.name}": compute.struct_field(
                    column, part.name
                )
                for part in field.type
            }
        else:
            columns[field.name] = column
    return pa.table(columns)


def is_structure(kind: pa.DataType) -> bool:
    """Whether it is a structure of texts, not of bytes."""
    return bool(pa.types.is_struct(kind)) and all(pa.types.is_string(part.type) for part in kind)


def named(rows: pa.Table, options: Options, origin: str) -> Options:
    """`options` with the names of the column of texts and, where labels are wanted, of that of answers.

    Raises:
        DataError: they cannot be told; the message says how to name them.
    """
    others = {*STANDARD_COLUMNS, options.group, options.time, options.split} - {LABEL}
    texts = [name for name in _texts(rows) if name not in others]
    content, label = chosen(texts, options.content, options.label, options.labelled, origin)
    return replace(options, content=content, label=label)


def chosen(
    columns: Sequence[str], content: str | None, label: str | None, labelled: bool, origin: str
) -> tuple[str, str | None]:
    """The names of what is read and of what is written, among `columns`: as asked for; by the usual names; by the codes
    of two languages, in their order; or the only one that is left."""
    lowered = {name.lower(): name for name in reversed(columns)}
    usual = [(lowered[one], lowered[other]) for one, other in NAMES if one in lowered and other in lowered]
    codes = [name for name in columns if language(name)]
    pairs = usual or ([(codes[0], codes[1])] if len(codes) == 2 else [])
    for one, other in pairs:
        if content in (None, one) and label in (None, other):
            return one, other if labelled else None
    asked = {content, label} - {None}
    if content is not None and content == label:
        raise DataError(f"{origin}: the column '{content}' cannot be both read and written. Name another with --label.")
    left = [name for name in columns if name not in asked]
    if not labelled:
        first = [lowered[one] for one, _ in NAMES if one in lowered]
        found = content or next(iter([*first, *(left if len(left) == 1 else [])]), None)
        if found is not None:
            return found, None
    elif len(asked) == 2 or (len(asked) == 1 and len(left) == 1):
        return content or left[0], label or left[0]
    raise DataError(
        f"{origin} has the columns of texts {', '.join(columns) or '(none)'}, and which of them is read and which is "
        f"written cannot be told. Say --text COLUMN --label COLUMN.{header_hint(columns)}"
    )


def answers(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Texts to be written; empty ones are missing."""
    text = compute.utf8_trim_whitespace(column.cast(pa.string()))
    return compute.if_else(compute.equal(text, ""), None, text)


def _texts(rows: pa.Table) -> list[str]:
    return [
        field.name for field in rows.schema if pa.types.is_string(field.type) or pa.types.is_large_string(field.type)
    ]
