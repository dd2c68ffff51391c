"""Hearing a server: hooks that wake us, endings with their status, recordings opened and renewed. `engine.ports.Listening`."""

from __future__ import annotations

import subprocess
from collections.abc import Collection, Mapping, Sequence

from orchestra.model import errors, status
from orchestra.tmux import hands, hooks, observe, quote, recording, server

_ENDING = "#{pane_id} #{pane_pid} #{pane_dead} x#{pane_dead_status} x#{pane_dead_signal}"
_MANY = 20
"""From so many panes on, one listing of all is cheaper than asking for each."""


class Listening:
    def __init__(self, host: server.Server) -> None:
        self._host = host
        self._waiting: subprocess.Popen[bytes] | None = None
        self._left = False

    def begin(self, recordings: str) -> None:
        """From now on this server wakes us, and what is made on it is recorded under `recordings`."""
        option = quote.command("set-option", "-sq", observe.RECORDINGS, recordings)
        # Whoever waits for a daemon that was killed is woken, or the next wake would be its and not ours.
        self._host.source([*hooks.install(), option, quote.command(*hooks.WAKE)])

    def end(self) -> None:
        self._host.source([*hooks.remove(), quote.command("set-option", "-suq", observe.RECORDINGS)])

    def wait(self) -> bool:
        """Blocks until something changed. False when there is no server, or it ended, or `leave` was called."""
        with subprocess.Popen(
            self._host.argv(*hooks.WAIT),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=self._host.environment,
        ) as process:
            self._waiting = process
            if self._left:
                process.terminate()
            return process.wait() == 0

    def leave(self) -> None:
        """Ends a `wait` that another thread stands in. By SIGTERM, on which a client takes its leave of the server."""
        self._left = True
        if self._waiting is not None:
            self._waiting.terminate()

    def endings(self, panes: Collection[str]) -> Mapping[str, status.Ending]:
        """Those that are still there. `TmuxUnavailable` when nobody knows."""
        if len(panes) > _MANY:
            reply = self._host.ask("list-panes", "-a", "-F", _ENDING)
        else:
            words: list[str] = []
            for pane in panes:
                words += [";", "display-message", "-p", "-t", pane, _ENDING]
            reply = self._host.ask(*words[1:])
        if reply.absent:
            return {}
        if reply.code != 0 and not reply.out and "can't find" not in reply.err:
            raise errors.TmuxUnavailable(f"the tmux server cannot be asked: {reply.err.strip()}")
        found: dict[str, status.Ending] = {}
        for row in reply.out.decode(errors="replace").split("\n"):
            words = row.split(" ")
            if len(words) == 5 and words[0] in panes:
                found[words[0]] = status.Ending(
                    pid=int(words[1]),
                    dead=words[2] == "1",
                    exit_code=_number(words[3]),
                    signal=_number(words[4]),
                )
        return found

    def record(self, panes: Sequence[str], recordings: str, *, again: bool = False) -> None:
        """Those nothing is piped from; with `again` those whose recording comes to its end."""
        make = recording.again if again else recording.recorded
        self._host.source([quote.command(*make(pane, recordings)) for pane in panes])

    def record_asked(self, panes: Sequence[str], recordings: str, *, again: bool = False) -> None:
        """Panes that are nobody's: `stop_asked` ends it, and nothing that a person pipes."""
        lines = [
            each
            for pane in panes
            for each in (
                [recording.if_asked(pane, recording.again(pane, recordings))]
                if again
                else recording.asked(pane, recordings)
            )
        ]
        self._host.source([quote.command(*each) for each in lines])

    def stop_asked(self, panes: Sequence[str]) -> None:
        forget = ("set-option", "-pu", "-t")
        self._host.source(
            [
                quote.command(
                    *recording.if_asked(pane, recording.closed(pane), (*forget, pane, recording.ASKED))
                )
                for pane in panes
            ]
        )

    def asked(self, pane: str) -> bool:
        """Whether what is piped from it is a recording of `record_asked`, or `pane exec --wait` hears it now."""
        said = f"#{{{recording.ASKED}}}#{{{hands.HEARD}}}"
        return bool(self._host.ask("display-message", "-p", "-t", pane, said).out.strip())

    def record_from_here(self, pane: str, recordings: str) -> str:
        """Begins to record, and gives what the pane shows until then, history and all: nothing is missing between the two, nor twice."""
        shown = ("capture-pane", "-p", "-J", "-S", "-", "-t", pane)
        lines = [quote.command(*each) for each in (recording.recorded(pane, recordings), shown)]
        return self._host.source(lines).out.decode(errors="replace")

    def stop_recording(self, panes: Sequence[str]) -> None:
        self._host.source([quote.command(*recording.closed(pane)) for pane in panes])


def _number(text: str) -> int | None:
    return int(text[1:]) if text[1:].isdecimal() else None
