"""Triggers with a real journal and real commands, and the daemon's death at every write. No tmux: what is live is handed in."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import dataclasses
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from orchestra.daemon import assemble
from orchestra.daemon.react import parts, triggering
from orchestra.engine.hear import bus, happenings, publishing
from orchestra.engine.react import breakers
from orchestra.engine.trigger import firings, matching
from orchestra.host import clock, paths, recordings
from orchestra.model import errors, event, rules, status
from orchestra.store import journal
from tests.unit.engine.trigger import test_triggers

EXIT = event.PaneExited(id="%0", pid=9, exit_code=3)


class _NothingToCollect:
    async def one_pass(self, workspace: str) -> None:
        raise AssertionError(workspace)

    def absent(self, workspace: str) -> frozenset[str]:
        return frozenset()


class Killed(BaseException):
    """As SIGKILL: nothing of ours runs after it."""


class Life:
    """One daemon's, until `killed` or the end of its `async with`."""

    def __init__(self, folder: Path, server: status.Server, dies: Callable[[int, bool], bool]) -> None:
        """`dies`: at which write, before it is on the disk (False) or after."""
        self._dies = dies
        self._writes = 0
        self._server = server
        self.clock = clock.Clock()
        self.journal = journal.Journal(folder / "journal.sqlite", self.clock)
        self._folder = folder

    async def __aenter__(self) -> Life:
        self.journal.open()
        listened = bus.Bus()
        self.publisher = publishing.Publisher(self.journal, listened, self.clock, self._heard)
        self._recordings = recordings.Recordings(self._folder / "recordings", self.clock, lambda _: None)
        self.reach = parts.Reach(
            assembly=assemble.assemble(None, str(self._folder / "s"), os.environ),
            found=paths.expected(self._folder / "s"),
            clock=self.clock,
            bus=listened,
            journal=self.journal,
            recordings=self._recordings,
            say=self._say_as,
            keep=self._keep,
            publish=self._publish,
            is_busy=lambda: False,
            look=lambda: None,
            look_soon=lambda: None,
        )
        self.part = triggering.Triggers(self.reach, _NothingToCollect())
        self.part.resume(self.journal.get(self.part.name))
        await self.part.looked(self._server)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._recordings.close()
        self.journal.close()

    def _heard(self, events: Sequence[event.Event]) -> None:
        self.part.happened(events)

    async def _publish(
        self,
        happened: Sequence[happenings.Happening],
        cause: str = "",
        state: Mapping[str, Any] | None = None,
    ) -> object:
        self._writes += 1
        number = self._writes
        if self._dies(number, False):
            raise Killed
        done = await self.publisher.publish(happened, cause, state)
        if self._dies(number, True):
            raise Killed
        return done

    async def _keep(self, state: Mapping[str, Any]) -> None:
        await self._publish([], state=state)

    def _say_as(self, cause: str) -> parts.Say:
        async def say(body: event.Body, workspace: str, address: str, state: Mapping[str, Any]) -> None:
            happened = happenings.Happening(body=body, workspace=workspace, address=address)
            await self._publish([happened], cause, state)

        return say

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Cancelled at the end. `Killed` when it died."""
        task = asyncio.get_running_loop().create_task(self.part.run())
        try:
            yield
            await asyncio.sleep(0)
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, BaseExceptionGroup):
                await task

    async def tell(self, body: event.Body = EXIT, address: str = "s/p") -> None:
        """As others publish: acknowledged when this returns."""
        await self.publisher.publish([happenings.Happening(body=body, workspace="w", address=address)])

    def events(self, *types: str) -> list[event.Event]:
        return list(self.journal.read(0, limit=10_000, types=types or ("*",)))

    async def until(self, so: Callable[[], object], task: asyncio.Task[None] | None = None) -> None:
        async with asyncio.timeout(30):
            while not so():
                if task is not None and task.done():
                    return
                await asyncio.sleep(0.005)


def never(_: int, __: bool) -> bool:
    return False


def server(*wanted: rules.Trigger) -> status.Server:
    return test_triggers.live({"w": test_triggers.text(*wanted)})


def run(command: str, folder: Path, **more: Any) -> rules.Reaction:
    return rules.Reaction(act=rules.Run(command=command, dir=str(folder)), **more)


NOTED = 'printf "%s %s $ORCHESTRA_RUN $ORCHESTRA_ATTEMPT\\n" {} "$ORCHESTRA_EVENT_PID" >> noted'


def noted(folder: Path) -> list[list[str]]:
    path = folder / "noted"
    return [line.split() for line in path.read_text().splitlines()] if path.exists() else []


async def _life_and_death(folder: Path, dies: Callable[[int, bool], bool]) -> bool:
    """Two events, and a daemon that may die. Whether it did."""
    wanted = rules.Trigger(
        name="t",
        on=rules.OnEvent(types=("pane.exited",)),
        do=(run(NOTED.format("one"), folder), run(NOTED.format("two"), folder)),
    )
    async with Life(folder, server(wanted), dies) as life:
        task = asyncio.get_running_loop().create_task(life.part.run())
        await life.until(lambda: life.journal.get(firings.NAME), task)
        if not task.done() and not life.events("pane.exited"):
            for pid in (1, 2):
                await life.tell(event.PaneExited(id="%0", pid=pid, exit_code=1))
        await life.until(lambda: len(life.events("trigger.succeeded")) >= 2, task)
        died = task.done()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, BaseExceptionGroup):
            await task
        return died


@pytest.mark.parametrize("after", [False, True])
def test_killed_at_every_write_nothing_is_lost_and_what_was_done_is_told(tmp_path: Path, after: bool) -> None:
    points = 0
    for number in range(1, 100):
        folder = tmp_path / str(number)
        folder.mkdir()

        def dies(write: int, late: bool, number: int = number) -> bool:
            return (write, late) == (number, after)

        died = asyncio.run(_life_and_death(folder, dies))
        if not died:
            break
        points += 1
        assert not asyncio.run(_life_and_death(folder, never))
        _holds(folder)
    assert points >= 6


def _holds(folder: Path) -> None:
    found = noted(folder)
    for step in ("one", "two"):
        done = [line for line in found if line[0] == step]
        # At least once for each event, in their order, and no other attempt of a step bears the same number.
        assert list(dict.fromkeys(line[1] for line in done)) == ["1", "2"]
        assert len({(line[2], line[3]) for line in done}) == len(done)
        assert len({line[2] for line in done}) == 2
    with journal.Journal(folder / "journal.sqlite", clock.Clock()) as kept:
        fired = kept.read(0, limit=100, types=("trigger.fired",))
        succeeded = kept.read(0, limit=100, types=("trigger.succeeded",))
    runs = [each.body.run for each in fired if isinstance(each.body, event.TriggerFired)]
    assert len(runs) == len(set(runs)) == 2
    assert {each.body.run for each in succeeded if isinstance(each.body, event.TriggerSucceeded)} == set(runs)
    assert {line[2].rpartition("-")[0] for line in found} == set(runs)


def test_what_fails_is_tried_again_kept_and_replayed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(firings, "FIRST", 0.01)
    wanted = rules.Trigger(
        name="t",
        on=rules.OnEvent(types=("pane.exited",)),
        do=(run(NOTED.format("one"), tmp_path), run("echo said; exit 4", tmp_path, retries=2)),
    )

    async def live() -> str:
        async with Life(tmp_path, server(wanted), never) as life, life.running():
            await life.tell()
            await life.until(lambda: life.part.dead())
            told = [each.body for each in life.events("trigger.failed")]
            assert [(t.attempt, t.final) for t in told if isinstance(t, event.TriggerFailed)] == [
                (1, False), (2, False), (3, True),
            ]  # fmt: skip
            assert isinstance(told[0], event.TriggerFailed)
            assert (told[0].action, told[0].reason, told[0].output) == ("run", "exited 4: said", "said\n")
            (dead,) = life.part.dead()
            return str(dead["run"])

    async def replayed(run_id: str, mended: rules.Trigger) -> list[Mapping[str, Any]]:
        async with Life(tmp_path, server(mended), never) as life, life.running():
            await life.until(lambda: life.part.describe()["in_force"])
            assert [each["run"] for each in await life.part.replay([run_id])] == [run_id]
            await life.until(lambda: life.part.describe()["runs"] == 0)
            return list(life.part.dead())

    found = asyncio.run(live())
    assert len(noted(tmp_path)) == 1
    assert [each["run"] for each in asyncio.run(replayed(found, wanted))] == [found]
    assert len(noted(tmp_path)) == 1  # it went on where it had failed
    mended = rules.Trigger(name="t", on=wanted.on, do=(run(NOTED.format("new"), tmp_path),))
    assert asyncio.run(replayed(found, mended)) == []
    assert [line[0] for line in noted(tmp_path)] == ["one", "new"]


def test_what_failed_can_be_forgotten(tmp_path: Path) -> None:
    wanted = rules.Trigger(
        name="t",
        on=rules.OnEvent(types=("pane.exited",)),
        do=(run("exit 1", tmp_path / "nowhere"),),
    )

    async def live() -> None:
        async with Life(tmp_path, server(wanted), never) as life, life.running():
            await life.tell()
            await life.until(lambda: life.part.dead())
            with pytest.raises(errors.UsageError, match="no run x has failed"):
                await life.part.replay(["x"])
            await life.part.replay([], forget=True)
            assert life.part.dead() == []

    async def after() -> None:
        async with Life(tmp_path, server(wanted), never) as life:
            assert life.part.dead() == []

    asyncio.run(live())
    asyncio.run(after())


def test_runs_of_one_trigger_keep_their_order_and_others_do_not_wait(tmp_path: Path) -> None:
    slow = rules.Trigger(
        name="slow",
        on=rules.OnEvent(types=("pane.exited",)),
        do=(run("while ! [ -e go ]; do sleep 0.01; done; " + NOTED.format("slow"), tmp_path),),
    )
    quick = rules.Trigger(
        name="quick",
        on=slow.on,
        do=(
            run(NOTED.format("quick") + '; [ "$ORCHESTRA_EVENT_PID" = 3 ] && touch go', tmp_path, retries=0),
        ),
    )

    async def live() -> None:
        async with Life(tmp_path, server(slow, quick), never) as life, life.running():
            for pid in (1, 2, 3):
                await life.tell(event.PaneExited(id="%0", pid=pid, exit_code=1))
            await life.until(lambda: len(noted(tmp_path)) == 6)

    asyncio.run(live())
    assert [line[:2] for line in noted(tmp_path)] == [
        [name, pid] for name in ("quick", "slow") for pid in ("1", "2", "3")
    ]


def test_a_command_that_hangs_ends_with_its_children(tmp_path: Path) -> None:
    wanted = rules.Trigger(
        name="t",
        on=rules.OnEvent(types=("pane.exited",)),
        do=(
            run("sleep 1000 & echo $! > pid; wait", tmp_path, timeout=timedelta(milliseconds=300), retries=0),
        ),
    )

    async def live() -> str:
        async with Life(tmp_path, server(wanted), never) as life, life.running():
            await life.tell()
            await life.until(lambda: life.part.dead())
            return str(life.part.dead()[0]["reason"])

    assert "0.3 s" in asyncio.run(live())
    pid = int((tmp_path / "pid").read_text())
    stat = Path(f"/proc/{pid}/stat")
    assert not stat.exists() or stat.read_text().rpartition(") ")[2][0] in "ZX"


HOSTILE = "$(touch canary) `touch canary` ;touch canary; #(touch canary) ' \" \\ \x1b]0;x\x07 {{ 7*7 }} \udcff \0 -e"


def test_what_an_event_says_is_never_run(tmp_path: Path) -> None:
    """In the environment and on standard input it is itself."""
    wanted = rules.Trigger(
        name="t",
        on=rules.OnOutput(pattern="x"),
        do=(
            run('printf %s "$ORCHESTRA_EVENT_LINE" > line; cat > json; printf %s "$OWN" > own', tmp_path),
            rules.Reaction(act=rules.Log(text="{{ event.line }}")),
        ),
    )
    act = wanted.do[0].act
    assert isinstance(act, rules.Run)
    own = rules.Reaction(act=rules.Run(command=act.command, dir=act.dir, env={"OWN": "{{ event.line }}"}))
    wanted = rules.Trigger(name="t", on=wanted.on, do=(own, *wanted.do[1:]))

    async def live() -> str:
        async with Life(tmp_path, server(wanted), never) as life, life.running():
            await life.tell(event.PaneMatched(id="%0", pattern="x", line=HOSTILE))
            await life.until(lambda: life.events("trigger.succeeded", "trigger.failed"))
            (logged,) = life.events("trigger.logged")
            assert isinstance(logged.body, event.TriggerLogged)
            return logged.body.text

    kept = HOSTILE.replace("\udcff", "\ufffd")
    assert asyncio.run(live()) == kept
    for name in ("line", "own"):
        assert (tmp_path / name).read_text() == kept.replace("\0", "")
    assert not list(tmp_path.glob("**/canary"))


def test_it_comes_late_and_reads_on(tmp_path: Path) -> None:
    """What happened while no daemon ran, and what came faster than it was looked at."""
    wanted = rules.Trigger(
        name="t",
        on=rules.OnEvent(types=("pane.exited",)),
        when="event.pid % 100 == 0",
        limit=rules.Often(count=1000, within=timedelta(seconds=1)),
        do=(rules.Reaction(act=rules.Log(text="{{ event.pid }}")),),
    )

    async def before() -> None:
        async with Life(tmp_path, server(wanted), never) as life, life.running():
            await life.tell(event.PaneExited(id="%0", pid=0))
            await life.until(lambda: life.events("trigger.succeeded"))

    async def while_nobody_looks() -> None:
        async with Life(tmp_path, server(wanted), never) as life:
            told = [
                happenings.Happening(body=event.PaneExited(id="%0", pid=pid), workspace="w", address="s/p")
                for pid in range(1, 1201)
            ]
            await life.publisher.publish(told)

    async def after() -> list[str]:
        async with Life(tmp_path, server(wanted), never) as life, life.running():
            await life.until(lambda: len(life.events("trigger.succeeded")) >= 13)
            return [
                each.body.text
                for each in life.events("trigger.logged")
                if isinstance(each.body, event.TriggerLogged)
            ]

    asyncio.run(before())
    asyncio.run(while_nobody_looks())
    assert asyncio.run(after()) == [str(pid) for pid in range(0, 1201, 100)]


def test_after_a_fault_of_ours_it_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = rules.Trigger(
        name="t",
        on=rules.OnEvent(types=("pane.exited",)),
        do=(run("touch begun; while ! [ -e go ]; do sleep 0.01; done; " + NOTED.format("x"), tmp_path),),
    )

    async def fails(_: object) -> bool:
        raise RuntimeError("a fault")

    async def live() -> None:
        async with Life(tmp_path, server(wanted), never) as life:
            task = asyncio.get_running_loop().create_task(life.part.run())
            await life.tell()
            await life.until((tmp_path / "begun").exists, task)
            with monkeypatch.context() as patched:
                patched.setattr(life.part, "_react", fails)
                await life.tell(event.PaneExited(id="%0", pid=10, exit_code=1))
                with pytest.raises(ExceptionGroup):
                    await task
            (tmp_path / "go").touch()
            async with life.running():
                await life.until(lambda: len(life.events("trigger.succeeded")) == 2)

    asyncio.run(live())
    assert [(line[1], line[3]) for line in noted(tmp_path)] == [("9", "2"), ("10", "1")]


def test_more_than_waits_here_that_comes_while_the_journal_is_read_is_read_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(triggering, "QUEUED", 1)
    every: list[event.Event] = []

    async def scenario() -> list[int]:
        def read(after: int, *, limit: int) -> list[event.Event]:
            page = every[after : after + limit]
            if not every:  # these come while it is read, and are too many
                every.extend(dataclasses.replace(test_triggers.happened(), sequence=n) for n in (1, 2, 3))
                triggering.Triggers.happened(here, every)
            return page

        here = cast(
            Any,
            SimpleNamespace(
                _queue=collections.deque(),
                _cursor=0,
                _is_behind=True,
                _is_full=False,
                _is_cold=False,
                _woken=asyncio.Event(),
                _reach=SimpleNamespace(journal=SimpleNamespace(read=read)),
            ),
        )
        found = await triggering.Triggers._next(here)
        while not found and here._is_behind:
            found = await triggering.Triggers._next(here)
        return [each.sequence for each in found]

    assert asyncio.run(scenario()) == [1, 2, 3]


class Side:
    """Another side, that a webhook is for: says its codes one after the other, the last one again and again."""

    def __init__(self, *codes: int) -> None:
        self._codes = list(codes)
        self.asked = 0

    async def __aenter__(self) -> Side:
        self._server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
        await reader.readexactly(int(length.partition(b":")[2]))
        self.asked += 1
        code = self._codes.pop(0) if len(self._codes) > 1 else self._codes[0]
        writer.write(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % code)
        await writer.drain()
        writer.close()


def calls(side: Side, retries: int = rules.OUTSIDE) -> rules.Trigger:
    hook = rules.Webhook(url=f"http://127.0.0.1:{side.port}/")
    return rules.Trigger(
        name="t",
        on=rules.OnEvent(types=("pane.exited",)),
        do=(rules.Reaction(act=hook, retries=retries),),
    )


def test_what_is_down_for_a_while_is_no_dead_letter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The breaker opens after five tries, and what waits for it uses up none."""
    monkeypatch.setattr(firings, "FIRST", 0.01)
    monkeypatch.setattr(breakers, "OPEN", 0.05)

    async def live() -> None:
        async with (
            Side(*[503] * 6, 200) as side,
            Life(tmp_path, server(calls(side)), never) as life,
            life.running(),
        ):
            await life.tell()
            await life.until(lambda: life.events("trigger.succeeded"))
            failed = [each.body for each in life.events("trigger.failed")]
            assert [(t.attempt, t.final) for t in failed if isinstance(t, event.TriggerFailed)] == [
                (number, False) for number in range(1, 7)
            ]
            turns = [
                each.body.after
                for each in life.events("breaker.changed")
                if isinstance(each.body, event.BreakerChanged)
            ]
            assert turns == ["open", "half_open", "open", "half_open", "closed"]

    asyncio.run(live())


def test_what_waits_for_another_side_outlives_the_daemon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(breakers, "OPEN", 1.0)

    async def live() -> None:
        async with Side(*[503] * 5, 200) as side:
            wanted = calls(side, retries=0)
            async with Life(tmp_path, server(wanted), never) as life, life.running():
                for number in range(6):
                    await life.tell()
                    await life.until(lambda number=number: side.asked == min(number + 1, 5))  # type: ignore[misc]
                await life.until(lambda: len(life.part.dead()) == 5)
                await life.until(
                    lambda: (life.journal.get(firings.place(5)) or {"run": {}})["run"].get("due")
                )
                assert life.part.describe()["runs"] == 1
            async with Life(tmp_path, server(wanted), never) as life, life.running():
                await life.until(lambda: life.events("trigger.succeeded"))
                assert (side.asked, len(life.part.dead())) == (6, 5)

    asyncio.run(live())


def test_nobody_waits_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(firings, "PATIENCE", 0.0)

    async def live() -> None:
        async with Side(503) as side, Life(tmp_path, server(calls(side, 0)), never) as life, life.running():
            for number in range(6):
                await life.tell()
                await life.until(lambda number=number: len(life.part.dead()) == number + 1)  # type: ignore[misc]
            assert side.asked == 5
            assert "is not called for a while: HTTP 503" in str(life.part.dead()[-1]["reason"])

    asyncio.run(live())


def printed(*lines: str) -> event.PaneOutput:
    return event.PaneOutput(id="%0", lines=lines, position="1-1-aa:1")


def matched(life: Life) -> list[event.PaneMatched]:
    return [each.body for each in life.events("pane.matched") if isinstance(each.body, event.PaneMatched)]


def test_lines_that_come_to_nothing_are_counted(tmp_path: Path) -> None:
    wanted = rules.Trigger(
        name="t",
        on=rules.OnOutput(pattern="x"),
        limit=rules.Often(count=3, within=timedelta(seconds=1)),
        do=(run("true", tmp_path),),
    )

    async def live() -> None:
        async with Life(tmp_path, server(wanted), never) as life, life.running():

            def say(*lines: str) -> None:
                happened = happenings.Happening(body=printed(*lines), workspace="w", address="s/p")
                life.publisher.tell([happened])

            await life.until(lambda: life.reach.bus.wants_output("s/p"))
            say(*["x"] * 10)
            await life.until(lambda: life.events("trigger.limited"))
            said = len(matched(life))
            assert 4 <= said <= 10
            for _ in range(10):
                say(*["x"] * 500)
                await asyncio.sleep(0)
            # When it may fire again the next one does, and tells of those before it.
            last = ["x last"]

            def again() -> bool:
                say(*last)
                return len(life.events("trigger.fired")) > 3

            await life.until(again)
            told = matched(life)[said]
            assert (told.line, told.left_out > 5000) == ("x last", True)
            assert [each.left_out for each in matched(life)[:said]] == [0] * said

    asyncio.run(live())


def test_a_flood_of_matches_is_told_up_to_a_bound(tmp_path: Path) -> None:
    """Also where each of them matters."""
    wanted = rules.Trigger(
        name="t",
        on=rules.OnOutput(pattern="x"),
        debounce=timedelta(minutes=1),
        do=(run("true", tmp_path),),
    )

    async def live() -> None:
        async with Life(tmp_path, server(wanted), never) as life, life.running():
            await life.until(lambda: life.reach.bus.wants_output("s/p"))
            for number in range(4):
                body = printed(*[f"x {number}"] * 500)
                life.publisher.tell([happenings.Happening(body=body, workspace="w", address="s/p")])
            await life.until(lambda: life.events("trigger.limited"))
            await life.until(lambda: len(matched(life)) >= matching.MATCHES)
            (limited,) = [each.body for each in life.events("trigger.limited")]
            assert isinstance(limited, event.TriggerLimited)
            assert limited.reason == "its pattern matches more than 20 lines a second"
            assert len(matched(life)) < matching.MATCHES * 2

    asyncio.run(live())
