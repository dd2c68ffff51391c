"""The ports, handed in together."""

from __future__ import annotations

from dataclasses import dataclass

from orchestra.engine import ports


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    tmux: ports.Tmux
    processes: ports.Processes
    prober: ports.Prober
    secrets: ports.Secrets
    clock: ports.Clock
    machine: ports.Machine
    locks: ports.Locks
