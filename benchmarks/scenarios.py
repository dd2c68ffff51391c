"""What is measured, and between whom."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks import peers, rounds, shape
from benchmarks.peers import OURS, Peer
from benchmarks.rounds import Contestant, Series
from benchmarks.shape import Shape
from benchmarks.stage import Stage

Say = Callable[[str], None]
Taken = Mapping[str, Series]
"""By contestant."""

HUNDRED = Shape(sessions=10, windows=10)
CREATED = (
    Shape(sessions=1, windows=10),
    Shape(sessions=1, windows=3, panes=4),
    HUNDRED,
    Shape(sessions=10, windows=10, panes=3),
)
GROWING = (HUNDRED, Shape(sessions=30, windows=10), Shape(sessions=100, windows=10))
"""All of one kind, so that what is compared is only how many they are."""

HELP, VERSION, PYTHON = "orchestra --help", "orchestra --version", "python -c pass"
DIFF, APPLY, EDITED, DELETE = (
    "diff, nothing to do",
    "apply, nothing to do",
    "apply, one command edited",
    "delete",
)
FLOOR = "raw tmux"


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    rounds: int
    peers: Sequence[Peer]
    notes: Sequence[str]
    start: Taken
    created: Mapping[Shape, Taken]
    later: Mapping[str, Taken]
    """What is done with 100 panes that are there, by deed: orchestra's time and raw tmux's for the same deed, if it has one."""
    growing: Mapping[Shape, Taken]
    """Contestants: orchestra and raw tmux, which create, and `diff`."""


def start(stage: Stage, others: Sequence[Peer], turns: int, say: Say) -> Taken:
    say("start-up")
    return rounds.take(
        stage,
        [
            Contestant(name=HELP, argv=peers.orchestra("--help"), environ=OURS),
            Contestant(name=VERSION, argv=peers.orchestra("--version"), environ=OURS),
            Contestant(name=PYTHON, argv=(sys.executable, "-c", "pass")),
            *(Contestant(name=each.name, argv=each.starting) for each in others),
        ],
        turns,
        say,
    )


def create(stage: Stage, others: Sequence[Peer], what: Shape, turns: int, say: Say) -> Taken:
    """From no server at all to the last pane. Without `--no-wait` orchestra looks, too, whether what it started goes on running."""
    say(f"create {what.total} panes: {what}")

    def contestant(name: str, argv: Sequence[str], environ: Mapping[str, str]) -> Contestant:
        return Contestant(
            name=name,
            argv=argv,
            environ=environ,
            before=stage.clear,
            after=lambda: stage.expect(what.total),
        )

    found = rounds.take(
        stage,
        [
            contestant(peers.ORCHESTRA, peers.create_orchestra(stage, what), OURS),
            contestant(peers.NO_WAIT, peers.create_orchestra(stage, what, "--no-wait"), OURS),
            *(contestant(each.name, each.create(stage, what), {}) for each in others),
        ],
        turns,
        say,
    )
    stage.clear()
    return found


def later(stage: Stage, turns: int, say: Say) -> dict[str, Taken]:
    """What is done when 100 panes are there."""
    apply, edit = (peers.create_orchestra(stage, HUNDRED, edited=edited) for edited in (False, True))
    manifest = apply[-1]
    found: dict[str, Taken] = {}

    def ours(argv: Sequence[str], before: Callable[[], None] = rounds.nothing) -> Contestant:
        return Contestant(name=peers.ORCHESTRA, argv=argv, environ=OURS, before=before)

    def original() -> None:
        stage.run(apply, OURS)

    def anew() -> None:
        stage.clear()
        original()
        stage.expect(HUNDRED.total)

    anew()
    say(DIFF)
    reading = Contestant(name=FLOOR, argv=peers.tmux("list-panes", "-a", "-F", "#{pane_id} #{pane_pid}"))
    found[DIFF] = rounds.take(stage, [ours(peers.orchestra("diff", manifest)), reading], turns, say)
    say(APPLY)
    found[APPLY] = rounds.take(stage, [ours(apply)], turns, say)
    say(EDITED)
    respawn = peers.tmux("respawn-pane", "-k", "-t", "=s0:w0", *shape.EDITED)
    found[EDITED] = rounds.take(
        stage, [ours(edit, original), Contestant(name=FLOOR, argv=respawn, before=original)], turns, say
    )
    say(DELETE)
    teardown = peers.tmux("source-file", str(stage.write("teardown.conf", shape.tmux_teardown(HUNDRED))))
    found[DELETE] = rounds.take(
        stage,
        [
            ours(peers.orchestra("delete", "--yes", manifest), anew),
            Contestant(name=FLOOR, argv=teardown, before=anew),
        ],
        turns,
        say,
    )
    stage.clear()
    return found


def growing(stage: Stage, raw: Peer, what: Shape, turns: int, say: Say) -> Taken:
    """How creating and looking grow with the number of panes; raw tmux tells how much of it is the server's."""
    created = create(stage, [raw], what, turns, say)
    argv = peers.create_orchestra(stage, what)
    stage.run(argv, OURS)
    say(f"diff of {what.total} panes")
    looked = rounds.take(
        stage,
        [Contestant(name="diff", argv=peers.orchestra("diff", argv[-1]), environ=OURS)],
        turns,
        say,
    )
    stage.clear()
    return {**created, **looked}
