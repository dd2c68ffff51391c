from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orchestra.engine.react import globs, watch
from orchestra.model import event, rules, spec, status
from orchestra.model.touch import Touch
from orchestra.plan import record, rules_changes

A, M, D = Touch.ADDED, Touch.MODIFIED, Touch.DELETED
WHAT = watch.Watched(workspace="w", address="s/p", paths=("/p/**",), quiet=0.3)


def gathering(**more: Any) -> watch.Gathering:
    return watch.Gathering(what=dataclasses.replace(WHAT, **more), globs=globs.Globs(WHAT.paths))


@pytest.mark.parametrize(
    ("touches", "paths"),
    [
        ([("a", M)], ("a",)),
        ([("a", M), ("a", M)], ("a",)),
        ([("b", M), ("a", A)], ("a", "b")),
        ([("a", A), ("a", D)], None),  # it was there for a moment
        ([("a", D), ("a", A)], ("a",)),  # saved by another one in its place
        ([("t", A), ("t", M), ("a", M), ("t", D)], ("a",)),
        ([("a", M), ("a", D)], ("a",)),
    ],
)
def test_what_is_told(touches: list[tuple[str, Touch]], paths: tuple[str, ...] | None) -> None:
    here = gathering()
    for number, (path, touch) in enumerate(touches):
        here.gather(path, touch, 10 + number * 0.1)
    last = 10 + (len(touches) - 1) * 0.1
    assert here.due == pytest.approx(last + 0.3)
    assert here.take(last + 0.29) is None
    assert here.take(last + 0.31) == (None if paths is None else (paths, len(paths)))
    assert here.due is None


def test_a_hundred_are_shown_and_all_are_counted() -> None:
    here = gathering()
    for number in range(watch.REMEMBERED + 5):
        here.gather(f"{number:06}", M, 10)
    found = here.take(11)
    assert found is not None
    assert (len(found[0]), found[1]) == (watch.SHOWN, watch.REMEMBERED + 5)
    assert len(here.changed) == 0


def restarting() -> watch.Gathering:
    """A change was told, and the restart it asks for is awaited."""
    here = gathering(restarts=True)
    here.gather("a", M, 10)
    assert here.take(10.3) == (("a",), 1)
    return here


def test_what_a_program_writes_while_it_starts() -> None:
    here = restarting()
    here.gather("written", A, 10.5)
    here.started(11)
    here.gather("written", M, 11.5)
    assert here.due is None
    here.gather("written", M, 12.1)  # later it is a change like others
    assert here.take(12.5) == (("written",), 1)


def test_a_person_saves_again_while_it_starts() -> None:
    here = restarting()
    here.started(11)
    here.gather("a", M, 11.5)
    assert here.take(12) == (("a",), 1)
    here.started(13)
    here.gather("a", M, 13.5)  # and once more: this may be the program, again and again
    assert here.due is None
    here.gather("a", M, 15)
    assert here.take(16) == (("a",), 1)


def test_what_changed_is_told_if_no_start_comes() -> None:
    here = restarting()
    here.gather("b", M, 12)
    assert here.due == pytest.approx(10.3 + watch.EXPECTED)
    assert here.take(13) is None
    assert here.take(10.3 + watch.EXPECTED) == (("b",), 1)


def test_what_does_not_restart_is_told_of_everything() -> None:
    here = gathering()
    here.gather("a", M, 10)
    assert here.take(10.3) == (("a",), 1)
    here.gather("b", M, 10.4)
    assert here.take(10.8) == (("b",), 1)


# --- the part


class Clock:
    def __init__(self) -> None:
        self.lived = 100.0

    def monotonic(self) -> float:
        return self.lived

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)


class Files:
    troubles: Sequence[str] = ("it is full",)
    directories = 3

    def __init__(self) -> None:
        self.followed: list[frozenset[str]] = []
        self.enters: Callable[[str], bool] = lambda _: False
        self.queue: asyncio.Queue[Sequence[tuple[str, Touch]]] = asyncio.Queue()
        self.is_closed = False

    def follow(self, roots: Collection[str], enters: Callable[[str], bool]) -> None:
        self.followed.append(frozenset(roots))
        self.enters = enters

    async def changes(self) -> Sequence[tuple[str, Touch]]:
        return await self.queue.get()

    def close(self) -> None:
        self.is_closed = True


def server(said: rules.Watch | None, *triggers: rules.Trigger) -> status.Server:
    want = spec.Pane(address="s/p", command="x", dir="/", watch=said)
    pane = status.Pane(
        id="%1", index=0, pid=7, dead=False, mark=status.Mark(workspace="w", address="s/p", uid="u"),
        record=record.pane_text(want, {}),
    )  # fmt: skip
    window = status.Window(id="@1", index=0, name="w", layout="", width=80, height=24, panes=(pane,))
    text = rules_changes.text(rules.Rules(triggers=triggers))
    return status.Server(
        running=True, pid=1, started=1, rules={"w": text} if text else {},
        sessions=(status.Session(id="$1", name="s", windows=(window,)),),
    )  # fmt: skip


def test_who_is_told_of_what() -> None:
    async def live() -> None:
        clock, files, said = Clock(), Files(), list[tuple[event.Body, str, str]]()

        async def say(body: event.Body, workspace: str, address: str, state: Mapping[str, Any]) -> None:
            assert not state
            said.append((body, workspace, address))

        part = watch.Watch(clock, files, say)
        trigger = rules.Trigger(name="t", on=rules.OnFile(paths=("/p/conf", "/q/*")), do=())
        off = dataclasses.replace(trigger, name="off", enabled=False)
        seen = server(
            rules.Watch(paths=("/p/src/**",), ignore=("/p/src/x/**",), debounce=timedelta(seconds=0.05)),
            trigger,
            off,
        )
        await part.looked(seen)
        await part.looked(seen)
        assert files.followed == [{"/p/src", "/p", "/q"}]
        assert [files.enters(each) for each in ("/p/src/a", "/p/src/x", "/p", "/r")] == [
            True,
            False,
            True,
            False,
        ]
        task = asyncio.get_running_loop().create_task(part.run())
        await files.queue.put([("/p/src/a", M), ("/p/src/x/a", M), ("/p/conf", M), ("/elsewhere", M)])
        await asyncio.sleep(0.01)
        assert said == []
        clock.lived += 1
        async with asyncio.timeout(20):
            while len(said) < 2:
                part.noticed(())
                await asyncio.sleep(0)
        assert said == [
            (event.WatchChanged(paths=("/p/src/a",), count=1), "w", "s/p"),
            (event.FileChanged(trigger="t", paths=("/p/conf",), count=1), "w", ""),
        ]
        await part.looked(server(None))
        assert files.followed[1:] == [frozenset()]
        assert part.describe() == {"watching": 0, "directories": 3, "troubles": ["it is full"]}
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert files.is_closed

    asyncio.run(live())


def test_after_a_fault_of_ours_files_are_followed_anew() -> None:
    async def live() -> None:
        clock, files = Clock(), Files()

        async def say(*_: object) -> None:
            raise RuntimeError("a fault")

        part = watch.Watch(clock, files, say)
        await part.looked(server(rules.Watch(paths=("/p/**",), debounce=timedelta(seconds=0.05))))
        part.noticed([("/p/a", M)])
        clock.lived += 1
        with pytest.raises(ExceptionGroup):
            await part.run()
        assert files.is_closed
        task = asyncio.get_running_loop().create_task(part.run())
        await asyncio.sleep(0)
        assert files.followed == [{"/p"}, {"/p"}]
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(live())
