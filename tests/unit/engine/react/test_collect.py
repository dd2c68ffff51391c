"""What garbage collection may take: by near misses in memory, and by bugs planted into the decider, each of which has to be found."""

from __future__ import annotations

import os
import random
import sys
import types
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from orchestra.engine.react import collect
from orchestra.model import action, rules, status
from orchestra.plan import rules_changes
from tests.support import collectables

TORTURE = os.environ.get("HYPOTHESIS_PROFILE") == "torture"
DAY = timedelta(days=1)


def judge(collector: Any, worlds: int) -> collectables.Count:
    count = collectables.Count()
    for seed in range(worlds):
        collectables.judged(collector, random.Random(seed), count)
    return count


@pytest.mark.torture
def test_near_misses() -> None:
    """30,000 decisions and more under torture; not one may be wrong, and enough has to go."""
    count = judge(collect, 3000 if TORTURE else 150)
    assert count.near > (60_000 if TORTURE else 4_000)
    assert count.taken > count.near / 60  # a trial in which hardly anything went has shown nothing


# --- planted bugs

PANE = "if pane.mark is None or pane.mark.workspace != mark.workspace:"
STOP = "if declared.stop.keys or declared.stop.command is not None:"
BUGS: dict[str, tuple[str, ...]] = {
    "who is attached is not asked": ("if attached or rest.attached:", "if False:"),
    "who is attached beside is not asked": ("if attached or rest.attached:", "if attached:"),
    "linked windows go": ("if rest.shared:", "if False:"),
    "a pin by hand is nothing": ("if rest.pinned:", "if False:"),
    "a pin in the manifest is nothing": ("if known.pane.pin:", "if False:"),
    "copy mode is nothing": ("if rest.moded:", "if False:"),
    "a person's stop is nothing": (", status.Stage.STOPPED)", ")"),
    "what waits goes": ("LIVES = (status.Stage.WAITING, ", "LIVES = ("),
    "what is typed into goes": ("status.Stage.TYPING, status.Stage.STOPPED)", "status.Stage.STOPPED)"),
    "what runs goes": ("if pane.id not in world.calm:", "if False:"),
    "copies of marks go": ("if around.bearers[mark.uid] > 1:", "if False:"),
    "dependants are not asked": ("dependants[0]} depends on it\" if dependants else", "dependants[0]} depends on it\" if False else"),
    "dependants that wait are not asked": (
        "pane.dead and mark.stage not in LIVES and _ended_for_good", "(pane.dead or mark.stage in LIVES) or _ended_for_good"
    ),
    "dependants that start again are not asked": (
        "(pane.dead and mark.stage not in LIVES and _ended_for_good(pane, known.pane))", "pane.dead"
    ),
    "people's panes go": (
        PANE, "if pane.mark is not None and pane.mark.workspace != mark.workspace:"
    ),
    "other workspaces' panes go": (
        PANE, "if pane.mark is None:"
    ),
    "people's windows go": ("if window.mark is None or window.mark.workspace != mark.workspace:", "if False:"),
    "what was moved in goes": ("if names.session_of(pane.mark.address) != mark.address:", "if False:"),
    "commands are idle shells": ("if declared is None or declared.command is not None:", "if declared is None:"),
    "keys that stop it are not sent": (STOP, "if declared.stop.command is not None:"),
    "its stop is not run": (STOP, "if declared.stop.keys:"),
    "failures go with their session": ("if pane.dead and not _ended_for_good(pane, known.pane):", "if False:"),
    "failures are completed": (
        "or pane.exit_code != 0:", "or False:", "return pane.exit_code == 0 and pane.signal is None and", "return"
    ),
    "what restarts is at its end": (" and policy in (spec.Policy.NO, spec.Policy.ON_FAILURE)", ""),
    "shells that ended are completed commands": (
        "if known is None or known.pane.command is None or pane.exit_code", "if known is None or pane.exit_code"
    ),
    "sessions go at once": ("elif quiet >= gc.idle:", "elif True:"),
    "panes go at once": ("elif quiet >= gc.completed:", "elif True:"),
    "rest is not watched": ("known.text == rest.text and id_", "id_"),
    "what was not marked is taken": ("if known is None or known.rest", "if known is not None and known.rest"),
    "there is no budget": ("        room[each.workspace] -= 1\n", ""),
    "the youngest go first": ("kept.sort(key=lambda each: (-each.quiet,", "kept.sort(key=lambda each: (each.quiet,"),
    "nothing is compared under the lock": ("each for each in victims if (*_key(each), each.rest) in now", "victims"),
    "nothing completed goes": ("each.kind is action.Kind.SESSION for pane in each.panes", "True for pane in each.panes"),
    "nothing idle goes": ("        elif quiet >= gc.idle:", "        elif False:"),
    "nothing is ever taken": ("        take.append(each)\n", ""),
}  # fmt: skip


def planted(*words: str) -> Any:
    """The decider with a bug in it: what stands there and what instead, in turns."""
    text = Path(collect.__file__).read_text(encoding="utf-8")
    for old, new in zip(words[::2], words[1::2], strict=True):
        assert text.count(old) == 1, f"it stands {text.count(old)} times in the decider: {old}"
        text = text.replace(old, new)
    made = types.ModuleType("planted")
    sys.modules["planted"] = made  # dataclasses look there
    try:
        exec(compile(text, "planted", "exec"), made.__dict__)
    finally:
        del sys.modules["planted"]
    return made


@pytest.mark.parametrize("bug", BUGS)
def test_planted_bugs_are_found(bug: str) -> None:
    made = planted(*BUGS[bug])
    with pytest.raises((collectables.Wrong, AttributeError)):
        judge(made, 400)


# --- what is remembered of what is gone, and the last session


def remembering(made: collectables.Made, time: timedelta, **rest: Any) -> collect.Decision:
    names = {*made.rules, *rest.get("remembered", ())}
    return collect.decide(
        collect.World(
            server=made.server(),
            rests=made.rests(),
            calm=made.calm(),
            quiet={each.id: time for each in made.sessions},
            rules={"w": collectables.GC, "gone": rules.Gc(), **rest.pop("wished", {})},
            forgotten=dict.fromkeys(names, time),
            **rest,
        )
    )


def kept() -> collectables.Made:
    made = collectables.Made(random.Random(0))
    made.session(1).panes[0].calm = False
    made.rules["gone"] = rules_changes.text(rules.Rules(gc=rules.Gc()))
    return made


def test_what_owns_nothing_is_forgotten_after_a_day() -> None:
    (victim,) = remembering(kept(), DAY).victims
    assert (victim.kind, victim.workspace, victim.why) == (
        action.Kind.GC,
        "gone",
        "the workspace has owned nothing for 1 day",
    )
    assert not remembering(kept(), DAY - timedelta(seconds=1)).victims
    assert not remembering(kept(), DAY, wished={"gone": rules.Gc(orphans=False)}).victims
    (text,) = remembering(
        kept(),
        DAY,
        wished={"gone": rules.Gc(orphans=False), "other": rules.Gc()},
        remembered=frozenset({"other"}),
    ).victims
    assert text.workspace == "other"


def test_what_owns_something_is_remembered() -> None:
    made = kept()
    made.rules["w"] = made.rules["gone"]
    assert [each.workspace for each in remembering(made, DAY).victims] == ["gone"]


def test_schedules_live_on_without_sessions() -> None:
    made = kept()
    made.rules["gone"] = collectables.schedules("morning")
    decided = remembering(made, DAY)
    assert not decided.victims
    assert decided.spared["gone", "rules:"] == "it has triggers or schedules"
    made.rules["gone"] = "not readable"
    assert not remembering(made, DAY).victims


def test_rules_that_somebody_has_applied_since_stay() -> None:
    made = kept()
    victims = remembering(made, DAY).victims
    assert [type(each.action) for each in collect.lower("gone", victims, made.server()).steps] == [
        action.WriteRules
    ]
    made.rules["gone"] = collectables.schedules("morning")
    assert not collect.lower("gone", victims, made.server()).steps
    made = kept()
    made.session(1).workspace = "gone"
    assert not collect.lower("gone", victims, made.server()).steps


def test_tmux_does_not_end_while_something_on_it_is_to_go_on() -> None:
    made = collectables.Made(random.Random(0))
    made.session(2)
    made.session(1)
    assert len(remembering(made, DAY).victims) == 2
    made.rules["other"] = collectables.schedules("morning")
    decided = remembering(made, DAY)
    assert not decided.victims
    assert set(decided.spared.values()) == {"tmux would end, and triggers and schedules with it"}
    made.session(1).panes[0].calm = False
    assert len(remembering(made, DAY).victims) == 2


def test_a_server_that_is_gone_remembers_nothing_wrongly() -> None:
    world = collect.World(
        server=status.Server(), rests={}, calm=frozenset(), quiet={}, rules={"w": collectables.GC},
        remembered=frozenset({"w"}), forgotten={"w": DAY},
    )  # fmt: skip
    assert collect.decide(world) == collect.Decision()


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 seconds"), (1, "1 second"), (119, "1 minute"), (7200, "2 hours"), (200_000, "2 days")],
)
def test_words(seconds: int, said: str) -> None:
    assert collect.words(timedelta(seconds=seconds)) == said
