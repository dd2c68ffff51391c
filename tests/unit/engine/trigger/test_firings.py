"""Runs, with a journal that can be held up and acts that do what they are told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from orchestra.engine.hear import happenings
from orchestra.engine.trigger import deciding, firings, triggers
from orchestra.model import event, rules
from tests.unit.engine.trigger.test_triggers import happened

ONCE = rules.Reaction(act=rules.Log(text="x"), retries=0)


class World:
    def __init__(self) -> None:
        self.open = asyncio.Event()
        """The journal writes."""
        self.open.set()
        self.writing = 0
        self.at = 1000.0
        self.firings = firings.Firings(self, self.publish, self.act)

    def monotonic(self) -> float:
        return self.at

    def now(self) -> datetime:
        self.at += 1
        return datetime.fromtimestamp(self.at, UTC)

    async def publish(
        self,
        happened: Sequence[happenings.Happening],
        cause: str = "",
        state: Mapping[str, Any] | None = None,
    ) -> None:
        self.writing += 1
        await self.open.wait()
        self.writing -= 1

    async def act(self, run: firings.Run) -> None:
        raise firings.Failed("no", for_good=True)

    def fire(self, count: int) -> None:
        for number in range(count):
            trigger = rules.Trigger(name=f"t{number}", on=rules.OnEvent(types=("pane.exited",)), do=(ONCE,))
            rule = triggers.Rule(
                workspace="w", trigger=trigger, types=frozenset(), overlap=rules.Overlap.QUEUE, addresses=None
            )
            slot, _ = self.firings.admit(deciding.Fire(rule=rule, event=event.dump(happened())))
            self.firings.begin([slot])

    async def until(self, look: Callable[[], object]) -> None:
        async with asyncio.timeout(10):
            while not look():  # noqa: ASYNC110
                await asyncio.sleep(0)


def live(scenario: Callable[[World], Awaitable[None]]) -> None:
    async def lived() -> None:
        here = World()
        async with asyncio.TaskGroup() as group:
            running = group.create_task(here.firings.run())
            await scenario(here)
            assert not running.done()
            running.cancel()

    asyncio.run(lived())


async def _full(here: World) -> None:
    """As many have failed for good as are kept."""
    here.fire(firings.DEAD)
    await here.until(lambda: len(here.firings.dead()) == firings.DEAD)


def test_several_that_fail_for_good_at_once_are_more_than_are_kept() -> None:
    async def scenario(here: World) -> None:
        await _full(here)
        here.open.clear()
        here.fire(5)
        await here.until(lambda: here.writing == 5)
        here.open.set()
        await here.until(lambda: not here.firings.alive() and not here.writing)
        here.fire(1)
        await here.until(lambda: not here.firings.alive() and not here.writing)
        assert len(here.firings.dead()) == firings.DEAD

    live(scenario)


def test_one_that_is_begun_again_while_it_is_thrown_away_is_not_lost() -> None:
    async def scenario(here: World) -> None:
        await _full(here)
        oldest = here.firings.dead()[0]
        here.open.clear()
        here.fire(1)
        await here.until(lambda: here.writing == 1)
        async with asyncio.TaskGroup() as group:
            group.create_task(here.firings.forget(lambda run: run.id == oldest.id))
            again = group.create_task(
                here.firings.replay(lambda run: run.id == oldest.id, triggers.InForce())
            )
            await here.until(lambda: here.writing == 3)
            here.open.set()
        assert [run.id for run in again.result()] == [oldest.id]
        await here.until(lambda: not here.firings.alive() and not here.writing)
        assert here.firings.dead()[-1].id == oldest.id  # it failed once more

    live(scenario)


def test_what_a_run_keeps_of_an_event_is_bounded() -> None:
    async def scenario(here: World) -> None:
        trigger = rules.Trigger(name="t", on=rules.OnEvent(types=("pane.output",)), do=(ONCE,))
        rule = triggers.Rule(workspace="w", trigger=trigger, types=frozenset())
        body = event.PaneOutput(id="%1", lines=("x" * 10_000, "y", *["z" * 10_000] * 100), position="")
        _, run = here.firings.admit(deciding.Fire(rule=rule, event=event.dump(happened(body))))
        lines = run.event["lines"]
        assert lines[:3] == ["x" * firings.TEXT, "y", "z" * firings.TEXT]
        assert len(lines) == 16

    live(scenario)
