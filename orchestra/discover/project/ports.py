"""No two panes on one port: who can be told another one moves, who cannot goes without a health check."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from orchestra.discover.project import found
from orchestra.model import names
from orchestra.model.diagnostic import Diagnostic

HIGHEST = 65535


def assigned(sessions: Iterable[found.Session], remarks: list[Diagnostic]) -> list[found.Session]:
    made = list(sessions)
    taken: dict[int, str] = {}
    result: dict[str, found.Pane] = {}
    named = [(names.pane(session.name, pane.name), pane) for session in made for pane in session.panes]
    for address, pane in sorted(named, key=lambda each: _claim(each[1])):
        result[address] = _placed(address, pane, taken, remarks)
    return [
        replace(session, panes=tuple(result[names.pane(session.name, pane.name)] for pane in session.panes))
        for session in made
    ]


def _claim(pane: found.Pane) -> int:
    """Who cannot move comes first, then who was told; in the order they stand."""
    listening = pane.listening
    if listening is None or not (listening.flag or listening.variable):
        return 0
    return 1 if listening.said else 2


def _placed(address: str, pane: found.Pane, taken: dict[int, str], remarks: list[Diagnostic]) -> found.Pane:
    listening = pane.listening
    if listening is None:
        return pane
    wanted = listening.port
    if wanted not in taken:
        taken[wanted] = address
        return _told(pane, listening) if listening.written else pane
    port = next((port for port in range(wanted + 1, HIGHEST + 1) if port not in taken), None)
    if port is None or not (listening.flag or listening.variable):
        remarks.append(
            found.warning(
                f"{address} and {taken[wanted]} would both listen on port {wanted}: {address} has no health check",
                f"give one of them another port, and {address} a health check",
            )
        )
        return replace(pane, listening=None)
    taken[port] = address
    remarks.append(found.note(f"{address} gets port {port}: {taken[wanted]} listens on {wanted}"))
    return _told(pane, replace(listening, port=port, written=True))


def _told(pane: found.Pane, listening: found.Listening) -> found.Pane:
    if listening.flag:
        command = f"{pane.command} {listening.flag.format(port=listening.port)}"
        return replace(pane, listening=listening, command=command)
    env = {**pane.env, listening.variable: str(listening.port)}
    return replace(pane, listening=listening, env=env)
