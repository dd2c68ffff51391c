"""What is done by hand to any pane of a server, ours or anyone's. `engine.ports.Keyboard`.

Everything names panes by id and lets tmux compare, in the step that acts, that the pane is still the one that was meant. Several
messages go in one turn of the server, all of them or none. A message leaves its number on the pane, so that it can be sent again when
nobody knows whether it arrived (docs/decisions/0024-by-hand.md).
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence

from orchestra.model import action, errors, hand, status
from orchestra.tmux import commands, observe, quote, recording, server

TYPED = "@orchestra_typed"
"""Numbers of the messages a pane has been given, the newest first."""
REMEMBERED = 512
"""Characters of them: some forty messages."""
HEARD = "@orchestra_heard"
"""Where a pane is recorded to for one command; whoever did that and was killed left it behind."""
_VETO = "@orchestra_veto"
_SCREEN = "#{pane_id} #{pane_width} #{pane_height} #{cursor_x} #{cursor_y} #{cursor_flag} #{keypad_cursor_flag} #{keypad_flag} #{pane_dead}"
_WHY = "#{pane_id} #{pane_dead} #{pane_in_mode} #{pane_input_off}"


class Hands:
    def __init__(self, host: server.Server) -> None:
        self._host = host

    # --- typing

    def send(self, messages: Sequence[hand.Message]) -> Sequence[hand.Verdict]:
        """All of them in one turn of the server, or none. `hand.Verdict.UNKNOWN`: it may have gone."""
        run = secrets.token_hex(4)
        whole = _Buffers(run)
        deeds: list[str] = []
        checks: list[str] = []
        for number, each in enumerate(messages):
            target, state = _target(each.meant), _able(each)
            told = f"!{run} {number} #{{?{_new(each)},,1}}x #{{?{_still(each.meant)},1,}}x {_WHY}"
            veto = _chain([("set-option", "-sq", _VETO, run), ("display-message", "-p", "-t", target, told)])
            condition = _all(_still(each.meant), state, _new(each))
            checks.append(quote.command("if-shell", "-F", "-t", target, condition, "", veto))
            deeds.append(_chain([*whole.strokes(each), ("display-message", "-p", f"+{run} {number}")]))
        lines = [
            *whole.begin,
            *checks,
            *(quote.command("if-shell", "-F", f"#{{!=:#{{{_VETO}}},{run}}}", deed) for deed in deeds),
            quote.command("set-option", "-suq", _VETO),
            *whole.end,
        ]
        reply = self._host.source(lines, buffers=whole.loaded)
        return _verdicts(reply.out.decode(errors="replace"), run, len(messages))

    def remembers(self, pane: str, id: str) -> bool:
        asked = f"#{{pane_id}} #{{m:*{id}*,#{{{TYPED}}}}}"
        return self._host.ask("display-message", "-p", "-t", pane, asked).out.decode().strip() == f"{pane} 1"

    # --- looking

    def capture(self, pane: str, lines: int | None = None) -> list[str]:
        """Its last lines, with its history; lines that the terminal wrapped are one. `ActionFailed` when it is gone."""
        start = "-" if lines is None else str(-lines)
        reply = self._host.ask("capture-pane", "-p", "-J", "-S", start, "-t", pane)
        if reply.code != 0:
            raise errors.ActionFailed(f"pane {pane} cannot be read: {reply.err.strip()}")
        found = [line.rstrip() for line in reply.out.decode(errors="replace").rstrip().split("\n")]
        if found == [""]:
            return []
        return found if lines is None else found[len(found) - lines :] if lines < len(found) else found

    def printed(self, panes: Sequence[str], lines: int) -> Mapping[str, list[str]]:
        """The last lines of many, in one turn; those that are gone are left out."""
        nonce = secrets.token_hex(8)
        asked = [
            _chain(
                [
                    ("display-message", "-p", f"{nonce} {number}"),
                    ("capture-pane", "-p", "-J", "-S", str(-lines), "-t", pane),
                ]
            )
            for number, pane in enumerate(panes)
        ]
        said = self._host.source(asked).out.decode(errors="replace") if asked else ""
        found = (each.partition("\n") for each in said.split(f"{nonce} ")[1:])
        return {
            panes[int(number)]: [line.rstrip() for line in text.rstrip().split("\n")][-lines:]
            for number, _, text in found
        }

    def screen(self, pane: str) -> hand.Screen | None:
        """None when it is gone."""
        reply = self._host.ask(
            "display-message", "-p", "-t", pane, _SCREEN, ";", "capture-pane", "-p", "-e", "-t", pane
        )
        head, _, body = reply.out.partition(b"\n")
        words = head.decode(errors="replace").split(" ")
        if reply.code != 0 or len(words) != 9 or words[0] != pane:
            return None
        width, height, column, row = map(int, words[1:5])
        return hand.Screen(
            lines=tuple(body.split(b"\n")[:height]),
            width=width,
            height=height,
            column=column,
            row=row,
            cursor=words[5] != "0",
            application_cursor=words[6] == "1",
            application_keypad=words[7] == "1",
            dead=words[8] == "1",
        )

    # --- hearing one command

    def stop_hearing(self, pane: str) -> None:
        close = _chain([recording.closed(pane), ("set-option", "-put", pane, HEARD)])
        self._host.source([quote.command("if-shell", "-F", "-t", pane, f"#{{!=:#{{{HEARD}}},}}", close)])

    # --- making

    def defaults(self) -> tuple[str, str]:
        """The shell that a person's panes are made with, and the command instead of it, "" where there is none."""
        reply = self._host.ask(
            "show-options", "-gv", "default-shell", ";", "show-options", "-gv", "default-command"
        )
        shell, _, command = reply.out.decode(errors="surrogateescape").partition("\n")
        return shell, command.strip()

    def make_session(self, name: str, size: tuple[int, int], made: Made, *, running: bool) -> str:
        """The id of its first pane. `Conflict` where there is one of that name."""
        target = f"={name}:"
        new = (
            "new-session",
            "-d",
            "-s",
            name,
            "-x",
            str(size[0]),
            "-y",
            str(size[1]),
            "-c",
            quote.literal(made.dir),
        )
        kept = ("set-option", "-t", target, "destroy-unattached", "off")
        if made.launched:
            # In two, as everywhere: `new-session -e` would give its variables to every later pane of the session.
            first = [
                (*new, "--", *commands.PLACEHOLDER),
                kept,
                ("respawn-pane", "-k", "-t", target, *made.words),
            ]
        else:
            first = [new, kept]
        steps = [*first, *made.options(target)]
        lines = commands.shielded([commands.line(0, target, steps)])
        return self._made(self._host.source(lines, start=not running))

    def make_pane(self, window: status.Window, made: Made, layout: str = "") -> str:
        """Splits the window's active pane, which stays the active one; where there is no space the window is tiled first."""
        active = next((each.id for each in window.panes if each.active), window.panes[0].id)
        # What was just split off is the window's active pane.
        steps = [
            ("split-window", "-t", active, *made.words),
            *made.options(window.id),
        ]
        back = [("select-pane", "-t", active)]
        arranged = [("select-layout", "-t", window.id, layout)] if layout else []
        line = commands.line(0, window.id, steps)
        lines = commands.shielded([line, _chain([*back, *arranged])])
        reply = self._host.source(lines)
        if "no space" in reply.err:
            tiled = quote.command("select-layout", "-t", window.id, "tiled")
            reply = self._host.source(commands.shielded([tiled, line, _chain([*back, *arranged])]))
        return self._made(reply)

    def arrange(self, window: str, layout: str) -> None:
        reply = self._host.source([quote.command("select-layout", "-t", window, layout)])
        if reply.err:
            raise errors.ActionFailed(f"the layout cannot be set: {reply.err.strip()}")

    def _made(self, reply: server.Reply) -> str:
        for row in reply.out.decode(errors="replace").split("\n"):
            sign, words = commands.told(row)
            if sign == "+":
                return words[3]
        reason = reply.err.strip().split("\n")[0] or "tmux did not say that it was done"
        if reason.startswith("duplicate session"):
            raise errors.Conflict(
                f"there is a {reason.removeprefix('duplicate ')} already".replace("session: ", "session "),
                hint="choose another name, or make panes in it with orchestra pane create",
            )
        raise errors.ActionFailed(f"it could not be made: {reason}")

    # --- ending. Each alone, a process each: two teardowns in one turn crash a server with a control client (tmux#5243).

    def kill_pane(self, meant: hand.Meant) -> bool:
        """False: it was there no more, or is another one now."""
        return self._if(_target(meant), _still(meant), [("kill-pane", "-t", meant.id)])

    def kill_session(self, session: status.Session, epoch: str) -> bool:
        there = _all(
            f"#{{==:#{{session_id}},{session.id}}}",
            _epoch(epoch),
            f"#{{==:#{{session_name}},{quote.compared(session.name)}}}",
        )
        return self._if(f"{session.id}:", there, [("kill-session", "-t", session.id)])

    # --- what is remembered on the server itself

    def label(self, meant: hand.Meant, labels: Mapping[str, str]) -> bool:
        """Puts these in the place of those that were seen; False when they have changed meanwhile."""
        before = json.dumps(dict(meant.place.pane.labels)) if meant.place.pane.labels else ""
        same = f"#{{==:#{{{observe.LABELS}}},{quote.compared(before)}}}"
        after = json.dumps(dict(labels))
        deed = (
            ("set-option", "-pt", meant.id, observe.LABELS, after)
            if labels
            else ("set-option", "-put", meant.id, observe.LABELS)
        )
        return self._if(_target(meant), _all(_still(meant), same), [deed])

    def name(self, meant: hand.Meant, name: str) -> bool:
        return self._if(_target(meant), _still(meant), [("set-option", "-pt", meant.id, observe.NAME, name)])

    def write_groups(self, before: str, after: str) -> bool:
        """Compare and swap."""
        same = f"#{{==:#{{{observe.GROUPS}}},{quote.compared(before)}}}"
        deed = ("set-option", "-s", observe.GROUPS, after) if after else ("set-option", "-su", observe.GROUPS)
        return self._if("", same, [deed])

    def _if(self, target: str, condition: str, deeds: Sequence[Sequence[str]]) -> bool:
        run = secrets.token_hex(4)
        done = _chain([("display-message", "-p", f"+{run}"), *deeds])
        aimed = ("-t", target) if target else ()
        otherwise = _chain([("display-message", "-p", f"!{run}")])
        reply = self._host.source([quote.command("if-shell", "-F", *aimed, condition, done, otherwise)])
        said = reply.out.decode(errors="replace").split("\n")
        if f"!{run}" in said or reply.absent or reply.leaving:
            return False
        left = reply.err.startswith(server.LEAVING)  # with its last session the server ends
        if f"+{run}" in said and (left or not reply.err):
            return True
        raise errors.ActionFailed(f"tmux refused: {reply.err.strip() or reply.code}")


class Made:
    """How a pane is made by hand: what runs in it, and what is written on it."""

    def __init__(self, launch: action.Launch | None, dir: str, *, uid: str, name: str) -> None:
        """`launch`: None for what tmux itself would run. `uid`: "" where its shell does not tell of its commands."""
        self.dir, self.launched = dir, launch is not None
        self._uid, self._name = uid, name
        self.words = commands.launched(launch) if launch is not None else ("-c", quote.literal(dir))

    def options(self, target: str) -> commands.Commands:
        written = ((observe.HAND, self._uid), (observe.NAME, self._name))
        return [("set-option", "-pt", target, option, value) for option, value in written if value]


class _Buffers:
    """tmux's buffers for what is pasted: loaded from descriptors, whatever is in it and however much, so that tmux keeps no copy of it
    in the log that `show-messages` prints."""

    def __init__(self, run: str) -> None:
        self._run = run
        self._names: dict[bytes, str] = {}
        self.loaded: list[tuple[str, bytes]] = []
        self.begin: list[str] = []
        self.end: list[str] = []

    def _name(self, data: bytes) -> str:
        name = self._names.get(data)
        if name is None:
            name = self._names[data] = f"orchestra-{self._run}-{len(self._names)}"
            if data in (hand.ENTER.data, hand.INTERRUPT.data, hand.EMPTIED.data):
                self.begin.append(quote.command("set-buffer", "-b", name, "--", data.decode()))
            else:
                self.loaded.append((name, data))
            self.end.append(quote.command("delete-buffer", "-b", name))
        return name

    def strokes(self, message: hand.Message) -> list[tuple[str, ...]]:
        pane = message.meant.id
        found: list[tuple[str, ...]] = []
        if message.leave_mode:
            leave = quote.command("copy-mode", "-q", "-t", pane)
            found.append(("if-shell", "-F", "-t", pane, "#{!=:#{pane_in_mode},0}", leave))
        if message.hear:
            found += _hearing(pane, message.hear)
        for stroke in message.strokes:
            match stroke:
                case hand.Paste() if stroke.data:
                    flags = ("-p",) if stroke.bracketed else ()
                    found.append(("paste-buffer", *flags, "-r", "-b", self._name(stroke.data), "-t", pane))
                case hand.Paste():
                    pass
                case hand.Keys():
                    literal = ("-l",) if stroke.literal else ()
                    found += _alone(pane, ("send-keys", *literal, "-t", pane, "--", *stroke.keys))
        remembered = f"{message.id} #{{={REMEMBERED}:{TYPED}}}"
        found.append(("set-option", "-pFt", pane, TYPED, remembered))
        return found


def _hearing(pane: str, base: str) -> list[tuple[str, ...]]:
    noted = quote.command("set-option", "-pt", pane, HEARD, base)
    return [("if-shell", "-F", "-t", pane, recording.FREE, noted), recording.recorded(pane, base)]


def _alone(pane: str, keys: tuple[str, ...]) -> list[tuple[str, ...]]:
    """`send-keys` goes to every pane of a window with `synchronize-panes`: the option is off on this one meanwhile."""
    off = quote.command("set-option", "-pt", pane, "synchronize-panes", "off")
    on = quote.command("set-option", "-put", pane, "synchronize-panes")
    kept = "@orchestra_synchronized"
    keep = _chain([("set-option", "-pt", pane, kept, "1")])
    return [
        ("if-shell", "-F", "-t", pane, "#{pane_synchronized}", f"{keep} ; {off}"),
        keys,
        (
            "if-shell",
            "-F",
            "-t",
            pane,
            f"#{{{kept}}}",
            f"{on} ; {_chain([('set-option', '-put', pane, kept)])}",
        ),
    ]


# --- conditions


def _target(meant: hand.Meant) -> str:
    place = meant.place
    return f"{place.session.id}:{place.window.id}.{place.pane.id}"


def _still(meant: hand.Meant) -> str:
    """It is the pane that was meant, and is called what it was called by."""
    place = meant.place
    parts = [f"#{{==:#{{pane_id}},{place.pane.id}}}", _epoch(meant.epoch)]
    if meant.called:
        mark = str(place.pane.mark) if place.pane.mark is not None else ""
        parts += [
            f"#{{==:#{{session_name}},{quote.compared(place.session.name)}}}",
            f"#{{==:#{{{observe.NAME}}},{quote.compared(place.pane.name)}}}",
            f"#{{==:#{{{observe.PANE}}},{quote.compared(mark)}}}",
        ]
    if meant.order:
        listed = "".join(f"{each} " for each in meant.order)
        parts.append(f"#{{==:#{{W:#{{P:#{{pane_id}} }}}},{listed}}}")
    return _all(*parts)


def _epoch(epoch: str) -> str:
    return f"#{{==:#{{pid}}.#{{start_time}},{epoch}}}"


def _able(message: hand.Message) -> str:
    """Where any of these is not so, tmux takes what is typed, and loses it."""
    parts = ["#{==:#{pane_dead},0}", "#{==:#{pane_input_off},0}"]
    if not (message.leave_mode or message.force):
        parts.append("#{==:#{pane_in_mode},0}")
    return _all(*parts)


def _new(message: hand.Message) -> str:
    return f"#{{!=:#{{m:*{message.id}*,#{{{TYPED}}}}},1}}"


def _all(*conditions: str) -> str:
    found = conditions[-1]
    for each in reversed(conditions[:-1]):
        found = f"#{{&&:{each},{found}}}"
    return found


def _chain(steps: Sequence[Sequence[str]]) -> str:
    return " ; ".join(quote.command(*each) for each in steps)


# --- answers


def _verdicts(said: str, run: str, count: int) -> list[hand.Verdict]:
    found = [hand.Verdict.UNKNOWN] * count
    refused = False
    for row in said.split("\n"):
        head, *words = row.split(" ")
        if head == f"+{run}" and words:
            found[int(words[0])] = hand.Verdict.DONE
        elif head == f"!{run}" and words:
            refused = True
            found[int(words[0])] = _why(words[1:])
    if refused:
        return [hand.Verdict.HELD if each is hand.Verdict.UNKNOWN else each for each in found]
    return found


def _why(words: Sequence[str]) -> hand.Verdict:
    match words:
        case ["1x", "1x", *_]:
            return hand.Verdict.ALREADY
        case [_, "1x", _, dead, mode, off]:
            if dead == "1":
                return hand.Verdict.DEAD
            if off == "1":
                return hand.Verdict.DEAF
            if mode != "0":
                return hand.Verdict.IN_MODE
    return hand.Verdict.MOVED
