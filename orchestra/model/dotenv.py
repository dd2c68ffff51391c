"""Files of `NAME=value` lines: what the manifest takes names from, and apply the values, reading the one syntax.

`NAME=value`, `export NAME=value`; `#` begins a comment, after a value only behind a space; 'single quotes' are literal, in
"double quotes" `\\n`, `\\t`, `\\r`, `\\"`, `\\\\` and `\\$` are escapes; quoted values may span lines; nothing is expanded or run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import field

from orchestra.model.frozen import frozen

START = re.compile(r"[ \t]*(?:export[ \t]+)?(?P<name>[^\s=#'\"]+)[ \t]*=[ \t]*")
SKIPPED = re.compile(r"[ \t]*(?:#[^\n]*)?(?:\r?\n|\Z)")
PLAIN = re.compile(r"(?:(?![ \t]#)[^\n])*")
SINGLE = re.compile(r"'(?P<text>[^']*)'")
DOUBLE = re.compile(r'"(?P<text>(?:[^"\\]|\\.)*)"', re.DOTALL)
ESCAPE = re.compile(r"\\(.)", re.DOTALL)
ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\", "$": "$"}


@frozen
class Assignment:
    name: str
    value: str = field(repr=False)
    line: int
    """From 1."""


class Malformed(ValueError):
    """`line` (from 1) is no assignment. The message never holds what stands there: it may be a secret."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


def assignments(text: str) -> Iterator[Assignment]:
    """In order, a name perhaps several times: the last one counts. Raises Malformed."""
    position = 0
    line = 1
    while position < len(text):
        begin = position
        if skipped := SKIPPED.match(text, position):
            position = skipped.end()
            line += text.count("\n", begin, position)
            continue
        start = START.match(text, position)
        if start is None:
            raise Malformed(line, "this is not `NAME=value`")
        value, position = _value(text, start.end(), line)
        rest = SKIPPED.match(text, position)
        if rest is None:
            raise Malformed(line, "something stands behind the closing quote")
        position = rest.end()
        yield Assignment(name=start["name"], value=value, line=line)
        line += text.count("\n", begin, position)


def _value(text: str, position: int, line: int) -> tuple[str, int]:
    """The value and where it ends."""
    opening = text[position : position + 1]
    if opening not in ("'", '"'):
        if opening == "#":
            return "", position
        plain = PLAIN.match(text, position)
        assert plain is not None
        return plain.group().rstrip(" \t\r"), plain.end()
    quoted = (SINGLE if opening == "'" else DOUBLE).match(text, position)
    if quoted is None:
        raise Malformed(line, "a quote is not closed")
    value = quoted["text"]
    if opening == '"':
        value = ESCAPE.sub(lambda found: ESCAPES.get(found[1], found[0]), value)
    return value, quoted.end()
