"""What a plain scalar means: YAML 1.2's core schema, so that `on`, `yes` and `22:30` are text and `017` is seventeen."""

from __future__ import annotations

import math
import re

from orchestra.manifest.tree import Value

NULLS = frozenset({"", "~", "null", "Null", "NULL"})
BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
INTEGER = re.compile(r"[-+]?[0-9]+")
OCTAL = re.compile(r"0o[0-7]+")
HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+")
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
LONGEST_NUMBER = 64
LARGEST = 2**63


class NotANumber(ValueError):
    """Infinite, undefined, or too large to be meant."""


def resolve(text: str) -> Value:
    if text in NULLS:
        return None
    if text in BOOLEANS:
        return BOOLEANS[text]
    if text[0] not in "+-.0123456789":
        return text
    if NOT_FINITE.fullmatch(text):
        raise NotANumber
    for form, base in ((INTEGER, 10), (OCTAL, 8), (HEXADECIMAL, 16)):
        if form.fullmatch(text):
            return _bounded(text, base)
    if FLOAT.fullmatch(text):
        number = float(text)
        if not math.isfinite(number):
            raise NotANumber
        return number
    return text


def _bounded(text: str, base: int) -> int:
    if len(text) > LONGEST_NUMBER:
        raise NotANumber
    number = int(text if base == 10 else text[2:], base)
    if abs(number) >= LARGEST:
        raise NotANumber
    return number


def spelled(value: str | int | float | bool) -> str:
    """A value as text, as a template prints it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else repr(value)
