"""Carries actions out on a server, in as few round trips as is safe, and keeps what addresses mean on it.

Creation is pipelined. What removes or moves objects goes alone: two teardowns in one turn of the server crash it while anyone's control
client is attached (tmux#5243). A new session bears a name that nobody else has until all of it is made, and so does a new window of a
session that was there: so every command of a batch names it exactly. What exists is named by id only.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from orchestra.model import action, errors, names, status
from orchestra.tmux import commands, observe, quote, rest, server

ALONE = (
    action.DeletePane,
    action.Collect,
    action.MovePane,
    action.MoveWindow,
    action.OrderWindows,
    action.OrderPanes,
)
"""Actions that unlink or swap objects; each is a round trip of its own."""

MOVED = "it is no longer what was seen"
CHURN = "clients attach and leave all the time, and restarting a pane meanwhile is not safe"
PATIENCE = 50
"""Tries of a respawn while clients come and go."""
LINES = 100
"""In one source. 3.3a and 3.5a take time quadratic in them (1,000 new windows: in one 8.3 s of the server, by hundreds 2.8 s), and show
nothing to anyone meanwhile."""
_ID = re.compile(r"[$@%]\d+")
_LAYOUT = re.compile(r"[0-9a-f]{4},[0-9x,{}\[\]]+")
"""3.3a dies of a `select-layout` whose argument does not even begin like one."""


_Reading = observe.Reading


@dataclass(slots=True)
class _Batch:
    lines: dict[int, str] = field(default_factory=dict)
    """By the order each carries out."""
    last: list[str] = field(default_factory=list)
    """Lines for the end: windows' final names, and a person's active pane again."""
    very_last: list[str] = field(default_factory=list)
    """Sessions' final names: until then their windows are found by the first ones."""
    to_name: set[int] = field(default_factory=set)
    made: dict[int, tuple[str, str, str]] = field(default_factory=dict)
    """Order -> the keys (session, window, pane) its ids are to be bound to."""
    active: dict[str, str] = field(default_factory=dict)

    def add(self, number: int, line: str) -> None:
        self.lines[number] = line

    def finish(self, number: int, line: str, lines: list[str]) -> None:
        lines.append(line)
        self.to_name.add(number)


class Tmux:
    """One workspace's hands on one server."""

    def __init__(self, host: server.Server, recordings: Callable[[], str] = lambda: "") -> None:
        """`recordings`: where a daemon that runs already wants panes recorded, for a server that is yet to be started."""
        self._host = host
        self._recordings = recordings
        self._targets: dict[str, str] = {}
        self._seen = status.Server()
        self._control: tuple[str, ...] = ()
        self._attached = ""
        self._made: set[str] = set()
        """Windows we made: nobody has chosen a pane in them."""
        self._at_start: list[str] = []
        """Lines for a server that is yet to be started by us."""

    # --- reading

    def observe(self) -> status.Server:
        return self._read(observe.QUESTION, observe.parse)

    def observe_rest(self) -> tuple[status.Server, dict[str, status.Rest]]:
        """And in the same turn of the server, by id, whether sessions and panes rest."""
        question, word = rest.question()
        found: dict[str, status.Rest] = {}

        def parsed(raw: bytes) -> _Reading:
            reading, rests = rest.parse(raw, word)
            found.update(rests)
            return reading

        return self._read(question, parsed), found

    def pin(self, panes: Sequence[str], *, pinned: bool) -> None:
        """By id."""
        self._host.source(rest.pins(panes, pinned=pinned))

    def _read(self, question: Sequence[str], parse: Callable[[bytes], _Reading]) -> status.Server:
        reply = self._host.ask(*question)
        if reply.absent:
            self._seen, self._control = status.Server(recordings=self._recordings()), ()
            return self._seen
        if reply.code != 0 and not reply.out:
            raise errors.TmuxUnavailable(
                f"the tmux server on {self._host.path} cannot be asked: {reply.err.strip() or reply.code}",
                hint="orchestra doctor looks at permissions and versions",
            )
        reading = parse(reply.out)
        self._seen, self._control, self._attached = reading.server, reading.control_clients, reading.attached
        return self._seen

    def printed(self, panes: Sequence[str]) -> dict[str, str]:
        """What each shows and showed, at most 2,000 lines, with its colours; panes that are gone are left out. One round trip for all."""
        nonce = secrets.token_hex(8)
        lines = [
            quote.command("display-message", "-p", f"{nonce} {number}")
            + " ; "
            + quote.command("capture-pane", "-p", "-e", "-N", "-J", "-S", "-2000", "-t", pane)
            for number, pane in enumerate(panes)
        ]
        said = self._host.source(lines).out.decode(errors="replace")
        found = (each.partition("\n") for each in said.split(f"{nonce} ")[1:])
        return {panes[int(number)]: text for number, _, text in found}

    def capture(self, pane_id: str) -> str:
        reply = self._host.ask("capture-pane", "-p", "-J", "-S", "-2000", "-t", pane_id)
        if reply.code != 0:
            raise errors.ActionFailed(f"pane {pane_id} cannot be read: {reply.err.strip()}")
        return reply.out.decode(errors="replace")

    def reap(self) -> None:
        if self._seen.running:
            with contextlib.suppress(ProcessLookupError):  # it may have ended meanwhile
                os.kill(self._seen.pid, signal.SIGCHLD)

    # --- what addresses mean

    def bind(self, seen: status.Server, workspace: str) -> None:
        def ours(mark: status.Mark | None) -> bool:
            return mark is not None and mark.workspace == workspace

        self._targets = {}
        for session in sorted(seen.sessions, key=lambda each: not ours(each.mark)):
            if session.mark is not None and ours(session.mark):
                self._targets.setdefault(f"session {session.mark.address}", session.id)
            for window in session.windows:
                if window.mark is not None and ours(window.mark):
                    self._targets.setdefault(f"window {window.mark.address}", window.id)
                for pane in window.panes:
                    if pane.mark is not None and ours(pane.mark):
                        self._targets.setdefault(f"pane {pane.mark.address}", pane.id)

    def pane_id(self, address: str) -> str | None:
        return self._targets.get(f"pane {address}")

    # --- writing

    def ensure_key(self) -> str:
        if self._seen.key:
            return self._seen.key
        key = secrets.token_hex(16)
        # -o: of two that come here at once the first one's key stands.
        line = quote.command("set-option", "-soq", observe.KEY, key)
        if self._is_to_start():
            self._at_start.append(line)
            return key
        self._host.source([line])
        return self.observe().key

    def _is_to_start(self) -> bool:
        """Also where no session is left: then the server is about to end, unless a person told it not to (`exit-empty off`)."""
        return not self._seen.sessions

    def execute(self, orders: Sequence[action.Order]) -> Sequence[action.Outcome]:
        outcomes: dict[int, action.Outcome] = {}
        left = list(range(len(orders)))
        for _ in range(PATIENCE):
            if any(isinstance(orders[number].action, action.StartPane) for number in left):
                self.observe()  # who is attached now
            self._pass(orders, left, outcomes)
            left = [number for number in left if number in outcomes and outcomes[number].error == CHURN]
            if not left:
                break
        return [outcomes.get(number, action.Outcome()) for number in range(len(orders))]

    def _pass(
        self, orders: Sequence[action.Order], wanted: Sequence[int], outcomes: dict[int, action.Outcome]
    ) -> None:
        batch = _Batch()
        for number in wanted:
            order = orders[number]
            outcomes.pop(number, None)
            try:
                if isinstance(order.action, ALONE):
                    self._flush(batch, outcomes)
                    batch = _Batch()
                    outcomes[number] = self._alone(number, order.action)
                else:
                    if self._needs_ids(order.action, batch):
                        self._flush(batch, outcomes)
                        batch = _Batch()
                    self._put(batch, number, order)
            except KeyError as missing:
                outcomes[number] = action.Outcome(error=f"{missing.args[0]} is not there", moved=True)
            except ValueError as wrong:
                outcomes[number] = action.Outcome(error=str(wrong))
        self._flush(batch, outcomes)

    def type_line(
        self, address: str, expect: status.Mark, mark: status.Mark, line: str, *, enter: bool = True
    ) -> action.Outcome:
        pane = self._targets[f"pane {address}"]
        buffer = f"orchestra-{secrets.token_hex(6)}"
        # A buffer reaches this one pane whatever `synchronize-panes` says, and in copy mode; bracketed paste keeps tabs from completing.
        steps = [
            *_pasted(pane, buffer, line, "-p"),
            *(_pasted(pane, buffer, "\r") if enter else ()),
            ("set-option", "-pt", pane, observe.PANE, str(mark)),
        ]
        return self._one(commands.guarded(0, action.Kind.PANE, pane, expect, steps))

    def send_keys(self, address: str, expect: status.Mark, keys: Sequence[str]) -> action.Outcome:
        pane = self._targets[f"pane {address}"]
        steps = [("send-keys", "-t", pane, key) for key in keys]
        return self._one(commands.guarded(0, action.Kind.PANE, pane, expect, steps))

    # --- one order into the batch

    def _target(self, kind: action.Kind, address: str) -> str:
        key = f"{kind} {address}"
        if key not in self._targets:
            raise KeyError(key)
        return self._targets[key]

    def _needs_ids(self, what: action.Action, batch: _Batch) -> bool:
        """Panes made in this batch have no name yet; within it only their window can be named."""
        match what:
            case (
                action.StartPane(address=address)
                | action.Focus(kind=action.Kind.PANE, address=address)
                | action.Write(kind=action.Kind.PANE, address=address)
                | action.SetOptions(kind=action.Kind.PANE, address=address)
            ):
                target = self._targets.get(f"pane {address}")
                return bool(batch.lines) and target is not None and not target.startswith("%")
            case _:
                return False

    def _put(self, batch: _Batch, number: int, order: action.Order) -> None:
        what = order.action
        match what:
            case action.CreateSession():
                self._create_session(batch, number, what, order)
            case action.CreateWindow():
                self._create_window(batch, number, what, order)
            case action.CreatePane():
                self._create_pane(batch, number, what, order)
            case action.StartPane():
                pane = self._target(action.Kind.PANE, what.address)
                assert order.launch is not None
                steps = [
                    *commands.respawn(pane, order.launch, self._control),
                    *commands.pane_setup(
                        pane, what.mark, order.record, what.pane.title, self._seen.recordings
                    ),
                ]
                batch.add(number, commands.respawned(number, pane, what.expect, self._attached, steps))
            case action.Rename():
                target = what.id or self._target(what.kind, what.address)
                verb = "rename-session" if what.kind is action.Kind.SESSION else "rename-window"
                batch.add(
                    number,
                    commands.guarded(
                        number,
                        what.kind,
                        target,
                        what.expect,
                        [(verb, "-t", target, "--", quote.literal(what.name))],
                    ),
                )
            case action.ArrangeWindow():
                if not _LAYOUT.fullmatch(what.layout):
                    raise ValueError(f"not a layout: {what.layout!r}")
                target = self._target(action.Kind.WINDOW, what.window)
                steps = [
                    ("select-layout", "-t", target, what.layout),
                    ("set-option", "-wFt", target, observe.LAYOUT, "#{window_layout}"),
                ]
                batch.add(number, commands.line(number, target, steps))
            case action.Write():
                self._write(batch, number, what)
            case action.WriteRules():
                kept = {**self._seen.rules, what.workspace: what.text}
                batch.add(number, commands.rules(number, kept))
            case action.Forget():
                option, flags = commands.option_of(what.kind)
                target = self._target(what.kind, what.address)
                steps = commands.unmark(flags, target, option)
                batch.add(number, commands.guarded(number, what.kind, target, what.expect, steps))
            case action.SetOptions():
                target = self._target(what.kind, what.address)
                batch.add(number, commands.line(number, target, commands.options(what, target)))
            case action.Zoom():
                target = self._target(action.Kind.WINDOW, what.window)
                flag = "#{window_zoomed_flag}" if not what.zoomed else "#{?window_zoomed_flag,,1}"
                toggle = quote.command("resize-pane", "-Z", "-t", target)
                batch.add(
                    number, commands.line(number, target, [("if-shell", "-F", "-t", target, flag, toggle)])
                )
            case action.Focus():
                target = self._target(what.kind, what.address)
                verb = "select-window" if what.kind is action.Kind.WINDOW else "select-pane"
                if _ID.fullmatch(target) and what.kind is action.Kind.WINDOW:
                    target = f"{self._target(action.Kind.SESSION, what.address.partition('/')[0])}:{target}"
                batch.add(number, commands.line(number, target, [(verb, "-t", target)]))
            case _:
                raise AssertionError(f"{type(what).__name__} is not tmux's to do")

    def _create_session(
        self, batch: _Batch, number: int, what: action.CreateSession, order: action.Order
    ) -> None:
        name = quote.literal(f"orchestra-{what.mark.uid}")
        first, final = _first_name(what.window), what.window.title or _name(what.window.address)
        session, window = f"={name}:", f"={name}:={first}"
        assert order.launch is not None
        steps = [
            (
                "new-session", "-d", "-s", name, "-n", first, "-x", str(what.width), "-y", str(what.height),
                "-c", quote.literal(order.launch.dir), "--", *commands.PLACEHOLDER,
            ),
            *commands.session_setup(session, what.mark, what.record),
            *self._first_pane(window, what.window, order),
        ]  # fmt: skip
        batch.add(number, commands.line(number, window, steps))
        rename = [("rename-session", "-t", session, "--", quote.literal(what.title or what.address))]
        if first != final:
            rename.insert(0, ("rename-window", "-t", window, "--", quote.literal(final)))
        batch.finish(number, commands.named(number, rename), batch.very_last)
        self._targets[f"session {what.address}"] = session
        self._bind_new(batch, number, f"session {what.address}", what.window, window)

    def _first_pane(self, window: str, what: action.CreateWindow, order: action.Order) -> commands.Commands:
        assert order.launch is not None
        seed = what.seed
        return [
            *commands.window_setup(window, what.mark, what.record, new=True),
            *commands.pane_setup(window, seed.mark, order.record, seed.pane.title, self._seen.recordings),
            ("respawn-pane", "-k", "-t", window, *commands.launched(order.launch)),
        ]

    def _create_window(
        self, batch: _Batch, number: int, what: action.CreateWindow, order: action.Order
    ) -> None:
        session = self._target(action.Kind.SESSION, names.session_of(what.address))
        final = what.title or _name(what.address)
        new = session.endswith(":")  # made in this batch, so that nobody else's window is in it
        name = _first_name(what) if new else _passing_name(what)
        place = session if new else f"{session}:"
        window = f"{place}={name}"
        assert order.launch is not None
        seed = what.seed
        steps = [
            ("new-window", "-d", "-a", "-t", f"{place}$", "-n", name, *commands.launched(order.launch)),
            *commands.window_setup(window, what.mark, what.record, new=True),
            *commands.pane_setup(window, seed.mark, order.record, seed.pane.title, self._seen.recordings),
        ]
        batch.add(number, commands.line(number, window, steps))
        if name != final:
            rename = ("rename-window", "-t", window, "--", quote.literal(final))
            batch.finish(number, commands.named(number, [rename]), batch.last)
        self._bind_new(batch, number, "", what, window)

    def _bind_new(
        self, batch: _Batch, number: int, session: str, what: action.CreateWindow, target: str
    ) -> None:
        self._targets[f"window {what.address}"] = target
        self._targets[f"pane {what.seed.pane.address}"] = target
        batch.made[number] = (session, f"window {what.address}", f"pane {what.seed.pane.address}")

    def _create_pane(self, batch: _Batch, number: int, what: action.CreatePane, order: action.Order) -> None:
        window = self._target(action.Kind.WINDOW, what.window)
        assert order.launch is not None
        seed = what.seed
        spread: commands.Commands = [("select-layout", "-t", window, "tiled")] if what.spread else []
        steps = [
            ("split-window", "-h", "-t", window, *commands.launched(order.launch)),
            *commands.pane_setup(window, seed.mark, order.record, seed.pane.title, self._seen.recordings),
        ]
        batch.add(number, commands.line(number, window, [*steps, *spread]))
        self._targets[f"pane {what.address}"] = window
        batch.made[number] = ("", "", f"pane {what.address}")
        if window.startswith("@") and window not in batch.active and window not in self._made:
            was = next(
                (
                    p.id
                    for s in self._seen.sessions
                    for w in s.windows
                    if w.id == window
                    for p in w.panes
                    if p.active
                ),
                "",
            )
            if was:
                batch.active[window] = was
                batch.last.append(quote.command("select-pane", "-t", was))

    def _write(self, batch: _Batch, number: int, what: action.Write) -> None:
        target = what.id or self._target(what.kind, what.address)
        match what.kind:
            case action.Kind.SESSION:
                steps = commands.session_setup(target, what.mark, what.record)
            case action.Kind.WINDOW:
                steps = commands.window_setup(target, what.mark, what.record)
                if what.expect is None:
                    # As it stands is how it was adopted.
                    steps.append(("set-option", "-wFt", target, observe.LAYOUT, "#{window_layout}"))
            case action.Kind.PANE:
                steps = commands.pane_setup(target, what.mark, what.record, what.title, self._seen.recordings)
        self._targets[f"{what.kind} {what.address}"] = target
        batch.add(number, commands.guarded(number, what.kind, target, what.expect, steps))

    # --- orders that go alone

    def _alone(self, number: int, what: action.Action) -> action.Outcome:
        match what:
            case action.DeletePane():
                pane = self._target(action.Kind.PANE, what.address)
                return self._one(
                    commands.guarded(0, action.Kind.PANE, pane, what.expect, [("kill-pane", "-t", pane)])
                )
            case action.Collect():
                target = f"{what.id}:" if what.kind is action.Kind.SESSION else what.id
                return self._one(commands.collected(what.kind, target, what.expect, what.rest))
            case action.MovePane():
                return self._move_pane(what)
            case action.MoveWindow():
                window = what.id or self._target(action.Kind.WINDOW, what.address)
                place = f"{self._target(action.Kind.SESSION, what.session)}:"
                steps = [("move-window", "-d", "-a", "-s", window, "-t", f"{place}$")]
                return self._one(commands.guarded(0, action.Kind.WINDOW, window, what.expect, steps))
            case action.OrderWindows():
                return self._order_windows(what)
            case action.OrderPanes():
                return self._order_panes(what)
            case _:
                raise AssertionError(type(what).__name__)

    def _move_pane(self, what: action.MovePane) -> action.Outcome:
        pane = self._target(action.Kind.PANE, what.address)
        if what.create is None:
            window = self._target(action.Kind.WINDOW, what.window)
            steps: commands.Commands = [("join-pane", "-d", "-h", "-s", pane, "-t", window)]
            return self._one(commands.guarded(0, action.Kind.PANE, pane, what.expect, steps))
        place = f"{self._target(action.Kind.SESSION, what.window.partition('/')[0])}:"
        # The window is found by its pane from here on; a pane's id names the window it stands in.
        steps = [
            (
                "break-pane",
                "-d",
                "-a",
                "-s",
                pane,
                "-t",
                f"{place}$",
                "-n",
                quote.literal(what.create.title or _name(what.window)),
            ),
            *commands.window_setup(pane, what.create.mark, what.create.record),
        ]
        outcome = self._one(commands.guarded(0, action.Kind.PANE, pane, what.expect, steps))
        if outcome.error is None:
            reply = self._host.ask("display-message", "-p", "-t", pane, "#{window_id}")
            self._targets[f"window {what.window}"] = reply.out.decode().strip()
        return outcome

    def _order_windows(self, what: action.OrderWindows) -> action.Outcome:
        session = self._target(action.Kind.SESSION, what.session)
        reply = self._host.ask("list-windows", "-t", session, "-F", "#{window_id} #{window_active}")
        rows = [row.split(" ") for row in reply.out.decode().split("\n") if row]
        wanted = [self._target(action.Kind.WINDOW, address) for address in what.windows]
        swaps = _swaps([row[0] for row in rows], wanted)
        lines = [
            quote.command("swap-window", "-d", "-s", f"{session}:{a}", "-t", f"{session}:{b}")
            for a, b in swaps
        ]
        # A swap leaves the session's current place, so another window would show there.
        lines += [
            quote.command("select-window", "-t", f"{session}:{row[0]}") for row in rows if row[1] == "1"
        ]
        return _outcome(self._host.source(lines) if swaps else None)

    def _order_panes(self, what: action.OrderPanes) -> action.Outcome:
        window = self._target(action.Kind.WINDOW, what.window)
        reply = self._host.ask("list-panes", "-t", window, "-F", "#{pane_id} #{pane_active}")
        rows = [row.split(" ") for row in reply.out.decode().split("\n") if row]
        wanted = [self._target(action.Kind.PANE, address) for address in what.panes]
        swaps = _swaps([row[0] for row in rows], wanted)
        lines = [quote.command("swap-pane", "-d", "-s", a, "-t", b) for a, b in swaps]
        lines += [quote.command("select-pane", "-t", row[0]) for row in rows if row[1] == "1"]
        return _outcome(self._host.source(lines) if swaps else None)

    def _one(self, line: str) -> action.Outcome:
        reply = self._host.source([line])
        said = {sign for sign, _ in map(commands.told, reply.out.decode(errors="replace").split("\n"))}
        if "+" in said:
            return action.Outcome()
        if "!" in said:
            return action.Outcome(error=MOVED, moved=True)
        return action.Outcome(error=reply.err.strip() or "tmux did not say that it was done")

    def _flush(self, batch: _Batch, outcomes: dict[int, action.Outcome]) -> None:
        if not batch.lines:
            return
        starting = self._is_to_start()
        lines = [*batch.lines.values(), *batch.last, *batch.very_last]
        if batch.made:
            lines = commands.shielded(lines)
        if starting:
            if self._seen.recordings:
                lines.insert(0, quote.command("set-option", "-sq", observe.RECORDINGS, self._seen.recordings))
            lines[:0] = self._at_start
        out, err = "", ""
        for at in range(0, len(lines), LINES):
            reply = self._host.source(lines[at : at + LINES], start=starting and at == 0)
            out, err = out + reply.out.decode(errors="replace"), err + reply.err
        done: set[int] = set()
        named: set[int] = set()
        for row in out.split("\n"):
            sign, words = commands.told(row)
            if sign == "+":
                done.add(int(words[0]))
                for key, id_ in zip(batch.made.get(int(words[0]), ()), words[1:], strict=False):
                    if key:
                        self._targets[key] = id_
                    if key.startswith("window "):
                        self._made.add(id_)
            elif sign == "=":
                named.add(int(words[0]))
            elif sign == "!":
                outcomes[int(words[0])] = action.Outcome(error=MOVED, moved=True)
            elif sign == "~":
                outcomes[int(words[0])] = action.Outcome(error=CHURN)
        said = [row for row in err.split("\n") if row]
        failed = [number for number in batch.lines if number not in done and number not in outcomes]
        for place, number in enumerate(failed):
            reason = said[place] if place < len(said) else (said[0] if said else "the tmux server went away")
            outcomes[number] = action.Outcome(error=reason)
            for key in batch.made.get(number, ()):
                self._targets.pop(key, None)
        for number in (batch.to_name & done) - named:
            outcomes[number] = action.Outcome(
                error=f"it could not be given its name: {said[-1] if said else 'unknown'}"
            )
        if starting and done:
            self.observe()


def _name(address: str) -> str:
    return address.partition("/")[2]


def _pasted(pane: str, buffer: str, text: str, *flags: str) -> commands.Commands:
    if not text:
        return []
    return [
        ("set-buffer", "-b", buffer, "--", text),
        ("paste-buffer", *flags, "-r", "-d", "-b", buffer, "-t", pane),
    ]


def _passing_name(what: action.CreateWindow) -> str:
    """Nobody else has it."""
    return quote.literal(f"orchestra-{what.mark.uid}")


def _first_name(what: action.CreateWindow) -> str:
    """In a session of which no other window is known: its own at once, unless tmux could take that for an index or an offset. A title
    may be another window's, too."""
    own = _name(what.address)
    plain = not what.title and names.NAME.match(own) and own[0].isalpha()
    return own if plain else _passing_name(what)


def _swaps(now: Sequence[str], wanted: Sequence[str]) -> list[tuple[str, str]]:
    """Swaps that put `wanted` into its order on the places its members hold now; others keep theirs."""
    order = [each for each in now if each in set(wanted)]
    places = {each: place for place, each in enumerate(order)}
    swaps: list[tuple[str, str]] = []
    for place, each in enumerate(each for each in wanted if each in places):
        other = order[place]
        if other != each:
            swaps.append((each, other))
            order[places[each]], places[other] = other, places[each]
            order[place], places[each] = each, place
    return swaps


def _outcome(reply: server.Reply | None) -> action.Outcome:
    if reply is None or reply.code == 0:
        return action.Outcome()
    return action.Outcome(error=reply.err.strip() or "tmux refused")
