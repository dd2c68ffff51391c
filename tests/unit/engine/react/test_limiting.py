"""The part of the daemon that keeps limits: what it does of what is decided, and what outlives it."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from orchestra.engine.react import limiting, supervise
from orchestra.model import errors, event, metrics, rules, spec, status
from orchestra.plan import record


class World:
    """A clock, a machine and a daemon around a limiter. Every sample is what `used` says."""

    def __init__(self) -> None:
        self.lived = 1000.0
        self.used: dict[str, tuple[int, int]] = {}
        """Key → bytes and processes."""
        self.busy = False
        self.samples = 0
        self.said: list[event.Body] = []
        self.kept: dict[str, Any] = {}
        self.expected: list[tuple[str, int, str, supervise.Sequel]] = []
        self.ended: list[Mapping[str, tuple[int, str]]] = []
        self.killed: list[tuple[str, int]] = []
        self.freed: list[str] = []
        self.held: list[dict[str, float]] = []
        self.answer: errors.OrchestraError | None = None
        self.taken = (100, 1000, 0.0)
        self.limiter = limiting.Limiter(
            self, self, self, self, self.say, lambda: self.busy, self.expect, self.end, lambda: None
        )

    # the ports

    def monotonic(self) -> float:
        return self.lived

    def now(self) -> datetime:
        return datetime(2026, 5, 4, tzinfo=UTC)

    def sample(
        self, roots: Mapping[str, int], server_pid: int, *, pss: bool = False
    ) -> Mapping[str, metrics.Usage]:
        self.samples += 1
        return {
            key: metrics.Usage(
                interval=1.0, cpu_percent=0.0, cpu_seconds=0.0, rss=self.used[key][0], pss=None, io_read=0,
                io_write=0, threads=1, processes=self.used[key][1] + 1, uptime=5.0,
            )
            for key in roots
        }  # fmt: skip

    def cues(self) -> tuple[int, int, float]:
        return self.taken

    def hold(self, shares: Mapping[str, tuple[int, float, bool]], server_pid: int) -> None:
        self.held.append({key: share for key, (_, share, _) in shares.items()})

    def wall(self, uid: str, pid: int, limits: rules.Limits) -> bool:
        return False

    def free(self, roots: Mapping[str, int], server_pid: int) -> None:
        self.freed += roots

    def kill(self, uid: str, pid: int, server_pid: int) -> int:
        self.killed.append((uid, pid))
        return 0

    def close(self) -> None:
        self.held.append({})

    def written(self, pane: str) -> tuple[str, int] | None:
        return None

    def printed(self, pane: str) -> float | None:
        return None

    # the daemon

    async def say(self, body: event.Body, workspace: str, address: str, state: Mapping[str, Any]) -> None:
        self.said.append(body)
        self.kept.update(state)

    def expect(self, uid: str, pid: int, why: str, sequel: supervise.Sequel) -> Mapping[str, Any]:
        self.expected.append((uid, pid, why, sequel))
        return {"supervise": [uid, pid]}

    async def end(self, workspace: str, panes: Mapping[str, tuple[int, str]]) -> Mapping[str, str]:
        self.ended.append(panes)
        if self.answer is not None:
            raise self.answer
        return {}

    async def passes(self, seconds: float, done: Callable[[], bool] = lambda: False) -> None:
        """As long on the clock, in steps that none of its waits is shorter than; each turn waits for its threads."""
        for _ in range(int(seconds / 0.25)):
            self.lived += 0.25
            await self.limiter._look_if_due()
            if done():
                return


def pane(uid: str, on_exceed: str = "warn", *, pid: int = 7, hand: str = "", **more: Any) -> status.Pane:
    limits = rules.Limits(memory=100, processes=10, on_exceed=rules.Breach(on_exceed), **more)
    want = spec.Pane(address=f"s/{uid}", command="x", dir="/", limits=limits)
    mark = status.Mark(workspace="w", address=f"s/{uid}", uid=uid)
    return status.Pane(
        id=f"%{uid}", index=0, pid=pid, dead=False, mark=mark, record=record.pane_text(want, {}), limits=hand
    )


def server(*panes: status.Pane) -> status.Server:
    window = status.Window(id="@1", index=0, name="w", layout="", width=80, height=24, panes=panes)
    return status.Server(
        running=True, pid=1, started=1, sessions=(status.Session(id="$1", name="s", windows=(window,)),)
    )


def lived(work: Callable[[World], Awaitable[None]]) -> World:
    here = World()
    asyncio.run(work(here))  # type: ignore[arg-type]
    return here


def told(here: World) -> list[str]:
    return [
        f"{each.limit}>{each.action}" if isinstance(each, event.LimitExceeded) else each.type
        for each in here.said
    ]


def test_each_way_to_deal_with_it() -> None:
    async def work(here: World) -> None:
        ways = ["warn", "restart", "stop", "kill"]
        await here.limiter.looked(server(*(pane(way, way) for way in ways)))
        here.used = dict.fromkeys(ways, (200, 1))
        await here.passes(3)

    here = lived(work)
    assert sorted(told(here)) == ["memory>kill", "memory>restart", "memory>stop", "memory>warn"]
    why = "by its limit, memory: 200 of 100"
    assert sorted(here.expected) == [
        ("kill", 7, f"killed {why}", supervise.Sequel.POLICY),
        ("restart", 7, f"stopped {why}", supervise.Sequel.AGAIN),
        ("stop", 7, f"stopped {why}", supervise.Sequel.DOWN),
    ]
    assert here.killed == [("kill", 7)]
    assert [sorted(each) for each in here.ended] == [["s/restart", "s/stop"]]
    assert here.kept["supervise"] == ["kill", 7]  # in one transaction with the event


def test_far_away_it_is_looked_at_rarely_and_when_the_machine_moves_at_once() -> None:
    async def work(here: World) -> None:
        here.used = {"a": (10, 1)}
        await here.limiter.looked(server(pane("a")))
        await here.passes(60)
        assert here.samples <= 5
        before = here.samples
        here.taken = (120, 1000, 0.0)
        await here.passes(0.5)
        assert here.samples == before + 1

    lived(work)


def test_what_others_gave_back_does_not_hide_what_a_pane_takes() -> None:
    async def work(here: World) -> None:
        here.used = {"a": (10, 1)}
        here.taken = (300, 1000, 0.0)
        await here.limiter.looked(server(pane("a")))
        await here.passes(5)
        before = here.samples
        here.taken = (50, 800, 0.0)
        await here.passes(1)
        assert here.samples == before
        here.taken = (250, 800, 0.0)
        await here.passes(0.5)
        assert here.samples == before + 1

    lived(work)


def test_a_pane_that_comes_while_others_are_measured_is_looked_at_at_once() -> None:
    async def work(here: World) -> None:
        here.used = {"a": (10, 1), "b": (200, 1)}
        await here.limiter.looked(server(pane("a")))
        await here.passes(5)
        measure, loop = here.sample, asyncio.get_running_loop()

        def sample(
            roots: Mapping[str, int], server_pid: int, *, pss: bool = False
        ) -> Mapping[str, metrics.Usage]:  # in a thread
            if "b" not in roots:
                looked = here.limiter.looked(server(pane("a"), pane("b")))
                asyncio.run_coroutine_threadsafe(looked, loop).result()
            return measure(roots, server_pid)

        here.sample = sample  # type: ignore[method-assign]
        here.taken = (300, 1000, 0.0)  # it looks
        await here.passes(2)

    assert told(lived(work)) == ["memory>warn"]


def test_what_is_owed_is_done_by_the_next_one_and_once() -> None:
    async def work(here: World) -> None:
        here.used = {"a": (200, 1), "b": (200, 1)}
        here.answer = errors.Busy("somebody applies")
        await here.limiter.looked(server(pane("a", "stop"), pane("b", "restart")))
        await here.passes(3)
        after = World()
        after.used = here.used
        after.limiter.resume(here.kept[limiting.STATE])
        await after.limiter.looked(server(pane("a", "stop"), pane("b", "restart", pid=8)))
        await after.passes(0.75)
        assert (told(after), [sorted(each) for each in after.ended]) == (
            [],
            [["s/a"]],
        )  # b's process is another one
        await after.passes(5)
        assert [sorted(each) for each in after.ended] == [["s/a"], ["s/b"]]

    here = lived(work)
    assert len(here.ended) > 1  # it was tried again, as long as somebody applied


def test_a_pane_that_goes_while_another_is_killed_ends_nothing_else() -> None:
    async def work(here: World) -> None:
        here.used = {"a": (200, 1), "b": (200, 1)}
        loop, killed = asyncio.get_running_loop(), here.kill
        stop = pane("b", "stop")

        def kill(uid: str, pid: int, server_pid: int) -> int:  # in a thread
            asyncio.run_coroutine_threadsafe(here.limiter.looked(server()), loop).result(10)
            return killed(uid, pid, server_pid)

        here.kill = kill  # type: ignore[method-assign]
        await here.limiter.looked(server(stop, pane("a", "kill", pid=8)))
        await here.passes(3, lambda: bool(here.killed))
        assert here.killed == [("a", 8)]
        assert [sorted(each) for each in here.ended] == [["s/b"]]  # who stops it sees that it is gone

    lived(work)


def test_while_somebody_applies_only_a_fork_bomb_is_dealt_with() -> None:
    async def work(here: World) -> None:
        here.busy = True
        here.used = {"a": (200, 1), "b": (1, 50)}
        await here.limiter.looked(server(pane("a", "kill"), pane("b", "stop")))
        await here.passes(5)
        assert here.killed == [("b", 7)]
        here.busy = False
        await here.passes(3)

    assert ("a", 7) in lived(work).killed


def test_limits_that_are_lifted_are_kept() -> None:
    async def work(here: World) -> None:
        here.used = {"a": (200, 1)}
        await here.limiter.looked(server(pane("a")))
        await here.passes(3)
        await here.limiter.looked(server(pane("a", hand='{"memory": null, "processes": null}')))

    here = lived(work)
    assert told(here) == ["memory>warn", "limit.kept"]
    assert here.kept[limiting.STATE] == {"panes": {}}


def test_what_a_daemon_before_left_standing_still_goes_on() -> None:
    async def work(here: World) -> None:
        here.limiter.resume({"panes": {"a": {"pid": 7, "told": {"cpu": "throttle"}}}})
        here.used = {"a": (1, 1)}
        await here.limiter.looked(server(pane("a", "throttle")))
        await here.passes(1)

    assert lived(work).freed == ["a"]


def test_what_is_not_ours_is_only_ended_in_so_many_words() -> None:
    bare = status.Pane(id="%5", index=0, pid=7, dead=False, limits='{"memory": 100, "on_exceed": "restart"}')
    (found,) = limiting.watched(server(bare)).values()
    assert (found.limits.on_exceed, found.uid, found.is_shell) == ("warn", "", True)


def test_what_it_knew_and_cannot_be_read_is_not_heeded() -> None:
    unreadable: tuple[Any, ...] = (None, 3, [], {"panes": 3}, {"panes": {"a": {"pid": "x"}}})
    for kept in unreadable:
        World().limiter.resume(kept)


def test_while_one_is_told_of_what_is_decided_of_others_is_not_forgotten() -> None:
    """`b` is another process by now, and is looked at while it is told that `a` has no limits any more."""

    async def work(here: World) -> None:
        await here.limiter.looked(server(pane("a"), pane("b", after=1)))
        here.used = {"a": (200, 1), "b": (50, 1)}
        await here.passes(3)
        here.used["b"] = (200, 1)

        async def say(*what: Any) -> None:
            await here.say(*what)
            if what[0].type == "limit.kept":
                await here.limiter._look()

        here.limiter._say = say
        free = dataclasses.replace(pane("a"), record="", limits="")
        await here.limiter.looked(server(free, pane("b", after=1, pid=8)))
        assert list(here.limiter._past) == ["b"]
        await here.passes(2)

    assert told(lived(work)) == ["memory>warn", "limit.kept", "memory>warn"]


def test_nobody_is_killed_for_what_another_process_owed() -> None:
    """While `a` is being killed `b` is started again, by a person."""

    async def work(here: World) -> None:
        await here.limiter.looked(server(pane("a", "kill", after=1), pane("b", "kill", after=1)))
        here.used = dict.fromkeys("ab", (200, 1))
        ended: list[int] = []

        def kill(uid: str, pid: int, server_pid: int) -> int:
            ended.append(pid)
            again = here.limiter.looked(server(pane("a", "kill", after=1), pane("b", "kill", after=1, pid=8)))
            with contextlib.suppress(StopIteration):
                again.send(None)
            return 0

        here.kill = kill  # type: ignore[method-assign]
        await here.passes(1, lambda: bool(ended))
        assert ended == [7]

    lived(work)


def test_state_is_kept_as_it_is_when_it_is_kept() -> None:
    """Of two limits at once, each in an event of its own; in between others have kept something."""
    states: list[int] = []

    async def work(here: World) -> None:
        async def say(*what: Any) -> None:
            states.append(what[3]["supervise"])

        here.limiter._expect, here.limiter._say = lambda *_: {"supervise": len(states)}, say
        await here.limiter.looked(server(pane("a", "stop", after=1)))
        here.used = {"a": (200, 20)}
        await here.passes(1)

    lived(work)
    assert states == [0, 1]
