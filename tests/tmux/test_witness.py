"""What orchestra says it made, libtmux sees too: a reader that shares no code and no format with ours."""

from __future__ import annotations

import contextlib

import libtmux

from orchestra.model import spec
from tests.support import live


def test_libtmux_sees_what_was_applied() -> None:
    with contextlib.closing(live.Live()) as server:
        panes = tuple(
            spec.Pane(address=f"api/{name}", dir="/", command=("sleep", "1000"), title=f"title of {name}")
            for name in ("a", "b", "c")
        )
        windows = (
            spec.Window(name="main", layout="main-vertical", panes=panes[:2]),
            spec.Window(name="logs", panes=panes[2:]),
        )
        session = spec.Session(name="api", windows=windows)
        assert server.apply(
            spec.Workspace(name=live.WORKSPACE, file="/m.yaml", sessions=(session,))
        ).result.ok

        (seen,) = libtmux.Server(socket_path=str(server.socket)).sessions
        assert seen.name == "api"
        assert [window.name for window in seen.windows] == ["main", "logs"]
        titles = [[pane.pane_title for pane in window.panes] for window in seen.windows]
        assert titles == [["title of a", "title of b"], ["title of c"]]
        main, beside = seen.windows[0].panes
        assert (main.pane_left, beside.pane_left) == ("0", str(int(str(main.pane_width)) + 1))
