"""Files whose change starts something again, as compose and process-compose say it, as our `watch`."""

from __future__ import annotations

import glob
import os.path
import posixpath

from orchestra.discover import settings, source, taking
from orchestra.discover.context import Context
from orchestra.discover.notes import CARRIED, CONTAINER, Known
from orchestra.discover.tree import Map, Node, Scalar, child
from orchestra.discover.variables import OPEN

MOST = 100
"""Globs of one pane."""
THERE = "the pane runs on the files themselves"

# --- compose

DEVELOP: Known = {"watch": CARRIED}
RULE: Known = {"path": CARRIED, "action": CARRIED, "ignore": CARRIED, "include": CARRIED, "target": CARRIED,
    "initial_sync": CARRIED, "exec": CARRIED}  # fmt: skip
RESTARTS = ("restart", "sync+restart")
LEFT_OUT = {
    "sync": THERE,
    "sync+exec": "a pane's `watch` does one thing: `watch: {paths: […], do: [{run: …}]}`",
    "rebuild": CONTAINER,
}


def compose(node: Map, folder: str, context: Context) -> dict[str, object] | None:
    """`folder`: where the pane runs, as the manifest says it."""
    develop = taking.table(node, "develop", context.notes)
    if develop is None:
        return None
    context.notes.keys(develop, DEVELOP, "develop")
    paths: list[str] = []
    ignore: list[str] = []
    for rule in taking.items(child(develop, "watch")):
        if (found := _rule(rule, folder, context)) is not None:
            paths += found[0]
            ignore += found[1]
    if not paths:
        return None
    context.notes.warn(
        None,
        "compose watches files only when it is told to, and not what `.dockerignore` names; orchestra always does",
    )
    return _made(paths, ignore, node, context)


def _rule(rule: Node, folder: str, context: Context) -> tuple[list[str], list[str]] | None:
    if not isinstance(rule, Map):
        context.notes.left_out("watch", rule.at, "a map was expected here")
        return None
    context.notes.keys(rule, RULE, "watch")
    action = taking.text(rule, "action", context.notes) or ""
    if action not in RESTARTS:
        why = LEFT_OUT.get(action, "there is no action of this name that orchestra knows")
        context.notes.left_out(action or "watch", taking.place(rule, "action"), why)
        return None
    said = child(rule, "path")
    path = settings.settled(said, "path", context) if isinstance(said, Scalar) else ""
    if not path:
        context.notes.left_out("watch", rule.at, "it has no path")
        return None
    root = _seen_from(posixpath.normpath(path), folder)
    if root is None:
        context.notes.left_out(
            path, taking.place(rule, "path"), "it is relative to the file, and the pane runs elsewhere"
        )
        return None
    included = _patterns(rule, "include", context)
    paths = [_under(root, each) for each in included]
    return paths or [_all_of(root, path, context)], [
        _under(root, each) for each in _patterns(rule, "ignore", context)
    ]


def _seen_from(path: str, folder: str) -> str | None:
    """None: where the pane runs is not known from here."""
    if path.startswith(("/", "~")):
        return path
    if folder.startswith(("/", "~")) or OPEN in folder:
        return None
    return posixpath.relpath(path, folder)


def _patterns(rule: Node, key: str, context: Context) -> list[str]:
    found = []
    for each in taking.texts(rule, key, context.notes):
        text = each.text.strip("/").removeprefix("./")
        if text.startswith("!") or not text or ".." in text.split("/"):
            context.notes.left_out(each.text, each.at, "a manifest has no such pattern")
        else:
            found.append(text)
    return found


# --- process-compose

WATCH: Known = {"paths": CARRIED, "debounce": CARRIED, "disable_default_excludes": CARRIED,
    "cascade": "who is to be restarted with it says so: `depends_on: {NAME: {on_restart: cascade}}`",
    "max_entries": "there is no such limit", "buffer_size": "there is no such limit"}  # fmt: skip
WATCHED: Known = {"path": CARRIED, "include": CARRIED, "exclude": CARRIED}
EXCLUDED = (
    "vendor",
    "target",
    "dist",
    "build",
    "bin",
    "venv",
    ".next",
    ".nuxt",
    "result",
    "*.log",
    "*.log.gz",
)
"""What it leaves out by itself and orchestra does not."""


def process_compose(node: Map, folder: str, context: Context) -> dict[str, object] | None:
    said = taking.table(node, "watch", context.notes)
    if said is None:
        return None
    context.notes.keys(said, WATCH, "watch", idle={"cascade": frozenset({"false", "no"})})
    paths: list[str] = []
    ignore: list[str] = []
    for each in taking.items(child(said, "paths")):
        if not isinstance(each, Map) or not (path := taking.text(each, "path", context.notes)):
            context.notes.left_out("paths", each.at, "a map with a `path` was expected here")
            continue
        context.notes.keys(each, WATCHED, "paths")
        root = posixpath.normpath(path)
        included = [_under(root, _anywhere(one)) for one in _patterns(each, "include", context)]
        paths += included or [_all_of(root, posixpath.join(folder, path), context)]
        ignore += [_under(root, _anywhere(one)) for one in _patterns(each, "exclude", context)]
        if not taking.flag(said, "disable_default_excludes", context.notes):
            ignore += [_under(root, _anywhere(one)) for one in EXCLUDED]
    if not paths:
        context.notes.left_out("watch", said.at, "it has no paths")
        return None
    made = _made(paths, ignore, said, context)
    debounce = taking.text(said, "debounce", context.notes)
    length = (
        settings.duration(debounce, taking.place(said, "debounce"), "debounce", context) if debounce else None
    )
    return {**made, "debounce": length} if length not in (None, "300ms") else made


def _anywhere(pattern: str) -> str:
    """A name without a `/` is one at any depth."""
    return pattern if "/" in pattern else f"**/{pattern}"


# --- both


def _under(root: str, pattern: str) -> str:
    return posixpath.normpath(posixpath.join(glob.escape(root), pattern))


def _all_of(root: str, path: str, context: Context) -> str:
    """A directory with all that is in it, or one file: as it lies there, else as its name looks."""
    there = os.path.expanduser(path)  # noqa: PTH111 - a text that may be any: Path raises for some
    looks_so = "." in posixpath.basename(path.rstrip("./"))
    is_file = source.exists(context.source, there) or (
        looks_so and not source.is_folder(context.source, there)
    )
    return glob.escape(root) if is_file else _under(root, "**")


def _made(paths: list[str], ignore: list[str], node: Map, context: Context) -> dict[str, object]:
    made: dict[str, object] = {}
    for key, globs in (("paths", paths), ("ignore", ignore)):
        every = list(dict.fromkeys(globs))
        if len(every) > MOST:
            context.notes.left_out(
                every[MOST], node.at, f"at most {MOST} patterns can be named, and what follows is left out"
            )
        if every:
            made[key] = every[:MOST]
    return made
