from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from orchestra.model import spec, status
from orchestra.plan import cascade, record

MARK = status.Mark(workspace="w", address="s/db", uid="u")
PANE = status.Pane(id="%1", index=0, pid=8, dead=False, mark=MARK)


def at(pane: status.Pane) -> status.Place:
    window = status.Window(id="@1", index=0, name="w", layout="", width=80, height=24, panes=(pane,))
    return status.Place(
        session=status.Session(id="$1", name="s", windows=(window,)), window=window, pane=pane
    )


def staged(pane: status.Pane, stage: status.Stage) -> status.Pane:
    return dataclasses.replace(pane, mark=dataclasses.replace(MARK, stage=stage))


def dead(**how: Any) -> status.Pane:
    return dataclasses.replace(PANE, dead=True, **how)


C = spec.Condition


@pytest.mark.parametrize(
    ("pane", "condition", "edge"),
    [
        (PANE, C.STARTED, "there"),
        (PANE, C.HEALTHY, "there"),
        (dead(exit_code=0), C.STARTED, "same"),
        (dead(signal=9), C.HEALTHY, "same"),
        (staged(PANE, status.Stage.TYPING), C.STARTED, "there"),
        (PANE, C.COMPLETED, "coming"),
        (PANE, C.COMPLETED_SUCCESSFULLY, "coming"),
        (dead(), C.COMPLETED, "coming"),  # tmux has not told yet
        (dead(exit_code=3), C.COMPLETED, "there"),
        (dead(signal=9), C.COMPLETED, "there"),
        (dead(exit_code=0), C.COMPLETED_SUCCESSFULLY, "there"),
        (dead(exit_code=3), C.COMPLETED_SUCCESSFULLY, "same"),
        (dead(signal=9), C.COMPLETED_SUCCESSFULLY, "same"),
        (staged(dead(exit_code=0), status.Stage.WAITING), C.STARTED, "same"),
        (None, C.STARTED, "same"),
        (dataclasses.replace(PANE, pid=7), C.STARTED, "same"),
        (dataclasses.replace(PANE, pid=7, id="%2"), C.STARTED, "there"),  # made anew
    ],
)
def test_how_it_stands_with_one_dependency(
    pane: status.Pane | None, condition: spec.Condition, edge: str
) -> None:
    want = spec.Dependency(pane="s/db", condition=condition, cascades=True)
    there = at(pane) if pane is not None else None
    assert cascade.edge(want, {"s/db": "%1.7"}, there, is_healthy=True) == edge
    assert cascade.edge(want, {}, there, is_healthy=True) is cascade.Edge.SAME  # nobody knows since when
    if condition is C.HEALTHY and edge == "there":
        assert cascade.edge(want, {"s/db": "%1.7"}, there, is_healthy=False) is cascade.Edge.COMING
    started = cascade.edge(want, {"s/db": cascade.NONE}, there, is_healthy=True)
    assert started == ("there" if pane is not None and pane.pid == 7 else edge)


@pytest.mark.parametrize(
    ("pane", "may"),
    [
        (PANE, True),
        (staged(PANE, status.Stage.TYPING), True),
        (staged(PANE, status.Stage.STOPPED), False),  # it is just being stopped
        (staged(PANE, status.Stage.WAITING), False),
        (dead(exit_code=0), False),
        (dead(signal=9), False),
        (dataclasses.replace(PANE, mark=None), False),
    ],
)
def test_what_may_be_restarted(pane: status.Pane, may: bool) -> None:
    assert cascade.may_be_restarted(pane) is may


def test_only_what_asks_is_kept_and_a_record_of_before_is_read() -> None:
    edges = (
        spec.Dependency(pane="s/db", condition=C.HEALTHY, cascades=True),
        spec.Dependency(pane="s/cache", condition=C.STARTED),
        spec.Dependency(pane="s/gone", condition=C.STARTED, required=False, cascades=True),
    )
    want = spec.Pane(address="s/p", dir="/", depends_on=edges)
    known = cascade.beside(want, {"s/db": at(PANE), "s/cache": at(PANE)})
    assert known == {"s/db": "%1.8", "s/gone": "-"}
    read = record.parse_pane(record.pane_text(want, {}, known))
    assert read is not None
    assert (read.pane, read.beside) == (want, known)
    assert record.pane_text(want, {}, {}) == record.pane_text(want, {})
    before = record.parse_pane(
        '{"pane":{"address":"s/p","depends_on":[{"condition":"healthy","pane":"s/db"}],"dir":"/"},"secrets":{}}'
    )
    assert before is not None
    assert (before.pane.depends_on[0].cascades, before.beside) == (False, {})


@pytest.mark.parametrize(
    ("addresses", "words"),
    [(["s/a"], "s/a was restarted"), (["s/a", "s/b"], "s/a, s/b were restarted")],
)
def test_the_reason(addresses: list[str], words: str) -> None:
    assert cascade.was_restarted(addresses) == words
