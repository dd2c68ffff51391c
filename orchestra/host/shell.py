"""How an interactive shell is started so that it tells when each typed command starts and ends."""

from __future__ import annotations

import re
import sys
from pathlib import Path

VARIABLE = "ORCHESTRA_SHELL_TOKEN"
HISTORY = "ORCHESTRA_SHELL_HISTORY"
FILE = "ORCHESTRA_SHELL_FILE"
"""Where the shell writes how its last command ended, for who was not there to hear it: "NUMBER CODE"."""
_WAS = "ORCHESTRA_SHELL_WAS"
"""All are gone from the shell's environment before it reads its user's files (fish: after)."""


def integrated(
    argv: tuple[str, ...], token: str, scripts: Path, history: str = ""
) -> tuple[tuple[str, ...], dict[str, str]]:
    """`argv`, a shell by itself or with `-l`, as the same shell with the marks of `scripts`, and what its environment needs. `history`: a
    file of what it is to know as typed.

    Unchanged when it is a shell, or has options, that we do not know. It is the same kind of shell, reads the same startup files in the
    same order, and its programs see none of this.
    """
    shell, *options = argv
    name = shell.rpartition("/")[2]
    if options not in ([], ["-l"]) or not token:
        return argv, {}
    env = {VARIABLE: token, **({HISTORY: history} if history else {})}
    if name == "bash" and not (sys.platform == "darwin" and shell == "/bin/bash"):  # Apple's reads no ENV
        script = str(scripts / "bash.sh")
        if not options:
            return (shell, "--rcfile", script), env
        return _with("ENV", _EXPANDED.sub(r"\\\g<0>", script), (shell, "--posix", "-l")), env
    if name == "zsh":
        return _with("ZDOTDIR", str(scripts / "zsh"), argv), env
    if name == "fish":
        quoted = re.sub(r"[\\']", r"\\\g<0>", str(scripts / "fish.fish"))
        return (*argv, "--init-command", f"source '{quoted}'"), env
    return argv, {}


def last(file: Path) -> tuple[int, int] | None:
    """Which of its commands ended last, from 1 (0: none yet), and with what code. None where nothing is known."""
    try:
        number, code = file.read_text(encoding="ascii").split()
        return int(number), int(code)
    except (OSError, ValueError):
        return None


def _with(variable: str, value: str, argv: tuple[str, ...]) -> tuple[str, ...]:
    """By a sh, which becomes the shell: only there is it known what the variable was, to be put back."""
    keep = (
        f'[ -z "${{{variable}+x}}" ] || export {_WAS}="${variable}"; export {variable}="$1"; shift; exec "$@"'
    )
    return ("/bin/sh", "-c", keep, "sh", value, *argv)


_EXPANDED = re.compile(r'[\\$`"]')
"""bash expands the value of ENV as in double quotes."""
