"""Webhooks and notices: what triggers do outside of this tmux server, each dependency behind a breaker of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import ssl
import urllib.parse
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import Executor
from typing import Any

from orchestra.daemon.react import parts, unheard
from orchestra.engine.react import breakers
from orchestra.engine.trigger import firings
from orchestra.host import bulletins, clock, http, machine, reason
from orchestra.model import errors, event, rules
from orchestra.tmux import telling

Fill = Callable[[str, Mapping[str, Any]], str]
"""A text's `{{ event.… }}` filled in."""
_WORTH_TRYING = (408, 425, 429)
"""Answers from 400 to 499 that may be another one later."""
BREAKERS = 256
"""Remembered: a host may be a part of what an event says."""


class Calling:
    def __init__(
        self,
        fill: Fill,
        say: parts.Say,
        clock: clock.Clock,
        told: telling.Telling,
        unheard: unheard.Unheard,
        threads: Executor,
    ) -> None:
        self._fill = fill
        self._say = say
        self._clock = clock
        self._told = told
        self._unheard = unheard
        self._threads = threads
        self._breakers: dict[str, breakers.Breaker] = {}

    def describe(self) -> Mapping[str, str]:
        """Those that are not closed."""
        return {
            name: each.state
            for name, each in self._breakers.items()
            if each.state is not breakers.State.CLOSED
        }

    def troubles(self) -> list[str]:
        return [
            f"{name} is not called for a while: {each.reason}"
            for name, each in self._breakers.items()
            if each.state is breakers.State.OPEN
        ]

    # --- webhooks

    async def webhook(self, act: rules.Webhook, run: firings.Run) -> None:
        # What an event says is a part of an address, never where it leads.
        url = self._fill(act.url, {key: _quoted(value) for key, value in run.event.items()})
        parts = urllib.parse.urlsplit(url)
        headers = {name: self._fill(value, run.event) for name, value in act.headers.items()}
        headers |= {name: _secret(variable) for name, variable in act.secrets.items()}
        body = json.dumps({**run.event, "trigger": run.trigger, "run": run.id})
        if act.body is not None:
            body = self._fill(act.body, run.event)
        defaults = {
            "Content-Type": "application/json" if act.body is None else "text/plain; charset=utf-8",
            "User-Agent": "orchestra",
            "Idempotency-Key": run.token,
        }
        said = {name.lower() for name in headers}
        defaults = {name: value for name, value in defaults.items() if name.lower() not in said}
        async with self._breaker(f"webhook {parts.hostname}:{parts.port or parts.scheme}"):
            await self._post(url, {**defaults, **headers}, body.encode(), run)

    async def _post(self, url: str, headers: Mapping[str, str], body: bytes, run: firings.Run) -> None:
        try:
            code, text = await http.post(url, run.reaction.timeout.total_seconds(), headers, body)
        except ssl.SSLError as error:
            raise firings.Failed(f"TLS: {error.reason or error}") from error
        except OSError as error:
            raise firings.Failed(reason.of(error)) from error
        if not 200 <= code < 300:
            final = 400 <= code < 500 and code not in _WORTH_TRYING
            raise firings.Failed(f"HTTP {code}", reason.line(text), for_good=final)

    # --- notices

    async def notify(self, act: rules.Notify, run: firings.Run) -> None:
        title = _line(self._fill(act.title, run.event))
        text = "\n".join(map(_line, self._fill(act.text, run.event).split("\n")))
        loop = asyncio.get_running_loop()
        if act.urls:
            addresses = [_secret(variable) for variable in act.urls]
            async with self._breaker(f"notify {' '.join(act.urls)}"):
                await loop.run_in_executor(self._threads, bulletins.by_services, addresses, title, text)
            return
        environ = machine.server_environment(os.environ)
        if bulletins.has_desktop(environ):
            async with self._breaker("notify desktop"):
                await bulletins.on_desktop(title, text, run.reaction.timeout, environ)
            return
        shown = _line(f"{title}: {text}" if text else title)
        if not await loop.run_in_executor(self._threads, self._told.notice, shown):
            await self._unheard.add(shown, run)

    # --- breakers

    @contextlib.asynccontextmanager
    async def _breaker(self, name: str) -> AsyncIterator[None]:
        before = self._known(name)
        breaker, wait = breakers.asked(before, self._clock.monotonic())
        if wait:
            raise firings.Failed(f"{name} is not called for a while: {breaker.reason}", later=wait)
        await self._set(name, before, breaker)
        try:
            yield
        except firings.Failed as error:
            if error.for_good:  # it answers
                await self._set(name, self._known(name), breakers.succeeded())
            else:
                await self._count(name, error.reason)
            raise
        except errors.OrchestraError as error:
            await self._count(name, str(error))
            raise
        except asyncio.CancelledError:  # its time is up
            await self._count(name, "it did not answer in time")
            raise
        await self._set(name, self._known(name), breakers.succeeded())

    def _known(self, name: str) -> breakers.Breaker:
        return self._breakers.get(name, breakers.Breaker())

    async def _count(self, name: str, why: str) -> None:
        before = self._known(name)
        await self._set(name, before, breakers.failed(before, self._clock.monotonic(), why))

    async def _set(self, name: str, before: breakers.Breaker, after: breakers.Breaker) -> None:
        self._breakers.pop(name, None)
        if after != breakers.Breaker():
            self._breakers[name] = after  # the newest last
        while len(self._breakers) > BREAKERS:
            closed = (each for each, one in self._breakers.items() if one.state is breakers.State.CLOSED)
            del self._breakers[next(closed, next(iter(self._breakers)))]
        if before.state is not after.state:
            told = event.BreakerChanged(
                name=name, before=before.state, after=after.state, reason=after.reason
            )
            await self._say(told, "", "", {})


def _secret(variable: str) -> str:
    value = os.environ.get(variable)
    if not value:
        raise firings.Failed(f"the daemon's environment has no {variable}", for_good=True)
    return value


def _quoted(value: object) -> object:
    if isinstance(value, str):
        return urllib.parse.quote(value, safe="")
    if value is None or isinstance(value, int | float):
        return value
    return urllib.parse.quote(json.dumps(value), safe="")


def _line(text: str) -> str:
    return "".join(each if each.isprintable() else " " for each in text)
