from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orchestra.engine.trigger import deciding, rehearsing, triggers
from orchestra.manifest import reacting
from orchestra.model import event, rules, selector, spec, status
from orchestra.plan import record, rules_changes

LOG = (rules.Reaction(act=rules.Log(text="x")),)
SCENE = triggers.Scene(
    candidates=(
        selector.Candidate(address="api/server", window="api/main", labels={"tier": "back"}),
        selector.Candidate(address="api/tail", window="api/logs", labels={"tier": "back"}),
        selector.Candidate(address="db/server", window="db/main"),
    ),
    gone=(selector.Candidate(address="api/old", window="api/logs", labels={"tier": "back"}),),
    groups={"front": frozenset({"api/server", "api/tail"}), "new": frozenset({"api/new"})},
)
EXIT = event.PaneExited(id="%1", pid=7, exit_code=3)
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def trigger(name: str = "t", on: rules.On | str = "pane.exited", **more: Any) -> rules.Trigger:
    return rules.Trigger(
        name=name, on=rules.OnEvent(types=(on,)) if isinstance(on, str) else on, do=LOG, **more
    )


def force(*wanted: rules.Trigger, schedules: tuple[rules.Schedule, ...] = ()) -> triggers.InForce:
    made = rules.Rules(triggers=wanted, schedules=schedules)
    return triggers.compiled(list(triggers.of_rules("w", made, SCENE)), {"w": SCENE})


def happened(body: event.Body = EXIT, address: str = "api/server", workspace: str = "w") -> event.Event:
    return event.Event(body=body, time=NOW, sequence=5, workspace=workspace, address=address)


@pytest.mark.parametrize(
    ("on", "source", "what", "fires"),
    [
        ("pane.exited", "", happened(), True),
        ("pane.exited", "", happened(workspace="other"), False),
        ("pane.exited", "", happened(workspace=""), False),
        ("pane.*", "", happened(), True),
        ("session.*", "", happened(), False),
        ("pane.exited", "api/server", happened(), True),
        ("pane.exited", "api/server", happened(address="api/tail"), False),
        ("pane.exited", "api", happened(), True),
        ("pane.exited", "api/*", happened(address="db/server"), False),
        ("pane.exited", "@front", happened(), True),
        ("pane.exited", "@front", happened(address="db/server"), False),
        ("pane.exited", "tier=back", happened(), True),
        ("pane.exited", "tier!=back", happened(), False),
        ("pane.closed", "tier=back", happened(event.PaneClosed(id="%9"), "api/old"), True),
        ("pane.created", "@new", happened(event.PaneCreated(id="%9", window="@1", pid=1), "api/new"), True),
        ("pane.created", "api", happened(event.PaneCreated(id="%9", window="@1", pid=1), "api/new"), True),
        ("pane.created", "db", happened(event.PaneCreated(id="%9", window="@1", pid=1), "api/new"), False),
        ("session.closed", "api", happened(event.SessionClosed(id="$1", name="api"), "api"), True),
        ("session.closed", "@front", happened(event.SessionClosed(id="$1", name="api"), "api"), False),
        ("window.closed", "api/logs", happened(event.WindowClosed(id="@1", session="$1", name="l"), "api/logs"), True),
        ("tmux.gone", "", happened(event.TmuxGone(epoch="1.1"), "", ""), True),
        ("tmux.gone", "api", happened(event.TmuxGone(epoch="1.1"), "", ""), False),
        ("*.*", "", happened(event.PaneOutput(id="%1", lines=("x",), position="0:0")), False),
        ("pane.output", "", happened(event.PaneOutput(id="%1", lines=("x",), position="0:0")), True),
        (rules.OnOutput(pattern="E"), "", happened(event.PaneMatched(id="%1", pattern="E", line="E")), True),
        (rules.OnOutput(pattern="E"), "", happened(event.PaneMatched(id="%1", pattern="F", line="E")), False),
        (rules.OnIdle(after=timedelta(5)), "", happened(event.PaneIdle(id="%1", duration=timedelta(5))), True),
        (rules.OnIdle(after=timedelta(5)), "", happened(event.PaneIdle(id="%1", duration=timedelta(6))), False),
        (
            rules.OnTimeout(after=timedelta(5)),
            "",
            happened(event.PaneTimeout(id="%1", pid=1, duration=timedelta(5))),
            True,
        ),
        (
            rules.OnMetric(metric=rules.Metric.CPU, above=5.0),
            "",
            happened(event.PaneMetric(id="%1", metric="cpu", value=6.0, bound=5.0)),
            True,
        ),
        (
            rules.OnMetric(metric=rules.Metric.CPU, below=5.0),
            "",
            happened(event.PaneMetric(id="%1", metric="cpu", value=6.0, bound=5.0)),
            False,
        ),
        (rules.OnFile(paths=("/x",)), "api", happened(event.FileChanged(trigger="t", paths=("/x",), count=1), ""), True),
        (rules.OnFile(paths=("/x",)), "", happened(event.FileChanged(trigger="u", paths=("/x",), count=1), ""), False),
        (rules.OnSchedule(schedule="n"), "", happened(event.ScheduleDue(schedule="n", at="x"), ""), True),
        (rules.OnSchedule(schedule="n"), "", happened(event.ScheduleDue(schedule="m", at="x"), ""), False),
    ],
)  # fmt: skip
def test_what_matches(on: rules.On | str, source: str, what: event.Event, fires: bool) -> None:
    found = list(force(trigger(on=on, source=source)).matching(what))
    assert bool(found) is fires


def test_schedules_and_watched_panes_are_triggers_too() -> None:
    off = rules.Schedule(name="off", time=rules.Every(interval=timedelta(1)), enabled=False, do=LOG)
    on = rules.Schedule(
        name="on", time=rules.Every(interval=timedelta(1)), overlap=rules.Overlap.SKIP, do=LOG
    )
    (rule,) = force(schedules=(off, on)).rules
    assert (rule.trigger.name, rule.origin, rule.overlap) == ("schedule:on", "schedule", rules.Overlap.SKIP)
    server = live({"w": "", "+w": text(trigger("mine"))}, watch=rules.Watch(paths=("/x",)))
    found = triggers.in_force(server, triggers.InForce())
    assert [(each.trigger.name, each.origin) for each in found.rules] == [
        ("mine", "added"),
        ("watch:s/p", "watch"),
    ]
    changed = event.WatchChanged(paths=("/x",), count=1)
    assert [each.trigger.name for each in found.matching(happened(changed, "s/p"))] == ["watch:s/p"]
    assert not list(found.matching(happened(changed, "s/q")))


def text(*wanted: rules.Trigger) -> str:
    return rules_changes.text(rules.Rules(triggers=wanted))


def live(kept: Mapping[str, str], **pane: Any) -> status.Server:
    wanted = spec.Pane(address="s/p", command="x", shell="/bin/sh", dir="/", **pane)

    def mark(address: str) -> status.Mark:
        return status.Mark(workspace="w", address=address, uid="u1")

    window = spec.Window(name="main", panes=(wanted,))
    return status.Server(
        running=True,
        pid=1,
        rules=kept,
        sessions=(
            status.Session(
                id="$0",
                name="s",
                mark=mark("s"),
                record=record.session_text(spec.Session(name="s", windows=(window,))),
                windows=(
                    status.Window(
                        id="@0",
                        index=0,
                        name="main",
                        layout="",
                        width=80,
                        height=24,
                        mark=mark("s/main"),
                        record=record.window_text(window),
                        panes=(
                            status.Pane(
                                id="%0", index=0, pid=9, dead=False, mark=mark("s/p"),
                                record=record.pane_text(wanted, {}),
                            ),
                        ),
                    ),
                ),
            ),
        ),
    )  # fmt: skip


# --- when

READER = reacting.Reader()


class World:
    def __init__(
        self, *wanted: rules.Trigger, waits: int = 0, schedules: tuple[rules.Schedule, ...] = ()
    ) -> None:
        self.deciding = deciding.Deciding(READER.holds, lambda _: waits)
        self.deciding.enter(force(*wanted, schedules=schedules))

    def at(self, now: float, what: event.Event | None = None) -> str:
        return " ".join(_word(each) for each in self._decided(now, what))

    def _decided(self, now: float, what: event.Event | None) -> Iterator[deciding.Fire | deciding.Limited]:
        yield from self.deciding.due(now)
        if what is not None:
            yield from self.deciding.decide(what, now)


def _word(each: deciding.Fire | deciding.Limited) -> str:
    name = each.rule.trigger.name
    return name if isinstance(each, deciding.Fire) else f"{name}!"


def unhealthy(after: str, address: str = "api/server") -> event.Event:
    return happened(event.HealthChanged(id="%1", before="x", after=after, reason=""), address)


@pytest.mark.parametrize(
    ("when", "fires"),
    [
        ("event.exit_code != 0", True),
        ("event.exit_code == 0", False),
        ("event.exit_code > 2 and event.address == 'api/server'", True),
        ("event.nothing == 1", False),
        ("event.address + 1", False),  # cannot be told: said elsewhere
    ],
)
def test_conditions(when: str, fires: bool) -> None:
    def holds(expression: str, plain: Mapping[str, Any]) -> bool:
        from orchestra.manifest import fault

        try:
            return READER.holds(expression, plain)
        except fault.Faulty:
            return False

    decides = deciding.Deciding(holds)
    decides.enter(force(trigger(when=when)))
    assert bool(list(decides.decide(happened(), 0))) is fires


def test_limits_slide_and_are_said_once_for_each_beginning() -> None:
    world = World(trigger(limit=rules.Often(count=2, within=timedelta(seconds=10))))
    told = [world.at(now, happened()) for now in (0, 6, 7, 8, 9, 10.5, 11, 15, 16.5, 40, 41, 42)]
    assert told == ["t", "t", "t!", "", "", "t", "", "", "t", "t", "t", "t!"]


def test_a_trigger_that_feeds_itself_ends() -> None:
    world = World(trigger(on="*.*", limit=rules.Often(count=5, within=timedelta(seconds=60))))
    told, next_ = [], happened()
    for now in range(20):
        found = world.at(now / 100, next_)
        told.append(found)
        if not found:
            break
        body: event.Body = event.TriggerFired(trigger="t", run="r", event="x", source=1)
        if found == "t!":
            body = event.TriggerLimited(trigger="t", reason="")
        next_ = happened(body, "")
    assert told == ["t"] * 5 + ["t!", ""]


def test_it_settles_once_for_all_panes_and_fires_with_the_last() -> None:
    world = World(trigger(debounce=timedelta(seconds=2)))
    assert world.at(0, happened()) == ""
    assert world.at(1, happened(address="db/server")) == ""
    assert world.at(2.5) == ""
    (fire,) = world.deciding.due(3)
    assert isinstance(fire, deciding.Fire)
    assert fire.event["address"] == "db/server"
    assert world.at(100) == ""


@pytest.mark.parametrize(
    ("between", "fires"),
    [
        ([], True),
        ([unhealthy("unhealthy")], True),
        ([unhealthy("healthy")], False),
        ([unhealthy("healthy", "db/server")], True),
        ([happened()], False),  # its process is another one's now
        ([happened(address="db/server")], True),
    ],
)
def test_it_has_to_stay_so(between: list[event.Event], fires: bool) -> None:
    world = World(trigger(on="health.changed", when="event.after == 'unhealthy'", held=timedelta(seconds=60)))
    assert world.at(0, unhealthy("unhealthy")) == ""
    for each in between:
        assert world.at(30, each) == ""
    assert world.at(59) == ""
    assert (world.at(60) == "t") is fires


def test_a_source_says_that_it_is_so_no_more() -> None:
    world = World(trigger(on=rules.OnMetric(metric=rules.Metric.CPU, above=1.0), held=timedelta(seconds=5)))
    world.at(0, happened(event.PaneMetric(id="%1", metric="cpu", value=2.0, bound=1.0)))
    world.deciding.contradict("w t", "api/server")
    assert world.at(100) == ""


def test_what_is_held_is_kept_for_who_comes_after() -> None:
    wanted = trigger(held=timedelta(seconds=10), debounce=timedelta(seconds=5))
    world = World(wanted)
    world.at(100, happened())
    kept = world.deciding.kept(103)
    after = World(wanted)
    after.deciding.resume(kept, 1000, 4)  # three seconds, and four without a daemon
    assert after.at(1002.9) == ""
    assert after.at(1003) == ""  # and now it settles
    assert after.at(1008) == "t"


def test_runs_that_wait_are_limited() -> None:
    assert World(trigger(), waits=deciding.WAITING).at(0, happened()) == "t!"
    skip = rules.Schedule(
        name="n", time=rules.Every(interval=timedelta(1)), overlap=rules.Overlap.SKIP, do=LOG
    )
    due = happened(event.ScheduleDue(schedule="n", at="x"), "")
    assert World(waits=1, schedules=(skip,)).at(0, due) == "schedule:n!"
    assert World(schedules=(skip,)).at(0, due) == "schedule:n"


def test_others_rules_end_what_is_held() -> None:
    world = World(trigger(held=timedelta(seconds=10)))
    world.at(0, happened())
    assert not world.deciding.enter(force(trigger(held=timedelta(seconds=10))))
    assert world.deciding.next_due() == 10
    assert world.deciding.enter(force(trigger("other")))
    assert world.deciding.next_due() is None


def test_a_rehearsal_takes_the_events_own_times() -> None:
    limited = force(
        trigger(limit=rules.Often(count=1, within=timedelta(seconds=10))), trigger("d", debounce=timedelta(1))
    )
    events = [
        event.Event(
            body=EXIT, time=NOW + timedelta(seconds=s), workspace="w", address="api/server", sequence=s
        )
        for s in (1, 2, 20)
    ]
    found = [
        (at - NOW.timestamp(), _word(each))
        for at, each in rehearsing.rehearsed(events, limited, READER.holds)
    ]
    assert found == [(1, "t"), (2, "t!"), (20, "t"), (86420, "d")]


def strangers(*panes: tuple[str, str], name: str = "dev", epoch: int = 1) -> status.Server:
    """`$1` with these panes, by id and mark; and a trigger for it that a person added."""
    made = tuple(
        status.Pane(id=id_, index=0, pid=1, dead=False, mark=status.Mark.parse(mark)) for id_, mark in panes
    )
    window = status.Window(id="@1", index=0, name="w", layout="", width=80, height=24, panes=made)
    other = status.Pane(id="%99", index=0, pid=1, dead=False)
    sessions = (
        status.Session(id="$1", name=name, windows=(window,)),
        status.Session(id="$2", name="other", windows=(replace(window, id="@2", panes=(other,)),)),
    )
    added = rules.Rules(triggers=(trigger(source="$1"),))
    standing = {triggers.ADDED: rules_changes.text(added)}
    return status.Server(running=True, pid=1, started=epoch, sessions=sessions, rules=standing)


def test_what_is_nobodys_is_known_by_its_id_and_told_by_its_name() -> None:
    before = triggers.in_force(
        strangers(("%1", ""), ("%2", "w api/server u - done 0"), ("%3", "")), triggers.InForce()
    )
    after = triggers.in_force(strangers(("%1", ""), name="renamed"), before)

    def told(force: triggers.InForce, id_: str, workspace: str = "") -> list[tuple[object, object]]:
        decides = deciding.Deciding(lambda *_: True)
        decides.enter(force)
        address = "api/server" if workspace else ""
        found = decides.decide(happened(event.PaneExited(id=id_, pid=7), address, workspace), 0.0)
        return [
            (each.event["session"], each.event["pane_id"])
            for each in found
            if isinstance(each, deciding.Fire)
        ]

    assert told(before, "%3") == [("dev", 2)]
    assert told(before, "%2", "w") == told(before, "%2") == told(before, "%99") == []
    assert told(after, "%1") == [("renamed", 0)]
    assert told(after, "%3") == [("dev", 2)]  # gone, and still known
    again = triggers.in_force(strangers(("%1", ""), epoch=2), after)
    assert told(again, "%3") == []  # of another server's life


def test_what_is_remembered_of_nobodys_is_bounded() -> None:
    many = tuple((f"%{number}", "") for number in range(3 * triggers.GONE))
    force = triggers.in_force(strangers(*many), triggers.InForce())
    for _ in range(2):
        force = triggers.in_force(strangers(("%1", "")), force)
        assert len(force.scenes[""].gone) == triggers.GONE
