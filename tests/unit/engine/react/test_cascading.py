from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from orchestra.engine.react import cascading
from orchestra.model import errors, event, spec, status
from orchestra.plan import record

TCP = spec.Health(probe=spec.TcpProbe(host="h", port=1))
STARTED, HEALTHY = spec.Condition.STARTED, spec.Condition.HEALTHY
Server = status.Server


def pane(
    uid: str,
    *,
    on: Mapping[str, str] | None = None,
    condition: spec.Condition = STARTED,
    health: spec.Health | None = None,
    pid: int = 7,
    stage: status.Stage = status.Stage.DONE,
    workspace: str = "w",
    **more: Any,
) -> status.Pane:
    """`on`: whose restart is its own, and which process it was started beside."""
    edges = tuple(spec.Dependency(pane=address, condition=condition, cascades=True) for address in on or {})
    want = spec.Pane(address=f"s/{uid}", command="x", dir="/", depends_on=edges, health=health)
    mark = status.Mark(workspace=workspace, address=f"s/{uid}", uid=uid, stage=stage)
    text = record.pane_text(want, {}, on or {})
    return status.Pane(id=f"%{uid}", index=0, pid=pid, mark=mark, record=text, **{"dead": False, **more})


def server(*panes: status.Pane) -> Server:
    window = status.Window(id="@1", index=0, name="w", layout="", width=80, height=24, panes=panes)
    return Server(
        running=True, pid=1, started=1, sessions=(status.Session(id="$1", name="s", windows=(window,)),)
    )


DB = pane("db")
DB2 = pane("db", pid=8)
"""Another process of it."""
CHECKED = pane("db", pid=8, health=TCP)
WEB = pane("web", on={"s/db": "%db.7"})
TOP = pane("top", on={"s/web": "%web.7"})
BOTH = pane("both", on={"s/db": "%db.7", "s/web": "%web.7"})
SLOW = pane("web", on={"s/db": "%db.7"}, condition=HEALTHY)


def ill(uid: str, pid: int) -> bool:
    return False


def well(uid: str, pid: int) -> bool:
    return (uid, pid) == ("db", 8)


@pytest.mark.parametrize(
    ("panes", "is_healthy", "due", "waits"),
    [
        ([DB, WEB, TOP], ill, {}, {}),
        ([DB2, WEB], ill, {"s/web": "s/db was restarted"}, {}),
        # In order, and once: what is between comes first.
        ([DB2, WEB, TOP], ill, {"s/web": "s/db was restarted"}, {"top": "s/web is restarted"}),
        ([TOP, BOTH, WEB, DB2], ill, {"s/web": "s/db was restarted"}, {
            "top": "s/web is restarted", "both": "s/web is restarted",
        }),
        ([DB2, pane("web", on={"s/db": "%db.8"}, pid=9), BOTH], ill, {"s/both": "s/db, s/web were restarted"}, {}),
        # Its condition.
        ([CHECKED, SLOW], ill, {}, {"web": "s/db is healthy"}),
        ([CHECKED, SLOW, TOP], ill, {}, {
            "web": "s/db is healthy", "top": "s/web is restarted",
        }),
        ([CHECKED, SLOW], well, {"s/web": "s/db was restarted"}, {}),
        ([DB2, SLOW], ill, {"s/web": "s/db was restarted"}, {}),  # without a check
        ([CHECKED, WEB], ill, {"s/web": "s/db was restarted"}, {}),
        # What is down, in back-off or given up, restarts nothing, nor is it waited for.
        ([dataclasses.replace(DB2, dead=True, signal=9), WEB, TOP], well, {}, {}),
        (
            [dataclasses.replace(DB2, dead=True, signal=9), pane("e", pid=8),
             pane("web", on={"s/db": "%db.7", "s/e": "%e.7"})],
            well, {"s/web": "s/e was restarted"}, {},
        ),
        # Who stays as he is.
        ([DB2, dataclasses.replace(WEB, dead=True, exit_code=0)], ill, {}, {}),
        ([DB2, dataclasses.replace(WEB, dead=True, signal=9), TOP], ill, {}, {}),
        ([DB2, pane("web", on={"s/db": "%db.7"}, stage=status.Stage.STOPPED), TOP], ill, {}, {}),
        ([DB2, pane("web", on={"s/db": "%db.7"}, stage=status.Stage.WAITING)], ill, {}, {}),
        ([DB2, dataclasses.replace(WEB, record="?")], ill, {}, {}),
        ([DB2, dataclasses.replace(WEB, mark=None)], ill, {}, {}),
        ([WEB], ill, {}, {}),  # it was closed
        ([pane("db", pid=8, workspace="other"), WEB], ill, {}, {}),
    ],
)  # fmt: skip
def test_whose_turn_it_is(
    panes: list[status.Pane], is_healthy: cascading.IsHealthy, due: dict[str, str], waits: dict[str, str]
) -> None:
    found = cascading.decide(server(*panes), {}, is_healthy)
    assert {each.address: each.reason for each in found.due} == due
    assert found.waits == waits
    assert found.circles == ()


def past(pid: int = 7, beside: str = "%db.8", failed: str = "") -> dict[str, cascading.Past]:
    return {"web": cascading.Past(pid=pid, beside=beside, reason="so", failed=failed)}


KILLED = dataclasses.replace(WEB, dead=True, signal=15)


@pytest.mark.parametrize(
    ("panes", "asked", "due"),
    [
        # Whoever stopped it was killed: it comes back, whatever has become of the other one.
        ([DB2, KILLED], past(), {"s/web": "so"}),
        ([dataclasses.replace(WEB, dead=True, exit_code=0), DB2], past(), {"s/web": "so"}),
        ([dataclasses.replace(DB2, dead=True, signal=9), KILLED], past(), {"s/web": "so"}),
        ([KILLED], past(), {"s/web": "so"}),
        ([DB2, dataclasses.replace(KILLED, pid=9)], past(), {}),  # a later process, that ended by itself
        ([DB2, dataclasses.replace(KILLED, mark=pane("web", stage=status.Stage.STOPPED).mark)], past(), {}),
        # Killed before it was stopped.
        ([DB2, WEB], past(), {"s/web": "s/db was restarted"}),
        # What could not be done is not tried for ever.
        ([DB2, WEB], past(failed="no"), {}),
        ([pane("db", pid=9), WEB], past(failed="no"), {"s/web": "s/db was restarted"}),
        ([DB2, KILLED], past(failed="no"), {}),
        ([pane("db", pid=9), KILLED], past(failed="no"), {}),
        ([DB2, WEB], past(pid=6, failed="no"), {"s/web": "s/db was restarted"}),
    ],
)  # fmt: skip
def test_what_was_begun_is_gone_on_with(
    panes: list[status.Pane], asked: dict[str, cascading.Past], due: dict[str, str]
) -> None:
    found = cascading.decide(server(*panes), asked, ill)
    assert {each.address: each.reason for each in found.due} == due


def test_a_circle_restarts_nobody_for_ever() -> None:
    """Records of two manifests, if an apply is cut off between them."""
    a, b = pane("a", on={"s/b": "%b.1"}), pane("b", on={"s/a": "%a.1"})
    other = pane("web", on={"s/db": "%db.7"}, workspace="other")
    db = pane("db", pid=8, workspace="other")
    found = cascading.decide(server(a, b, other, db), {}, ill)
    assert ([each.workspace for each in found.due], found.circles) == (["other"], ("w",))


class World:
    """The part and what it does: each restart gives the pane another process, beside what is there."""

    def __init__(self, *panes: status.Pane) -> None:
        self.panes = {each.id: each for each in panes}
        self.busy = False
        self.healthy: cascading.IsHealthy = well
        self.said: list[tuple[event.Body, str]] = []
        self.kept: Any = None
        self.restarted: list[Mapping[str, str]] = []
        self.answer: Mapping[str, str] | BaseException = {}
        self.looks = 0
        self.before: Callable[[], Awaitable[None]] | None = None
        self.part = self.new()

    def new(self) -> cascading.Cascade:
        return cascading.Cascade(
            self.restart,
            self.say,
            lambda: self.busy,
            lambda uid, pid: self.healthy(uid, pid),
            self.look,
            self.look,
        )

    def look(self) -> None:
        self.looks += 1

    def seen(self) -> Server:
        return server(*self.panes.values())

    async def say(self, body: event.Body, workspace: str, address: str, state: Mapping[str, Any]) -> None:
        self.said.append((body, address))
        self.kept = state[cascading.STATE]

    async def restart(self, workspace: str, choose: cascading.Choose) -> Mapping[str, str]:
        if isinstance(self.answer, errors.Busy):
            raise self.answer
        if self.before is not None:
            await self.before()
        chosen = await choose(self.seen())
        self.restarted.append(chosen)
        if isinstance(self.answer, BaseException):
            raise self.answer
        failed = {address: self.answer.get(address, "") for address in chosen}
        for id_, each in list(self.panes.items()):
            if each.mark is not None and failed.get(each.mark.address) == "":
                read = record.parse_pane(each.record)
                assert read is not None
                there = status.owned(self.seen(), workspace)
                text = record.pane_text(
                    read.pane, {}, {a: f"{there[a].pane.id}.{there[a].pane.pid}" for a in read.beside}
                )
                self.panes[id_] = dataclasses.replace(
                    each, pid=each.pid + 100, dead=False, exit_code=None, signal=None, record=text
                )
        return failed

    async def goes_on(self, looks: int = 5) -> None:
        task = asyncio.get_running_loop().create_task(self.part.run())
        for _ in range(looks):
            await self.part.looked(self.seen())
            for _ in range(20):
                await asyncio.sleep(0)
        task.cancel()

    def told(self) -> list[tuple[str, str, str]]:
        return [(type(body).__name__, address, getattr(body, "reason", "")) for body, address in self.said]


def run(work: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(work())  # type: ignore[arg-type]


def test_one_restart_is_one_restart_of_each_in_order() -> None:
    async def live() -> None:
        here = World(DB2, TOP, BOTH, WEB)
        await here.goes_on()
        assert here.restarted == [
            {"s/web": "s/db was restarted"},
            {"s/top": "s/web was restarted", "s/both": "s/db, s/web were restarted"},
        ]
        assert [address for _, address, _ in here.told()] == ["s/web", "s/top", "s/both"]
        body = here.said[0][0]
        assert isinstance(body, event.PaneRestarting)
        assert (body.id, body.number, body.reason) == ("%web", 0, "s/db was restarted")
        assert here.part.describe() == {"waits": {}, "troubles": []}

    run(live)


def test_its_health_is_waited_for() -> None:
    async def live() -> None:
        here = World(CHECKED, SLOW)
        here.healthy = ill
        await here.goes_on()
        assert (here.restarted, here.looks) == ([], 0)
        assert here.part.describe()["waits"] == {"web": "s/db is healthy"}
        body = event.HealthChanged(id="%db", before="unknown", after="healthy", reason="")
        here.part.happened([an_event(body)])
        assert here.looks == 1
        here.healthy = well
        await here.goes_on()
        assert here.restarted == [{"s/web": "s/db was restarted"}]
        here.part.happened([an_event(body)])
        assert here.looks == 2  # after the restart; nothing is waited for any more

    run(live)


def an_event(body: event.Body) -> event.Event:
    return event.Event(body=body, time=datetime(2026, 5, 4, tzinfo=UTC))


def test_nothing_is_decided_while_somebody_applies() -> None:
    async def live() -> None:
        here = World(DB2, WEB)
        here.busy = True
        await here.goes_on(1)
        assert (here.restarted, here.said, here.looks) == ([], [], 1)
        here.busy = False
        here.answer = errors.Busy("somebody was quicker")
        await here.goes_on(1)
        assert (here.restarted, here.said, here.looks) == ([], [], 2)
        here.answer = {}
        await here.goes_on(1)
        assert here.restarted == [{"s/web": "s/db was restarted"}]

    run(live)


def test_what_is_decided_on_is_what_is_there_when_nobody_else_applies() -> None:
    async def live() -> None:
        here = World(DB2, WEB)

        async def stopped() -> None:
            here.panes[WEB.id] = pane("web", on={"s/db": "%db.7"}, stage=status.Stage.STOPPED)

        here.before = stopped
        await here.goes_on()
        assert (set(map(len, here.restarted)), here.said) == ({0}, [])

    run(live)


@pytest.mark.parametrize("stopped", [False, True])
def test_who_comes_after_one_that_was_killed_says_nothing_twice(stopped: bool) -> None:
    async def live() -> None:
        here = World(DB2, WEB)
        here.answer = KeyboardInterrupt()  # as good as killed
        with pytest.raises(KeyboardInterrupt):
            await here.part._turn("w")
        assert here.told() == [("PaneRestarting", "s/web", "s/db was restarted")]
        assert here.part.is_in_hand("web", 7)
        if stopped:
            here.panes[WEB.id] = KILLED
        here.part, here.answer, here.restarted = here.new(), {}, []
        here.part.resume(here.kept)
        assert (here.part.is_in_hand("web", 7), here.part.is_in_hand("web", 8)) == (True, False)
        await here.goes_on()
        assert here.restarted == [{"s/web": "s/db was restarted"}]
        assert len(here.said) == 1
        assert not here.part.is_in_hand("web", 107)

    run(live)


@pytest.mark.parametrize(
    "answer", [{"s/web": "its directory is gone"}, errors.SecretUnavailable("its directory is gone")]
)
def test_what_cannot_be_done_is_told_once(answer: Any) -> None:
    async def live() -> None:
        here = World(DB2, WEB)
        here.answer = answer
        await here.goes_on()
        assert here.told() == [
            ("PaneRestarting", "s/web", "s/db was restarted"),
            ("PaneFailed", "s/web", "its directory is gone"),
        ]
        assert (here.part.failed, here.part.is_in_hand("web", 7)) == ({"web": "its directory is gone"}, False)
        here.part = here.new()
        here.part.resume(here.kept)
        await here.goes_on()
        assert len(here.said) == 2
        here.answer, here.panes[DB.id] = {}, pane("db", pid=9)
        await here.goes_on()
        assert here.restarted[-1] == {"s/web": "s/db was restarted"}
        assert here.part.failed == {}

    run(live)


def test_what_is_gone_is_forgotten() -> None:
    async def live() -> None:
        here = World(DB2, WEB)
        here.answer = {"s/web": "no"}
        await here.goes_on()
        await here.part.looked(server(DB2))
        assert here.part.failed == {}

    run(live)


@pytest.mark.parametrize("kept", [None, 3, [], {"web": 3}, {"web": {"pid": "x"}}, {"web": {"more": 1}}])
def test_what_cannot_be_read_is_forgotten(kept: Any) -> None:
    async def live() -> None:
        here = World(DB2, WEB)
        here.part.resume(kept)
        await here.goes_on()
        assert here.restarted == [{"s/web": "s/db was restarted"}]

    run(live)
