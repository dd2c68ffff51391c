"""Desired against observed: for every object what is wanted, what is there, and what therefore has to be done.

Pure. `lower.py` turns the result into steps; nothing else computes what would happen.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from orchestra.model import action, diagnostic, errors, names, plan, spec, status
from orchestra.plan import layout, record


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    prune: bool = True
    adopt: bool = False
    targets: tuple[str, ...] = ()
    """Addresses; empty: everything. Nothing outside them is touched, and windows only partly among them keep their layout."""


@dataclass(slots=True, kw_only=True)
class PaneDelta:
    want: spec.Pane | None
    have: status.Place | None
    record: record.PaneRecord | None = None
    change: plan.Change
    adopt: bool = False
    move: bool = False
    start: bool = False
    """Its process is to be started: it is new, is replaced, or was never started."""
    type_on: bool = False
    write: bool = False
    digests: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class WindowDelta:
    address: str
    session: str
    want: spec.Window | None
    have: status.Window | None
    have_session: status.Session | None = None
    change: plan.Change
    panes: list[PaneDelta]
    adopt: bool = False
    rename: bool = False
    move: bool = False
    order: bool = False
    arrange: bool = False
    write: bool = False
    focus: bool = False
    foreign: int = 0


@dataclass(slots=True, kw_only=True)
class SessionDelta:
    address: str
    want: spec.Session | None
    have: status.Session | None
    change: plan.Change
    windows: list[WindowDelta]
    adopt: bool = False
    rename: bool = False
    order: bool = False
    write: bool = False
    focus: bool = False


@dataclass(slots=True, kw_only=True)
class Comparison:
    workspace: str
    sessions: list[SessionDelta]
    deleted: list[PaneDelta]
    """Panes of ours that are declared no more."""
    forgotten: list[tuple[action.Kind, str, status.Mark]]
    changes: list[plan.Change]
    notes: list[diagnostic.Diagnostic]

    @property
    def panes(self) -> Iterable[PaneDelta]:
        return (pane for session in self.sessions for window in session.windows for pane in window.panes)


@dataclass(slots=True)
class _Seen:
    """What of the server is this workspace's, by address."""

    sessions: dict[str, status.Session]
    windows: dict[str, tuple[status.Session, status.Window]]
    panes: dict[str, status.Place]


def _seen(server: status.Server, workspace: str) -> _Seen:
    seen = _Seen({}, {}, {})

    def ours(mark: status.Mark | None) -> bool:
        return mark is not None and mark.workspace == workspace

    # A window may be linked into a person's session too; ours is the one that counts.
    for session in sorted(server.sessions, key=lambda each: not ours(each.mark)):
        if session.mark is not None and ours(session.mark):
            seen.sessions.setdefault(session.mark.address, session)
        for window in session.windows:
            if window.mark is not None and ours(window.mark):
                seen.windows.setdefault(window.mark.address, (session, window))
            for pane in window.panes:
                if pane.mark is not None and ours(pane.mark):
                    seen.panes.setdefault(
                        pane.mark.address, status.Place(session=session, window=window, pane=pane)
                    )
    return seen


def compare(
    desired: spec.Workspace,
    observed: status.Server,
    digests: Mapping[spec.Secret, str],
    options: Options,
) -> Comparison:
    """`digests` holds what is known of secrets' values now; a reference that is missing there is taken as unchanged.

    Raises `Conflict` with everything that stands in the way.
    """
    seen = _seen(observed, desired.name)
    result = Comparison(workspace=desired.name, sessions=[], deleted=[], forgotten=[], changes=[], notes=[])
    _refuse_conflicts(desired, observed, seen, options)
    for session in desired.sessions:
        if selected := _select(session, options.targets):
            result.sessions.append(
                _session(session, selected, observed, seen, digests, desired.name, options, result)
            )
    for session_delta in result.sessions:
        result.changes.append(session_delta.change)
        for window_delta in session_delta.windows:
            result.changes.append(window_delta.change)
            result.changes.extend(pane.change for pane in window_delta.panes)
    _undeclared(desired, seen, options, result)
    return result


def _select(session: spec.Session, targets: tuple[str, ...]) -> tuple[spec.Pane, ...]:
    if not targets:
        return session.panes
    wanted = set(targets)
    return tuple(
        pane
        for window in session.windows
        for pane in window.panes
        if wanted & {session.name, names.window(session.name, window.name), pane.address}
    )


def _refuse_conflicts(
    desired: spec.Workspace, observed: status.Server, seen: _Seen, options: Options
) -> None:
    found: list[diagnostic.Diagnostic] = []
    for session in desired.sessions:
        if session.name in seen.sessions or not _select(session, options.targets):
            continue
        for other in observed.sessions:
            if other.name != session.name or (
                other.mark is not None and other.mark.workspace == desired.name
            ):
                continue
            if other.mark is not None:
                summary = f'session "{session.name}" belongs to workspace "{other.mark.workspace}"'
                hint = (
                    f"rename it in one of the two manifests, or run: orchestra delete {other.mark.workspace}"
                )
            elif options.adopt:
                continue
            else:
                summary = f'session "{session.name}" is there already and is not orchestra\'s'
                hint = "--adopt takes it over without restarting anything in it; or rename one of the two"
            found.append(
                diagnostic.Diagnostic(severity=diagnostic.Severity.ERROR, summary=summary, hint=hint)
            )
    if found:
        conflict = errors.Conflict(found[0].summary)
        conflict.diagnostics = tuple(found)
        raise conflict


def _session(
    want: spec.Session,
    selected: tuple[spec.Pane, ...],
    observed: status.Server,
    seen: _Seen,
    digests: Mapping[spec.Secret, str],
    workspace: str,
    options: Options,
    result: Comparison,
) -> SessionDelta:
    have = seen.sessions.get(want.name)
    adopt = False
    if have is None and options.adopt:
        have = next(
            (each for each in observed.sessions if each.name == want.name and each.mark is None), None
        )
        adopt = have is not None
    causes: list[plan.Cause] = []
    delta = SessionDelta(
        address=want.name,
        want=want,
        have=have,
        adopt=adopt,
        windows=[],
        change=plan.Change(kind=action.Kind.SESSION, address=want.name, verb=plan.Verb.NONE),
    )
    chosen = {pane.address for pane in selected}
    taken: set[str] = set()
    for position, window in enumerate(want.windows):
        if any(pane.address in chosen for pane in window.panes):
            delta.windows.append(
                _window(delta, window, position, chosen, seen, digests, workspace, taken, result)
            )
    verb = plan.Verb.NONE
    if have is None:
        verb = plan.Verb.CREATE
        causes.append(plan.Cause(reason="it is not on the server"))
    elif adopt:
        verb = plan.Verb.UPDATE
        causes.append(plan.Cause(reason="adopted; nothing in it is restarted"))
        delta.write = True
    else:
        causes += _session_causes(delta, have, want, whole=len(delta.windows) == len(want.windows))
        if causes:
            verb = plan.Verb.UPDATE
    delta.focus = have is None or "focus" in _changed_keys(have.record, record.session_text(want))
    delta.change = plan.Change(kind=action.Kind.SESSION, address=want.name, verb=verb, causes=tuple(causes))
    return delta


def _session_causes(
    delta: SessionDelta, have: status.Session, want: spec.Session, *, whole: bool
) -> list[plan.Cause]:
    causes: list[plan.Cause] = []
    if have.name != want.name:
        delta.rename = True
        causes.append(plan.Cause(reason="renamed by somebody", before=have.name, after=want.name, drift=True))
    wanted_record = record.session_text(want)
    if have.record != wanted_record:
        delta.write = whole
        for key in _changed_keys(have.record, wanted_record) if whole else ():
            before, after = record.parse(have.record).get(key), record.parse(wanted_record).get(key)
            causes.append(plan.Cause(reason=f"{key} changed", before=_show(before), after=_show(after)))
    ids_here = [window.id for window in sorted(have.windows, key=lambda each: each.index)]
    standing = [each.have.id for each in delta.windows if each.have is not None and each.have.id in ids_here]
    places = [ids_here.index(each) for each in standing]
    arriving = any(each.have is None or each.move for each in delta.windows)
    if places != sorted(places):
        delta.order = True
        if not any(cause.reason == "windows changed" for cause in causes):
            causes.append(plan.Cause(reason="windows put into another order by somebody", drift=True))
    elif arriving:
        last = max(
            (n for n, each in enumerate(delta.windows) if each.have is not None and not each.move), default=-1
        )
        delta.order = any(each.have is None or each.move for each in delta.windows[: last + 1])
    return causes


def _window(
    session: SessionDelta,
    want: spec.Window,
    position: int,
    chosen: set[str],
    seen: _Seen,
    digests: Mapping[spec.Secret, str],
    workspace: str,
    taken: set[str],
    result: Comparison,
) -> WindowDelta:
    assert session.want is not None
    address = names.window(session.address, want.name)
    have_session, have = seen.windows.get(address, (None, None))
    adopt = False
    if have is None:
        have_session, have = _renamed_in_manifest(session.want, want, seen)
    if have is None and session.adopt and session.have is not None:
        have_session, have, adopt = session.have, _adoptable(session.have, want, position, taken), True
    if have is not None:
        taken.add(have.id)
    delta = WindowDelta(
        address=address,
        session=session.address,
        want=want,
        have=have,
        have_session=have_session,
        adopt=adopt and have is not None,
        panes=[],
        change=plan.Change(kind=action.Kind.WINDOW, address=address, verb=plan.Verb.NONE),
    )
    strangers = (
        [pane for pane in have.panes if pane.mark is None or pane.mark.workspace != workspace] if have else []
    )
    for each in want.panes:
        if each.address in chosen:
            candidate = None
            if delta.adopt and have is not None and session.have is not None and strangers:
                candidate = status.Place(session=session.have, window=have, pane=strangers.pop(0))
            delta.panes.append(_pane(each, have, candidate, seen, digests))
    delta.foreign = len(strangers)
    whole = len(delta.panes) == len(want.panes)
    causes = _window_causes(session, delta, whole=whole)
    verb = plan.Verb.UPDATE if causes else plan.Verb.NONE
    if have is None:
        verb, causes = plan.Verb.CREATE, [plan.Cause(reason="it is not on the server")]
        delta.arrange = len(want.panes) > 1
        delta.focus = True
    elif delta.adopt:
        verb, causes = plan.Verb.UPDATE, [plan.Cause(reason="adopted")]
        delta.write = True
        delta.arrange = delta.order = False
    if delta.foreign and (delta.arrange or delta.order):
        delta.arrange = delta.order = False
        result.notes.append(
            diagnostic.Diagnostic(
                severity=diagnostic.Severity.NOTE,
                summary=f"window {address} keeps its layout: {_count(delta.foreign, 'pane')} in it that somebody opened",
            )
        )
        causes = [cause for cause in causes if cause.reason not in _LAYOUT_REASONS]
        if verb is plan.Verb.UPDATE and not causes and not delta.write:
            verb = plan.Verb.NONE
    if not whole:
        delta.arrange = delta.order = delta.write = False
        if verb is plan.Verb.UPDATE:
            kept = [cause for cause in causes if cause.drift and cause.reason not in _LAYOUT_REASONS]
            verb, causes = (plan.Verb.UPDATE if kept else plan.Verb.NONE), kept
    delta.change = plan.Change(kind=action.Kind.WINDOW, address=address, verb=verb, causes=tuple(causes))
    return delta


_RESIZED = "resized by somebody"
_REORDERED = "panes put into another order by somebody"
_LAYOUT_REASONS = frozenset({_RESIZED, _REORDERED})


def _renamed_in_manifest(
    session: spec.Session, want: spec.Window, seen: _Seen
) -> tuple[status.Session | None, status.Window | None]:
    """A window of ours in this session that is declared no more but holds this window's first living pane: the same, renamed."""
    declared = {names.window(session.name, each.name) for each in session.windows}
    for pane in want.panes:
        place = seen.panes.get(pane.address)
        if place is not None and place.window.mark is not None:
            mark = place.window.mark
            if names.session_of(mark.address) == session.name and mark.address not in declared:
                return place.session, place.window
    return None, None


def _adoptable(
    session: status.Session, want: spec.Window, position: int, taken: set[str]
) -> status.Window | None:
    free = [each for each in session.windows if each.id not in taken and each.mark is None]
    named = next((each for each in free if each.name == want.name), None)
    if named is not None:
        return named
    ordered = sorted(session.windows, key=lambda each: each.index)
    return ordered[position] if position < len(ordered) and ordered[position] in free else None


def _window_causes(session: SessionDelta, delta: WindowDelta, *, whole: bool) -> list[plan.Cause]:
    have, want = delta.have, delta.want
    if have is None or want is None or delta.adopt:
        return []
    causes: list[plan.Cause] = []
    if have.mark is not None and have.mark.address != delta.address:
        delta.write = delta.rename = True
        causes.append(plan.Cause(reason="name changed", before=have.mark.address, after=delta.address))
    elif have.name != want.name:
        delta.rename = True
        causes.append(plan.Cause(reason="renamed by somebody", before=have.name, after=want.name, drift=True))
    at_home = session.have is not None and any(each.id == have.id for each in session.have.windows)
    if not at_home:
        delta.move = True
        where = delta.have_session.name if delta.have_session is not None else "?"
        causes.append(
            plan.Cause(
                reason="moved by somebody",
                before=f"session {where}",
                after=f"session {session.address}",
                drift=True,
            )
        )
    wanted_record = record.window_text(want)
    changed = _changed_keys(have.record, wanted_record)
    if have.record != wanted_record:
        delta.write = True
        for key in changed:
            before, after = record.parse(have.record).get(key), record.parse(wanted_record).get(key)
            causes.append(plan.Cause(reason=f"{key} changed", before=_show(before), after=_show(after)))
    delta.focus = "focus" in changed
    here = [pane.id for pane in have.panes]
    standing = [
        each.have.pane.id for each in delta.panes if each.have is not None and each.have.pane.id in here
    ]
    places = [here.index(each) for each in standing]
    arriving = [each.have is None or each.move for each in delta.panes]
    leaving = len(here) - len(standing) - delta.foreign
    if places != sorted(places):
        delta.order = True
        if "panes" not in changed:
            causes.append(plan.Cause(reason=_REORDERED, drift=True))
    elif any(arriving):
        settled = max((n for n, comes in enumerate(arriving) if not comes), default=-1)
        delta.order = any(arriving[: settled + 1])
    several = len(want.panes) > 1
    if several and ({"layout", "sizes", "panes"} & set(changed) or any(arriving) or leaving or delta.order):
        delta.arrange = True
    elif several and not layout.same(have.applied_layout, have.layout) and not delta.foreign:
        delta.arrange = True
        reason = _RESIZED if have.applied_layout else "its layout was never set"
        causes.append(plan.Cause(reason=reason, drift=True))
    return causes


def _pane(
    want: spec.Pane,
    window: status.Window | None,
    candidate: status.Place | None,
    seen: _Seen,
    digests: Mapping[spec.Secret, str],
) -> PaneDelta:
    have = seen.panes.get(want.address)
    known = {secret.name: digests[secret] for secret in want.secrets if secret in digests}

    def delta(verb: plan.Verb, causes: Sequence[plan.Cause], **more: object) -> PaneDelta:
        stops = have.pane.pid if verb is plan.Verb.REPLACE and have is not None and not have.pane.dead else 0
        change = plan.Change(
            kind=action.Kind.PANE, address=want.address, verb=verb, causes=tuple(causes), stops=stops
        )
        return PaneDelta(want=want, have=have or candidate, change=change, **more)  # type: ignore[arg-type]

    if have is None or have.pane.mark is None:
        if candidate is not None:
            return delta(
                plan.Verb.UPDATE,
                [plan.Cause(reason="adopted as it runs")],
                adopt=True,
                write=True,
                digests=known,
            )
        closed = window is not None and want.name in _panes_of(window.record)
        reason = "it was closed by somebody" if closed else "it is not on the server"
        return delta(plan.Verb.CREATE, [plan.Cause(reason=reason, drift=closed)], start=True, digests=known)
    mark, pane = have.pane.mark, have.pane
    moved = window is None or all(each.id != pane.id for each in window.panes)
    causes: list[plan.Cause] = []
    if moved:
        causes.append(_moved_cause(have, want, window))
    before = record.parse_pane(pane.record)
    given = before.secrets if before is not None else {}
    digests_now = {secret.name: known.get(secret.name, given.get(secret.name, "")) for secret in want.secrets}
    if mark.stage is status.Stage.WAITING:
        causes.insert(0, plan.Cause(reason="its process was never started", drift=True))
        return delta(plan.Verb.CREATE, causes, record=before, move=moved, start=True, digests=digests_now)
    restart = _restart_causes(want, have, before, digests_now)
    if restart:
        return delta(
            plan.Verb.REPLACE, restart + causes, record=before, move=moved, start=True, digests=digests_now
        )
    write = pane.record != record.pane_text(want, digests_now)
    if write:
        causes += _live_causes(before, want)
    typing = mark.stage is status.Stage.TYPING
    if typing:
        left = len(want.send_keys) - mark.typed
        causes.append(plan.Cause(reason=f"{_count(left, 'line')} of send_keys not typed yet", drift=True))
    verb = plan.Verb.UPDATE if causes else plan.Verb.NONE
    return delta(verb, causes, record=before, move=moved, write=write, type_on=typing, digests=digests_now)


def _moved_cause(have: status.Place, want: spec.Pane, window: status.Window | None) -> plan.Cause:
    """The manifest moved it when the record of the window it stands in does not list it as its own any more than before."""
    here = have.window.mark.address if have.window.mark is not None else f"window {have.window.name}"
    was_home = want.name in _panes_of(have.window.record) and have.window.mark is not None
    there = window.mark.address if window is not None and window.mark is not None else "its window"
    if was_home:
        return plan.Cause(reason="window changed", before=here, after=there)
    return plan.Cause(reason="moved by somebody", before=here, after=there, drift=True)


def _restart_causes(
    want: spec.Pane, have: status.Place, before: record.PaneRecord | None, digests: Mapping[str, str]
) -> list[plan.Cause]:
    pane = have.pane
    assert pane.mark is not None
    causes: list[plan.Cause] = []
    if pane.mark.fingerprint != record.fingerprint(want):
        if before is None:
            causes.append(plan.Cause(reason="its record is not readable, and it differs from the manifest"))
        else:
            causes += _field_causes(before.pane, want, record.RESTART)
            gone = set(before.secrets) - {secret.name for secret in want.secrets}
            new = {secret.name for secret in want.secrets} - set(before.secrets)
            causes += [plan.Cause(reason=f"secret {name} added") for name in sorted(new)]
            causes += [plan.Cause(reason=f"secret {name} removed") for name in sorted(gone)]
            causes = causes or [plan.Cause(reason="its declaration changed")]
    elif before is not None:
        causes += [
            plan.Cause(reason=f"the value of secret {name} changed")
            for name, now in sorted(digests.items())
            if now and before.secrets.get(name) != now
        ]
    if not causes and pane.dead:
        if pane.signal is not None:
            causes.append(plan.Cause(reason=f"its process was ended by signal {pane.signal}", drift=True))
        elif want.command is None:
            causes.append(plan.Cause(reason="its shell ended", drift=True))
        elif pane.exit_code != 0:
            causes.append(
                plan.Cause(reason=f"its command failed with exit code {pane.exit_code}", drift=True)
            )
    return causes


def _live_causes(before: record.PaneRecord | None, want: spec.Pane) -> list[plan.Cause]:
    if before is None:
        return [plan.Cause(reason="its record is not readable")]
    fields = ("title", "labels", "depends_on", "health", "stop", "secrets")
    return _field_causes(before.pane, want, fields) or [plan.Cause(reason="its record is written anew")]


def _field_causes(before: spec.Pane, after: spec.Pane, fields: Iterable[str]) -> list[plan.Cause]:
    causes: list[plan.Cause] = []
    for name in fields:
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
        elif name in ("health", "stop", "depends_on"):
            causes.append(plan.Cause(reason=f"{name} changed"))
        else:
            causes.append(plan.Cause(reason=f"{name} changed", before=_show(old), after=_show(new)))
    return causes


def _undeclared(desired: spec.Workspace, seen: _Seen, options: Options, result: Comparison) -> None:
    """What is ours on the server and declared no more."""
    sessions = {session.name for session in desired.sessions}
    panes = {pane.address for pane in desired.panes}
    kept_windows = {
        each.have.id for session in result.sessions for each in session.windows if each.have is not None
    }
    declared_windows = {
        names.window(session.name, window.name) for session in desired.sessions for window in session.windows
    }
    wanted = set(options.targets)

    def chosen(address: str) -> bool:
        return options.prune and (not wanted or bool(wanted & {address, names.session_of(address)}))

    leaving: set[str] = set()
    for address, place in seen.panes.items():
        if address not in panes and chosen(address):
            leaving.add(place.pane.id)
            result.deleted.append(_deleted_pane(address, place))
    windows = {
        address: (session, window)
        for address, (session, window) in seen.windows.items()
        if address not in declared_windows and window.id not in kept_windows and chosen(address)
    }
    arriving = {delta.have.pane.id for delta in result.panes if delta.have is not None and delta.move}
    for address, session in seen.sessions.items():
        if address not in sessions and chosen(address):
            staying = [
                p for w in session.windows for p in w.panes if p.id not in leaving and p.id not in arriving
            ]
            result.changes.append(_deleted(action.Kind.SESSION, address, len(staying)))
            if staying and session.mark is not None:
                result.forgotten.append((action.Kind.SESSION, address, session.mark))
    for address, (_, window) in windows.items():
        staying = [pane for pane in window.panes if pane.id not in leaving and pane.id not in arriving]
        result.changes.append(_deleted(action.Kind.WINDOW, address, len(staying)))
        if staying and window.mark is not None:
            result.forgotten.append((action.Kind.WINDOW, address, window.mark))
    result.changes.extend(delta.change for delta in result.deleted)
    kept = [address for address in seen.panes if address not in panes] if not options.prune else []
    if kept:
        result.notes.append(
            diagnostic.Diagnostic(
                severity=diagnostic.Severity.NOTE,
                summary=f"{_count(len(kept), 'pane')} declared no more but kept (--no-prune): {', '.join(sorted(kept))}",
            )
        )


def _deleted_pane(address: str, place: status.Place) -> PaneDelta:
    pane = place.pane
    stops = 0 if pane.dead else pane.pid
    return PaneDelta(
        want=None,
        have=place,
        record=record.parse_pane(pane.record),
        change=plan.Change(
            kind=action.Kind.PANE,
            address=address,
            verb=plan.Verb.DELETE,
            causes=(plan.Cause(reason="it is not in the manifest"),),
            stops=stops,
        ),
    )


def _deleted(kind: action.Kind, address: str, staying: int) -> plan.Change:
    reason = "it is not in the manifest"
    if staying:
        reason += f"; {_count(staying, 'pane')} that somebody opened in it stays, only our mark goes"
    return plan.Change(kind=kind, address=address, verb=plan.Verb.DELETE, causes=(plan.Cause(reason=reason),))


def _changed_keys(before: str, after: str) -> list[str]:
    if before == after:
        return []
    old, new = record.parse(before), record.parse(after)
    return [key for key in new if old.get(key) != new.get(key)]


def _panes_of(window_record: str) -> Sequence[object]:
    panes = record.parse(window_record).get("panes")
    return panes if isinstance(panes, list) else ()


def _show(value: object) -> str | None:
    """As a person would write it; a list is shown as the shell would take it."""
    if value is None:
        return None
    if isinstance(value, tuple | list):
        return shlex.join(str(each) for each in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={each}" for key, each in value.items()) or "none"
    return str(value)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
