"""What a stream says beside its text: shell integration, ours and everybody's, bells and titles."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass

from orchestra.model import history

PRIVATE = b"7717"
"""The number of our own control string, `ESC ] 7717 ; TOKEN ; VERB ; NUMBER ; REST BEL`; tmux ignores it."""


class Kind(enum.StrEnum):
    PROMPT_START = "prompt-start"
    PROMPT_END = "prompt-end"
    OUTPUT_START = "output-start"
    OUTPUT_END = "output-end"
    """These four are OSC 133, which any program can print."""
    COMMAND_START = "command-start"
    COMMAND_END = "command-end"
    """These two come from a shell that knows the pane's token."""
    BELL = "bell"
    TITLE = "title"


@dataclass(frozen=True, slots=True)
class Mark:
    kind: Kind
    offset: int
    """Raw bytes consumed when it ended."""
    text: str = ""
    """A title; or a command as it was typed, newlines and control characters included, "" when its shell does not tell."""
    number: int = 0
    """Which of its shell's commands, from 1."""
    exit_code: int | None = None


class Reader:
    """Control strings of one pane into marks. A command starts once and ends once, in the order of their numbers: a log of the pane
    that is printed in the pane itself changes nothing."""

    def __init__(self, token: str, ended: int) -> None:
        self._token = token.encode()
        self._started = ended
        self._ended = ended

    def mark(self, string: bytes, offset: int, last_line: str) -> Mark | None:
        """`string`: what stood between `ESC ]` and its end."""
        number, _, rest = string.partition(b";")
        if number == b"133":
            return _standard(rest, offset)
        if number in (b"0", b"2"):
            return Mark(Kind.TITLE, offset, CONTROLS.sub("", rest.decode("utf-8", "replace")))
        if number == PRIVATE:
            return self._own(rest, offset, last_line)
        return None

    def _own(self, string: bytes, offset: int, last_line: str) -> Mark | None:
        token, _, rest = string.partition(b";")
        if not self._token or token != self._token or (found := _COMMAND.fullmatch(rest)) is None:
            return None
        verb, count, more = found[1], int(found[2]), found[3]
        if verb == b"end":
            if count <= self._ended or count < self._started or not _CODE.fullmatch(more):
                return None
            self._started = self._ended = count
            return Mark(Kind.COMMAND_END, offset, number=count, exit_code=int(more))
        if count <= self._started:
            return None
        self._started = count
        text = _ENCODED.sub(lambda each: bytes((int(each[1], 16),)), more)[: history.LONGEST]
        command = text.decode("utf-8", "replace")
        if verb == b"again" and not last_line.endswith(command):
            command = ""  # its shell's history did not take it, and what it took last is not what was echoed
        return Mark(Kind.COMMAND_START, offset, command, number=count)


CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_COMMAND = re.compile(rb"(start|again|end);([0-9]{1,9});(.*)", re.DOTALL)
_CODE = re.compile(rb"[0-9]{1,3}")
_ENCODED = re.compile(rb"%([0-9A-Fa-f]{2})")
_STANDARD = {
    b"A": Kind.PROMPT_START,
    b"B": Kind.PROMPT_END,
    b"C": Kind.OUTPUT_START,
    b"D": Kind.OUTPUT_END,
}


def _standard(string: bytes, offset: int) -> Mark | None:
    letter, *parameters = string.split(b";")
    if (kind := _STANDARD.get(letter)) is None:
        return None
    code = parameters[0] if parameters and kind is Kind.OUTPUT_END else b""
    return Mark(kind, offset, exit_code=int(code) if _CODE.fullmatch(code) else None)
