"""Groups that systemd makes. A process asks its manager for one of its own, by `busctl`, and goes on whatever the answer is.

`systemd-run --scope` is shorter, but it ends when it gets no scope, and the pane with it: where the tmux server is older than the session
bus, say. And it waits as long as the manager does.
"""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from orchestra.model.frozen import frozen

ANSWER = 3
"""Seconds that the manager has for its answer, and as many until the process is in. A pane's start waits no longer."""
RUNTIME = "/run/user"
_INFINITY = str(2**64 - 1)
_CALL = (
    "call",
    "org.freedesktop.systemd1",
    "/org/freedesktop/systemd1",
    "org.freedesktop.systemd1.Manager",
)


class Refused(Exception):
    """With the manager's words, or ours where it has none."""


@frozen
class Manager:
    """Of systemd's units, and how to ask it."""

    busctl: str
    timeout: str
    bus: str
    """The address of the user's; "" is the system's."""
    extra: tuple[str, ...] = ()
    """Properties that not every version knows."""


def manager(environ: Mapping[str, str], *, is_system: bool) -> Manager:
    """`Refused` where nobody can be asked."""
    programs = shutil.which("busctl"), shutil.which("timeout")
    if programs[0] is None or programs[1] is None:
        raise Refused("there is no busctl, or no timeout, in PATH")
    return Manager(busctl=programs[0], timeout=programs[1], bus="" if is_system else _user_bus(environ))


def _user_bus(environ: Mapping[str, str]) -> str:
    """After `su`, the environment names nobody's bus, or that of another user; it is where it always is all the same."""
    own = f"{RUNTIME}/{os.geteuid()}"
    for each in (environ.get("XDG_RUNTIME_DIR") or own, own):
        bus = Path(each) / "bus"
        try:
            if bus.is_socket() and bus.stat().st_uid == os.geteuid():
                return "unix:path=" + re.sub(rb"[^-0-9A-Za-z_/.*]", _escaped, os.fsencode(bus)).decode()
        except OSError:
            continue
    if named := environ.get("DBUS_SESSION_BUS_ADDRESS"):
        return named
    raise Refused(
        f"{own}/bus is not there: systemd runs no session of this user, or dbus-user-session is missing"
    )


def _escaped(found: re.Match[bytes]) -> bytes:
    return b"%%%02x" % found[0][0]


def placed(
    argv: tuple[str, ...], unit: str, files: Mapping[str, str], by: Manager, *, errors: str = "/dev/null"
) -> tuple[str, ...]:
    """`argv` in a scope: the same process, once it is in, or once it has waited long enough."""
    words = (*_properties(files), *by.extra, "CollectMode", "s", "inactive-or-failed")
    # Of each three words one property, and the last is the process, whose number the shell knows.
    said = " ".join((str(len(words) // 3 + 1), *words, "PIDs", "au", "1"))
    return ("sh", "-c", _PLACE, unit, errors, said, by.bus, by.timeout, by.busctl, *argv)


# In a subshell, because a variable that the pane's environment has would stay changed.
_PLACE = (
    '( exec </dev/null >/dev/null 2>"$1"; '
    f'"$4" -k 1 {ANSWER} "$5" ${{3:+"--address=$3"}} --timeout={ANSWER} {" ".join(_CALL)} '
    "StartTransientUnit 'ssa(sv)a(sa(sv))' \"$0\" fail $2 $$ 0 || exit; "
    f"n={ANSWER * 20}; "
    'while [ "$n" -gt 0 ]; do '
    'while read -r l; do case $l in *"/$0") exit;; esac; done </proc/$$/cgroup; '
    "sleep 0.05; n=$((n-1)); done ); "
    'shift 5; exec "$@"'
)


def tried(by: Manager, unit: str, root: Path) -> tuple[Manager, tuple[str, ...]]:
    """`by` with all that it knows, and the controllers that a scope gets from it. `Refused` with the reason when it gets none."""
    # Else systemd ends the whole pane when the kernel had no memory left for one of its processes.
    by = dataclasses.replace(by, extra=("OOMPolicy", "s", "continue"))
    # A controller comes with the first limit that needs it.
    files = {"cpu.max": "100000 100000", "memory.high": str(2**40), "pids.max": "4096"}
    done = _look(by, unit, root, files)
    if "OOMPolicy" in done.stderr:
        by = dataclasses.replace(by, extra=())
        done = _look(by, unit, root, files)
    path, _, controllers = done.stdout.partition("\n")
    if not path.endswith(f"/{unit}"):
        why = done.stderr.strip().splitlines() or [f"it has not answered within {ANSWER} s"]
        raise Refused(why[0])
    return by, tuple(controllers.split())


def _look(by: Manager, unit: str, root: Path, files: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    argv = placed(("sh", "-c", _LOOK, str(root)), unit, files, by, errors="/dev/stderr")
    try:
        return subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=4 * ANSWER,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Refused(str(error)) from None


_LOOK = 'while IFS=: read -r _ _ p; do echo "$p"; cat "$0$p/cgroup.controllers" 2>/dev/null; done </proc/self/cgroup'


def change(unit: str, files: Mapping[str, str], by: Manager) -> bool:
    """Whether the manager has done it. What is written past it, it sets back."""
    words = _properties(files)
    address = (f"--address={by.bus}",) if by.bus else ()
    argv = (by.busctl, *address, f"--timeout={ANSWER}", *_CALL, "SetUnitProperties", "sba(sv)")
    try:
        done = subprocess.run(
            (*argv, unit, "true", str(len(words) // 3), *words),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=2 * ANSWER,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _properties(files: Mapping[str, str]) -> tuple[str, ...]:
    """Name, type and value of each."""
    found: list[str] = []
    for file, value in files.items():
        match file:
            case "pids.max":
                found += ("TasksMax", "t", _INFINITY if value == "max" else value)
            case "memory.high":
                found += ("MemoryHigh", "t", _INFINITY if value == "max" else value)
            case "cpu.max":
                most, _, period = value.partition(" ")
                share = _INFINITY if most == "max" else str(10**6 * int(most) // int(period))
                found += ("CPUQuotaPerSecUSec", "t", share)
    return tuple(found)
