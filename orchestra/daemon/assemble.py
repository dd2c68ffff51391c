"""The only place that names concrete classes: the engine with its adapters, for one tmux server."""

from __future__ import annotations

import importlib.resources
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from orchestra.engine import reconcile, world
from orchestra.host import clock, lock, machine, paths, probe, processes, secrets
from orchestra.tmux import adapter, server

DEFAULT_SIZE = reconcile.DEFAULT_SIZE


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembly:
    reconciler: reconcile.Reconciler
    tmux: adapter.Tmux
    host: server.Server

    @property
    def world(self) -> world.World:
        return self.reconciler.world


def assemble(
    socket_name: str | None,
    socket_path: str | None,
    environ: Mapping[str, str],
    size: tuple[int, int] = DEFAULT_SIZE,
) -> Assembly:
    """The server is chosen as tmux -L and -S choose it. Writes nothing: directories are made when a lock is first taken."""
    choice = server.Choice(socket_name=socket_name, socket_path=socket_path)
    host = server.Server(choice, environ, machine.server_environment(environ))
    tmux = adapter.Tmux(host)
    wrappers = importlib.resources.files("orchestra.tmux")
    ports = world.World(
        tmux=tmux,
        processes=processes.Processes(),
        prober=probe.Prober(),
        secrets=secrets.Secrets(),
        clock=clock.Clock(),
        machine=machine.Machine(Path(str(wrappers / "exec.pl")), Path(str(wrappers / "exec.py"))),
        locks=_LocksOf(Path(host.path)),
    )
    return Assembly(
        reconciler=reconcile.Reconciler(world=ports, lock_name="apply", size=size), tmux=tmux, host=host
    )


class _LocksOf:
    """The locks of one socket; its directories are made when one is taken, so that looking leaves nothing behind."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    def hold(
        self, name: str, purpose: str, timeout: timedelta, waiting: Callable[[str], None]
    ) -> AbstractContextManager[None]:
        directory = paths.directories(self._socket).runtime
        return lock.Locks(directory, clock.Clock()).hold(name, purpose, timeout, waiting)


def settings_file() -> Path:
    """Of the user, for all workspaces."""
    return paths.config_file()
