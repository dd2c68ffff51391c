"""The ports, handed in together."""

from __future__ import annotations

from orchestra.engine import ports
from orchestra.model.frozen import frozen


@frozen
class World:
    tmux: ports.Tmux
    processes: ports.Processes
    prober: ports.Prober
    secrets: ports.Secrets
    clock: ports.Clock
    machine: ports.Machine
    locks: ports.Locks
