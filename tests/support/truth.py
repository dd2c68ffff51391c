"""What should be there: the manifest last applied and what a person opened. Every apply is checked against a listing that is not ours."""

from __future__ import annotations

import contextlib
import os
import re
import signal
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from orchestra.model import plan, progress, spec
from orchestra.plan import build
from tests.support import live, worlds

MINE = ("sleep", "99999")
"""What a person runs."""

Rows = Mapping[str, live.Row]


class Truth:
    """`want` is the manifest last applied in full. Close it."""

    def __init__(self) -> None:
        super().__init__()
        self.live = live.Live()
        self.want = build.nothing(live.WORKSPACE)
        self.strangers: dict[str, int] = {}
        """A person's panes by id, with their pids."""
        self.launched: dict[tuple[str, int], spec.Pane] = {}
        """What is known to run in a pane, by its id and pid."""
        self.right: dict[tuple[str, int], bool] = {}
        """Of panes nothing is known of: whether they already ran what they should."""
        self.titled: dict[str, str | None] = {}
        """The title last given to a pane; a person's or a program's is theirs."""
        self.as_found: set[str] = set()
        """Adopted windows: they keep their layout."""
        self.adopted: set[tuple[str, int]] = set()
        """Panes, with their pids, that run what a person started."""

    def close(self) -> None:
        self.live.close()

    def say(self, text: str) -> None:
        """For the report of a failed example."""

    # --- looking

    def rows(self) -> tuple[live.Row, ...]:
        return self.live.rows()

    def ours(self, rows: tuple[live.Row, ...] | None = None) -> dict[str, live.Row]:
        """By address; a linked pane in the session that is ours."""
        found: dict[str, live.Row] = {}
        for row in self.rows() if rows is None else rows:
            if row.address:
                home = row.session_mark.split(" ")[1:2] == [row.address.partition("/")[0]]
                if row.address in found:
                    assert found[row.address].pane_id == row.pane_id, f"{row.address} is there twice"
                if home or row.address not in found:
                    found[row.address] = row
        return found

    def standing(self, want: spec.Workspace) -> dict[str, live.Row]:
        """What is ours before something is done, and whether it runs what `want` says, where that is not known."""
        rows = self.reaped()
        self.right = {}
        for pane in want.panes:
            row = rows.get(pane.address)
            if row is None or row.dead or (row.pane_id, row.pid) in self.launched or not worlds.argv(pane):
                continue
            live.until(lambda row=row: started(row.pid), deadline=10)  # type: ignore[misc]
            if live.process(row.pid) is not None:
                self.right[row.pane_id, row.pid] = runs(row, pane)
        return rows

    def reaped(self) -> dict[str, live.Row]:
        """What is ours, once tmux knows how each of the dead ended: it tells of a death before it has its status."""

        def known() -> tuple[dict[str, live.Row]] | None:
            rows = self.ours()
            if all(row.exit_code or row.signal for row in rows.values() if row.dead):
                return (rows,)
            if pid := self.live.server_pid():
                os.kill(pid, signal.SIGCHLD)
            return None

        return (live.until(known) or ({},))[0]

    def apply(self, want: spec.Workspace, **options: Any) -> None:
        """In full, and checked."""
        self.make_way(want)
        before = self.standing(want)
        self.say(f"apply {worlds.short(want)}")
        outcome = self.live.apply(want, **options)
        assert outcome.result == progress.Result(), outcome.result
        self.want = want
        self.check(before)
        self.nothing_more(want)

    def make_way(self, want: spec.Workspace) -> None:
        """What is a person's by now and stands in the way is a conflict; here the person gives way."""
        names = {session.name for session in want.sessions}
        for row in {row.session_id: row for row in self.rows()}.values():
            if not row.session_mark and row.session in names:
                self.attempt(
                    "rename-session", "-t", row.session_id, f"was-{row.session}-{row.session_id[1:]}"
                )

    def nothing_more(self, want: spec.Workspace, **options: Any) -> None:
        """Statement 1: another plan is empty, and carrying it out changes nothing."""
        made = self.live.preview(want, **options)
        assert made.empty, [change for change in made.changes if change.verb is not plan.Verb.NONE]
        assert not made.steps, made.steps
        before = self.rows()
        again = self.live.apply(want, **options)
        assert again.plan.empty
        assert again.result.ok
        assert [(row.pane_id, row.pid, row.dead) for row in self.rows()] == [
            (row.pane_id, row.pid, row.dead) for row in before
        ]

    # --- checking

    def check(self, before: Rows, want: spec.Workspace | None = None) -> None:
        """The world is `want` and what a person opened, no more and no less."""
        want = want or self.want
        self.under_way(want)
        rows = self.rows()
        after = self.ours(rows)
        assert set(after) == {pane.address for pane in want.panes}
        self.check_strangers(rows)
        assert {row.pane_id for row in rows} == {row.pane_id for row in after.values()} | set(self.strangers)
        marks = {row.session_mark.split(" ")[1] for row in rows if row.session_mark}
        assert marks == {session.name for session in want.sessions}
        for session in want.sessions:
            self.check_session(session, rows, after)
        self.check_starts(before, after, want.panes)
        self.check_processes(after, want)
        self.launched = {(after[pane.address].pane_id, after[pane.address].pid): pane for pane in want.panes}

    def check_session(self, session: spec.Session, rows: tuple[live.Row, ...], after: Rows) -> None:
        here = [row for row in rows if row.session_mark.split(" ")[1:2] == [session.name]]
        assert {row.session for row in here} == {session.name}
        assert len({row.session_id for row in here}) == 1
        windows: dict[str, str] = {}
        for row in sorted(here, key=lambda each: each.window_index):
            if row.window_mark.split(" ")[1:2] and row.window_mark.split(" ")[1].startswith(
                f"{session.name}/"
            ):
                windows.setdefault(row.window_mark.split(" ")[1].partition("/")[2], row.window_id)
        assert list(windows) == [window.name for window in session.windows]
        for window in session.windows:
            mine = [row for row in here if row.window_id == windows[window.name]]
            assert {row.window for row in mine} == {window.name}
            mine = sorted({row.pane_id: row for row in mine}.values(), key=lambda each: each.pane_index)
            declared, found = [pane.address for pane in window.panes], [row.address for row in mine]
            # Where a person's pane stands among them, only who is there is ours to say.
            assert found == declared or "" in found or mine[0].window_id in self.as_found
            assert {each for each in found if each} == set(declared)
            for pane in window.panes:
                row = after[pane.address]
                if pane.title is not None and self.titled.get(row.pane_id) != pane.title:
                    assert row.title == pane.title
                self.titled[row.pane_id] = pane.title
            if len(mine) == len(window.panes) > 1 and mine[0].window_id not in self.as_found:
                check_layout(window, mine[0].layout)

    def check_strangers(self, rows: tuple[live.Row, ...]) -> None:
        """Statement 3."""
        there = {row.pane_id: row for row in rows}
        for pane_id, pid in self.strangers.items():
            assert pane_id in there, f"a person's pane {pane_id} is gone"
            assert there[pane_id].pid == pid
            assert not there[pane_id].dead
            assert not there[pane_id].address

    def check_starts(self, before: Rows, after: Rows, panes: Iterable[spec.Pane]) -> None:
        """Statements 2, 4 and 7: what should run on runs on, what should not does not, and panes stay the same panes."""
        for pane in panes:
            old, new = before.get(pane.address), after[pane.address]
            if old is None:
                continue
            assert new.pane_id == old.pane_id, f"{pane.address} is another pane now"
            known = self.launched.get((old.pane_id, old.pid))
            if old.dead and (old.exit_code != "0" or pane.command is None):
                right = False
            elif known is not None:
                right = worlds.same_start(known, pane)
            elif (old.pane_id, old.pid) in self.right:
                right = self.right[old.pane_id, old.pid]
            else:
                continue
            assert (new.pid == old.pid) == right, (pane.address, old, new, known)

    def check_processes(self, after: Rows, want: spec.Workspace) -> None:
        """Nothing runs twice, and nothing that is nobody's."""
        uids = {row.pane_mark.split(" ")[2]: address for address, row in after.items()}
        wanted = {
            pane.address: worlds.argv(pane)
            for pane in want.panes
            if (after[pane.address].pane_id, after[pane.address].pid) not in self.adopted
        }
        wrong: list[object] = []

        def right() -> bool:
            """At last: a shell that reads its profile forks."""
            count: dict[str, list[live.Process]] = {}
            wrong.clear()
            for each in self.live.processes().values():
                uid = each.env.get("ORCHESTRA_PANE")
                if uid is not None and uid not in uids:
                    wrong.append(each)
                elif uid is not None and each.argv == wanted.get(uids[uid]):
                    count.setdefault(uids[uid], []).append(each)
            wrong.extend(
                (address, count.get(address))
                for address, argv in wanted.items()
                if argv is not None and len(count.get(address, ())) != 1
            )
            return not wrong

        with contextlib.suppress(AssertionError):
            live.until(right, deadline=5)
        assert not wrong

    def under_way(self, want: spec.Workspace, only: Collection[str] | None = None) -> None:
        """Waits until what was started is what it will be, and typed lines have been read."""
        waiting: list[spec.Pane] = []

        def settled() -> bool:
            rows = self.ours()
            waiting[:] = [
                pane
                for pane in want.panes
                if only is None or pane.address in only
                if not (pane.address in rows and self.as_wanted(rows[pane.address], pane))
            ]
            if any(worlds.argv(pane) is None for pane in waiting) and (pid := self.live.server_pid()):
                os.kill(pid, signal.SIGCHLD)
            return not waiting

        with contextlib.suppress(AssertionError):
            live.until(settled, deadline=10)
        rows = self.ours()
        assert not [(pane, rows.get(pane.address)) for pane in waiting]

    def as_wanted(self, row: live.Row, pane: spec.Pane) -> bool:
        if (row.pane_id, row.pid) in self.launched and not row.dead:
            return True  # looked at before, or adopted as it runs
        if worlds.argv(pane) is None:
            return row.dead and row.exit_code == "0"
        if row.dead or not runs(row, pane):
            return False
        if pane.send_keys:
            log = self.live.folder / "typed"
            lines = log.read_text().split("\n") if log.exists() else []
            times = [lines.count(f"{word} {row.pid}") for word in ("one", "two")]
            assert max(times) <= 1, "typed twice"
            return times == [1, 1]
        return True

    # --- a person

    def meddle(self, draw: worlds.Draw) -> None:
        if self.rows():
            act = worlds.pick(draw, _MEDDLINGS)
            self.say(f"a person: {act.__name__}")
            act(self, draw)
            there = {row.pane_id for row in self.rows()}
            self.strangers = {pane: pid for pane, pid in self.strangers.items() if pane in there}

    def any_row(self, draw: worlds.Draw, *, owned: bool = False) -> live.Row:
        rows = self.rows()
        ours = [row for row in rows if row.address]
        return worlds.pick(draw, ours if owned and ours else rows)

    def attempt(self, *words: str) -> bool:
        """tmux may refuse a person; that is theirs to know."""
        done = self.live.client(*words)
        self.say(f"  {' '.join(words)} {done.stderr}".rstrip())
        return done.returncode == 0

    def opened(self, *words: str) -> None:
        done = self.live.client(*words[:1], "-P", "-F", "#{pane_id} #{pane_pid}", *words[1:], *MINE)
        if done.returncode == 0:
            pane, pid = done.stdout.split()
            self.say(f"  {' '.join(words)}: {pane}")
            self.strangers[pane] = int(pid)

    def rename_session(self, draw: worlds.Draw) -> None:
        row = self.any_row(draw, owned=True)
        if row.session_mark:
            self.attempt("rename-session", "-t", row.session_id, worlds.pick(draw, ("a", "b", "c", "z")))

    def rename_window(self, draw: worlds.Draw) -> None:
        self.attempt(
            "rename-window", "-t", self.any_row(draw).window_id, worlds.pick(draw, ("w0", "w1", "mine"))
        )

    def kill_pane(self, draw: worlds.Draw) -> None:
        self.attempt("kill-pane", "-t", self.any_row(draw).pane_id)

    def kill_window(self, draw: worlds.Draw) -> None:
        self.attempt("kill-window", "-t", self.any_row(draw).window_id)

    def kill_session(self, draw: worlds.Draw) -> None:
        self.attempt("kill-session", "-t", self.any_row(draw).session_id)

    def break_pane(self, draw: worlds.Draw) -> None:
        row, other = self.any_row(draw), self.any_row(draw)
        self.attempt("break-pane", "-d", "-s", row.pane_id, "-t", f"{other.session_id}:")

    def join_pane(self, draw: worlds.Draw) -> None:
        row, other = self.any_row(draw), self.any_row(draw)
        self.attempt("join-pane", "-d", "-s", row.pane_id, "-t", other.pane_id)

    def move_window(self, draw: worlds.Draw) -> None:
        row, other = self.any_row(draw), self.any_row(draw)
        self.attempt("move-window", "-d", "-s", row.window_id, "-t", f"{other.session_id}:")

    def renumber(self, draw: worlds.Draw) -> None:
        self.attempt("move-window", "-r", "-t", self.any_row(draw).session_id)

    def link_window(self, draw: worlds.Draw) -> None:
        row, other = self.any_row(draw), self.any_row(draw)
        if row.session_id != other.session_id:
            self.attempt("link-window", "-d", "-s", row.window_id, "-t", f"{other.session_id}:")

    def unlink_window(self, draw: worlds.Draw) -> None:
        row = self.any_row(draw)
        self.attempt("unlink-window", "-t", f"{row.session_id}:{row.window_index}")

    def swap_pane(self, draw: worlds.Draw) -> None:
        self.attempt("swap-pane", "-d", "-s", self.any_row(draw).pane_id, "-t", self.any_row(draw).pane_id)

    def swap_window(self, draw: worlds.Draw) -> None:
        self.attempt(
            "swap-window", "-d", "-s", self.any_row(draw).window_id, "-t", self.any_row(draw).window_id
        )

    def resize_pane(self, draw: worlds.Draw) -> None:
        side = worlds.pick(draw, ("-x", "-y"))
        self.attempt("resize-pane", "-t", self.any_row(draw).pane_id, side, worlds.pick(draw, ("5", "20")))

    def resize_window(self, draw: worlds.Draw) -> None:
        x, y = worlds.pick(draw, (("80", "24"), ("133", "41"), ("200", "50")))
        self.attempt("resize-window", "-t", self.any_row(draw).window_id, "-x", x, "-y", y)

    def rearrange(self, draw: worlds.Draw) -> None:
        layout = worlds.pick(draw, ("even-vertical", "tiled", "main-horizontal"))
        self.attempt("select-layout", "-t", self.any_row(draw).window_id, layout)

    def split(self, draw: worlds.Draw) -> None:
        self.opened("split-window", "-d", "-t", self.any_row(draw).pane_id)

    def new_window(self, draw: worlds.Draw) -> None:
        self.opened("new-window", "-d", "-t", f"{self.any_row(draw).session_id}:")

    def new_session(self, draw: worlds.Draw) -> None:
        self.opened("new-session", "-d", "-s", worlds.pick(draw, ("mine0", "mine1")))

    def select(self, draw: worlds.Draw) -> None:
        row = self.any_row(draw)
        self.attempt("select-window", "-t", f"{row.session_id}:{row.window_id}")
        self.attempt("select-pane", "-t", row.pane_id)

    def zoom(self, draw: worlds.Draw) -> None:
        self.attempt("resize-pane", "-Z", "-t", self.any_row(draw).pane_id)

    def title(self, draw: worlds.Draw) -> None:
        self.attempt("select-pane", "-t", self.any_row(draw).pane_id, "-T", "a person's")

    def options(self, draw: worlds.Draw) -> None:
        window = self.any_row(draw).window_id
        option, value = worlds.pick(
            draw, (("synchronize-panes", "on"), ("remain-on-exit", "off"), ("automatic-rename", "on"))
        )
        self.attempt("set-option", "-wt", window, option, value)

    def copy_mode(self, draw: worlds.Draw) -> None:
        self.attempt("copy-mode", "-t", self.any_row(draw).pane_id)

    def kill_process(self, draw: worlds.Draw) -> None:
        row = self.any_row(draw, owned=True)
        if row.dead or not row.address:
            return
        victims = [row.pid, *live.children(row.pid)]
        with contextlib.suppress(ProcessLookupError):
            os.kill(worlds.pick(draw, victims), signal.SIGKILL)
        server = self.live.server_pid()

        def dead() -> bool:
            os.kill(server, signal.SIGCHLD)
            return all(each.dead for each in self.rows() if each.pane_id == row.pane_id)

        live.until(dead)

    def kill_server(self, draw: worlds.Draw) -> None:
        self.live.kill_server(worlds.pick(draw, (signal.SIGKILL, signal.SIGTERM)))


_MEDDLINGS: tuple[Callable[[Truth, worlds.Draw], None], ...] = (
    Truth.rename_session, Truth.rename_window, Truth.kill_pane, Truth.kill_pane, Truth.kill_window, Truth.kill_session,
    Truth.break_pane, Truth.break_pane, Truth.join_pane, Truth.join_pane, Truth.move_window, Truth.move_window, Truth.renumber,
    Truth.link_window, Truth.unlink_window, Truth.swap_pane, Truth.swap_window, Truth.resize_pane, Truth.resize_window,
    Truth.rearrange, Truth.split, Truth.split, Truth.new_window, Truth.new_session, Truth.select, Truth.zoom, Truth.title,
    Truth.options, Truth.copy_mode, Truth.kill_process, Truth.kill_process, Truth.kill_server,
)  # fmt: skip


def started(pid: int) -> bool:
    """Whether a pane's process has come as far as being what it will be, or has ended."""
    process = live.process(pid)
    below = [live.process(child) for child in live.children(pid)]
    return (
        process is None
        or process.argv == ("/bin/sh", "-l")
        or any(each is not None and each.argv[:1] == ("sleep",) for each in below)
    )


def runs(row: live.Row, pane: spec.Pane) -> bool:
    """Whether the pane's process is what the manifest says, as `/proc` shows it."""
    pid = row.pid
    if pane.command is not None:
        below = live.children(pid)
        if not below:
            return False
        pid = below[0]
    found = live.process(pid)
    if found is None or found.argv != worlds.argv(pane):
        return False
    try:
        where = str(Path(f"/proc/{pid}/cwd").readlink())
    except OSError:
        return False
    given = {name: found.env[name] for name in ("E0", "E1") if name in found.env}
    return (
        where == pane.dir and given == dict(pane.env) and found.env.get("ORCHESTRA_ADDRESS") == pane.address
    )


def check_layout(window: spec.Window, text: str) -> None:
    """What the names of layouts mean, told by where the panes are."""
    cells = live.cells(text)
    width, height = map(int, re.findall(r"(\d+)x(\d+)", text)[0])
    assert len(cells) == len(window.panes), text
    sizes = [pane.size for pane in window.panes]
    name = window.layout or ("even-vertical" if any(sizes) else "tiled")
    slack = len(cells) + 2
    lengths, length = [cell.width for cell in cells], width
    if name == "even-vertical":
        lengths, length = [cell.height for cell in cells], height
        assert {(cell.x, cell.width) for cell in cells} == {(0, width)}, text
    elif name == "even-horizontal":
        assert {(cell.y, cell.height) for cell in cells} == {(0, height)}, text
    elif name == "tiled":
        assert {cell.width for cell in cells} <= {width} | set(
            range(width // 2 - slack, width // 2 + slack)
        ), text
        return
    else:
        main, rest = cells[0], cells[1:]
        if name == "main-vertical-mirrored":
            main, rest = cells[-1], cells[:-1]
        if name.startswith("main-vertical"):
            assert main.height == height, text
            assert len({(cell.x, cell.width) for cell in rest}) == 1, text
            assert main.width + rest[0].width + 1 == width
        else:
            assert main.width == width, text
            assert len({(cell.y, cell.height) for cell in rest}) == 1, text
            assert main.height + rest[0].height + 1 == height
        return
    if not any(sizes):
        assert max(lengths) - min(lengths) <= slack, text
    elif None in sizes:
        for size, got in zip(sizes, lengths, strict=True):
            if size is not None and size.percent is not None:
                assert abs(got - length * size.percent / 100) <= slack, text
