"""Whether orchestra can work here, and what to know before it does."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path

from orchestra.host import cgroups, machine, paths
from orchestra.model import errors, status
from orchestra.model.frozen import frozen
from orchestra.tmux import adapter, server
from orchestra.tmux import doctor as tmux


class Verdict(StrEnum):
    OK = "ok"
    NOTE = "note"
    """Worth knowing; nothing is to be done."""
    WARNING = "warning"
    ERROR = "error"
    """orchestra cannot work."""


@frozen
class Check:
    name: str
    verdict: Verdict
    summary: str
    hint: str = ""


def checks(choice: server.Choice, environ: Mapping[str, str], machine_: machine.Machine) -> tuple[Check, ...]:
    return tuple(_checks(choice, environ, machine_))


def _checks(choice: server.Choice, environ: Mapping[str, str], machine_: machine.Machine) -> Iterator[Check]:
    yield _python()
    yield _wrapper(machine_)
    yield _locale(environ)
    yield _limits()
    yield from _tmux(choice, environ)
    socket = Path(choice.path(environ))
    yield _directory("config", paths.config_file().parent, private=False)
    where = paths.expected(socket)
    yield _directory("state", where.state, private=True)
    yield _directory("runtime", where.runtime, private=True)


def _python() -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    return Check(name="python", verdict=Verdict.OK, summary=f"{version} ({sys.executable})")


def _wrapper(machine_: machine.Machine) -> Check:
    """Commands run under it; so it is tried, not only looked for."""
    argv = machine_.wrap((sys.executable, "-I", "-S", "-c", ""))
    perl = next((word for word in argv if word.rpartition("/")[2].startswith("perl")), None)
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=10,
            check=False,
        )
        failed = f"exit code {done.returncode}: {done.stderr.strip()}" if done.returncode else ""
    except (OSError, subprocess.TimeoutExpired) as error:
        failed = str(error)
    if failed:
        return Check(
            name="wrapper",
            verdict=Verdict.ERROR,
            summary=f"the program that panes' commands run under does not work: {failed}",
            hint="install perl, or install orchestra anew",
        )
    if perl is None:
        return Check(
            name="wrapper",
            verdict=Verdict.WARNING,
            summary="no perl: panes' commands run under Python, which takes more memory and starts slower",
            hint="install perl",
        )
    return Check(name="wrapper", verdict=Verdict.OK, summary=f"perl ({perl})")


def _locale(environ: Mapping[str, str]) -> Check:
    name = next((key for key in ("LC_ALL", "LC_CTYPE", "LANG") if environ.get(key)), None)
    value = environ[name] if name is not None else ""
    if "utf-8" in value.lower() or "utf8" in value.lower():
        return Check(name="locale", verdict=Verdict.OK, summary=f"UTF-8 ({name}={value})")
    said = f"{name}={value}" if name is not None else "none of LC_ALL, LC_CTYPE and LANG is set"
    return Check(
        name="locale",
        verdict=Verdict.WARNING,
        summary=f"not UTF-8 ({said}): programs in panes, and tmux when you attach, write other letters than ASCII as `_` or `?`",
        hint="export LANG=C.UTF-8",
    )


def _limits() -> Check:
    """What keeps panes within their limits here."""
    here = cgroups.found()
    if here.way is cgroups.Way.NONE:
        return Check(
            name="limits",
            verdict=Verdict.NOTE,
            summary=f"no control groups for us ({here.why}). All limits are kept by measuring: what is over one is seen within a second "
            "or two, a fork bomb within half a second; throttle slows commands by letting them stand still, shells' jobs by a "
            "lower priority, and can do nothing about memory and processes",
        )
    kernel = {
        "pids": "processes (the kernel refuses more)",
        "cpu": "cpu (throttle)",
        "memory": "memory (throttle)",
    }
    can = ", ".join(text for name, text in kernel.items() if name in here.controllers)
    return Check(
        name="limits",
        verdict=Verdict.OK,
        summary=f"control groups ({here.way}) for {can}, in panes started with limits; output, time and the rest by measuring",
    )


def _tmux(choice: server.Choice, environ: Mapping[str, str]) -> Iterator[Check]:
    try:
        host = server.Server(choice, environ, machine.server_environment(environ))
    except errors.TmuxUnavailable as error:
        yield _failed("tmux", error)
        return
    said = tmux.program_version(environ) or ""
    version = tmux.parsed(said)
    yield _version(host.binary, said, version)
    seen, reachable = _reached(host)
    yield reachable
    if seen is None:
        return
    running = version
    if seen.running and seen.version != said:
        running = tmux.parsed(seen.version)
        yield Check(
            name="server-version",
            verdict=Verdict.WARNING,
            summary=f"the running server is tmux {seen.version}, the program is {said or 'unknown'}",
            hint="a new server starts when the last session of this one has ended",
        )
    attached = tmux.control_clients(host) if seen.running else 0
    yield _control(attached, running)


def _version(path: str, said: str, version: tmux.Version | None) -> Check:
    if version is None:
        return Check(
            name="tmux",
            verdict=Verdict.WARNING,
            summary=f"{path} says it is version {said or 'nothing'}, so whether it is new enough is not known",
            hint=f"orchestra needs tmux {tmux.OLDEST} or newer",
        )
    if tmux.too_old(version):
        return Check(
            name="tmux",
            verdict=Verdict.ERROR,
            summary=f"{said} ({path}) is too old",
            hint=f"orchestra needs tmux {tmux.OLDEST} or newer",
        )
    if tmux.untried(version):
        return Check(
            name="tmux",
            verdict=Verdict.NOTE,
            summary=f"{said} ({path}) is newer than any orchestra was tried with ({tmux.NEWEST_TRIED})",
        )
    return Check(name="tmux", verdict=Verdict.OK, summary=f"{said} ({path})")


def _reached(host: server.Server) -> tuple[status.Server | None, Check]:
    try:
        seen = adapter.Tmux(host).observe()
    except errors.TmuxUnavailable as error:
        return None, _failed("server", error)
    if not seen.running:
        summary = f"none runs on {host.path}; apply starts one"
        return seen, Check(name="server", verdict=Verdict.OK, summary=summary)
    sessions = f"{len(seen.sessions)} session{'' if len(seen.sessions) == 1 else 's'}"
    summary = f"answers on {host.path} (pid {seen.pid}, {sessions})"
    return seen, Check(name="server", verdict=Verdict.OK, summary=summary)


def _control(attached: int, version: tmux.Version | None) -> Check:
    """The faults all need such a client, so without one they are only worth knowing."""
    found = tmux.faults(version)
    listed = "; ".join(
        f"{fault.summary} ({fault.reference})" if fault.reference else fault.summary for fault in found
    )
    if attached:
        clients = "a control-mode client is" if attached == 1 else f"{attached} control-mode clients are"
        return Check(
            name="control-clients",
            verdict=Verdict.WARNING,
            summary=f"{clients} attached, and this tmux has faults that need one: {listed}",
            hint="detach it (iTerm2: end the tmux integration) while orchestra works; save what you would miss",
        )
    return Check(
        name="control-clients",
        verdict=Verdict.NOTE,
        summary="none is attached. Do not attach any (tmux -C, iTerm2's integration; orchestra never does), because in this tmux, "
        f"while there is one: {listed}",
    )


def _directory(name: str, path: Path, *, private: bool) -> Check:
    """Looks and makes nothing."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return _missing(name, path)
    except OSError as error:
        return Check(name=name, verdict=Verdict.ERROR, summary=f"{path}: {(error.strerror or '').lower()}")
    hint = f"look at it with: ls -ld {path}"
    if not stat.S_ISDIR(found.st_mode) and not (not private and path.is_dir()):
        return Check(name=name, verdict=Verdict.ERROR, summary=f"{path} is not a directory", hint=hint)
    if found.st_uid != os.geteuid():
        verdict = Verdict.ERROR if private else Verdict.WARNING
        return Check(name=name, verdict=verdict, summary=f"{path} belongs to another user", hint=hint)
    if not os.access(path, (os.W_OK if private else 0) | os.R_OK | os.X_OK):
        verdict = Verdict.ERROR if private else Verdict.WARNING
        return Check(
            name=name, verdict=verdict, summary=f"{path} cannot be used: permission denied", hint=hint
        )
    if stat.S_IMODE(found.st_mode) & 0o022:
        return Check(
            name=name,
            verdict=Verdict.WARNING,
            summary=f"{path} can be written by others",
            hint=f"chmod go-w {path}",
        )
    return Check(name=name, verdict=Verdict.OK, summary=str(path))


def _missing(name: str, path: Path) -> Check:
    above = next((each for each in path.parents if each.exists()), Path("/"))
    if name == "config":
        return Check(name=name, verdict=Verdict.OK, summary=f"{path} (none, and none is needed)")
    if not os.access(above, os.W_OK | os.X_OK):
        return Check(
            name=name,
            verdict=Verdict.ERROR,
            summary=f"{path} cannot be made: {above} is not writable",
            hint=f"make it, or set XDG_{name.upper()}_{'DIR' if name == 'runtime' else 'HOME'} to a directory of yours",
        )
    return Check(name=name, verdict=Verdict.OK, summary=f"{path} (made when it is needed)")


def _failed(name: str, error: errors.OrchestraError) -> Check:
    first = error.diagnostics[0]
    return Check(name=name, verdict=Verdict.ERROR, summary=first.summary, hint=first.hint or "")
