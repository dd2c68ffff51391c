"""With textual's own pilot; `tests/e2e/test_metrics.py` looks at it in a real terminal."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pytest
from textual import pilot, widgets

from orchestra.cli import top_screen
from orchestra.model import errors, metrics
from tests.unit.cli import figured


@dataclass
class Source:
    name: str = "a test"
    seen: list[metrics.Row] = field(
        default_factory=lambda: [
            figured.row("api/server", 50.0, restarts=1),
            figured.row("api/db", 5.0, restarts=0),
            figured.row("own/0", 90.0, workspace=""),
        ]
    )
    fails: bool = False

    def rows(self, *, pss: bool = False) -> Sequence[metrics.Row]:
        if self.fails:
            raise errors.OrchestraError("the daemon does not answer")
        return self.seen

    def recent(self, count: int) -> Mapping[str, Sequence[float | None]]:
        return {row.pane.id: [0.0, 50.0] for row in self.seen}

    def rest(self) -> None:
        raise AssertionError("the screen has its own clock")


@dataclass
class Acts:
    done: list[str] = field(default_factory=list)
    attached: list[str] = field(default_factory=list)

    def log_words(self, row: metrics.Row) -> list[str] | None:
        return ["printf", r"one\ntwo \033[31m\n"] if row.pane.workspace else None

    def shown(self, row: metrics.Row) -> str:
        return "what the screen shows\n"

    def restart(self, row: metrics.Row) -> str:
        self.done.append(row.pane.address)
        if row.pane.address == "api/db":
            raise errors.ActionFailed("it does not [bold]start")
        return f"restarted {row.pane.address}"

    def attach_words(self, row: metrics.Row) -> tuple[Sequence[str], bool]:
        self.attached.append(row.pane.address)
        return ["true"], False


class Shown:
    def __init__(self, top: top_screen.Top, hand: pilot.Pilot[None]) -> None:
        self.top, self.hand = top, hand

    def names(self) -> list[str]:
        table = self.top.screen_stack[0].query_one(widgets.DataTable)
        return [str(table.get_row_at(number)[0]).strip() for number in range(table.row_count)]

    def head(self) -> str:
        return str(self.top.screen_stack[0].query_one("#head", widgets.Static).render())

    def log(self) -> str:
        found = self.top.screen.query(widgets.RichLog)
        return "\n".join(line.text.rstrip() for each in found for line in each.lines)

    async def press(self, *keys: str) -> None:
        await self.hand.press(*keys)

    async def until(self, holds: Callable[[], object]) -> None:
        async with asyncio.timeout(20):
            while not holds():
                await self.hand.pause(0.01)


def live(
    test: Callable[[Shown, Source, Acts], Awaitable[None]],
    *,
    size: tuple[int, int] = (120, 24),
    wanted: str = "",
) -> None:
    source, acts = Source(), Acts()

    async def run() -> None:
        top = top_screen.Top(source=lambda: source, acts=acts, interval=1000.0, wanted=wanted)
        async with top.run_test(size=size) as hand:
            shown = Shown(top, hand)
            await shown.until(lambda: shown.names() or wanted)
            await test(shown, source, acts)

    asyncio.run(run())


TREE = ["shop", "api", "● server", "● db", "not orchestra's", "own", "● 0"]


def test_tree_then_sorted_then_filtered() -> None:
    async def test(shown: Shown, source: Source, acts: Acts) -> None:
        assert shown.names() == TREE
        assert "3 panes  cpu 145 %" in shown.head()
        await shown.press("s")
        assert shown.names() == ["● own/0", "● api/server", "● api/db"]
        await shown.press("slash", *"shop")
        assert shown.names() == ["● api/server", "● api/db"]
        await shown.press("enter", "s", "s", "s", "s")
        assert shown.names() == TREE[:4]
        await shown.press("escape")
        assert shown.names() == TREE

    live(test)


def test_cursor_stays_on_its_pane_when_lines_move() -> None:
    async def test(shown: Shown, source: Source, acts: Acts) -> None:
        await shown.press("down", "down", "down")
        source.seen = [figured.row("aaa/new", workspace="a"), *source.seen]
        await shown.press("space")
        await shown.until(lambda: "● new" in shown.names())
        await shown.press("enter")
        await shown.until(lambda: acts.attached)
        assert acts.attached == ["api/db"]

    live(test)


@pytest.mark.parametrize(
    ("downs", "address", "said"), [(2, "api/server", "restarted"), (3, "api/db", "[bold]start")]
)
def test_restart_is_asked_about(downs: int, address: str, said: str) -> None:
    async def test(shown: Shown, source: Source, acts: Acts) -> None:
        await shown.press(*["down"] * downs, "r")
        question = str(shown.top.screen.query_one(widgets.Static).render())
        assert question == f"Restart {address}? It stops pid 100, and what restarts with it. [y/N]"
        await shown.press("n")
        assert acts.done == []
        await shown.press("r", "enter")
        assert acts.done == []
        await shown.press("r", "y")
        await shown.until(lambda: acts.done == [address])
        await shown.until(lambda: any(said in each.message for each in shown.top._notifications))

    live(test)


def test_nothing_is_done_to_a_line_that_is_no_pane() -> None:
    async def test(shown: Shown, source: Source, acts: Acts) -> None:
        await shown.press("r", "l", "enter")
        assert len(shown.top.screen_stack) == 1
        assert (acts.done, acts.attached) == ([], [])

    live(test)


def test_logs_of_ours_and_the_screen_of_others() -> None:
    async def test(shown: Shown, source: Source, acts: Acts) -> None:
        await shown.press("down", "down", "l")
        await shown.until(lambda: "two" in shown.log())
        assert shown.log() == "one\ntwo \\x1b[31m"
        await shown.press("s", "escape")  # s means nothing here
        assert shown.names() == TREE
        await shown.press(*["down"] * 4, "l")
        await shown.until(lambda: shown.log())
        assert shown.log() == "what the screen shows"
        await shown.press("q")
        assert len(shown.top.screen_stack) == 1

    live(test)


def test_trouble_is_told_and_passes() -> None:
    async def test(shown: Shown, source: Source, acts: Acts) -> None:
        source.fails = True
        await shown.press("space")
        await shown.until(lambda: "does not answer" in shown.head())
        assert shown.names() == TREE, "what was seen last stays"
        source.fails = False
        await shown.press("space")
        await shown.until(lambda: "does not answer" not in shown.head())

    live(test)


def test_narrow_terminal_is_used_and_a_wider_one_too() -> None:
    async def test(shown: Shown, source: Source, acts: Acts) -> None:
        table = shown.top.query_one(widgets.DataTable)
        assert [str(column.label).strip() for column in table.columns.values()] == ["PANE", "CPU", "MEMORY"]
        await shown.hand.resize_terminal(200, 20)
        await shown.until(lambda: len(table.columns) > 8)
        assert shown.names() == TREE

    live(test, size=(36, 10))


def test_begins_with_a_filter() -> None:
    async def test(shown: Shown, source: Source, acts: Acts) -> None:
        await shown.until(lambda: shown.names())
        assert shown.names() == ["shop", "api", "● db"]

    live(test, wanted="db")
