"""Makes docs/orchestra.svg from a real run: `python -m tests.support.picture`."""

from __future__ import annotations

import io
import os
import pty
import re
import subprocess
from pathlib import Path

from rich.console import Console
from rich.text import Text

from tests.e2e import sandbox

ROOT = Path(__file__).parents[2]
_FONTS = re.compile(r"\s*@font-face \{.*?\}", re.DOTALL)
"""They would be fetched from elsewhere; the reader's own monospace font will do."""
_SOCKET = re.compile(r"/\S+/tmux-\d+/default")
MANIFEST = """\
version: 1
workspace: shop
sessions:
  api:
    windows:
      - name: main
        layout: main-vertical
        panes:
          - name: server
            command: ["python3", "-m", "http.server", "{port}", "--bind", "127.0.0.1"]
            health: {{http: "http://127.0.0.1:{port}/"}}
          - {{name: client, command: "while :; do date; sleep 5; done", depends_on: {{server: healthy}}}}
          - {{name: shell, send_keys: ["echo ready"]}}
"""
SESSION = (
    "orchestra diff shop.yaml",
    "orchestra apply shop.yaml",
    "sed -i 's/sleep 5/sleep 9/; s/main-vertical/tiled/' shop.yaml",
    "tmux rename-session -t api oops",
    "orchestra diff shop.yaml",
    "orchestra apply shop.yaml --yes",
    "orchestra status",
)


def on_a_terminal(command: str, box: sandbox.Sandbox) -> str:
    """What the command prints where it believes to be looked at."""
    ours, theirs = pty.openpty()
    environment = {**box.environment, "COLUMNS": "110", "LINES": "40"}
    process = subprocess.Popen(
        ["bash", "-c", command], cwd=box.folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    printed = b""
    while True:
        try:
            chunk = os.read(ours, 65536)
        except OSError:
            break
        if not chunk:
            break
        printed += chunk
    process.wait()
    os.close(ours)
    return settled(printed.decode(errors="replace"))


def settled(printed: str) -> str:
    """The live region's last state: what was drawn over is left out."""
    lines: list[str] = []
    for row in printed.replace("\r\n", "\n").split("\n"):
        ups = row.count("\x1b[1A")
        if ups:
            del lines[len(lines) - ups :]
        for code in ("\x1b[1A", "\x1b[2K", "\x1b[?25l", "\x1b[?25h"):
            row = row.replace(code, "")
        lines.append(row.split("\r")[-1])
    return "\n".join(lines).strip("\n")


def main() -> None:
    console = Console(record=True, width=120, force_terminal=True, file=io.StringIO())
    with sandbox.opened() as box:
        (box.folder / "shop.yaml").write_text(MANIFEST.format(port=sandbox.free_port()), encoding="utf-8")
        for command in SESSION:
            console.print(Text(f"$ {command}", style="bold"))
            printed = on_a_terminal(command, box)
            if printed:
                console.print(Text.from_ansi(_SOCKET.sub("/tmp/tmux-1000/default", printed)))
    picture = _FONTS.sub("", console.export_svg(title="orchestra"))
    (ROOT / "docs" / "orchestra.svg").write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    main()
