"""`orchestra logs`: what panes printed."""

from __future__ import annotations

import itertools
import re
import select
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestra.cli import codes, options, output, suggest
from orchestra.model import errors, status

if TYPE_CHECKING:  # see options
    from orchestra.daemon import assemble, following
    from orchestra.daemon import logs as recorded

_DEAD = re.compile(r"\nPane is dead \([^\n]*\)\s*\Z")
"""tmux's own remark below what a process printed."""
QUIET = 0.2
"""Seconds in which nothing is printed, after an end: then all of it is recorded."""
_COLOURS = ("cyan", "yellow", "green", "magenta", "blue", "bright_red")


@click.command("logs")
@click.argument("addresses", nargs=-1, required=True, metavar="ADDRESS…", shell_complete=suggest.addresses)
@click.option(
    "--follow",
    "-f",
    is_flag=True,
    help="Go on with what is printed from now on, until all of them have ended.",
)
@click.option(
    "--follow-always",
    "-F",
    is_flag=True,
    help="Go on also then, for what is started or made again: until Ctrl-C.",
)
@click.option(
    "--tail", "-n", type=click.IntRange(min=0), metavar="N", help="Begin with the last N lines of each."
)
@click.option(
    "--since",
    type=options.Since(),
    metavar="WHEN",
    help="What was printed since 10m ago, or since 2026-01-31T12:00.",
)
@click.option("--grep", "pattern", metavar="RE", help="Only lines in which this regular expression is found.")
@click.option("--raw", is_flag=True, help="As it was printed, escape sequences and all. Of one pane.")
@options.common
def command(
    common: options.Common,
    addresses: tuple[str, ...],
    follow: bool,
    follow_always: bool,
    tail: int | None,
    since: datetime | None,
    pattern: str | None,
    raw: bool,
) -> int:
    """Show what panes printed: of a pane, or of all panes of a session or window; also after they ended or were deleted.

    While a daemon runs everything orchestra's panes print is recorded; of a pane that is not, what tmux still has is shown.

    A pane that is to be restarted has not ended.

    \b
    Examples:
      orchestra logs api/server --tail 100 -f
      orchestra logs api db --since 10m --grep 'ERROR|FATAL'
    """
    matching = _matching(pattern)
    assembly = common.assembly()
    follow = follow or follow_always
    server = assembly.tmux.observe()
    sources = _sources(assembly, server, addresses, since)
    if raw and (len(sources) != 1 or common.json):
        raise errors.UsageError("--raw is for one pane, and not for JSON")
    printer = _Printer(common, [each.address for each in sources], matching)
    opened: list[str] = []
    daemon = common.daemon() is not None
    try:
        for each in sources:
            if each.log is None:
                opened += _begin(assembly, each, keep=follow and not raw)
        if raw and tail is not None and sources[0].log is not None:
            sources[0].log.skip()
        elif not raw:
            for each in sources:
                each.show(printer, tail)
        for _ in _turns(common, assembly, server.epoch, sources, always=follow_always) if follow else (None,):
            for each in sources:
                if raw:
                    each.copy()
                else:
                    each.news(printer)
            sys.stdout.flush()
        for each in sources if not raw else ():
            each.unfinished(printer)
    finally:
        if opened and not daemon:
            assembly.listening.stop_recording(opened)
        for each in sources:
            if each.log is not None:
                each.log.close()
    return codes.OK


@dataclass(slots=True)
class _Source:
    """A pane: what is recorded of it, or what tmux shows."""

    address: str
    pane: str
    log: recorded.Log | None
    shown: str = ""

    def show(self, printer: _Printer, tail: int | None) -> None:
        from orchestra.daemon import logs

        if self.shown:
            lines = _DEAD.sub("", self.shown).rstrip().split("\n")
            printer.lines(self.address, lines[len(lines) - tail :] if tail is not None else lines)
        if self.log is None:
            return
        if tail is not None and not self.shown:
            last = logs.tail_of(self.log, tail)
            if last is not None:
                printer.lines(self.address, last.lines)
        else:
            self.news(printer)

    def come_again(self, assembly: assemble.Assembly, server: status.Server, watch: recorded.Watch) -> None:
        """Where another pane of its address is recorded now, that one is read from its beginning."""
        for place in status.places(server):
            if place.pane.mark is None or place.pane.mark.address != self.address:
                continue
            folder = assembly.logs.of(server.epoch, place.pane.id)
            if folder is not None and (self.log is None or folder != self.log.folder):
                if self.log is not None:
                    self.log.close()
                self.pane, self.log = place.pane.id, assembly.logs.open(folder)
                watch.add(folder)

    def unfinished(self, printer: _Printer) -> None:
        """The last line as it stands, when nobody waits for the rest of it."""
        if self.log is not None and (line := self.log.unfinished()):
            printer.lines(self.address, [line])

    def copy(self) -> None:
        """As it was printed."""
        if self.log is None:
            sys.stdout.write(self.shown)
            return
        for data in self.log.raw():
            sys.stdout.buffer.write(data)

    def news(self, printer: _Printer) -> None:
        if self.log is None:
            return
        for batch in self.log.batches():
            if batch.lost != 0:
                size = f"{batch.lost} bytes" if batch.lost is not None else "some output"
                output.note(
                    f"{output.one_line(self.address)}: {size} came faster than it was read, and is gone"
                )
            printer.lines(self.address, batch.lines)


def _sources(
    assembly: assemble.Assembly, server: status.Server, addresses: Sequence[str], since: datetime | None
) -> list[_Source]:
    found: dict[str, _Source] = {}
    places = list(status.places(server))
    for address in addresses:
        some = [place for place in places if _is_meant(place, address)]
        some = some or _by_hand(assembly, server, address)
        for place in some:
            name = place.pane.mark.address if place.pane.mark is not None else address
            folder = assembly.logs.of(server.epoch, place.pane.id)
            found.setdefault(name, _Source(name, place.pane.id, _open(assembly, folder, since)))
        if not some:
            folder = assembly.logs.find(address)
            if folder is None:
                raise _unknown(address, places)
            found.setdefault(address, _Source(address, "", _open(assembly, folder, since)))
    return list(found.values())


def _by_hand(assembly: assemble.Assembly, server: status.Server, address: str) -> list[status.Place]:
    """A pane that somebody else made, by what it is called; unless something is recorded of that name."""
    from orchestra.plan import addressing

    try:
        return [addressing.pane(server, address).place] if assembly.logs.find(address) is None else []
    except errors.UsageError:
        return []


def _is_meant(place: status.Place, address: str) -> bool:
    marks = (place.pane.mark, place.window.mark, place.session.mark)
    named = any(mark is not None and mark.address == address for mark in marks)
    if place.pane.mark is None:
        return place.pane.id == address
    return named or place.pane.id == address


def _open(assembly: assemble.Assembly, folder: Path | None, since: datetime | None) -> recorded.Log | None:
    if folder is None:
        return None
    return assembly.logs.open(folder, since=since.timestamp() if since is not None else None)


def _begin(assembly: assemble.Assembly, source: _Source, *, keep: bool) -> list[str]:
    """What tmux shows of a pane nobody recorded; with `keep` it is recorded from there on. The panes whose recording was begun."""
    from orchestra.daemon import logs

    if not keep:
        source.shown = assembly.tmux.capture(source.pane)
        return []
    base = assembly.directories().recordings
    folder = base / assembly.tmux.observe().epoch / source.pane
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    source.shown = assembly.listening.record_from_here(source.pane, str(base))
    source.log = logs.Log(folder)
    return [source.pane]


def _turns(
    common: options.Common,
    assembly: assemble.Assembly,
    epoch: str,
    sources: Sequence[_Source],
    *,
    always: bool,
) -> Iterator[None]:
    """Each time when there may be news, until there will be none."""
    from orchestra.daemon import following, logs

    def given_up() -> Collection[str] | None:
        there = common.daemon()
        return None if there is None else there.get("/v1/status")["parts"]["supervise"]["given_up"]

    panes = {each.pane for each in sources}
    followed = following.Following(assembly.tmux.observe, epoch, panes, given_up)
    watch = logs.Watch([each.log.folder for each in sources if each.log is not None])
    quiet = False
    try:
        while True:
            yield
            over = followed.is_over()
            if over and quiet and not always:
                return
            if always:
                for each in sources:
                    each.come_again(assembly, followed.server, watch)
            quiet = (
                not _changed(watch, followed, QUIET if over and not always else followed.patience) and over
            )
    finally:
        watch.close()
        followed.close()


def _changed(watch: recorded.Watch, followed: following.Following, patience: float) -> bool:
    """Whether something was printed, perhaps."""
    from orchestra.daemon import logs

    printing = [watch.fd] if watch.fd is not None else []
    patience = patience if printing else min(patience, logs.POLL)
    ready = select.select([*printing, *followed.fds], [], [], patience)[0]
    if set(ready) & set(followed.fds):
        followed.heard()
    watch.drain()
    return bool(set(ready) & set(printing))


class _Printer:
    def __init__(self, common: options.Common, addresses: Sequence[str], matching: _Matching | None) -> None:
        self._json = common.json
        self._matching = matching
        width = max(map(len, addresses))
        colours = itertools.cycle(_COLOURS)
        self._heads = {}
        if len(addresses) > 1:
            for address in addresses:
                text = f"{output.one_line(address):<{width}} | "
                self._heads[address] = output.paint(text, sys.stdout, fg=next(colours))

    def lines(self, address: str, lines: Sequence[str]) -> None:
        if self._matching is not None:
            lines = [line for line in lines if self._matching.found(line)]
        if self._json:
            for line in lines:
                output.say(output.json_text({"address": address, "line": line}))
            return
        head = self._heads.get(address, "")
        sys.stdout.write("".join(f"{head}{output.printable(line)}\n" for line in lines))


class _Matching:
    def __init__(self, pattern: str) -> None:
        from orchestra.engine import patterns

        self._pattern = pattern
        self._search = patterns.search

    def found(self, line: str) -> bool:
        return self._search(self._pattern, (line,)) is not None


def _matching(pattern: str | None) -> _Matching | None:
    if pattern is None:
        return None
    from orchestra.engine import patterns

    fault = patterns.fault(pattern)
    if fault is not None:
        raise errors.UsageError(f"{pattern!r} is not a regular expression: {fault}")
    return _Matching(pattern)


def _unknown(address: str, places: Sequence[status.Place]) -> errors.UsageError:
    import difflib  # only a slip pays for it

    marks = {
        mark.address for place in places for mark in (place.pane.mark, place.session.mark) if mark is not None
    }
    near = difflib.get_close_matches(address, marks, n=1)
    listed = ", ".join(sorted(marks))
    hint = (
        f"did you mean {near[0]}?"
        if near
        else f"there are: {listed}"
        if listed
        else "there are no panes of orchestra's"
    )
    return errors.UsageError(
        f"there is no {address} on this tmux server, and nothing is recorded of it", hint=hint
    )
