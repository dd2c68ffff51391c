"""Random manifests, random edits, random people and random deaths on a real tmux, against a model of what should be there.

Each example is a tmux server of its own. After every apply the world is listed by a plain tmux client and compared with what the manifest
says; what runs is told by `/proc`. Several machines, each in several shards, so that they spread over the cores.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import random
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import hypothesis
import pytest
from hypothesis import stateful, strategies

from orchestra.engine.apply import execute
from orchestra.model import codec, errors, plan, spec
from orchestra.plan import build, order
from tests.support import live, truth, worlds

STEPS = 5

Data = strategies.DataObject


class Died(BaseException):
    """Our process, at this very call."""


class Base(truth.Truth, stateful.RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.later: list[str] = []

    def teardown(self) -> None:
        self.close()

    def world(self, data: Data) -> worlds.World:
        return worlds.World(self.live.folder, dice(data))

    def say(self, text: str) -> None:
        self.later.append(text)
        if threading.current_thread() is threading.main_thread():
            for each in self.later:
                hypothesis.note(each)
            self.later.clear()

    def meddle_some(self, data: Data) -> None:
        for _ in range(worlds.pick(dice(data), (1, 1, 2, 3))):
            self.meddle(dice(data))


@contextlib.contextmanager
def at_call(machine: Base, number: int, act: Callable[[], None], *, after: bool) -> Iterator[list[str]]:
    """`act` when the reconciler reaches out into the world for the nth time: a tmux client, a signal, a look at processes."""
    world = machine.live.assembly.world
    lock, calls = threading.Lock(), []
    kept: list[tuple[object, str]] = []

    def wrap(owner: Any, name: str) -> None:
        real = getattr(owner, name)

        def wrapped(*words: Any, **named: Any) -> Any:
            with lock:
                calls.append(name)
                now = len(calls)
            if now == number and not after:
                act()
            if now > number and act is dies:
                raise Died
            answer = real(*words, **named)
            if now == number and after:
                act()
            return answer

        setattr(owner, name, wrapped)
        kept.append((owner, name))

    wrap(machine.live.assembly.host, "_run")
    for name in ("signal", "signal_group", "trees"):
        wrap(world.processes, name)
    try:
        yield calls
    finally:
        for owner, name in kept:
            delattr(owner, name)


def dies() -> None:
    raise Died


def _died(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return all(map(_died, error.exceptions))
    return isinstance(error, Died)


def dice(data: Data) -> worlds.Draw:
    return lambda limit: data.draw(strategies.integers(0, limit - 1))


class Editing(Base):
    """Statements 1 to 4: edits, people, deletes."""

    @stateful.initialize(data=strategies.data())
    def begin(self, data: Data) -> None:
        self.apply(self.world(data).first())

    @stateful.rule(data=strategies.data())
    def edit(self, data: Data) -> None:
        self.apply(self.world(data).edited(self.want))

    @stateful.rule(data=strategies.data())
    def drift(self, data: Data) -> None:
        self.meddle_some(data)
        self.apply(self.want)

    @stateful.rule(data=strategies.data())
    def both(self, data: Data) -> None:
        self.meddle_some(data)
        self.apply(self.world(data).edited(self.want))

    @stateful.rule(data=strategies.data())
    def delete(self, data: Data) -> None:
        if worlds.pick(dice(data), (False, True)):
            self.meddle(dice(data))
        self.apply(build.nothing(live.WORKSPACE))
        assert not self.ours()
        assert not [each for each in self.live.processes().values() if "ORCHESTRA_PANE" in each.env]


class Dying(Base):
    """Statement 7: whatever dies in the middle, the next apply makes it good."""

    @stateful.initialize(data=strategies.data())
    def begin(self, data: Data) -> None:
        if worlds.pick(dice(data), (False, True)):
            self.apply(self.world(data).first())
        else:
            self.cut(data)

    @stateful.rule(data=strategies.data())
    def cut(self, data: Data) -> None:
        draw = dice(data)
        world = self.world(data)
        want = world.edited(self.want, 3) if self.want.sessions else world.first()
        if worlds.pick(draw, (False, False, True)):
            self.meddle(draw)
        for _ in range(worlds.pick(draw, (1, 1, 2))):
            self.cut_once(draw, want)
        self.apply(want)

    def cut_once(self, draw: worlds.Draw, want: spec.Workspace) -> None:
        """We die, or the tmux server, or a person meddles, as the reconciler reaches out for the nth time."""
        seed = random.Random(draw(1000))

        def person_meddles() -> None:
            self.meddle(seed.randrange)

        def server_dies() -> None:
            self.live.kill_server()
            self.strangers.clear()

        act = worlds.pick(draw, (dies, dies, dies, server_dies, person_meddles))
        number, after = draw(14) + 1, worlds.pick(draw, (False, True))
        self.make_way(want)
        self.say(
            f"cut by {act.__name__} {'after' if after else 'before'} call {number}: {worlds.short(want)}"
        )
        with at_call(self, number, act, after=after) as calls:
            try:
                outcome = self.live.apply(want)
                self.say(f"  {outcome.result}")
            except errors.OrchestraError as error:
                assert act is not dies
                self.say(f"  {error}")
            except BaseException as error:
                if not _died(error):
                    raise
        self.say(f"  {calls}")
        self.check_strangers(self.rows())

    @stateful.rule(data=strategies.data())
    def delete(self, data: Data) -> None:
        nothing = build.nothing(live.WORKSPACE)
        self.cut_once(dice(data), nothing)
        self.apply(nothing)


class Partial(Base):
    """Statements 1, 4 and 8: targets, no pruning, saved plans, and all or nothing."""

    @stateful.initialize(data=strategies.data())
    def begin(self, data: Data) -> None:
        if worlds.pick(dice(data), (False, True)):
            self.want = self.world(data).first()
            self.apply(self.want)

    def edited(self, data: Data) -> spec.Workspace:
        world = self.world(data)
        return world.edited(self.want) if self.want.sessions else world.first()

    @stateful.rule(data=strategies.data())
    def target(self, data: Data) -> None:
        draw, want = dice(data), self.edited(data)
        if worlds.pick(draw, (False, True)):
            self.meddle(draw)
        if not want.panes:
            return
        session = worlds.pick(draw, want.sessions)
        window = worlds.pick(draw, session.windows)
        some = tuple(pane.address for pane in worlds.shuffled(draw, want.panes)[:2])
        want = dataclasses.replace(want, groups=(spec.Group(name="some", panes=some),))
        chosen = worlds.pick(
            draw,
            (session.name, f"{session.name}/{window.name}", worlds.pick(draw, want.panes).address, "@some"),
        )
        targets = order.targets(want, (chosen,))
        self.make_way(want)
        self.say(f"apply --target {chosen} {worlds.short(want)}")
        before = self.standing(want)
        outcome = self.live.apply(want, targets=targets)
        assert outcome.result.ok, outcome.result
        meant = {
            pane.address
            for pane in want.panes
            if {pane.address, pane.address.partition("/")[0]} & set(targets)
        }
        gone = {address for address in before if address.partition("/")[0] in targets} - {
            pane.address for pane in want.panes
        }
        self.under_way(want, meant)
        after = self.ours()
        assert set(after) == (set(before) | meant) - gone
        for address in set(before) - meant - gone:
            assert (after[address].pane_id, after[address].pid) == (
                before[address].pane_id,
                before[address].pid,
            )
        self.check_strangers(self.rows())
        self.check_starts(before, after, [pane for pane in want.panes if pane.address in meant])
        self.nothing_more(want, targets=targets)
        self.apply(want)

    @stateful.rule(data=strategies.data())
    def keep(self, data: Data) -> None:
        draw, want = dice(data), self.edited(data)
        if worlds.pick(draw, (False, True)):
            self.meddle(draw)
        self.make_way(want)
        self.say(f"apply --no-prune {worlds.short(want)}")
        before = self.standing(want)
        outcome = self.live.apply(want, prune=False)
        assert outcome.result.ok, outcome.result
        self.under_way(want)
        after = self.ours()
        declared = {pane.address for pane in want.panes}
        assert set(after) == set(before) | declared
        for address in set(before) - declared:
            assert (after[address].pane_id, after[address].pid) == (
                before[address].pane_id,
                before[address].pid,
            )
        self.check_starts(before, after, want.panes)
        self.nothing_more(want, prune=False)
        self.apply(want)

    @stateful.rule(data=strategies.data())
    def roll_back(self, data: Data) -> None:
        draw, want = dice(data), self.edited(data)
        if not want.panes:
            return
        broken = worlds.pick(draw, want.panes).address
        want = worlds.replaced(want, broken, dir=str(self.live.folder / "missing"))
        self.make_way(want)
        self.say(f"apply --on-error rollback, {broken} broken: {worlds.short(want)}")
        before = self.standing(want)
        settings = execute.Settings(
            timeout=timedelta(seconds=live.DEADLINE), on_error=execute.OnError.ROLLBACK
        )
        outcome = self.live.apply(want, settings)
        ((failed, reason),) = outcome.result.failed  # a session's or window's first pane fails by their name
        assert (
            broken == failed
            or broken.startswith(f"{failed}/")
            or failed.partition("/")[0] == broken.partition("/")[0]
        )
        assert "missing" in reason
        assert outcome.undone is not None
        assert outcome.undone.ok, outcome.undone
        if not self.want.sessions:
            assert not self.ours()
            assert {row.pane_id for row in self.rows()} == set(self.strangers)
            return
        self.under_way(self.want)
        after = self.ours()
        there = {pane.address: pane for pane in want.panes}
        for pane in self.want.panes:
            other = there.get(pane.address)
            if other is not None and worlds.same_start(pane, other):
                old, new = before[pane.address], after[pane.address]
                assert (new.pane_id, new.pid) == (old.pane_id, old.pid)
        self.check({}, self.want)
        self.nothing_more(self.want)

    @stateful.rule(data=strategies.data())
    def save(self, data: Data) -> None:
        draw, want = dice(data), self.edited(data)
        self.make_way(want)
        made = self.live.preview(want)
        saved = codec.load(plan.Plan, json.loads(json.dumps(codec.dump(made))))
        assert saved == made
        self.say(f"apply --plan {worlds.short(want)}")
        before = self.standing(want)
        stale: bool = worlds.pick(draw, (False, True))
        if before and stale:
            row = before[worlds.pick(draw, sorted(before))]
            verb, *more = worlds.pick(
                draw, (("kill-pane",), ("rename-window", "other"), ("rename-session", "other"))
            )
            self.attempt(verb, "-t", row.pane_id, *more)
            self.strangers = {each: pid for each, pid in self.strangers.items() if each in self.ids()}
            self.refused(saved)
            self.apply(want)
            return
        outcome = self.live.apply_saved(saved)
        assert outcome.result.ok, outcome.result
        self.want = want
        self.check(before)
        self.nothing_more(want)
        if not saved.empty:
            self.refused(saved)

    def ids(self) -> set[str]:
        return {row.pane_id for row in self.rows()}

    def refused(self, saved: plan.Plan) -> None:
        before = self.rows()
        with pytest.raises(errors.Conflict, match="stale"):
            self.live.apply_saved(saved)
        assert self.rows() == before


class Meeting(Base):
    """Statements 5 and 6: sessions that are not ours, and dependencies that fail."""

    @stateful.initialize(data=strategies.data())
    def begin(self, data: Data) -> None:
        self.apply(self.world(data).first())

    @stateful.rule(data=strategies.data())
    def both(self, data: Data) -> None:
        if worlds.pick(dice(data), (False, True)):
            self.meddle(dice(data))
        self.apply(self.world(data).edited(self.want))

    @stateful.rule(data=strategies.data())
    def meet(self, data: Data) -> None:
        draw = dice(data)
        taken = {session.name for session in self.want.sessions} | {row.session for row in self.rows()}
        free = [name for name in worlds.SESSIONS if name not in taken]
        if not free:
            return
        self.opened("new-session", "-d", "-x200", "-y50", "-s", free[0])
        for _ in range(draw(3)):
            where = worlds.pick(draw, [row for row in self.rows() if row.session == free[0]])
            if worlds.pick(draw, (False, True)):
                self.opened("split-window", "-d", "-t", where.pane_id)
            else:
                self.opened("new-window", "-d", "-n", worlds.pick(draw, worlds.WINDOWS), "-t", f"{free[0]}:")
        want = self.world(data).with_session(self.want, free[0])
        before = self.rows()
        with pytest.raises(errors.Conflict, match="is not orchestra's"):
            self.live.apply(want)
        assert self.rows() == before
        if worlds.pick(draw, (False, True, True)):
            self.adopt(want)
        else:
            self.tmux_rename(free[0])
            self.apply(want)

    def tmux_rename(self, name: str) -> None:
        self.live.tmux("rename-session", "-t", f"={name}", f"mine-{len(self.strangers)}")

    def adopt(self, want: spec.Workspace) -> None:
        self.say(f"adopt {worlds.short(want)}")
        outcome = self.live.apply(want, adopt=True)
        assert outcome.result.ok, outcome.result
        panes = {pane.address: pane for pane in want.panes}
        for row in self.rows():
            if row.pane_id in self.strangers:
                assert (row.pid, row.dead) == (self.strangers[row.pane_id], False)
                if row.address:
                    del self.strangers[row.pane_id]
                    self.launched[row.pane_id, row.pid] = panes[row.address]
                    self.as_found.add(row.window_id)
                    self.adopted.add((row.pane_id, row.pid))
        self.apply(want)

    @stateful.rule(data=strategies.data())
    def fail(self, data: Data) -> None:
        """A job that fails holds up what needs it, by name and reason, and what needs that; no more."""
        draw = dice(data)
        if any(row.session == "f" for row in self.rows()):
            return
        ran = self.live.folder / f"ran-{draw(10**6)}"
        needs = spec.Condition.COMPLETED_SUCCESSFULLY

        def pane(
            name: str, *edges: spec.Dependency, command: tuple[str, ...] = ("sleep", "1000")
        ) -> spec.Pane:
            return spec.Pane(address=f"f/{name}", dir="/", command=command, depends_on=edges)

        def world(job: tuple[str, ...]) -> spec.Workspace:
            first = spec.Dependency(pane="f/job", condition=needs)
            panes = (
                pane("job", command=job),
                pane("needs", first, command=("sh", "-c", f"echo >>{ran}; exec sleep 1000")),
                pane("wants", dataclasses.replace(first, required=False)),
                pane("next", spec.Dependency(pane="f/needs", condition=spec.Condition.STARTED)),
            )
            window = spec.Window(name="w", panes=tuple(worlds.shuffled(draw, panes)))
            return dataclasses.replace(
                self.want, sessions=(*self.want.sessions, spec.Session(name="f", windows=(window,)))
            )

        settings = execute.Settings(
            timeout=timedelta(seconds=live.DEADLINE), on_error=execute.OnError.CONTINUE
        )
        outcome = self.live.apply(world(("sh", "-c", "exit 3")), settings)
        assert dict(outcome.result.failed) == {"f/job": "it exited with code 3"}
        skipped = dict(outcome.result.skipped)
        assert set(skipped) == {"f/needs", "f/next"}
        assert "f/job" in skipped["f/needs"]
        assert "code 3" in skipped["f/needs"]
        assert not ran.exists()
        self.apply(world(worlds.JOB))
        live.until(ran.exists)
        assert ran.read_text() == "\n"


SHARDS = {Editing: 4, Dying: 4, Partial: 2, Meeting: 2}
"""Each gets half of the profile's examples: 300 worlds on every run, 12,000 under `make torture`."""


@pytest.mark.torture
@pytest.mark.timeout(900)  # a failure is made small first, which takes its time
@pytest.mark.parametrize(
    ("machine", "shard"), [(each, number) for each, count in SHARDS.items() for number in range(count)]
)
def test_the_world_is_what_the_manifest_says(machine: type[Base], shard: int) -> None:
    examples = hypothesis.settings.default.max_examples // 2 if hypothesis.settings.default else 25
    stateful.run_state_machine_as_test(
        type(f"{machine.__name__}{shard}", (machine,), {}),
        settings=hypothesis.settings(
            max_examples=examples, stateful_step_count=STEPS, report_multiple_bugs=False
        ),
    )
