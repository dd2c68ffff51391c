"""What can go wrong, named by what the caller can do about it. `cli/main.py` alone turns these into text and exit codes."""

from __future__ import annotations

from collections.abc import Sequence

from orchestra.model.diagnostic import Diagnostic, Severity


class OrchestraError(Exception):
    """Every error of ours. `diagnostics` is never empty and is what a user is shown."""

    def __init__(self, summary: str, *, hint: str | None = None, detail: str | None = None) -> None:
        super().__init__(summary)
        self.diagnostics: tuple[Diagnostic, ...] = (
            Diagnostic(severity=Severity.ERROR, summary=summary, hint=hint, detail=detail),
        )


class ManifestError(OrchestraError):
    """Fix the file: every problem found in it, at once."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        super().__init__(diagnostics[0].summary)
        self.diagnostics = tuple(diagnostics)


class UsageError(OrchestraError):
    """Say it differently: the command line does not fit the world (exit 64)."""


class TmuxUnavailable(OrchestraError):
    """tmux is missing, too old, or did not answer: whether an object exists is unknown, never «no»."""


class ActionFailed(OrchestraError):
    """Look at the pane: one operation on the world did not work; the others are told in the summary."""


class Conflict(OrchestraError):
    """Someone else holds or changed it: the lock, a session of that name, the world under a saved plan."""


class Busy(Conflict):
    """Another command is at work here, and was for longer than one would wait."""


class JournalFull(OrchestraError):
    """Slow down or drop: more events wait to be written than memory is given for."""


class SecretUnavailable(OrchestraError):
    """A secret's source (variable, file, command) gave nothing. The message names the source, never a value."""


class Interrupted(OrchestraError):
    """The user pressed Ctrl-C before anything was done (exit 130)."""
