"""tmuxinator's projects. ERB is never run: a reference to the environment, an argument or a setting becomes a variable."""

from __future__ import annotations

import re

from orchestra.discover import limits, naming, notes, settings, source, taking
from orchestra.discover.context import Context, Draft
from orchestra.discover.notes import CARRIED, Known, quoted
from orchestra.discover.tree import List, Map, Node, Scalar, child, is_nothing

ERB = re.compile(r"<%(?P<kind>[=#-]?)(?P<code>(?:(?!<%|%>).){0,2000}?)-?%>", re.DOTALL)
KEY = r"""(?:\[\s*:?["']?(?P<{0}>[A-Za-z0-9_]+)["']?\s*\])"""
DEFAULT = r"""(?:\s*(?:\|\||\bor\b)\s*(?P<quote>["'])(?P<default>[^"'\\#]*)(?P=quote))?"""
REFERENCE = re.compile(
    rf"""\s*(?:ENV{KEY.format("env")}|@args{KEY.format("arg")}|@settings{KEY.format("setting")}){DEFAULT}\s*\Z"""
)
FETCH = re.compile(
    r"""\s*ENV\.fetch\(\s*["'](?P<env>[A-Za-z0-9_]+)["']\s*(?:,\s*(?P<quote>["'])(?P<default>[^"'\\#]*)(?P=quote)\s*)?\)\s*\Z"""
)
GONE = "tmuxinator's own; orchestra attach does it"
PROJECT: Known = {
    "name": CARRIED, "project_name": CARRIED, "root": CARRIED, "project_root": CARRIED, "windows": CARRIED, "tabs": CARRIED,
    "pre_window": CARRIED, "pre_tab": CARRIED, "rbenv": CARRIED, "rvm": CARRIED, "startup_window": CARRIED,
    "startup_pane": CARRIED,
    "pre": notes.HOOK, "post": notes.HOOK, "on_project_start": notes.HOOK, "on_project_first_start": notes.HOOK,
    "on_project_restart": notes.HOOK, "on_project_exit": notes.HOOK, "on_project_stop": notes.HOOK,
    "socket_name": notes.SERVER, "socket_path": notes.SERVER, "tmux_command": notes.SERVER, "tmux_options": notes.SERVER,
    "cli_args": notes.SERVER, "attach": "applying never attaches; orchestra attach does", "append": GONE,
    "tmux_detached": GONE, "enable_pane_titles": notes.OPTIONS, "pane_title_position": notes.OPTIONS,
    "pane_title_format": notes.OPTIONS,
}  # fmt: skip
WINDOW: Known = {
    "layout": CARRIED, "root": CARRIED, "path": CARRIED, "pre": CARRIED, "panes": CARRIED,
    "synchronize": notes.OPTIONS, "index": "windows stand in the order of the manifest",
    "focused_pane_index": "say `focus: true` at the pane",
}  # fmt: skip
IDLE = {
    "attach": frozenset({"false"}),
    "synchronize": frozenset({"false"}),
    "enable_pane_titles": frozenset({"false"}),
}


def prepared(text: str, context: Context) -> str:
    """The file before YAML reads it: ERB replaced, nothing of it run."""

    if text.count("<%") > limits.ERB:
        raise source.refused(f"the file has more than {limits.ERB} pieces of ERB")

    def put(found: re.Match[str]) -> str:
        at = source.location(context.source.file, *source.position(text, found.start()))
        code, kept = found["code"], "\n" * found["code"].count("\n")
        if found["kind"] == "#":
            return kept
        known = REFERENCE.match(code) or FETCH.match(code)
        if found["kind"] != "=" or known is None:
            context.notes.left_out(found[0].strip(), at, "ERB is Ruby code, which orchestra never runs")
            return kept
        groups = known.groupdict()
        if groups.get("env"):
            name, was = groups["env"], f"the environment variable {quoted(groups['env'])}"
        elif groups.get("arg"):
            name, was = f"arg_{groups['arg']}", f"the argument {quoted(groups['arg'])}"
        else:
            name, was = groups["setting"], f"the setting {quoted(groups['setting'])}"
        return context.variables.refer(name, at, was, groups["default"]) + kept

    return ERB.sub(put, text)


def manifest(root: Map, context: Context) -> Draft:
    context.notes.keys(root, PROJECT, "a tmuxinator project", idle=IDLE)
    wanted = _either(root, ("project_name", "name"), context) or ""
    name = naming.Names("session", context.notes).take(wanted, root.at, instead="main")
    session: dict[str, object] = {}
    folder = _either(root, ("project_root", "root"), context)
    if found := settings.directory(folder, root.at, context, expands=False):
        session["dir"] = found
    before = _before(root, context)
    names = naming.Names("window", context.notes)
    listed = child(root, "tabs") or child(root, "windows")
    places = naming.Names("pane", context.notes)
    windows = [_window(item, before, names, places, context) for item in taking.items(listed)]
    if windows:
        session["windows"] = windows
        _focus(root, windows, context)
    return Draft(workspace=name, sessions={name: session})


def _either(root: Map, keys: tuple[str, ...], context: Context) -> str | None:
    return next((found for key in keys if (found := taking.text(root, key, context.notes))), None)


def _before(root: Map, context: Context) -> list[str]:
    """What is typed into every pane first: the first of these that there is, as tmuxinator chooses."""
    for key, form in (
        ("rbenv", "rbenv shell {}"),
        ("rvm", "rvm use {}"),
        ("pre_tab", "{}"),
        ("pre_window", "{}"),
    ):
        if said := taking.texts(root, key, context.notes):
            return settings.lines(form.format("; ".join(each.text for each in said)))
    return []


def _window(
    node: Node, before: list[str], names: naming.Names, places: naming.Names, context: Context
) -> dict[str, object]:
    window: dict[str, object] = {}
    if isinstance(node, Map) and node.entries:
        name, value = next((key, entry.node) for key, entry in node.entries.items())
        for key, entry in list(node.entries.items())[1:]:
            context.notes.left_out(key, entry.at, "a window is a list's entry with one key, its name")
    else:
        name, value = (node.text if isinstance(node, Scalar) else ""), Scalar(node.at, "", True)
    if name and not is_nothing(Scalar(node.at, name, True)):
        window["name"] = names.take(name, node.at, instead="window")
    if not isinstance(value, Map):
        context.spend(before)
        window["panes"] = [_typed([*before, *_lines(value, context)])]
        return window
    context.notes.keys(value, WINDOW, "a tmuxinator window", idle=IDLE)
    folder = taking.text(value, "root", context.notes) or taking.text(value, "path", context.notes)
    if found := settings.directory(folder, value.at, context, expands=False):
        window["dir"] = found
    pre = " && ".join(each.text for each in taking.texts(value, "pre", context.notes))
    first = [*before, *settings.lines(pre)]
    panes = child(value, "panes")
    listed = panes.items if isinstance(panes, List) else taking.items(panes)
    window["panes"] = [pane for item in listed for pane in _panes(item, first, places, context)] or [
        _typed(first)
    ]
    settings.arrange(
        window, taking.text(value, "layout", context.notes), taking.place(value, "layout"), context
    )
    return window


def _panes(node: Node, before: list[str], places: naming.Names, context: Context) -> list[dict[str, object]]:
    """A map names its panes."""
    context.spend(before, len(node.entries) if isinstance(node, Map) else 1)
    if not isinstance(node, Map):
        return [_typed([*before, *_lines(node, context)])]
    made = []
    for name, entry in node.entries.items():
        pane = _typed([*before, *_lines(entry.node, context)])
        made.append(
            {
                "name": places.take(name, entry.at, instead="pane"),
                "title": settings.one_line(name) or name,
                **pane,
            }
        )
    return made


def _lines(node: Node, context: Context) -> list[str]:
    return [
        line for each in taking.every(node, "commands", context.notes) for line in settings.lines(each.text)
    ]


def _typed(lines: list[str]) -> dict[str, object]:
    return {"send_keys": lines} if lines else {}


def _focus(root: Map, windows: list[dict[str, object]], context: Context) -> None:
    """`startup_window` is a name or a number, `startup_pane` a number; both count as tmux's base-index says, which we cannot know."""
    window = windows[0]
    if said := taking.text(root, "startup_window", context.notes):
        named = [each for each in windows if each.get("name") in (said, naming.clean(said))]
        place = int(said) if said.isdecimal() and said.isascii() and len(said) < 4 else None
        if not named and (place is None or place >= len(windows)):
            context.notes.left_out(
                "startup_window", root.entries["startup_window"].at, f"there is no window {quoted(said)}"
            )
        else:
            window = named[0] if named else windows[place or 0]
            window["focus"] = True
            if not named:
                context.notes.warn(
                    root.entries["startup_window"].at,
                    f"`startup_window` {said} is counted from 0 here, as tmux does without `base-index`",
                )
    place = taking.whole(root, "startup_pane", context.notes, most=_last_pane(window))
    if place is not None:
        panes = window["panes"]
        assert isinstance(panes, list)
        panes[place]["focus"] = True
        context.notes.warn(
            root.entries["startup_pane"].at,
            f"`startup_pane` {place} is counted from 0 here, as tmux does without `pane-base-index`",
        )


def _last_pane(window: dict[str, object]) -> int:
    panes = window["panes"]
    return len(panes) - 1 if isinstance(panes, list) else 0
