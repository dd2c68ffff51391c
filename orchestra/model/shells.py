"""Shells, by the names of their programs: what waits for a command line, and runs whatever is typed into it."""

from __future__ import annotations

NAMES = frozenset(
    {
        "ash",
        "bash",
        "csh",
        "dash",
        "elvish",
        "fish",
        "ksh",
        "ksh93",
        "mksh",
        "nu",
        "pwsh",
        "rbash",
        "rzsh",
        "sh",
        "tcsh",
        "xonsh",
        "yash",
        "zsh",
    }
)


def name_of(word: str) -> str:
    """Of a program, by its path or by what it calls itself: a login shell begins with a dash."""
    return word.rpartition("/")[2].removeprefix("-")
