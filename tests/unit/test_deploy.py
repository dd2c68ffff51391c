"""What is shipped for service managers says what must be so."""

from __future__ import annotations

import configparser
from pathlib import Path

from orchestra.cli import restore

UNITS = Path(__file__).parents[2] / "deploy/systemd"


def unit_of(name: str) -> configparser.ConfigParser:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(UNITS / name)
    return unit


def test_only_the_daemon_is_ever_ended() -> None:
    unit = unit_of("orchestra.service")
    assert unit["Service"]["KillMode"] == "process"
    assert unit["Service"]["Type"] == "notify"
    assert unit["Service"]["ExecStart"].endswith(" daemon run")


def test_what_was_restored_outlives_the_restoring() -> None:
    unit = unit_of("orchestra-restore.service")
    assert unit["Service"]["KillMode"] == "process"
    assert unit["Service"]["Type"] == "oneshot"
    words = unit["Service"]["ExecStart"].split()[1:]
    assert words[0] == "restore"
    given = restore.command.make_context("restore", words[1:]).params  # it knows all of them
    assert given["latest"]
    assert given["runs"] == ("ask",)
