"""A command for a shell that does not tell of its commands: a file that is read once, by one line that is typed.

The shell runs the command itself, in its own place (`cd` and `export` hold), not expanded and not split. It says when the command begins
and how it ended, in marks that only we were told the token of. Its history shows the command, as if it had been typed, and nothing of ours.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import time
from pathlib import Path

from orchestra.model.frozen import frozen

_UNREAD = 3600.0
"""Seconds after which what nobody took away is."""

_POSIX = """\
{forget}printf '\\033]7717;{token};start;1;\\007'
{read} . {command}
__orchestra_code=$?
printf '\\033]7717;{token};end;1;%d\\007' "$__orchestra_code"
eval "unset __orchestra_code; return $__orchestra_code"
"""
_FORGET_IN_BASH = """\
case $(HISTTIMEFORMAT= builtin history 1) in
*{script}*) builtin history -d "$(HISTTIMEFORMAT= builtin history 1 | {{ read -r n rest; builtin echo "${{n%\\*}}"; }})" ;;
esac 2>/dev/null
if [[ -o history ]]; then builtin history -s -- "$(<{command})"; fi
"""
_FISH = """\
printf '\\e]7717;{token};start;1;\\a'
source {command}
set -l __orchestra_code $status
printf '\\e]7717;{token};end;1;%d\\a' $__orchestra_code
sh -c "exit $__orchestra_code"
"""
FORGETS = frozenset({"bash", "rbash", "dash", "fish"})
"""Shells whose history shows nothing of it: bash is told to forget the line, dash has none, fish leaves out what begins with a space."""
READS = FORGETS | {"sh", "zsh", "ash", "ksh", "ksh93", "mksh", "yash", "busybox"}


@frozen
class OneShot:
    line: str
    """To be typed."""
    files: tuple[Path, ...]

    def remove(self) -> None:
        for each in self.files:
            each.unlink(missing_ok=True)


def write(folder: Path, shell: str, command: str, token: str) -> OneShot:
    """`folder` is ours alone. `shell`: one of `READS`."""
    folder.mkdir(mode=0o700, exist_ok=True)
    _sweep(folder)
    script, text = folder / token, folder / f"{token}.command"
    quote = _quoted_for_fish if shell == "fish" else shlex.quote
    places = {"token": token, "command": quote(str(text)), "script": quote(str(script))}
    if shell == "fish":
        body = _FISH.format(**places)
    else:
        forget = _FORGET_IN_BASH.format(**places) if shell in ("bash", "rbash") else ""
        # Plain, a file that cannot be read as a script would end the reading of this one in most of them.
        read = "builtin" if shell in ("bash", "rbash", "zsh") else "command"
        body = _POSIX.format(**places, forget=forget, read=read)
    for path, content in ((script, body), (text, command + "\n")):
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:  # noqa: PTH123
            file.write(content.encode(errors="surrogateescape"))
    verb = "source" if shell == "fish" else "."
    return OneShot(line=f" {verb} {places['script']}", files=(script, text))


def _sweep(folder: Path) -> None:
    """What a command of ours left behind that was killed."""
    now = time.clock_gettime(time.CLOCK_REALTIME)
    for old in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):
            if now - old.stat().st_mtime > _UNREAD:
                old.unlink()


def _quoted_for_fish(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
