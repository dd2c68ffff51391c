"""One session that is declared and live: its windows and panes matched by name, what is new put where it belongs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from orchestra.manifest import layout
from orchestra.manifest.weaving import declared, edit, report
from orchestra.manifest.weaving.declared import Place
from orchestra.manifest.weaving.report import sequence
from orchestra.manifest.weaving.syntax import Node

Document = Mapping[str, object]


@dataclass(slots=True, kw_only=True)
class _Thing:
    """A declared window or pane."""

    what: str
    place: Place
    document: Document
    live: Document
    """Empty where it is not live."""
    keys: dict[str, object] = field(default_factory=dict)
    """What is to be said of it where only a short form stands for it."""

    @property
    def name(self) -> str:
        return str(self.document["name"])


@dataclass(slots=True, kw_only=True)
class _Window(_Thing):
    panes: list[_Thing]
    new: list[dict[str, object]] = field(default_factory=list)


def weave(
    notes: report.Notes, places: Mapping[str, Place], name: str, document: Document, live: Document
) -> None:
    notes.compare(
        f"session {name}", places[name], document, live, "session", skip=("windows", "panes", "name")
    )
    windows = sequence(live.get("windows"))
    _Session(notes, places[name], name, _declared(places, name, document, windows), windows).weave()


def _declared(
    places: Mapping[str, Place], session: str, document: Document, live: list[Document]
) -> list[_Window]:
    live_windows = {str(each["name"]): each for each in live}
    made: list[_Window] = []
    for window in sequence(document.get("windows")):
        name = str(window["name"])
        found = live_windows.get(name, {})
        live_panes = {str(each["name"]): each for each in sequence(found.get("panes"))}
        panes = [
            _Thing(
                what=f"{session}/{pane['name']}",
                place=places[f"{session}/{pane['name']}"],
                document=pane,
                live=live_panes.get(str(pane["name"]), {}),
            )
            for pane in sequence(window.get("panes"))
        ]
        what = f"window {session}/{name}"
        made.append(_Window(what=what, place=places[what], document=window, live=found, panes=panes))
    return made


class _Session:
    def __init__(
        self, notes: report.Notes, place: Place, name: str, windows: list[_Window], live: list[Document]
    ) -> None:
        self._notes = notes
        self._place = place
        self._name = name
        self._windows = windows
        self._live = live
        self._home = {pane.name: (window, pane) for window in windows for pane in window.panes}

    def weave(self) -> None:
        for live in self._live:
            for pane in sequence(live.get("panes")):
                self._tell_moved(str(pane["name"]), str(live["name"]))
        for window in self._windows:
            self._find_new(window)
            unsized = self._is_unsized(window, self._layout(window))
            self._compare(window, "window", skip=("layout", "focus", "panes"))
            for each in window.panes:
                self._compare(each, "pane", skip=("focus", "size") if unsized else ("focus",))
            self._focus(window.panes, window.new, self._name)
        more = self._new_windows()
        self._focus(self._windows, more, f"window {self._name}")
        self._name_the_nameless()
        self._write(more)

    def _tell_moved(self, pane: str, there: str) -> None:
        home, declared_pane = self._home.get(pane, (None, None))
        if home is None or declared_pane is None or home.name == there:
            return
        self._notes.conflict(
            f"{self._name}/{pane} stands in window `{there}` live",
            declared_pane.place,
            why=f"the manifest has it in window `{home.name}`",
            hint="move it in the manifest, or `orchestra apply` to move it back",
        )

    def _find_new(self, window: _Window) -> None:
        window.new = [_piece(pane) for pane in self._not_declared(window.live)]
        listed = window.place.node and window.place.node.value("panes")
        from_text = [
            pane.place.implied if listed is None else pane.place.node is not None for pane in window.panes
        ]
        if window.place.fixed or (listed and listed.shared):
            self._refuse(window, window.place.fixed or declared.SHARED)
        elif not any(from_text) or (listed is None and not all(from_text)):
            self._refuse(window, declared.OVERLAY_LISTS)
        elif any(pane.place.fixed for pane in self._nameless_after(window)):
            self._refuse(window, "a pane without a name follows, and would be called otherwise")

    def _not_declared(self, window: Document) -> list[Document]:
        return [pane for pane in sequence(window.get("panes")) if str(pane["name"]) not in self._home]

    def _refuse(self, window: _Window, why: str) -> None:
        for pane in window.new:
            summary = f"{self._name}/{pane['name']} is new in window `{window.name}` and cannot be added"
            self._notes.conflict(summary, window.place, why=why)
        window.new = []

    def _nameless_after(self, window: _Window) -> list[_Thing]:
        """Panes of later windows that are called by their position."""
        every = [pane for each in self._windows for pane in each.panes]
        first = sum(len(each.panes) for each in self._windows[: self._windows.index(window) + 1])
        return [
            pane
            for position, pane in enumerate(every)
            if position >= first and pane.name == str(position) and pane.place.value("name") is None
        ]

    def _layout(self, window: _Window) -> str | None:
        """What the window's layout will be."""
        stands = window.document.get("layout")
        if "layout" in window.live and not report.same(stands, live := window.live["layout"]):
            why = self._why_no_layout(window, live)
            if why is not None and "layout" in self._notes.overwrite:
                self._notes.disagrees(window.what, window.place, "layout", stands, live, why)
            elif self._notes.may_put(window.what, window.place, "layout", stands, live, "window"):
                self._put(window, "layout", live)
                return cast("str | None", live)
        if stands is not None and _room(stands) not in (None, len(window.panes) + len(window.new)):
            self._refuse(window, f"the window's layout has room for {_room(stands)} panes only")
        return cast("str | None", stands)

    def _why_no_layout(self, window: _Window, live: object) -> str | None:
        panes = len(window.panes) + len(window.new)
        if live is not None and _room(live) not in (None, panes):
            return f"it has room for {_room(live)} panes, and the manifest's window would have {panes}"
        if live in (None, *layout.SIZED):
            return None
        sized = [pane for pane in window.panes if "size" in pane.document]
        left = next((pane.what for pane in sized if not self._can_drop_size(pane)), None)
        return left and f"the size of {left} would have no meaning in it, and cannot be taken out"

    def _can_drop_size(self, pane: _Thing) -> bool:
        node = pane.place.value("size")
        as_one = pane.place.fixed in (None, declared.REPLICAS)
        return as_one and node is not None and not node.shared and "size" not in pane.place.overlaid

    def _is_unsized(self, window: _Window, chosen: str | None) -> bool:
        """Takes the sizes out where the layout refuses them."""
        if chosen is None or chosen in layout.SIZED:
            return False
        for new in window.new:
            new.pop("size", None)
        for pane in window.panes:
            drop = edit.Drop(path=pane.place.path, key="size")
            if pane.place.value("size") is not None and drop not in self._notes.edits:
                self._notes.put(pane.what, pane.place, "size", None)
        return True

    def _compare(self, thing: _Thing, kind: str, *, skip: tuple[str, ...]) -> None:
        for key, live in thing.live.items():
            stands = thing.document.get(key)
            if key not in ("name", *skip) and self._notes.may_put(
                thing.what, thing.place, key, stands, live, kind
            ):
                self._put(thing, key, live)

    def _put(self, thing: _Thing, key: str, live: object) -> None:
        if thing.place.implied:
            thing.keys[key] = live
            self._notes.changed.append(f"{thing.what}: {key}")
        else:
            self._notes.put(thing.what, thing.place, key, live, thing.document.get(key))

    def _focus(self, things: Sequence[_Thing], new: list[dict[str, object]], where: str) -> None:
        """Of all that stand side by side one has it at most: it is taken away before it is given."""
        key = "focus"
        holders = [thing.what for thing in things if thing.document.get(key)]
        for thing in sorted(things, key=lambda each: bool(each.live.get(key))):
            stands, live = thing.document.get(key), thing.live.get(key)
            if key not in thing.live or report.same(stands, live):
                continue
            if live and holders and key in self._notes.overwrite:
                why = f"{holders[0]} keeps it"
                self._notes.disagrees(thing.what, thing.place, key, stands, live, why)
            elif self._notes.may_put(thing.what, thing.place, key, stands, live):
                self._put(thing, key, live)
                holders = [*holders, thing.what] if live else [each for each in holders if each != thing.what]
        for piece in new:
            if piece.get(key) and holders:
                del piece[key]
                what = f"{where}/{piece['name']}"
                self._notes.disagrees(
                    what, self._place, key, None, True, f"{holders[0]} has it in the manifest"
                )

    def _new_windows(self) -> list[dict[str, object]]:
        declared_names = {window.name for window in self._windows}
        new: list[dict[str, object]] = []
        for window in self._live:
            panes = self._not_declared(window)
            if window["name"] in declared_names or (not panes and window.get("panes")):
                continue
            why = self._why_no_window(str(window["name"]))
            if why is None:
                new.append({**_piece(window), "panes": [_piece(pane) for pane in panes]})
            else:
                what = f"window {self._name}/{window['name']}"
                self._notes.conflict(f"{what} is new and cannot be added", self._place, why=why)
        return new

    def _why_no_window(self, name: str) -> str | None:
        if self._place.fixed is not None:
            return self._place.fixed
        listed = self._place.value("windows")
        if listed is not None and listed.shared:
            return declared.SHARED
        if all(window.place.node is None for window in self._windows):
            return declared.OVERLAY_LISTS
        names = [each.value("name") for each in (listed.items if listed else ())]
        if any(each and each.text == name for each in names):
            return "the manifest has one of that name, all of whose panes have `replicas: 0`"
        return None

    def _name_the_nameless(self) -> None:
        for number, window in enumerate(self._windows):
            if not window.new or any(each.new for each in self._windows[:number]):
                continue  # the first with new panes has named all that come later
            for pane in self._nameless_after(window):
                self._put(pane, "name", pane.name)

    def _write(self, more: list[dict[str, object]]) -> None:
        for window in self._windows:
            self._notes.added += [f"{self._name}/{pane['name']}" for pane in window.new]
        self._notes.added += [f"window {self._name}/{window['name']}" for window in more]
        edits = self._notes.edits
        for window in self._windows:
            if not window.place.implied:
                edits += _panes_written(window)
        implied = next((window for window in self._windows if window.place.implied), None)
        path = self._place.path
        if implied is None:
            edits += [edit.Append(path=(*path, "windows"), value=window) for window in more]
            return
        said = {"name": implied.name, **implied.keys}
        if self._place.value("panes") is not None:
            edits += _panes_written(implied)
            if implied.keys or more:
                edits.append(edit.Lengthen(path=path, window=said, more=tuple(more)))
        elif implied.keys or more:
            panes = _shell_and(implied)
            first = {**said, "panes": panes} if panes else said
            edits.append(edit.Put(path=path, key="windows", value=[first, *more]))
        else:
            edits += _panes_written(implied)


def _panes_written(window: _Window) -> list[edit.Edit]:
    node: Node | None = window.place.node
    if node is not None and node.value("panes") is not None:
        return [edit.Append(path=(*window.place.path, "panes"), value=pane) for pane in window.new]
    panes = _shell_and(window)
    return [edit.Put(path=window.place.path, key="panes", value=panes)] if panes else []


def _shell_and(window: _Window) -> list[dict[str, object]]:
    """The panes of a window that lists none: it has a shell of its own."""
    (shell,) = window.panes
    return [{"name": shell.name, **shell.keys}, *window.new] if shell.keys or window.new else []


def _piece(live: Document) -> dict[str, object]:
    piece = cast("dict[str, object]", report.without_nothing(live))
    return {"name": piece.pop("name"), **piece}


def _room(chosen: object) -> int | None:
    """How many panes an exact layout is for; 0: it is none."""
    if not isinstance(chosen, str) or not layout.is_exact(chosen):
        return None
    try:
        return layout.panes(chosen)
    except layout.Malformed:
        return 0
