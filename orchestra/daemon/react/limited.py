"""Limits, put together."""

from __future__ import annotations

from orchestra.daemon.react import parts, steering
from orchestra.engine.react import limiting, supervise
from orchestra.host import restraint, sampling


def limiter(reach: parts.Reach, supervisor: supervise.Supervisor) -> limiting.Limiter:
    return limiting.Limiter(
        reach.clock,
        sampling.Sampler(),
        _Restraint(reach),
        reach.recordings,
        reach.say(limiting.STATE),
        reach.is_busy,
        supervisor.expect,
        steering.Ending(reach.assembly),
        reach.look_soon,
    )


class _Restraint(restraint.Restraint):
    """tmux looks at its ended children late by itself."""

    def __init__(self, reach: parts.Reach) -> None:
        super().__init__()
        self._reach = reach

    def kill(self, uid: str, pid: int, server_pid: int) -> int:
        left = super().kill(uid, pid, server_pid)
        self._reach.assembly.tmux.reap()
        return left
