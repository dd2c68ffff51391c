"""What a pane may be called by."""

from __future__ import annotations

import pytest

from orchestra.model import errors, status
from orchestra.plan import addressing


def pane(id_: str, name: str = "", address: str = "") -> status.Pane:
    mark = status.Mark(workspace="shop", address=address, uid="u") if address else None
    return status.Pane(id=id_, index=0, pid=1, dead=False, name=name, mark=mark)


def window(id_: str, *panes: status.Pane, active: bool = False) -> status.Window:
    return status.Window(
        id=id_, index=0, name="w", layout="", width=80, height=24, active=active, panes=panes
    )


def session(id_: str, name: str, *windows: status.Window, address: str = "") -> status.Session:
    mark = status.Mark(workspace="shop", address=address, uid="s") if address else None
    return status.Session(id=id_, name=name, windows=windows, mark=mark)


LINKED = window("@9", pane("%9", "linked"))
SERVER = status.Server(
    running=True,
    pid=7,
    started=8,
    sessions=(
        session("$0", "dev", window("@0", pane("%0"), pane("%1", "server")), window("@1", pane("%2", "1"))),
        session("$1", "renamed", window("@2", pane("%3", address="api/web"), pane("%4")), address="api"),
        session("$2", "a/b", window("@3", pane("%5", "x")), LINKED),
        session("$3", "one", LINKED),
        session("$4", "dev2", window("@4", pane("%6", "server"))),
    ),
)


@pytest.mark.parametrize(
    ("text", "id_"),
    [
        ("dev/0", "%0"),
        ("dev/server", "%1"),
        ("dev/1", "%2"),  # a name goes before a number
        ("dev/2", "%2"),
        ("%4", "%4"),
        ("api/web", "%3"),
        ("renamed/web", "%3"),
        ("renamed/api/web", None),
        ("renamed/0", "%3"),
        ("api/1", "%4"),
        ("a/b/x", "%5"),
        ("a/b/1", "%9"),
        ("one", "%9"),  # it has but one
        ("one/linked", "%9"),
        ("dev2/server", "%6"),
        ("dev", None),
        ("dev/9", None),
        ("dev/serve", None),
        ("de/server", None),  # tmux would take that for dev
        ("d*/server", None),
        ("%7", None),
        ("", None),
        ("/", None),
        ("dev/", None),
        ("dev/-1", None),
        ("dev/²", None),
    ],
)
def test_what_a_pane_is_called_by(text: str, id_: str | None) -> None:
    if id_ is None:
        with pytest.raises(errors.UsageError):
            addressing.pane(SERVER, text)
    else:
        assert addressing.pane(SERVER, text).id == id_


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("dev/serve", "did you mean server?"),
        ("dve/server", "did you mean dev/server?"),
        ("dev", "there are: 0, server, 1"),
        ("zzz/0", "orchestra pane list shows them"),
    ],
)
def test_a_slip_is_told_with_what_may_be_meant(text: str, hint: str) -> None:
    with pytest.raises(errors.UsageError) as told:
        addressing.pane(SERVER, text)
    assert told.value.diagnostics[0].hint == hint


def test_what_must_be_so_still() -> None:
    by_number = addressing.pane(SERVER, "dev/2")
    assert (by_number.order, by_number.called) == (("%0", "%1", "%2"), True)
    by_name = addressing.pane(SERVER, "dev/server")
    assert (by_name.order, by_name.called, by_name.epoch) == ((), True, "7.8")
    assert not addressing.pane(SERVER, "%1").called


def test_every_pane_once_and_what_it_can_be_called() -> None:
    known = addressing.known(SERVER)
    assert known == [
        *("dev/0", "dev/server", "dev/1"), *("api/web", "renamed/1"), *("a/b/x", "a/b/linked"), "dev2/server"
    ]  # fmt: skip
    assert [addressing.pane(SERVER, each).id for each in known] == [
        *("%0", "%1", "%2"), *("%3", "%4"), *("%5", "%9"), "%6"
    ]  # fmt: skip


def test_sessions() -> None:
    assert addressing.session(SERVER, "renamed").id == "$1"
    assert addressing.session(SERVER, "api").id == "$1"
    assert addressing.session(SERVER, "$2").id == "$2"
    with pytest.raises(errors.UsageError, match="there is no session de"):
        addressing.session(SERVER, "de")
    with pytest.raises(errors.UsageError, match="no tmux server runs"):
        addressing.session(status.Server(), "dev")
