"""`orchestra graph`: who waits for whom, as text, or for a program that draws."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

import click

from orchestra.cli import codes, options, output

if TYPE_CHECKING:  # see options
    from orchestra.manifest import load
    from orchestra.model import spec


@click.command("graph")
@options.file
@click.option(
    "--format",
    "drawn",
    type=click.Choice(["text", "dot", "mermaid", "json"]),
    default="text",
    show_default=True,
    help="json is the same as -o json.",
)
@options.manifest
@options.common
def command(common: options.Common, inputs: load.Inputs, file: str | None, drawn: str) -> int:
    """Show in which order FILE's panes start, and what each waits for. Runs nothing and asks no tmux.

    In text, each step waits for steps above it. In dot and mermaid an arrow leads from a pane to those that wait for it.
    FILE is a manifest, - for standard input; without it: orchestra.yaml or orchestra.yml in this directory.

    \b
    Examples:
      orchestra graph manifest.yaml
      orchestra graph manifest.yaml --format dot | dot -Tsvg > graph.svg
    """
    from orchestra.plan import order

    json = common.json or drawn == "json"
    loaded = options.read(options.chosen(file), inputs, quiet=json)
    workspace = loaded.workspace
    order.refuse_cycles(workspace, loaded.locations)
    if json:
        output.result("graph", {"graph": _plain(workspace)}, loaded.warnings)
        return codes.OK
    draw: Mapping[str, Callable[[spec.Workspace], Iterator[str]]] = {
        "text": _text,
        "dot": _dot,
        "mermaid": _mermaid,
    }
    for line in draw[drawn](workspace):
        output.say(line)
    return codes.OK


def _plain(workspace: spec.Workspace) -> dict[str, object]:
    places = {address: step for step, each in enumerate(_steps(workspace), 1) for address in each}
    return {
        "workspace": workspace.name,
        "nodes": [
            {"address": pane.address, "session": session.name, "step": places[pane.address]}
            for session in workspace.sessions
            for pane in session.panes
        ],
        "edges": [
            {
                "from": edge.pane,
                "to": pane.address,
                "condition": str(edge.condition),
                "required": edge.required,
                "on_restart": "cascade" if edge.cascades else "ignore",
            }
            for pane in workspace.panes
            for edge in pane.depends_on
        ],
    }


def _steps(workspace: spec.Workspace) -> tuple[tuple[str, ...], ...]:
    from orchestra.plan import order

    return order.generations(workspace)


def _text(workspace: spec.Workspace) -> Iterator[str]:
    panes = {pane.address: pane for pane in workspace.panes}
    if not panes:
        yield f"{workspace.name} has no panes"
        return
    width = max(map(len, panes))
    steps = _steps(workspace)
    for number, step in enumerate(steps, 1):
        lead = f"{number:>{len(str(len(steps)))}}"
        for address in step:
            head = f"{output.paint(lead, sys.stdout, bold=True)}  {address:<{width}}"
            yield f"{head}{_waits(panes[address])}".rstrip()
            lead = " " * len(lead)


def _waits(pane: spec.Pane) -> str:
    if not pane.depends_on:
        return ""
    edges = ", ".join(f"{edge.pane} ({_label(edge)})" for edge in pane.depends_on)
    return f"  {output.paint('waits for', sys.stdout, dim=True)} {edges}"


def _label(edge: spec.Dependency) -> str:
    words = [edge.condition.replace("_", " ")]
    words += [] if edge.required else ["not required"]
    words += ["restarts with it"] if edge.cascades else []
    return ", ".join(words)


def _dot(workspace: spec.Workspace) -> Iterator[str]:
    """Names are letters, digits, - and _, so quotes are all they need."""
    yield f'digraph "{workspace.name}" {{'
    yield "  rankdir=LR;"
    yield "  node [shape=box];"
    for session in workspace.sessions:
        yield f'  subgraph "cluster_{session.name}" {{'
        yield f'    label="{session.name}";'
        yield from (f'    "{pane.address}" [label="{pane.name}"];' for pane in session.panes)
        yield "  }"
    for pane in workspace.panes:
        for edge in pane.depends_on:
            style = "" if edge.required else ", style=dashed"
            yield f'  "{edge.pane}" -> "{pane.address}" [label="{_label(edge)}"{style}];'
    yield "}"


def _mermaid(workspace: spec.Workspace) -> Iterator[str]:
    ids = {pane.address: f"p{number}" for number, pane in enumerate(workspace.panes)}
    yield "flowchart LR"
    for number, session in enumerate(workspace.sessions):
        yield f'  subgraph s{number}["{session.name}"]'
        yield from (f'    {ids[pane.address]}["{pane.name}"]' for pane in session.panes)
        yield "  end"
    for pane in workspace.panes:
        for edge in pane.depends_on:
            arrow = "-->" if edge.required else "-.->"
            yield f'  {ids[edge.pane]} {arrow}|"{_label(edge)}"| {ids[pane.address]}'
