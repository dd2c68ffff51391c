"""What ran in a pane, as words that bring it back."""

from __future__ import annotations

import itertools
import re
import shlex
from dataclasses import dataclass

from orchestra.model import live, shells

PLAIN = frozenset({"-l", "-i", "-il", "-li", "--login", "--interactive", "-login"})
"""Arguments with which a shell is just one."""
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""What a terminal obeys; a line's end and a tab stand between quotes."""
LONGEST = 32_768
"""Bytes of a line."""

Words = str | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unwritable(Exception):
    """The message says why what ran cannot be written down."""

    reason: str


def is_shell(program: live.Program) -> bool:
    """And nothing but a shell."""
    if not program.argv:
        return False
    return shells.name_of(program.argv[0]) in shells.NAMES and all(word in PLAIN for word in program.argv[1:])


def is_called_shell(program: live.Program) -> bool:
    """Whatever its arguments."""
    return bool(program.argv) and shells.name_of(program.argv[0]) in shells.NAMES


def was(running: live.Running, *, in_shell: bool) -> Words | None:
    """What is to be typed to have it again; None for a shell in which nothing runs. `in_shell`: the first one is known to be a shell.
    Raises `Unwritable`."""
    if any(
        program.argv != running.first.argv for program in running.foreground
    ):  # else the shell itself, forked for its prompt
        programs = running.foreground
    elif in_shell or is_shell(running.first):
        return None
    else:
        programs = (running.first,)
    lines = [_words(program) for program in programs if program.argv]
    if not lines:
        return None
    words = lines[0] if len(lines) == 1 else " | ".join(map(line, lines))
    _refuse_unwritable(line(words))
    return words


def line(words: Words) -> str:
    """As a shell takes it."""
    return words if isinstance(words, str) else shlex.join(words)


def commands(words: Words) -> tuple[tuple[str, ...], ...]:
    """Those of a pipeline, in the form in which `was` writes one; none where the line is anything else (`a; b`, `$(a)`, `a > b`)."""
    if not isinstance(words, str):
        return (words,)
    lexer = shlex.shlex(words, posix=True, punctuation_chars="|")
    lexer.whitespace_split, lexer.commenters = True, ""
    try:
        found = [list(each) for bar, each in itertools.groupby(lexer, lambda word: word == "|") if not bar]
    except ValueError:  # a quote that nobody closed
        return ()
    return tuple(map(tuple, found)) if " | ".join(map(shlex.join, found)) == words else ()


def typed(words: Words) -> str:
    """The line, for a terminal in which nobody presses Enter. Raises `Unwritable` where it would be more than text there."""
    text = line(words)
    _refuse_unwritable(text)
    if "\n" in text and not commands(words):  # of others, it may stand outside of all quotes
        raise Unwritable("which is more than one line")
    return text


def shell(program: live.Program) -> str:
    """The path of a pane's own shell."""
    return program.path or program.argv[0].removeprefix("-")


def _words(program: live.Program) -> Words:
    first, *rest = program.argv
    if not rest and " " in first.strip() and not first.startswith(("/", ".")):
        return first.strip()  # it gave itself a title: its words are in one
    if first.startswith("-"):  # a login shell's name
        first = program.path or first[1:]
    return (first, *rest)


def _refuse_unwritable(text: str) -> None:
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise Unwritable("whose words are no text") from None
    if size > LONGEST:
        raise Unwritable("whose words are too long")
    if _CONTROL.search(text):
        raise Unwritable("whose words hold control characters")
