"""Schedules and watched files with a real daemon, killed at will."""

from __future__ import annotations

import itertools
import random
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.e2e.conftest import Cli
from tests.e2e.test_daemon import events, found, kill, of, pid_of
from tests.e2e.test_daemon_faults import times
from tests.support import live

MANIFEST = """\
version: 1
workspace: shop
sessions:
  api:
    panes:
      - {name: server, command: exec sleep 1000}
      - {name: shell, command: exec sleep 1000}
schedules:
  - {name: often, every: 200ms, do: [{log: x}]}
  - {name: daily, cron: "0 9 * * *", timezone: Europe/Berlin, do: [{send_keys: {keys: [x], to: api/shell}}]}
  - {name: hourly, cron: "0 * * * *", timezone: Europe/Berlin, do: [{send_keys: {keys: [y], to: "api/*"}}]}
  - {name: over, at: "2020-01-01 00:00", do: [{log: x}]}
"""


@pytest.fixture
def shop(cli: Cli) -> Iterator[Cli]:
    cli.write("shop.yaml", MANIFEST)
    done = cli.run("apply", "shop.yaml")
    assert "the daemon was started: the manifest wants schedules" in done.err
    yield cli
    cli.ok("daemon", "stop")


@pytest.mark.torture
def test_the_daemon_is_killed_again_and_again(shop: Cli) -> None:
    """Each instant is due at most once, none is early, and what is left out is told as missed."""
    dice = random.Random(11)
    for _ in range(times(3, 200)):
        killer = threading.Timer(dice.random() * 0.5, kill, (pid_of(shop),))
        killer.start()
        killer.join()
        shop.ok("daemon", "start")
    count = len(of(events(shop), "schedule.due"))
    every = found(shop, lambda some: len(of(some, "schedule.due")) > count + 3)
    due = [
        (datetime.fromisoformat(each["at"]), datetime.fromisoformat(each["time"]))
        for each in of(every, "schedule.due")
    ]
    assert all(at <= time for at, time in due)
    assert all(one < other for (one, _), (other, _) in itertools.pairwise(due))
    steps = (due[-1][0] - due[0][0]) / timedelta(milliseconds=200)
    missed = sum(
        each["count"]
        for each in of(every, "schedule.missed")
        if datetime.fromisoformat(each["time"]) < due[-1][1] and "still at work" not in each["reason"]
    )
    assert steps + 1 == len(due) + missed
    assert {each["schedule"] for each in of(every, "schedule.due")} == {"often"}


def test_a_persons_hand(shop: Cli) -> None:
    found(shop, lambda some: of(some, "schedule.due"))
    assert shop.ok("schedule", "pause", "shop/often") == "shop/often is paused\n"
    shop.ok("daemon", "restart")
    shop.ok("apply", "shop.yaml")
    rows = {each["schedule"]: each for each in shop.json("schedule", "list")["schedules"]}
    assert {name: row["state"] for name, row in rows.items()} == {
        "often": "paused", "daily": "active", "hourly": "active", "over": "over",
    }  # fmt: skip
    assert shop.json("schedule", "run", "often")["at"].endswith("Z")
    (by_hand,) = (each for each in of(events(shop), "schedule.due") if each.get("cause") == "a person")
    assert by_hand["schedule"] == "often"
    shop.ok("daemon", "stop")
    alone = shop.json("schedule", "list")["schedules"]
    assert [bare(each) for each in alone] == [bare(each) for each in rows.values()]  # as the daemon said
    done = shop.run("schedule", "resume", "often")
    assert (done.code, "orchestra daemon start" in done.err) == (1, True)
    shop.ok("daemon", "start")
    shop.ok("schedule", "resume", "often")
    every = found(
        shop,
        lambda some: (
            of(some, "schedule.resumed")
            and of(some, "schedule.due")[-1]["sequence"] > of(some, "schedule.resumed")[0]["sequence"]
        ),
    )
    missed = [each["reason"] for each in of(every, "schedule.missed")]
    assert [each for each in missed if "still at work" not in each][-1] == "it was paused"
    assert shop.json("daemon", "status")["parts"]["schedules"]["troubles"] == []


def bare(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != "next"}


def test_what_is_shown(shop: Cli) -> None:
    done = shop.run("validate", "shop.yaml")
    warning = 'schedules "daily" and "hourly" type into api/shell at the same instant\n  --> '
    assert warning in done.err
    assert "shop.yaml:11:5" in done.err
    assert 'schedule "over" is never due: its time has passed' in done.err
    assert warning.partition("\n")[0] in shop.run("diff", "shop.yaml").err
    listed = shop.run("schedule", "list")
    assert warning.partition("\n")[0] in listed.err
    assert "shop/daily   cron 0 9 * * * Europe/Berlin" in listed.out
    (daily,) = shop.json("schedule", "next", "daily", "-n", "4")["schedules"]
    for each in daily["next"]:
        assert datetime.fromisoformat(each["utc"]) == datetime.fromisoformat(each["local"])
        assert "T09:00:00+0" in each["local"]
    assert len(daily["next"]) == 4
    done = shop.run("schedule", "run", "dayly")
    assert (done.code, "did you mean daily?" in done.err) == (64, True)
    assert "shop/over is not due any more: over" in shop.run("schedule", "next", "over").err


def test_files(cli: Cli) -> None:
    cli.write(
        "w.yaml",
        "version: 1\nworkspace: w\nsessions:\n  s:\n    panes:\n"
        "      - {name: p, command: exec sleep 1000, watch: {paths: ['src/**/*.py'], debounce: 100ms, do: [{log: x}]}}\n"
        "triggers:\n  - {name: conf, on: {file: [conf/*.ini]}, do: [{log: x}]}\n",
    )
    (cli.folder / "src").mkdir()
    cli.write("src/a.py", "1")
    cli.ok("apply", "w.yaml")
    live.until(lambda: cli.json("daemon", "status")["parts"]["watch"]["directories"] > 0)
    (cli.folder / "src" / "a.py.tmp").write_text("2")
    (cli.folder / "src" / "a.py.tmp").rename(cli.folder / "src" / "a.py")
    (each,) = of(found(cli, lambda some: of(some, "watch.changed")), "watch.changed")
    assert (each["address"], each["paths"], each["count"]) == ("s/p", [str(cli.folder / "src" / "a.py")], 1)
    (cli.folder / "conf").mkdir()
    cli.write("conf/x.ini", "1")
    (each,) = of(found(cli, lambda some: of(some, "file.changed")), "file.changed")
    assert (each["trigger"], each["workspace"], each["count"]) == ("conf", "w", 1)
    (cli.folder / "src" / b"\xff \n.py".decode(errors="surrogateescape")).write_text("1")
    every = found(cli, lambda some: len(of(some, "watch.changed")) == 2)
    assert [each["count"] for each in of(every, "watch.changed")] == [1, 1]
    cli.ok("daemon", "stop")
