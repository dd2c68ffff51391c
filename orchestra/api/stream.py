"""Server-sent events: what the journal has, then what comes, without a gap between the two and nothing twice."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any

from orchestra.engine.hear import bus, sources
from orchestra.model import event
from orchestra.model.frozen import frozen

PAGE = 500
"""Events read from the journal at a time."""
BEAT = 30.0
"""Seconds after which silence is broken by a comment, so that a peer that is gone is noticed."""


@frozen
class Wanted:
    types: tuple[str, ...] = ()
    """Patterns such as `pane.*`; none: all but output."""
    workspace: str = ""
    addresses: tuple[str, ...] = ()
    since: datetime | None = None

    def matches(self, each: event.Event) -> bool:
        if isinstance(each.body, event.PaneOutput):
            right = "pane.output" in self.types
        else:
            right = not self.types or any(event.matches(pattern, each.type) for pattern in self.types)
        return (
            right
            and (not self.workspace or each.workspace == self.workspace)
            and self._concerns(each.address)
        )

    def output(self, name: str) -> bool:
        return self._concerns(name)

    def _concerns(self, address: str) -> bool:
        return not self.addresses or any(event.concerns(each, address) for each in self.addresses)


def message(name: str, what: Mapping[str, Any], id: int = 0) -> str:
    head = f"id: {id}\n" if id else ""
    return f"{head}event: {name}\ndata: {json.dumps(what, separators=(',', ':'))}\n\n"


async def events(
    bus_: bus.Bus,
    journal: sources.Journal,
    wanted: Wanted,
    *,
    cursor: int | None,
    follow: bool,
    limit: int | None = None,
    newest: int | None = None,
) -> AsyncIterator[str]:
    """`cursor` None: nothing that was; `newest`: so many of what was.

    A reader that was too slow is brought up from the journal; what was not kept is told as `lost`.
    """
    output = wanted.output if "pane.output" in wanted.types else None
    with bus_.subscribe(wanted.matches, output=output) as subscription:
        if cursor is None and wanted.since is None:
            cursor = await asyncio.to_thread(journal.last)
        cursor = cursor or 0
        oldest = await asyncio.to_thread(journal.first)
        if 0 < cursor < oldest - 1:
            yield message("lost", {"before": oldest, "reason": "the journal no longer has them"})
        given = 0
        if newest is not None and newest > PAGE:
            # Where they begin. They are read a page at a time, as all that is kept: there may be a million.
            oldest_of_them = await asyncio.to_thread(
                journal.read, cursor, limit=1, types=wanted.types, workspace=wanted.workspace,
                addresses=wanted.addresses, since=wanted.since, newest=True, skip=newest - 1,
            )  # fmt: skip
            for each in oldest_of_them:
                cursor = each.sequence - 1
            if not follow:
                limit = newest if limit is None else min(limit, newest)
        elif newest is not None:
            last = await asyncio.to_thread(
                journal.read, cursor, limit=newest, types=wanted.types, workspace=wanted.workspace,
                addresses=wanted.addresses, since=wanted.since, newest=True,
            )  # fmt: skip
            for each in last:
                cursor = each.sequence
                yield message(each.type, event.dump(each), each.sequence)
            if not last:
                cursor = max(cursor, await asyncio.to_thread(journal.last))
        while True:
            async for each in _kept(journal, wanted, cursor):
                if limit is not None and given >= limit:
                    return
                cursor, given = each.sequence, given + 1
                yield message(each.type, event.dump(each), each.sequence)
            if not follow:
                return
            yield ": now\n\n"
            try:
                while True:
                    try:
                        async with asyncio.timeout(BEAT):
                            found = await subscription.next()
                    except TimeoutError:
                        yield ": \n\n"
                        continue
                    told = []
                    for each in found:
                        if each.sequence and each.sequence <= cursor:
                            continue
                        cursor = each.sequence or cursor
                        told.append(message(each.type, event.dump(each), each.sequence))
                        given += 1
                        if limit is not None and given >= limit:
                            yield "".join(told)
                            return
                    if told:
                        yield "".join(told)
            except bus.Lost:
                if output is not None:
                    yield message("lost", {"after": cursor, "reason": "output came faster than it was read"})


async def _kept(journal: sources.Journal, wanted: Wanted, cursor: int) -> AsyncIterator[event.Event]:
    while True:
        page = await asyncio.to_thread(
            journal.read, cursor, limit=PAGE, types=wanted.types, workspace=wanted.workspace,
            addresses=wanted.addresses, since=wanted.since,
        )  # fmt: skip
        for each in page:
            yield each
        if len(page) < PAGE:
            return
        cursor = page[-1].sequence
