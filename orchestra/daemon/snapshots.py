"""Snapshots of one tmux server: looked at, written as manifests, kept. The same for commands and the daemon."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import gzip
import os
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from orchestra.daemon import grouping
from orchestra.host import clock, programs, recordings
from orchestra.manifest import dump
from orchestra.model import codec, errors, history, spec, status
from orchestra.model.frozen import frozen
from orchestra.snapshot import difference, document, secret, take
from orchestra.store import snapshots, texts
from orchestra.store.inventory import Content, Held, Kept
from orchestra.tmux import settings

if TYPE_CHECKING:
    from orchestra.daemon import assemble
    from orchestra.manifest import load

MOST_COMMANDS = 500
"""Of a pane's history."""
HEADER = """\
# A snapshot by orchestra, and a manifest as any other: look at it, change it, diff it, apply it.
# What ran in a shell stands under `was`: apply never runs it; `orchestra restore --run` types it.
"""


@frozen
class Made:
    """Manifests of a server as it is now, not kept yet."""

    server: status.Server
    manifests: Mapping[str, str]
    """By workspace."""
    workspaces: Mapping[str, spec.Workspace]
    other: Mapping[str, bytes]
    """Files beside them."""
    left_out: tuple[str, ...]


def keeper(assembly: assemble.Assembly) -> snapshots.Snapshots:
    """Looks where they are or would be; saving makes the directory."""
    return snapshots.Snapshots(assembly.expected().snapshots, clock.Clock())


def seen(assembly: assemble.Assembly) -> take.Seen:
    """`TmuxUnavailable` when nobody can say what is there."""
    server = assembly.tmux.observe()
    if not server.running:
        raise errors.OrchestraError("no tmux server is running: there is nothing to save")
    return take.Seen(
        server=server,
        settings=settings.read(assembly.host, server),
        running=programs.running([place.pane.pid for place in status.places(server) if not place.pane.dead]),
        login_shell=os.path.realpath(assembly.world.machine.login_shell()),
        home=os.path.realpath(os.environ.get("HOME", "/")),
        host=socket.gethostname(),
    )


def make(
    assembly: assemble.Assembly, only: str = "", *, scrollback: bool = False, with_history: bool = False
) -> Made:
    """`only`: a workspace or a session; "": everything."""
    found = seen(assembly)
    taken = take.taken(found, only)
    if not taken:
        raise nothing(only, found)
    manifests: dict[str, str] = {}
    other: dict[str, bytes] = {}
    left_out: list[str] = []
    panes = [pane for each in taken for pane in each.panes.values()]
    shown = assembly.tmux.printed(panes) if scrollback else {}
    folder = assembly.expected().recordings / found.server.epoch
    for each in taken:
        printed = _printed(each, shown)
        left_out += each.left_out
        typed = _typed(each, folder, left_out) if with_history else {}
        workspace = _with_files(each.workspace, printed, typed)
        other.update((*printed.values(), *typed.values()))
        manifests[workspace.name] = _text(assembly, workspace, each, found.home, left_out)
    return Made(
        server=found.server,
        manifests=manifests,
        workspaces={each.workspace.name: each.workspace for each in taken},
        other=other,
        left_out=tuple(left_out),
    )


def content(made: Made, scope: Sequence[str], *, automatic: bool = False) -> Content:
    return Content(
        host=socket.gethostname(),
        tmux=made.server.version,
        epoch=made.server.epoch,
        automatic=automatic,
        scope=tuple(scope),
        workspaces={
            name: Held(
                file=f"{name}.yaml",
                sessions=len(each.sessions),
                windows=sum(len(session.windows) for session in each.sessions),
                panes=len(each.panes),
            )
            for name, each in made.workspaces.items()
        },
        left_out=made.left_out,
        files={
            **{f"{name}.yaml": text.encode() for name, text in made.manifests.items()},
            **made.other,
        },
    )


def save(
    assembly: assemble.Assembly,
    only: str = "",
    *,
    name: str | None = None,
    scrollback: bool = False,
    with_history: bool = False,
    automatic: bool = False,
) -> tuple[Kept, bool]:
    """False: nothing has changed since that one."""
    made = make(assembly, only, scrollback=scrollback, with_history=with_history)
    assembly.directories()
    scope = tuple(made.manifests) if only else ()
    return keeper(assembly).save(content(made, scope, automatic=automatic), name)


def remember(assembly: assemble.Assembly, loaded: load.Loaded) -> None:
    """The text of what is applied, for the snapshots to come. A disk that is full keeps nobody from applying."""
    source, wanted = loaded.source, loaded.workspace.snapshots
    hidden = [name for name, each in source.variables.items() if secret.is_secret(name, str(each))]
    text = texts.Text(
        text="" if source.includes else source.text,
        file=source.file,
        folder=source.folder,
        environment=source.environment,
        variables={name: each for name, each in source.variables.items() if name not in hidden},
        hidden=hidden,
        groups={each.name: each.panes for each in loaded.workspace.groups},
        autosave=codec.dump(wanted) if wanted is not None else None,
    )
    try:
        texts.keep(assembly.directories().texts, loaded.workspace.name, text)
    except OSError:
        return


def forget(assembly: assemble.Assembly, workspace: str) -> None:
    """It was deleted: no snapshots of it are wanted, and --latest does not bring it back."""
    with contextlib.suppress(OSError):
        texts.forget(assembly.expected().texts, workspace)


def nothing(only: str, found: take.Seen) -> errors.OrchestraError:
    import difflib  # only a slip pays for it

    if not only:
        return errors.OrchestraError("there is no session to save")
    known = [each.workspace.name for each in take.taken(found)]
    known += [each.name for each in found.server.sessions]
    near = difflib.get_close_matches(only, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(dict.fromkeys(known))}"
    return errors.UsageError(f'there is no workspace and no session "{only}"', hint=hint)


def _text(
    assembly: assemble.Assembly,
    workspace: spec.Workspace,
    taken: take.Taken,
    home: str,
    left_out: list[str],
) -> str:
    if taken.owned:
        kept = texts.read(assembly.expected().texts, workspace.name)
        woven = None if kept is None or not kept.text else _woven(kept, workspace, home, left_out)
        if woven is not None:
            return woven
        workspace, hidden = take.without_secrets(workspace)
        left_out += hidden
    return _written(workspace, home)


def _written(workspace: spec.Workspace, home: str) -> str:
    return HEADER + dump.text(document.document(workspace, home))


def _woven(kept: texts.Text, workspace: spec.Workspace, home: str, left_out: list[str]) -> str | None:
    """The text as it was applied, with what people have changed and opened since. None: it does not say what is live, or it was written
    by us and is so again."""
    from orchestra.manifest import weave

    file = grouping.file(kept)
    try:
        loaded = grouping.loaded(kept)
        if kept.text.startswith(HEADER) and kept.text == _written(_beside(loaded.workspace, file), home):
            return None
        if kept.hidden:  # what they were in the panes' environment nobody remembers
            declared = {pane.address: pane.env for pane in loaded.workspace.panes}
            workspace = take.with_panes(
                workspace,
                lambda pane: dataclasses.replace(pane, env=declared.get(pane.address, pane.env)),
            )
        own = _own_histories(loaded.workspace, file)
        workspace = take.with_panes(
            workspace,
            lambda pane: dataclasses.replace(pane, history_file=pane.history_file or own.get(pane.address)),
        )
        found = difference.difference(workspace, loaded.workspace, home)
        if not difference.is_arrangement(found, loaded.workspace):
            return None
        saved = _saved(kept, file)
        woven = weave.woven(kept.text, loaded, found, overwrite=difference.ARRANGED, extra={"saved": saved})
    except (errors.ManifestError, errors.Conflict):
        return None
    left_out += [f"{workspace.name}: {each.summary}" for each in woven.conflicts]
    left_out += [
        f"{workspace.name}: the variable {each}, because it looks like a secret" for each in kept.hidden
    ]
    return woven.text


def _saved(kept: texts.Text, file: str) -> Mapping[str, object]:
    saved: dict[str, object] = {"manifest": file}
    if kept.environment is not None:
        saved["environment"] = kept.environment
    if kept.variables:
        saved["variables"] = dict(kept.variables)
    return saved


# --- files beside the manifest

_Files = Mapping[str, tuple[str, bytes]]
"""Address → the file's path in the snapshot, and what is in it."""


def _path(kind: str, workspace: str, address: str) -> str:
    return f"{kind}/{workspace}/{address.replace('/', '.')}"


def _printed(taken: take.Taken, texts: Mapping[str, str]) -> _Files:
    """What panes show, with its colours. Packed alike each time, so that the same text is the same file."""
    found: dict[str, tuple[str, bytes]] = {}
    for address, pane in taken.panes.items():
        text = texts.get(pane, "").rstrip()
        if text:
            path = f"{_path('scrollback', taken.workspace.name, address)}.gz"
            found[address] = (path, gzip.compress(f"{text}\n".encode(), mtime=0))
    return found


def _typed(taken: take.Taken, folder: Path, left_out: list[str]) -> _Files:
    """What was typed into shells: as the daemon heard it; where it heard nothing yet, what they were made with."""
    made = {pane.address: pane.history_file for pane in taken.workspace.panes}
    found: dict[str, tuple[str, bytes]] = {}
    for address, pane in taken.panes.items():
        commands = recordings.typed(folder / pane)
        if not commands and (file := made.get(address)) is not None:
            commands = recordings.commands(Path(file))
        commands = commands[-MOST_COMMANDS:]
        kept = [each for each in commands if not _is_secret(each)]
        if hidden := len(commands) - len(kept):
            what = (
                "1 line of its history, because it looks"
                if hidden == 1
                else f"{hidden} lines of its history, because they look"
            )
            left_out.append(f"{address}: {what} as if it held a secret")
        if kept:
            found[address] = (_path("history", taken.workspace.name, address), history.text(kept).encode())
    return found


_is_secret = functools.lru_cache(maxsize=8192)(secret.in_line)
"""The daemon asks the same of the same lines every few minutes."""


def _own_histories(workspace: spec.Workspace, file: str) -> Mapping[str, str]:
    """By address: those that a person wrote, and that are not of the snapshot that it came back from."""
    folder = os.path.dirname(file)  # noqa: PTH120 - text in, text out
    return {
        pane.address: pane.history_file
        for pane in workspace.panes
        if pane.history_file is not None
        and pane.history_file != f"{folder}/{_path('history', workspace.name, pane.address)}"
    }


def _beside(workspace: spec.Workspace, file: str) -> spec.Workspace:
    """With its files named as they are in the manifest."""
    folder = os.path.dirname(file)  # noqa: PTH120 - text in, text out

    def pane(each: spec.Pane) -> spec.Pane:
        return dataclasses.replace(
            each,
            scrollback_file=_relative(each.scrollback_file, folder),
            history_file=_relative(each.history_file, folder),
        )

    return take.with_panes(workspace, pane)


def _relative(path: str | None, folder: str) -> str | None:
    return None if path is None else os.path.relpath(path, folder)


def _with_files(workspace: spec.Workspace, printed: _Files, typed: _Files) -> spec.Workspace:
    def pane(each: spec.Pane) -> spec.Pane:
        return dataclasses.replace(
            each,
            scrollback_file=printed[each.address][0] if each.address in printed else None,
            history_file=typed[each.address][0] if each.address in typed else None,
        )

    return take.with_panes(workspace, pane)
