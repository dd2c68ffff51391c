"""What a template may do with a value: few filters, each with a bounded result, none that guesses."""

from __future__ import annotations

import json
import posixpath
import shlex
from collections.abc import Callable, Mapping

import jinja2

from orchestra.manifest import scalar
from orchestra.manifest.budget import refuse_long
from orchestra.manifest.fault import Faulty
from orchestra.manifest.problem import quoted


def text_of(value: object) -> str:
    if isinstance(value, str | int | float):
        return scalar.spelled(value)
    raise Faulty("this filter needs a text" if value is not None else "a value is missing here")


def _default(value: object, default: object = "", boolean: object = False) -> object:
    """Also for nothing (no environment chosen), unlike Jinja2's own; `boolean` adds empty, zero and false."""
    is_missing = value is None or isinstance(value, jinja2.Undefined)
    return default if is_missing or (boolean and not value) else value


def _int(value: object, default: object = None) -> object:
    try:
        return int(value) if isinstance(value, int | float) else int(text_of(value)[:20])
    except (ValueError, OverflowError):
        return _instead(default, value, "a whole number")


def _float(value: object, default: object = None) -> object:
    try:
        return float(text_of(value)[:64])
    except ValueError:
        return _instead(default, value, "a number")


def _instead(default: object, value: object, wanted: str) -> object:
    if default is None:
        raise Faulty(f"{quoted(value)} is not {wanted}", hint="a default may be given: `| int(0)`")
    return default


def _join(value: object, separator: object = "") -> str:
    between = text_of(separator)
    parts = [text_of(one) for one in value] if isinstance(value, list | str) else [text_of(value)]
    refuse_long(sum(map(len, parts)) + len(between) * max(0, len(parts) - 1))
    return between.join(parts)


def _length(value: object) -> int:
    return len(value) if isinstance(value, list) else len(text_of(value))


def _first(value: object) -> object:
    return _at(value, 0)


def _last(value: object) -> object:
    return _at(value, -1)


def _at(value: object, place: int) -> object:
    several = value if isinstance(value, list) else text_of(value)
    if not several:
        raise Faulty("there is no first or last of nothing")
    return several[place]


def _replace(value: object, old: object, new: object) -> str:
    text, before, after = text_of(value), text_of(old), text_of(new)
    refuse_long(len(text) + text.count(before) * max(0, len(after) - len(before)))
    return text.replace(before, after)


def _tojson(value: object) -> str:
    return json.dumps(
        [text_of(one) for one in value] if isinstance(value, list) else value, ensure_ascii=False
    )


BY_NAME: Mapping[str, Callable[..., object]] = {
    "default": _default,
    "d": _default,
    "lower": lambda value: text_of(value).lower(),
    "upper": lambda value: text_of(value).upper(),
    "trim": lambda value: text_of(value).strip(),
    "string": text_of,
    "int": _int,
    "float": _float,
    "join": _join,
    "length": _length,
    "first": _first,
    "last": _last,
    "replace": _replace,
    "quote": lambda value: shlex.quote(text_of(value)),
    "basename": lambda value: posixpath.basename(text_of(value)),
    "dirname": lambda value: posixpath.dirname(text_of(value)),
    "tojson": _tojson,
}
