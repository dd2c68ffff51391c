"""How a process ended, in words."""

from __future__ import annotations

from orchestra.model import status


def ending(pane: status.Pane) -> str:
    if pane.signal is not None:
        return f"it was ended by signal {pane.signal}"
    if pane.exit_code is None:
        return "it ended, and tmux does not know how"
    return f"it exited with code {pane.exit_code}"
