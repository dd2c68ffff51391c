"""Which lines of a pane are what somebody typed at a shell's prompt, as far as the shell tells: what is echoed there nobody printed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from orchestra.tmux import marks, stream

HELD = 20
"""Lines that may wait at a prompt for the shell to say that they were a command."""
MOST = 100
"""Lines of a command that OSC 133 is believed: any program can print that."""


class Told(NamedTuple):
    lines: list[str]
    typed: list[int]
    """Which of them."""


class Typed:
    """Of one pane. A shell of ours says that a command starts right after the line that it was typed in: at a prompt a line is held until
    then, and whoever feeds releases it when nothing of the kind comes. Others say by OSC 133 where their prompt ends and output starts."""

    def __init__(self, *, shell: bool) -> None:
        """`shell`: one of ours, which tells of its commands."""
        self._at_prompt = shell
        self._held: list[str] = []
        self._tells_output = False
        self._typing = 0

    @property
    def waits(self) -> bool:
        return bool(self._held)

    def feed(self, found: Sequence[stream.Found]) -> Told:
        lines = [each.text for each in found if isinstance(each, stream.Line)]
        if not self._at_prompt and not self._typing and len(lines) == len(found):
            return Told(lines, [])  # as nearly always, and a million a second
        told = list(self._told(found))
        return Told(
            [text for text, _ in told], [number for number, (_, is_typed) in enumerate(told) if is_typed]
        )

    def release(self) -> Told:
        """What was held and was no command."""
        held, self._held = self._held, []
        return Told(held, [])

    def _told(self, found: Sequence[stream.Found]) -> Iterator[tuple[str, bool]]:
        for each in found:
            if isinstance(each, marks.Mark):
                yield from self._marked(each)
            elif self._at_prompt:
                self._held.append(each.text)
                if len(self._held) > HELD:
                    yield self._held.pop(0), False
            else:
                yield each.text, self._typing > 0
                self._typing = max(self._typing - 1, 0)

    def _marked(self, mark: marks.Mark) -> Iterator[tuple[str, bool]]:
        match mark.kind:
            case marks.Kind.COMMAND_START:
                held, self._held = self._held, []
                begin = len(held) - _lines(held, mark.text)
                yield from ((text, number >= begin) for number, text in enumerate(held))
                self._at_prompt, self._typing = False, 0
            case marks.Kind.COMMAND_END:
                self._at_prompt, self._typing = True, 0
            case marks.Kind.PROMPT_END if self._tells_output:
                self._typing = MOST
            case marks.Kind.OUTPUT_START:
                self._tells_output, self._typing = True, 0
            case marks.Kind.PROMPT_START | marks.Kind.OUTPUT_END:
                self._typing = 0


def _lines(held: list[str], command: str) -> int:
    """How many of the last lines are the command: one at least, however its editor drew it."""
    count = 0
    for text, line in zip(reversed(held), reversed(command.split("\n")), strict=False):
        if count and not text.rstrip().endswith(line.rstrip()):
            break
        count += 1
    return count
