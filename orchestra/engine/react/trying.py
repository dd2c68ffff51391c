"""Tries of probes, each in its turn: what runs as a process, and what holds a connection, has a bound."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta

from orchestra.engine import ports
from orchestra.model import errors, spec, status

COMMANDS = 32
"""Probe commands at once; they mostly wait, and may all hang."""
CONNECTIONS = 256
LATE = timedelta(milliseconds=250)
"""A try that is over so long after its timeout says something about us, not about what was tried."""


class Trier:
    """`token` is in the environment of every probe command of this server's daemons, so that one that was killed leaves none behind."""

    def __init__(
        self,
        *,
        clock: ports.Clock,
        prober: ports.Prober,
        processes: ports.Processes,
        secrets: ports.Secrets,
        token: str,
    ) -> None:
        self._clock = clock
        self._prober = prober
        self._processes = processes
        self._secrets = secrets
        self._token = token
        self._commands = asyncio.Semaphore(COMMANDS)
        self._connections = asyncio.Semaphore(CONNECTIONS)
        self.tries = 0

    def clear(self) -> None:
        """Ends probe commands of a daemon that was killed. Blocks."""
        left = self._processes.trees({self._token: 0}, 0).get(self._token, frozenset())
        self._processes.signal(left, "SIGKILL")

    async def attempt(self, pane: spec.Pane, check: spec.Health, env: Mapping[str, str]) -> status.Attempt:
        assert check.probe is not None
        turn = self._commands if isinstance(check.probe, spec.CommandProbe) else self._connections
        async with turn:
            began = self._clock.monotonic()
            attempt = await self._prober.attempt(check.probe, check.timeout, dir=pane.dir, env=env)
            took = self._clock.monotonic() - began
        self.tries += 1
        if not attempt.healthy and took > (check.timeout + LATE).total_seconds():
            return status.Attempt(
                healthy=False, measured=False, reason=f"this machine was too busy to tell: {attempt.reason}"
            )
        return attempt

    async def environment(self, pane: spec.Pane, workspace: str) -> Mapping[str, str]:
        """Of its probe commands. ORCHESTRA_PANE is not the pane's: a probe is not one of its processes."""
        values: Mapping[spec.Secret, str] = {}
        if pane.secrets:
            values = await asyncio.to_thread(self._secrets.resolve, set(pane.secrets), run_commands=True)
        return {
            **pane.env,
            **{each.name: values[each] for each in pane.secrets if each in values},
            "ORCHESTRA_PANE": self._token,
            "ORCHESTRA_WORKSPACE": workspace,
            "ORCHESTRA_ADDRESS": pane.address,
        }


class Probe:
    """Of one process of a pane. Its environment, secrets and all, is asked for once."""

    def __init__(self, trier: Trier, pane: spec.Pane, check: spec.Health, workspace: str) -> None:
        self._trier = trier
        self._pane = pane
        self._check = check
        self._workspace = workspace
        self._env: Mapping[str, str] | None = (
            None if isinstance(check.probe, spec.CommandProbe) else {}  # only commands have one
        )

    async def attempt(self) -> status.Attempt:
        if self._env is None:
            try:
                self._env = await self._trier.environment(self._pane, self._workspace)
            except errors.OrchestraError as error:
                return status.Attempt(healthy=False, measured=False, reason=str(error))
        return await self._trier.attempt(self._pane, self._check, self._env)
