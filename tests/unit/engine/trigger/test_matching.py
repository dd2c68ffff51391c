from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import replace
from typing import Any, cast

import pytest

from orchestra.engine.hear import bus, happenings
from orchestra.engine.trigger import matching, noticing, triggers
from orchestra.host import clock
from orchestra.model import event, metrics, rules
from tests.unit.engine.react.test_limiting import pane, server
from tests.unit.engine.trigger.test_triggers import happened


class _Meanwhile(Executor):
    """Something happens before a line is searched."""

    def __init__(self, what: Callable[[], None]) -> None:
        self.what = what

    def submit(self, work: Callable[..., Any], /, *args: Any, **more: Any) -> Future[Any]:
        self.what()
        done = Future[Any]()
        done.set_result(work(*args, **more))
        return done


async def _publish(
    happened: Sequence[happenings.Happening], cause: str = "", state: Mapping[str, Any] | None = None
) -> None: ...


def _force(on: rules.On) -> triggers.InForce:
    do = (rules.Reaction(act=rules.Log(text="x")),)
    rule = triggers.Rule(workspace="w", trigger=rules.Trigger(name="t", on=on, do=do), types=frozenset())
    return triggers.InForce(rules=(rule,))


@pytest.mark.parametrize("ends", ["server", "trigger"])
def test_a_place_in_the_output_of_a_pane_that_is_gone_is_none_of_the_next_one(ends: str) -> None:
    async def scenario() -> str:
        here, force = server(pane("p")), _force(rules.OnOutput(pattern="E"))
        listened = bus.Bus()

        def meanwhile() -> None:
            if ends == "server":
                made.looked(replace(here, started=2), force)
            else:
                made.looked(here, triggers.InForce())

        made = matching.Matching(clock.Clock(), _publish, listened, _Meanwhile(meanwhile), lambda _: None)
        made.looked(here, force)
        body = event.PaneOutput(id="%p", lines=("E",), position="1-2-aa:5")
        async with asyncio.TaskGroup() as group, asyncio.timeout(10):
            running = group.create_task(made.run())
            while not listened.wants_output("s/p"):  # noqa: ASYNC110
                await asyncio.sleep(0)
            listened.publish([happened(body, "s/p")])
            while ("w", "s/p") not in made._panes:  # noqa: ASYNC110
                await asyncio.sleep(0)
            looked_at = made._panes["w", "s/p"]
            while looked_at.working:  # noqa: ASYNC110
                await asyncio.sleep(0)
            running.cancel()
        return made.position("%p")

    assert asyncio.run(scenario()) == ""


def test_what_is_no_more_asked_for_when_it_is_measured_is_not_told() -> None:
    told: list[str] = []

    async def scenario() -> None:
        here, force = server(pane("p")), _force(rules.OnMetric(metric=rules.Metric.MEMORY, above=1.0))

        class Sampler:
            def sample(self, *_: Any, **__: Any) -> Mapping[str, metrics.Usage]:
                made.looked(here, triggers.InForce())
                return {
                    "p": metrics.Usage(
                        interval=1.0, cpu_percent=0.0, cpu_seconds=0.0, rss=9, pss=None, io_read=0, io_write=0,
                        threads=1, processes=1, uptime=5.0,
                    )
                }  # fmt: skip

        async def publish(some: Sequence[happenings.Happening], *_: Any) -> None:
            told.extend(each.body.type for each in some)

        made = noticing.Noticing(
            clock.Clock(),
            cast(Any, publish),
            cast(Any, None),
            lambda _: {},
            cast(Any, Sampler()),
            lambda *_: None,
        )
        made.looked(here, force)
        assert made._wants
        await made._notice()
        assert not made._told

    asyncio.run(scenario())
    assert not told
