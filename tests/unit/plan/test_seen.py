from __future__ import annotations

from orchestra.model import status
from orchestra.plan import seen


def mark(address: str, workspace: str = "shop") -> status.Mark:
    return status.Mark(workspace=workspace, address=address, uid=address.replace("/", ""))


def window(id_: str, address: str | None, *panes: str) -> status.Window:
    return status.Window(
        id=id_,
        index=0,
        name="w",
        layout="",
        width=80,
        height=24,
        mark=mark(address) if address is not None else None,
        panes=tuple(
            status.Pane(id=f"%{each}", index=place, pid=1, dead=False, mark=mark(each))
            for place, each in enumerate(panes)
        ),
    )


LINKED = window("@1", "api/main", "api/server")
SERVER = status.Server(
    running=True,
    sessions=(
        status.Session(id="$1", name="a persons", windows=(LINKED, window("@2", None, "api/shell"))),
        status.Session(id="$2", name="renamed", mark=mark("api"), windows=(LINKED,)),
        status.Session(id="$3", name="vault", mark=mark("vault", "bank"), windows=(window("@3", None),)),
    ),
)


def test_what_stands_in_a_session_of_ours_stands_there() -> None:
    """Though a person has linked it into one that is listed before."""
    found = seen.seen(SERVER, "shop")
    assert {address: session.id for address, session in found.sessions.items()} == {"api": "$2"}
    assert {address: (session.id, each.id) for address, (session, each) in found.windows.items()} == {
        "api/main": ("$2", "@1")
    }
    assert {address: (place.session.id, place.window.id) for address, place in found.panes.items()} == {
        "api/server": ("$2", "@1"),
        "api/shell": ("$1", "@2"),
    }


def test_every_name_is_known_whosever_it_is() -> None:
    found = seen.seen(SERVER, "shop")
    assert {name: session.id for name, session in found.names.items()} == {
        "a persons": "$1",
        "renamed": "$2",
        "vault": "$3",
    }
    assert [found.ours(each) for each in (mark("x"), mark("x", "bank"), None)] == [True, False, False]
