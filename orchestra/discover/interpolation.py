"""`$NAME` and `${NAME:-default}`, as tools put them into their files from their environment before they read them."""

from __future__ import annotations

import re

from orchestra.discover.notes import Notes, quoted
from orchestra.discover.variables import Variables
from orchestra.model.diagnostic import Location

NAME = r"[A-Za-z_][A-Za-z0-9_]*"
DOLLAR = re.compile(
    rf"\$(?:(?P<escaped>\$)|(?P<plain>{NAME})|\{{(?P<braced>{NAME})(?:(?P<how>:?[-?+])(?P<word>[^${{}}]*))?\}})"
)


def expanded(
    text: str,
    at: Location,
    variables: Variables,
    notes: Notes,
    *,
    escapes: bool = True,
    default: str | None = None,
) -> str:
    """The text with references to variables in it. `escapes`: `$$` is a dollar. `default`: of what has none."""

    def put(found: re.Match[str]) -> str:
        if found["escaped"]:
            return "$" if escapes else found[0]
        name, how = found["plain"] or found["braced"], found["how"] or ""
        if how.endswith("+"):
            notes.left_out(found[0], at, "whether a variable is set cannot be asked in a manifest")
            return ""
        word = found["word"] if how.endswith("-") else None
        return variables.refer(name, at, f"the environment variable {quoted(name)}", word or default)

    done = DOLLAR.sub(put, text)
    if "${" in DOLLAR.sub("", text):
        notes.warn(at, f"{quoted(text)} is taken as it stands: this form of `${{…}}` is not understood")
    return done
