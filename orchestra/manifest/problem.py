"""What is wrong with a manifest, collected, so that everything is told at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from orchestra.manifest import limits
from orchestra.model.diagnostic import Diagnostic, Location, Severity
from orchestra.model.errors import ManifestError

LONGEST_SHOWN = 60
LONGEST_GUESSED = 64
MOST_GUESSED = 1000


class Problems:
    """Drops what would only repeat itself: the same words at the same place, or a place an earlier step complained about."""

    def __init__(self) -> None:
        self._errors: list[Diagnostic] = []
        self._warnings: list[Diagnostic] = []
        self._seen: set[tuple[Location | None, str]] = set()
        self._places_of_earlier_steps: set[Location] = set()
        self._untold = 0

    def next_step(self) -> None:
        self._places_of_earlier_steps.update(found.location for found in self._errors if found.location)

    def add(
        self,
        at: Location | None,
        summary: str,
        *,
        hint: str | None = None,
        detail: str | None = None,
        word: str | None = None,
        among: Iterable[str] = (),
    ) -> None:
        """`word` and `among` make a «did you mean» of their own, which wins over `hint`; it is only looked for when it is told."""
        if (at, summary) in self._seen or at in self._places_of_earlier_steps:
            return
        if len(self._errors) >= limits.PROBLEMS:
            self._untold += 1
            return
        self._seen.add((at, summary))
        hint = hint and printable(hint)
        guess = None if word is None else nearest(word, tuple(among))
        self._errors.append(
            Diagnostic(
                severity=Severity.ERROR,
                summary=printable(summary),
                detail=detail and printable(detail),
                location=at,
                hint=hint if guess is None else f"did you mean {quoted(guess)}?",
            )
        )

    def warn(self, at: Location | None, summary: str, *, hint: str | None = None) -> None:
        if (at, summary) not in self._seen:
            self._seen.add((at, summary))
            self._warnings.append(
                Diagnostic(severity=Severity.WARNING, summary=printable(summary), location=at, hint=hint)
            )

    def __bool__(self) -> bool:
        return bool(self._errors)

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        return tuple(sorted(self._warnings, key=_place))

    def raise_all(self) -> None:
        if not self._errors:
            return
        told = sorted(self._errors, key=_place)
        if self._untold:
            more = f"{self._untold} more problems are not shown"
            told.append(Diagnostic(severity=Severity.NOTE, summary=more))
        raise ManifestError((*told, *self.warnings))


def nearest(word: str, among: Collection[str]) -> str | None:
    if len(word) > LONGEST_GUESSED or not 0 < len(among) <= MOST_GUESSED:
        return None
    import difflib  # only a manifest with a slip pays for it

    alike = {other.lower(): other for other in among}
    found = difflib.get_close_matches(word.lower(), alike, n=1, cutoff=0.6)
    return alike[found[0]] if found and alike[found[0]] != word else None


def quoted(value: object) -> str:
    """A value of the manifest's as one short printable word."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "`true`" if value else "`false`"
    text = str(value)[: LONGEST_SHOWN + 1]
    if len(text) > LONGEST_SHOWN:
        text = text[: LONGEST_SHOWN - 1] + "…"
    return f"`{printable(text)}`"


def printable(text: str) -> str:
    """So that no escape sequence of a manifest's reaches a screen."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def listed(words: Iterable[str], *, most: int = 12) -> str:
    every = list(words)
    shown = ", ".join(quoted(word) for word in every[:most])
    return shown if len(every) <= most else f"{shown} and {len(every) - most} more"


def _place(found: Diagnostic) -> tuple[bool, str, int, int]:
    at = found.location
    return (False, "", 0, 0) if at is None else (True, at.file, at.line, at.column)
