"""The screen of `orchestra top`."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import ClassVar, Protocol

from rich.text import Text
from textual import app, binding, containers, screen, widgets
from textual.app import ComposeResult

from orchestra.cli import figures, output, table, top_lines
from orchestra.model import errors, metrics

SOON = 0.6
"""Seconds to the second look, which knows rates."""
MOST_LINES = 5000


_OF_THE_LIST = ("filter", "sort", "logs", "restart", "all")


class Acts(Protocol):
    def log_words(self, row: metrics.Row) -> list[str] | None:
        """What prints what the pane prints, until it is ended; None when only its screen can be shown."""

    def shown(self, row: metrics.Row) -> str:
        """The pane's screen and history."""

    def restart(self, row: metrics.Row) -> str:
        """Blocks; what was done. `OrchestraError`."""

    def attach_words(self, row: metrics.Row) -> tuple[Sequence[str], bool]:
        """What shows the pane to this terminal, and whether it needs the terminal for itself."""


class Top(app.App[None]):
    TITLE = "orchestra top"
    ENABLE_COMMAND_PALETTE = False
    CSS = """
    Screen { background: ansi_default; }
    #head, #foot { height: 1; padding: 0; }
    #filter { display: none; height: 1; border: none; padding: 0; background: ansi_default; }
    #filter.shown { display: block; }
    DataTable { height: 1fr; background: ansi_default; scrollbar-size-horizontal: 0; }
    DataTable > .datatable--header { text-style: bold reverse; }
    DataTable > .datatable--cursor { text-style: reverse; background: ansi_default; color: ansi_default; }
    Footer, FooterKey, FooterKey .footer-key--key { background: ansi_default; color: ansi_default; }
    """
    BINDINGS: ClassVar[list[binding.BindingType]] = [
        binding.Binding("q,ctrl+c", "quit", "Quit"),
        binding.Binding("slash", "filter", "Filter"),
        binding.Binding("s", "sort", "Sort"),
        binding.Binding("l", "logs", "Logs"),
        binding.Binding("r", "restart", "Restart"),
        binding.Binding("escape", "all", "All", show=False),
        binding.Binding("space", "look", "Look now", show=False),
    ]

    def __init__(
        self,
        *,
        source: Callable[[], figures.Source],
        acts: Acts,
        interval: float = 2.0,
        wanted: str = "",
        colours: bool = True,
    ) -> None:
        super().__init__(ansi_color=True)
        self._open = source
        self._source: figures.Source | None = None
        self._acts = acts
        self._interval = interval
        self._wanted = wanted
        self._coloured = colours
        self._order = top_lines.Order.TREE
        self._rows: Sequence[metrics.Row] = ()
        self._recent: Mapping[str, Sequence[float | None]] = {}
        self._lines: list[top_lines.Line] = []
        self._columns: list[top_lines.Column] = []
        self._trouble = "looking …"

    # --- what is on it

    def compose(self) -> ComposeResult:
        yield widgets.Static(id="head")
        yield widgets.DataTable(cursor_type="row", cell_padding=0, zebra_stripes=False)
        yield widgets.Input(self._wanted, placeholder="words", id="filter", compact=True)
        yield widgets.Footer(compact=True)

    def on_mount(self) -> None:
        self._table.focus()
        self.set_interval(self._interval, self.action_look)
        self.action_look()
        self.set_timer(SOON, self.action_look)

    @property
    def _table(self) -> widgets.DataTable[Text]:
        return self.screen_stack[0].query_one(widgets.DataTable)

    def on_resize(self) -> None:
        if self.screen_stack[0].query(widgets.DataTable):  # it comes before there is anything, too
            self._draw()

    def _draw(self) -> None:
        """The cursor stays on its line, wherever that is now."""
        shown = self._table
        before = self._chosen()
        columns = top_lines.columns(self.size.width, self._rows)
        if [(each.title, each.width) for each in columns] != [
            (each.title, each.width) for each in self._columns
        ]:
            self._columns = columns
            shown.clear(columns=True)
            for column in columns:
                title = column.title.rjust(column.width) if column.right else column.title
                shown.add_column(Text(title), width=column.width + top_lines.GAP)
        self._lines = top_lines.lines(self._rows, self._recent, order=self._order, wanted=self._wanted)
        scrolled = shown.scroll_y
        shown.clear()
        for line in self._lines:
            shown.add_row(*(self._cell(column, line) for column in columns), key=line.key)
        keys = [line.key for line in self._lines]
        if before is not None and before.key in keys:
            shown.move_cursor(row=keys.index(before.key), animate=False, scroll=False)
            shown.scroll_to(y=scrolled, animate=False)
        self.screen_stack[0].query_one("#head", widgets.Static).update(self._head())

    def _cell(self, column: top_lines.Column, line: top_lines.Line) -> Text:
        style = ""
        if line.row is None:
            style = "bold" if line.depth == 0 else ""
        elif self._coloured and column.title in ("PANE", "CONDITION", "HEALTH"):
            word = line.row.health if column.title == "HEALTH" else line.row.pane.condition
            style = table.TONES.get(word or "") or ""
            if column.title == "PANE":
                text = Text(top_lines.cell(column, line) + " ")
                mark = text.plain.find(top_lines.MARKS.get(line.row.pane.condition, "?"))
                text.stylize(style, mark, mark + 1)
                return text
        return Text(top_lines.cell(column, line) + " ", style=style)

    def _head(self) -> Text:
        rows = [line.row for line in self._lines if line.row is not None]
        used = [row.usage for row in rows if row.usage is not None]
        parts = [output.number(len(rows), "pane")]
        if used:
            total = metrics.total(used)
            parts += [f"cpu {figures.percent(total.cpu_percent)}", f"memory {figures.size(total.rss)}"]
        if self._source is not None:
            parts.append(f"by {self._source.name}")
        if self._order is not top_lines.Order.TREE:
            parts.append(f"sorted by {self._order}")
        if self._wanted:
            parts.append(f"only {output.one_line(self._wanted)!r}")
        text = Text("  ".join(parts), no_wrap=True, overflow="ellipsis")
        if self._trouble:
            text.append(f"  {output.one_line(self._trouble)}", style="red" if self._coloured else "bold")
        return text

    # --- looking

    def action_look(self) -> None:
        self.run_worker(self._read, thread=True, group="look", exclusive=True, exit_on_error=True)

    def _read(self) -> None:
        """In a thread of its own."""
        try:
            source = self._source or self._open()
            rows, recent = source.rows(), source.recent(top_lines.SPARKS)
        except errors.OrchestraError as error:
            # The daemon may have ended, or one have begun: the next look chooses anew.
            self.call_from_thread(self._show, None, self._rows, self._recent, str(error))
        else:
            self.call_from_thread(self._show, source, rows, recent, "")

    def _show(
        self,
        source: figures.Source | None,
        rows: Sequence[metrics.Row],
        recent: Mapping[str, Sequence[float | None]],
        trouble: str,
    ) -> None:
        self._source, self._rows, self._recent, self._trouble = source, rows, recent, trouble
        if self.is_running:
            self._draw()

    # --- acting

    def _chosen(self) -> top_lines.Line | None:
        at = self._table.cursor_row
        return self._lines[at] if 0 <= at < len(self._lines) else None

    def _pane(self) -> metrics.Row | None:
        line = self._chosen()
        if line is None or line.row is None:
            self.notify("choose a pane first")
            return None
        return line.row

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What acts on the list is not there where another screen lies over it."""
        return action not in _OF_THE_LIST or len(self.screen_stack) == 1

    def action_sort(self) -> None:
        orders = list(top_lines.Order)
        self._order = orders[(orders.index(self._order) + 1) % len(orders)]
        self._draw()

    def action_filter(self) -> None:
        field = self.query_one("#filter", widgets.Input)
        field.add_class("shown")
        field.focus()

    def action_all(self) -> None:
        field = self.query_one("#filter", widgets.Input)
        field.value = ""
        field.remove_class("shown")
        self._table.focus()

    def on_input_changed(self, changed: widgets.Input.Changed) -> None:
        self._wanted = changed.value
        self._draw()

    def on_input_submitted(self) -> None:
        self.query_one("#filter", widgets.Input).remove_class("shown")
        self._table.focus()

    def action_logs(self) -> None:
        if (row := self._pane()) is not None:
            self.push_screen(Logs(row, self._acts))

    def action_restart(self) -> None:
        row = self._pane()
        if row is None:
            return
        stops = f" It stops pid {row.pane.pid}, and what restarts with it." if row.pane.pid else ""

        def answered(yes: bool | None) -> None:
            if yes:
                self.run_worker(lambda: self._restart(row), thread=True, group="restart")

        self.push_screen(Question(f"Restart {row.pane.address}?{stops}"), answered)

    def _restart(self, row: metrics.Row) -> None:
        """In a thread of its own."""
        try:
            said = self._acts.restart(row)
        except errors.OrchestraError as error:
            self.call_from_thread(self.notify, _plain(str(error)), severity="error", markup=False)
        else:
            self.call_from_thread(self.notify, _plain(said), markup=False)
            self.call_from_thread(self.action_look)

    def on_data_table_row_selected(self) -> None:
        row = self._pane()
        if row is None:
            return
        try:
            words, alone = self._acts.attach_words(row)
            if alone:
                with self.suspend():
                    subprocess.run(words, check=False)
                self.refresh()
            else:
                subprocess.run(words, check=False, capture_output=True)
        except (errors.OrchestraError, app.SuspendNotSupported) as error:
            self.notify(_plain(str(error)), severity="error", markup=False)


class Logs(screen.Screen[None]):
    """What one pane prints."""

    CSS = """
    #title { height: 1; text-style: bold; }
    RichLog { height: 1fr; background: ansi_default; }
    """
    BINDINGS: ClassVar[list[binding.BindingType]] = [
        binding.Binding("escape,q,l", "app.pop_screen", "Back"),
    ]

    def __init__(self, row: metrics.Row, acts: Acts) -> None:
        super().__init__()
        self._row = row
        self._acts = acts
        self._process: asyncio.subprocess.Process | None = None

    def compose(self) -> ComposeResult:
        yield widgets.Static(Text(output.one_line(self._row.pane.address)), id="title")
        yield widgets.RichLog(max_lines=MOST_LINES, wrap=True, markup=False, highlight=False, min_width=0)
        yield widgets.Footer(compact=True)

    def on_mount(self) -> None:
        self.query_one(widgets.RichLog).focus()
        self.run_worker(self._follow(), exit_on_error=True)

    async def _follow(self) -> None:
        log = self.query_one(widgets.RichLog)
        words = self._acts.log_words(self._row)
        if words is None:
            try:
                shown = await asyncio.to_thread(self._acts.shown, self._row)
            except errors.OrchestraError as error:
                shown = str(error)
            for line in shown.rstrip().splitlines():
                log.write(Text(output.printable(line)))
            return
        self._process = await asyncio.create_subprocess_exec(
            *words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            limit=1024 * 1024,
        )
        assert self._process.stdout is not None
        async for printed in self._process.stdout:
            log.write(Text(output.printable(printed.decode(errors="replace").rstrip("\n"))))

    async def on_unmount(self) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.terminate()
            await self._process.wait()


class Question(screen.ModalScreen[bool]):
    CSS = """
    Question { align: center middle; background: transparent; }
    #question { width: auto; max-width: 90%; height: auto; border: round $accent; padding: 0 1; }
    #question Static { width: auto; }
    """
    BINDINGS: ClassVar[list[binding.BindingType]] = [
        binding.Binding("y", "answer(True)", "Yes"),
        binding.Binding("n,escape,q,enter", "answer(False)", "No"),
    ]

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def compose(self) -> ComposeResult:
        with containers.Vertical(id="question"):
            yield widgets.Static(Text(f"{output.one_line(self._text)} [y/N]"))

    def action_answer(self, yes: bool) -> None:
        self.dismiss(yes)


def _plain(text: str) -> str:
    return output.printable(text)
