"""What is built: sessions of windows of panes that all run the same cheap command, told in each tool's own language."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

COMMAND = ("sleep", "100000")
EDITED = ("sleep", "100001")
COLUMNS, ROWS = 200, 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    sessions: int
    windows: int
    """Of each session; `panes` are of each window, tiled."""
    panes: int = 1

    @property
    def total(self) -> int:
        return self.sessions * self.windows * self.panes

    def __str__(self) -> str:
        parts = (
            _count(self.sessions, "session"),
            _count(self.windows, "window"),
            f"{_count(self.panes, 'pane')}{' tiled' if self.panes > 1 else ''}",
        )
        return " × ".join(parts)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def manifest(shape: Shape, *, edited: bool = False) -> str:
    """Orchestra's. `edited`: the first pane's command is another one."""
    sessions = {
        f"s{session}": {
            "dir": "/",
            "windows": [
                {
                    "name": f"w{window}",
                    **({"layout": "tiled"} if shape.panes > 1 else {}),
                    "panes": [
                        {
                            "name": f"w{window}p{pane}",
                            "command": EDITED if edited and not session + window + pane else COMMAND,
                        }
                        for pane in range(shape.panes)
                    ],
                }
                for window in range(shape.windows)
            ],
        }
        for session in range(shape.sessions)
    }
    return _yaml({"version": 1, "workspace": "bench", "sessions": sessions})


def tmux_commands(shape: Shape) -> str:
    """The least that makes the same panes: a floor that does not say whose they are, nor what they were made from."""
    lines: list[Sequence[str]] = []
    for session in range(shape.sessions):
        for window in range(shape.windows):
            name = f"w{window}"
            if window == 0:
                size = ("-x", str(COLUMNS), "-y", str(ROWS))
                lines.append(
                    ("new-session", "-d", "-s", f"s{session}", "-n", name, *size, "-c", "/", *COMMAND)
                )
            else:
                lines.append(("new-window", "-d", "-t", f"=s{session}:", "-n", name, "-c", "/", *COMMAND))
            target = f"=s{session}:{name}"
            for _ in range(shape.panes - 1):
                lines.append(("split-window", "-t", target, "-c", "/", *COMMAND))
                lines.append(("select-layout", "-t", target, "tiled"))
    return _script(lines)


def tmux_teardown(shape: Shape) -> str:
    return _script([("kill-session", "-t", f"=s{session}") for session in range(shape.sessions)])


def _script(lines: Sequence[Sequence[str]]) -> str:
    return "".join(" ".join(f'"{word}"' for word in line) + "\n" for line in lines)


def tmuxp_files(shape: Shape) -> Iterator[str]:
    """With `shell`, which starts the command as tmux does: a little faster than tmuxp's own way, which types it into a shell."""
    for session in range(shape.sessions):
        windows = [
            {
                "window_name": f"w{window}",
                **({"layout": "tiled"} if shape.panes > 1 else {}),
                "panes": [{"shell": " ".join(COMMAND)}] * shape.panes,
            }
            for window in range(shape.windows)
        ]
        yield _yaml({"session_name": f"s{session}", "start_directory": "/", "windows": windows})


def tmuxinator_files(shape: Shape, socket: str) -> Iterator[str]:
    """It can only type."""
    typed = " ".join(COMMAND)
    for session in range(shape.sessions):
        windows = [
            {f"w{window}": typed if shape.panes == 1 else {"layout": "tiled", "panes": [typed] * shape.panes}}
            for window in range(shape.windows)
        ]
        head = {"name": f"s{session}", "root": "/", "attach": False, "socket_name": socket}
        yield _yaml({**head, "windows": windows})


def _yaml(plain: object) -> str:
    """Block style, as people write it: a parser's work depends on it."""
    return "".join(f"{line}\n" for line in _block(plain))


def _block(plain: object) -> Iterator[str]:
    match plain:
        case dict():
            for key, value in plain.items():
                if isinstance(value, dict | list):
                    yield f"{key}:"
                    yield from (f"  {line}" for line in _block(value))
                else:
                    yield f"{key}: {json.dumps(value)}"
        case list():
            for item in plain:
                first, *rest = _block(item)
                yield f"- {first}"
                yield from (f"  {line}" for line in rest)
        case _:
            yield json.dumps(plain)
