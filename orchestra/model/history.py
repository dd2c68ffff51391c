"""What was typed into a shell, as a text that a person can read and write: a command a line. Where a command goes on in the next line,
a backslash stands before the newline, as zsh has it. The scripts in tmux/shell read the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

LONGEST = 4096
"""Bytes of a command, from which on shells' integration cuts it off: then it is none."""
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffd]")
_ENDS = re.compile(r"(?<!\\)\n")


def is_kept(command: str) -> bool:
    """Text, whole, and nothing that a terminal would obey when it is shown."""
    return bool(command.strip()) and not _CONTROL.search(command) and len(command.encode()) < LONGEST


def text(commands: Iterable[str]) -> str:
    return "".join(f"{_written(each)}\n" for each in commands)


def parse(text: str) -> tuple[str, ...]:
    found = (each.replace("\\\n", "\n") for each in _ENDS.split(text))
    return tuple(each for each in found if is_kept(each))


def _written(command: str) -> str:
    """With a space after a backslash at the end, which would be the newline's."""
    return command.replace("\n", "\\\n") + (" " if command.endswith("\\") else "")
