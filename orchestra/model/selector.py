"""Which panes a selector means: an address, a session or window, a glob, `@group`, `@all`, or labels (`tier=backend,team!=web`)."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import field

from orchestra.model.frozen import frozen

_LABEL = re.compile(r"(?P<name>[A-Za-z0-9_./-]{1,64})(?P<operator>!=|==?)(?P<value>[^,]*)\Z")
_GLOB = re.compile(r"[A-Za-z0-9_.*?\[\]!-]{1,200}(/[A-Za-z0-9_.*?\[\]!-]{1,200})?\Z")
_GROUP = re.compile(r"@[A-Za-z0-9_-]{1,64}\Z")
ALL = "@all"


@frozen
class Candidate:
    """A pane that may be meant."""

    address: str
    window: str = ""
    """Its window's address."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Its own, its session's and its groups', inner ones first."""


def fault(text: str) -> str | None:
    """Why it is no selector; None when it is one."""
    if _is_labels(text):
        bad = [part for part in text.split(",") if _LABEL.match(part.strip()) is None]
        return f"{bad[0].strip()!r} is no `label=value`" if bad else None
    if text.startswith("@"):
        return None if _GROUP.match(text) else f"{text!r} is no group's name"
    return None if _GLOB.match(text) else f"{text!r} is neither an address nor a glob, a group or labels"


def chosen(
    text: str, candidates: Iterable[Candidate], groups: Mapping[str, Collection[str]]
) -> tuple[str, ...]:
    """Addresses, in the candidates' order. `groups`: name without its `@` → addresses."""
    if text == ALL:
        return tuple(each.address for each in candidates)
    if text.startswith("@"):
        members = groups.get(text[1:], ())
        return tuple(each.address for each in candidates if each.address in members)
    if _is_labels(text):
        tests = [found for part in text.split(",") if (found := _LABEL.match(part.strip())) is not None]
        return tuple(each.address for each in candidates if all(_has(each.labels, test) for test in tests))
    return tuple(each.address for each in candidates if _is_meant(text, each))


def _is_labels(text: str) -> bool:
    return "=" in text


def _has(labels: Mapping[str, str], test: re.Match[str]) -> bool:
    is_so = labels.get(test["name"]) == test["value"].strip()
    return is_so is not (test["operator"] == "!=")


def _is_meant(text: str, candidate: Candidate) -> bool:
    session = candidate.address.partition("/")[0]
    names = (candidate.address, candidate.window) if "/" in text else (session,)
    return any(fnmatch.fnmatchcase(name, text) for name in names)
