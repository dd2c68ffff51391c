"""One problem, with its place and its remedy."""

from __future__ import annotations

from enum import StrEnum

from orchestra.model.frozen import frozen


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@frozen
class Location:
    """A place in a text: `line` and `column` count from 1; `path` is the dotted way through the document (`sessions.api.panes.0`)."""

    file: str
    line: int
    column: int
    path: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@frozen
class Diagnostic:
    severity: Severity
    summary: str
    detail: str | None = None
    location: Location | None = None
    hint: str | None = None
