"""Runs a pane's command and ends as the command ended, with nothing of its output lost.

    PYTHON -I -S -B -X utf8 exec.py COMMAND [ARGUMENT ...]

The same as exec.pl, which says why, for where there is no perl: slower to start, and larger.
A script of its own, never imported: it may use nothing of orchestra, and only modules that cost little to load.
-X utf8 keeps arguments exact whatever the locale.
"""

import io
import posix
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
else:
    import _signal  # `signal` itself is 5 ms and 0.9 MB of enums

_ENOENT, _ENOEXEC, _EACCES, _ENOTDIR = 2, 8, 13, 20  # as on every Unix; `errno` is one more file to load
_ANSWER_WITHIN = 25.0  # seconds

# Faults must not return, and what stops the command from the keyboard stops us too.
_NOT_HELD = {
    _signal.SIGSEGV,
    _signal.SIGBUS,
    _signal.SIGILL,
    _signal.SIGFPE,
    _signal.SIGTRAP,
    _signal.SIGSYS,
    _signal.SIGTSTP,
}


def main() -> None:
    encoding, errors = sys.getfilesystemencoding(), sys.getfilesystemencodeerrors()
    command = [argument.encode(encoding, errors) for argument in sys.argv[1:]] or [b""]
    terminal = posix.isatty(0) and posix.isatty(1)

    # A signal to the whole process group is the command's to answer. Ours stays pending for ever.
    mask = _signal.pthread_sigmask(_signal.SIG_BLOCK, _signal.valid_signals() - _NOT_HELD)
    _signal.signal(_signal.SIGCHLD, lambda *_: None)  # some systems drop one that has no handler

    try:
        told, tell = posix.pipe()  # both are closed by exec
        child = posix.fork()
    except OSError as error:
        status = _complain(command[0], error) << 8
    else:
        if not child:
            posix.close(tell)
            _restore(mask, missed=set(posix.read(told, 128)) - _signal.sigpending())
            try:
                _exec(command)
            except OSError as error:
                posix._exit(_complain(command[0], error))
        # What came before the fork is pending here only; what came after it, there too. 0 is no signal, and ends the wait.
        posix.write(tell, bytes({0, *_signal.sigpending()} - {_signal.SIGCHLD}))
        _take_name(command[0])
        status = _wait(child, terminal)

    if terminal and posix.isatty(0):
        _await_terminal()
    if posix.WIFSIGNALED(status):
        _end_by(posix.WTERMSIG(status))
    posix._exit(posix.WEXITSTATUS(status))


def _restore(mask: "set[int | _signal.Signals]", missed: "set[int]") -> None:
    """Undo, in the child, what Python did at its start and `main` after it."""
    for ignored in (_signal.SIGPIPE, _signal.SIGXFSZ):
        _signal.signal(ignored, _signal.SIG_DFL)
    if _signal.getsignal(_signal.SIGINT) != _signal.SIG_IGN:
        _signal.signal(_signal.SIGINT, _signal.SIG_DFL)
    if b"LC_CTYPE" in posix.environ:  # in the C locale Python sets it, for its children too (PEP 538)
        try:
            with io.FileIO("/proc/self/environ") as original:
                if b"\0LC_CTYPE=" not in b"\0" + original.read():
                    posix.unsetenv(b"LC_CTYPE")
        except OSError:
            pass
    for signal in missed - {0}:  # came before there was a command to take it
        posix.kill(posix.getpid(), signal)
    _signal.pthread_sigmask(_signal.SIG_SETMASK, mask)


def _exec(command: list[bytes]) -> None:
    """execvp(3) as the C library does it; Python's does not run a script that has no `#!`."""
    name = command[0]
    if not name:
        raise FileNotFoundError(_ENOENT, posix.strerror(_ENOENT))
    folders = [b""] if b"/" in name else posix.environ.get(b"PATH", b"/bin:/usr/bin").split(b":")
    denied = None
    for folder in folders:
        path = folder + b"/" + name if folder else name
        try:
            posix.execv(path, command)
        except OSError as error:
            failure = error
        if failure.errno == _ENOEXEC:
            posix.execv(b"/bin/sh", [b"/bin/sh", path, *command[1:]])
        if failure.errno == _EACCES:
            denied = failure
        elif failure.errno not in (_ENOENT, _ENOTDIR):
            break
    raise denied or failure


def _complain(name: bytes, error: OSError) -> int:
    """The exit code that says why."""
    shown = "".join(
        "?" if c < " " or "\x7f" <= c < "\xa0" else c for c in name.decode("utf-8", "surrogateescape")
    )
    line = f"orchestra: cannot run {shown}: {error.strerror}\n"
    posix.write(2, line.encode("utf-8", "surrogateescape"))
    return 127 if error.errno == _ENOENT else 126


def _take_name(name: bytes) -> None:
    """Overwrite our own command line: tmux shows its first word as pane_current_command (Linux only)."""
    title = name.rstrip(b"/").rpartition(b"/")[2]
    try:
        with io.FileIO("/proc/self/stat") as stat:
            start, end = map(int, stat.read().rpartition(b")")[2].split()[45:47])  # arg_start, arg_end
        with io.FileIO("/proc/self/mem", "r+") as memory:
            memory.seek(start)
            memory.write(title[: end - start - 1].ljust(end - start, b"\0"))
        with io.FileIO("/proc/self/comm", "w") as comm:
            comm.write(title[:15])
    except (OSError, ValueError):
        pass


def _wait(child: int, terminal: bool) -> int:
    while True:
        ended, status = posix.waitpid(child, posix.WNOHANG)
        if ended:
            return status
        signal = _signal.sigwait({_signal.SIGCHLD, _signal.SIGHUP})
        # When its terminal closes, the kernel tells only the session's leader, which is us: hand that on.
        if signal == _signal.SIGHUP and terminal and not posix.isatty(0):
            posix.kill(child, _signal.SIGHUP)


def _await_terminal() -> None:
    import termios  # nothing before the end needs it

    try:
        # A shell that was killed leaves its last job in the foreground. SIGTTOU is held, so we may take over.
        foreground = posix.tcgetpgrp(0)
        posix.tcsetpgrp(0, posix.getpgrp())
        modes = termios.tcgetattr(0)
        # Raw: the answer has no newline and must not be echoed.
        characters = [*modes[6]]
        characters[termios.VMIN], characters[termios.VTIME] = 1, 0
        try:
            termios.tcsetattr(0, termios.TCSANOW, [0, modes[1], modes[2], 0, *modes[4:6], characters])
            _ask()
        finally:
            termios.tcsetattr(0, termios.TCSANOW, modes)
            posix.tcsetpgrp(0, foreground)
    except (OSError, termios.error):
        pass  # hung up: nobody reads any more


def _ask() -> None:
    import select
    import time

    until = time.monotonic() + _ANSWER_WITHIN
    for byte in b"\x1b\\\x1b[5n":  # one at a time: room for one is all that select promises
        if not select.select([], [1], [], max(0, until - time.monotonic()))[1]:
            return
        posix.write(1, bytes((byte,)))
    seen = b""
    while b"\x1b[0n" not in seen and select.select([0], [], [], max(0, until - time.monotonic()))[0]:
        try:
            read = posix.read(0, 4096)
        except BlockingIOError:  # a child left behind was quicker
            continue
        if not read:
            return
        seen = seen[-3:] + read


def _end_by(signal: int) -> None:
    import resource

    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    # The core is the command's; ours would say nothing. 1 rather than 0 because Linux pipes cores of size 0 as well.
    resource.setrlimit(resource.RLIMIT_CORE, (min(1, hard) if hard >= 0 else 1, hard))
    if signal != _signal.SIGKILL:
        _signal.signal(signal, _signal.SIG_DFL)
    posix.kill(posix.getpid(), signal)
    _signal.pthread_sigmask(_signal.SIG_UNBLOCK, {signal})
    posix._exit(128 + signal)


if __name__ == "__main__":
    main()
