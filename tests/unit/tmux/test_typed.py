from __future__ import annotations

import pytest

from orchestra.tmux import stream, typed


def own(verb: str, number: int, rest: str) -> str:
    return f"\x1b]7717;TOKEN;{verb};{number};{rest}\a"


def other(letter: str) -> str:
    return f"\x1b]133;{letter}\a"


def told(text: str, *, shell: bool) -> list[str]:
    """Lines in order; before those that were typed stands a `>`, before those that are held a `?`."""
    lines = typed.Typed(shell=shell)
    found = stream.Stream("TOKEN" if shell else "").feed(text.encode())
    said = lines.feed(found)
    shown = [f"{'>' if number in said.typed else ''}{text}" for number, text in enumerate(said.lines)]
    waits = lines.waits
    held = [f"?{text}" for text in lines.release().lines]
    assert bool(held) is waits
    assert not lines.waits
    return shown + held


COMMAND = f"$ echo ERROR\r\n{own('start', 1, 'echo ERROR')}ERROR\r\n{own('end', 1, '0')}"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("welcome\r\n" + COMMAND, ["welcome", ">$ echo ERROR", "ERROR"]),
        (COMMAND + "$ late\r\nlater\r\n", [">$ echo ERROR", "ERROR", "?$ late", "?later"]),
        (
            COMMAND + f"$ ERROR behind\r\ntrue\r\n{own('start', 2, 'true')}{own('end', 2, '0')}",
            [">$ echo ERROR", "ERROR", "$ ERROR behind", ">true"],
        ),
        (
            f"x\r\n$ for a in 1; do\r\n> ERROR\r\n> done\r\n{own('start', 1, 'for a in 1; do%0aERROR%0adone')}y\r\n",
            ["x", ">$ for a in 1; do", ">> ERROR", ">> done", "y"],
        ),
        (f"$ drawn in its own way\r\n{own('start', 1, 'ERROR')}", [">$ drawn in its own way"]),
        (f"$ unknown\r\n{own('again', 1, 'x')}y\r\n", [">$ unknown", "y"]),
        ("".join(f"{n}\r\n" for n in range(22)), ["0", "1", *(f"?{n}" for n in range(2, 22))]),
    ],
)
def test_a_shell_of_ours(text: str, lines: list[str]) -> None:
    assert told(text, shell=True) == lines


PROMPT = f"{other('A')}$ {other('B')}"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        # It is believed from when it has told of output on.
        (f"{PROMPT}ERROR\r\n{other('C')}ERROR\r\n{other('D')}", ["$ ERROR", "ERROR"]),
        (
            f"{other('C')}a\r\n{other('D')}{PROMPT}ERROR\r\nmore\r\n{other('C')}ERROR\r\n{other('D;1')}{PROMPT}",
            ["a", ">$ ERROR", ">more", "ERROR"],
        ),
        (f"{other('C')}{PROMPT}" + "x\r\n" * 101, [">$ x", *[">x"] * 99, "x"]),
        (COMMAND, ["$ echo ERROR", "ERROR"]),
    ],
)
def test_anybodys_shell(text: str, lines: list[str]) -> None:
    assert told(text, shell=False) == lines
