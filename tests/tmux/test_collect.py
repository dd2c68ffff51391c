"""Garbage collection on a real tmux: what a person touches at the last moment stays, what nobody needs goes, and can be had back."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import random
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest

from orchestra.daemon import assemble
from orchestra.daemon.react import collecting, taking
from orchestra.engine.react import collect
from orchestra.host import clock, lock, processes
from orchestra.model import action, errors, event, status
from orchestra.tmux import adapter, commands, rest
from tests.support import collected

TORTURE = os.environ.get("HYPOTHESIS_PROFILE") == "torture"
LATE = collected.TTL.total_seconds()


@pytest.fixture(scope="module")
def shared() -> Iterator[collected.House]:
    with contextlib.closing(collected.House()) as made:
        yield made


@pytest.fixture
def house(shared: collected.House) -> collected.House:
    shared.clean()
    return shared


@pytest.mark.parametrize("moment", collected.MOMENTS)
def test_who_comes_at_the_last_moment(house: collected.House, moment: str) -> None:
    """Everything a person can do, each to a session of its own that was to go; and to panes that have completed."""
    acts = [*collected.ACTS, *(collected.QUIET if moment != "decided" else ())]
    sessions = [house.made() for _ in acts]
    holders = [with_completed(house) for _ in collected.OF_DEAD]
    count = collected.Count()
    collected.trial(
        house,
        [*sessions, *holders, house.made(2), with_completed(house)],
        [(moment, act, session) for act, session in zip(acts, sessions, strict=True)],
        count,
        [(moment, act, holder) for act, holder in zip(collected.OF_DEAD, holders, strict=True)],
    )
    assert count.taken == 2


def with_completed(house: collected.House) -> collected.Session:
    made = house.made(declared={"command": "sleep"}, argv=("sleep", "2147483647"))
    made.stays = "runs a command"
    made.dead.append(house.completed(made))
    return made


def test_near_misses_from_the_beginning(house: collected.House) -> None:
    count = collected.Count()
    near = [make(house) for make in collected.NEAR]
    every = [*near, *(collected.with_dead(house, random.Random(seed)) for seed in range(5))]
    collected.trial(house, [*every, house.made()], [], count)
    assert count.taken >= 2


@pytest.mark.torture
def test_random_worlds(house: collected.House) -> None:
    """2,000 under torture. A run in which hardly anything went has shown nothing, and fails."""
    count = collected.Count()
    worlds = 2000 if TORTURE else 3
    for seed in range(worlds):
        house.clean()
        collected.at_random(house, seed, count)
    assert count.near > 10 * worlds
    assert count.taken > worlds / 4


# --- whatever goes wrong, nothing goes


def unavailable(*_: Any, **__: Any) -> Any:
    raise errors.TmuxUnavailable("nobody knows what is there")


def marked(house: collected.House, *sessions: collected.Session) -> None:
    """Up to the pass that takes."""
    house.rules(collected.GC)
    house.calm(list(sessions))
    house.sweep()
    house.clock.passed += LATE
    assert sorted(house.sweep().planned["w"]) == sorted(each.name for each in sessions)


def stays(house: collected.House, session: collected.Session) -> bool:
    return house.is_there(session.id)


def test_a_listing_that_fails_begins_all_anew(house: collected.House) -> None:
    session = house.made()
    marked(house, session)
    with mock.patch.object(adapter.Tmux, "observe_rest", unavailable):
        assert house.sweep().nothing == "nobody knows what is there"
    assert house.part.describe()["troubles"] == ["nobody knows what is there"]
    assert not house.sweep().planned
    house.clock.passed += LATE - 1
    assert not house.sweep().planned
    house.clock.passed += 1
    assert list(house.sweep().planned["w"]) == [session.name]
    assert stays(house, session)
    assert list(house.sweep().collected["w"]) == [session.name]


def test_a_new_daemon_knows_of_nothing(house: collected.House) -> None:
    session = house.made()
    marked(house, session)
    house.part = house.begun()
    assert house.sweep() == collecting.Report()
    assert stays(house, session)


def test_a_clock_that_was_set_and_a_machine_that_slept(house: collected.House) -> None:
    session = house.made()
    marked(house, session)
    house.clock.set += 3600
    assert "the clock was set" in house.sweep().nothing
    assert house.sweep() == collecting.Report()
    house.clock.passed += LATE
    assert house.sweep().planned
    house.clock.set -= 3600
    assert "the clock was set" in house.sweep().nothing
    assert stays(house, session)


def test_somebody_applies(house: collected.House) -> None:
    session = house.made()
    marked(house, session)
    house.is_busy = True
    assert house.sweep().nothing == "somebody applies"
    house.is_busy = False
    marked(house, session)
    locks = lock.Locks(house.live.assembly.directories().run, clock.Clock())
    before = snapshots(house)
    with locks.hold(assemble.LOCK, "a test", timedelta(seconds=1), lambda _: None):
        report = house.sweep()
    assert report.spared["w"] == {session.name: "somebody applies"}
    assert stays(house, session)
    assert not house.part._kept.taking
    assert snapshots(house) == before


def test_what_cannot_be_saved_is_not_taken(house: collected.House) -> None:
    session = house.made()
    marked(house, session)

    def full(*_: Any) -> None:
        raise errors.OrchestraError("the disk is full")

    with mock.patch.object(taking.Hands, "save", full):
        house.sweep()
    assert stays(house, session)
    assert house.part.describe()["troubles"] == ["the disk is full"]
    assert not house.part._kept.taking


def test_another_wish_counts_at_once(house: collected.House) -> None:
    """A manifest that is applied right before something is taken."""
    sessions = [house.made(), house.made()]
    marked(house, *sessions)
    later = dataclasses.replace(collected.GC, idle=2 * collected.TTL)
    with collected.at(house, "saved", lambda: house.rules(later)):
        house.sweep()
    assert all(stays(house, each) for each in sessions)


def test_the_budget(house: collected.House) -> None:
    sessions = [house.made(), house.made(), house.made()]
    marked(house, *sessions)
    house.rules(dataclasses.replace(collected.GC, budget=2))
    assert len(house.sweep().collected["w"]) == 2
    assert len(house.sweep().collected["w"]) == 1


def test_at_once_by_hand(house: collected.House) -> None:
    idle, busy = house.made(), house.made(declared={"command": "sleep"}, argv=("sleep", "2147483647"))
    house.calm([idle])
    house.rules(collected.GC)
    assert house.sweep(dry_run=True) == collecting.Report(
        spared={"w": {busy.name: f"{busy.name}/p{busy.name[1:]}x0: something runs in it"}}
    )
    report = house.sweep(at_once=True, force=True)
    assert list(report.collected["w"]) == [idle.name]
    assert not stays(house, idle)
    assert stays(house, busy)
    assert house.part.absent("w") == {f"{idle.name}/p{idle.name[1:]}x0"}


# --- killed, at every point


def snapshots(house: collected.House) -> set[str]:
    folder = house.live.assembly.expected().snapshots
    return {each.name for each in folder.glob("gc-*")} if folder.is_dir() else set()


def killed(*_: Any, **__: Any) -> Any:
    raise collected.Killed


DEATHS: dict[str, Callable[[collected.House], contextlib.AbstractContextManager[Any]]] = {
    "before it is said": lambda house: mock.patch.object(house.journal, "die_at", house.journal.writes),
    "before it is saved": lambda house: mock.patch.object(house.part._hands, "save", killed),
    "before it is decided anew": lambda _: mock.patch.object(collect, "lower", killed),
    "when one of two is gone": lambda _: mock.patch.object(adapter.Tmux, "_one", once(adapter.Tmux._one)),
    "when all is gone": lambda house: mock.patch.object(house.part._hands, "_ended", killed),
    "before it is told": lambda house: mock.patch.object(house.journal, "die_at", house.journal.writes + 1),
}  # fmt: skip


def once(real: Any) -> Any:
    calls: list[str] = []

    def one(*arguments: Any) -> Any:
        if calls:
            raise collected.Killed
        calls.append("")
        return real(*arguments)

    return one


@pytest.mark.parametrize("death", DEATHS)
def test_killed_at_every_point(house: collected.House, death: str) -> None:
    """What is gone is recorded, with a snapshot to have it back from; what is not is there, whole; and nothing else is left over."""
    sessions = [house.made(2), house.made(2)]
    marked(house, *sessions)
    before = snapshots(house)
    with DEATHS[death](house), pytest.raises((collected.Killed, BaseExceptionGroup)):
        house.sweep()
    house.part = house.begun()
    asyncio.run(house.part._finish())
    there = set(house.live.tmux("list-panes", "-a", "-F", "#{pane_id}").split())
    recorded = {address for each in house.part._kept.collections for address in each.taken}
    for session in sessions:
        assert len(there.intersection(session.panes)) == (0 if session.name in recorded else 2)
    if recorded:
        (last,) = house.part._kept.collections
        assert snapshots(house) - before == {last.snapshot}
        (told,) = [each for each in house.told if isinstance(each, event.GcCollected)]
        assert set(told.taken) == recorded
    else:
        assert snapshots(house) == before
    assert not house.part._kept.taking
    panes = house.part.absent("w")
    assert {address.partition("/")[0] for address in panes} == recorded
    assert len(panes) == 2 * len(recorded)
    gone = {"when one of two is gone": 1, "when all is gone": 2, "before it is told": 2}
    assert len(recorded) == gone.get(death, 0)


# --- planted bugs: what the server compares, and how a pass goes

Bug = Callable[[collected.House], contextlib.AbstractContextManager[Any]]


def without(*names: str) -> Bug:
    """The formats without these fields."""

    def planted(_: collected.House) -> contextlib.AbstractContextManager[Any]:
        stack = contextlib.ExitStack()
        for each in ("PANE", "SESSION"):
            text = getattr(rest, each)
            for name in names:
                text = text.replace(f"#{{{name}}}", "-")
            assert text != getattr(rest, each) or each == "PANE"
            stack.enter_context(mock.patch.object(rest, each, text))
        return stack

    return planted


def _patched(owner: Any, name: str, made: Any) -> Bug:
    return lambda _: mock.patch.object(owner, name, made)


def _uncompared(kind: Any, target: str, expect: status.Mark, text: str) -> str:
    kill = "kill-session" if kind == "session" else "kill-pane"
    return commands.guarded(0, kind, target, expect, [(kill, "-t", target)])


def _blind(_: Any, roots: dict[str, int], server: int) -> dict[str, frozenset[status.Process]]:
    return {
        uid: frozenset({status.Process(pid=pid, started=1, name="sh")} if pid else ())
        for uid, pid in roots.items()
    }


BUGS: dict[str, tuple[str, Any, Bug]] = {
    "nothing is compared": ("decided", collected.types, _patched(commands, "collected", _uncompared)),
    "what is typed is not seen": (
        "decided", collected.types, without("cursor_x", "cursor_y", "history_size", "window_activity"),
    ),
    "who attaches is not seen": (
        "decided", collected.attaches, without("session_attached", "session_last_attached", "history_size"),
    ),
    "who was attached is not seen": (
        "decided", collected.attaches_and_leaves, without("session_last_attached", "window_activity", "cursor_y", "history_size"),
    ),
    "a group is not seen": ("decided", collected.attaches_beside, without("session_grouped")),
    "a split is not seen": ("decided", collected.splits, _patched(commands, "collected", _uncompared)),
    "another name is not seen": ("decided", collected.renames, without("session_name")),
    "a window's name is not seen": ("decided", collected.renames_window, without("window_name")),
    "copy mode is not seen": ("decided", collected.reads, without("pane_in_mode")),
    "input switched off is not seen": ("decided", collected.switches_input_off, without("pane_input_off")),
    "a pin is not seen": ("decided", collected.pins, without(rest.PIN)),
    "a link is not seen": ("decided", collected.links, without("window_linked")),
    "a mark that went is not seen": ("decided", collected.takes_over, without("@orchestra_pane")),
    "a pane that starts again is not seen": ("decided", collected.respawns, without("pane_pid", "pane_dead")),
    "nothing is decided anew under the lock": (
        "saved", collected.starts_quietly, _patched(collect, "still", lambda decided, victims: tuple(victims)),
    ),
    "processes are not looked at": (
        "saved", collected.starts_quietly,
        _patched(processes.Processes, "trees", _blind),
    ),
    "no snapshot is saved": ("decided", None, _patched(taking.Hands, "save", lambda self, workspace, name: None)),
    "it is left for ever": ("decided", None, _patched(adapter.Tmux, "_one", lambda self, line: action.Outcome())),
}  # fmt: skip


@pytest.mark.parametrize("bug", BUGS)
def test_planted_bugs_are_found(house: collected.House, bug: str) -> None:
    moment, act, planted = BUGS[bug]
    if act in collected.OF_DEAD:
        sessions, acts, dead = [with_completed(house)], [], [(moment, act)]
    else:
        sessions, acts, dead = [house.made()], [(moment, act)] if act is not None else [], []
    at_once = mock.patch.object(taking, "ENDS", timedelta())
    with at_once, planted(house), pytest.raises(collected.Wrong):
        collected.trial(
            house,
            sessions,
            [(*each, sessions[0]) for each in acts],
            collected.Count(),
            [(*each, sessions[0]) for each in dead],
        )
