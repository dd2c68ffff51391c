"""`orchestra logs`: what panes printed."""

from __future__ import annotations

import itertools
import re
import select
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestra.cli import codes, options, output, suggest
from orchestra.model import errors, status

if TYPE_CHECKING:  # see options
    from orchestra.daemon import assemble
    from orchestra.daemon import logs as recorded

_DEAD = re.compile(r"\nPane is dead \([^\n]*\)\s*\Z")
"""tmux's own remark below what a process printed."""
_COLOURS = ("cyan", "yellow", "green", "magenta", "blue", "bright_red")


@click.command("logs")
@click.argument("addresses", nargs=-1, required=True, metavar="ADDRESS…", shell_complete=suggest.addresses)
@click.option("--follow", "-f", is_flag=True, help="Go on with what is printed from now on.")
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
    tail: int | None,
    since: datetime | None,
    pattern: str | None,
    raw: bool,
) -> int:
    """Show what panes printed: of a pane, or of all panes of a session or window; also after they ended or were deleted.

    While a daemon runs everything orchestra's panes print is recorded; of a pane that is not, what tmux still has is shown.

    \b
    Examples:
      orchestra logs api/server --tail 100 -f
      orchestra logs api db --since 10m --grep 'ERROR|FATAL'
    """
    matching = _matching(pattern)
    assembly = common.assembly()
    sources = _sources(assembly, addresses, since)
    if raw and (len(sources) != 1 or common.json):
        raise errors.UsageError("--raw is for one pane, and not for JSON")
    printer = _Printer(common, [each.address for each in sources], matching)
    opened: list[str] = []
    daemon = common.daemon() is not None
    try:
        for each in sources:
            if each.log is None:
                opened += _begin(assembly, each, keep=follow and not raw)
        if raw:
            _raw(sources[0], tail, follow)
            return codes.OK
        for each in sources:
            each.show(printer, tail)
            if not follow:
                each.unfinished(printer)
        if follow:
            _follow(sources, printer)
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

    def unfinished(self, printer: _Printer) -> None:
        """The last line as it stands, when nobody waits for the rest of it."""
        if self.log is not None and (line := self.log.unfinished()):
            printer.lines(self.address, [line])

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


def _sources(assembly: assemble.Assembly, addresses: Sequence[str], since: datetime | None) -> list[_Source]:
    found: dict[str, _Source] = {}
    server = assembly.tmux.observe()
    places = list(status.places(server))
    for address in addresses:
        some = [place for place in places if _is_meant(place, address)]
        for place in some:
            name = place.pane.mark.address if place.pane.mark is not None else place.pane.id
            folder = assembly.logs.of(server.epoch, place.pane.id)
            found.setdefault(name, _Source(name, place.pane.id, _open(assembly, folder, since)))
        if not some:
            folder = assembly.logs.find(address)
            if folder is None:
                raise _unknown(address, places)
            found.setdefault(address, _Source(address, "", _open(assembly, folder, since)))
    return list(found.values())


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


def _raw(source: _Source, tail: int | None, follow: bool) -> None:
    if source.log is None:
        sys.stdout.write(source.shown)
        return
    if tail is not None:
        source.log.skip()
    for data in _grown(source.log, follow):
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


def _grown(log: recorded.Log, follow: bool) -> Iterator[bytes]:
    from orchestra.daemon import logs

    watch = logs.Watch([log.folder])
    try:
        while True:
            yield from log.raw()
            if not follow:
                return
            _changed(watch)
    finally:
        watch.close()


def _follow(sources: Sequence[_Source], printer: _Printer) -> None:
    from orchestra.daemon import logs

    watch = logs.Watch([each.log.folder for each in sources if each.log is not None])
    try:
        while True:
            for each in sources:
                each.news(printer)
            sys.stdout.flush()
            _changed(watch)
    finally:
        watch.close()


def _changed(watch: recorded.Watch) -> None:
    from orchestra.daemon import logs

    select.select(
        [watch.fd] if watch.fd is not None else [], [], [], None if watch.fd is not None else logs.POLL
    )
    watch.drain()


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
