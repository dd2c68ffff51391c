"""What it costs to run a pane's command under a wrapper, and what it saves: docs/decisions/0003-wrapper.md.

Run as `python -m benchmarks.wrapper`; prints a markdown table. Uses a tmux server of its own.
"""

import contextlib
import dataclasses
import os
import pathlib
import shlex
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence

_RUNS = 200
_ROUNDS = 150
_WAITING = 50
_LINE = "line %g of what a short command has to say"
_LINES = [_LINE % (number + 1) for number in range(200)]
_PRINT = ("seq", "-f", _LINE, str(len(_LINES)))
_CODES = (0, 1, 2, 126, 127, 128, 129, 130, 137, 143, 255)
_SIGNALS = (
    signal.SIGINT,
    signal.SIGTERM,
    signal.SIGKILL,
    signal.SIGSEGV,
    signal.SIGPIPE,
    signal.SIGHUP,
)
_DEADLINE = 60.0  # seconds, for any one thing awaited
_SCRIPTS = pathlib.Path(__file__).parent.parent / "orchestra" / "tmux"

# What POSIX sh can do. A death by signal it can only tell as 128 + signal, as any exit(137) would be.
_SH = r"""
trap : HUP INT QUIT TERM
"$@"
status=$?
saved=$(stty -g 2>/dev/null) || exit $status
stty raw -echo min 0 time 10
printf '\033[5n'
dd bs=64 count=1 >/dev/null 2>&1
stty "$saved"
exit $status
"""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Road:
    """A way from tmux to the command."""

    name: str
    prefix: tuple[str, ...] = ()
    environment: tuple[str, ...] = ()


_PERL = ("perl", "-tX", "-C0", str(_SCRIPTS / "exec.pl"))
_DIRECT = Road(name="exec, no wrapper")
_ROADS = (
    _DIRECT,
    Road(name="sh (dash)", prefix=("sh", "-c", _SH, "sh")),
    Road(name="perl", prefix=_PERL, environment=("PERL_BADLANG=",)),
    Road(name="perl, by `env`", prefix=("env", "PERL_BADLANG=", *_PERL)),
    Road(
        name="python",
        prefix=(sys.executable, "-I", "-S", "-B", "-X", "utf8", str(_SCRIPTS / "exec.py")),
    ),
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Pane:
    id: str
    pid: int
    dead: bool
    status: str  # as `wait` would say it: a number, or a signal's number with a minus


class Server:
    """A tmux server with one idle pane, and what else is put into it."""

    def __init__(self, folder: str) -> None:
        self._environment = {k: v for k, v in os.environ.items() if k not in ("TMUX", "TMUX_PANE")}
        self._environment["TMUX_TMPDIR"] = folder
        self._name = f"bench-{os.urandom(4).hex()}"
        self.run(
            "new-session",
            "-d",
            "-x",
            "80",
            "-y",
            "24",
            "sleep",
            "infinity",
            ";",
            "set",
            "-g",
            "remain-on-exit",
            "on",
        )
        self._pid = int(self.run("display-message", "-p", "#{pid}"))
        (self._idle,) = self._list()

    def run(self, *arguments: str, text: str | None = None) -> str:
        return subprocess.run(
            ["tmux", "-L", self._name, "-f", "/dev/null", *arguments],
            input=text,
            env=self._environment,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        ).stdout

    def start(self, road: Road, commands: Sequence[Sequence[str]]) -> None:
        """A window each, all in one go."""
        lines = (
            ["new-window", "-d", *(f"-e{e}" for e in road.environment), *road.prefix, *command]
            for command in commands
        )
        self.run("source-file", "-", text="".join(" ".join(map(_quote, line)) + "\n" for line in lines))

    def panes(self) -> list[Pane]:
        return [pane for pane in self._list() if pane.id != self._idle.id]

    def _list(self) -> list[Pane]:
        fields = "#{pane_id} #{pane_pid} #{pane_dead} #{?pane_dead_signal,-#{pane_dead_signal},#{pane_dead_status}}"
        rows = (row.split(" ") for row in self.run("list-panes", "-a", "-F", fields).splitlines())
        return [Pane(id=row[0], pid=int(row[1]), dead=row[2] == "1", status=row[3]) for row in rows]

    def ended(self) -> list[Pane]:
        """All panes, once all have ended and their status is known."""
        for _ in _patience():
            os.kill(self._pid, signal.SIGCHLD)  # tmux looks for ended children when it feels like it, and now
            panes = self.panes()
            if all(pane.dead and pane.status for pane in panes):
                return panes
        raise AssertionError

    def lines(self, pane: Pane) -> list[str]:
        return self.run("capture-pane", "-p", "-S", "-", "-t", pane.id).split("\n")

    def close(self) -> None:
        self.run("kill-server")
        for _ in _patience():
            if not pathlib.Path(f"/proc/{self._pid}").exists():
                return


@contextlib.contextmanager
def _server() -> Iterator[Server]:
    with tempfile.TemporaryDirectory() as folder:
        server = Server(folder)
        try:
            yield server
        finally:
            server.close()


def _patience() -> Iterator[None]:
    until = time.monotonic() + _DEADLINE
    while time.monotonic() < until:
        yield
        time.sleep(0.002)
    raise TimeoutError


def _quote(word: str) -> str:
    """For tmux's own parser."""
    return '"' + "".join(chr(b) if chr(b).isalnum() else f"\\{b:03o}" for b in word.encode()) + '"'


def _times() -> dict[str, tuple[float, float]]:
    """Milliseconds per road: until the command's first deed, and in all for a command that does nothing."""
    with tempfile.TemporaryDirectory() as folder, _server() as server:
        stamps, script = pathlib.Path(folder, "stamps"), pathlib.Path(folder, "script")
        stamp = f"date +%s%N >>{shlex.quote(str(stamps))}"
        steps = []
        for road in _ROADS:
            prefix = " ".join([*road.environment, shlex.join(road.prefix)])
            steps += [stamp, f"{prefix} sh -c {shlex.quote(stamp)}", stamp, f"{prefix} true", stamp]
        loop = "\n".join(["i=0", f"while [ $i -lt {_ROUNDS} ]; do", *steps, "i=$((i + 1))", "done"])
        script.write_text(loop)
        server.start(_DIRECT, [["sh", str(script)]])
        server.ended()
        taken = [int(line) / 1e6 for line in stamps.read_text().split()]
    each = 4
    result = {}
    for number, road in enumerate(_ROADS):
        rows = [taken[at : at + each] for at in range(number * each, len(taken), len(_ROADS) * each)]
        result[road.name] = (
            statistics.median(row[1] - row[0] for row in rows),
            statistics.median(row[3] - row[2] for row in rows),
        )
    return result


def _memory(road: Road) -> tuple[float, float]:
    """KB of PSS and of private memory: the mean of wrappers that wait."""
    if not road.prefix:
        return 0, 0
    with _server() as server:
        server.start(road, [["sleep", "infinity"]] * _WAITING)
        wrappers = [pane.pid for pane in server.panes()]
        for _ in _patience():
            if all(map(_waits, wrappers)):
                break
        time.sleep(1.5)  # and for what they do in their first second
        rollups = [pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in wrappers]
    sizes = [{row.split()[0]: float(row.split()[1]) for row in text.splitlines()[1:]} for text in rollups]
    return (
        statistics.mean(size["Pss:"] for size in sizes),
        statistics.mean(size["Private_Clean:"] + size["Private_Dirty:"] for size in sizes),
    )


def _waits(pid: int) -> bool:
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return any(pathlib.Path(f"/proc/{child}/comm").read_text() == "sleep\n" for child in children)


def _lost_at_once(road: Road) -> tuple[int, float]:
    """How many of many commands lost output, and the seconds until all had ended."""
    with _server() as server:
        before = time.monotonic()
        server.start(road, [_PRINT] * _RUNS)
        panes = server.ended()
        took = time.monotonic() - before
        return sum(_lost(server.lines(pane)) for pane in panes), took


def _lost_alone(road: Road) -> int:
    with _server() as server:
        lost = 0
        for _ in range(_RUNS):
            server.start(road, [_PRINT])
            (pane,) = server.ended()
            lost += _lost(server.lines(pane))
            server.run("kill-pane", "-t", pane.id)
        return lost


def _lost(lines: Sequence[str]) -> bool:
    return list(lines[: len(_LINES)]) != _LINES


def _wrong(road: Road) -> int:
    """How many ends are not told as they were."""
    ends = {f"exit {code}": str(code) for code in _CODES}
    ends |= {f"kill -{number.value} $$": f"-{number.value}" for number in _SIGNALS}
    with _server() as server:
        server.start(road, [["sh", "-c", script] for script in ends])
        return sum(pane.status != end for pane, end in zip(server.ended(), ends.values(), strict=True))


def main() -> None:
    times = _times()
    print(
        f"| | first deed | in all | PSS | private | {_RUNS} at once took | tail lost: at once | one by one | wrong status |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for road in _ROADS:
        start, total = (
            taken - without for taken, without in zip(times[road.name], times[_DIRECT.name], strict=True)
        )
        pss, private = _memory(road)
        lost, took = _lost_at_once(road)
        print(
            f"| {road.name} | +{start:.1f} ms | +{total:.1f} ms | {pss:.0f} KB | {private:.0f} KB | {took:.2f} s "
            f"| {lost} | {_lost_alone(road)} of {_RUNS} | {_wrong(road)} of {len(_CODES) + len(_SIGNALS)} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
