"""What weaving comes to: edits, and what a person is told about them and about what was left alone."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from orchestra.manifest import fault, problem, template
from orchestra.manifest.weaving import declared, edit, syntax
from orchestra.manifest.weaving.declared import Place
from orchestra.model.diagnostic import Diagnostic, Severity

DISAGREES = "write what is live into the manifest, or `orchestra apply` to make it live as written"


@dataclass(slots=True, kw_only=True)
class Notes:
    root: syntax.Node
    overwrite: frozenset[str]
    edits: list[edit.Edit] = field(default_factory=list)
    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    conflicts: list[Diagnostic] = field(default_factory=list)

    def compare(
        self,
        what: str,
        place: Place,
        stands: Mapping[str, object],
        live: Mapping[str, object],
        kind: str = "",
        *,
        skip: Collection[str] = (),
    ) -> None:
        """Edits what may be overwritten, tells the rest. `kind` is whose `defaults:` may say a key."""
        for key, value in live.items():
            if key not in skip and self.may_put(what, place, key, stands.get(key), value, kind):
                self.put(what, place, key, value, stands.get(key))

    def may_put(
        self, what: str, place: Place, key: str, stands: object, live: object, kind: str = ""
    ) -> bool:
        """Whether it differs, may be overwritten and can be; where it differs and not, that is told."""
        if same(stands, live):
            return False
        why = self.why_fixed(place, key, live, kind)
        if key in self.overwrite and why is None:
            return True
        self.disagrees(what, place, key, stands, live, why)
        return False

    def put(self, what: str, place: Place, key: str, live: object, stands: object = None) -> None:
        self.changed.append(f"{what}: {key}")
        node = place.value(key)
        if isinstance(live, Mapping) and node is not None and node.entries:
            # Key by key, so that the comments of the others stay.
            self._put_inside(node, (*place.path, key), live, mapping(stands))
        elif live is not None:
            self.edits.append(edit.Put(path=place.path, key=key, value=without_nothing(live)))
        elif node is not None:
            self.edits.append(edit.Drop(path=place.path, key=key))

    def _put_inside(
        self,
        node: syntax.Node,
        path: syntax.Path,
        live: Mapping[str, object],
        stands: Mapping[str, object],
    ) -> None:
        wanted = {key: value for key, value in live.items() if value is not None}
        self.edits += [
            edit.Put(path=path, key=key, value=without_nothing(value))
            for key, value in wanted.items()
            if key not in stands or not same(stands[key], value)
        ]
        self.edits += [
            edit.Drop(path=path, key=each.name) for each in node.entries if each.name not in wanted
        ]

    def why_fixed(self, place: Place, key: str, live: object, kind: str) -> str | None:
        """Why this key of it cannot be edited, so that the edit is what counts and nothing else changes."""
        if place.fixed is not None:
            return place.fixed
        if key in place.overlaid:
            return declared.OVERLAID
        node = place.value(key)
        if node is None:
            return "it comes from `defaults`" if live is None else None
        if syntax.holds_shared(node):
            return declared.SHARED
        if live is None and key in _defaults(self.root, kind):
            return "`defaults` would say it instead"
        return None

    def disagrees(
        self, what: str, place: Place, key: str, stands: object, live: object, why: str | None
    ) -> None:
        node = place.value(key)
        at = replace(place.at, path=f"{place.at.path}.{key}".lstrip("."))
        if node is not None and node.start != node.end and not node.shared:
            at = replace(at, line=node.line, column=node.column)
        self._tell(
            f"`{key}` of {what} is not what is live",
            replace(place, at=at),
            f"the manifest says {shown(stands)}, live is {shown(live)}",
            why,
            DISAGREES,
        )

    def conflict(self, summary: str, place: Place, *, why: str, hint: str | None = None) -> None:
        self._tell(summary, place, None, why, hint or "write it into the manifest by hand")

    def _tell(self, summary: str, place: Place, detail: str | None, why: str | None, hint: str) -> None:
        if why is not None:
            why = f"not edited: {why}" if detail else why
        self.conflicts.append(
            Diagnostic(
                severity=Severity.WARNING,
                summary=problem.printable(summary),
                detail="; ".join(each for each in (detail, why) if each) or None,
                location=place.at,
                hint=hint,
            )
        )


def mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def sequence(value: object) -> list[Mapping[str, object]]:
    """Of windows or panes."""
    return [mapping(each) for each in value] if isinstance(value, list | tuple) else []


def without_nothing(value: object) -> object:
    """None says that a key should be absent; in something new it is."""
    match value:
        case Mapping():
            return {key: without_nothing(each) for key, each in value.items() if each is not None}
        case list() | tuple():
            return [without_nothing(each) for each in value]
        case _:
            return value


def same(stands: object, live: object) -> bool:
    return _evaluated(stands, escaped=False) == _evaluated(live, escaped=True)


def _evaluated(value: object, *, escaped: bool) -> object:
    """`live` is written as a manifest is, with braces escaped; the loaded document has values."""
    match value:
        case Mapping():
            return {key: _evaluated(each, escaped=escaped) for key, each in value.items()}
        case list() | tuple():
            return [_evaluated(each, escaped=escaped) for each in value]
        case str() if escaped and template.is_template(value):
            try:
                return template.Engine().evaluate(value, {})
            except fault.Faulty:
                return value
        case bool():
            return (bool, value)  # True is no 1
        case _:
            return value


def shown(value: object) -> str:
    if isinstance(value, Mapping | list | tuple):
        return problem.quoted(json.dumps(value, ensure_ascii=False, default=str))
    return problem.quoted(value)


def _defaults(root: syntax.Node, kind: str) -> frozenset[str]:
    """Keys that any `defaults:` of the text gives this kind of thing."""
    found: frozenset[str] = frozenset()
    for node in root.inner() if kind else ():
        below = node.value("defaults")
        given = below and below.value(kind)
        found |= frozenset(entry.name for entry in given.entries) if given else frozenset()
    return found
