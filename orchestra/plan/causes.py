"""Why something changes, in words: what differs between a spec and the record of the one before."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence

from orchestra.model import plan, spec, status
from orchestra.plan import layout as layouts
from orchestra.plan import record

RESIZED = "resized by somebody"
REORDERED = "panes put into another order by somebody"
UNREADABLE = "its record is not readable"
LIVE = (
    "title",
    "labels",
    "options",
    "depends_on",
    "health",
    "restart",
    "limits",
    "watch",
    "pin",
    "stop",
    "secrets",
    "shell_integration",
)
"""A pane's fields that are changed without touching its process."""


def fields(before: spec.Pane, after: spec.Pane, names: Iterable[str]) -> list[plan.Cause]:
    causes: list[plan.Cause] = []
    for name in names:
        old, new = getattr(before, name), getattr(after, name)
        if old == new:
            continue
        if name == "env":
            causes += [
                plan.Cause(reason=f"env {key} changed", before=old.get(key), after=new.get(key))
                for key in sorted({*old, *new})
                if old.get(key) != new.get(key)
            ]
        elif name == "secrets":
            causes.append(plan.Cause(reason="where a secret is read changed"))
        elif name in ("health", "restart", "limits", "watch", "stop", "depends_on"):
            causes.append(plan.Cause(reason=f"{name} changed"))
        else:
            causes.append(plan.Cause(reason=f"{name} changed", before=_show(old), after=_show(new)))
    return causes


def restart(
    want: spec.Pane, pane: status.Pane, before: record.PaneRecord | None, digests: Mapping[str, str]
) -> list[plan.Cause]:
    """Why its process has to be started again; empty when it need not."""
    assert pane.mark is not None
    if pane.mark.fingerprint != record.fingerprint(want):
        if before is None:
            return [plan.Cause(reason=f"{UNREADABLE}, and it differs from the manifest")]
        old, new = set(before.secrets), {secret.name for secret in want.secrets}
        return [
            *fields(before.pane, want, record.RESTART),
            *(plan.Cause(reason=f"secret {name} added") for name in sorted(new - old)),
            *(plan.Cause(reason=f"secret {name} removed") for name in sorted(old - new)),
        ] or [plan.Cause(reason="its declaration changed")]
    # What an adopted process was given nobody knows: it has no digest.
    given = before.secrets if before is not None else {}
    changed = [name for name, now in sorted(digests.items()) if given.get(name, now) != now]
    if changed:
        return [plan.Cause(reason=f"the value of secret {name} changed") for name in changed]
    ended = _ended(want, pane) if pane.dead else None
    return [plan.Cause(reason=ended, drift=True)] if ended else []


def _ended(want: spec.Pane, pane: status.Pane) -> str | None:
    if pane.signal is not None:
        return f"its process was ended by signal {pane.signal}"
    if want.command is None:
        return "its shell ended"
    if pane.exit_code is None:
        return "its command ended, and tmux does not say how"
    return f"its command failed with exit code {pane.exit_code}" if pane.exit_code != 0 else None


def live(before: record.PaneRecord | None, want: spec.Pane) -> list[plan.Cause]:
    if before is None:
        return [plan.Cause(reason=UNREADABLE)]
    return fields(before.pane, want, LIVE) or [plan.Cause(reason="its record is written anew")]


def changed_keys(before: str, after: str) -> Sequence[str]:
    """Of a window's or session's record; none when the one before cannot be read."""
    old, new = record.parse(before), record.parse(after)
    both = {**new, **old}
    return [key for key in both if old.get(key) != new.get(key)] if old and before != after else []


def keys(before: str, after: str) -> list[plan.Cause]:
    if before == after:
        return []
    old, new = record.parse(before), record.parse(after)
    if not old:
        return [plan.Cause(reason=UNREADABLE)]
    changed = changed_keys(before, after)
    return [
        plan.Cause(reason=f"{key} changed", before=_show(old.get(key)), after=_show(new.get(key)))
        for key in changed
        if key != record.OWED and (key != "sizes" or _told(old, new))
    ]


def _told(old: Mapping[str, object], new: Mapping[str, object]) -> bool:
    """Sizes are no news where panes came or went and none has one."""
    sizes = [each for record in (old, new) for each in _list(record.get("sizes"))]
    return old.get("panes") == new.get("panes") or any(each is not None for each in sizes)


def layout(have: status.Window, *, owed: bool) -> str | None:
    """Why a window whose panes are the right ones has to be laid out."""
    if owed:
        return "its layout was not set while other panes were in it"
    if layouts.same(have.applied_layout, have.layout):
        return None
    return RESIZED if have.applied_layout else "its layout was never set"


def listed(record_text: str, key: str) -> Sequence[object]:
    """`panes` of a window's record, `windows` of a session's."""
    return _list(record.parse(record_text).get(key))


def _list(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else ()


def _show(value: object) -> str | None:
    """As a person would write it; a list is shown as the shell would take it."""
    if value is None or value in ((), [], {}):
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple | list):
        return shlex.join("-" if each is None else str(each) for each in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={each}" for key, each in value.items())
    return str(value)


def count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
