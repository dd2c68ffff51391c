"""Saving and bringing back 100 panes: `python -m benchmarks.snapshots [--write] [--rounds N]`.

How long it takes, against tmuxp in the same rounds, and what is lost on the way: the world is listed before and after with tmux and
/proc alone (so on Linux only). With --write it makes docs/explanation/snapshots.md anew.
"""

from __future__ import annotations

import argparse
import itertools
import os
import platform
import re
import shlex
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import peers, rounds
from benchmarks.peers import OURS
from benchmarks.rounds import Contestant, Series, Spread
from benchmarks.stage import Failed, Run, Stage

PAGE = peers.ROOT / "docs" / "explanation" / "snapshots.md"
SESSION = "work"
WINDOWS, PANES = 25, 4
TOTAL = WINDOWS * PANES
SAVED, PRINTED, COPY = "bench", "bench-printed", "bench-copy"
LINES = 1_500
PATIENCE, QUIET = 60.0, 3.0
"""Seconds: for what was typed to run; without a change, when it is taken to be over."""
SECRET = "hunter2-correct-horse-battery"

NAMES = (
    *("editor", "two words", "a.b", "x:y", "#{pid}", "é漢", "it's", '"quoted"', "{{ x }}", "$HOME"),
    *("=a", "a;b", "back\\slash", "0", "on", "@name", "*", "[x]", "~", "logs"),
)
"""Of the first windows; none ends in `;`, which tmuxp 1.76 writes down but cannot load. The others name themselves, as tmux's do
until somebody names them."""
FOLDERS = ("plain", "two words", "it's", "deep/er")
LEFT = {"main-pane-width": "90", "mode-keys": "vi", "monitor-activity": "on", "@team": "core {x} #{y}"}

Key = tuple[Hashable, ...]
Facts = dict[str, dict[Key, Hashable]]
"""By property: what it is of → how it is. Only what stands out, so that nothing is counted that nobody set."""


# --- the world


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A pane as it is to be built."""

    window: int
    pane: int
    folder: str = ""
    line: str = ""
    """Typed into its shell."""
    env: Mapping[str, str]
    prints: bool = False

    @property
    def key(self) -> Key:
        return (self.window, self.pane)


def plan() -> Iterator[Wanted]:
    vim = "vim 'a b'" if shutil.which("vim") else "sleep 100001 # no vim here"
    less = 'less "it\'s long"' if shutil.which("less") else "sleep 100002 # no less here"
    lines = itertools.cycle(
        (
            vim,
            "sleep 100000",
            less,
            "tail -f 'a b' plain.txt",
            "sh -c 'sleep 100000; echo \"$1\"' x 'two  words' '$HOME' ''",
            "tail -f 'a b' | grep --line-buffered 'x  y'",
        )
    )
    for window, pane in itertools.product(range(WINDOWS), range(PANES)):
        number = window * PANES + pane
        env = {"STAGE": f"{window}.{pane}", "WORDS": "two  words $x"} if number % 7 == 3 else {}
        yield Wanted(
            window=window,
            pane=pane,
            folder=FOLDERS[number // 5 % len(FOLDERS)] if number % 5 < 2 else "",
            line=next(lines) if number % 5 in (0, 3) else "",
            env={**env, "API_TOKEN": SECRET} if number == 10 else env,
            prints=number % 5 == 1,
        )


def build(stage: Stage) -> None:
    """Waits until everything that was typed runs."""
    home = stage.folder / "home"
    for folder in ("", *FOLDERS):
        (home / folder).mkdir(parents=True, exist_ok=True)
        for file in ("a b", "it's long", "plain.txt"):
            (home / folder / file).write_text("".join(f"line {number}\n" for number in range(500)))
    wanted = tuple(plan())
    ids: dict[Key, str] = {}
    for each in wanted:
        way = [
            "-P",
            "-F",
            "#{pane_id}",
            "-c",
            str(home),
            *(f"-e{name}={value}" for name, value in each.env.items()),
        ]
        if each.key == (0, 0):
            stage.tmux("new-session", "-d", "-s", "hold", "-x", "200", "-y", "50")
            stage.tmux("set-option", "-g", "history-limit", "5000")
            made = stage.tmux("new-session", "-d", "-s", SESSION, "-x", "200", "-y", "50", *way)
            stage.tmux("kill-session", "-t", "=hold")
            stage.tmux("set-environment", "-t", f"={SESSION}", "DEPLOY", "staging area")
            stage.tmux("set-option", "-t", f"={SESSION}:", "status-left", "[#S] ")
            stage.tmux("set-option", "-t", f"={SESSION}:", "@project", "bench")
        elif each.pane == 0:
            made = stage.tmux("new-window", "-d", "-t", f"={SESSION}:", *way)
        else:
            split = (
                ("-h", "-v", "-h")[each.pane - 1] if each.window % 2 else ("-v", "-h", "-v")[each.pane - 1]
            )
            made = stage.tmux("split-window", split, "-t", ids[each.window, each.pane - 1], *way)
        ids[each.key] = made.strip()
    for each in wanted:
        moved = [f"cd {shlex.quote(each.folder)}"] if each.folder else []
        lines = [*moved, *([f"seq 1 {LINES}"] if each.prints else []), *([each.line] if each.line else [])]
        for line in lines:
            stage.tmux(
                "send-keys", "-l", "-t", ids[each.key], line, ";", "send-keys", "-t", ids[each.key], "Enter"
            )
    expected = {each.key for each in wanted if each.line}
    _until(lambda: expected <= set(listing(stage)["programs, each word of them"]), "what was typed runs")
    _until(lambda: all(_has_printed(stage, ids[each.key]) for each in wanted if each.prints), "it is printed")
    _decorate(stage, ids)


def _decorate(stage: Stage, ids: Mapping[Key, str]) -> None:
    for window in range(WINDOWS):
        at = ids[window, 0]
        if window < len(NAMES):
            name = NAMES[window].replace("#", "##")
            stage.tmux("rename-window", "-t", at, "--", f"{name[:-1]}\\;" if name.endswith(";") else name)
        if window % 6 == 1:
            stage.tmux("select-layout", "-t", at, "main-vertical")
        stage.tmux("resize-pane", "-t", ids[window, 1], "-L", str(window % 5 + 1))
        stage.tmux("resize-pane", "-t", ids[window, 2], "-D", str(window % 3 + 1))
        if window % 6 == 5:
            stage.tmux("set-option", "-w", "-t", at, "synchronize-panes", "on")
        for option, value in list(LEFT.items())[: window % 3]:
            stage.tmux("set-option", "-w", "-t", at, option, value)
        if window % 3 == 0:
            stage.tmux("set-option", "-w", "-t", at, "@team", LEFT["@team"])
            stage.tmux("select-pane", "-t", ids[window, 3], "-T", f"title {window}: it's $x")
            stage.tmux("set-option", "-p", "-t", ids[window, 2], "@note", f'note {window} "q" #{{z}}')
            stage.tmux("set-option", "-p", "-t", ids[window, 1], "window-style", "bg=colour235")
        stage.tmux("select-pane", "-t", ids[window, window % PANES])
        if window % 5 == 2:
            stage.tmux("resize-pane", "-Z", "-t", ids[window, window % PANES])
    stage.tmux("move-window", "-d", "-s", ids[WINDOWS - 1, 0], "-t", f"={SESSION}:{WINDOWS + 5}")
    stage.tmux("select-window", "-t", ids[7, 0])


def _until(true: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        if time.monotonic() > end:
            raise Failed(f"in {PATIENCE:g} s it has not come to be that {what}")
        time.sleep(0.2)


# --- looking, with nothing of orchestra


def listing(stage: Stage) -> Facts:
    """Windows by their order, panes by theirs in the window."""
    found: Facts = {name: {} for name in PROPERTIES}
    numbers: dict[str, int] = {}
    fields = (
        "window_id",
        "window_index",
        "window_active",
        "window_zoomed_flag",
        "window_layout",
        "window_name",
    )
    for number, row in enumerate(_rows(stage, "list-windows", fields)):
        id_, index, active, zoomed, layout, name = row
        numbers[id_] = number
        key: Key = (number,)
        options = dict(_options(stage, "-w", id_))
        if options.get("automatic-rename") == "off":
            found["names of windows"][key] = name
        found["numbers of windows"][key] = index
        found["layouts, to the cell"][key] = tuple(re.findall(r"(\d+x\d+,\d+,\d+),\d+", layout))
        if active == "1":
            found["the window that is shown"][()] = number
        if zoomed == "1":
            found["zoomed windows"][key] = True
        if options.pop("synchronize-panes", "off") == "on":
            found["synchronised windows"][key] = True
        found["options of windows"] |= {(number, name): value for name, value in options.items()}
    found["options of the session"] = {
        (name,): value for name, value in _options(stage, "", f"={SESSION}:") if name != "default-size"
    }  # that one is what tmux notes of -x and -y
    panes = ("window_id", "pane_id", "pane_active", "pane_pid", "pane_title")
    host = platform.node()
    for _, group in itertools.groupby(_rows(stage, "list-panes", panes), key=lambda row: row[0]):
        for place, (window, id_, active, pid, title) in enumerate(group):
            pane: Key = (numbers[window], place)
            if active == "1":
                found["the pane that is active in each window"][pane[:1]] = place
            if title not in (host, host.partition(".")[0], ""):
                found["titles of panes"][pane] = title
            found["options of panes"] |= {(*pane, name): value for name, value in _options(stage, "-p", id_)}
            _processes(found, pane, int(pid))
            if _has_printed(stage, id_):
                found["what panes had printed"][pane] = True
    for line in stage.tmux("show-environment", "-t", f"={SESSION}").splitlines():
        name, sign, value = line.partition("=")
        if sign and name == "DEPLOY":
            found["the session's environment, for panes to come"][(name,)] = value
    return found


PROPERTIES = {
    "names of windows": "those that people named",
    "numbers of windows": "one was moved, and leaves a gap",
    "layouts, to the cell": "every pane's place and size",
    "the window that is shown": "",
    "the pane that is active in each window": "",
    "zoomed windows": "",
    "synchronised windows": "",
    "directories": "where each shell is",
    "programs, each word of them": "`vim 'a b'`, a pipe, empty words",
    "shells in which nothing runs": "and still nothing does",
    "environment of panes": "given to the pane or to its session",
    "titles of panes": "",
    "options of windows": "",
    "options of panes": "",
    "options of the session": "",
    "the session's environment, for panes to come": "",
    "what panes had printed": f"{LINES:,} lines each",
}


def _rows(stage: Stage, command: str, fields: Sequence[str]) -> Iterator[list[str]]:
    format_ = "\t".join(f"#{{{field}}}" for field in fields)
    where = ("-s",) if command == "list-panes" else ()
    for line in stage.tmux(command, *where, "-t", f"={SESSION}", "-F", format_).splitlines():
        yield line.split("\t", len(fields) - 1)


def _options(stage: Stage, flag: str, target: str) -> Iterator[tuple[str, str]]:
    for line in stage.tmux("show-options", *([flag] if flag else []), "-t", target).splitlines():
        name, _, value = line.partition(" ")
        yield name, value


def _processes(found: Facts, key: Key, pid: int) -> None:
    try:
        group, terminal = _groups(pid)
        found["directories"][key] = os.readlink(f"/proc/{pid}/cwd")  # noqa: PTH115
        pairs = _words(Path(f"/proc/{pid}/environ").read_bytes())
        running = () if terminal == group else tuple(_foreground(pid, terminal))
    except (OSError, ValueError):  # it ends, or has just begun
        return
    names = ("STAGE", "WORDS", "DEPLOY", "API_TOKEN")
    for name, _, value in (each.partition("=") for each in pairs):
        if name in names:
            found["environment of panes"][(*key, name)] = value
    if running:
        found["programs, each word of them"][key] = running
    else:
        found["shells in which nothing runs"][key] = True


def _groups(pid: int) -> tuple[int, int]:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[2]), int(fields[5])


def _foreground(pid: int, group: int) -> Iterator[tuple[str, ...]]:
    """What a shell below `pid` started and has its terminal now, in order."""
    for child in map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()):
        if _groups(child)[0] == group:
            yield tuple(_words(Path(f"/proc/{child}/cmdline").read_bytes()))
        else:
            yield from _foreground(child, group)


def _words(raw: bytes) -> list[str]:
    return [os.fsdecode(word) for word in raw.removesuffix(b"\0").split(b"\0")]


def _has_printed(stage: Stage, pane: str) -> bool:
    text = stage.tmux("capture-pane", "-p", "-S", "-", "-t", pane).split()
    return text.count(str(LINES)) > 1 and str(LINES // 2) in text


def settled(stage: Stage, wanted: Facts) -> Facts:
    """As it is when it is as it was, or when nothing changes any more."""
    found, since = listing(stage), time.monotonic()
    end = since + PATIENCE
    while found != wanted and time.monotonic() < min(end, since + QUIET):
        time.sleep(0.3)
        now = listing(stage)
        if now != found:
            found, since = now, time.monotonic()
    return found


# --- what is measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """After bringing back, by property: kept, of how many; and what was not kept."""

    kept: Mapping[str, tuple[int, int]]
    gone: Mapping[str, Sequence[str]]
    """A line each, the home directory as `~`."""
    added: Sequence[str]
    """Names of options that nobody had set."""
    secret: bool
    """Stands in what was saved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    rounds: int
    version: str
    """tmuxp's; "": it could not be had."""
    save: Mapping[str, Series]
    sizes: Mapping[str, int]
    """Bytes of what was saved, by contestant."""
    restore: Mapping[str, Series]
    lost: Mapping[str, Lost]


SAVE, AGAIN, SCROLL, FREEZE = (
    "orchestra snapshot save",
    "orchestra snapshot save, nothing has changed",
    "orchestra snapshot save --scrollback",
    "tmuxp freeze",
)
RESTORE, RUN, APPLY, LOAD = (
    "orchestra restore --run none --no-wait",
    "orchestra restore --run all",
    "orchestra apply --no-wait",
    "tmuxp load -d",
)


def measure(stage: Stage, turns: int, say: Callable[[str], None]) -> Findings:
    tmuxp = next((each for each in peers.find(say, venv=True) if each.name == peers.TMUXP), None)
    say("building the world")
    build(stage)
    before = listing(stage)
    frozen = stage.folder / "frozen.yaml"
    program = tmuxp.starting[0] if tmuxp else ""
    freeze = (program, "freeze", "-L", "bench", "-y", "-q", "-f", "yaml", "-o", str(frozen), SESSION)
    say("saving")
    save = rounds.take(
        stage,
        [
            _saves(stage, SAVE, SAVED),
            _saves(stage, SCROLL, PRINTED, "--scrollback"),
            Contestant(
                name=AGAIN,
                argv=peers.orchestra("snapshot", "save"),
                environ=OURS,
                before=lambda: _newest(stage, SAVED),
                after=lambda: _only(stage, (SAVED, PRINTED)),
            ),
            *([Contestant(name=FREEZE, argv=freeze, after=lambda: _there(frozen))] if tmuxp else []),
        ],
        turns,
        say,
    )
    if listing(stage) != before:
        raise Failed("saving has changed what was there")
    places = {name: _place(stage, name) for name in (SAVED, PRINTED)}
    manifest = stage.folder / f"{COPY}.yaml"
    shutil.copy(places[SAVED] / f"{SESSION}.yaml", manifest)
    saved = {SAVE: places[SAVED], SCROLL: places[PRINTED], **({FREEZE: frozen} if FREEZE in save else {})}
    say("bringing back")
    load = (program, "load", "-d", "-y", "--no-progress", "-L", "bench", str(frozen))
    restore = rounds.take(
        stage,
        [
            _brings(stage, RESTORE, peers.orchestra("restore", SAVED, "--run", "none", "--no-wait"), OURS),
            _brings(stage, RUN, peers.orchestra("restore", SAVED, "--run", "all"), OURS),
            _brings(stage, APPLY, peers.orchestra("apply", str(manifest), "--no-wait"), OURS),
            *([_brings(stage, LOAD, load, {})] if FREEZE in save else []),
        ],
        turns,
        say,
    )
    say("looking for what is lost")
    ways: dict[str, tuple[Sequence[str], Mapping[str, str], Path]] = {
        "orchestra": (peers.orchestra("restore", PRINTED, "--run", "all", "--yes"), OURS, places[PRINTED]),
        **({"tmuxp": (load, {}, frozen)} if LOAD in restore else {}),
    }
    lost: dict[str, Lost] = {}
    for name, (argv, environ, place) in ways.items():
        stage.clear()
        stage.run(argv, environ)
        lost[name] = _lost(stage, before, settled(stage, before), place)
        for what, missing in lost[name].gone.items():
            say(f"  {name}: {what}: {len(missing)} not kept: {'; '.join(missing[:4])}")
    return Findings(
        rounds=turns,
        version=tmuxp.version if tmuxp else "",
        save=save,
        sizes={name: sum(each.stat().st_size for each in _files(path)) for name, path in saved.items()},
        restore=restore,
        lost=lost,
    )


def _saves(stage: Stage, title: str, name: str, *more: str) -> Contestant:
    argv = peers.orchestra("snapshot", "save", "--name", name, *more)
    return Contestant(name=title, argv=argv, environ=OURS, before=lambda: _delete(stage, name))


def _brings(stage: Stage, title: str, argv: Sequence[str], environ: Mapping[str, str]) -> Contestant:
    return Contestant(
        name=title, argv=argv, environ=environ, before=stage.clear, after=lambda: stage.expect(TOTAL)
    )


def _orchestra(stage: Stage, *words: str, codes: Sequence[int] = (0,)) -> Run:
    return stage.run(peers.orchestra(*words), OURS, codes)


def _delete(stage: Stage, name: str) -> None:
    _orchestra(stage, "snapshot", "delete", name, codes=range(256))


def _newest(stage: Stage, name: str) -> None:
    _delete(stage, name)
    _orchestra(stage, "snapshot", "save", "--name", name)


def _only(stage: Stage, names: Sequence[str]) -> None:
    found = {each.name for each in _place(stage, names[0]).parent.iterdir() if each.is_dir()}
    if found - set(names):
        raise Failed("saving has written one more, though nothing has changed")


def _there(path: Path) -> None:
    if not path.exists() or not path.stat().st_size:
        raise Failed("it wrote nothing")


def _place(stage: Stage, name: str) -> Path:
    (found,) = (stage.folder / "home").glob(f".local/state/orchestra/**/snapshots/{name}")
    return found


def _files(path: Path) -> Iterable[Path]:
    return [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]


def _lost(stage: Stage, before: Facts, after: Facts, place: Path) -> Lost:
    def told(key: Key, was: Hashable, now: Hashable) -> str:
        words = " ".join(str(each) for each in key)
        text = f"{words}: {was!r} → {'nothing' if now is None else repr(now)}"
        return (
            text.replace(f"{stage.folder}/home", "~").replace(str(stage.folder), "~/..").replace(SECRET, "…")
        )

    kept: dict[str, tuple[int, int]] = {}
    gone: dict[str, list[str]] = {}
    for name, items in before.items():
        missing = [key for key, value in items.items() if after[name].get(key) != value]
        kept[name] = (len(items) - len(missing), len(items))
        if missing:
            gone[name] = [told(key, items[key], after[name].get(key)) for key in missing]
    options = [name for name in PROPERTIES if name.startswith("options")]
    added = {str(key[-1]) for name in options for key in after[name] if key not in before[name]}
    secret = any(SECRET.encode() in each.read_bytes() for each in _files(place))
    return Lost(kept=kept, gone=gone, added=sorted(added), secret=secret)


# --- the page


def page(found: Findings) -> str:
    return "\n".join(
        [
            _INTRODUCTION,
            *_section("Against the targets", _targets(found)),
            *_section("Saving", _saving(found)),
            *_section("Bringing back", [*_bringing(found), "", _HOW]),
            *_section("What is lost", _losing(found)),
            _RESURRECT,
            *_section("How it was measured", [f"* {fact}" for fact in _facts(found)]),
        ]
    )


_INTRODUCTION = """\
# What a snapshot holds, and what it costs

This page is made by `python -m benchmarks.snapshots --write`: do not edit it.

A snapshot is what is live on a tmux server, written down as manifests: one for each workspace (its own text, with what has changed
since woven in), one for every other session. They can be read, changed, compared with `orchestra diff` and applied; restoring is applying.
How to: [save what is live, and bring it back](../how-to/snapshots.md).

It holds the sessions, windows and panes with their names, titles, order and layouts; which window and pane is active, zoomed,
synchronised; the options that somebody set on a window or a pane; the directory and the environment of each pane, as far as it differs
from the server's; and the words of what ran in each shell. With `--scrollback` also what panes have printed, at most 2,000 lines each.
With `--history` also what was typed into shells, at most 500 commands each.

It does not hold

* secrets: a variable, an option or a command that looks as if it held one is left out, and saving says so;
* the memory of processes: what ran is started anew, or typed, or left, as `--run` says;
* functions and variables that were not exported, background jobs;
* options of the server, the environment of the session for panes to come, hooks, key bindings, paste buffers;
* the numbers of windows: their order is kept, a gap is not.
"""

_HOW = """\
Restoring is applying. With `--run all` it also types into the shells what ran in them; so does tmuxp."""

_RESURRECT = """\
## tmux-resurrect: not measured

No package of the registries that this was made with has it. What its documentation and its scripts say that its file holds, for comparison:

* for each pane, a line: session, window number, whether the window is active, its flags (so: zoomed), pane number, title, directory,
  whether it is active, and the command as one line of `ps`, in which words that hold spaces cannot be told from several words;
* for each window, a line: its name, number, flags, layout, `automatic-rename`; for grouped sessions one more;
* with options of its own, what panes show or have printed, and the history of bash or zsh;
* no other options (so: nothing of what is synchronised) and no environment.

It brings back the commands of a list (`vim`, `less`, `man`, `top` and some more), to which people add theirs.
"""


def _section(title: str, lines: Sequence[str]) -> list[str]:
    return [f"## {title}\n", "\n".join(lines) + "\n"]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return ["| " + " | ".join(line) + " |" for line in (head, ["---"] * len(head), *rows)]


def _targets(found: Findings) -> list[str]:
    save, size = found.save[SAVE].wall, found.sizes[SAVE]
    ratio = found.restore[RESTORE].against(found.restore[APPLY])
    rows = [
        ("`snapshot save`", "≤ 0.5 s", _wall(save), save.median <= 0.5),
        ("its size, without scrollback", "≤ 100 kB", _size(size), size <= 100_000),
        ("`restore`, times `apply`", "≤ 1.5 ×", _times(ratio), ratio.median <= 1.5),
    ]
    return _table(
        (f"{TOTAL} panes", "target", "found", "met"),
        [(*row[:3], "yes" if row[3] else "**no**") for row in rows],
    )


def _saving(found: Findings) -> list[str]:
    rows = [
        (
            f"`{name}`" if name != AGAIN else f"`{SAVE}`, nothing has changed",
            *_both(series, found.save.get(SAVE)),
        )
        for name, series in found.save.items()
    ]
    sizes = [_size(found.sizes[name]) if name in found.sizes else "nothing" for name in found.save]
    return _table(
        (f"{TOTAL} panes", "time", "times saving", "of it its own CPU", "written"),
        [(*row, size) for row, size in zip(rows, sizes, strict=True)],
    )


def _bringing(found: Findings) -> list[str]:
    rows = [(f"`{name}`", *_both(series, found.restore[APPLY])) for name, series in found.restore.items()]
    return _table(("after `kill-server`", "time", "times `apply`", "of it its own CPU"), rows)


def _both(series: Series, other: Series | None) -> tuple[str, str, str]:
    same = other is None or other is series or len(other.runs) != len(series.runs)
    ratio = "" if other is None or same else _times(series.against(other))
    return _wall(series.wall), ratio, f"{series.cpu.median:.2f} s"


def _losing(found: Findings) -> list[str]:
    rows = []
    for name, note in PROPERTIES.items():
        cells = [f"{kept} of {all_}" for kept, all_ in (lost.kept[name] for lost in found.lost.values())]
        rows.append((f"{name}{f' ({note})' if note else ''}", *(_marked(cell) for cell in cells)))
    secret = ["yes" if lost.secret else "no" for lost in found.lost.values()]
    rows.append(("a secret variable's value stands in what was saved", *secret))
    lines = _table(("kept", *(_WAYS[name] for name in found.lost)), rows)
    for name, lost in found.lost.items():
        lines += ["", f"Not kept by {name}, an example each (window, pane, name: before → after):", ""]
        lines += [f"* {what}: `` {missing[0]} ``" for what, missing in lost.gone.items()] or ["* nothing"]
    for name, lost in found.lost.items():
        options = ", ".join(f"`{option}`" for option in lost.added) or "none"
        lines += ["", f"Options that {name} sets and nobody had set: {options}."]
    return lines


_WAYS = {
    "orchestra": "orchestra<br>`snapshot save --scrollback`, `restore --run all`",
    "tmuxp": "tmuxp<br>`freeze`, `load -d`",
}


def _marked(cell: str) -> str:
    kept, _, all_ = cell.partition(" of ")
    return cell if kept == all_ else f"**{cell}**"


def _facts(found: Findings) -> Iterable[str]:
    load = os.getloadavg()
    tmux = next(each for each in peers.find(lambda _: None, venv=False) if each.name == peers.TMUX)
    yield (
        f"One session of {WINDOWS} windows of {PANES} panes, without a configuration file, in `/bin/sh`: {len(_lines())} run a program,"
        f" {sum(each.prints for each in plan())} have printed {LINES:,} lines, {sum(bool(each.folder) for each in plan())} are in"
        " another directory. Window names are such as `#{pid}`, `a.b`, `{{ x }}`, `$HOME`, `é漢`."
    )
    yield (
        f"Every time is that of a whole process: the median of {found.rounds} rounds, and from the fastest to the slowest; each tool has"
        " a turn in each round, ratios are taken within a round, and a first round does not count."
    )
    yield "What is there is listed with tmux and `/proc`, before and after; nothing of orchestra looks."
    yield f"{os.cpu_count()} CPUs, {platform.system()}, Python {platform.python_version()}, {tmux.version}, {found.version or 'no tmuxp'}"
    if os.nice(0) < 0:
        yield f"with a higher priority than other work has (nice {os.nice(0)})"
    yield f"load average at the end: {load[0]:.1f} in the last minute, {load[2]:.1f} in the last 15"


def _lines() -> list[str]:
    return [each.line for each in plan() if each.line]


def _size(count: int) -> str:
    return f"{count / 1000:.1f} kB" if count < 100_000 else f"{count / 1000:.0f} kB"


def _wall(spread: Spread) -> str:
    return f"{spread.median:.2f} s ({spread.low:.2f}–{spread.high:.2f})"


def _times(spread: Spread) -> str:
    return f"{spread.median:.1f} × ({spread.low:.1f}–{spread.high:.1f})"


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.snapshots", description=__doc__)
    parser.add_argument(
        "--rounds", type=int, default=7, metavar="N", help="how often each is measured (default: 7)"
    )
    parser.add_argument("--write", action="store_true", help=f"write docs/explanation/{PAGE.name}")
    asked = parser.parse_args()
    # A short path: a socket's has at most 107 bytes.
    with tempfile.TemporaryDirectory(prefix="ob") as folder:
        stage = Stage(Path(folder))
        stage.environ["LANG"] = "C.UTF-8"
        stage.environ.pop("LC_ALL", None)
        try:
            text = page(measure(stage, asked.rounds, say))
        finally:
            stage.clear()
    if asked.write:
        PAGE.write_text(text, encoding="utf-8")
    else:
        print(text)


if __name__ == "__main__":
    main()
