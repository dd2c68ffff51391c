"""Garbage collection on a real tmux: what a person touches at the last moment stays, what nobody needs goes, and can be had back."""

from __future__ import annotations

import contextlib
import os
import random
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import pytest

from orchestra.daemon import taking
from orchestra.engine import collect
from orchestra.host import processes
from orchestra.model import status
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
    worlds = int(os.environ.get("GC_WORLDS", 0)) or (2000 if TORTURE else 3)
    for seed in range(worlds):
        dice = random.Random(seed)
        house.clean()
        sessions: list[collected.Session] = []
        acts: list[tuple[str, collected.Act, collected.Session]] = []
        dead: list[tuple[str, Any, collected.Session]] = []
        for _ in range(dice.randint(2, 5)):
            moment = dice.choice(collected.MOMENTS)
            match dice.randrange(4):
                case 0:
                    sessions.append(dice.choice(collected.NEAR)(house))
                case 1:
                    sessions.append(collected.with_dead(house, dice))
                    if sessions[-1].dead and dice.random() < 0.5:
                        dead.append((moment, dice.choice(collected.OF_DEAD), sessions[-1]))
                case _:
                    sessions.append(collected.idle(house, dice))
                    if dice.random() < 0.5:
                        acts.append((moment, dice.choice(collected.ACTS), sessions[-1]))
        try:
            collected.trial(house, sessions, acts, count, dead)
        except AssertionError as wrong:
            raise AssertionError(f"world {seed}: {wrong}; {acts} {dead}") from wrong
    assert count.near > 10 * worlds
    assert count.taken > worlds / 4


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
    "it is left for ever": ("decided", None, _patched(adapter.Tmux, "_one", lambda self, line: adapter.action.Outcome())),
}  # fmt: skip


@pytest.mark.parametrize("bug", BUGS)
def test_planted_bugs_are_found(house: collected.House, bug: str) -> None:
    moment, act, planted = BUGS[bug]
    if act in collected.OF_DEAD:
        sessions, acts, dead = [with_completed(house)], [], [(moment, act)]
    else:
        sessions, acts, dead = [house.made()], [(moment, act)] if act is not None else [], []
    with planted(house), pytest.raises(collected.Wrong):
        collected.trial(
            house,
            sessions,
            [(*each, sessions[0]) for each in acts],
            collected.Count(),
            [(*each, sessions[0]) for each in dead],
        )
