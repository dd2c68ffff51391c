"""Every file in manifests/ is what it says: it applies, comes to rest, and goes away without a trace.

Programs that a machine may not have (npm, redis-server, a coding agent, …) are stood in for by `stand_ins/`; the manifests themselves are
used unchanged.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.e2e import sandbox

ROOT = Path(__file__).parents[2]
STAND_INS = Path(__file__).parent / "stand_ins"
MANIFESTS = sorted((ROOT / "manifests").glob("*.yaml"))
PORTS = ("port", "api_port", "web_port", "base")


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda path: path.stem)
def test_manifest(manifest: Path) -> None:
    with sandbox.opened() as box:
        project = box.folder / "project"
        shutil.copytree(ROOT / "manifests", project)
        shutil.copytree(STAND_INS / "project", project, dirs_exist_ok=True)
        path = f"{STAND_INS / 'bin'}:{box.environment['PATH']}"
        own = sandbox.Sandbox(
            folder=project,
            environment={**box.environment, "PATH": path, "DJANGO_SECRET_KEY": "x", "REDIS_PORT": "6380"},
        )
        text = manifest.read_text(encoding="utf-8")
        ports = [
            word
            for name in PORTS
            if f"\n  {name}: " in text
            for word in ("--var", f"{name}={sandbox.free_port()}")
        ]
        words = (manifest.name, *ports)

        assert own.orchestra("validate", *words).returncode == 0
        first = own.orchestra("apply", *words, "-o", "json")
        assert first.returncode == 0, first.stdout + first.stderr
        assert json.loads(first.stdout)["failed"] == {}
        pids = own.tmux("list-panes", "-a", "-F", "#{pane_id} #{pane_pid}").stdout

        again = own.orchestra("diff", *words)
        assert again.returncode == 0, again.stdout + again.stderr
        assert own.orchestra("apply", *words).returncode == 0
        assert own.tmux("list-panes", "-a", "-F", "#{pane_id} #{pane_pid}").stdout == pids

        gone = own.orchestra("delete", *words, "--yes")
        assert gone.returncode == 0, gone.stdout + gone.stderr
        assert "no server" in own.tmux("list-sessions").stderr


def test_there_are_enough() -> None:
    assert len(MANIFESTS) >= 10
