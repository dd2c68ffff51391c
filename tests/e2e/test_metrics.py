"""Figures of real panes, as a person, a script and Prometheus meet them."""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Cli
from tests.support import cli_reference, live

BUSY = "exec python3 -S -c 'while True: pass'"
MANIFEST = f"""\
version: 1
workspace: shop
groups: {{back: {{sessions: [api]}}}}
sessions:
  api:
    panes:
      - {{name: busy, command: "{BUSY}"}}
      - {{name: once, command: "exit 3"}}
  web: {{panes: [{{name: shell}}]}}
"""
TICKS = os.sysconf("SC_CLK_TCK")


@pytest.fixture
def shop(cli: Cli) -> Cli:
    cli.ok("apply", cli.write("shop.yaml", MANIFEST), "--no-wait")
    cli.tmux("new-session", "-d", "-s", "own", "exec sleep 1000")
    return cli


def spent(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def child(pid: int) -> int:
    """The command's process, below the wrapper."""
    return live.until(lambda: next(iter(live.children(pid)), 0), "a child")


def asked(cli: Cli, path: str) -> tuple[str, str]:
    (state,) = (cli.folder / "state" / "orchestra").iterdir()
    with socket.socket(socket.AF_UNIX) as connected:
        connected.connect(str(state / "run/daemon.sock"))
        connected.sendall(f"GET {path} HTTP/1.0\r\nHost: x\r\n\r\n".encode())
        answer = http.client.HTTPResponse(connected)
        answer.begin()
        assert answer.status == 200, answer.read()
        return answer.headers["Content-Type"], answer.read().decode()


def rows(found: Any) -> dict[str, Any]:
    return {row["address"]: row for row in found["panes"]}


def test_without_a_daemon_two_samples_tell(shop: Cli) -> None:
    found = shop.json("metrics", "--interval", "300ms")
    assert set(found) == {"status", "command", *cli_reference.SHAPES["metrics"]}
    assert found["source"] == "this command"
    told = rows(found)
    assert told.keys() == {"api/busy", "api/once", "web/shell", "own/0"}
    assert told["api/busy"]["interval"] == pytest.approx(0.3, abs=2)
    assert told["api/busy"]["cpu_percent"] > 0
    assert told["api/once"]["cpu_percent"] is None
    assert told["own/0"]["workspace"] == ""
    assert found["total"]["pane_count"] == 4
    assert found["total"]["rss"] == sum(row["rss"] or 0 for row in told.values())
    sessions = {each["session"]: each["pane_count"] for each in found["sessions"]}
    assert sessions == {"api": 2, "web": 1, "own": 1}
    group = shop.json("metrics", "@back", "--interval", "100ms")
    assert rows(group).keys() == {"api/busy", "api/once"}
    assert group["groups"][0]["pane_count"] == 2
    refused = shop.run("metrics", "api/bsuy", "--interval", "100ms")
    assert refused.code == 64
    assert "did you mean api/busy?" in refused.err
    done = shop.run("metrics", "--history", "1h")
    assert done.code == 1
    assert "orchestra daemon start" in done.err


def test_daemon_measures_within_five_percent_of_proc(shop: Cli) -> None:
    shop.ok("daemon", "start")
    pid = child(shop.panes()["api/busy"])
    assert live.until(lambda: spent(pid) > 0.2, "a busy process")
    first = rows(json.loads(asked(shop, "/v1/metrics?max_age=0")[1]))["api/busy"]
    before = spent(pid)
    live.until(lambda: spent(pid) > before + 0.6, "more work")
    # Read on both sides of the sample: it lies between.
    least = spent(pid) - before
    second = rows(json.loads(asked(shop, "/v1/metrics?max_age=0")[1]))["api/busy"]
    most = spent(pid) - before
    used = second["cpu_seconds"] - first["cpu_seconds"]
    assert 0.95 * least - 2 / TICKS <= used
    assert used <= 1.05 * (most + second["interval"] - least) + 2 / TICKS
    assert second["cpu_percent"] == pytest.approx(100 * used / second["interval"], rel=0.05)


def test_daemon_remembers_and_prometheus_reads(shop: Cli) -> None:
    shop.ok("daemon", "start")
    found = shop.json("metrics", "api/busy", "%0")
    assert found["source"] == "the daemon"
    assert rows(found)["api/busy"]["cpu_percent"] is not None
    (history,) = shop.json("metrics", "api/busy", "--history", "1h")["history"]
    assert history["address"] == "api/busy"
    assert history.keys() == {"address", "id", "workspace", "points"}
    assert history["points"][0]["rss"] > 0
    assert "CPU" in shop.ok("metrics", "api/busy", "--history", "10m")
    kind, text = asked(shop, "/metrics")
    assert kind.startswith("text/plain")
    assert '\norchestra_pane_threads{pane="own/0",session="own",workspace=""} 1.0\n' in text
    assert '\norchestra_panes{condition="failed",workspace="shop"} 1.0\n' in text
    assert '\norchestra_pane_restarts_total{pane="api/busy",session="api",workspace="shop"} 0.0\n' in text
    assert "\nprocess_cpu_seconds_total " in text
    assert "\norchestra_panes{" in shop.ok("metrics", "--prometheus")
    assert shop.run("metrics", "own", "--prometheus").code == 64
    shop.ok("restart", "api/busy")
    live.until(lambda: rows(shop.json("metrics"))["api/busy"]["restarts"] == 1, "a restart")


def test_old_spellings_answer_in_json(shop: Cli) -> None:
    fields = [
        "cpu_percent",
        "memory_mb",
        "memory_percent",
        "io_read_kb",
        "io_write_kb",
        "uptime_seconds",
        "thread_count",
        "process_count",
    ]
    pane = json.loads(shop.ok("pane-metrics", "api", "busy"))
    assert pane["command"] == "pane-metrics"
    assert pane["session"] == "api"
    assert pane["pane_id"] == 0
    assert set(fields) < pane.keys()
    assert json.loads(shop.ok("pane-metrics", "own", "0"))["process_count"] == 1
    session = json.loads(shop.ok("session-metrics", "api"))
    assert session["pane_count"] == 2
    assert session["process_count"] == pane["process_count"]
    wrong = shop.run("pane-metrics", "api", "7")
    assert wrong.code == 1
    assert wrong.json["message"] == "there is no pane 7 in api"
    assert shop.run("metrics-history", "api", "0").json["hint"] == "start it with: orchestra daemon start"
    shop.ok("daemon", "start")
    (point,) = json.loads(shop.ok("metrics-history", "api", "0", "1h"))["history"]
    assert {"timestamp", "cpu_percent", "memory_mb"} < point.keys()


def test_days_are_kept_for_who_wants_them(shop: Cli) -> None:
    config = shop.folder / "config" / "orchestra"
    config.mkdir(parents=True)
    (config / "config.yaml").write_text("metrics: {keep: 7d}\n")
    shop.ok("daemon", "start")
    shop.ok("metrics")
    (state,) = (shop.folder / "state" / "orchestra").iterdir()
    live.until((state / "samples.sqlite").is_file, "a file of samples")
    (history,) = shop.json("metrics", "api/busy", "--history", "2d")["history"]
    assert history["points"]
    shop.ok("daemon", "stop")
    (config / "config.yaml").write_text("metrics: {keep: ages}\n")
    shop.ok("daemon", "start")
    status = shop.json("daemon", "status")
    assert any("metrics" in each and "ages" in each for each in status["troubles"]), status


def test_watch_goes_on_until_it_is_interrupted(shop: Cli) -> None:
    running = shop.start("metrics", "own", "--watch", "--interval", "100ms", "-o", "json")
    for _ in range(3):
        assert json.loads(running.line())["panes"][0]["address"] == "own/0"
    running.signal(2)
    assert running.done().code == 130


def test_top_in_a_real_terminal(shop: Cli) -> None:
    terminal = shop.terminal("top", "--interval", "500ms", env={"NO_COLOR": "1"})
    terminal.until("busy")
    terminal.until("not orchestra's")
    codes = {code for each in re.findall(r"\x1b\[([0-9;]*)m", terminal.shown) for code in each.split(";")}
    assert not codes & {str(code) for code in (*range(30, 39), *range(40, 49), *range(90, 108))}, "NO_COLOR"
    terminal.type("q")
    assert terminal.done() == 0


def test_top_is_for_terminals(shop: Cli) -> None:
    assert "needs a terminal" in shop.run("top").err
    assert shop.run("top", "-o", "json").code == 64
