"""Where our files are: by the XDG rules on every system, per user and per tmux socket, never in a directory others can write.

What we write lies under directories that are ours alone (0700), and is refused where somebody else could have put one.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import stat
from pathlib import Path

from orchestra.host import reason
from orchestra.model.errors import Conflict, OrchestraError
from orchestra.model.frozen import frozen


@frozen
class Directories:
    """Of one tmux socket. Unless they are only `expected`, both exist."""

    state: Path
    """Survives a reboot."""
    run: Path
    """Locks and sockets: the same place whatever XDG_RUNTIME_DIR says, or two programs of ours would miss each other."""
    runtime: Path
    """Secrets on their way; in memory where the system has such a place, and may be gone after a logout."""

    @property
    def journal(self) -> Path:
        return self.state / "journal.sqlite"

    @property
    def recordings(self) -> Path:
        return self.state / "recordings"

    @property
    def samples(self) -> Path:
        """What panes used, where the user wants that kept."""
        return self.state / "samples.sqlite"

    @property
    def snapshots(self) -> Path:
        return self.state / "snapshots"

    @property
    def autosave(self) -> Path:
        """What the user wants of it."""
        return self.state / "autosave.json"

    @property
    def gc(self) -> Path:
        """What the user wants collected."""
        return self.state / "gc.json"

    @property
    def texts(self) -> Path:
        """Of manifests as they were applied."""
        return self.state / "applied"

    @property
    def log(self) -> Path:
        return self.state / "daemon.log"

    @property
    def socket(self) -> Path:
        return self.run / "daemon.sock"


def config_file() -> Path:
    return _base("config") / "orchestra" / "config.yaml"


def templates() -> Path:
    """The user's own manifests to begin with. Need not exist."""
    return config_file().with_name("templates")


def directories(socket: Path) -> Directories:
    """Makes them where they are missing. `Conflict` when something there is not ours alone."""
    name = _slug(socket)
    state = _ours(_base("state"), "orchestra", name)
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    run = _ours(state, "run")
    if not _is_ours_alone(runtime):
        return Directories(state=state, run=run, runtime=run)
    return Directories(state=state, run=run, runtime=_ours(Path(runtime), "orchestra", name))


def expected(socket: Path) -> Directories:
    """Where they are or would be. Looks, and makes nothing."""
    name = _slug(socket)
    state = _base("state") / "orchestra" / name
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    run = state / "run"
    if not _is_ours_alone(runtime):
        return Directories(state=state, run=run, runtime=run)
    return Directories(state=state, run=run, runtime=Path(runtime) / "orchestra" / name)


def _base(kind: str) -> Path:
    from platformdirs import unix  # 28 ms; `orchestra --help` needs no directory

    where = unix.Unix(roaming=False)
    path = where.user_config_path if kind == "config" else where.user_state_path
    # The rules say to ignore a relative path.
    return path if path.is_absolute() else Path.home() / (".config" if kind == "config" else ".local/state")


def _slug(socket: Path) -> str:
    """Short, because socket paths are limited to 104 bytes; told apart by the whole path."""
    path = os.path.realpath(socket)
    name = re.sub(r"[^A-Za-z0-9_-]", "_", socket.name)[:24]
    return f"{name}-{hashlib.sha256(os.fsencode(path)).hexdigest()[:8]}"


def _ours(base: Path, *names: str) -> Path:
    path = base
    try:
        base.mkdir(parents=True, exist_ok=True)
        for name in names:
            path /= name
            with contextlib.suppress(FileExistsError):
                path.mkdir(mode=0o700)
            found = path.lstat()
            if not stat.S_ISDIR(found.st_mode):
                raise Conflict(
                    f"{path} is not a directory", hint="move it away: orchestra keeps its files there"
                )
            if found.st_uid != os.geteuid():
                raise Conflict(f"{path} belongs to another user", hint="move it away or give it to yourself")
            if stat.S_IMODE(found.st_mode) != 0o700:
                path.chmod(0o700)
    except OSError as error:
        raise OrchestraError(
            f"cannot use the directory {path}: {reason.of(error)}", hint="XDG_STATE_HOME names another place"
        ) from error
    return path


def _is_ours_alone(directory: str) -> bool:
    try:
        found = os.lstat(directory)
    except OSError:
        return False
    return (
        directory.startswith("/")
        and stat.S_ISDIR(found.st_mode)
        and found.st_uid == os.geteuid()
        and not stat.S_IMODE(found.st_mode) & 0o077
    )
