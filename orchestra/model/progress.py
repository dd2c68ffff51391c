"""What is told while a plan is carried out, for whoever watches."""

from __future__ import annotations

from enum import StrEnum

from orchestra.model.frozen import frozen


class Phase(StrEnum):
    PENDING = "pending"
    """It is not there yet; `detail` says what for. For whoever shows what is unfinished: nothing has happened."""
    STOPPING = "stopping"
    STARTED = "started"
    WAITING = "waiting"
    HEALTHY = "healthy"
    DONE = "done"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@frozen
class Progress:
    """`address` may be empty for what concerns the whole workspace."""

    address: str
    phase: Phase
    detail: str = ""


@frozen
class Result:
    """How a plan ended: by address, the first error of each; what was skipped and why. Empty and empty: all was done."""

    failed: tuple[tuple[str, str], ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()
    interrupted: bool = False

    @property
    def ok(self) -> bool:
        return not (self.failed or self.skipped or self.interrupted)
