"""The daemon from its start to its end: one lock, one task group, and an order in which things come up and go down.

Crash-only: it may be killed at any moment. What it knows is on the tmux server, in the journal and in panes' recordings, and the next
one goes on from there; stopping in order only says so, and takes the hooks off the server.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.metadata
import logging
import os
import signal
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestra.daemon import assemble, enduring, logs, printed, recording
from orchestra.daemon.react import parts, reacting
from orchestra.engine.hear import bus, happenings, observer, publishing
from orchestra.engine.react import metrics
from orchestra.host import clock, ends, inotify, lock, paths, recordings, unix_socket
from orchestra.model import errors, event, status
from orchestra.store import healing, journal
from orchestra.tmux import listening

if TYPE_CHECKING:  # see `_answer`
    from orchestra.api import server

LOCK = "daemon"
LOOK = 5.0
"""Seconds that somebody waits for a look, at the most."""
ANSWER = 1.0
"""Seconds from the start until who asks is answered, at the most, whatever tmux does."""
LOCK_WAIT = timedelta(seconds=10)
"""For one that is about to end: a restart."""
SWEEP = 3600.0
"""Seconds between two sweeps of what is old."""
KEEP_EVENTS, KEEP_BYTES = timedelta(days=7), 256 * 1024 * 1024
KEEP_RECORDINGS = timedelta(days=1)
"""Of panes that are gone."""
BEGINNINGS = 20
"""Looks, 50 ms apart, whether a server begins to listen on a socket that is there."""
AGAIN = 10.0
"""Seconds, where something does: a notice may be missed."""
SOON = 0.25
"""Seconds, while somebody applies."""
THREADS = 32
"""At most; each is begun when it is needed first."""
APPLIES = 4
"""That are asked for over the API, in threads of their own: they mostly wait for each other."""
PARTING = 1.0
"""Seconds that tmux has at the end to let go of our hooks; when it hangs they stay until the next daemon, and wake nobody."""
WRITTEN, UNWRITTEN = timedelta(seconds=10), timedelta(seconds=1)
"""At the end for what waits to be written; where writing fails already."""
LEAVE = 2.0
"""Seconds that threads have to come to an end when all else has: they may wait for a tmux that hangs, or for whom they stop."""
SEEK = 1.0
"""Seconds between looks for a server, where nothing tells that one starts."""

_log = logging.getLogger("orchestra.daemon")


class Daemon:
    """`api.control.Control`. Use `run` once."""

    def __init__(
        self, assembly: assemble.Assembly, found: paths.Directories, linger: timedelta | None
    ) -> None:
        """`linger`: without a tmux server it goes on for so long, None: for ever."""
        self._linger = linger
        self._alone_since: float | None = None
        self._assembly = assembly
        self._found = found
        self._clock = clock.Clock()
        self._began, self._began_at = self._clock.monotonic(), self._clock.now()
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        self._first_look = asyncio.Event()
        self._reason = ""
        self._ready = False
        self._listening = listening.Listening(assembly.host)
        self._troubles: dict[str, str] = {}
        self.bus = bus.Bus()
        self.journal = journal.Journal(
            found.journal, self._clock, trouble=self._in_trouble, healed=self._healed
        )
        self._publisher = publishing.Publisher(self.journal, self.bus, self._clock, self._heard)
        self._recordings = recordings.Recordings(found.recordings, self._clock, self._renew)
        self._printed = printed.Printed(self._recordings, self.bus, self._publisher, self._clock)
        self._ends = ends.Ends(self._ended)
        self._observer = observer.Observer(
            assembly.tmux, self._listening, self._clock, self._publish, self._looked, self._lost
        )
        self._logs = logs.Logs(found.recordings)
        self._applies = ThreadPoolExecutor(APPLIES, thread_name_prefix="apply")
        self._enduring = enduring.Enduring(self._clock, self._say)
        self._reacting = reacting.Reacting(
            parts.Reach(
                assembly=assembly,
                found=found,
                clock=self._clock,
                bus=self.bus,
                journal=self.journal,
                recordings=self._recordings,
                say=self._say_as,
                keep=self._keep,
                publish=self._publisher.publish,
                is_busy=lambda: lock.Locks(found.run, self._clock).is_held(assemble.LOCK),
                look=self._observer.request,
                look_soon=self._look_soon,
            ),
            self._enduring,
        )
        self._recording = recording.Recording(
            found.recordings,
            self._listening,
            self._recordings,
            self._printed,
            self._enduring,
            strangers=self._reacting.triggers.strangers,
            look=self._observer.request,
        )
        self._printed.resumed = self._reacting.triggers.position
        self._printed.from_birth = self._reacting.triggers.reads

    @property
    def metrics(self) -> metrics.Metrics:
        return self._reacting.metrics

    # --- its life

    async def run(self, ready: Callable[[], None]) -> None:
        """Until `stop`, SIGTERM or SIGINT. `ready` is called when it hears; who asks is answered a moment later."""
        # What waits for a tmux that hangs must not keep everybody else's threads.
        self._loop.set_default_executor(ThreadPoolExecutor(THREADS, thread_name_prefix="daemon"))
        opened = await asyncio.to_thread(self.journal.open)
        try:
            self._observer.resume(self.journal.get(observer.STATE))
            self._reacting.resume()
            await self._say(event.DaemonStarted(pid=os.getpid(), version=_version(), unclean=opened.unclean))
            if opened.condition is healing.Condition.HEALED:
                await self._say(event.DaemonFault(part="journal", reason=_healed(opened)))
            with unix_socket.bound(self._found.socket) as socket_, self._signals():
                await self._live(socket_, ready)
        finally:
            self._printed.close()
            self._recordings.close()
            self._ends.watch({})
            with contextlib.suppress(errors.TmuxUnavailable, TimeoutError):
                async with asyncio.timeout(PARTING):
                    await asyncio.to_thread(self._listening.end)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(2):
                    await self._say(event.DaemonStopped(pid=os.getpid(), reason=self._reason or "it failed"))
            # What cannot be written because the disk is full, say, will not be in ten seconds: the next one tells of it again.
            patience = WRITTEN if self.journal.healthy else UNWRITTEN
            await asyncio.to_thread(self.journal.close, patience)
            _log.info("stopped: %s", self._reason)

    async def _live(self, socket_: socket.socket, ready: Callable[[], None]) -> None:
        works = {
            "observer": self._observer.run,
            "hooks": self._hear,
            "output": self._printed.run,
            "sweep": self._sweep,
        }
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self._enduring.tell(), name="faults"),
                *(
                    group.create_task(self._enduring.run(name, work), name=name)
                    for name, work in works.items()
                ),
                *self._reacting.start(group),
            ]
            answering = group.create_task(self._answer(socket_), name="api")
            try:
                await self._observer.look()
                ready()
                self._ready = True
                _log.info("ready")
                await self._stop.wait()
            finally:
                self._enduring.end()
            self._listening.leave()
            for task in tasks:
                task.cancel()
            await asyncio.wait([answering])

    async def _answer(self, socket_: socket.socket) -> None:
        """Until `stop`. Who asks before it is there waits in the socket's queue: loading it takes longer than all until it hears."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ANSWER):  # tmux may hang, and that is asked about, too
                await self._first_look.wait()
        serving = await asyncio.to_thread(self._api)
        async with asyncio.TaskGroup() as group:
            group.create_task(serving.serve(sockets=[socket_]))
            await self._stop.wait()
            serving.end()

    def _api(self) -> server.Server:
        from orchestra.api import app, server  # see above

        return server.server(app.create(self, _version()))

    def stop(self, reason: str = "it was asked to") -> None:
        self._reason = self._reason or reason
        self._stop.set()

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self.stop, f"{number.name} came")
        self._loop.add_signal_handler(signal.SIGHUP, lambda: None)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                self._loop.remove_signal_handler(number)

    # --- hearing

    async def _hear(self) -> None:
        """Wakes the observer whenever the server says so, or a server comes or goes."""
        while True:
            woken = await asyncio.to_thread(self._listening.wait)
            self._observer.request()
            if not woken:
                await self._a_server()
                self._observer.request()

    async def _a_server(self) -> None:
        """Returns when there may be one: something was made beside its socket, or a while has passed."""
        folder = Path(self._assembly.host.path).parent
        if not inotify.AVAILABLE or not folder.is_dir():
            await asyncio.sleep(SEEK)
            return
        watch = inotify.Inotify()
        made = asyncio.Event()
        try:
            watch.add(str(folder), inotify.CREATE | inotify.MOVED_TO)
            self._loop.add_reader(watch.fd, made.set)
            # Its socket may be there from before we watched, and nobody listen on it yet.
            for _ in range(BEGINNINGS):
                if await asyncio.to_thread(self._assembly.host.is_up):
                    await asyncio.sleep(0.05)  # where it answers and yet nobody can wait on it
                    return
                if made.is_set() or not Path(self._assembly.host.path).exists():
                    break
                await asyncio.sleep(0.05)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(AGAIN):
                    await made.wait()
            await asyncio.sleep(0.02)  # it listens a moment after its socket is there
        finally:
            self._loop.remove_reader(watch.fd)
            watch.close()

    async def _looked(self, server: status.Server) -> None:
        if server.running:
            self._recordings.at(server.epoch)  # who is told looks into them at once
        await self._reacting.looked(server)
        self._end_without(server)
        self._first_look.set()
        with self._enduring.apart("ends"):
            self._ends.watch(
                {
                    id_: pane.pid
                    for id_, pane in self._observer.seen.panes.items()
                    if pane.pid and not pane.ended
                }
            )
        try:
            await self._recording.looked(server)
        except errors.TmuxUnavailable as error:  # since it was looked at; the next look tells
            _log.warning("not recorded: %s", error)
            self._observer.request()

    def _end_without(self, server: status.Server) -> None:
        """What an apply started for its workspace is not left behind for ever when the server is gone."""
        if server.running or self._linger is None:
            self._alone_since = None
            return
        now, linger = self._clock.monotonic(), self._linger.total_seconds()
        if self._alone_since is None:
            self._alone_since = now
            self._loop.call_later(linger, self._observer.request)
        elif now - self._alone_since >= linger:
            self.stop("its tmux server is gone")

    async def _lost(self, reason: str) -> None:
        await self._reacting.lost(reason)

    def _ended(self, pane: str) -> None:
        self._observer.ended(pane)

    def _renew(self, pane: str) -> None:
        self._recording.renew(pane)

    # --- telling

    async def _publish(
        self, happened: Sequence[happenings.Happening], cause: str, state: Mapping[str, Any]
    ) -> None:
        for each in happened:
            if isinstance(each.body, event.PaneExited):
                self._recordings.ended(each.body.id, each.body.pid)
        await self._publisher.publish(happened, cause, state)

    def _say_as(self, cause: str) -> parts.Say:
        async def say(body: event.Body, workspace: str, address: str, state: Mapping[str, Any]) -> None:
            happened = happenings.Happening(body=body, workspace=workspace, address=address)
            await self._publisher.publish([happened], cause, state)

        return say

    async def _keep(self, state: Mapping[str, Any]) -> None:
        await self._publisher.publish([], state=state)

    def _look_soon(self) -> None:
        self._loop.call_later(SOON, self._observer.request)

    def _heard(self, events: Sequence[event.Event]) -> None:
        self._reacting.happened(events)

    async def _say(self, body: event.Body) -> None:
        await self._publisher.publish([happenings.Happening(body=body)])

    def _in_trouble(self, reason: str) -> None:
        """From the writer's thread."""
        self._loop.call_soon_threadsafe(self._trouble, "journal", reason)

    def _trouble(self, part: str, reason: str) -> None:
        if reason:
            self._troubles[part] = reason
            _log.error("%s: %s", part, reason)
        else:
            self._troubles.pop(part, None)
            _log.info("%s: works again", part)

    def _healed(self, found: healing.Found) -> None:
        _log.error("the journal: %s", _healed(found))

    async def _sweep(self) -> None:
        steady = clock.Steady(self._clock)
        await self._first_look.wait()
        while True:
            if steady.went_on():
                wished = self._reacting.collecting.wished
                await asyncio.to_thread(self.journal.retain, KEEP_EVENTS, KEEP_BYTES)
                for workspace, gc in wished.items():
                    if gc.events is not None:
                        await asyncio.to_thread(self.journal.forget, workspace, gc.events)
                logs = {name: gc.logs for name, gc in wished.items() if gc.logs is not None}
                await asyncio.to_thread(self._recordings.sweep, KEEP_RECORDINGS, logs)
            else:
                _log.warning("the clock was set, or the machine slept: nothing is swept this time")
            await asyncio.sleep(SWEEP)

    # --- answering

    def describe(self) -> Mapping[str, Any]:
        seen = self._observer.seen
        troubles = [f"{part}: {reason}" for part, reason in self._troubles.items()]
        if self._observer.trouble:
            troubles.append(f"tmux: {self._observer.trouble}")
        if self._recordings.trouble:
            troubles.append(f"recordings: {self._recordings.trouble}")
        troubles += [f"output: {trouble}" for trouble in self._printed.troubles.values()]
        described = self._reacting.describe()
        troubles += self._enduring.troubles()
        for name, part in described.items():
            troubles += [f"{name}: {trouble}" for trouble in part.get("troubles", ())]
        return {
            "pid": os.getpid(),
            "version": _version(),
            "since": event.stamp(self._began_at),
            "uptime": round(self._clock.monotonic() - self._began, 3),
            "ready": self._ready,
            "tmux": {"socket": self._assembly.host.path, "epoch": seen.epoch, "version": seen.version},
            "sessions": len(seen.sessions),
            "windows": len(seen.windows),
            "panes": len(seen.panes),
            "journal": {
                "path": str(self._found.journal),
                "first": self.journal.first(),
                "last": self.journal.last(),
            },
            "listeners": len(self.bus),
            "parts": described,
            "troubles": troubles,
        }

    async def collect(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        return await self._reacting.collecting.asked(request)

    def autosave(self) -> None:
        self._reacting.autosave.ask()

    def schedules(self, count: int) -> Sequence[Mapping[str, Any]]:
        return self._reacting.schedules.rows(count)

    async def schedule(self, verb: str, workspace: str, name: str) -> Mapping[str, Any]:
        known = self._reacting.schedules
        match verb:
            case "run":
                return {"at": await known.run_now(workspace, name)}
            case "pause":
                await known.pause(workspace, name)
            case "resume":
                await known.unpause(workspace, name)
            case _:
                raise errors.UsageError(f"a schedule cannot be asked to {verb}")
        return {}

    def failed_runs(self) -> Sequence[Mapping[str, Any]]:
        return self._reacting.triggers.dead()

    async def replay(self, runs: Sequence[str], *, forget: bool) -> Sequence[Mapping[str, Any]]:
        return await self._reacting.triggers.replay(runs, forget=forget)

    async def look(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOOK):  # who observes may have ended before us
                await self._observer.look()

    def health(self) -> Mapping[str, Any]:
        return {"last": self.bus.last, **self._reacting.health()}

    async def server(self) -> status.Server:
        return await asyncio.to_thread(self._assembly.look)

    async def report(self, events: Sequence[event.Body], workspace: str) -> None:
        await self._publisher.publish(
            [happenings.Happening(body=body, workspace=workspace) for body in events], "apply"
        )
        self._observer.request()  # rules that were written, and what was started in place, wake nobody

    async def plan(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        from orchestra.daemon import applying  # 40 ms, and only who asks over the API pays

        return await asyncio.to_thread(lambda: applying.preview(self._own(), request))

    async def apply(self, request: Mapping[str, Any]) -> AsyncIterator[tuple[str, Mapping[str, Any]]]:
        from orchestra.daemon import applying  # as above

        async for each in applying.aside(self._own, request, self.report, self._applies):
            yield each

    def _own(self) -> assemble.Assembly:
        """Eyes of its own: who observes meanwhile rests on what it has seen itself."""
        return assemble.assemble(None, self._assembly.host.path, self._assembly.environ)

    async def logs(
        self, address: str, *, tail: int | None, since: float | None, follow: bool
    ) -> AsyncIterator[Mapping[str, Any]]:
        async for piece in self._logs.stream(address, tail=tail, since=since, follow=follow):
            yield piece


def _healed(found: healing.Found) -> str:
    aside = f"; it lies at {found.aside}" if found.aside is not None else ""
    return f"it was broken ({found.reason}) and begun anew with {found.rescued} events of it{aside}"


def _version() -> str:
    return importlib.metadata.version("orchestra-tmux")


def serve(assembly: assemble.Assembly, ready: Callable[[], None], linger: timedelta | None = None) -> None:
    """Runs the daemon of this tmux server here and now. `Conflict` when there is one already. This process ends with it."""
    found = assembly.directories()
    locks = lock.Locks(found.run, clock.Clock())

    async def live() -> None:
        await Daemon(assembly, found, linger).run(ready)
        # Python waits for threads for ever. What they are at is not lost: as when we are killed, the next one goes on from there.
        leaving = threading.Timer(LEAVE, os._exit, (os.EX_OK,))
        leaving.daemon = True
        leaving.start()

    with locks.hold(LOCK, "the daemon", LOCK_WAIT, lambda _: None):
        asyncio.run(live())
