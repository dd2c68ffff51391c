"""What people scripted with the tmux bridge runs as it is: only its name is another."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.e2e import sandbox

SCRIPTS = Path(__file__).with_name("old_scripts")


@pytest.mark.parametrize("script", sorted(SCRIPTS.glob("*.sh")), ids=lambda path: path.stem)
def test_an_old_script(script: Path) -> None:
    text = script.read_text().replace(">/dev/null", ">&2")  # what it throws away says why it failed
    with sandbox.opened() as box:
        done = subprocess.run(
            [shutil.which("bash") or "bash", "-xc", text],
            cwd=box.folder,
            env=dict(box.environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )
    assert (done.stdout, done.returncode) == (script.with_suffix(".out").read_text(), 0), done.stderr
