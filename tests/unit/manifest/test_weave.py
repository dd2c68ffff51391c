"""A case is a folder: a manifest, what is live, the text they are woven to, and what is told; `--update-golden` rewrites the last two.

The first lines of `live.yaml` may say `# overwrite: KEY …`, `# environment: NAME` and `# extra: {…}`.
"""

from __future__ import annotations

import copy
import io
import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies

from orchestra.cli import output
from orchestra.manifest import dump, load, parse, problem, tree, weave
from orchestra.model import errors, spec

CASES = Path(__file__).parent / "weave"
NAMES = sorted(path.name for path in CASES.iterdir())


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    text: str
    loaded: load.Loaded
    live: Mapping[str, Any]
    overwrite: frozenset[str]
    extra: Mapping[str, Any]
    environment: str | None

    def woven(self) -> weave.Woven:
        return weave.woven(self.text, self.loaded, self.live, overwrite=self.overwrite, extra=self.extra)


def plain(text: str) -> Any:
    root = parse.document("live.yaml", text, problem.Problems())
    return {} if root is None else tree.plain(root)


def told(text: str, word: str) -> str:
    found = re.search(rf"^# {word}: (.*)$", text, re.MULTILINE)
    return found[1] if found else ""


def read(name: str, cases: Path = CASES) -> Case:
    live = (cases / name / "live.yaml").read_text(encoding="utf-8")
    environment = told(live, "environment") or None
    return Case(
        text=(cases / name / "manifest.yaml").read_bytes().decode(),
        loaded=loaded(cases / name / "manifest.yaml", environment),
        live=plain(live),
        overwrite=frozenset(told(live, "overwrite").split()),
        extra=plain(told(live, "extra") or "{}"),
        environment=environment,
    )


def loaded(path: Path, environment: str | None = None) -> load.Loaded:
    return load.load(path, load.Inputs(environment=environment))


def report(woven: weave.Woven) -> str:
    screen = io.StringIO()  # no terminal: no colours
    lines = [
        *(f"added {each}" for each in woven.added),
        *(f"changed {each}" for each in woven.changed),
        *(output.diagnosis(each, screen) for each in woven.conflicts),
    ]
    return "".join(f"{line}\n" for line in lines).replace(f"{CASES}/", "")


@pytest.mark.parametrize("name", NAMES)
def test_it_is_woven_as_was_reviewed(name: str, request: pytest.FixtureRequest) -> None:
    woven = read(name).woven()
    shown = {"woven.yaml": woven.text, "report.txt": report(woven)}
    for file, text in shown.items():
        expected = CASES / name / file
        if request.config.getoption("--update-golden"):
            expected.write_bytes(text.encode())
        assert text == expected.read_bytes().decode()


@pytest.mark.parametrize("name", NAMES)
def test_it_loads_as_what_was_declared_and_what_was_told(name: str, tmp_path: Path) -> None:
    folder = tmp_path / name
    shutil.copytree(CASES / name, folder)
    case = read(name, tmp_path)
    woven = case.woven()
    (folder / "woven.yaml").write_bytes(woven.text.encode())
    (folder / "expected.yaml").write_text(dump.text(expected(case, woven)), encoding="utf-8")
    made = loaded(folder / "woven.yaml", case.environment)
    assert in_any_order(made) == in_any_order(loaded(folder / "expected.yaml"))
    extra = {key: plain(woven.text).get(key) for key in case.extra}
    assert extra == case.extra


def expected(case: Case, woven: weave.Woven) -> dict[str, Any]:
    """The loaded document with what was reported, said in full."""
    document: dict[str, Any] = escaped(case.loaded.document)
    for each in woven.added:
        kind, _, address = each.rpartition(" ")
        session, _, inner = address.partition("/")
        if kind in ("session", "group"):
            document.setdefault(f"{kind}s", {})[address] = case.live[f"{kind}s"][address]
            continue
        theirs, ours = case.live["sessions"][session], document["sessions"][session]
        if kind == "window":
            ours["windows"].append(named(theirs["windows"], inner))
        else:
            home = next(one for one in theirs["windows"] if has(one["panes"], inner))
            pane = dict(named(home["panes"], inner))
            if "size" in pane and has_exact_layout(home):
                del pane["size"]
            named(ours["windows"], home["name"])["panes"].append(pane)
    for each in woven.changed:
        what, _, key = each.partition(": ")
        value = None if key in ("size", "name") else found(case.live, what).get(key)
        node = found(document, what)
        if key != "name":
            node.pop(key, None)
        if value is not None:
            node[key] = value
    whole: dict[str, Any] = nothing_left_out({**document, **case.extra, "saved": None})
    return whole


def has_exact_layout(window: dict[str, Any]) -> bool:
    return "," in window.get("layout", "")


def found(document: Any, what: str) -> dict[str, Any]:
    kind, _, address = what.rpartition(" ")
    if what == "the manifest":
        return document  # type: ignore[no-any-return]
    session, _, inner = address.partition("/")
    node = document["sessions"][session]
    if kind == "session":
        return node  # type: ignore[no-any-return]
    if kind == "window":
        return named(node["windows"], inner)
    return next(named(each["panes"], inner) for each in node["windows"] if has(each["panes"], inner))


def named(things: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(each for each in things if each["name"] == name)


def has(things: list[dict[str, Any]], name: str) -> bool:
    return any(each["name"] == name for each in things)


def escaped(value: Any) -> Any:
    match value:
        case Mapping():
            return {key: escaped(each) for key, each in value.items()}
        case list():
            return [escaped(each) for each in value]
        case str():
            return value.replace("{{", "{{ '{{' }}")
        case _:
            return value


def nothing_left_out(value: Any) -> Any:
    match value:
        case Mapping():
            return {key: nothing_left_out(each) for key, each in value.items() if each is not None}
        case list():
            return [nothing_left_out(each) for each in value]
        case _:
            return value


def in_any_order(loaded: load.Loaded) -> spec.Workspace:
    def window(each: spec.Window) -> spec.Window:
        return replace(each, panes=tuple(sorted(each.panes, key=lambda pane: pane.address)))

    def session(each: spec.Session) -> spec.Session:
        return replace(each, windows=tuple(sorted(map(window, each.windows), key=lambda one: one.name)))

    sessions = sorted(map(session, loaded.workspace.sessions), key=lambda one: one.name)
    return replace(loaded.workspace, file="", sessions=tuple(sessions))


COMMENTS = ("", "", "", "# a note", "#- name: old", "# ünï: {")
TEXTS = ("top", "a b", "yes", "0o14", "1_000", "22:30", "~", "", "x\ny\n", "# no", "a: b", "'", " x ", "[")


@strategies.composite
def documents(draw: strategies.DrawFn) -> dict[str, Any]:
    pane: strategies.SearchStrategy[dict[str, Any]] = strategies.fixed_dictionaries(
        {},
        optional={
            "command": strategies.sampled_from(["top", "run\n  it\n"])
            | strategies.just(["sh", "-c", "x, y"]),
            "env": strategies.dictionaries(
                strategies.sampled_from(["A", "B"]), strategies.sampled_from(TEXTS)
            ),
            "title": strategies.sampled_from([each for each in TEXTS if "\n" not in each and each.strip()]),
        },
    )
    window: strategies.SearchStrategy[dict[str, Any]] = strategies.fixed_dictionaries(
        {"panes": strategies.lists(pane, min_size=1, max_size=3)},
        optional={"layout": strategies.sampled_from(["tiled", "main-vertical"])},
    )
    windows = strategies.lists(window, min_size=1, max_size=3)
    document: dict[str, Any] = {"version": 1, "workspace": "shop", "sessions": {}}
    for name in draw(strategies.lists(strategies.sampled_from("abc"), unique=True, min_size=1)):
        inside = draw(windows)
        names = iter("pqrstuvwx")
        for number, each in enumerate(inside):
            each["panes"] = [{"name": next(names), **one} for one in each["panes"]]
            inside[number] = {"name": f"w{number}" if number else "main", **each}
        document["sessions"][name] = {"windows": inside}
    return document


class Writer:
    """A document as some person would have written it."""

    def __init__(self, draw: strategies.DrawFn) -> None:
        self.draw = draw
        self.indent = draw(strategies.sampled_from([2, 4]))
        self.offset = draw(strategies.sampled_from([0, 2]))
        self.newline = draw(strategies.sampled_from(["\n", "\r\n"]))

    def text(self, document: dict[str, Any]) -> str:
        lines = [line for each in self.map(document, 0) for line in (*self.aside(each), each)]
        return self.newline.join([*lines, *self.draw(strategies.sampled_from([[], [""], ["# end", ""]]))])

    def aside(self, line: str) -> list[str]:
        note = self.draw(strategies.sampled_from(COMMENTS)) if not line.endswith("\0") else ""
        margin = line[: len(line) - len(line.lstrip())]
        return [margin + note] if note else []

    def map(self, value: dict[str, Any], column: int) -> list[str]:
        lines: list[str] = []
        for key, each in value.items():
            if key == "windows" and len(each) == 1 and set(each[0]) == {"name", "panes"}:
                key, each = "panes", each[0]["panes"]
            lines += self.entry(" " * column + f"{key}:", each, column)
        return lines

    def entry(self, start: str, value: Any, column: int) -> list[str]:
        if isinstance(value, dict | list) and value and self.draw(strategies.integers(0, 3)):
            inner = column + (self.indent if isinstance(value, dict) else self.offset)
            below = self.map(value, inner) if isinstance(value, dict) else self.list(value, inner)
            return [start + self.note(), *below]
        return [f"{start} {self.flow(value)}{self.note()}"]

    def list(self, value: list[Any], column: int) -> list[str]:
        lines: list[str] = []
        for each in value:
            if isinstance(each, dict) and self.draw(strategies.booleans()):
                first, *rest = self.map(each, column + 2)
                lines += [f"{' ' * column}- {first.lstrip()}", *rest]
            else:
                lines.append(f"{' ' * column}- {self.flow(each)}{self.note()}")
        return lines

    def note(self) -> str:
        note = self.draw(strategies.sampled_from(COMMENTS))
        return note and f"  {note}"

    def flow(self, value: Any) -> str:
        match value:
            case dict():
                space = self.draw(strategies.sampled_from(["", " "]))
                inside = ", ".join(f"{key}: {self.flow(each)}" for key, each in value.items())
                return f"{{{space}{inside}{space}}}"
            case list():
                return f"[{', '.join(self.flow(each) for each in value)}]"
            case str() if value.isalpha() and value != "yes" and self.draw(strategies.booleans()):
                return value
            case _:
                return json.dumps(value)


@hypothesis.given(strategies.data())
def test_nothing_new_leaves_every_byte(tmp_path_factory: pytest.TempPathFactory, data: Any) -> None:
    text = Writer(data.draw).text(data.draw(documents()))
    path = tmp_path_factory.mktemp("weave") / "manifest.yaml"
    path.write_bytes(text.encode())
    made = loaded(path)
    everything = frozenset({"layout", "focus", "title", "env", "was"})
    woven = weave.woven(text, made, made.document, overwrite=everything)
    assert woven == weave.Woven(text=text, added=(), changed=(), conflicts=())


@hypothesis.given(strategies.data())
def test_what_was_taken_away_comes_back(tmp_path_factory: pytest.TempPathFactory, data: Any) -> None:
    whole = data.draw(documents())
    path = tmp_path_factory.mktemp("weave") / "manifest.yaml"
    path.write_text(dump.text(whole), encoding="utf-8")
    wanted = loaded(path)
    text = Writer(data.draw).text(without_some(whole, data.draw))
    path.write_bytes(text.encode())
    woven = weave.woven(text, loaded(path), wanted.document)
    path.write_bytes(woven.text.encode())
    assert woven.conflicts == ()
    assert in_any_order(loaded(path)) == in_any_order(wanted)
    assert not set(comments(text)) - set(comments(woven.text))


@hypothesis.given(strategies.data())
def test_what_may_be_overwritten_is_what_is_live(tmp_path_factory: pytest.TempPathFactory, data: Any) -> None:
    document = data.draw(documents())
    text = Writer(data.draw).text(document)
    path = tmp_path_factory.mktemp("weave") / "manifest.yaml"
    path.write_bytes(text.encode())
    made = loaded(path)
    live = copy.deepcopy(document)
    for window in [each for session in live["sessions"].values() for each in session["windows"]]:
        window["layout"] = data.draw(strategies.sampled_from(["tiled", None]))
        for number, pane in enumerate(window["panes"]):
            changes = data.draw(
                strategies.dictionaries(strategies.sampled_from(list(NEW)), strategies.booleans())
            )
            pane.update({key: NEW[key] if there else None for key, there in changes.items()})
            pane["focus"] = True if number == 0 and data.draw(strategies.booleans()) else None
    woven = weave.woven(text, made, live, overwrite=frozenset({*NEW, "layout", "focus"}))
    path.write_bytes(woven.text.encode())
    assert woven.conflicts == ()
    again = loaded(path)
    path.write_text(dump.text(nothing_left_out(live)), encoding="utf-8")
    assert again.workspace == loaded(path).workspace


NEW: Mapping[str, Any] = {
    "title": "a: 'b'",
    "env": {"A": "1_000", "C": "x\ny\n"},
    "command": ["a", "b, c"],
    "labels": {"x": "y"},
}


def without_some(document: dict[str, Any], draw: strategies.DrawFn) -> dict[str, Any]:
    """Of each list of things at least one stays."""

    def some(things: Any) -> Any:
        return draw(strategies.lists(strategies.sampled_from(range(len(things))), min_size=1, unique=True))

    left = dict(document, sessions={})
    for name in [list(document["sessions"])[place] for place in sorted(some(document["sessions"]))]:
        windows = document["sessions"][name]["windows"]
        kept = []
        for place in sorted({0, *some(windows)}):
            panes = windows[place]["panes"]
            kept.append({**windows[place], "panes": [panes[each] for each in sorted(some(panes))]})
        left["sessions"][name] = {"windows": kept}
    return left


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines()]


def comments(text: str) -> list[str]:
    return [line for line in lines(text) if line.startswith("#")]


def test_a_text_that_was_not_loaded_is_refused() -> None:
    case = read("conflicts")
    for other in (case.text.replace("  db:", "  bd:"), "\n" + case.text, "version: 1\nworkspace: shop\n"):
        with pytest.raises(errors.Conflict, match="not the one that was loaded"):
            weave.woven(other, case.loaded, case.live)
