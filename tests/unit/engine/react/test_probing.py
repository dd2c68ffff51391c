"""The moving part with a world that is told what to say: what it publishes, keeps, and has stopped."""

from __future__ import annotations

import asyncio
import dataclasses
import random
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orchestra.engine import patterns
from orchestra.engine.hear import bus, happenings
from orchestra.engine.react import health, overhearing, probing, trying
from orchestra.model import errors, event, spec, status
from orchestra.plan import record

TCP = spec.TcpProbe(host="h", port=1)
FAST = spec.Health(
    probe=TCP,
    interval=timedelta(milliseconds=20),
    timeout=timedelta(milliseconds=20),
    failure_threshold=2,
    recovery=timedelta(milliseconds=50),
)
GOOD, BAD = status.Attempt(healthy=True, reason="fine"), status.Attempt(healthy=False, reason="refused")
EPOCH = datetime(2026, 5, 4, tzinfo=UTC)


class Clock:
    """Lives as the loop does."""

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    def now(self) -> datetime:
        return EPOCH + timedelta(seconds=self.monotonic())


class World:
    """`probing.Probing` and all that it asks."""

    def __init__(self, kept: Any = None) -> None:
        self.answer: Callable[[], Awaitable[status.Attempt]] = self.well
        self.told: list[event.HealthChanged] = []
        self.kept: Any = None
        self.stopped: list[tuple[str, Mapping[str, tuple[int, str]]]] = []
        self.stopping: Mapping[str, str] | errors.OrchestraError = {}
        self.busy = False
        self.at_once = self.most_at_once = 0
        self.lines: tuple[str, ...] = ()
        self.whole = True
        self.born = 0.0
        """How old every process says that it is."""
        self.environments: list[Mapping[str, str]] = []
        self.secret: str | errors.OrchestraError = "hidden"
        self.killed: list[str] = []
        self.bus = bus.Bus()
        self.trier = trying.Trier(
            clock=Clock(),
            prober=self,
            processes=self,  # type: ignore[arg-type]
            token="probes",
            secrets=self,
        )
        self.part = probing.Probing(
            clock=Clock(),
            trier=self.trier,
            output=self,
            bus=self.bus,
            publish=self.publish,
            stop=self.stop,
            is_busy=lambda: self.busy,
            again=lambda: None,
            dice=random.Random(1),
        )
        self.part.resume(kept)

    async def well(self) -> status.Attempt:
        return GOOD

    async def ill(self) -> status.Attempt:
        return BAD

    async def attempt(
        self, probe: spec.Probe, timeout: timedelta, *, dir: str, env: Mapping[str, str]
    ) -> status.Attempt:
        self.environments.append(env)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            return await self.answer()
        finally:
            self.at_once -= 1

    async def run(self, *_: Any, **__: Any) -> status.Attempt:
        raise AssertionError

    def resolve(self, secrets: Collection[spec.Secret], *, run_commands: bool) -> Mapping[spec.Secret, str]:
        if isinstance(self.secret, errors.OrchestraError):
            raise self.secret
        return dict.fromkeys(secrets, self.secret)

    def trees(self, roots: Mapping[str, int], server_pid: int) -> Mapping[str, frozenset[status.Process]]:
        return {each: frozenset((status.Process(pid=5, started=1),)) for each in roots}

    def signal(self, processes: Collection[status.Process], name: str) -> None:
        self.killed += [f"{each.pid} {name}" for each in processes]

    def searched(self, pane: str, pid: int, pattern: str) -> probing.Searched:
        found = patterns.search(pattern, self.lines)
        return probing.Searched(line=found, whole=self.whole)

    def age(self, pid: int) -> float | None:
        return self.born

    async def publish(self, happened: Sequence[happenings.Happening], state: Mapping[str, Any]) -> None:
        self.told += [each.body for each in happened if isinstance(each.body, event.HealthChanged)]
        self.kept = state[probing.STATE]

    async def stop(self, workspace: str, panes: Mapping[str, tuple[int, str]]) -> Mapping[str, str]:
        assert self.kept["panes"], "it is stopped only when that is on the disk"
        self.stopped.append((workspace, panes))
        if isinstance(self.stopping, errors.OrchestraError):
            raise self.stopping
        return self.stopping

    def turns(self, id_: str = "%a") -> list[tuple[str, str]]:
        return [(each.after, each.reason) for each in self.told if each.id == id_]

    async def until(self, look: Callable[[], object]) -> None:
        async with asyncio.timeout(10):
            while not look():  # noqa: ASYNC110
                await asyncio.sleep(0.002)


def pane(
    uid: str = "a", check: spec.Health | None = FAST, *, dead: bool = False, pid: int = 7, **more: Any
) -> status.Pane:
    stage = more.pop("stage", status.Stage.DONE)
    want = spec.Pane(address=f"s/{uid}", command="x", dir="/", health=check, secrets=more.pop("secrets", ()))
    mark = status.Mark(workspace="w", address=f"s/{uid}", uid=uid, stage=stage)
    return status.Pane(
        id=f"%{uid}", index=0, pid=pid, dead=dead, mark=mark, record=record.pane_text(want, {}), **more
    )


def server(*panes: status.Pane) -> status.Server:
    window = status.Window(id="@1", index=0, name="w", layout="", width=80, height=24, panes=panes)
    return status.Server(
        running=True, pid=1, started=1, sessions=(status.Session(id="$1", name="s", windows=(window,)),)
    )


def live(scenario: Callable[[World], Awaitable[None]], kept: Any = None) -> None:
    async def lived() -> None:
        here = World(kept)
        async with asyncio.TaskGroup() as group:
            running = group.create_task(here.part.run())
            try:
                await scenario(here)
            finally:
                running.cancel()

    asyncio.run(lived())


def test_it_is_told_once_for_each_change() -> None:
    async def scenario(here: World) -> None:
        await here.part.looked(server(pane(), pane("b", None)))
        await here.until(lambda: here.turns())
        attempts = here.trier.tries
        await here.until(lambda: here.trier.tries > attempts + 5)
        assert here.turns() == [("healthy", "fine")]
        assert here.turns("%b") == []  # it was so from the first look on
        here.answer = here.ill
        await here.until(lambda: len(here.turns("$1")) == 2)
        assert here.turns()[1:] == [("unhealthy", "refused")]
        assert here.turns("$1") == [("healthy", ""), ("unhealthy", "s/a: refused")]
        assert here.killed == ["5 SIGKILL"]  # of who was killed before us
        assert here.part.describe()["unhealthy"] == 1

    live(scenario)


def test_the_next_one_tells_nothing_again() -> None:
    kept: list[Any] = []

    async def first(here: World) -> None:
        await here.part.looked(server(pane(), pane("b", None, dead=True, exit_code=3)))
        await here.until(lambda: here.turns())
        kept.append(here.kept)

    async def second(here: World) -> None:
        await here.part.looked(server(pane(), pane("b", None, dead=True, exit_code=3)))
        await here.until(lambda: here.trier.tries > 3)
        assert here.told == []
        assert here.part.judged()["a"][2].since == datetime.fromisoformat(kept[0]["panes"]["a"][2][2])

    live(first)
    live(second, kept[0])


@pytest.mark.parametrize(
    "kept", [None, 3, {}, {"panes": 3}, {"panes": {"a": [1]}}, {"panes": {"a": [7, "", 3, ""]}}]
)
def test_what_cannot_be_read_is_forgotten(kept: Any) -> None:
    async def scenario(here: World) -> None:
        await here.part.looked(server(pane()))
        await here.until(lambda: here.turns() == [("healthy", "fine")])

    live(scenario, kept)


CURED = dataclasses.replace(FAST, restart_unhealthy=True)


def test_what_is_ill_is_stopped_once_that_is_known_to_who_comes_after() -> None:
    async def scenario(here: World) -> None:
        here.answer = here.ill
        here.stopping = errors.Busy("somebody applies")
        await here.part.looked(server(pane(check=CURED)))
        await here.until(lambda: here.stopped)
        assert here.stopped[0] == ("w", {"s/a": (7, "unhealthy: refused")})
        assert here.part.because("a", 7) == "unhealthy: refused"
        assert here.part.because("a", 8) == ""
        here.stopping = {"s/a": ""}
        await here.until(lambda: len(here.stopped) > 1)
        await here.part.looked(server(pane(check=CURED, dead=True, exit_code=0)))
        assert here.part.because("a", 7) == "unhealthy: refused"
        await here.part.looked(server(pane(check=CURED, pid=8)))
        assert here.part.because("a", 7) == ""
        kept.append(here.kept)

    kept: list[Any] = []
    live(scenario)


def test_what_gets_well_while_others_are_stopped_is_not_stopped() -> None:
    async def scenario(here: World) -> None:
        both = [pane(check=CURED), pane("b", CURED)]
        both[1] = dataclasses.replace(both[1], mark=status.Mark(workspace="x", address="s/b", uid="b"))
        stopped: list[str] = []

        async def publish(*_: Any) -> None:
            await here.until(lambda: (here.part.because("a", 7) and here.part.because("b", 7)) or stopped)

        async def stop(workspace: str, panes: Mapping[str, tuple[int, str]]) -> Mapping[str, str]:
            stopped.append(workspace)
            here.answer = here.well
            await here.until(lambda: here.part.judged()["b"][2].health is status.Health.HEALTHY)
            return {}

        here.part._publish, here.part._stop, here.answer = publish, stop, here.ill
        await here.part.looked(server(*both))
        await here.until(lambda: stopped)
        attempts = here.trier.tries
        await here.until(lambda: here.trier.tries > attempts + 10)
        assert set(stopped) == {"w"}

    live(scenario)


def test_a_line_of_the_process_before_makes_none_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its pattern takes long, and meanwhile the pane is started again."""

    async def scenario(here: World) -> None:
        clock = Clock()
        heard = overhearing.Overhearing(here.bus, clock, lambda _: None, lambda *_: None)
        check = dataclasses.replace(FAST, probe=spec.OutputProbe(pattern="ready"))
        heard.keep(list(health.seen(server(pane(check=check)))))
        monkeypatch.setattr(clock, "monotonic", iter((1.0, 1.0, 9.0, 9.0)).__next__)
        await heard._hear("%a", ["ready"])
        assert heard.matched == {"a": 1.0}

    live(scenario)


def test_a_person_stops_it_and_nobody_cures_it() -> None:
    async def scenario(here: World) -> None:
        here.answer = here.ill
        here.stopping = errors.Busy("the person")
        await here.part.looked(server(pane(check=CURED)))
        await here.until(lambda: here.stopped)
        await here.part.looked(server(pane(check=CURED, stage=status.Stage.STOPPED)))
        before = len(here.stopped)
        await asyncio.sleep(1.2 * probing.AGAIN)
        assert len(here.stopped) == before
        assert here.part.judged()["a"][2].reason == "a person stopped it"

    live(scenario)


def test_what_cannot_be_stopped_is_told_and_left_for_a_while() -> None:
    async def scenario(here: World) -> None:
        here.answer = here.ill
        here.stopping = {"s/a": "still running after SIGKILL"}
        await here.part.looked(server(pane(check=CURED)))
        await here.until(lambda: here.part.describe()["troubles"])
        attempts = here.trier.tries
        await here.until(lambda: here.trier.tries > attempts + 5)
        assert len(here.stopped) == 1
        assert here.part.describe()["troubles"] == [
            "s/a: it is unhealthy and cannot be stopped: still running after SIGKILL"
        ]

    live(scenario)


def test_what_ends_while_somebody_applies_is_nobodys_illness() -> None:
    async def scenario(here: World) -> None:
        await here.part.looked(server(pane(check=None)))
        here.busy = True
        await here.part.looked(server(pane(check=None, dead=True, signal=15)))
        await here.part.looked(server(pane(check=None, pid=8)))
        await asyncio.sleep(0.01)
        assert here.told == []
        here.busy = False
        await here.part.looked(server(pane(check=None, dead=True, signal=15, pid=8)))
        await here.until(lambda: here.turns() == [("unhealthy", "it was ended by signal 15")])

    live(scenario)


def test_one_that_hangs_keeps_nobody_waiting_and_processes_have_a_bound() -> None:
    async def scenario(here: World) -> None:
        forever = asyncio.Event()

        async def hangs() -> status.Attempt:
            await forever.wait()
            return BAD

        here.answer = hangs
        command = dataclasses.replace(FAST, probe=spec.CommandProbe(command="x"))
        await here.part.looked(server(*(pane(f"c{n}", command) for n in range(100)), pane()))
        await here.until(lambda: here.at_once == trying.COMMANDS + 1)
        here.answer = here.well
        await here.part.looked(server(*(pane(f"c{n}", command) for n in range(100)), pane(pid=8)))
        await here.until(lambda: here.turns()[-1:] == [("healthy", "fine")])
        assert here.most_at_once == trying.COMMANDS + 1

    live(scenario)


def test_that_we_were_late_says_nothing_about_them() -> None:
    async def scenario(here: World) -> None:
        async def late() -> status.Attempt:
            await asyncio.sleep(0.3)
            return BAD

        await here.part.looked(server(pane()))
        await here.until(lambda: here.turns())
        here.answer = late
        await here.until(lambda: len(here.turns()) == 2)
        assert here.turns()[1] == ("unknown", "this machine was too busy to tell: refused")

    live(scenario)


def printed(*lines: str, address: str = "s/a", id_: str = "%a") -> event.Event:
    body = event.PaneOutput(id=id_, lines=lines, position="")
    return event.Event(body=body, time=EPOCH, workspace="w", address=address)


def test_lines_make_it_degraded_until_it_recovers() -> None:
    async def scenario(here: World) -> None:
        loud = dataclasses.replace(FAST, errors="ERROR|^(a|aa)+$")
        await here.part.looked(server(pane(check=loud)))
        await here.until(lambda: here.bus.wants_output("s/a"))
        assert not here.bus.wants_output("s/b")
        await here.until(lambda: here.turns())
        here.bus.publish([printed("all is well", "ERROR \x1b[1m")])
        await here.until(lambda: len(here.turns()) == 3)
        assert here.turns()[1] == ("degraded", "it printed: ERROR �[1m")
        assert here.turns()[2][0] == "healthy"
        attempts = here.trier.tries
        here.bus.publish([printed("a" * 200 + "b") for _ in range(50)])
        await here.until(lambda: here.part.describe()["troubles"])
        assert "took more than 100 ms" in here.part.describe()["troubles"][0]
        assert here.trier.tries > attempts  # the loop went on

    live(scenario)


def test_a_pattern_that_is_slow_on_every_line_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many lines came at once: other panes' wait, and so does the daemon's end."""
    monkeypatch.setattr(overhearing, "WHOLE", 0.05)
    check = dataclasses.replace(FAST, errors="a*a*a*[bc]")

    async def scenario(here: World) -> None:
        await here.part.looked(server(pane(check=check)))
        await here.until(lambda: here.turns() and here.bus.wants_output("s/a"))
        here.bus.publish([printed(*["a" * 200] * 5000)])
        await here.until(lambda: here.part.describe()["troubles"])
        assert "took more than" in here.part.describe()["troubles"][0]
        assert here.turns()[-1][0] == "healthy"

    live(scenario)


def test_an_error_that_it_printed_before_it_was_seen_counts() -> None:
    async def scenario(here: World) -> None:
        loud = dataclasses.replace(FAST, errors="ERROR", recovery=timedelta(milliseconds=300))
        here.lines = ("well", "ERROR of \x1b")
        await here.part.looked(server(pane(check=loud)))
        await here.until(lambda: len(here.turns()) == 2)
        assert here.turns() == [("degraded", "it printed: ERROR of �"), ("healthy", "no errors for 0.3 s")]
        here.born = 10.0  # long ago
        await here.part.looked(server(pane(check=loud, pid=8)))
        await here.until(lambda: len(here.turns()) == 4)
        assert [turn[0] for turn in here.turns()[2:]] == ["unknown", "healthy"]

    live(scenario)


def test_it_stays_degraded_for_what_it_printed_and_not_for_how_its_probe_went() -> None:
    async def scenario(here: World) -> None:
        loud = dataclasses.replace(FAST, errors="ERROR", recovery=timedelta(minutes=1))
        await here.part.looked(server(pane(check=loud)))
        await here.until(lambda: here.turns() and here.bus.wants_output("s/a"))
        here.bus.publish([printed("ERROR of it")])
        await here.until(lambda: len(here.turns()) == 2)
        tries = here.trier.tries
        await here.until(lambda: here.trier.tries > tries + 2)
        assert here.part.judged()["a"][2].reason == "it printed: ERROR of it"

    live(scenario)


def test_without_a_probe_it_works_while_it_runs_and_prints_no_error() -> None:
    async def scenario(here: World) -> None:
        quiet = spec.Health(errors="ERROR", recovery=timedelta(milliseconds=50))
        await here.part.looked(server(pane(check=quiet)))
        await here.until(lambda: here.turns() and here.bus.wants_output("s/a"))
        here.bus.publish([printed("ERROR")])
        await here.until(lambda: len(here.turns()) == 2)
        await here.part.looked(server(pane(check=quiet)))  # that it runs still makes it no better
        await here.until(lambda: len(here.turns()) == 3)
        assert here.turns() == [
            ("healthy", "it runs"),
            ("degraded", "it printed: ERROR"),
            ("healthy", "no errors for 0.05 s"),
        ]
        assert here.trier.tries == 0

    live(scenario)


OUTPUT = dataclasses.replace(FAST, probe=spec.OutputProbe(pattern="ready"), failure_threshold=1000)


def test_a_session_has_the_reason_that_its_pane_has_now() -> None:
    async def scenario(here: World) -> None:
        here.answer = here.ill
        slow = dataclasses.replace(FAST, failure_threshold=1000)
        await here.part.looked(server(pane(check=slow)))
        key = ("w", "s")
        assert here.part.sessions()[key].reason == "s/a: it has not answered a probe yet"
        await here.until(lambda: here.part.judged()["a"][2].reason == BAD.reason)
        assert here.part.sessions()[key].reason == f"s/a: {BAD.reason}"
        assert here.turns("$1") == []

    live(scenario)


def test_its_lines_are_read_from_the_look_on_that_sees_it_run() -> None:
    """What it printed before that is searched; nobody would tell of lines between that look and the next."""

    async def scenario(here: World) -> None:
        waits, other = pane(check=OUTPUT, dead=True, stage=status.Stage.WAITING), pane("b", OUTPUT)
        await here.part.looked(server(waits, other))
        await here.until(lambda: here.bus.wants_output("s/b"))
        chosen: list[bool] = []
        here.bus.changed = lambda: chosen.append(here.bus.wants_output("s/a"))
        for _ in range(2):
            await here.part.looked(server(pane(check=OUTPUT, pid=8), other))
        assert chosen == [True]

    live(scenario)


def test_what_it_printed_before_we_listened_counts() -> None:
    async def scenario(here: World) -> None:
        here.lines = ("booting", "ready now")
        await here.part.looked(server(pane(check=OUTPUT)))
        await here.until(lambda: here.turns())
        here.lines = ()
        await here.part.looked(server(pane(check=OUTPUT, pid=8)))
        await here.until(lambda: here.turns()[-1][0] == "unknown")
        here.bus.publish([printed("ready")])
        await here.until(lambda: here.turns()[-1][0] == "healthy")
        here.bus.publish([printed("ready"), printed("and on")])
        await asyncio.sleep(0.02)
        await here.part.looked(server(pane(check=OUTPUT, pid=9)))  # it is younger than that line
        assert here.part.judged()["a"][2].health is status.Health.UNKNOWN
        here.born = 10.0
        await here.part.looked(server(pane(check=OUTPUT, pid=10)))  # its line was heard before it was seen
        assert here.part.judged()["a"][2].health is status.Health.HEALTHY

    live(scenario)


@pytest.mark.parametrize(("whole", "told"), [(True, "unhealthy"), (False, "")])
def test_silence_is_ill_only_where_all_was_heard(whole: bool, told: str) -> None:
    async def scenario(here: World) -> None:
        here.whole = whole
        quiet = dataclasses.replace(OUTPUT, failure_threshold=2)
        await here.part.looked(server(pane(check=quiet)))
        await asyncio.sleep(0.2)
        assert [after for after, _ in here.turns()] == ([told] if told else [])

    live(scenario)


def test_commands_get_the_panes_environment_and_its_secrets_and_are_known_by_the_token() -> None:
    secret = spec.Secret(name="KEY", kind=spec.SourceKind.FILE, source="/x")

    async def scenario(here: World) -> None:
        command = dataclasses.replace(FAST, probe=spec.CommandProbe(command="x"))
        here.secret = errors.SecretUnavailable("no such file")
        await here.part.looked(server(pane(check=command, secrets=(secret,))))
        await here.until(lambda: here.part.judged()["a"][2].reason == "no such file")
        assert here.part.judged()["a"][2].health is status.Health.UNKNOWN
        here.secret = "hidden"
        await here.until(lambda: here.turns())
        assert here.environments[-1] == {
            "KEY": "hidden",
            "ORCHESTRA_PANE": "probes",
            "ORCHESTRA_WORKSPACE": "w",
            "ORCHESTRA_ADDRESS": "s/a",
        }

    live(scenario)


def test_tmux_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "SILENT", 0.02)

    async def scenario(here: World) -> None:
        await here.part.looked(server(pane(), pane("b", None)))
        await here.until(lambda: here.turns())
        await here.part.lost("no answer")
        await asyncio.sleep(0.03)
        await here.part.lost("no answer")
        await here.until(lambda: here.turns("%b") == [("unknown", "no answer")])
        assert here.turns() == [("healthy", "fine")]  # its probe knows better
        await here.part.looked(server(pane(), pane("b", None)))
        await here.until(lambda: here.turns("%b")[1:] == [("healthy", "it runs")])
        await here.part.looked(status.Server())
        assert here.part.judged() == {}

    live(scenario)
