"""Control groups (version 2): what the kernel can enforce by itself, where it lets us.

A pane's group is named after it, so that whoever looks at its process sees which it is in: nothing has to be remembered. Only groups of
ours are ever written.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
import os
import re
import secrets
import sys
import time
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from orchestra.host import scopes
from orchestra.model import rules
from orchestra.model.frozen import frozen

ROOT = Path("/sys/fs/cgroup")
SYSTEMD = Path("/run/systemd/system")
"""It is there where systemd is the first process."""
WANTED = ("cpu", "memory", "pids")
VARIABLE = "ORCHESTRA_CGROUP"
"""Names a group that was delegated to us, where nothing else does."""
_OURS = re.compile(r"orchestra-[A-Za-z0-9]{1,32}-[0-9a-f]{8}(\.scope)?")
_PERIOD = 100_000
"""Microseconds over which `cpu.max` counts."""
THREADS, SPARE = 16, 256
"""Of each process, and beside them: where panes are ended, the wall stands so far behind the limit that only what grows without end comes
to it. The kernel counts threads, the limit processes, and who is within it is refused nothing."""


class Way(StrEnum):
    USER = "systemd, the user's own"
    SYSTEM = "systemd, the system's"
    DIRECT = "a group of ours"
    NONE = "none"


@frozen
class Found:
    way: Way
    base: str = ""
    """Of DIRECT: the directory that panes' groups are made in."""
    controllers: tuple[str, ...] = ()
    manager: scopes.Manager | None = None
    """Of USER and SYSTEM."""
    why: str = ""
    """Of NONE."""
    may_come: bool = False
    """Of NONE: it may be had later."""


_kept: list[tuple[Found, float]] = []
"""What was found, and until when that holds."""
AGAIN = 60.0
"""Seconds after which systemd is asked again. A user's manager may come after the daemon, and one that hangs may go on."""


def found() -> Found:
    """Tried, not guessed: a scope is made, or a directory, and its controllers are looked at. Some 30 ms with systemd, once a process."""
    now = time.monotonic()
    if not _kept or _kept[0][1] <= now:
        here = _look()
        _kept[:] = [(here, now + AGAIN if here.may_come else math.inf)]
    return _kept[0][0]


def _look() -> Found:
    if sys.platform != "linux":
        return Found(way=Way.NONE, why="this system has no control groups")
    if not (ROOT / "cgroup.controllers").is_file():
        what = "version 1" if (ROOT / "memory").is_dir() else "not mounted"
        return Found(way=Way.NONE, why=f"control groups are {what} here; version 2 is needed")
    given = os.environ.get(VARIABLE, "")
    if given:
        return _direct(Path(given))
    if SYSTEMD.is_dir():
        return _systemd(Way.SYSTEM if os.geteuid() == 0 else Way.USER)
    if os.geteuid() == 0:
        return _direct(ROOT)
    return Found(way=Way.NONE, why=f"there is no systemd, and {VARIABLE} names no group that is ours")


def _systemd(way: Way) -> Found:
    try:
        by = scopes.manager(os.environ, is_system=way is Way.SYSTEM)
        by, controllers = scopes.tried(by, f"{_name('probe')}.scope", ROOT)
    except scopes.Refused as error:
        return Found(way=Way.NONE, why=f"{way}, gives us none: {error}", may_come=True)
    return _with(Found(way=way, manager=by), controllers)


def _direct(base: Path) -> Found:
    try:
        ours = base / "orchestra"
        for each in (base, ours):
            each.mkdir(mode=0o755, exist_ok=True)
            there = _words(each / "cgroup.subtree_control")
            for name in WANTED:
                if name not in there:
                    with contextlib.suppress(
                        OSError
                    ):  # what cannot be had is not among the controllers below
                        (each / "cgroup.subtree_control").write_text(f"+{name}")
        return _with(Found(way=Way.DIRECT, base=str(ours)), _words(ours / "cgroup.subtree_control"))
    except OSError as error:
        return Found(way=Way.NONE, why=f"{error.filename}: {(error.strerror or '').lower()}")


def _with(here: Found, there: tuple[str, ...]) -> Found:
    have = tuple(name for name in WANTED if name in there)
    if not have:
        return Found(
            way=Way.NONE, why="the group we may use has none of the controllers cpu, memory and pids"
        )
    return dataclasses.replace(here, controllers=have)


def _words(path: Path) -> tuple[str, ...]:
    try:
        return tuple(path.read_text().split())
    except OSError:
        return ()


def _name(uid: str) -> str:
    return f"orchestra-{uid}-{secrets.token_hex(4)}"


def walls(limits: rules.Limits, *, is_held: bool = False) -> dict[str, str]:
    """What the kernel enforces, by the files' names. It ends nothing: that is announced first, and done by us."""
    throttles = limits.on_exceed is rules.Breach.THROTTLE
    cpu, high, pids = "max", "max", "max"
    if limits.processes is not None and limits.on_exceed is not rules.Breach.WARN:
        # One more: the wrapper. The kernel counts threads, too.
        pids = str(limits.processes + 1 if throttles else limits.processes * THREADS + SPARE)
    if limits.memory is not None and throttles:
        high = str(limits.memory)
    if limits.cpu is not None and is_held:
        cpu = str(max(1000, math.ceil(limits.cpu / 100 * _PERIOD)))
    return {"cpu.max": f"{cpu} {_PERIOD}", "memory.high": high, "pids.max": pids}


def contained(argv: tuple[str, ...], uid: str, limits: rules.Limits) -> tuple[str, ...]:
    """`argv` in a group of its own: the same process, once it is in. Where that cannot be, `argv` runs as it is."""
    here = found()
    if here.way is Way.NONE:
        return argv
    own = {file: value for file, value in walls(limits).items() if file.partition(".")[0] in here.controllers}
    return _entering(argv, uid, own, here)


def apart(argv: tuple[str, ...]) -> tuple[str, ...]:
    """The same without limits, if we are in a pane's group. A daemon that is started in a pane is not held by that one's limits."""
    if not any(map(_OURS.fullmatch, _path(_told("self")).split("/"))):
        return argv
    here = found()
    return argv if here.way is Way.NONE else _entering(argv, "daemon", {}, here)


def _entering(argv: tuple[str, ...], uid: str, own: Mapping[str, str], here: Found) -> tuple[str, ...]:
    name = _name(uid)
    if here.manager is not None:
        return scopes.placed(argv, f"{name}.scope", own, here.manager)
    files = [word for file, value in own.items() for word in (file, value)]
    return ("sh", "-c", _ENTER, f"{here.base}/{name}", str(len(files)), *files, *argv)


# In a subshell, because a variable that the pane's environment has would stay changed.
_ENTER = (
    '( n=$1; shift; for _ in 1 2 3 4 5; do mkdir -p "$0" && echo $$ >"$0/cgroup.procs" && break; [ ! -d "$0" ] || break; done; '
    'while [ "$n" -gt 0 ]; do (echo "$2" >"$0/$1"); shift 2; n=$((n-2)); done ) 2>/dev/null; shift "$(($1+1))"; exec "$@"'
)
"""An empty group may be swept away before it is entered: then it is made again. Nobody can take away one that somebody is in."""


def of(pid: int, uid: str) -> str:
    """The group of a pane that its process is in, below the root; "" when it is in none, or in that of another pane: in which, say, its
    tmux server runs."""
    return named(_told(pid), uid)


def _told(pid: int | str) -> str:
    try:
        return Path(f"/proc/{pid}/cgroup").read_text()
    except OSError:
        return ""


def named(text: str, uid: str) -> str:
    """Of what /proc says of a process."""
    path = _path(text)
    name = path.rpartition("/")[2]
    return path if uid and name.startswith(f"orchestra-{uid}-") and _OURS.fullmatch(name) else ""


def _path(text: str) -> str:
    return next((line[3:] for line in text.splitlines() if line.startswith("0::")), "")


def write(group: str, files: Mapping[str, str]) -> bool:
    """Whether all of the walls stand so now. By systemd where it is its group, which else would set it back."""
    here = found()
    name = group.rpartition("/")[2]
    own = {file: value for file, value in files.items() if file.partition(".")[0] in here.controllers}
    done = all(file in own or value.partition(" ")[0] == "max" for file, value in files.items())
    if name.endswith(".scope"):
        return here.manager is not None and scopes.change(name, own, here.manager) and done
    for file, value in own.items():
        try:
            (ROOT / group.lstrip("/") / file).write_text(value)
        except OSError:
            done = False
    return done


def is_there(group: str) -> bool:
    return (ROOT / group.lstrip("/")).is_dir()


def members(group: str) -> frozenset[int]:
    return frozenset(map(int, _words(ROOT / group.lstrip("/") / "cgroup.procs")))


def kill(group: str) -> bool:
    """All in it at once (Linux 5.14), whoever forks meanwhile."""
    try:
        (ROOT / group.lstrip("/") / "cgroup.kill").write_text("1")
    except OSError:
        return False
    return True


def sweep() -> None:
    """Removes empty groups of ours; systemd removes its own."""
    here = found()
    if here.way is Way.DIRECT:
        for each in Path(here.base).glob("orchestra-*"):
            if _OURS.fullmatch(each.name):
                with contextlib.suppress(OSError):  # somebody is in it
                    each.rmdir()
