"""Every hostile manifest is refused, or loaded, within two seconds of processor time and 256 MiB, and nothing it names is run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.manifest import hostile

SECONDS = 2
"""Of processor time, which a loaded machine does not spend; the interpreter gets one more."""
MEBIBYTES = 256
LOAD = """
import json, pathlib, resource, sys
most, seconds = map(int, sys.argv[2:])
resource.setrlimit(resource.RLIMIT_AS, (most, most))
resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
from orchestra.manifest import load
from orchestra.model import errors
told = []
try:
    load.load(pathlib.Path(sys.argv[1]), load.Inputs())
except errors.ManifestError as failed:
    told = [one.summary for one in failed.diagnostics]
print(json.dumps(told))
"""
HARMLESS = {"one huge value", "env times panes"}


# Measuring coverage in there would be most of what is measured.
ENVIRON = {name: value for name, value in os.environ.items() if not name.startswith("COV")}


def told(path: Path) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", LOAD, str(path), str(MEBIBYTES * 1024 * 1024), str(SECONDS + 1)],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
        env=ENVIRON,
    )
    assert done.returncode == 0, f"{done.returncode}: {done.stderr[-2000:]}"
    found: list[str] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("name", hostile.TEXTS)
def test_a_hostile_text_costs_little(tmp_path: Path, name: str) -> None:
    (tmp_path / "m.yaml").write_text(hostile.TEXTS[name]())
    found = told(tmp_path / "m.yaml")
    assert bool(found) != (name in HARMLESS)
    assert all(len(summary) < 300 for summary in found)


def test_including_everything_costs_little(tmp_path: Path) -> None:
    for number in range(60):
        text = "#" * 1_000_000 + f"\nx{number}: [{'1,' * 20_000}]\n"
        (tmp_path / f"f{number}.yaml").write_text(text)
    names = ", ".join(f"f{number}.yaml" for number in range(60))
    (tmp_path / "m.yaml").write_text(f"{hostile.HEAD}include: [{names}, /dev/zero, /dev/stdin, .]\n")
    assert told(tmp_path / "m.yaml")


def test_a_hostile_env_file_costs_little(tmp_path: Path) -> None:
    (tmp_path / "many").write_text("".join(f"A{number}=1\n" for number in range(80_000)))
    (tmp_path / "open").write_text("A='" + "\n" * 900_000)
    (tmp_path / "spaces").write_text("A=" + " " * 900_000 + "x")
    (tmp_path / "blank").write_text(" " * 900_000)
    text = "env_file: [many, open, spaces, blank, /dev/zero]\nsessions: {s: {panes: [{replicas: 500}]}}\n"
    (tmp_path / "m.yaml").write_text(hostile.HEAD + text)
    assert told(tmp_path / "m.yaml")


def test_many_files_in_many_panes_cost_little(tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / f"{number}.env").write_text("".join(f"A{one}=1\n" for one in range(999)))
    lists = ["[" + ", ".join(f"{(one + turn) % 20}.env" for one in range(20)) + "]" for turn in range(20)]
    panes = ", ".join(f"{{replicas: 45, env: {{B: c}}, env_file: {one}}}" for one in lists)
    (tmp_path / "m.yaml").write_text(f"{hostile.HEAD}sessions: {{s: {{panes: [{panes}]}}}}\n")
    assert told(tmp_path / "m.yaml") == []
