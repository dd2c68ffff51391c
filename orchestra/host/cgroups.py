"""Control groups (version 2): what the kernel can enforce by itself, where it lets us.

A pane's group is named after it, so that whoever looks at its process sees which it is in: nothing has to be remembered. Only groups of
ours are ever written.
"""

from __future__ import annotations

import contextlib
import functools
import math
import os
import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from orchestra.model import rules
from orchestra.model.frozen import frozen

ROOT = Path("/sys/fs/cgroup")
WANTED = ("cpu", "memory", "pids")
VARIABLE = "ORCHESTRA_CGROUP"
"""Names a group that was delegated to us, where nothing else does."""
_OURS = re.compile(r"orchestra-[A-Za-z0-9]{1,32}-[0-9a-f]{8}(\.scope)?")
_PERIOD = 100_000
"""Microseconds over which `cpu.max` counts."""
PIDS_FACTOR = 2
"""The wall stands so many times behind the limit, for what is to be ended by us, and asked first."""


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
    why: str = ""
    """Of NONE."""


@functools.cache
def found() -> Found:
    """Tried, not guessed: a scope is made, or a directory, and its controllers are looked at. 30 ms with systemd, once a process."""
    if sys.platform != "linux":
        return Found(way=Way.NONE, why="this system has no control groups")
    if not (ROOT / "cgroup.controllers").is_file():
        what = "version 1" if (ROOT / "memory").is_dir() else "not mounted"
        return Found(way=Way.NONE, why=f"control groups are {what} here; version 2 is needed")
    given = os.environ.get(VARIABLE, "")
    if given:
        return _direct(Path(given))
    if Path("/run/systemd/system").is_dir() and shutil.which("systemd-run") is not None:
        return _systemd(Way.SYSTEM if os.geteuid() == 0 else Way.USER)
    if os.geteuid() == 0:
        return _direct(ROOT)
    return Found(way=Way.NONE, why=f"there is no systemd, and {VARIABLE} names no group that is ours")


def _systemd(way: Way) -> Found:
    argv = [*_run(way), "--", "cat", "/proc/self/cgroup"]
    try:
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=5, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Found(way=Way.NONE, why=f"systemd-run does not work: {error}")
    if done.returncode:
        return Found(
            way=Way.NONE,
            why=f"systemd-run does not work: {(done.stderr.strip() or 'it failed').splitlines()[0]}",
        )
    parent = ROOT / done.stdout.strip().rpartition("::/")[2]
    return _with(way, "", _words(parent.parent / "cgroup.subtree_control"))


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
        return _with(Way.DIRECT, str(ours), _words(ours / "cgroup.subtree_control"))
    except OSError as error:
        return Found(way=Way.NONE, why=f"{error.filename}: {(error.strerror or '').lower()}")


def _with(way: Way, base: str, there: tuple[str, ...]) -> Found:
    have = tuple(name for name in WANTED if name in there)
    if not have:
        return Found(
            way=Way.NONE, why="the group we may use has none of the controllers cpu, memory and pids"
        )
    return Found(way=way, base=base, controllers=have)


def _words(path: Path) -> tuple[str, ...]:
    try:
        return tuple(path.read_text().split())
    except OSError:
        return ()


def _run(way: Way) -> list[str]:
    user = ["--user"] if way is Way.USER else []
    return ["systemd-run", *user, "--scope", "--quiet", "--collect"]


def walls(limits: rules.Limits, *, is_held: bool = False) -> dict[str, str]:
    """What the kernel enforces, by the files' names. It ends nothing: that is announced first, and done by us."""
    throttles = limits.on_exceed is rules.Breach.THROTTLE
    cpu, high, pids = "max", "max", "max"
    if limits.processes is not None and limits.on_exceed is not rules.Breach.WARN:
        # One more: the wrapper. It counts threads, too.
        pids = str(limits.processes + 1 if throttles else limits.processes * PIDS_FACTOR + 8)
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
    name = f"orchestra-{uid}-{secrets.token_hex(4)}"
    own = {file: value for file, value in walls(limits).items() if file.partition(".")[0] in here.controllers}
    if here.way is Way.DIRECT:
        files = [word for file, value in own.items() for word in (file, value)]
        return ("sh", "-c", _ENTER, f"{here.base}/{name}", str(len(own)), *files, *argv)
    properties = [word for each in _properties(own) for word in ("-p", each)]
    return (*_run(here.way), f"--unit={name}.scope", *properties, "--", *argv)


_ENTER = (
    "d=$0 n=$1; shift; for _ in 1 2 3 4 5; do "
    'mkdir -p "$d" 2>/dev/null && (exec sh -c \'echo "$PPID" >"$0"\' "$d/cgroup.procs") 2>/dev/null && break; '
    '[ ! -d "$d" ] || break; done; '
    'while [ "$n" -gt 0 ]; do (echo "$2" >"$d/$1") 2>/dev/null; shift 2; n=$((n-1)); done; exec "$@"'
)
"""An empty group may be swept away before it is entered: then it is made again. Nobody can take away one that somebody is in."""


def _properties(files: Mapping[str, str]) -> list[str]:
    found = []
    for file, value in files.items():
        match file:
            case "pids.max":
                found.append(f"TasksMax={'infinity' if value == 'max' else value}")
            case "memory.high":
                found.append(f"MemoryHigh={'infinity' if value == 'max' else value}")
            case "cpu.max":
                most, _, period = value.partition(" ")
                share = "" if most == "max" else f"{100 * int(most) / int(period):g}%"
                found.append(f"CPUQuota={share}")
    return found


def of(pid: int, uid: str) -> str:
    """The group of a pane that its process is in, below the root; "" when it is in none, or in that of another pane: in which, say, its
    tmux server runs."""
    try:
        text = Path(f"/proc/{pid}/cgroup").read_text()
    except OSError:
        return ""
    return named(text, uid)


def named(text: str, uid: str) -> str:
    """Of what /proc says of a process."""
    path = next((line[3:] for line in text.splitlines() if line.startswith("0::")), "")
    name = path.rpartition("/")[2]
    return path if uid and name.startswith(f"orchestra-{uid}-") and _OURS.fullmatch(name) else ""


def write(group: str, files: Mapping[str, str]) -> bool:
    """Whether the walls stand so now. By systemd where it is its group, which else would set it back."""
    here = found()
    name = group.rpartition("/")[2]
    if name.endswith(".scope"):
        own = {file: value for file, value in files.items() if file.partition(".")[0] in here.controllers}
        user = ["--user"] if here.way is Way.USER else []
        argv = ["systemctl", *user, "set-property", "--runtime", name, *_properties(own)]
        try:
            return subprocess.run(argv, capture_output=True, timeout=5, check=False).returncode == 0
        except (OSError, subprocess.TimeoutExpired):
            return False
    done = True
    for file, value in files.items():
        if file.partition(".")[0] in here.controllers:
            try:
                (ROOT / group.lstrip("/") / file).write_text(value)
            except OSError:
                done = False
    return done


def is_there(group: str) -> bool:
    return (ROOT / group.lstrip("/")).is_dir()


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
