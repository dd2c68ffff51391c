"""The small facts about where we run."""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets as randomness
import shutil
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from orchestra.host import shell
from orchestra.model import rules

_OF_A_LOGIN = frozenset(
    """
HOME USER LOGNAME SHELL PATH MAIL TZ TZDIR TMPDIR HOSTNAME HOSTTYPE MACHTYPE OSTYPE
LANG LANGUAGE NLSPATH COLORTERM TERMINFO TERMINFO_DIRS
EDITOR VISUAL PAGER BROWSER LESS LS_COLORS MANPATH INFOPATH ZDOTDIR
SSH_AUTH_SOCK SSH_AGENT_PID SSH_ASKPASS GPG_AGENT_INFO GNUPGHOME KRB5CCNAME
DISPLAY WAYLAND_DISPLAY XAUTHORITY DBUS_SESSION_BUS_ADDRESS DESKTOP_SESSION SESSION_MANAGER PULSE_SERVER
http_proxy https_proxy ftp_proxy all_proxy no_proxy HTTP_PROXY HTTPS_PROXY FTP_PROXY ALL_PROXY NO_PROXY
SSL_CERT_FILE SSL_CERT_DIR DOCKER_HOST KUBECONFIG
PYENV_ROOT PYENV_SHELL RBENV_ROOT RBENV_SHELL CONDA_EXE
NVM_DIR NVM_BIN NVM_INC VOLTA_HOME FNM_DIR PNPM_HOME BUN_INSTALL DENO_INSTALL
ASDF_DIR ASDF_DATA_DIR MISE_DATA_DIR SDKMAN_DIR JAVA_HOME ANDROID_HOME
GOPATH GOROOT GOBIN CARGO_HOME RUSTUP_HOME
HOMEBREW_PREFIX HOMEBREW_CELLAR HOMEBREW_REPOSITORY
NIX_PATH NIX_PROFILES NIX_SSL_CERT_FILE LOCALE_ARCHIVE
WSL_DISTRO_NAME WSL_INTEROP WSLENV WSL2_GUI_APPS_ENABLED
__CF_USER_TEXT_ENCODING XPC_FLAGS XPC_SERVICE_NAME
""".split()  # noqa: SIM905  # a hundred quotes and commas less
)
_FAMILIES = ("LC_", "XDG_")
_ANSWERS = 5.0
"""Seconds in which a file system answers, or does not."""
_ASKED: dict[str, threading.Thread] = {}
"""By path: who waits still."""
_OF_THE_MOMENT = frozenset({"XDG_SESSION_ID", "XDG_ACTIVATION_TOKEN"})


class Machine:
    """`engine.ports.Machine` of this machine. The wrappers are the same program in two languages."""

    def __init__(
        self, perl_wrapper: Path, python_wrapper: Path, runtime: Callable[[], Path] | None = None
    ) -> None:
        """`runtime` gives a directory of ours alone; it is asked only when there are secrets to hand over, or a shell that tells."""
        self._perl_wrapper = perl_wrapper
        self._python_wrapper = python_wrapper
        self._runtime = runtime

    def login_shell(self) -> str:
        candidates = [os.environ.get("SHELL", "")]
        with contextlib.suppress(KeyError):  # a container's user may have no entry
            candidates.append(pwd.getpwuid(os.getuid()).pw_shell)
        return next((each for each in candidates if _is_shell(each)), "/bin/sh")

    def is_directory(self, path: str) -> bool:
        """Whether a process of ours could start there. One that does not answer is none: who asks may hold everybody's lock."""
        if not path.startswith("/") or "\0" in path:
            return False
        before = _ASKED.get(path)
        if before is not None and before.is_alive():
            return False
        found: list[bool] = []
        asking = threading.Thread(
            target=lambda: found.append(os.access(f"{path}/.", os.X_OK)), name="directory", daemon=True
        )
        asking.start()
        asking.join(_ANSWERS)
        if asking.is_alive():
            _ASKED[path] = asking
        else:
            _ASKED.pop(path, None)
        return found == [True]

    def wrap(self, argv: tuple[str, ...]) -> tuple[str, ...]:
        return (*_interpreted(self._perl_wrapper, self._python_wrapper), *argv)

    def integrate(
        self, argv: tuple[str, ...], token: str, history: str
    ) -> tuple[tuple[str, ...], Mapping[str, str]]:
        found, told = shell.integrated(argv, token, self._perl_wrapper.with_name("shell"), history)
        if not told or self._runtime is None:
            return found, told
        folder = self._runtime() / SHELLS
        folder.mkdir(mode=0o700, exist_ok=True)
        _sweep(folder, _UNUSED)
        return found, {**told, shell.FILE: str(folder / token)}

    def hand_over(self, values: Mapping[str, str], argv: tuple[str, ...]) -> tuple[str, ...]:
        """`argv` with `values` in its environment, by way of a file that is read and removed when it starts. What was never read
        (its pane could not be made) is removed after a while."""
        assert self._runtime is not None
        folder = self._runtime() / "handed"
        folder.mkdir(mode=0o700, exist_ok=True)
        _sweep(folder, _UNREAD)
        path = folder / randomness.token_hex(12)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:  # noqa: PTH123
            file.write(b"".join(os.fsencode(f"{name}={value}") + b"\0" for name, value in values.items()))
        reader = self._perl_wrapper.with_name("env.pl"), self._python_wrapper.with_name("env.py")
        return (*_interpreted(*reader), str(path), *argv)

    def contain(self, argv: tuple[str, ...], uid: str, limits: rules.Limits) -> tuple[str, ...]:
        from orchestra.host import cgroups  # only what is limited pays for it

        return cgroups.contained(argv, uid, limits)


SHELLS = "shells"
"""Of the runtime directory: what shells write of their last commands, a file each."""
_UNREAD = 3600.0
"""Seconds a handed-over file may wait for its reader."""
_UNUSED = 90 * 86400.0
"""Seconds in which a shell shows a prompt, or its file goes."""


def _sweep(folder: Path, age: float) -> None:
    now = time.clock_gettime(time.CLOCK_REALTIME)
    for old in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):
            if now - old.stat().st_mtime > age:
                old.unlink()


def _interpreted(perl_script: Path, python_script: Path) -> tuple[str, ...]:
    # The system's own first: what a version manager puts in PATH may be a slow shell script.
    perl = shutil.which("perl", path=f"/usr/bin:/usr/local/bin:{os.environ.get('PATH', '')}")
    if perl is not None and perl.startswith("/"):
        # The switches and the variable are explained in the scripts.
        return ("/usr/bin/env", "PERL_BADLANG=", perl, "-tX", "-C0", str(perl_script))
    return (sys.executable, "-I", "-S", "-B", "-X", "utf8", str(python_script))


def server_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """What a tmux server is started with, and so what every pane starts from: what a login has, and nothing of the moment.

    An allow-list, because the server outlives the terminal and the project it happens to be started from: neither a virtual
    environment, nor another tmux's variables, nor ours, nor an exported secret may leak into every later pane.
    """
    return {
        name: value
        for name, value in environ.items()
        if name in _OF_A_LOGIN or (name.startswith(_FAMILIES) and name not in _OF_THE_MOMENT)
    }


def _is_shell(path: str) -> bool:
    if path.endswith(("/nologin", "/false")):  # a service's user
        return False
    return path.startswith("/") and Path(path).is_file() and os.access(path, os.X_OK)
