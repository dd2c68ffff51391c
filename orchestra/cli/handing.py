"""Handing over to the daemon what goes on after an apply."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestra.cli import options, output

if TYPE_CHECKING:  # see options
    from orchestra.engine.apply import reconcile
    from orchestra.model import spec

LINGER = "10m"
"""For so long a daemon that an apply started goes on when its tmux server has ended."""


class Handing:
    """What lives on after an apply is the daemon's. Where there is none it is started before the first pane, so that it hears all of them
    from their beginning."""

    def __init__(self, common: options.Common, workspace: spec.Workspace | None, *, start: bool) -> None:
        """None: nothing is handed over."""
        self._common = common
        self._needs = lives_on(workspace) if workspace is not None else ""
        self._hands = workspace is not None
        self._start = start
        self._started = False

    def begin(self) -> bool:
        """Whether one was started now."""
        if self._start and self._needs and self._common.daemon() is None:
            from orchestra.cli import daemon  # only who needs one

            daemon.begin(self._common, linger=LINGER)
            self._started = True
        return self._started

    def over(self, outcome: reconcile.Outcome) -> None:
        if not self._hands or outcome.declined:
            return
        if self.begin() and not self._common.json:
            output.note(f"the daemon was started: the manifest wants {self._needs}")
        if (running := self._common.daemon()) is not None:
            running.post("/v1/autosave", {})


def lives_on(workspace: spec.Workspace) -> str:
    """What goes on after an apply; "" for nothing."""
    panes, rules = workspace.panes, workspace.rules
    wants = {
        "snapshots": workspace.snapshots is not None,
        "restarts": any(pane.restart.policy != "no" for pane in panes),
        "health checks": any(pane.health is not None for pane in panes),
        "limits": any(pane.limits is not None for pane in panes),
        "watching files": any(pane.watch is not None for pane in panes),
        "triggers": any(trigger.enabled for trigger in rules.triggers),
        "schedules": any(schedule.enabled for schedule in rules.schedules),
        "garbage collection": rules.gc is not None,
    }
    wanted = [what for what, is_wanted in wants.items() if is_wanted]
    return " and ".join(filter(None, (", ".join(wanted[:-1]), *wanted[-1:])))
