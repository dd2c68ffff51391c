"""Which events the `on` of a trigger means."""

from __future__ import annotations

from typing import assert_never

from orchestra.model import event, rules


def types(on: rules.On) -> tuple[str, ...]:
    """Of the events that set it off, in the order of the catalogue."""
    match on:
        case rules.OnEvent(types=wanted):
            # What is printed is no happening, unless somebody says so by its name.
            return tuple(
                kind
                for kind in event.BODIES
                if (
                    kind in wanted
                    if kind == event.PaneOutput.type
                    else any(event.matches(each, kind) for each in wanted)
                )
            )
        case rules.OnOutput():
            return (event.PaneMatched.type,)
        case rules.OnIdle():
            return (event.PaneIdle.type,)
        case rules.OnTimeout():
            return (event.PaneTimeout.type,)
        case rules.OnFile():
            return (event.FileChanged.type,)
        case rules.OnMetric():
            return (event.PaneMetric.type,)
        case rules.OnSchedule():
            return (event.ScheduleDue.type,)
        case _:
            assert_never(on)
