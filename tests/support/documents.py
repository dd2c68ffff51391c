"""Runs what a page shows.

In a page, `<!-- file: NAME -->` before a fenced block writes that block to NAME, and each `console` block is a session in a shell: lines
that begin with `$ ` are typed, what follows must come out. In what must come out, a line `...` stands for any lines and `...` inside a line
for any text. A command that ends in `# exits N` must exit so; the others must exit 0. Blocks of other kinds (`sh`) are only shown.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(
    r"(?:<!-- file: (?P<file>\S+) -->\n+)?^```(?P<kind>[a-z]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL
)
_EXITS = re.compile(r"\s+# exits (\d+)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    line: int
    text: str
    expected: str
    exits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    name: str
    text: str


def steps(page: str) -> Iterator[Command | File]:
    for block in _BLOCK.finditer(page):
        if block["file"]:
            yield File(name=block["file"], text=block["body"])
        elif block["kind"] == "console":
            yield from _commands(block["body"], page.count("\n", 0, block.start("body")) + 1)


def _commands(body: str, line: int) -> Iterator[Command]:
    typed, start = "", line
    expected: list[str] = []
    for number, row in enumerate(body.splitlines(), line):
        if row.startswith("$ "):
            if typed:
                yield _command(start, typed, expected)
            typed, expected, start = row[2:], [], number
        elif row.startswith("> ") and not expected:
            typed += "\n" + row[2:]
        else:
            expected.append(row)
    if typed:
        yield _command(start, typed, expected)


def _command(line: int, typed: str, expected: list[str]) -> Command:
    exits = _EXITS.search(typed)
    return Command(
        line=line, text=typed, expected="\n".join(expected).strip("\n"), exits=int(exits[1]) if exits else 0
    )


def run(page: Path, folder: Path, environment: Mapping[str, str]) -> int:
    """Carries the page out in `folder`; the number of commands. AssertionError names the line that is not true."""
    count = 0
    for step in steps(page.read_text(encoding="utf-8")):
        if isinstance(step, File):
            target = folder / step.name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(step.text, encoding="utf-8")
            continue
        count += 1
        done = subprocess.run(
            ["bash", "-c", step.text],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=60,
            check=False,
            text=True,
        )
        where = f"{page.name}:{step.line}: {step.text}"
        assert done.returncode == step.exits, f"{where}\nexited {done.returncode}:\n{done.stdout}"
        if step.expected:
            assert matches(step.expected, done.stdout), (
                f"{where}\nprinted:\n{done.stdout}\ninstead of:\n{step.expected}"
            )
    return count


def matches(expected: str, printed: str) -> bool:
    rows = [
        r"(?:.*\n)*?"
        if row.strip() == "..."
        else r"[^\n]*".join(re.escape(part) for part in row.rstrip().split("...")) + r"[ ]*\n"
        for row in expected.splitlines()
    ]
    return re.fullmatch("".join(rows), printed.rstrip("\n") + "\n") is not None
