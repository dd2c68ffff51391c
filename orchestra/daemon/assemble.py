"""The only place that names concrete classes: the engine with its adapters, for one tmux server.

Looking is put together at once and is quick; what only doing needs (asyncio, the process table, locks: 60 ms) is loaded when it is
asked for.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from orchestra.host import machine, paths
from orchestra.model import spec, status
from orchestra.tmux import adapter, attach, server

if TYPE_CHECKING:  # the annotations of what is loaded below
    from orchestra.daemon import doctor, logs
    from orchestra.engine import hands, ports
    from orchestra.engine.apply import preview, reconcile, world
    from orchestra.tmux import hands as keyboard
    from orchestra.tmux import listening

DEFAULT_SIZE = (200, 50)
"""As `engine.preview.DEFAULT_SIZE`, without loading it: what is done by hand plans nothing."""
LOCK = "apply"
"""Whoever has it is alone in changing this server."""


@dataclass(frozen=True, kw_only=True)
class Assembly:
    tmux: adapter.Tmux
    host: server.Server
    environ: Mapping[str, str]
    size: tuple[int, int] = DEFAULT_SIZE

    @functools.cached_property
    def preview(self) -> preview.Preview:
        from orchestra.engine.apply import preview  # see above

        return preview.Preview(tmux=self.tmux, secrets=_Secrets(), size=self.size)

    @functools.cached_property
    def reconciler(self) -> reconcile.Reconciler:
        from orchestra.engine.apply import reconcile  # see above

        return reconcile.Reconciler(world=self.world, lock_name=LOCK, size=self.size)

    @functools.cached_property
    def world(self) -> world.World:
        from orchestra.engine.apply import world  # see above
        from orchestra.host import clock, probe, processes

        wrappers = Path(adapter.__file__).parent
        return world.World(
            tmux=self.tmux,
            processes=processes.Processes(),
            prober=probe.Prober(),
            secrets=self.preview.secrets,
            clock=clock.Clock(),
            machine=machine.Machine(
                wrappers / "exec.pl",
                wrappers / "exec.py",
                lambda: paths.directories(Path(self.host.path)).runtime,
            ),
            locks=_LocksOf(Path(self.host.path)),
        )

    def look(self) -> status.Server:
        """One reading; made again when a process has ended that tmux, which is in no hurry, has not looked at yet."""
        from orchestra.engine.apply import preview  # see above

        seen = preview.settled(self.tmux)
        marked = [place.pane for place in status.places(seen) if place.pane.mark is not None]
        running = [pane.pid for pane in marked if not pane.dead]
        if len(ages(running)) == len(set(running)):
            return seen
        self.tmux.reap()
        return preview.settled(self.tmux)

    @functools.cached_property
    def listening(self) -> listening.Listening:
        from orchestra.tmux import listening  # see above

        return listening.Listening(self.host)

    @functools.cached_property
    def logs(self) -> logs.Logs:
        from orchestra.daemon import logs  # see above

        return logs.Logs(self.expected().recordings)

    @functools.cached_property
    def keyboard(self) -> keyboard.Hands:
        from orchestra.tmux import hands as keyboard  # see above

        return keyboard.Hands(self.host)

    @functools.cached_property
    def hands(self) -> hands.Hands:
        from orchestra.engine import hands  # see above
        from orchestra.host import foreground

        return hands.Hands(self.tmux.observe, self.keyboard, foreground.Terminals())

    def directories(self) -> paths.Directories:
        """Made where they are missing."""
        return paths.directories(Path(self.host.path))

    def expected(self) -> paths.Directories:
        """Where they are or would be."""
        return paths.expected(Path(self.host.path))

    @functools.cached_property
    def attaching(self) -> attach.Attaching:
        return attach.Attaching(self.host, self.environ)


def assemble(
    socket_name: str | None,
    socket_path: str | None,
    environ: Mapping[str, str],
    size: tuple[int, int] = DEFAULT_SIZE,
) -> Assembly:
    """The server is chosen as tmux -L and -S choose it. Writes nothing: directories are made when a lock is first taken."""
    host = server.Server(_choice(socket_name, socket_path), environ, machine.server_environment(environ))
    tmux = adapter.Tmux(host, lambda: _recordings(paths.expected(Path(host.path))))
    return Assembly(
        tmux=tmux,
        host=host,
        environ=environ,
        size=size,
    )


def _choice(socket_name: str | None, socket_path: str | None) -> server.Choice:
    return server.Choice(socket_name=socket_name, socket_path=socket_path)


def locks(assembly: Assembly) -> ports.Locks:
    """Alone, without the rest of the world."""
    return _LocksOf(Path(assembly.host.path))


def settings_file() -> Path:
    """Of the user, for all workspaces."""
    return paths.config_file()


def ages(pids: Collection[int]) -> Mapping[int, timedelta]:
    """For how long processes have run; those that are gone are left out."""
    from orchestra.host import age  # only status asks

    return age.ages(pids)


def checks(
    socket_name: str | None, socket_path: str | None, environ: Mapping[str, str]
) -> tuple[doctor.Check, ...]:
    """What `doctor` finds. Never fails because of what it looks at."""
    from orchestra.daemon import doctor  # only doctor asks

    wrappers = Path(adapter.__file__).parent
    return doctor.checks(
        _choice(socket_name, socket_path),
        environ,
        machine.Machine(wrappers / "exec.pl", wrappers / "exec.py"),
    )


def tmux_version(environ: Mapping[str, str]) -> str | None:
    """Of the program on PATH; None when there is none."""
    from orchestra.tmux import doctor  # as above

    return doctor.program_version(environ)


def _recordings(found: paths.Directories) -> str:
    """Where the daemon records; empty when none runs."""
    from orchestra.host import unix_socket  # only where there is no server yet

    return str(found.recordings) if unix_socket.answers(found.socket) else ""


class _Secrets:
    """Most manifests have no secrets, and resolving them needs asyncio and the process table."""

    def resolve(self, secrets: Collection[spec.Secret], *, run_commands: bool) -> Mapping[spec.Secret, str]:
        from orchestra.host import secrets as sources  # see above

        return sources.Secrets().resolve(secrets, run_commands=run_commands)


class _LocksOf:
    """The locks of one socket; its directories are made when one is taken, so that looking leaves nothing behind."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    def hold(
        self, name: str, purpose: str, timeout: timedelta, waiting: Callable[[str], None]
    ) -> AbstractContextManager[None]:
        from orchestra.host import clock, lock  # see above

        directory = paths.directories(self._socket).run
        return lock.Locks(directory, clock.Clock()).hold(name, purpose, timeout, waiting)
