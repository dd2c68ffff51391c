"""Typing into panes by hand: into the right one, when it can take it, once. What a pane cannot take is refused with the reason."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence

from orchestra.engine import ports
from orchestra.model import errors, hand, status
from orchestra.model.frozen import frozen
from orchestra.plan import addressing

Find = Callable[[status.Server], hand.Meant]
TRIES = 100
"""Of finding a pane that is renamed or renumbered all the time, and of sending what nobody answered to."""
BEAT = 0.0005
"""Seconds between two looks at a shell, at first; neither the kernel nor tmux tells when a prompt is shown."""
PATIENCE = 2.0
"""Seconds that a shell may take to show its prompt, or what runs to end by itself, before it is refused."""
YOUNG = 15.0
"""Seconds from its start in which a shell may still be reading its user's files."""
STRIKES = (
    "orchestra pane wait waits for its end; pane exec --force types it nevertheless, to whatever reads there"
)


@frozen
class Prepared:
    strokes: tuple[hand.Paste | hand.Keys, ...]
    hear: str = ""


@frozen
class Shell:
    """What waits for a line in a pane."""

    meant: hand.Meant
    foreground: hand.Foreground


class Hands:
    def __init__(
        self, observe: Callable[[], status.Server], keyboard: ports.Keyboard, terminals: ports.Terminals
    ) -> None:
        self._observe = observe
        self._keyboard = keyboard
        self._terminals = terminals

    def look(self) -> status.Server:
        return self._observe()

    def find(self, find: Find) -> hand.Meant:
        return find(self._observe())

    def put(
        self,
        find: Find,
        prepare: Callable[[hand.Meant], Prepared],
        *,
        leave_mode: bool = False,
        force: bool = False,
        id: str = "",
        seen: status.Server | None = None,
    ) -> hand.Meant:
        """Into the one pane that `find` finds; what it was given. A message with an `id` that the pane remembers is not typed again."""
        (meant,) = self.put_all([find], prepare, leave_mode=leave_mode, force=force, id=id, seen=seen)
        return meant

    def put_all(
        self,
        finds: Sequence[Find],
        prepare: Callable[[hand.Meant], Prepared],
        *,
        leave_mode: bool = False,
        force: bool = False,
        id: str = "",
        seen: status.Server | None = None,
    ) -> Sequence[hand.Meant]:
        """Into all of them, or into none: every one is looked at first, and tmux looks again in the step that types. `seen`: a look
        that is still warm, for the first try."""
        again, id = bool(id), id or new_id()
        verdicts: Sequence[hand.Verdict] = ()
        for _ in range(TRIES):
            server, seen = seen or self._observe(), None
            found = [find(server) for find in finds]
            if again and all(self._keyboard.remembers(each.id, id) for each in found):
                return found  # whatever they could take now
            for each in found:
                refuse(each, in_mode=leave_mode or force)
            messages = []
            for each in found:
                made = prepare(each)
                messages.append(
                    hand.Message(
                        meant=each,
                        strokes=made.strokes,
                        id=id,
                        leave_mode=leave_mode,
                        force=force,
                        hear=made.hear,
                    )
                )
            verdicts = self._keyboard.send(messages)
            if all(verdict in hand.WENT for verdict in verdicts):
                return found
            for each, verdict in zip(found, verdicts, strict=True):
                _refuse(each, verdict)
        raise errors.ActionFailed(
            "nothing was typed: the pane is renamed or moved all the time"
            if hand.Verdict.MOVED in verdicts
            else "the tmux server does not say whether it was typed",
            hint="name the pane by tmux's id: orchestra pane list shows it",
        )

    def shell(self, meant: hand.Meant, patience: float = PATIENCE) -> Shell:
        """The shell that waits for a line there, as soon as it does. `Conflict` with what is in the way."""
        terminals, pane = self._terminals, meant.place.pane
        begun = terminals.monotonic()
        shown = 0
        while True:
            found = terminals.foreground(pane.pid)
            if found is None:
                raise errors.ActionFailed(f"{meant.address}: its process has ended")
            if found.shell and terminals.at_prompt(found.pid, pane.tty):
                shown += 1
                if shown > 1:
                    return Shell(meant=meant, foreground=found)
            else:
                shown = 0
            waited = terminals.monotonic() - begun
            age = terminals.age(found.pid) or 0.0
            if found.own and not found.shell and age > patience:
                break  # nor will it ever be one
            if waited > patience and not (found.shell and age < YOUNG):
                break
            terminals.rest(BEAT if waited < 0.05 else 10 * BEAT)
        if found.shell:
            raise errors.Conflict(
                f"{meant.address}: its shell ({found.argv[0]}, pid {found.pid}) shows no prompt", hint=STRIKES
            )
        raise errors.Conflict(
            f"{meant.address}: `{found.line}` (pid {found.pid}) has the terminal", hint=STRIKES
        )


def line(text: str, *, bracketed: bool = True) -> tuple[hand.Paste, ...]:
    """What gives a shell a line, and nothing but that line."""
    pasted = hand.Paste(data=text.encode(errors="surrogateescape"), bracketed=bracketed)
    return (hand.EMPTIED, pasted, hand.ENTER)


def by_id(id_: str, epoch: str) -> Find:
    def find(server: status.Server) -> hand.Meant:
        found = addressing.by_id(server, id_)
        if found.epoch != epoch:
            raise errors.ActionFailed(f"pane {id_} is gone: the tmux server is another one now")
        return found

    return find


def new_id() -> str:
    return secrets.token_hex(6)


def refuse(meant: hand.Meant, *, in_mode: bool) -> None:
    """`in_mode`: that somebody looks at its history is no reason."""
    pane = meant.place.pane
    if pane.dead:
        _refuse(meant, hand.Verdict.DEAD)
    if pane.deaf:
        _refuse(meant, hand.Verdict.DEAF)
    if pane.in_mode and not in_mode:
        _refuse(meant, hand.Verdict.IN_MODE)


def _refuse(meant: hand.Meant, verdict: hand.Verdict) -> None:
    match verdict:
        case hand.Verdict.DEAD:
            raise errors.Conflict(
                f"{meant.address}: its process has ended", hint="orchestra start or restart runs one again"
            )
        case hand.Verdict.IN_MODE:
            raise errors.Conflict(
                f"{meant.address} is in copy mode: somebody looks at its history, and keys would go there",
                hint="--leave-mode brings it back to the present first",
            )
        case hand.Verdict.DEAF:
            raise errors.Conflict(
                f"{meant.address}: its input is switched off",
                hint=f"tmux select-pane -e -t {meant.id} switches it on",
            )
        case _:
            return
