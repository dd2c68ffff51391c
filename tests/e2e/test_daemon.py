"""The daemon, its events and logs, as a user meets them: a real tmux, real processes, killed at will."""

from __future__ import annotations

import contextlib
import fcntl
import http.client
import json
import os
import signal
import socket
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Cli
from tests.support import live

MANIFEST = """\
version: 1
workspace: shop
sessions:
  api:
    panes:
      - {name: server, command: "echo ready; exec sleep 1000"}
      - {name: once, command: "echo first; printf 'the last'; exit 3"}
"""


def state(cli: Cli) -> Path:
    (found,) = (cli.folder / "state" / "orchestra").iterdir()
    return found


def pid_of(cli: Cli) -> int:
    return int(cli.json("daemon", "status")["pid"])


def events(cli: Cli, *words: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in cli.ok("events", "-o", "json", "--after", "0", *words).splitlines()]


def found(cli: Cli, look: Callable[[list[dict[str, Any]]], object], *words: str) -> list[dict[str, Any]]:
    """The events, as soon as `look` likes them."""

    def now() -> list[dict[str, Any]]:
        every = events(cli, *words)
        return every if look(every) else []

    return live.until(now, f"events, of which there are {events(cli, *words)}")


def of(every: list[dict[str, Any]], kind: str, address: str = "") -> list[dict[str, Any]]:
    return [each for each in every if each["type"] == kind and address in ("", each.get("address"))]


def kill(pid: int) -> None:
    with live.ended(pid):
        os.kill(pid, signal.SIGKILL)


@pytest.fixture
def daemon(cli: Cli) -> Iterator[Cli]:
    cli.write("shop.yaml", MANIFEST)
    assert "started" in cli.ok("daemon", "start")
    yield cli
    cli.ok("daemon", "stop")


def test_its_life(cli: Cli) -> None:
    assert cli.run("daemon", "status").code == 1
    assert "no daemon runs" in cli.ok("daemon", "stop")
    started = cli.json("daemon", "start")
    assert started["running"]
    assert cli.json("daemon", "start")["pid"] == started["pid"]
    again = cli.json("daemon", "restart")
    assert again["pid"] != started["pid"]
    for path, mode in (
        (state(cli) / "run", 0o700),
        (state(cli) / "run/daemon.sock", 0o600),
        (state(cli) / "journal.sqlite", 0o600),
    ):
        assert stat.S_IMODE(path.stat().st_mode) == mode
    assert cli.json("daemon", "stop") == {
        "status": "success",
        "command": "daemon",
        "running": False,
        "pid": again["pid"],
    }
    assert not (state(cli) / "run/daemon.sock").exists()
    told = [(each["type"], each.get("unclean")) for each in events(cli)]
    assert told == [("daemon.started", False), ("daemon.stopped", None)] * 2
    assert "ready" in cli.ok("daemon", "logs")


def test_of_many_that_start_at_once_one_stays(cli: Cli) -> None:
    starting = [cli.start("daemon", "start") for _ in range(5)]
    for each in starting:
        each.process.wait(timeout=live.DEADLINE)
    pid = pid_of(cli)
    daemons = [each for each in cli._left() if b"daemon\0run" in Path(f"/proc/{each}/cmdline").read_bytes()]
    live.until(lambda: [each for each in daemons if live.process(each) is not None] == [pid])


def test_who_gave_up_waiting_for_it_does_not_end_it(cli: Cli) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    argv = cli.argv("daemon", "run", "--ready-fd", str(writer))
    with subprocess.Popen(argv, env=cli.environ, cwd=cli.folder, pass_fds=(writer,)) as process:
        os.close(writer)
        live.until(lambda: "ready" in cli.ok("daemon", "logs"))
        assert cli.json("daemon", "stop")["pid"] == process.pid
    assert process.returncode == 0


def test_what_happens_is_told(daemon: Cli) -> None:
    daemon.ok("apply", "shop.yaml")
    every = found(daemon, lambda some: of(some, "pane.exited", "api/once") and of(some, "apply.finished"))
    (ended,) = of(every, "pane.exited", "api/once")
    assert (ended["exit_code"], ended["signal"], ended["workspace"]) == (3, None, "shop")
    assert [each["sequence"] for each in every] == list(range(1, len(every) + 1))
    for kind in ("tmux.started", "session.created", "window.created"):
        assert len(of(every, kind)) == 1
    assert {each["address"] for each in of(every, "pane.created")} == {"api/server", "api/once"}
    (begun,), (done,) = of(every, "apply.started"), of(every, "apply.finished")
    assert begun["changes"] == done["changes"] == {"create": 4}
    assert done["ok"]
    assert begun["sequence"] < done["sequence"]
    daemon.tmux("rename-session", "-t", "=api:", "mine")
    daemon.tmux("rename-window", "-t", "=mine:", "other")
    daemon.tmux("select-layout", "-t", "=mine:", "even-horizontal")
    daemon.tmux("select-pane", "-t", "=mine:", "-T", "a title")
    every = found(
        daemon,
        lambda some: (
            of(some, "pane.title_changed")
            and of(some, "window.layout_changed")
            and of(some, "window.renamed")
        ),
    )
    assert of(every, "session.renamed", "api")[0]["after"] == "mine"
    assert of(every, "window.renamed", "api/main")[0]["after"] == "other"
    daemon.tmux(
        "new-session", "-d", "-s", "own"
    )  # else the server ends, and nothing more is known of what ran on it
    daemon.ok("delete", "shop", "--yes")
    every = found(daemon, lambda some: of(some, "session.closed", "api"))
    assert len(of(every, "pane.exited", "api/server")) == 1
    daemon.tmux("kill-session", "-t", "=own")
    found(daemon, lambda some: of(some, "tmux.gone"))
    daemon.ok("apply", "shop.yaml")
    found(daemon, lambda some: len(of(some, "tmux.started")) == 2)


def test_a_bell_and_a_client_are_told(daemon: Cli) -> None:
    daemon.ok("apply", "shop.yaml")
    daemon.tmux("new-window", "-d", "-t", "=api:", "sh -c 'printf \\\\a; exec sleep 1000'")
    found(daemon, lambda some: of(some, "window.bell"))
    terminal = daemon.terminal("attach", "api")
    (attached,) = of(found(daemon, lambda some: of(some, "session.attached")), "session.attached")
    assert (attached["before"], attached["after"]) == (0, 1)
    del terminal


def test_nothing_of_ours_stays_attached(daemon: Cli) -> None:
    daemon.ok("apply", "shop.yaml")
    found(daemon, lambda some: of(some, "session.created"))
    assert daemon.tmux("list-clients") == ""
    daemon.ok("daemon", "stop")
    hooks = daemon.tmux("show-hooks", "-g") + daemon.tmux("show-hooks", "-gw")
    assert "191" not in hooks


def test_what_happened_while_it_was_dead_is_told_after(daemon: Cli) -> None:
    daemon.ok("apply", "shop.yaml")
    found(daemon, lambda some: of(some, "pane.exited", "api/once"))
    panes = daemon.panes()
    kill(pid_of(daemon))
    with live.ended(panes["api/server"]):
        os.killpg(panes["api/server"], signal.SIGTERM)
    daemon.tmux("new-session", "-d", "-s", "late")
    daemon.ok("daemon", "start")
    every = found(daemon, lambda some: of(some, "pane.exited", "api/server"))
    (ended,) = of(every, "pane.exited", "api/server")
    assert (ended["signal"], ended["cause"]) == (15, "observation")
    assert [each["unclean"] for each in of(every, "daemon.started")] == [False, True]
    assert len(of(every, "pane.exited", "api/once")) == 1
    assert [each["name"] for each in of(every, "session.created")] == ["api", "late"]


def test_killed_again_and_again_under_load_it_loses_nothing(daemon: Cli) -> None:
    """Every pane's end is told once, with its code, and no pane is touched."""
    daemon.ok("apply", "shop.yaml")
    stays = daemon.panes()["api/server"]
    for number in range(6):
        pid = pid_of(daemon)
        for code in range(5):
            words = ("new-window", "-d", "-t", "=api:")
            daemon.tmux(*words, f"exit {10 * number + code}")
            if code == number % 5:
                kill(pid)
        daemon.ok("daemon", "start")
    assert daemon.panes()["api/server"] == stays
    every = found(daemon, lambda some: of(some, "daemon.started")[5:])
    assert [each["sequence"] for each in every] == sorted({each["sequence"] for each in every})
    ended = [each["id"] for each in of(every, "pane.exited")]
    assert len(ended) == len(set(ended))


def test_a_reader_follows(daemon: Cli) -> None:
    follower = daemon.start("events", "-f", "-o", "json", "--type", "pane.exited")
    daemon.ok("apply", "shop.yaml")
    line = follower.line()
    assert (json.loads(line)["address"], json.loads(line)["exit_code"]) == ("api/once", 3)


def test_without_a_daemon(cli: Cli) -> None:
    cli.write("shop.yaml", MANIFEST)
    cli.ok("apply", "shop.yaml")
    assert cli.ok("events") == ""
    done = cli.run("events", "-f")
    assert done.code == 1
    assert "no daemon runs" in done.err
    assert cli.ok("wait", "api/once", "--for", "exited") == "api/once exited with code 3\n"
    assert cli.ok("wait", "api/server", "--for", "output=rea.y") == "api/server printed: ready\n"
    assert cli.ok("wait", "api/server", "--for", "healthy") == "api/server is healthy\n"
    assert cli.ok("logs", "api/server") == "ready\n"
    assert cli.ok("logs", "api/once").startswith("first\nthe last")
    done = cli.run("wait", "api/server", "--for", "exited", "--timeout", "100ms")
    assert (done.code, "not completed within 0.1s" in done.err) == (1, True)
    done = cli.run("wait", "api/server", "--for", "output=never", "--timeout", "100ms")
    assert (done.code, "no line with 'never' within 100ms" in done.err) == (1, True)
    assert set(cli.tmux("list-panes", "-a", "-F", "#{pane_pipe}").split()) == {"0"}


def test_a_log_is_whole(daemon: Cli) -> None:
    """From the first byte to the last, also of what ended at once, also when it is gone."""
    daemon.ok("apply", "shop.yaml")
    found(daemon, lambda some: of(some, "pane.exited", "api/once"))
    assert daemon.ok("logs", "api/once") == "first\nthe last\n"
    assert daemon.ok("logs", "api/server", "--raw") == "ready\r\n"
    both = daemon.ok("logs", "api", "--grep", "rea|last")
    assert sorted(both.splitlines()) == ["api/once   | the last", "api/server | ready"]
    assert [json.loads(line) for line in daemon.ok("logs", "api/server", "-o", "json").splitlines()] == [
        {"address": "api/server", "line": "ready"}
    ]
    assert daemon.ok("logs", "api/once", "--tail", "1") == "the last\n"
    assert daemon.ok("logs", "api/once", "--since", "1h") == "first\nthe last\n"
    daemon.ok("delete", "shop", "--yes")
    assert daemon.ok("logs", "api/once") == "first\nthe last\n"
    done = daemon.run("logs", "api/onec")
    assert (done.code, "there is no api/onec on this tmux server" in done.err) == (64, True)


def test_commands_typed_into_a_shell_are_told(daemon: Cli) -> None:
    shell = 'version: 1\nworkspace: w\nsessions: {s: {panes: [{name: sh, shell: /bin/bash, send_keys: ["(exit 7)"]}]}}\n'
    daemon.write("shell.yaml", shell)
    daemon.ok("apply", "shell.yaml")
    every = found(daemon, lambda some: of(some, "command.finished", "s/sh"))
    (started,) = of(every, "command.started")
    (finished,) = of(every, "command.finished")
    assert started["command"] == finished["command"] == "(exit 7)"
    assert finished["exit_code"] == 7
    assert 0 <= finished["duration"] < live.DEADLINE


def test_output_is_told_to_who_asks(daemon: Cli) -> None:
    daemon.ok("apply", "shop.yaml")
    follower = daemon.start("events", "-f", "-o", "json", "--type", "pane.output", "--from", "api/server")
    status = live.until(lambda: (told := daemon.json("daemon", "status"))["listeners"] and told)
    assert status["listeners"] == 1
    listed = daemon.tmux("list-panes", "-a", "-F", "#{pane_id} #{@orchestra_pane}").splitlines()
    (pane,) = (line.split()[0] for line in listed if " api/server " in line)
    daemon.tmux("respawn-pane", "-k", "-t", pane, "printf 'a\\rb\\n\\033[1mc\\033[0m\\n'; exec sleep 1000")
    lines: list[str] = []
    while len(lines) < 2:
        lines += json.loads(follower.line())["lines"]
    assert lines == ["b", "c"]
    assert not of(events(daemon), "pane.output")


COUNTING = """\
version: 1
workspace: count
sessions:
  a:
    panes:
      - {name: one, command: "seq 200000; exec sleep 1000"}
      - {name: two, command: "seq 200000; exec sleep 1000"}
"""


def test_every_line_once_and_in_order(daemon: Cli) -> None:
    """At full speed, with the daemon killed in the middle."""
    daemon.write("count.yaml", COUNTING)
    pid = pid_of(daemon)
    daemon.ok("apply", "count.yaml", "--no-wait")
    kill(pid)
    wanted = "".join(f"{number}\n" for number in range(1, 200_001))
    for pane in ("a/one", "a/two"):
        assert daemon.ok("wait", pane, "--for", "output=^200000$")
        assert daemon.ok("logs", pane) == wanted


def test_following_a_log(daemon: Cli) -> None:
    daemon.ok("apply", "shop.yaml")
    follower = daemon.start("logs", "-f", "--tail", "0", "api/server", "api/once")
    live.until(lambda: _watches(follower.process.pid))
    listed = daemon.tmux("list-panes", "-a", "-F", "#{pane_id} #{@orchestra_pane}").splitlines()
    (pane,) = (line.split()[0] for line in listed if " api/server " in line)
    daemon.tmux("respawn-pane", "-k", "-t", pane, "echo again; exec sleep 1000")
    assert follower.line() == "api/server | again"


def test_following_ends_with_what_is_followed(daemon: Cli) -> None:
    """But not for an end after which it is started again; -F goes on also when it is gone."""
    again = "{name: again, command: 'echo x >> runs; echo run $(wc -l < runs); [ $(wc -l < runs) -lt 3 ] || exit 125'"
    daemon.write(
        "shop.yaml",
        MANIFEST + f"      - {again}, restart: {{policy: always, backoff: {{initial: 50ms}}}}}}\n",
    )
    daemon.ok("apply", "shop.yaml", "--no-wait")
    assert daemon.ok("logs", "-f", "api/again") == "run 1\nrun 2\nrun 3\n"
    assert daemon.ok("logs", "-f", "api/once") == "first\nthe last\n"
    assert daemon.ok("logs", "-f", "--raw", "api/once").startswith("first\r\nthe last")
    follower, always = daemon.start("logs", "-f", "api"), daemon.start("logs", "-F", "api/server")
    assert always.line() == "ready"
    live.until(lambda: _watches(follower.process.pid))
    daemon.ok("delete", "shop", "--yes")
    assert follower.done().code == 0
    assert daemon.ok("logs", "-f", "api/once") == "first\nthe last\n"
    daemon.ok("apply", "shop.yaml", "--no-wait")
    assert always.line() == "ready"


def test_following_ends_without_a_daemon(cli: Cli) -> None:
    cli.write("shop.yaml", MANIFEST)
    cli.ok("apply", "shop.yaml")
    follower = cli.start("logs", "-f", "api/server")
    assert follower.line() == "ready"
    live.until(lambda: _watches(follower.process.pid))
    cli.tmux("kill-server")
    assert follower.done().code == 0


def test_what_a_process_before_it_printed_does_not_count(daemon: Cli) -> None:
    daemon.ok("apply", "shop.yaml")
    assert "ready" in daemon.ok("wait", "api/server", "--for", "output=ready")
    daemon.write("shop.yaml", MANIFEST.replace("echo ready; exec sleep 1000", "exec sleep 1001"))
    daemon.ok("apply", "shop.yaml", "--yes")
    found(daemon, lambda some: of(some, "pane.exited", "api/server"))
    done = daemon.run("wait", "api/server", "--for", "output=ready", "--timeout", "200ms")
    assert (done.code, "no line with 'ready'" in done.err) == (1, True)
    assert daemon.ok("logs", "api/server") == "ready\n"


def test_recent_events(daemon: Cli) -> None:
    daemon.ok("apply", "shop.yaml")
    every = found(daemon, lambda some: of(some, "apply.finished"))
    last = [json.loads(line) for line in daemon.ok("events", "-o", "json", "--tail", "2").splitlines()]
    assert last == every[-2:]
    assert len(daemon.ok("events").splitlines()) == len(every)
    daemon.ok("daemon", "stop")
    last = [json.loads(line) for line in daemon.ok("events", "-o", "json", "--tail", "1").splitlines()]
    assert [each["type"] for each in last] == ["daemon.stopped"]


def _watches(pid: int) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return any("inotify wd" in each.read_text() for each in Path(f"/proc/{pid}/fdinfo").iterdir())
    return False


def test_a_reader_that_stalls_costs_nobody_anything(daemon: Cli) -> None:
    stalled = socket.socket(socket.AF_UNIX)
    stalled.connect(str(state(daemon) / "run/daemon.sock"))
    stalled.sendall(b"GET /v1/events?follow=true&type=pane.output HTTP/1.1\r\nHost: x\r\n\r\n")
    daemon.write("count.yaml", COUNTING)
    daemon.ok("apply", "count.yaml")
    daemon.ok("wait", "a/one", "--for", "output=^200000$")
    status = Path(f"/proc/{pid_of(daemon)}/status").read_text()
    (resident,) = (int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    assert resident < 200_000
    daemon.tmux("kill-server")
    found(daemon, lambda some: of(some, "tmux.gone"))
    stalled.close()


@pytest.mark.parametrize("squatter", ["file", "directory", "socket"])
def test_something_stands_where_its_socket_is_to_be(cli: Cli, squatter: str) -> None:
    cli.ok("daemon", "start")
    cli.ok("daemon", "stop")
    path = state(cli) / "run/daemon.sock"
    stale = socket.socket(socket.AF_UNIX)
    match squatter:
        case "file":
            path.write_text("mine")
        case "directory":
            path.mkdir()
        case _:
            stale.bind(str(path))
    done = cli.run("daemon", "start")
    if squatter == "socket":
        assert done.code == 0
    else:
        assert done.code == 1
        assert "is not a socket, and not the daemon's" in done.err
        assert path.exists()
    stale.close()


def test_a_broken_journal_is_set_aside_and_said(cli: Cli) -> None:
    cli.ok("daemon", "start")
    cli.ok("daemon", "stop")
    path = state(cli) / "journal.sqlite"
    path.write_bytes(b"no database at all, but something somebody may want back")
    cli.ok("daemon", "start")
    (fault,) = of(events(cli), "daemon.fault")
    assert fault["part"] == "journal"
    assert "it was broken" in fault["reason"]
    (aside,) = state(cli).glob("*.broken*")
    assert aside.read_bytes().startswith(b"no database")


def test_the_api(daemon: Cli) -> None:
    from orchestra.cli import client
    from orchestra.model import errors

    daemon.ok("apply", "shop.yaml")
    asked = client.Client(state(daemon) / "run/daemon.sock")
    assert asked.get("/v1/health") == {"status": "ok", "reasons": []}
    (shop,) = asked.get("/v1/workspaces")["workspaces"]
    assert shop["name"] == "shop"
    made = asked.post("/v1/plan", {"manifest": str(daemon.folder / "shop.yaml")})
    assert made["plan"]["workspace"] == "shop"
    daemon.write("shop.yaml", MANIFEST.replace("sleep 1000", "sleep 1001"))
    for body, said in (
        ({"manifest": "shop.yaml"}, "absolute path"),
        ({"manifest": str(daemon.folder / "shop.yaml"), "colour": 1}, "unknown: colour"),
        ({"manifest": str(daemon.folder / "none.yaml")}, "none.yaml"),
    ):
        with pytest.raises(errors.OrchestraError, match=said):
            asked.post("/v1/plan", body)
    ((name, told),) = _post_stream(asked, {"manifest": str(daemon.folder / "shop.yaml")})
    assert name == "error"
    assert "this stops what runs: api/server" in told["message"]
    *progress, (name, told) = _post_stream(asked, {"manifest": str(daemon.folder / "shop.yaml"), "yes": True})
    assert {name for name, _ in progress} == {"progress"}
    assert (name, told["status"]) == ("result", "success")
    lines = [
        line for name, piece in asked.stream("/v1/logs", {"address": "api/server"}) for line in piece["lines"]
    ]
    assert lines == ["ready", "ready"]
    found(daemon, lambda some: of(some, "apply.finished"))


def test_an_apply_that_waits_keeps_the_daemon_from_nothing(daemon: Cli) -> None:
    """Somebody else applies."""
    folder = state(daemon) / "run"
    daemon.ok("apply", "shop.yaml")
    with (folder / "apply.lock").open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with _posted(folder / "daemon.sock", {"manifest": str(daemon.folder / "shop.yaml")}) as answer:
            assert b"progress" in answer.readline()
            assert b"is at work here" in answer.readline()
            began = time.monotonic()
            pid_of(daemon)
            assert time.monotonic() - began < 10
            fcntl.flock(file, fcntl.LOCK_UN)
            assert b'"success"' in answer.read()


@contextlib.contextmanager
def _posted(path: Path, body: dict[str, Any]) -> Iterator[http.client.HTTPResponse]:
    connection = http.client.HTTPConnection("x")
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.settimeout(live.DEADLINE)
    connection.sock.connect(str(path))
    connection.request("POST", "/v1/apply", json.dumps(body), {"Content-Type": "application/json"})
    with connection.getresponse() as answer:
        yield answer
    connection.close()


def _post_stream(asked: Any, body: dict[str, Any]) -> list[tuple[str, Any]]:
    with _posted(asked.socket, body) as answer:
        text = answer.read().decode()
    pairs = []
    for message in text.strip().split("\n\n"):
        name, data = message.split("\n")
        pairs.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return pairs


def test_what_an_apply_started_ends_after_its_server(cli: Cli) -> None:
    cli.tmux("new-session", "-d", "sleep 1000")
    running = cli.start("daemon", "run", "--linger", "100ms")
    live.until(lambda: '"sessions": 1' in cli.run("daemon", "status", "-o", "json").out)
    assert running.process.poll() is None
    cli.tmux("kill-server")
    assert running.done().code == 0
    assert "daemon.stopped" in cli.ok("events")


def test_run_in_the_foreground_tells_its_manager(cli: Cli) -> None:
    told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    told.bind(str(cli.folder / "notify"))
    told.settimeout(live.DEADLINE)
    running = subprocess.Popen(
        cli.argv("daemon", "run"),
        env={**cli.environ, "NOTIFY_SOCKET": str(cli.folder / "notify")},
        stderr=subprocess.DEVNULL,
    )
    assert told.recv(100) == b"READY=1"
    began = time.monotonic()
    running.send_signal(signal.SIGTERM)
    assert running.wait(timeout=live.DEADLINE) == 0
    assert time.monotonic() - began < live.DEADLINE
    assert [each["reason"] for each in of(events(cli), "daemon.stopped")] == ["SIGTERM came"]
    told.close()


def test_what_holds_a_place_neither_ends_nor_says_anything(daemon: Cli) -> None:
    """A pane that waits for another one shows for what: no output of its process, and no process of its own."""
    daemon.write(
        "waits.yaml",
        """\
version: 1
workspace: waits
sessions:
  s:
    panes:
      - {name: first, command: 'until [ -e go ]; do sleep 0.05; done; echo up; exec sleep 1000', health: {output: up}}
      - {name: second, command: 'exec sleep 1000', depends_on: {first: healthy}}
""",
    )
    applying = daemon.start("apply", "waits.yaml")
    found(daemon, lambda some: of(some, "pane.created", "s/second"))
    live.until(lambda: "healthy" in daemon.ok("logs", "s/second"))
    daemon.write("go", "")
    assert applying.done().code == 0
    every = found(daemon, lambda some: of(some, "pane.started", "s/second"))
    assert not of(every, "pane.exited", "s/second")
    waited = daemon.run("wait", "s/second", "--for", "output=healthy", "--timeout", "300ms")
    assert waited.code == 1, waited
