"""Desired against observed: for every object what is wanted, what is there, and what therefore has to be done.

Pure. `lower.py` turns the result into steps; nothing else computes what would happen.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field

from orchestra.model import action, diagnostic, errors, names, plan, spec, status
from orchestra.model.frozen import frozen
from orchestra.plan import cascade, causes, deltas, matching, opened, record, rules_changes, seen, shapes


@frozen
class Options:
    prune: bool = True
    adopt: bool = False
    targets: tuple[str, ...] = ()
    """Addresses of panes and sessions; empty: everything. Nothing outside them is touched, and windows only partly among them keep
    their layout."""
    resting: frozenset[str] = frozenset()
    """Panes whose process had ended or was never started, and shall be left so unless it has to be another one: a rollback's."""
    starts: Mapping[str, str] = field(default_factory=dict)
    """Address → why its process is started anew, whatever the manifest says."""
    stops: frozenset[str] = frozenset()
    """Panes that a person stops, and that stay so."""
    ends: Mapping[str, str] = field(default_factory=dict)
    """Address → why its process is stopped; what follows is for its restart policy to say."""
    absent: frozenset[str] = frozenset()
    """Panes that were collected: where they are not there they are not made, unless a person has it so."""
    cascades: bool = True
    """Panes that ask for it are restarted with what they depend on, or because it was restarted, whether they are among the targets or
    not. False: somebody else sees to it, once what they depend on has reached its condition (`engine/react/cascading.py`)."""
    typed: Mapping[str, tuple[str, bool]] = field(default_factory=dict)
    """Address → a line for its shell, typed when this plan starts it, and whether Enter is typed, too: a restore's."""


def compare(
    desired: spec.Workspace,
    observed: status.Server,
    digests: Mapping[spec.Secret, str],
    options: Options,
) -> deltas.Comparison:
    """`digests` holds what is known of secrets' values now; a reference that is missing there is taken as unchanged.

    Raises `Conflict` with everything that stands in the way.
    """
    found = seen.seen(observed, desired.name)
    desired = opened.without(desired, found, observed, options.absent)
    here = _Comparing(desired, found, digests, options)
    here.tell_unknown_targets()
    here.refuse_conflicts()
    for session in desired.sessions:
        if any(here.chosen(pane) for pane in session.panes):
            here.result.sessions.append(here.session(session))
    cascade.adopt(here.result)
    if options.cascades:
        cascade.restart(here.result)
        if options.targets and (more := cascade.beyond(here.result, desired)):
            targets = (*options.targets, *more)
            return compare(desired, observed, digests, dataclasses.replace(options, targets=targets))
    for session_delta in here.result.sessions:
        here.result.changes.append(session_delta.change)
        for window_delta in session_delta.windows:
            here.result.changes.append(window_delta.change)
            here.result.changes.extend(pane.change for pane in window_delta.panes)
    here.undeclared()
    if not options.targets:
        here.rules(observed.rules.get(desired.name, ""))
    return here.result


class _Comparing:
    """One comparison: what all of its parts look at."""

    def __init__(
        self,
        desired: spec.Workspace,
        found: seen.Seen,
        digests: Mapping[spec.Secret, str],
        options: Options,
    ) -> None:
        self.desired = desired
        self.seen = found
        self.digests = digests
        self.options = options
        self.result = deltas.Comparison(workspace=desired.name, seen=found)
        self.targets = frozenset(options.targets)
        self.sessions = {session.name: session for session in desired.sessions}
        self.panes = {pane.address: pane for pane in desired.panes}
        self.windows = self.targets & found.windows.keys() - self.panes.keys() - found.panes.keys()
        """Windows that are meant and declared no more: the manifest's are panes by now."""
        self.leaving = {
            address: place
            for address, place in found.panes.items()
            if address not in self.panes and self.deletes(address, place.window.mark)
        }

    # --- what is meant

    def chosen(self, pane: spec.Pane) -> bool:
        return not self.targets or not self.targets.isdisjoint((pane.address, names.session_of(pane.address)))

    def deletes(self, address: str, window: status.Mark | None = None) -> bool:
        """Whether an undeclared thing of ours is to go. What an apply that was cut off left over goes always."""
        if not self.options.prune and "." not in address:
            return False
        if window is not None and window.address in self.windows:
            return True
        return not self.targets or not self.targets.isdisjoint((address, names.session_of(address)))

    def tell_unknown_targets(self) -> None:
        """No error: a target that was deleted has to stand a second time."""
        known = {*self.sessions, *self.panes, *self.seen.sessions, *self.seen.panes, *self.windows}
        for target in self.options.targets:
            if target not in known:
                near = difflib.get_close_matches(target, sorted(known), 1)
                self.result.notes.append(
                    diagnostic.Diagnostic(
                        severity=diagnostic.Severity.WARNING,
                        summary=f"nothing is called {target}, neither in the manifest nor on the server",
                        hint=f"did you mean {near[0]}?" if near else None,
                    )
                )

    def rules(self, known: str) -> None:
        """Triggers, schedules and garbage collection; `known`: as they stand on the server."""
        wanted = self.desired.rules
        if not self.options.prune:
            wanted = rules_changes.added(wanted, known)
        found = list(rules_changes.changes(wanted, known))
        self.result.changes += found
        if any(each.verb is not plan.Verb.NONE for each in found):
            self.result.rules = rules_changes.text(wanted)

    def refuse_conflicts(self) -> None:
        found = [
            each
            for session in self.desired.sessions
            if any(self.chosen(pane) for pane in session.panes)
            and (each := self._conflict(session)) is not None
        ]
        if found:
            conflict = errors.Conflict(found[0].summary)
            conflict.diagnostics = tuple(found)
            raise conflict

    def _conflict(self, want: spec.Session) -> diagnostic.Diagnostic | None:
        name = want.shown
        mine, holder = self.seen.sessions.get(want.name), self.seen.named(name)
        if holder is None or holder is mine:
            return None
        if holder.mark is None:
            if mine is None and self.options.adopt:
                return None
            summary = f'session "{name}" is there already and is not orchestra\'s'
            hint = "--adopt takes it over without restarting anything in it; or rename one of the two"
            if mine is not None:
                summary += f'; ours has been renamed "{mine.name}"'
                hint = "rename one of the two"
        elif holder.mark.workspace != self.desired.name:
            summary = f'session "{name}" belongs to workspace "{holder.mark.workspace}"'
            hint = f"rename it in one of the two manifests, or run: orchestra delete {holder.mark.workspace}"
        else:
            other = self.sessions.get(holder.mark.address)
            if other is not None and any(self.chosen(pane) for pane in other.panes):
                return None
            if other is None and self.deletes(holder.mark.address):
                return None
            summary = f'session "{name}" is really "{holder.mark.address}", renamed by somebody'
            hint = "apply that one too"
        return diagnostic.Diagnostic(severity=diagnostic.Severity.ERROR, summary=summary, hint=hint)

    # --- sessions

    def session(self, want: spec.Session) -> deltas.Session:
        have = self.seen.sessions.get(want.name)
        named = self.seen.named(want.shown)
        adopt = have is None and self.options.adopt and named is not None
        if adopt:
            have = named
        delta = deltas.Session(
            address=want.name,
            want=want,
            have=have,
            adopt=adopt,
            windows=[],
            change=plan.Change(kind=action.Kind.SESSION, address=want.name, verb=plan.Verb.NONE),
        )
        windows = [each for each in want.windows if any(self.chosen(pane) for pane in each.panes)]
        whole = len(windows) == len(want.windows)
        found = matching.Windows(self.seen, want, have, adopt=adopt)
        delta.windows = [self.window(delta, each, found) for each in windows]
        delta.record = record.session_text(want)
        verb, why = plan.Verb.NONE, []
        if have is None or adopt:
            delta.record = record.session_text(dataclasses.replace(want, windows=tuple(windows)))
            verb, reason = plan.Verb.CREATE, "it is not on the server"
            if adopt:
                verb, reason, delta.mark = plan.Verb.UPDATE, "adopted; nothing in it is restarted", True
            why = [plan.Cause(reason=reason)]
        if have is None:
            delta.focus, delta.options = True, bool(want.options)
            delta.order = delta.first is not None and delta.first is not delta.windows[0]
        else:
            why += shapes.session(delta, have, whole=whole and not adopt)
            verb = plan.Verb.UPDATE if why else verb
        delta.change = dataclasses.replace(delta.change, verb=verb, causes=tuple(why))
        return delta

    # --- windows

    def window(self, session: deltas.Session, want: spec.Window, found: matching.Windows) -> deltas.Window:
        address = names.window(session.address, want.name)
        have_session, have, adopt = found.take(want)
        chosen = [pane for pane in want.panes if self.chosen(pane)]
        whole = len(chosen) == len(want.panes)
        delta = deltas.Window(
            address=address,
            session=session.address,
            want=want,
            have=have,
            have_session=have_session,
            adopt=adopt,
            panes=[],
            record=record.window_text(want),
            change=plan.Change(kind=action.Kind.WINDOW, address=address, verb=plan.Verb.NONE),
        )
        if have is None or adopt:
            delta.record = record.window_text(dataclasses.replace(want, panes=tuple(chosen)))
        here = {pane.id for pane in have.panes} if have is not None else set()
        others = self._others(have)
        strangers = iter([pane for pane in others if pane.mark is None] if adopt else [])
        closed = have is None and want.name in causes.listed(
            session.have.record if session.have is not None else "", "windows"
        )
        for pane in chosen:
            candidate = None if pane.address in self.seen.panes else next(strangers, None)
            adopted = None
            if candidate is not None and have is not None and have_session is not None:
                adopted = status.Place(session=have_session, window=have, pane=candidate)
                others.remove(candidate)
            delta.panes.append(self.pane(pane, delta, here, adopted, window_closed=closed))
        if have is None:
            reason = "it was closed by somebody" if closed else "it is not on the server"
            verb, why = plan.Verb.CREATE, [plan.Cause(reason=reason, drift=closed)]
            delta.focus = True
            delta.zoom, delta.options = want.zoomed, bool(want.options)
            delta.arrange = whole and len(want.panes) > 1
            delta.order = whole and any(pane.move for pane in delta.panes) and len(want.panes) > 1
        else:
            at_home = adopt or found.at_home(have)
            why = shapes.window(delta, have, others, whole=whole, at_home=at_home)
            verb = plan.Verb.UPDATE if why else plan.Verb.NONE
        delta.tight = bool(others) or not (whole or have is None)
        if others and (delta.arrange or delta.order):
            delta.arrange = delta.order = False
            self._keeps_layout(address, others)
            why = [cause for cause in why if cause.reason not in (causes.RESIZED, causes.REORDERED)]
            verb = plan.Verb.NONE if not why else verb
        delta.change = dataclasses.replace(delta.change, verb=verb, causes=tuple(why))
        return delta

    def _others(self, window: status.Window | None) -> list[status.Pane]:
        """Panes that stand in it before and after: people's, and ours that are out of reach of this plan."""
        return [pane for pane in window.panes if not self._moved_by_us(pane)] if window is not None else []

    def _moved_by_us(self, pane: status.Pane) -> bool:
        mark = pane.mark
        if mark is None or not self.seen.ours(mark) or self.seen.panes[mark.address].pane.id != pane.id:
            return False
        if mark.address in self.leaving:
            return True
        declared = self.panes.get(mark.address)
        return declared is not None and self.chosen(declared)

    def _keeps_layout(self, address: str, others: Sequence[status.Pane]) -> None:
        ours = sum(self.seen.ours(pane.mark) for pane in others)
        theirs = len(others) - ours
        words = [f"{causes.count(theirs, 'pane')} in it that somebody opened"] if theirs else []
        words += [f"{causes.count(ours, 'pane')} in it that {_are(ours)} declared no more"] if ours else []
        self._note(f"window {address} keeps its layout: {' and '.join(words)}")

    def _note(self, summary: str) -> None:
        self.result.notes.append(diagnostic.Diagnostic(severity=diagnostic.Severity.NOTE, summary=summary))

    # --- panes

    def pane(
        self,
        want: spec.Pane,
        window: deltas.Window,
        here: set[str],
        adopted: status.Place | None,
        *,
        window_closed: bool,
    ) -> deltas.Pane:
        """`here` are the ids of the panes in its window."""
        have = self.seen.panes.get(want.address)
        known = {secret.name: self.digests[secret] for secret in want.secrets if secret in self.digests}
        change = plan.Change(kind=action.Kind.PANE, address=want.address, verb=plan.Verb.NONE)
        delta = deltas.Pane(want=want, have=have or adopted, change=change, digests=known)
        if adopted is not None:
            delta.adopt = delta.write = True
            return _changed(delta, plan.Verb.UPDATE, [plan.Cause(reason="adopted as it runs")])
        if have is None or have.pane.mark is None:
            delta.start, delta.options = True, bool(want.options)
            absent = _absent(want, window, window_closed=window_closed)
            return _changed(delta, plan.Verb.CREATE, [absent, *self._typed(delta, want)])
        mark, pane = have.pane.mark, have.pane
        delta.move = pane.id not in here
        moved = [_moved_cause(have, want, window.address)] if delta.move else []
        before = delta.record = record.parse_pane(pane.record)
        delta.options = want.options != (before.pane.options if before is not None else {})
        if mark.stage is not status.Stage.WAITING:
            delta.beside = cascade.kept(want, before, self.seen.panes)
        if before is not None:  # what the running process was not given stays unknown
            delta.digests = {name: known.get(name, given) for name, given in before.secrets.items()}
        resting = want.address in self.options.resting
        if want.address in self.options.starts:
            delta.start = True
            why = [plan.Cause(reason=self.options.starts[want.address])]
            return _changed(delta, plan.Verb.REPLACE, why)
        if want.address in self.options.ends:
            delta.end = not pane.dead
            why = [plan.Cause(reason=self.options.ends[want.address])] if delta.end else []
            changed = _changed(delta, plan.Verb.UPDATE if delta.end else plan.Verb.NONE, why)
            changed.change = dataclasses.replace(changed.change, stops=0 if pane.dead else pane.pid)
            return changed
        if want.address in self.options.stops:
            delta.stop = not (pane.dead and mark.stage is status.Stage.STOPPED)
            stopped = [plan.Cause(reason="stopped by a person")] if delta.stop else []
            changed = _changed(delta, plan.Verb.UPDATE if delta.stop else plan.Verb.NONE, stopped)
            changed.change = dataclasses.replace(changed.change, stops=0 if pane.dead else pane.pid)
            return changed
        if mark.stage is status.Stage.STOPPED and pane.dead:
            delta.write = self._is_written_anew(delta, pane)
            self._note(f"{want.address} was stopped by a person and stays so: orchestra start {want.address}")
            why = causes.live(before, want) if delta.write else []
            return _changed(delta, plan.Verb.UPDATE if why else plan.Verb.NONE, [*moved, *why])
        if mark.stage is status.Stage.WAITING and not resting:
            delta.start = True
            never = plan.Cause(reason="its process was never started", drift=True)
            return _changed(delta, plan.Verb.CREATE, [never, *moved, *self._typed(delta, want)])
        again = (
            causes.restart(want, pane, before, delta.digests)
            if mark.stage is not status.Stage.WAITING
            else []
        )
        if again and not (resting and all(cause.drift for cause in again)):
            delta.start = True
            return _changed(delta, plan.Verb.REPLACE, [*again, *moved, *self._typed(delta, want)])
        delta.write = self._is_written_anew(delta, pane)
        delta.type_on = mark.stage is status.Stage.TYPING
        why = [*moved, *(causes.live(before, want) if delta.write else ())]
        if delta.type_on:
            left = causes.count(len(want.send_keys) - mark.typed, "line")
            why.append(plan.Cause(reason=f"{left} of send_keys not typed yet", drift=True))
        return _changed(delta, plan.Verb.UPDATE if why else plan.Verb.NONE, why)

    def _is_written_anew(self, delta: deltas.Pane, pane: status.Pane) -> bool:
        assert delta.want is not None
        made = record.as_made(delta.want, delta.record)
        return pane.record != record.pane_text(made, delta.digests, delta.beside)

    def _typed(self, delta: deltas.Pane, want: spec.Pane) -> list[plan.Cause]:
        delta.typed = self.options.typed.get(want.address)
        if delta.typed is None:
            return []
        line, enter = delta.typed
        return [plan.Cause(reason="runs what was there" if enter else "types what was there", after=line)]

    # --- what is declared no more

    def undeclared(self) -> None:
        result = self.result
        kept = {delta.have.id for delta in result.windows if delta.have is not None}
        declared = {
            names.window(session.name, window.name)
            for session in self.desired.sessions
            for window in session.windows
        }
        going = {place.pane.id for place in self.leaving.values()}
        for pane in result.panes:
            if pane.have is not None and pane.move:
                going.add(pane.have.pane.id)
        moving = {delta.have.id for delta in result.windows if delta.have is not None and delta.move}

        def staying(windows: Iterable[status.Window]) -> list[status.Pane]:
            return [
                pane
                for window in windows
                if window.id not in moving
                for pane in window.panes
                if pane.id not in going
            ]

        for address, session in self.seen.sessions.items():
            if address not in self.sessions and self.deletes(address):
                self._forget(action.Kind.SESSION, address, session.mark, session.windows, staying)
        for address, (_, window) in self.seen.windows.items():
            if address not in declared and window.id not in kept and self.deletes(address):
                self._forget(action.Kind.WINDOW, address, window.mark, (window,), staying)
        result.deleted = [
            _deleted_pane(address, place, _gone(address, self.desired))
            for address, place in self.leaving.items()
        ]
        result.changes.extend(delta.change for delta in result.deleted)
        left = sorted(self.seen.panes.keys() - self.panes.keys() - self.leaving.keys())
        if left and not self.options.prune:
            self._note(
                f"{causes.count(len(left), 'pane')} declared no more but kept (--no-prune): {', '.join(left)}"
            )

    def _forget(
        self,
        kind: action.Kind,
        address: str,
        mark: status.Mark | None,
        windows: tuple[status.Window, ...],
        staying: Callable[[Iterable[status.Window]], list[status.Pane]],
    ) -> None:
        reason, left = _gone(address, self.desired), staying(windows)
        if left and mark is not None:
            who = "that somebody opened in it" if not all(map(_marked, left)) else "in it"
            stay = "stays" if len(left) == 1 else "stay"
            reason += f"; {causes.count(len(left), 'pane')} {who} {stay}, only our mark goes"
            ids = tuple(window.id for window in windows)
            self.result.forgotten.append(deltas.Forgotten(kind=kind, address=address, mark=mark, windows=ids))
        self.result.changes.append(
            plan.Change(
                kind=kind, address=address, verb=plan.Verb.DELETE, causes=(plan.Cause(reason=reason),)
            )
        )


def _changed(delta: deltas.Pane, verb: plan.Verb, why: Sequence[plan.Cause]) -> deltas.Pane:
    pane = delta.have.pane if delta.have is not None else None
    stops = pane.pid if pane is not None and verb is plan.Verb.REPLACE and not pane.dead else 0
    delta.change = dataclasses.replace(delta.change, verb=verb, causes=tuple(why), stops=stops)
    return delta


def _absent(want: spec.Pane, window: deltas.Window, *, window_closed: bool) -> plan.Cause:
    if window_closed:
        return plan.Cause(reason="its window was closed by somebody", drift=True)
    known = causes.listed(window.have.record, "panes") if window.have is not None else ()
    finished = window.have is not None and (len(known) < 2 or window.have.applied_layout)
    if want.name in known and finished:
        return plan.Cause(reason="it was closed by somebody", drift=True)
    return plan.Cause(reason="it is not on the server")


def _moved_cause(have: status.Place, want: spec.Pane, there: str) -> plan.Cause:
    """The manifest moved it when the record of the window it stands in lists it as its own."""
    mark = have.window.mark
    here = mark.address if mark is not None else f"{have.session.name}:{have.window.name}"
    if mark is not None and want.name in causes.listed(have.window.record, "panes"):
        return plan.Cause(reason="window changed", before=here, after=there)
    return plan.Cause(reason="moved by somebody", before=here, after=there, drift=True)


def _deleted_pane(address: str, place: status.Place, reason: str) -> deltas.Pane:
    return deltas.Pane(
        want=None,
        have=place,
        record=record.parse_pane(place.pane.record),
        change=plan.Change(
            kind=action.Kind.PANE,
            address=address,
            verb=plan.Verb.DELETE,
            causes=(plan.Cause(reason=reason),),
            stops=0 if place.pane.dead else place.pane.pid,
        ),
    )


def _gone(address: str, desired: spec.Workspace) -> str:
    if "." in address:
        return "left over by an apply that was cut off"
    return "it is not in the manifest" if desired.file else "its workspace is deleted"


def _marked(pane: status.Pane) -> bool:
    return pane.mark is not None


def _are(number: int) -> str:
    return "is" if number == 1 else "are"
