from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orchestra.engine.hear import happenings
from orchestra.engine.react import supervise
from orchestra.model import errors, event, spec, status
from orchestra.plan import record

RULE = spec.Restart(
    policy=spec.Policy.ON_FAILURE,
    delay=timedelta(seconds=1),
    factor=2,
    longest=timedelta(seconds=5),
    max_restarts=4,
    window=timedelta(seconds=100),
)
ENDED = supervise.Ended(
    workspace="w", address="s/p", id="%1", uid="u", pid=7, exit_code=1, signal=None, restart=RULE
)


def past(pid: int = 6, restarts: tuple[float, ...] = (), **more: Any) -> supervise.Past:
    return supervise.Past(pid=pid, restarts=restarts, **more)


ALWAYS = dataclasses.replace(RULE, policy=spec.Policy.ALWAYS)


@pytest.mark.parametrize(
    ("what", "before", "due", "failed"),
    [
        ({}, None, 1001, ""),
        ({"exit_code": None, "signal": 9}, None, 1001, ""),
        ({}, past(restarts=(950,)), 1002, ""),
        ({}, past(restarts=(950, 960)), 1004, ""),
        ({}, past(restarts=(950, 960, 970)), 1005, ""),  # the longest
        ({}, past(restarts=(899, 950)), 1002, ""),  # one is long ago
        (
            {"restart": dataclasses.replace(RULE, window=timedelta(days=3650))},
            past(restarts=(950,) * 4),
            None,
            "exit code 1 after 4 restarts in 3650 days",
        ),
        ({"restart": dataclasses.replace(RULE, max_restarts=9000)}, past(restarts=(950,) * 8000), 1005, ""),
        (
            {"restart": dataclasses.replace(RULE, max_restarts=9000, delay=timedelta(0))},
            past(restarts=(950,) * 8000),
            1000,
            "",
        ),
        ({}, past(restarts=(950, 960, 970, 980)), None, "exit code 1 after 4 restarts in 100 seconds"),
        (
            {"exit_code": None, "signal": 15},
            past(restarts=(950,) * 4),
            None,
            "signal 15 after 4 restarts in 100 seconds",
        ),
        ({"exit_code": 0}, None, None, ""),
        ({"exit_code": 0, "restart": ALWAYS}, None, 1001, ""),
        (
            {"exit_code": 0, "restart": dataclasses.replace(ALWAYS, policy=spec.Policy.UNLESS_STOPPED)},
            None,
            1001,
            "",
        ),
        # Ended by one of us, who has settled what follows.
        ({"exit_code": 0}, past(expected=7, sequel=supervise.Sequel.AGAIN), 1001, ""),
        ({"exit_code": 125}, past(expected=7, sequel=supervise.Sequel.AGAIN, restarts=(950,)), 1002, ""),
        ({"exit_code": 0}, past(expected=6, sequel=supervise.Sequel.AGAIN), None, ""),
        ({}, past(expected=7, sequel=supervise.Sequel.DOWN, why="its limit"), None, "its limit"),
        (
            {},
            past(expected=7, sequel=supervise.Sequel.AGAIN, restarts=(950,) * 4),
            None,
            "exit code 1 after 4 restarts in 100 seconds",
        ),
        ({"exit_code": 125}, None, None, "exit code 125 asks not to be started again"),
        ({"exit_code": 125, "restart": ALWAYS}, None, None, "exit code 125 asks not to be started again"),
    ],
)
def test_what_is_decided(
    what: dict[str, Any], before: supervise.Past | None, due: float | None, failed: str
) -> None:
    made = supervise.decide(dataclasses.replace(ENDED, **what), before, 1000)
    assert (made.pid, made.due, made.failed) == (7, due, failed)


@pytest.mark.parametrize("before", [past(7, (950,)), past(7, due=1500), past(7, failed="x")])
def test_an_end_is_decided_on_once(before: supervise.Past) -> None:
    assert supervise.decide(ENDED, before, 1000) is before


def pane(
    uid: str,
    *,
    dead: bool,
    pid: int = 7,
    stage: status.Stage = status.Stage.DONE,
    rule: spec.Restart = RULE,
    **more: Any,
) -> status.Pane:
    want = spec.Pane(address=f"s/{uid}", command="x", dir="/", restart=rule)
    mark = status.Mark(workspace="w", address=f"s/{uid}", uid=uid, stage=stage)
    return status.Pane(
        id=f"%{uid}", index=0, pid=pid, dead=dead, mark=mark, record=record.pane_text(want, {}), **more
    )


def server(*panes: status.Pane) -> status.Server:
    window = status.Window(id="@1", index=0, name="w", layout="", width=80, height=24, panes=panes)
    return status.Server(
        running=True, pid=1, started=1, sessions=(status.Session(id="$1", name="s", windows=(window,)),)
    )


@pytest.mark.parametrize(
    ("found", "there"),
    [
        (pane("a", dead=True, exit_code=1), True),
        (pane("a", dead=True, signal=9), True),
        (pane("a", dead=True), False),  # how is not known yet
        (pane("a", dead=False), False),
        (pane("a", dead=True, exit_code=1, stage=status.Stage.STOPPED), False),
        (pane("a", dead=True, exit_code=0, stage=status.Stage.WAITING), False),
        (dataclasses.replace(pane("a", dead=True, exit_code=1), record="?"), False),
        (dataclasses.replace(pane("a", dead=True, exit_code=1), mark=None), False),
    ],
)
def test_whose_end_it_is(found: status.Pane, there: bool) -> None:
    assert [each.address for each in supervise.ended(server(found), {})] == (["s/a"] if there else [])


@pytest.mark.parametrize(
    ("found", "given_up", "over"),
    [
        (pane("a", dead=False), None, False),
        (pane("a", dead=True, exit_code=1), (), False),
        (pane("a", dead=True, signal=9), (), False),
        (pane("a", dead=True, exit_code=1), ("a",), True),
        (pane("a", dead=True, exit_code=1), None, True),  # nobody starts it
        (pane("a", dead=True, exit_code=125), (), True),
        (pane("a", dead=True, exit_code=0), (), True),  # on-failure
        (pane("a", dead=True), None, False),  # how is not known yet
        (pane("a", dead=True, exit_code=1, stage=status.Stage.STOPPED), (), True),
        (pane("a", dead=True, exit_code=0, stage=status.Stage.WAITING), (), False),
        (dataclasses.replace(pane("a", dead=True, exit_code=1), record="?"), (), True),
        (dataclasses.replace(pane("a", dead=True, exit_code=1), mark=None), (), True),
    ],
)
def test_whether_it_is_over(found: status.Pane, given_up: tuple[str, ...] | None, over: bool) -> None:
    assert supervise.is_over(found, given_up) is over


class Clock:
    def __init__(self) -> None:
        self.lived = 1000.0
        self.told = datetime(2026, 5, 4, tzinfo=UTC)

    def monotonic(self) -> float:
        return self.lived

    def now(self) -> datetime:
        return self.told


class World:
    """A supervisor and what it does."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.busy = False
        self.looks = 0
        self.asked: list[Mapping[str, str]] = []
        self.answer: Mapping[str, str] | errors.OrchestraError = {}
        self.said: list[event.Body] = []
        self.told = 0
        """Transactions with events in them."""
        self.kept: Mapping[str, Any] = {}
        self.supervisor = supervise.Supervisor(
            clock, self.restart, self.publish, lambda: self.busy, self.again
        )

    def again(self) -> None:
        self.looks += 1

    async def restart(self, workspace: str, reasons: Mapping[str, str]) -> Mapping[str, str]:
        self.asked.append(reasons)
        if isinstance(self.answer, Exception):
            raise self.answer
        return {address: self.answer.get(address, "") for address in reasons}

    async def publish(
        self, happened: Sequence[happenings.Happening], cause: str, state: Mapping[str, Any]
    ) -> None:
        self.told += bool(happened)
        self.said += [each.body for each in happened]
        self.kept = state[supervise.STATE]

    async def runs(self, turns: int = 20) -> None:
        """Until it waits."""
        task = asyncio.get_running_loop().create_task(self.supervisor.run())
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()


def test_who_else_applies_gets_his_turn_between_many() -> None:
    async def live() -> None:
        here = World(Clock())
        count = 2 * supervise.TOGETHER + 5
        await here.supervisor.looked(
            server(*(pane(f"p{number}", dead=True, exit_code=1) for number in range(count)))
        )
        here.clock.lived += 1
        await here.runs(100)
        assert [len(each) for each in here.asked] == [supervise.TOGETHER, supervise.TOGETHER, 5]
        assert len(set().union(*here.asked)) == count

    asyncio.run(live())


def test_what_is_due_is_started_once_and_together() -> None:
    async def live() -> None:
        here = World(Clock())
        dead = server(pane("a", dead=True, exit_code=1), pane("b", dead=True, signal=9))
        await here.supervisor.looked(dead)
        await here.supervisor.looked(dead)
        assert [
            (type(each).__name__, each.number) for each in here.said if isinstance(each, event.PaneRestarting)
        ] == [("PaneRestarting", 1)] * 2
        await here.runs()
        assert here.asked == []
        here.clock.lived += 1
        await here.runs()
        assert [set(each) for each in here.asked] == [{"s/a", "s/b"}]
        assert here.asked[0]["s/a"] == "started again after exit code 1 (1 of 4)"
        await here.supervisor.looked(dead)  # a look from before
        here.clock.lived += 100
        await here.runs()
        assert len(here.asked) == 1

    asyncio.run(live())


def test_who_ends_a_process_settles_what_follows_whatever_its_policy() -> None:
    async def live() -> None:
        here = World(Clock())
        never = dataclasses.replace(RULE, policy=spec.Policy.NO)
        await here.supervisor.looked(server(*(pane(each, dead=False, rule=never) for each in "abc")))
        here.supervisor.expect("a", 7, "too much", supervise.Sequel.AGAIN)
        kept = here.supervisor.expect("b", 7, "stopped by its limit", supervise.Sequel.DOWN)
        # Killed here, and another one goes on.
        here = World(Clock())
        here.supervisor.resume(kept[supervise.STATE])
        dead = server(*(pane(each, dead=True, exit_code=0, rule=never) for each in "abc"))
        await here.supervisor.looked(dead)
        assert [(type(each).__name__, getattr(each, "reason", "")) for each in here.said] == [
            ("PaneRestarting", "too much"),
            ("PaneFailed", "stopped by its limit"),
        ]
        here.clock.lived += 1
        await here.supervisor.looked(dead)
        await here.runs()
        assert [set(each) for each in here.asked] == [{"s/a"}]

    asyncio.run(live())


def test_what_is_killed_by_one_of_us_goes_as_its_policy_says_and_it_is_told_why() -> None:
    async def live() -> None:
        here = World(Clock())
        never = dataclasses.replace(RULE, policy=spec.Policy.NO)
        once = dataclasses.replace(RULE, max_restarts=0)
        for uid in "abc":
            kept = here.supervisor.expect(uid, 7, "killed by its limit", supervise.Sequel.POLICY)
        here = World(Clock())
        here.supervisor.resume(kept[supervise.STATE])
        rules = {"a": never, "b": once, "c": RULE}
        dead = server(*(pane(uid, dead=True, signal=9, rule=rule) for uid, rule in rules.items()))
        await here.supervisor.looked(dead)
        assert [(type(each).__name__, getattr(each, "reason", "")) for each in here.said] == [
            ("PaneFailed", "it was killed by its limit after 0 restarts in 100 seconds"),
            ("PaneRestarting", "killed by its limit"),
        ]
        assert here.supervisor.reason("a", 7) == "it was killed by its limit"
        assert here.supervisor.reason("a", 8) == ""
        assert here.supervisor.reason("b", 7).startswith("given up: it was killed by its limit after")
        here.clock.lived += 1
        await here.runs()
        assert here.asked == [{"s/c": "started again after it was killed by its limit (1 of 4)"}]

    asyncio.run(live())


def test_what_was_started_meanwhile_is_left() -> None:
    async def live() -> None:
        here = World(Clock())
        await here.supervisor.looked(server(pane("a", dead=True, exit_code=1)))
        await here.supervisor.looked(server(pane("a", dead=False, pid=8)))
        here.clock.lived += 100
        await here.runs()
        assert here.asked == []

    asyncio.run(live())


def test_nothing_is_decided_while_somebody_applies() -> None:
    async def live() -> None:
        here = World(Clock())
        here.busy = True
        await here.supervisor.looked(server(pane("a", dead=True, exit_code=1)))
        assert (here.said, here.looks) == ([], 1)
        here.busy = False
        await here.supervisor.looked(server(pane("a", dead=True, exit_code=1)))
        assert len(here.said) == 1

    asyncio.run(live())


def test_what_ends_before_its_start_is_counted_waits_until_it_is() -> None:
    """Who started it has the lock no more, and has not come to say so."""

    async def live() -> None:
        again = server(pane("a", dead=True, exit_code=1, pid=8))

        class Starts(World):
            async def restart(self, workspace: str, reasons: Mapping[str, str]) -> Mapping[str, str]:
                await self.supervisor.looked(again)
                return await super().restart(workspace, reasons)

        here = Starts(Clock())
        await here.supervisor.looked(server(pane("a", dead=True, exit_code=1)))
        here.clock.lived += 100
        await here.runs()
        assert here.looks == 2  # it asked for another look, too
        await here.supervisor.looked(again)
        told = [each.number for each in here.said if isinstance(each, event.PaneRestarting)]
        assert told == [1, 2]

    asyncio.run(live())


def test_who_has_the_lock_is_waited_for() -> None:
    async def live() -> None:
        here = World(Clock())
        await here.supervisor.looked(server(pane("a", dead=True, exit_code=1)))
        here.clock.lived += 1
        here.answer = errors.Busy("somebody")
        await here.runs()
        assert len(here.asked) == 1
        here.answer = {}
        here.clock.lived += supervise.AGAIN
        await here.runs()
        assert len(here.asked) == 2
        assert here.supervisor.given_up == {}

    asyncio.run(live())


def several(*panes: status.Pane) -> status.Server:
    """Each in a workspace of its own, called as it is."""
    return server(
        *(
            dataclasses.replace(each, mark=dataclasses.replace(each.mark, workspace=each.mark.uid))
            for each in panes
            if each.mark is not None
        )
    )


@pytest.mark.parametrize("answer", [errors.Busy("somebody applies"), {}])
def test_a_pane_that_goes_while_others_are_started_is_left(answer: Any) -> None:
    async def live() -> None:
        here = World(Clock())
        a, b = pane("a", dead=True, exit_code=1), pane("b", dead=True, exit_code=1)
        asked: list[str] = []

        async def restart(workspace: str, reasons: Mapping[str, str]) -> Mapping[str, str]:
            asked.append(workspace)
            await here.supervisor.looked(server())  # both are closed meanwhile
            if isinstance(answer, Exception):
                raise answer
            return dict.fromkeys(reasons, "")

        here.supervisor._restart = restart
        await here.supervisor.looked(several(a, b))
        here.clock.lived += 1
        task = asyncio.get_running_loop().create_task(here.supervisor.run())
        await asyncio.sleep(0.01)
        assert (asked, task.done()) == (["a"], False)
        task.cancel()

    asyncio.run(live())


def test_after_a_fault_of_ours_it_is_due_still() -> None:
    async def live() -> None:
        here = World(Clock())
        here.answer = RuntimeError("a fault")  # type: ignore[assignment]
        await here.supervisor.looked(several(*(pane(uid, dead=True, exit_code=1) for uid in "ab")))
        here.clock.lived += 1
        with pytest.raises(RuntimeError):
            await here.supervisor.run()
        here.answer = {}
        here.clock.lived += supervise.AGAIN
        await here.runs()
        assert len(here.asked) == 3

    asyncio.run(live())


def test_what_cannot_be_started_is_told() -> None:
    async def live() -> None:
        here = World(Clock())
        await here.supervisor.looked(server(pane("a", dead=True, exit_code=1)))
        here.clock.lived += 1
        here.answer = {"s/a": "its directory does not exist"}
        await here.runs()
        assert here.said[-1] == event.PaneFailed(id="%a", reason="its directory does not exist")
        assert here.supervisor.given_up == {"a": "its directory does not exist"}
        await here.supervisor.looked(server())
        assert here.supervisor.given_up == {}

    asyncio.run(live())


@pytest.mark.parametrize("stepped", [timedelta(), timedelta(days=400), timedelta(days=-400)])
def test_the_next_one_goes_on(stepped: timedelta) -> None:
    """Also when the clock was set between them: what was due is due, never later than it was."""

    async def live() -> None:
        first = World(Clock())
        dead = server(pane("a", dead=True, exit_code=1))
        await first.supervisor.looked(dead)
        clock = Clock()
        clock.lived, clock.told = 5.0, clock.told + stepped
        second = World(clock)
        second.supervisor.resume(first.kept)
        await second.supervisor.looked(dead)
        assert second.said == []  # it was decided on
        clock.lived += 1
        await second.runs()
        assert [set(each) for each in second.asked] == [{"s/a"}]

    asyncio.run(live())


@pytest.mark.parametrize("kept", [None, 3, {}, {"at": 1}, {"at": 1, "panes": {"a": {"pid": "x"}}}])
def test_what_cannot_be_read_is_forgotten(kept: Any) -> None:
    async def live() -> None:
        here = World(Clock())
        here.supervisor.resume(kept)
        await here.supervisor.looked(server(pane("a", dead=True, exit_code=1)))
        assert len(here.said) == 1

    asyncio.run(live())


def test_what_ends_at_once_is_told_at_once() -> None:
    """A thousand transactions, each with the state of a thousand, took nine seconds."""

    async def live() -> None:
        here = World(Clock())
        await here.supervisor.looked(
            server(*(pane(f"u{number}", dead=True, exit_code=1) for number in range(50)))
        )
        assert (len(here.said), here.told) == (50, 1)
        assert len(here.kept["panes"]) == 50

    asyncio.run(live())
