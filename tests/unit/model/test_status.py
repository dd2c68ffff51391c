from __future__ import annotations

import hypothesis
import pytest
from hypothesis import strategies as st

from orchestra.model import names, status

WORDS = st.from_regex(r"[A-Za-z0-9]{1,32}", fullmatch=True)
ADDRESSES = st.from_regex(
    r"[A-Za-z0-9_-]{1,64}(/[A-Za-z0-9_-]{1,64}|/[A-Za-z0-9_-]{0,64}\.hold-[a-f0-9]{12})?", fullmatch=True
)
MARK = status.Mark(
    workspace="shop", address="api/server", uid="u1", fingerprint="f", stage=status.Stage.TYPING, typed=2
)


def pane(id_: str, address: str | None, workspace: str = "shop") -> status.Pane:
    mark = None if address is None else status.Mark(workspace=workspace, address=address, uid=id_)
    return status.Pane(id=id_, index=0, pid=1, dead=False, mark=mark)


def window(id_: str, *panes: status.Pane) -> status.Window:
    return status.Window(id=id_, index=0, name="w", layout="", width=80, height=24, panes=panes)


def session(id_: str, *windows: status.Window) -> status.Session:
    return status.Session(id=id_, name=id_, windows=windows)


@hypothesis.given(
    st.builds(
        status.Mark,
        workspace=st.from_regex(names.WORKSPACE, fullmatch=True),
        address=ADDRESSES,
        uid=WORDS,
        fingerprint=WORDS,
        stage=st.sampled_from(status.Stage),
        typed=st.integers(0, 10**6 - 1),
    )
)
def test_a_mark_is_read_back(mark: status.Mark) -> None:
    assert status.Mark.parse(str(mark)) == mark


def test_a_marks_text() -> None:
    """It stands on live objects: another one would disown them."""
    assert str(MARK) == "shop api/server u1 f typing 2"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "shop",
        f"{MARK} ",
        f" {MARK}",
        f"{MARK} x",
        "shop api/server u1 f asleep 2",
        "shop api/server u1 f done -1",
        "shop api/server u1 f done x",
        "shop api/server u1 f done",
        "shop api/ u1 f done 0",
        "shop api/server.x u1 f done 0",
        "shop api/a/b u1 f done 0",
        "shop #{pid} u1 f done 0",
        "Shop api/server u1 f done 0",
        "shop api/server u1 f done 0\n",
        "shop\napi/server u1 f done 0",
        "shop api/server u1 f done \u0663",
    ],
)
def test_what_is_no_mark_is_none(text: str) -> None:
    assert status.Mark.parse(text) is None


def test_a_linked_window_counts_once_in_the_session_that_stands_first() -> None:
    linked = window("@1", pane("%1", "a/x"))
    server = status.Server(
        running=True, sessions=(session("$1", linked), session("$2", linked, window("@2", pane("%2", None))))
    )
    assert [(each.session.id, each.pane.id) for each in status.places(server)] == [("$1", "%1"), ("$2", "%2")]


def test_owned_are_this_workspaces_by_address_the_first_of_two() -> None:
    server = status.Server(
        running=True,
        sessions=(
            session("$1", window("@1", pane("%1", "a/x"), pane("%2", "a/x"), pane("%3", None))),
            session("$2", window("@2", pane("%4", "a/y", "bank"), pane("%5", "a/z"))),
        ),
    )
    assert {address: place.pane.id for address, place in status.owned(server, "shop").items()} == {
        "a/x": "%1",
        "a/z": "%5",
    }


def test_an_epoch_names_a_servers_life() -> None:
    assert status.Server().epoch == "none"
    lives = {
        status.Server(running=True, pid=pid, started=started).epoch for pid in (1, 2) for started in (1, 2)
    }
    assert len(lives) == 4


def test_a_process_is_not_mistaken_for_a_later_one_with_its_number() -> None:
    assert status.Process(pid=1, started=1.0, name="a") == status.Process(pid=1, started=1.0, name="b")
    assert status.Process(pid=1, started=1.0) != status.Process(pid=1, started=2.0)
