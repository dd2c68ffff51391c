"""A live server as workspaces: those of orchestra by their records, with what people have changed and opened in them; every other
session as a workspace of its own.
"""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from orchestra.discover import naming
from orchestra.model import live, names, spec, status
from orchestra.model.frozen import frozen
from orchestra.plan import applied, layout
from orchestra.snapshot import programs, secret

_OPTION = re.compile(
    r"(?!remain-on-exit$|allow-rename$|destroy-unattached$|@orchestra)@?[A-Za-z][A-Za-z0-9_-]{0,120}(\[[0-9]{1,5}\])?"
)
_VARIABLE = re.compile(r"(?!TMUX$|TMUX_PANE$|ORCHESTRA_)[A-Za-z_][A-Za-z0-9_]{0,255}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_OF_THE_PANE = frozenset(
    {
        "TERM",
        "TERM_PROGRAM",
        "TERM_PROGRAM_VERSION",
        "PWD",
        "OLDPWD",
        "SHLVL",
        "_",
        "LINES",
        "COLUMNS",
        "SHELL",
        "ORCHESTRA_PANE",
    }
)
"""Variables that tmux, shells and we set anew in each pane."""
_OF_OUR_SHELL = frozenset(
    {"ORCHESTRA_SHELL_TOKEN", "ORCHESTRA_SHELL_FILE", "ORCHESTRA_SHELL_WAS", "ENV", "ZDOTDIR"}
)
"""Of a shell that was started by hand, by us: the last two lead to what makes it tell of its commands."""
_USUAL = {"automatic-rename": "off", "synchronize-panes": "off"}
"""What naming a window, and orchestra, set on windows."""


@frozen
class Seen:
    """All there is to know."""

    server: status.Server
    settings: live.Settings
    running: Mapping[int, live.Running]
    """By a pane's pid."""
    login_shell: str
    """The real path."""
    home: str
    host: str


@frozen
class Taken:
    workspace: spec.Workspace
    owned: bool
    """Orchestra's already; its groups, and what else no record holds, are not in it."""
    panes: Mapping[str, str]
    """Address → id of the live pane."""
    left_out: tuple[str, ...] = ()
    """What is not in it and why, a line each."""


def taken(seen: Seen, only: str = "") -> tuple[Taken, ...]:
    """Every workspace and every other session, or the one called `only`, in the order of their names."""
    owned = sorted({session.mark.workspace for session in seen.server.sessions if session.mark is not None})
    saved: dict[str, str] = {}
    found = [_Taking(seen, saved=saved).owned(name) for name in owned if only in ("", name)]
    names_taken = set(owned)
    for session in sorted(seen.server.sessions, key=lambda each: each.name):
        if session.mark is None:
            name = _free(_workspace(_plain(session.name)), names_taken)
            if only in ("", session.name, _plain(session.name)) or (only == name and only not in owned):
                found.append(_Taking(seen, saved=saved).other(name, session))
    made = [each for each in found if each.workspace.sessions]
    spare = tuple(line for each in found if not each.workspace.sessions for line in each.left_out)
    if made and spare:  # of a session all of whose windows are another one's
        made[0] = dataclasses.replace(made[0], left_out=(*made[0].left_out, *spare))
    return tuple(made)


def workspace_name(session: str) -> str:
    """Under which a session that is no workspace's is saved, unless that name is taken. A workspace's name is its own."""
    return _workspace(_plain(session))


@dataclass(slots=True)
class _Taking:
    """One workspace."""

    seen: Seen
    left_out: dict[str, list[str]] = field(default_factory=dict)
    """What → where."""
    panes: dict[str, str] = field(default_factory=dict)
    saved: dict[str, str] = field(default_factory=dict)
    """Window's id → the session it is saved with, over all workspaces: of one that is linked the first counts."""

    def owned(self, name: str) -> Taken:
        base = applied.workspace(name, self.seen.server)
        lives = {
            each.mark.address: each
            for each in reversed(self.seen.server.sessions)
            if each.mark is not None and each.mark.workspace == name
        }
        sessions = [self._owned_session(name, each, lives[each.name]) for each in base.sessions]
        return self._taken(dataclasses.replace(base, sessions=tuple(sessions)), owned=True)

    def other(self, name: str, session: status.Session) -> Taken:
        title = _plain(session.name)
        called = naming.clean(title) or "session"
        bare = spec.Session(name=called, title=title if title != called else None, windows=())
        made = self._session("", bare, session, {}, {})
        return self._taken(
            spec.Workspace(name=name, file="", sessions=(made,) if made.windows else ()), owned=False
        )

    def _taken(self, workspace: spec.Workspace, *, owned: bool) -> Taken:
        left_out = tuple(f"{_some(where)}: {what}" for what, where in self.left_out.items())
        return Taken(workspace=workspace, owned=owned, panes=self.panes, left_out=left_out)

    def _leave_out(self, what: str, where: str) -> None:
        self.left_out.setdefault(what, []).append(where)

    # --- sessions

    def _owned_session(self, workspace: str, base: spec.Session, session: status.Session) -> spec.Session:
        windows = {names.window(base.name, each.name): each for each in base.windows}
        panes = {each.address: each for each in base.panes}
        return self._session(workspace, base, session, windows, panes)

    def _session(
        self,
        workspace: str,
        base: spec.Session,
        session: status.Session,
        windows: Mapping[str, spec.Window],
        panes: Mapping[str, spec.Pane],
    ) -> spec.Session:
        """As it stands now; `windows` and `panes` are those that orchestra knows of it, by address."""
        window_names = {each.name for each in base.windows}
        pane_names = {each.name for each in panes.values()}
        standing = {id_ for each in session.windows for id_ in _ours(each, workspace, panes)}
        made: list[spec.Window] = []
        used: set[str] = set()
        count = 0
        for each in sorted(session.windows, key=lambda window: window.index):
            mark = each.mark
            known = windows.get(mark.address) if mark is not None and mark.workspace == workspace else None
            if known is not None and known.name in used:
                continue  # linked twice
            first = self.saved.setdefault(each.id, session.name)
            if known is None and first != session.name:
                self._leave_out(
                    f"the window {_plain(each.name)}, which is that of {first}", f"session {session.name}"
                )
                continue
            if known is None:
                known = self._new_window(each, window_names)
            used.add(known.name)
            inside: list[spec.Pane] = []
            for live_pane in each.panes:
                own = _own(live_pane, workspace, panes)
                if own is None and live_pane.mark is not None:
                    continue  # another workspace's, or what an apply that was cut off left
                inside.append(
                    self._own_pane(own, live_pane)
                    if own is not None
                    else dataclasses.replace(
                        self._new_pane(
                            live_pane,
                            base.name,
                            _free(_called(live_pane) or str(count + len(inside)), pane_names),
                        ),
                        opened=bool(workspace),
                    )
                )
                self.panes[inside[-1].address] = live_pane.id
            missing = [pane for pane in known.panes if pane.address not in standing]
            if inside or missing:
                made.append(self._window(known, each, inside, missing))
            count += len(inside) + len(missing)
        gone = [each for each in base.windows if each.name not in used]
        made += [dataclasses.replace(each, panes=left) for each in gone if (left := _left(each, standing))]
        options = self._options(self.seen.settings.sessions.get(session.id, {}), f"session {session.name}")
        options.pop("default-size", None)  # tmux sets it on what is made with a size
        return dataclasses.replace(base, options=options, windows=_shown_first(made, session, used))

    # --- windows

    def _new_window(self, window: status.Window, taken_names: set[str]) -> spec.Window:
        title = _plain(window.name)
        options = self.seen.settings.windows.get(window.id, {})
        name = _free(naming.clean(title) or "window", taken_names)
        itself = options.get("automatic-rename", "on" if self.seen.settings.renames else "off") == "on"
        return spec.Window(
            name=name,
            title=title if title != name and not itself and title else None,
            options={"automatic-rename": "on"} if itself else {},
            panes=(),
        )

    def _window(
        self,
        known: spec.Window,
        window: status.Window,
        inside: Sequence[spec.Pane],
        missing: Sequence[spec.Pane],
    ) -> spec.Window:
        same = [each.address for each in known.panes] == [each.address for each in inside]
        untouched = same and (len(inside) == 1 or layout.same(window.applied_layout, window.layout))
        exact = None if len(inside) == 1 else layout.to_text(layout.parse(window.layout))
        arranged = known.layout if untouched or missing else exact
        bare = arranged is None or arranged in layout.NAMES
        active = next((pane.id for pane in window.panes if pane.active), "")
        ids = {pane.id: place for place, pane in enumerate(each for each in window.panes)}
        focused = ids.get(active, 0) if len(inside) == len(window.panes) else 0
        panes = [
            dataclasses.replace(pane, focus=place == focused > 0, size=pane.size if bare else None)
            for place, pane in enumerate([*inside, *missing])
        ]
        options = self._options(self.seen.settings.windows.get(window.id, {}), f"window {window.name}")
        kept = {name: value for name, value in options.items() if _USUAL.get(name) != value}
        return dataclasses.replace(
            known,
            layout=arranged,
            zoomed=window.zoomed,
            options={**known.options, **kept} if known.names_itself else kept,
            panes=tuple(panes),
        )

    # --- panes

    def _own_pane(self, own: spec.Pane, pane: status.Pane) -> spec.Pane:
        options = self._options(self.seen.settings.panes.get(pane.id, {}), own.address)
        found = dataclasses.replace(own, options=options)
        running = self.seen.running.get(pane.pid)
        if own.command is not None or running is None or pane.dead:
            return found
        now = self._was(running, own.address, in_shell=True)
        return found if now is None else dataclasses.replace(found, was=now)

    def _new_pane(self, pane: status.Pane, session: str, name: str) -> spec.Pane:
        address = names.pane(session, name)
        running = self.seen.running.get(pane.pid) if not pane.dead else None
        found = spec.Pane(
            address=address,
            dir=self._dir(running, pane, address),
            title=self._title(pane.title, address),
            options=self._options(self.seen.settings.panes.get(pane.id, {}), address),
            labels=self._labels(pane.labels, address),
        )
        if pane.dead:
            self._leave_out("what ran in it, which had ended", address)
        if running is None:
            return found
        ours = bool(pane.uid) and programs.is_called_shell(running.first)
        shell = programs.shell(running.first) if ours or programs.is_shell(running.first) else None
        env = {name: value for name, value in running.env.items() if not (ours and name in _OF_OUR_SHELL)}
        return dataclasses.replace(
            found,
            was=self._was(running, address, in_shell=ours),
            shell=shell if shell and shell.startswith("/") and shell != self.seen.login_shell else None,
            env=self._env(env, address),
        )

    def _labels(self, labels: Mapping[str, str], address: str) -> dict[str, str]:
        found: dict[str, str] = {}
        for name, value in sorted(labels.items()):
            if not names.LABEL.match(name) or not value.isprintable():
                self._leave_out(f"the label {name!r}, which cannot be written", address)
            elif secret.is_secret(name, value):
                self._leave_out(f"the label {name}, because it looks like a secret", address)
            else:
                found[name] = value
        return found

    def _was(self, running: live.Running, address: str, *, in_shell: bool) -> programs.Words | None:
        try:
            found = programs.was(running, in_shell=in_shell)
        except programs.Unwritable as why:
            self._leave_out(f"what ran in it, {why.reason}", address)
            return None
        if found is not None and secret.in_line(programs.line(found)):
            self._leave_out("what ran in it, because it looks as if it held a secret", address)
            return None
        return found

    def _dir(self, running: live.Running | None, pane: status.Pane, address: str) -> str:
        found = running.first.dir if running is not None else ""
        if not found or found.endswith(" (deleted)"):
            found = self.seen.settings.dirs.get(pane.id, "")
        usable = found.startswith("/") and not _CONTROL.search(found) and _is_text(found)
        if usable and not found.endswith(" (deleted)"):
            return found
        self._leave_out("its directory, which is gone or cannot be written", address)
        return self.seen.home

    def _title(self, title: str, address: str) -> str | None:
        plain = _plain(title)
        if secret.in_line(plain):  # shells show there what they run
            self._leave_out("its title, because it looks as if it held a secret", address)
            return None
        return plain if plain and plain not in (self.seen.host, self.seen.host.partition(".")[0]) else None

    def _env(self, env: Mapping[str, str], address: str) -> dict[str, str]:
        known = self.seen.settings
        found: dict[str, str] = {}
        for name, value in sorted(env.items()):
            if known.environment.get(name) == value or name in _OF_THE_PANE or name in known.fleeting:
                continue
            if not _VARIABLE.fullmatch(name):
                continue
            if secret.is_secret(name, value):
                self._leave_out(f"the variable {name}, because it looks like a secret", address)
            elif not _is_text(value):
                self._leave_out(f"the variable {name}, which is no text", address)
            else:
                found[name] = value
        return found

    def _options(self, options: Mapping[str, str], where: str) -> dict[str, str]:
        found: dict[str, str] = {}
        for name, value in sorted(options.items()):
            if not _OPTION.fullmatch(name) or not _is_text(value):
                self._leave_out(f"the tmux option {name!r}, which cannot be written", where)
            elif secret.in_text(value) or (
                name.startswith("@") and secret.is_secret(name[1:].replace("-", "_"), value)
            ):
                self._leave_out(f"the tmux option {name}, because it looks like a secret", where)
            else:
                found[name] = value
        return found


def declared(workspace: spec.Workspace) -> spec.Workspace:
    """For a manifest: what a person had opened is to be there as everything else is."""
    return with_panes(workspace, lambda pane: dataclasses.replace(pane, opened=False))


def without_secrets(workspace: spec.Workspace) -> tuple[spec.Workspace, tuple[str, ...]]:
    """Of one that is written out in full: what its manifest got from variables and other files is in it. And what was left out."""
    left_out: dict[str, list[str]] = {}

    def kept(pane: spec.Pane) -> spec.Pane:
        hidden = [name for name, value in pane.env.items() if secret.is_secret(name, value)]
        for name in hidden:
            left_out.setdefault(f"the variable {name}, because it looks like a secret", []).append(
                pane.address
            )
        env = {name: value for name, value in pane.env.items() if name not in hidden}
        if pane.command is None or not secret.in_line(programs.line(pane.command)):
            return dataclasses.replace(pane, env=env)
        left_out.setdefault("its command, because it looks as if it held a secret", []).append(pane.address)
        return dataclasses.replace(pane, env=env, command=None)

    made = with_panes(workspace, kept)
    return made, tuple(f"{_some(where)}: {what}" for what, where in left_out.items())


def with_panes(workspace: spec.Workspace, change: Callable[[spec.Pane], spec.Pane]) -> spec.Workspace:
    return dataclasses.replace(
        workspace,
        sessions=tuple(
            dataclasses.replace(
                session,
                windows=tuple(
                    dataclasses.replace(window, panes=tuple(map(change, window.panes)))
                    for window in session.windows
                ),
            )
            for session in workspace.sessions
        ),
    )


def _some(where: Sequence[str]) -> str:
    """A session's variable is in all of its panes."""
    more = f" and {len(where) - 3} more" if len(where) > 3 else ""
    return f"{', '.join(where[:3])}{more}"


def _ours(window: status.Window, workspace: str, panes: Mapping[str, spec.Pane]) -> Iterable[str]:
    return [own.address for each in window.panes if (own := _own(each, workspace, panes)) is not None]


def _own(pane: status.Pane, workspace: str, panes: Mapping[str, spec.Pane]) -> spec.Pane | None:
    mark = pane.mark
    return panes.get(mark.address) if mark is not None and mark.workspace == workspace else None


def _left(window: spec.Window, standing: Iterable[str]) -> tuple[spec.Pane, ...]:
    """Panes of a window that is closed: declared, so they come back."""
    return tuple(pane for pane in window.panes if pane.address not in standing)


def _shown_first(
    made: Sequence[spec.Window], session: status.Session, used: Iterable[str]
) -> tuple[spec.Window, ...]:
    """Says which window is shown, where that is not clear without."""
    ordered = sorted(session.windows, key=lambda each: each.index)
    active = next((place for place, each in enumerate(ordered) if each.active), 0)
    said = active > 0 or any(pane.focus for window in made for pane in window.panes)
    return tuple(dataclasses.replace(each, focus=said and place == active) for place, each in enumerate(made))


def _workspace(title: str) -> str:
    name = naming.clean(title).lower().lstrip("-_")[:60]
    return name if names.WORKSPACE.match(name) else "session"


def _called(pane: status.Pane) -> str:
    """By hand."""
    return pane.name if names.NAME.match(pane.name) and not pane.name.isdecimal() else ""


def _free(wanted: str, taken_names: set[str]) -> str:
    name, number = wanted[:64], 2
    if wanted.isdecimal():  # a position: the next one that is free
        while name in taken_names:
            name = str(int(name) + 1)
    while name in taken_names:
        name, number = f"{wanted[:56]}-{number}", number + 1
    taken_names.add(name)
    return name


def _plain(name: str) -> str:
    """A name that tmux lists, as it was given."""
    text = names.given(name).encode(errors="replace").decode()
    return _CONTROL.sub("_", text)[:256]


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in value


def most_common(values: Iterable[str]) -> str:
    """The first of those that stand there most often."""
    return Counter(values).most_common(1)[0][0]
