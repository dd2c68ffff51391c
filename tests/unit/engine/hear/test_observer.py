"""The observer with a server that is told what to say: what it publishes, and that it goes on whatever fails."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from orchestra.engine.hear import happenings, observer
from orchestra.model import errors, status


class Clock:
    def __init__(self) -> None:
        self.at = 0.0

    def monotonic(self) -> float:
        return self.at

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)


def server(*panes: status.Pane) -> status.Server:
    window = status.Window(id="@0", index=0, name="w", layout="l", width=80, height=24, panes=panes)
    session = status.Session(id="$0", name="s", windows=(window,))
    return status.Server(running=True, pid=1, started=1, sessions=(session,) if panes else ())


def pane(**changed: Any) -> status.Pane:
    return status.Pane(**{"id": "%0", "index": 0, "pid": 7, "dead": False, **changed})


class World:
    """`engine.ports.Tmux` and `engine.sources.Listening`, as far as an observer asks."""

    def __init__(self) -> None:
        self.says: status.Server | Exception = status.Server()
        self.ending: list[status.Ending | Exception] = []
        self.reaped = 0

    def observe(self) -> status.Server:
        if isinstance(self.says, Exception):
            raise self.says
        return self.says

    def reap(self) -> None:
        self.reaped += 1

    def endings(self, panes: Collection[str]) -> Mapping[str, status.Ending]:
        told = self.ending.pop(0) if len(self.ending) > 1 else self.ending[0]
        if isinstance(told, Exception):
            raise told
        return dict.fromkeys(panes, told)


Told = list[tuple[str, str]]


def observed(work: Callable[[World, observer.Observer, Told], Any]) -> Told:
    """Runs `work` beside an observer; what was published, by type and cause."""
    told: Told = []

    async def live() -> None:
        world = World()

        async def publish(
            happened: Sequence[happenings.Happening], cause: str, state: Mapping[str, Any]
        ) -> None:
            told.extend((each.body.type, cause) for each in happened)

        async def looked(_: status.Server) -> None:
            pass

        made = observer.Observer(world, world, Clock(), publish, looked)  # type: ignore[arg-type]
        async with asyncio.TaskGroup() as group:
            running = group.create_task(made.run())
            await work(world, made, told)
            running.cancel()

    asyncio.run(live())
    return told


async def until(so: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not so():  # noqa: ASYNC110 - of what is told there is no event
            await asyncio.sleep(0)


def test_what_is_there_at_the_start_was_found() -> None:
    async def work(world: World, made: observer.Observer, told: Told) -> None:
        world.says = server(pane())
        await made.look()
        world.says = server(pane(title="t"))
        await made.look()

    assert observed(work) == [
        ("tmux.started", "observation"),
        ("session.created", "observation"),
        ("window.created", "observation"),
        ("pane.created", "observation"),
        ("pane.title_changed", ""),
    ]


def test_a_server_that_cannot_be_asked_is_not_gone() -> None:
    async def work(world: World, made: observer.Observer, told: Told) -> None:
        world.says = server(pane())
        await made.look()
        told.clear()
        world.says = errors.TmuxUnavailable("hung")
        await made.look()
        assert made.trouble == "hung"
        assert made.seen.panes
        world.says = server(pane())

    assert observed(work) == [("daemon.fault", "")]


def test_an_end_is_told_once_its_status_is_there() -> None:
    async def work(world: World, made: observer.Observer, told: Told) -> None:
        world.says = server(pane())
        await made.look()
        told.clear()
        world.ending = [
            status.Ending(pid=7, dead=False),
            errors.TmuxUnavailable("busy"),
            status.Ending(pid=7, dead=True),
            status.Ending(pid=7, dead=True, exit_code=3),
        ]
        made.ended("%0")
        await until(lambda: bool(told))
        world.says = server(pane(dead=True, exit_code=3))
        await made.look()
        assert made.seen.panes["%0"].exit_code == 3
        assert world.reaped > 0

    assert observed(work) == [("pane.exited", "")]


def test_another_process_runs_there_already() -> None:
    async def work(world: World, made: observer.Observer, told: Told) -> None:
        world.says = server(pane())
        await made.look()
        told.clear()
        world.says = server(pane(pid=8))
        world.ending = [status.Ending(pid=8, dead=False)]
        made.ended("%0")
        await until(lambda: len(told) == 2)

    assert observed(work) == [("pane.exited", ""), ("pane.started", "")]
