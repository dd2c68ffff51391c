"""What a compose service may use, as our `limits`."""

from __future__ import annotations

import re

from orchestra.discover import settings, taking
from orchestra.discover.context import Context
from orchestra.discover.notes import CARRIED, Known, quoted
from orchestra.discover.tree import Map, Node, Scalar, child

OTHERS = "of limits only memory, processor time and the number of processes are known here"
RESOURCES: Known = {"limits": CARRIED, "reservations": "nothing is set aside for a pane"}
LIMITS: Known = {"memory": CARRIED, "cpus": CARRIED, "pids": CARRIED}
SHORT = {"memory": "mem_limit", "cpus": "cpus", "pids": "pids_limit"}
"""The service's own keys for the same."""
BYTES = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,6})?) ?([kmgtp]?)i?b?", re.IGNORECASE)
UNITS = "KMGTP"
LARGEST_UNIT = 4
"""A manifest has none above T."""
MOST_CORES = 9999
MOST_PROCESSES = 1_000_000


def limits(node: Map, context: Context) -> dict[str, object]:
    """Of a service; empty when it has none."""
    resources = taking.table(child(node, "deploy"), "resources", context.notes)
    if resources is not None:
        context.notes.keys(resources, RESOURCES, "resources")
    listed = taking.table(resources, "limits", context.notes)
    if listed is not None:
        context.notes.keys(listed, LIMITS, "limits")
    made: dict[str, object] = {}
    for key, ours, read in (
        ("memory", "memory", _memory),
        ("cpus", "cpu", _cpu),
        ("pids", "processes", _processes),
    ):
        deployed, short = child(listed, key), child(node, SHORT[key])
        if deployed is not None and short is not None:
            context.notes.left_out(SHORT[key], short.at, f"`deploy.resources.limits.{key}` goes before it")
        if (value := _value(deployed or short, key if deployed else SHORT[key], context)) is None:
            continue
        text, said = value
        limit = read(text)
        if limit is None:
            context.notes.left_out(
                key if deployed else SHORT[key], said.at, f"{quoted(text)} is no limit that docker knows"
            )
        elif limit:
            made[ours] = limit
    if not made:
        return {}
    if set(made) == {"memory"}:
        return {**made, "on_exceed": "kill"}
    if "memory" in made:
        context.notes.warn(
            None if (memory := child(listed, "memory") or child(node, "mem_limit")) is None else memory.at,
            "docker kills above its memory and slows down above the rest; here one thing is done about all limits: `throttle`",
            hint="`on_exceed: kill` without the other limits kills above the memory alone",
        )
    return {**made, "on_exceed": "throttle"}


def _value(said: Node | None, key: str, context: Context) -> tuple[str, Scalar] | None:
    if said is None:
        return None
    if not isinstance(said, Scalar):
        context.notes.left_out(key, said.at, "text was expected here")
        return None
    text = settings.settled(said, key, context)
    return (text, said) if text else None


def _memory(text: str) -> object:
    """As docker reads it: a bare number is bytes. None: it is none; 0: there is no limit."""
    found = BYTES.fullmatch(text)
    if found is None:
        return None
    power = UNITS.index(found[2].upper()) + 1 if found[2] else 0
    whole = int(float(found[1]) * 1024**power)
    for size in range(LARGEST_UNIT, 0, -1):
        if whole and whole % 1024**size == 0:
            count = whole // 1024**size
            return f"{count}{UNITS[size - 1]}" if count < 10**9 else None
    return whole


def _cpu(text: str) -> object:
    try:
        cores = float(text)
    except ValueError:
        return None
    if not 0 <= cores <= MOST_CORES:  # nor what is no number
        return None
    percent = f"{cores * 100:.3f}".rstrip("0").rstrip(".")
    return f"{percent}%" if percent != "0" else 0 if not cores else None


def _processes(text: str) -> object:
    if text == "-1":
        return 0
    usable = text.isascii() and text.isdecimal() and len(text) < 8 and int(text) <= MOST_PROCESSES
    return int(text) if usable else None
