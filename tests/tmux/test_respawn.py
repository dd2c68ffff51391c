"""Restarting a pane in place is safe for the whole server, also with other people's control clients attached and far behind.

Without what `commands.respawn` does before and after, tmux up to 3.7 dies at the first restart here (tmux#5498).
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator

import pytest

from orchestra.model import spec
from tests.support import live

RESTARTS = 500 if os.environ.get("HYPOTHESIS_PROFILE") == "torture" else 20


@pytest.fixture
def server() -> Iterator[live.Live]:
    with contextlib.closing(live.Live()) as opened:
        yield opened


def flood(number: int) -> spec.Workspace:
    """Three panes that print as fast as they can; the first one's command is another one for each number."""
    panes = tuple(
        spec.Pane(
            address=f"flood/{name}",
            dir="/",
            command=("sh", "-c", f"while :; do echo {name} {number if name == 'a' else 0}; done"),
            stop=spec.Stop(signal="SIGKILL"),
        )
        for name in "abc"
    )
    session = spec.Session(name="flood", windows=(spec.Window(name="main", panes=panes),))
    return spec.Workspace(name=live.WORKSPACE, file="/flood.yaml", sessions=(session,))


@contextlib.contextmanager
def stalled_control_clients(server: live.Live, count: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Attached, receiving output, reading none of it."""
    clients = [
        subprocess.Popen(
            ["tmux", "-C", "-S", str(server.socket), "attach-session", "-t", "=flood"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=server.environ,
        )
        for _ in range(count)
    ]
    try:
        live.until(lambda: server.tmux("list-clients", "-F", "#{client_control_mode}").count("1") == count)
        yield clients
    finally:
        for client in clients:
            assert client.stdin is not None
            assert client.stdout is not None
            client.stdin.close()
            client.stdout.close()
            client.terminate()
            client.wait(live.DEADLINE)


@pytest.mark.torture
def test_restart_with_stalled_control_clients(server: live.Live) -> None:
    server.apply(flood(0))
    pid, before = server.server_pid(), server.pane("flood/a")
    siblings = [server.pane(f"flood/{name}").pid for name in "bc"]
    with stalled_control_clients(server, 3) as clients:
        for number in range(1, RESTARTS + 1):
            outcome = server.apply(flood(number))
            assert outcome.result.ok, outcome.result
            if number == RESTARTS // 2:
                assert clients[0].stdout is not None
                os.read(clients[0].stdout.fileno(), 1 << 20)  # one of them comes back to life for a moment
        assert server.server_pid() == pid, "the tmux server died"
        assert server.pane("flood/a").pane_id == before.pane_id
        assert [server.pane(f"flood/{name}").pid for name in "bc"] == siblings


def test_delete_with_stalled_control_clients(server: live.Live) -> None:
    server.tmux("new-session", "-d", "-s", "theirs", "sleep 1000")
    server.apply(flood(0))
    pid = server.server_pid()
    with stalled_control_clients(server, 2):
        done = server.cli("delete", live.WORKSPACE, "--yes")
        assert done.returncode == 0, done.stderr
        assert server.server_pid() == pid
    assert [row.session for row in server.rows()] == ["theirs"]


def test_window_size_manual_kills_nothing(server: live.Live) -> None:
    """Set globally it crashes 3.3a and 3.5a at the next new window, whoever opens it."""
    server.tmux(
        "new-session", "-d", "-s", "theirs", "sleep 1000", ";", "set-option", "-gw", "window-size", "manual"
    )
    pid = server.server_pid()
    assert server.apply(flood(0)).result.ok
    assert server.server_pid() == pid
    assert server.tmux("show-options", "-gwv", "window-size").strip() == "manual"
