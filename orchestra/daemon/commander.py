"""A pane's shell is given a command, and heard until that has ended."""

from __future__ import annotations

import contextlib
import re
import secrets
from collections.abc import Callable
from datetime import timedelta

from orchestra.daemon import assemble, hearing
from orchestra.engine import hands
from orchestra.engine.apply import launching
from orchestra.host import foreground, machine, one_shot, shell
from orchestra.model import errors, hand, status
from orchestra.model.frozen import frozen
from orchestra.plan import record
from orchestra.tmux import marks, stream

GRACE = timedelta(seconds=2)
"""What a command that took too long has to end by itself, after each way of asking."""
SETTLED = 0.5
"""Seconds after which a shell that shows its prompt, and has said nothing, will say nothing."""
QUICK = 0.25
"""Seconds in which a command is expected to end: so long what it printed is looked for all the time."""
BEAT = 0.0005
LOOK = 0.05
_FILLING = b"\x1b[1m\x1b[7m"
_FILLED = re.compile(rb"\x1b\[1m\x1b\[7m[%#]\x1b\[27m\x1b\[1m\x1b\[0m {2,}\r \r")
_WIDEST = 2048


@frozen
class Wish:
    command: str
    timeout: timedelta | None = None
    grace: timedelta = GRACE
    leave_mode: bool = False
    history: bool = False
    """A line of ours may stay in the history of a shell that cannot be told to forget it."""


class Commander:
    """Gives shells commands, one after another, and says how they ended."""

    def __init__(self, assembly: assemble.Assembly) -> None:
        self._assembly = assembly
        self._keyboard = assembly.keyboard
        self._terminals = foreground.Terminals()
        self._hands = assembly.hands
        self._folders = assembly.directories()

    def run(self, find: hands.Find, wish: Wish, printed: Callable[[str], None] | None = None) -> hand.Ran:
        """`printed` is told each line as it comes; without it they are in the result."""
        while True:
            server = self._hands.look()
            first = find(server)
            with hearing.alone(self._assembly, first) as waited:
                try:
                    return self._run(find, first.id, None if waited else server, wish, printed)
                except _Elsewhere:
                    continue

    def _run(
        self,
        find: hands.Find,
        pane: str,
        seen: status.Server | None,
        wish: Wish,
        printed: Callable[[str], None] | None,
    ) -> hand.Ran:
        with contextlib.ExitStack() as held:
            asked: list[_Asked] = []

            def prepare(meant: hand.Meant) -> hands.Prepared:
                if meant.id != pane:
                    raise _Elsewhere
                if not asked:  # else it is tried again, and may have gone
                    asked.append(self._ask(meant, wish, held))
                return asked[0].prepared

            self._hands.put(find, prepare, leave_mode=wish.leave_mode, seen=seen)
            return _Listening(asked[0], wish, self._hands, self._terminals, printed, find).until_ended()

    def _ask(self, meant: hand.Meant, wish: Wish, held: contextlib.ExitStack) -> _Asked:
        found = self._hands.shell(meant)
        program = found.foreground.program or found.foreground.argv[0].lstrip("-").rpartition("/")[2]
        program = program.partition("-")[0]  # zsh-5.9
        told = found.foreground.own and last_command(self._assembly, meant.place.pane) is not None
        told = told and one_line(wish.command, program)
        if told:
            token = launching.token(tells(meant.place.pane))
            line, bracketed = wish.command, True
        else:
            token = secrets.token_hex(8)
            made = self._one_shot(meant, wish, program, token)
            held.callback(made.remove)
            line, bracketed = made.line, False
        heard = hearing.Heard.begun(self._assembly, self._keyboard, meant, held)
        return _Asked(
            shell=found,
            token=token,
            told=told,
            heard=heard,
            prepared=hands.Prepared(strokes=hands.line(line, bracketed=bracketed), hear=heard.base),
        )

    def _one_shot(self, meant: hand.Meant, wish: Wish, program: str, token: str) -> one_shot.OneShot:
        if program not in one_shot.READS:
            raise errors.Conflict(
                f"{meant.address}: {program} does not tell how its commands end",
                hint="without --wait it is only typed; orchestra pane create makes a pane whose shell tells",
            )
        if program not in one_shot.FORGETS and not wish.history:
            raise errors.Conflict(
                f"{meant.address}: this {program} does not tell how its commands end, and would keep a line of ours in its history",
                hint="--history allows that; orchestra pane create makes a pane whose shell tells",
            )
        return one_shot.write(self._folders.runtime / "commands", program, wish.command, token)


def tells(pane: status.Pane) -> str:
    """The uid of a pane whose shell was started so that it tells of its commands, if it can; "" of any other."""
    if pane.mark is None:
        return pane.uid
    known = record.parse_pane(pane.record)
    told = known is not None and known.pane.command is None and known.pane.shell_integration
    return pane.mark.uid if told else ""


def last_command(assembly: assemble.Assembly, live: status.Pane) -> tuple[int, int] | None:
    """The number and the exit code of the command that ended last, 0 before the first; None where the shell does not tell."""
    uid = tells(live)
    return shell.last(assembly.expected().runtime / machine.SHELLS / launching.token(uid)) if uid else None


def one_line(command: str, program: str) -> bool:
    """Whether the shell, given it as a paste, takes it as it is, and as one command."""
    if program in ("bash", "rbash"):
        return "!" not in command and "\n" not in command
    return program != "zsh" or "!" not in command


class _Elsewhere(Exception):
    """The name means another pane by now."""


@frozen
class _Asked:
    shell: hands.Shell
    token: str
    told: bool
    """By the shell itself; else by a one-shot."""
    heard: hearing.Heard
    prepared: hands.Prepared


class _Listening:
    """To one command, until it has ended."""

    def __init__(
        self,
        asked: _Asked,
        wish: Wish,
        typing: hands.Hands,
        terminals: foreground.Terminals,
        printed: Callable[[str], None] | None,
        find: hands.Find,
    ) -> None:
        self._asked, self._wish, self._typing, self._terminals = asked, wish, typing, terminals
        self._printed = printed
        self._find = find
        self._stream = stream.Stream(asked.token)
        self._zsh = asked.shell.foreground.program.startswith("zsh")
        self._held = b""
        self._lines: list[str] = []
        self._lost = 0
        self._typed = self._heard = terminals.monotonic()
        self._began: float | None = None
        self._ended: float | None = None
        self._code: int | None = None
        self._stopped: hand.Stop | None = None
        self._deadline = None if wish.timeout is None else self._typed + wish.timeout.total_seconds()

    def until_ended(self) -> hand.Ran:
        while True:
            self._read()
            if self._ended is not None:
                break
            now = self._terminals.monotonic()
            if now - self._heard > SETTLED and self._is_over():
                self._read()
                break
            if self._deadline is not None and now >= self._deadline:
                self._deadline = self._stop()
                if self._deadline is None:
                    break
            if now - self._typed < QUICK:
                self._terminals.rest(BEAT)
                continue
            left = LOOK if self._deadline is None else min(LOOK, self._deadline - now)
            self._terminals.rest(left, self._asked.heard.listen())
        end = self._ended if self._ended is not None else self._terminals.monotonic()
        began = self._began if self._began is not None else self._typed
        return hand.Ran(
            meant=self._asked.shell.meant,
            lines=tuple(self._lines),
            exit_code=self._code,
            duration=timedelta(seconds=end - began),
            stopped=self._stopped,
            lost=self._lost,
        )

    def _read(self) -> None:
        for piece in self._asked.heard.pieces():
            self._heard = self._terminals.monotonic()
            if piece.lost != 0:
                self._lost += piece.lost or 1
            for each in self._stream.feed(self._bare(piece.data)):
                if self._ended is not None:
                    return
                if isinstance(each, stream.Line):
                    if self._began is not None:
                        self._say(each.text)
                elif each.kind is marks.Kind.COMMAND_START:
                    self._began = self._heard
                elif each.kind is marks.Kind.COMMAND_END and self._began is not None:
                    self._ended, self._code = self._heard, each.exit_code

    def _bare(self, data: bytes) -> bytes:
        """Without what zsh puts behind a last line that has no end, to begin its prompt in the first column."""
        if not self._zsh:
            return data
        data = _FILLED.sub(b"", self._held + data)
        at = data.rfind(_FILLING)
        if at < 0 or len(data) - at > _WIDEST or b"\x1b]" in data[at:]:
            self._held = b""
            return data
        self._held = data[at:]
        return data[:at]

    def _say(self, line: str) -> None:
        if self._printed is not None:
            self._printed(line)
        else:
            self._lines.append(line)

    def _is_over(self) -> bool:
        """Though nobody has said so: its shell ended, or was brought back to its prompt."""
        own, pane = self._asked.shell.foreground, self._asked.shell.meant.place.pane
        now = self._terminals.foreground(pane.pid)
        if now is None or not self._terminals.alive(own):
            self._code = self._exit_code()
            return True
        if now.group != own.group or not self._terminals.at_prompt(own.pid, pane.tty):
            return False
        if self._began is None:
            self._interrupt()  # what it holds may be the half of a command
            raise errors.ActionFailed(
                f"{self._asked.shell.meant.address}: its shell did not say that it began the command",
                hint="is a quote left open, or was its PROMPT_COMMAND or PS0 set anew? without --wait it is only typed",
            )
        return self._stopped is not None or not self._asked.told

    def _exit_code(self) -> int | None:
        """Of the pane itself, where its shell ended and it remains."""
        with contextlib.suppress(errors.OrchestraError):
            pane = self._typing.find(self._find).place.pane
            if pane.dead and pane.id == self._asked.shell.meant.id:
                return pane.exit_code
        return None

    # --- a command that takes too long

    def _stop(self) -> float | None:
        """Asks it, more firmly each time, to end; when to ask again, or None when there is nothing left to do."""
        grace = self._wish.grace.total_seconds()
        if self._stopped is None:
            self._stopped = hand.Stop.KEY
            self._interrupt()
            return self._terminals.monotonic() + grace
        if self._stopped is hand.Stop.KILL:
            return None
        now = self._terminals.foreground(self._asked.shell.meant.place.pane.pid)
        if now is None or now.own or now.group == self._asked.shell.foreground.group:
            return None  # nothing but the shell is left, and that is not ours to kill
        stronger = hand.Stop.TERM if self._stopped is hand.Stop.KEY else hand.Stop.KILL
        if self._terminals.signal(now, stronger):
            self._stopped = stronger
        return self._terminals.monotonic() + grace

    def _interrupt(self) -> None:
        with contextlib.suppress(errors.OrchestraError):
            id_ = self._asked.shell.meant.id
            again = hands.by_id(id_, self._asked.shell.meant.epoch)
            self._typing.put(again, lambda _: hands.Prepared(strokes=(hand.INTERRUPT,)), leave_mode=True)
