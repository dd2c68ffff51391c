"""exec.pl and exec.py: a pane ends as its command ended, and shows all of its output."""

import contextlib
import dataclasses
import fcntl
import os
import pathlib
import pty
import re
import select
import shlex
import shutil
import signal
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import pytest

import orchestra.tmux

_FOLDER = pathlib.Path(orchestra.tmux.__path__[0])
_DEADLINE = 60.0  # seconds
_GROUP_SIGNALS = ("HUP", "INT", "QUIT", "TERM", "ABRT", "ALRM", "PIPE", "USR1", "USR2")
_LOG_READY_AND_WAIT = 'echo ready >"$0"; while :; do sleep 60 & wait; done'
_PYTHON = (sys.executable, "-I", "-S", "-c")


_Wrapper = tuple[str, ...]  # put before a command
_ENV, _SH, _SLEEP = (shutil.which(name) or name for name in ("env", "sh", "sleep"))
_PERL = (_ENV, "PERL_BADLANG=", shutil.which("perl") or "perl", "-tX", "-C0", str(_FOLDER / "exec.pl"))
_WRAPPERS: dict[str, _Wrapper] = {
    "perl": _PERL,
    "python": (sys.executable, "-I", "-S", "-B", "-X", "utf8", str(_FOLDER / "exec.py")),
}
_DIRECT: _Wrapper = ()

# perl as on a system whose terminal requests it does not know by number
_PERL_BY_STTY = (*_PERL[:-1], "-e", "$^O = 'other'; do shift", _PERL[-1])


@pytest.fixture(params=_WRAPPERS)
def wrapper(request: pytest.FixtureRequest) -> _Wrapper:
    return _WRAPPERS[request.param]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Pane:
    id: str
    pid: int
    dead: bool
    status: str
    signal: str
    command: str

    @property
    def end(self) -> str:
        """`7`, or `SIGTERM`; empty while it is not known."""
        if not self.signal:
            return self.status
        return signal.Signals(int(self.signal)).name if self.signal.isdigit() else f"SIG{self.signal}"


class Server:
    """A tmux of the test's own, with one idle pane that is not listed."""

    def __init__(self, folder: pathlib.Path) -> None:
        self._socket = folder / "s"
        idle = ("new-session", "-d", "-x80", "-y24", "sleep infinity")
        self.run(*idle, ";", "set", "-g", "remain-on-exit", "on")
        self.pid = int(self.run("display-message", "-p", "#{pid}"))
        self._ended = os.pidfd_open(self.pid)
        (self._idle,) = self._list()

    def run(self, *arguments: str, text: str = "") -> str:
        return subprocess.run(
            ["tmux", "-u", "-S", str(self._socket), "-f", "/dev/null", *arguments],
            input=text.encode("utf-8", "surrogateescape"),
            # No locale: Python then changes the environment, which must not show.
            env={"PATH": os.environ["PATH"], "HOME": str(self._socket.parent), "TERM": "xterm"},
            stdout=subprocess.PIPE,
            check=True,
        ).stdout.decode("utf-8", "surrogateescape")

    def start(
        self, wrapper: _Wrapper, *commands: Sequence[str], environment: Sequence[str] = ()
    ) -> list[Pane]:
        """A window each, all in one go."""
        before = {pane.id for pane in self._list()}
        options = [f"-e{variable}" for variable in environment]
        lines = [["new-window", "-d", *options, *wrapper, *command] for command in commands]
        self.run("source-file", "-", text="".join(" ".join(map(_quote, line)) + "\n" for line in lines))
        return [pane for pane in self._list() if pane.id not in before]

    def panes(self) -> list[Pane]:
        return [pane for pane in self._list() if pane.id != self._idle.id]

    def _list(self) -> list[Pane]:
        names = "pane_id pane_pid pane_dead pane_dead_status pane_dead_signal pane_current_command"
        form = "|".join(f"#{{{name}}}" for name in names.split())
        rows = [row.split("|") for row in self.run("list-panes", "-a", "-F", form).splitlines()]
        return [
            Pane(id=id_, pid=int(pid), dead=dead == "1", status=status, signal=signal_, command=command)
            for id_, pid, dead, status, signal_, command in rows
        ]

    def ended(self) -> list[Pane]:
        """All panes, once all are dead and say how."""

        def look() -> list[Pane]:
            os.kill(self.pid, signal.SIGCHLD)  # tmux reaps lazily
            panes = self.panes()
            return panes if all(pane.dead and pane.end for pane in panes) else []

        return _until(look)

    def screen(self, pane: Pane) -> list[str]:
        """What the program wrote, without the line tmux adds."""
        lines = self.run("capture-pane", "-p", "-S-", "-t", pane.id).split("\n")
        return [line for line in lines if line and not line.startswith("Pane is dead")]

    def kill(self) -> None:
        if not _has_ended(self._ended, 0):
            self.run("kill-server")
            assert _has_ended(self._ended)


@pytest.fixture
def server(tmp_path: pathlib.Path) -> Iterator[Server]:
    server = Server(tmp_path)
    yield server
    server.kill()


_Seen = TypeVar("_Seen")


def _until(look: Callable[[], _Seen]) -> _Seen:
    until = time.monotonic() + _DEADLINE
    pause = threading.Event()
    while time.monotonic() < until:
        if seen := look():
            return seen
        pause.wait(0.001)
    raise AssertionError(f"not within {_DEADLINE} s")


def _until_size(file: pathlib.Path, size: int) -> None:
    _until(lambda: file.exists() and file.stat().st_size >= size)


def _has_ended(pidfd: int, timeout: float = _DEADLINE) -> bool:
    return bool(select.select([pidfd], [], [], timeout)[0])


def _stat(pid: int | str) -> list[str]:
    """State, parent, process group, session, terminal, its foreground group."""
    return pathlib.Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[:6]


def _alive_in(panes: Sequence[Pane]) -> list[str]:
    sessions, found = {str(pane.pid) for pane in panes}, []
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # ended meanwhile
            state, _, _, session, *_ = _stat(entry.name)
            if session in sessions and state != "Z":
                found.append(entry.name)
    return found


def _program(pid: int) -> pathlib.Path:
    return pathlib.Path(f"/proc/{pid}/exe").readlink()


def _child(pane: Pane) -> int:
    """The command's pid, once it is no longer the wrapper's image."""

    def look() -> int:
        for child in pathlib.Path(f"/proc/{pane.pid}/task/{pane.pid}/children").read_text().split():
            if _program(int(child)) != _program(pane.pid):
                return int(child)
        return 0

    return _until(look)


def _quote(word: str) -> str:
    """For tmux's parser, as plainly as can be."""
    return '"' + "".join(f"\\{byte:03o}" for byte in os.fsencode(word)) + '"'


def _sh(script: str, *arguments: object) -> list[str]:
    return ["sh", "-c", script, *map(str, arguments or ["sh"])]


# 40 KB: more than any buffer on the way holds
_OUTPUT = "seq -f 'line %05g of what is to be seen: all of it' 1000"
_SEEN = [f"line {number + 1:05} of what is to be seen: all of it" for number in range(1000)]


# The end


def test_200_short_commands_at_once(server: Server, wrapper: _Wrapper) -> None:
    script = _OUTPUT + '; printf "last of %s" "$1"; exit "$2"'
    server.start(wrapper, *(_sh(script, "sh", number, number % 256) for number in range(200)))
    panes = server.ended()
    assert [pane.end for pane in panes] == [str(number % 256) for number in range(200)]
    assert [server.screen(pane)[-1] for pane in panes] == [f"last of {number}" for number in range(200)]


def test_status_is_the_commands(server: Server, wrapper: _Wrapper) -> None:
    ends = {f"exit {code}": str(code) for code in (0, 1, 2, 126, 127, 128, 129, 130, 137, 139, 143, 255)}
    names = ("HUP", "INT", "QUIT", "ILL", "ABRT", "FPE", "KILL", "SEGV", "PIPE", "ALRM", "TERM", "USR1")
    ends |= {f"kill -{name} $$": f"SIG{name}" for name in names}
    server.start(wrapper, *map(_sh, ends))
    assert [pane.end for pane in server.ended()] == list(ends.values())


def test_no_core_of_the_wrapper(server: Server, wrapper: _Wrapper, tmp_path: pathlib.Path) -> None:
    cores = tmp_path / "cores"
    cores.mkdir()
    command = shlex.join([*wrapper, *_sh("ulimit -c 0; kill -SEGV $$")])
    server.start(_DIRECT, _sh(f"cd {shlex.quote(str(cores))} && ulimit -c unlimited && exec env {command}"))
    assert [pane.end for pane in server.ended()] == ["SIGSEGV"]
    assert not list(cores.iterdir())


def test_cannot_run(server: Server, wrapper: _Wrapper, tmp_path: pathlib.Path) -> None:
    plain = tmp_path / "plain"
    plain.write_text("")
    missing, denied = "No such file or directory", "Permission denied"
    expected = {
        "/missing": ("/missing", missing, "127"),
        "missing": ("missing", missing, "127"),
        "": ("", missing, "127"),
        "a\x1b[31m\n\u009bÄ": ("a?[31m??Ä", missing, "127"),
        str(plain): (str(plain), denied, "126"),
        "/": ("/", denied, "126"),
    }
    server.start(wrapper, *([name] for name in expected))
    panes = server.ended()
    assert [pane.end for pane in panes] == [code for _, _, code in expected.values()]
    lines = [f"orchestra: cannot run {name}: {reason}" for name, reason, _ in expected.values()]
    assert ["".join(server.screen(pane)) for pane in panes] == lines


def test_script_without_interpreter_line(server: Server, wrapper: _Wrapper, tmp_path: pathlib.Path) -> None:
    script = tmp_path / "plain"
    script.write_text('echo "$0" "$1"; exit 3')
    script.chmod(0o755)
    server.start(wrapper, [str(script), "one"])
    # Not by `-e`: tmux takes PATH from the client.
    server.start(_DIRECT, ["env", f"PATH={tmp_path}", *wrapper, "plain", "two"])
    panes = server.ended()
    assert [pane.end for pane in panes] == ["3", "3"]
    assert ["".join(server.screen(pane)) for pane in panes] == [f"{script} one", f"{script} two"]


# What the command is given


@pytest.mark.parametrize(
    "environment",
    [
        (),
        ("LC_ALL=C",),
        ("LC_ALL=no_SUCH.locale", "LANGUAGE=xx"),
        ("PERL5OPT=-MNoSuchModule", "PERL5LIB=/", "PERL_UNICODE=SAD", "PERLIO=:crlf", "PERL5DB=die"),
        ("PYTHONUTF8=0", "PYTHONHOME=/", "PYTHONPATH=/", "PYTHONSTARTUP=/", "PYTHONINSPECT=1", "LANG=C"),
        ("STRANGE=\udcff ; $(x) \n 'ä", "EMPTY="),
    ],
    ids=("bare", "C locale", "unknown locale", "perl's", "Python's", "strange"),
)
def test_arguments_and_environment_are_exact(
    server: Server, wrapper: _Wrapper, tmp_path: pathlib.Path, environment: tuple[str, ...]
) -> None:
    report = (
        "import sys\n"
        "with open('/proc/self/cmdline', 'rb') as words: arguments = words.read().split(b'\\0')[6:-1]\n"
        "with open('/proc/self/environ', 'rb') as words: variables = words.read().split(b'\\0')[:-1]\n"
        "with open(sys.argv[1], 'w') as out: print(arguments, sorted(variables), sep='\\n', file=out)\n"
    )
    arguments = [
        *("", " ", "a b", "'", '"', "\\", "\\\\n", ";", "a;", "\n", "\t", "\x1b[31m", "\x7f"),
        *("$HOME", "`id`", "#{pane_id}", "#(touch canary)", "%1", "~", "*", "-e", "--", "-", "{", "}"),
        *("ä€😀", "\udcff", "\udced\udca0\udc80", "a\udcc3", "x" * 4000),
    ]
    seen = []
    for number, road in enumerate((_DIRECT, wrapper)):
        out = tmp_path / str(number)
        command = ["env", "-u", "TMUX_PANE", *_PYTHON, report, str(out), *arguments]  # the pane differs
        (pane,) = server.start(road, command, environment=environment)
        server.ended()
        assert server.screen(pane) == []
        seen.append(out.read_text())
    assert seen[0] == seen[1]
    assert seen[1].splitlines()[0] == repr([os.fsencode(argument) for argument in arguments])


def test_what_else_a_process_inherits(server: Server, wrapper: _Wrapper, tmp_path: pathlib.Path) -> None:
    script = (
        'exec >"$0"; grep -E "^(Sig[BIC]|ShdP|SigP|Umask)" /proc/self/status;'
        "ls /proc/$$/fd; stat -c %t:%T -L /proc/$$/fd/0 | sed 's/:.*//'; pwd; ulimit -a; nice"
    )
    seen = []
    for number, road in enumerate((_DIRECT, wrapper)):
        out = tmp_path / str(number)
        server.start(road, _sh(script, out))
        server.ended()
        seen.append(out.read_text())
    assert seen[0] == seen[1]


def test_same_process_group_in_the_foreground(server: Server, wrapper: _Wrapper) -> None:
    (pane,) = server.start(wrapper, ["sleep", "infinity"])
    _, parent, group, session, _, foreground = _stat(_child(pane))
    assert {parent, group, session, foreground} == {str(pane.pid)}


def test_pane_is_named_after_the_command(server: Server, wrapper: _Wrapper) -> None:
    server.start(wrapper, ["sleep", "infinity"], [_SLEEP, "infinity"])
    _until(lambda: [pane.command for pane in server.panes()] == ["sleep", "sleep"])


# Signals


def _signal_group(pane: Pane, name: str) -> None:
    def send() -> bool:
        try:
            os.killpg(pane.pid, signal.Signals[f"SIG{name}"])
        except ProcessLookupError:  # not yet a group of its own
            return False
        return True

    _until(send)


def test_signal_to_the_group_is_the_commands_to_answer(
    server: Server, wrapper: _Wrapper, tmp_path: pathlib.Path
) -> None:
    script = 'trap "echo answered; exit 7" "$1"; : >"$0"; while :; do sleep 60 & wait; done'
    panes = server.start(wrapper, *(_sh(script, tmp_path / name, name) for name in _GROUP_SIGNALS))
    for pane, name in zip(panes, _GROUP_SIGNALS, strict=True):
        _until((tmp_path / name).exists)
        _signal_group(pane, name)
    ended = server.ended()
    assert [pane.end for pane in ended] == ["7"] * len(_GROUP_SIGNALS)
    assert [server.screen(pane)[-1:] for pane in ended] == [["answered"]] * len(_GROUP_SIGNALS)


def test_signal_to_the_group_ends_a_command_that_does_not_answer(server: Server, wrapper: _Wrapper) -> None:
    panes = server.start(wrapper, *[["sleep", "infinity"]] * len(_GROUP_SIGNALS))
    for pane, name in zip(panes, _GROUP_SIGNALS, strict=True):
        _child(pane)
        _signal_group(pane, name)
    ended = server.ended()
    assert [pane.end for pane in ended] == [f"SIG{name}" for name in _GROUP_SIGNALS]
    assert [server.screen(pane) for pane in ended] == [[]] * len(_GROUP_SIGNALS)


def test_signal_during_the_start_is_not_lost(server: Server, wrapper: _Wrapper) -> None:
    for _ in range(3):
        for pane in server.start(wrapper, *[["sleep", "infinity"]] * 20):
            _signal_group(pane, "TERM")
    assert {pane.end for pane in server.ended()} == {"SIGTERM"}


def test_signal_is_delivered_once(server: Server, wrapper: _Wrapper, tmp_path: pathlib.Path) -> None:
    log = tmp_path / "log"
    program = (
        "import os, sys, _signal as signal\n"
        "log = os.open(sys.argv[1], os.O_CREAT | os.O_WRONLY | os.O_NONBLOCK)\n"
        "for number in signal.SIGHUP, signal.SIGTERM: signal.signal(number, lambda *_: None)\n"
        "signal.set_wakeup_fd(log)\n"  # each arrival is a byte
        "os.write(log, b'\\0')\n"
        "while True: signal.pause()\n"
    )
    (pane,) = server.start(wrapper, [*_PYTHON, program, str(log)])
    seen = b"\0"
    for name in ("HUP",) * 5 + ("TERM",) * 5:
        _until_size(log, len(seen))
        _signal_group(pane, name)
        seen += bytes((signal.Signals[f"SIG{name}"],))
    _until_size(log, len(seen))
    _signal_group(pane, "KILL")
    server.ended()
    assert log.read_bytes() == seen


def test_stopped_and_continued(server: Server, wrapper: _Wrapper) -> None:
    (pane,) = server.start(wrapper, _sh("sleep infinity; exit 1"))
    child = _child(pane)
    _signal_group(pane, "TSTP")  # an orphaned group: nothing happens, as without a wrapper
    os.kill(child, signal.SIGSTOP)
    _until(lambda: _stat(child)[0] == "T")
    os.kill(child, signal.SIGCONT)
    _until(lambda: _stat(child)[0] != "T")
    assert [pane.dead for pane in server.panes()] == [False]
    os.kill(child, signal.SIGTERM)
    assert [pane.end for pane in server.ended()] == ["SIGTERM"]


# The output


@pytest.mark.parametrize(
    "after",
    [
        "exit 5",
        "exec <&- >&- 2>&-; exit 5",
        "stty raw -echo -icrnl -isig min 200 time 200; exit 5",
        "stty tostop; exit 5",
        r"printf '\033]0;an unfinished title'; exit 5",
        r"printf '\033Pan unfinished control string'; exit 5",
        "exec setsid sh -c 'exit 5'",
        "kill -5 $$",
    ],
)
def test_nothing_is_lost(server: Server, wrapper: _Wrapper, after: str) -> None:
    server.start(wrapper, *[_sh(f"{_OUTPUT}; {after}")] * 10)
    for pane in server.ended():
        assert (pane.end, server.screen(pane)) == ("SIGTRAP" if "kill" in after else "5", _SEEN)


def test_nothing_is_lost_with_the_terminal_held(
    server: Server, wrapper: _Wrapper, tmp_path: pathlib.Path
) -> None:
    held = tmp_path / "held"
    (pane,) = server.start(
        wrapper, _sh(f'trap "" HUP; sleep infinity & echo $! >"$0"; {_OUTPUT}; exit 5', held)
    )
    (ended,) = server.ended()
    os.kill(int(held.read_text()), signal.SIGKILL)
    assert (ended.end, server.screen(pane)) == ("5", _SEEN)


def test_nothing_is_lost_with_a_terminal_that_does_not_block(server: Server, wrapper: _Wrapper) -> None:
    program = "import os; os.set_blocking(0, False); os.execvp('sh', ['sh', '-c', 'seq 20; exit 5'])"
    (pane,) = server.start(wrapper, [*_PYTHON, program])
    (ended,) = server.ended()
    assert (ended.end, server.screen(pane)) == ("5", [str(number + 1) for number in range(20)])


def test_nothing_is_lost_when_a_shell_dies_and_leaves_a_job_in_the_foreground(
    server: Server, wrapper: _Wrapper
) -> None:
    program = (
        "import os, sys, _signal as signal\n"
        "signal.signal(signal.SIGTTOU, signal.SIG_IGN)\n"
        "job = os.fork()\n"
        "if not job:\n"
        "    os.setpgid(0, 0)\n"
        "    os.tcsetpgrp(0, os.getpid())\n"
        "    os.execvp('sleep', ['sleep', 'infinity'])\n"
        "while os.tcgetpgrp(0) != job: pass\n"
        "os.write(1, sys.argv[1].encode())\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    panes = server.start(wrapper, *[[*_PYTHON, program, "\n".join(_SEEN)]] * 5)
    for ended in server.ended():
        assert (ended.end, server.screen(ended)) == ("SIGKILL", _SEEN)
    _until(lambda: not _alive_in(panes))  # the kernel hangs the jobs up, as without a wrapper


def test_typed_ahead_input_is_skipped(server: Server, wrapper: _Wrapper, tmp_path: pathlib.Path) -> None:
    ready, go = tmp_path / "ready", tmp_path / "go"
    os.mkfifo(go)
    (pane,) = server.start(wrapper, _sh('stty -echo; : >"$0"; read _ <"$1"; echo end; exit 5', ready, go))
    _until(ready.exists)
    server.run(
        "send-keys", "-t", pane.id, "-l", "typed\x1b[0", ";", "send-keys", "-t", pane.id, "Enter", "x", "C-d"
    )
    with go.open("w") as pipe:
        print(file=pipe)
    (ended,) = server.ended()
    assert (ended.end, server.screen(pane)) == ("5", ["end"])


def test_modes_are_restored(server: Server, wrapper: _Wrapper, tmp_path: pathlib.Path) -> None:
    inner = shlex.join(["env", *wrapper, "stty", "-onlcr", "-echo"])
    server.start(
        _DIRECT, _sh(f'stty -onlcr -echo; stty -g >"$0"; {inner}; stty -g >>"$0"', tmp_path / "modes")
    )
    server.ended()
    before, after = (tmp_path / "modes").read_text().splitlines()
    assert before == after


def test_where_requests_are_not_known_by_number(server: Server, tmp_path: pathlib.Path) -> None:
    server.start(_PERL_BY_STTY, *[_sh(f"{_OUTPUT}; exit 5")] * 10)
    for pane in server.ended():
        assert (pane.end, server.screen(pane)) == ("5", _SEEN)
    server.start(_PERL_BY_STTY, _sh("kill -SEGV $$"))
    server.start(_DIRECT, ["env", f"PATH={tmp_path}", *_PERL_BY_STTY, _SH, "-c", "kill -9 $$"])  # nor stty
    assert [pane.end for pane in server.ended()][-2:] == ["SIGSEGV", "SIGKILL"]


# When nobody listens


def test_killed_pane_leaves_nothing_behind(server: Server, wrapper: _Wrapper, tmp_path: pathlib.Path) -> None:
    log = tmp_path / "log"
    (pane,) = server.start(wrapper, _sh('trap "echo HUP >>"$0"; exit" HUP;' + _LOG_READY_AND_WAIT, log))
    _until_size(log, len("ready\n"))
    everyone = [os.pidfd_open(pid) for pid in (pane.pid, _child(pane))]
    server.run("kill-pane", "-t", pane.id)
    assert all(map(_has_ended, everyone))
    assert log.read_text().split() == ["ready", "HUP"]


def test_killed_server_leaves_nothing_behind(server: Server, wrapper: _Wrapper) -> None:
    panes = server.start(wrapper, *[["sleep", "infinity"]] * 30)  # the last are still starting
    server.kill()
    _until(lambda: not _alive_in(panes))


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """Both ends, ours first."""
    ends = pty.openpty()
    yield ends
    for end in ends:
        with contextlib.suppress(OSError):  # the test closed it
            os.close(end)


def _run_on(terminal: int, command: Sequence[str]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        command,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )


@pytest.mark.parametrize("stuck", [False, True], ids=("silent", "stuck"))
def test_terminal_that_never_answers(
    wrapper: _Wrapper, terminal: tuple[int, int], tmp_path: pathlib.Path, stuck: bool
) -> None:
    *prefix, script = wrapper
    text = pathlib.Path(script).read_text()
    assert len(re.findall(r"\b25\b", text)) == 1  # the patience, in seconds
    impatient = tmp_path / "impatient"
    impatient.write_text(re.sub(r"\b25\b", "1", text))
    fill = (
        "import os\n"
        "os.set_blocking(1, False)\n"
        "try:\n"
        "    while True: os.write(1, b'x')\n"
        "except BlockingIOError: pass\n"
        "os.set_blocking(1, True)\n"
        "os._exit(5)\n"
    )
    command = [*_PYTHON, fill] if stuck else _sh("exit 5")
    assert _run_on(terminal[1], [*prefix, str(impatient), *command]).wait(15) == 5


def test_terminal_that_closes_instead_of_answering(wrapper: _Wrapper, terminal: tuple[int, int]) -> None:
    running = _run_on(terminal[1], [*wrapper, *_sh("exit 5")])
    seen = b""
    while b"\x1b[5n" not in seen:
        seen += os.read(terminal[0], 1024)
    os.close(terminal[0])
    assert running.wait(15) == 5  # well before its patience ends


def test_without_a_terminal(wrapper: _Wrapper) -> None:
    done = subprocess.run([*wrapper, *_sh("cat; exit 5")], input=b"through", capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (5, b"through", b"")


def test_perl_is_strict() -> None:
    done = subprocess.run(["perl", "-Mstrict", "-c", _PERL[-1]], capture_output=True, text=True)
    assert done.stderr.endswith("syntax OK\n")
