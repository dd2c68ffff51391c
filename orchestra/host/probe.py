"""One try of a probe, and a stop command: never longer than its timeout, and nothing stays behind."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Coroutine, Mapping
from datetime import timedelta
from typing import assert_never

from orchestra.host import command, connection, http, machine, reason
from orchestra.model import spec, status


class Prober:
    """`engine.ports.Prober` of this machine. `env` is laid over what a login has (`machine.server_environment`)."""

    async def attempt(
        self, probe: spec.Probe, timeout: timedelta, *, dir: str, env: Mapping[str, str]
    ) -> status.Attempt:
        match probe:
            case spec.CommandProbe():
                return await command.attempt(probe.command, timeout, dir=dir, env=_environment(env))
            case spec.HttpProbe():
                return await _over_network(_http(probe, timeout), timeout)
            case spec.TcpProbe():
                return await _over_network(_tcp(probe, timeout), timeout)
            case spec.OutputProbe():
                raise TypeError("an output probe looks at a pane, not at the machine")
            case _:
                assert_never(probe)

    async def run(
        self, command_line: str | tuple[str, ...], timeout: timedelta, *, dir: str, env: Mapping[str, str]
    ) -> status.Attempt:
        return await command.attempt(
            command_line, timeout, dir=dir, env=_environment(env), leaves_children=True
        )


def _environment(env: Mapping[str, str]) -> dict[str, str]:
    return machine.server_environment(os.environ) | dict(env)


async def _over_network(attempt: Coroutine[None, None, status.Attempt], timeout: timedelta) -> status.Attempt:
    try:
        async with asyncio.timeout(timeout.total_seconds()):
            return await attempt
    except TimeoutError:
        return status.Attempt(healthy=False, reason=f"no answer within {timeout.total_seconds():g} s")
    except ssl.SSLCertVerificationError as error:
        return status.Attempt(healthy=False, reason=reason.line(f"TLS: {error.verify_message}"))
    except ssl.SSLError as error:  # an OSError, but with numbers of its own
        return status.Attempt(healthy=False, reason=reason.line(f"TLS: {error.reason or error}"))
    except OSError as error:
        return status.Attempt(healthy=False, reason=reason.of(error), measured=error.errno not in reason.OURS)
    except ValueError as error:
        return status.Attempt(healthy=False, reason=reason.line(str(error)))


async def _http(probe: spec.HttpProbe, timeout: timedelta) -> status.Attempt:
    code = await http.get(probe.url, timeout.total_seconds())
    healthy = code == probe.status if probe.status is not None else 200 <= code < 400
    return status.Attempt(healthy=healthy, reason=f"HTTP {code}")


async def _tcp(probe: spec.TcpProbe, timeout: timedelta) -> status.Attempt:
    opened = await connection.plain(probe.host, probe.port, timeout.total_seconds())
    opened.close()
    return status.Attempt(healthy=True, reason="connected")
