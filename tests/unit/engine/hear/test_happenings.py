"""What two looks tell apart, as a table: what was, what is, what is told."""

from __future__ import annotations

import dataclasses

import pytest

from orchestra.engine.hear import happenings, observer
from orchestra.model import status

BASE = happenings.Seen(
    epoch="1.1",
    version="3.3a",
    sessions={"$0": happenings.Session(name="s", workspace="w", address="s")},
    windows={"@0": happenings.Window(session="$0", name="m", layout="l", workspace="w", address="s/m")},
    panes={"%0": happenings.Pane(window="@0", pid=7, workspace="w", address="s/p")},
)
EMPTY = happenings.Seen(epoch="1.1", version="3.3a")
NONE = happenings.Seen()


def pane(**changed: object) -> happenings.Seen:
    return dataclasses.replace(BASE, panes={"%0": dataclasses.replace(BASE.panes["%0"], **changed)})  # type: ignore[arg-type]


def window(**changed: object) -> happenings.Seen:
    return dataclasses.replace(BASE, windows={"@0": dataclasses.replace(BASE.windows["@0"], **changed)})  # type: ignore[arg-type]


def session(**changed: object) -> happenings.Seen:
    return dataclasses.replace(BASE, sessions={"$0": dataclasses.replace(BASE.sessions["$0"], **changed)})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        pytest.param(BASE, BASE, [], id="nothing"),
        pytest.param(
            NONE, BASE, ["tmux.started", "session.created", "window.created", "pane.created"], id="a server"
        ),
        pytest.param(BASE, NONE, ["tmux.gone"], id="no server"),
        pytest.param(
            BASE,
            dataclasses.replace(BASE, epoch="2.2"),
            ["tmux.gone", "tmux.started", "session.created", "window.created", "pane.created"],
            id="another server",
        ),
        pytest.param(BASE, EMPTY, ["pane.exited", "pane.closed", "window.closed", "session.closed"], id="all gone"),
        pytest.param(BASE, pane(ended=True, exit_code=3), ["pane.exited"], id="ended"),
        pytest.param(pane(ended=True, exit_code=3), pane(ended=True, exit_code=3), [], id="ended long ago"),
        pytest.param(pane(ended=True, exit_code=3), EMPTY, ["pane.closed", "window.closed", "session.closed"], id="ended, then gone"),
        pytest.param(pane(ended=True, exit_code=3), pane(pid=8), ["pane.started"], id="started again"),
        pytest.param(BASE, pane(pid=8), ["pane.exited", "pane.started"], id="ended and started between two looks"),
        pytest.param(pane(pid=0), BASE, ["pane.started"], id="started for the first time"),
        pytest.param(pane(pid=0), EMPTY, ["pane.closed", "window.closed", "session.closed"], id="never started, and gone"),
        pytest.param(BASE, pane(pid=8, ended=True, signal=9), ["pane.exited", "pane.started", "pane.exited"], id="twice"),
        pytest.param(BASE, pane(window="@1"), ["pane.moved"], id="moved"),
        pytest.param(BASE, pane(title="t"), ["pane.title_changed"], id="title"),
        pytest.param(BASE, window(name="n"), ["window.renamed"], id="window renamed"),
        pytest.param(BASE, window(layout="k"), ["window.layout_changed"], id="layout"),
        pytest.param(BASE, window(bells=2), ["window.bell"], id="bell"),
        pytest.param(window(bells=2), BASE, [], id="bells are counted anew"),
        pytest.param(BASE, window(session="$1"), ["window.moved"], id="window moved"),
        pytest.param(BASE, session(name="x"), ["session.renamed"], id="session renamed"),
        pytest.param(BASE, session(attached=1), ["session.attached"], id="attached"),
        pytest.param(session(attached=1), BASE, ["session.attached"], id="detached"),
    ],
)  # fmt: skip
def test_between(before: happenings.Seen, after: happenings.Seen, told: list[str]) -> None:
    found = list(happenings.between(before, after))
    assert [each.body.type for each in found] == told
    assert {(each.workspace, each.address) for each in found if each.body.type.startswith("pane.")} <= {
        ("w", "s/p")
    }


def test_a_dead_pane_is_told_once_its_status_is_known() -> None:
    def server(**changed: object) -> status.Server:
        made = status.Pane(id="%0", index=0, pid=7, dead=True, **changed)  # type: ignore[arg-type]
        shown = status.Window(id="@0", index=0, name="m", layout="l", width=80, height=24, panes=(made,))
        return status.Server(
            running=True, pid=1, started=1, sessions=(status.Session(id="$0", name="s", windows=(shown,)),)
        )

    waiting = happenings.seen(server(), NONE)
    known = happenings.seen(server(exit_code=0), waiting)
    assert "pane.exited" not in [each.body.type for each in happenings.between(NONE, waiting)]
    assert [each.body.type for each in happenings.between(waiting, known)] == ["pane.exited"]
    assert list(happenings.between(known, known)) == []


def test_a_linked_window_stays_where_it_was() -> None:
    def server(*order: str) -> status.Server:
        made = status.Pane(id="%0", index=0, pid=7, dead=False)
        shown = status.Window(id="@0", index=0, name="m", layout="l", width=80, height=24, panes=(made,))
        sessions = tuple(status.Session(id=each, name=each, windows=(shown,)) for each in order)
        return status.Server(running=True, pid=1, started=1, sessions=sessions)

    first = happenings.seen(server("$1"), NONE)
    assert happenings.seen(server("$0", "$1"), first).windows["@0"].session == "$1"
    assert happenings.seen(server("$0", "$1"), NONE).windows["@0"].session == "$0"


@pytest.mark.parametrize("seen", [BASE, EMPTY, NONE, pane(ended=True, signal=9, title="ü")])
def test_what_is_kept_is_what_was_seen(seen: happenings.Seen) -> None:
    assert observer.load(observer.dump(seen)) == seen


@pytest.mark.parametrize("plain", [None, 3, {}, {"epoch": "1"}, {**observer.dump(BASE), "panes": [["%0"]]}])
def test_what_is_not_readable_is_nothing_seen(plain: object) -> None:
    assert observer.load(plain) == NONE


def test_what_holds_a_place_is_no_process() -> None:
    """A pane that waits for another one: neither its placeholder's start nor its end is anybody's."""
    mark = status.Mark(workspace="w", address="s/p", uid="u", stage=status.Stage.WAITING)
    held = status.Pane(id="%0", index=0, pid=7, dead=True, signal=9, mark=mark)
    started = dataclasses.replace(
        held, pid=8, dead=False, signal=None, mark=dataclasses.replace(mark, stage=status.Stage.DONE)
    )
    looks = [
        happenings.seen(
            status.Server(running=True, pid=1, started=1, sessions=(_session(pane),)), happenings.Seen()
        )
        for pane in (held, started)
    ]
    assert looks[0].panes["%0"] == happenings.Pane(window="@0", pid=0, workspace="w", address="s/p")
    assert [each.body.type for each in happenings.between(*looks)] == ["pane.started"]


def _session(pane: status.Pane) -> status.Session:
    window = status.Window(id="@0", index=0, name="m", layout="l", width=80, height=24, panes=(pane,))
    return status.Session(id="$0", name="s", windows=(window,))
