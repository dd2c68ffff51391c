"""What the engine asks of the world. `daemon/assemble.py` hands in the adapters."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Protocol

from orchestra.model import action, hand, metrics, rules, spec, status
from orchestra.model.touch import Touch


class Tmux(Protocol):
    def observe(self) -> status.Server:
        """One reading of the whole server. `TmuxUnavailable` when it is unknown what is there."""

    def observe_rest(self) -> tuple[status.Server, Mapping[str, status.Rest]]:
        """And in the same turn of the server, by id, whether sessions and panes rest. What cannot be understood is left out."""

    def execute(self, orders: Sequence[action.Order]) -> Sequence[action.Outcome]:
        """Carries out what tmux alone can do (not `StopPane`, `TypeLines`, `Await`), in order, in as few round trips as is safe.

        An order's outcome does not stop later ones that do not rest on it. One outcome an order, in order.
        """

    def ensure_key(self) -> str:
        """The server's key for digests of secrets, made when there is none; for a server that does not run yet, the one it will have."""

    def bind(self, server: status.Server, workspace: str) -> None:
        """From now on addresses mean this workspace's objects as seen in `server`."""

    def pane_id(self, address: str) -> str | None:
        """The live pane an address means now."""

    def capture(self, pane_id: str) -> str:
        """The pane's text with its history (at most 2,000 lines), lines joined where the terminal wrapped them."""

    def type_line(
        self, address: str, expect: status.Mark, mark: status.Mark, line: str, *, enter: bool = True
    ) -> action.Outcome:
        """Types `line`, Enter unless told not to, and writes `mark`, in one step, if the pane still bears `expect`."""

    def send_keys(self, address: str, expect: status.Mark, keys: Sequence[str]) -> action.Outcome:
        """Sends key names or text, if the pane still bears `expect`."""

    def reap(self) -> None:
        """Makes the server look at its ended children now; it reaps lazily by itself."""


class Processes(Protocol):
    def trees(self, roots: Mapping[str, int], server_pid: int) -> Mapping[str, frozenset[status.Process]]:
        """For each pane uid, with its first process's pid (0: none), every live process that belongs to it: descendants, its terminal
        session, and whatever bears the uid in its environment, however often it forked. One look at the process table for all.
        Never a tmux server, nor what runs under another one, nor this program."""

    def find(self, pid: int) -> status.Process | None:
        """The live process of that number, zombies not counted."""

    def signal(self, processes: Collection[status.Process], name: str) -> None:
        """Sends to each that is still the same process."""

    def signal_group(self, pid: int, name: str) -> None:
        """Sends to the process group that `pid` leads."""

    async def ended(
        self, processes: Collection[status.Process], timeout: timedelta
    ) -> frozenset[status.Process]:
        """Waits until all have ended; those that have not by then."""

    def contains_self(self, processes: Collection[status.Process]) -> bool:
        """Whether this program runs under one of them."""

    def at_prompt(self, pid: int, tty: str) -> bool:
        """Whether the interactive shell `pid` waits for a line on its terminal."""


class Sampler(Protocol):
    def sample(
        self, roots: Mapping[str, int], server_pid: int, *, pss: bool = False
    ) -> Mapping[str, metrics.Usage]:
        """What each pane's processes (those of `Processes.trees`, this program's left out) use; a pane without a live one is left out.
        `pss` costs more than all the rest.

        A sampler measures between its own samples, so it serves one caller, one call at a time. A pane keeps its account as long as
        it is asked for each time, with the same first process."""


class Restraint(Protocol):
    """Of processes that use more than they may. Blocks: not for an event loop, except `cues`."""

    def cues(self) -> tuple[int, int, float]:
        """Threads of the machine, bytes of memory that are taken, seconds its processors were busy; in some ten microseconds. Zeros
        where the system does not tell."""

    def hold(self, shares: Mapping[str, tuple[int, float, bool]], server_pid: int) -> None:
        """By pane: its first process, the share of time that the rest is let run, and whether that first one is an interactive shell,
        whose jobs cannot stand still. What is not named is let go. When this program dies, everything is."""

    def wall(self, uid: str, pid: int, limits: rules.Limits) -> bool:
        """Has the kernel keep the pane's limits as they are now, as far as it can without ending anything. Whether it does."""

    def free(self, roots: Mapping[str, int], server_pid: int) -> None:
        """Whatever of these panes stands still goes on."""

    def kill(self, uid: str, pid: int, server_pid: int) -> int:
        """Ends a pane's whole tree at once, however fast it forks. How many are left: 0."""

    def close(self) -> None: ...


class Prober(Protocol):
    async def attempt(
        self, probe: spec.Probe, timeout: timedelta, *, dir: str, env: Mapping[str, str]
    ) -> status.Attempt:
        """One try of a command, HTTP or TCP probe; never longer than `timeout`. An `OutputProbe` is not its business."""

    async def run(
        self, command: str | tuple[str, ...], timeout: timedelta, *, dir: str, env: Mapping[str, str]
    ) -> status.Attempt:
        """Runs a stop command in a process group of its own and kills that at the timeout."""


class Secrets(Protocol):
    def resolve(self, secrets: Collection[spec.Secret], *, run_commands: bool) -> Mapping[spec.Secret, str]:
        """Values by reference; those that come from commands are left out unless `run_commands`. `SecretUnavailable` otherwise."""


class Clock(Protocol):
    def monotonic(self) -> float:
        """Seconds."""

    def now(self) -> datetime:
        """With its zone, UTC."""


class Alarm(Protocol):
    """Waits for a time of day."""

    async def wait(self, until: datetime | None) -> None:
        """Returns then; sooner when the clock was set, and when it was rung. None: only for these. May return without a reason."""

    def ring(self) -> None:
        """In the event loop. Nobody waits yet: then the next one does not."""


class Files(Protocol):
    """Tells what becomes of files."""

    @property
    def troubles(self) -> Sequence[str]:
        """Sentences: what is not watched although it should be, why, and what helps."""

    @property
    def directories(self) -> int:
        """How many are watched now."""

    def follow(self, roots: Collection[str], enters: Callable[[str], bool]) -> None:
        """From now on what lies in these directories, which need not be there yet, and in those below them that are to be entered."""

    async def changes(self) -> Sequence[tuple[str, Touch]]:
        """Waits for some. Their paths begin with a root's, also where that is a link."""

    def close(self) -> None: ...


class Machine(Protocol):
    """The small facts about where we run."""

    def login_shell(self) -> str:
        """Absolute path."""

    def is_directory(self, path: str) -> bool: ...

    def wrap(self, argv: tuple[str, ...]) -> tuple[str, ...]:
        """`argv` under the wrapper that keeps a command's last lines and exact exit status."""

    def integrate(
        self, argv: tuple[str, ...], token: str, history: str
    ) -> tuple[tuple[str, ...], Mapping[str, str]]:
        """A shell's `argv` so that it tells of its commands, with the marks' token, and what that needs in its environment; unchanged
        where it is a shell we do not know."""

    def hand_over(self, values: Mapping[str, str], argv: tuple[str, ...]) -> tuple[str, ...]:
        """`argv` with `values` in its environment, in no argument and no tmux command: tmux logs what it is told."""

    def contain(self, argv: tuple[str, ...], uid: str, limits: rules.Limits) -> tuple[str, ...]:
        """`argv` where the kernel keeps it within walls; unchanged where it cannot. It stays the pane's own process."""


class Locks(Protocol):
    def hold(
        self, name: str, purpose: str, timeout: timedelta, waiting: Callable[[str], None]
    ) -> AbstractContextManager[None]:
        """One holder at a time, freed by the kernel when its process dies. When it must wait it calls `waiting` once with who
        holds it; `Conflict` after `timeout`, saying the same."""


class Keyboard(Protocol):
    def send(self, messages: Sequence[hand.Message]) -> Sequence[hand.Verdict]:
        """All of them in one step of the server, or none; each once, however often it is sent."""

    def remembers(self, pane: str, id: str) -> bool:
        """Whether a message of that number was typed into it, lately."""


class Terminals(Protocol):
    def foreground(self, pid: int) -> hand.Foreground | None:
        """What has the terminal that a pane's first process runs on. None when that is gone."""

    def at_prompt(self, pid: int, tty: str) -> bool:
        """Whether the interactive shell `pid` waits for a line on its terminal."""

    def age(self, pid: int) -> float | None:
        """Seconds since its start; None when it is gone."""

    def signal(self, found: hand.Foreground, name: str) -> bool:
        """To the whole group. False when it is there no more."""

    def rest(self, seconds: float, fd: int | None = None) -> None:
        """For so long, or until `fd` is readable."""

    def monotonic(self) -> float:
        """Seconds."""
