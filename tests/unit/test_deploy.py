"""What is shipped for service managers says what must be so."""

from __future__ import annotations

import configparser
from pathlib import Path

UNIT = Path(__file__).parents[2] / "deploy/systemd/orchestra.service"


def test_only_the_daemon_is_ever_ended() -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(UNIT)
    assert unit["Service"]["KillMode"] == "process"
    assert unit["Service"]["Type"] == "notify"
    assert unit["Service"]["ExecStart"].endswith(" daemon run")
