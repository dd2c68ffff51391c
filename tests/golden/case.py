"""One plan case: a folder with what is wanted, what is observed, and the plan as a person sees it."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestra.cli import output
from orchestra.manifest import load
from orchestra.model import action, errors, plan
from tests.support import observed, simulate

CASES = Path(__file__).parent / "cases"
FILES = {"manifest.yaml", "observed.yaml", "options.json", "plan.txt"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    folder: Path
    wanted: observed.Wanted
    manifest: load.Loaded
    world: simulate.World
    new_uid: observed.Uids

    def plan(self) -> plan.Plan:
        return observed.planned(self.manifest, self.world, self.wanted, self.new_uid)


def names() -> list[str]:
    return sorted(path.name for path in CASES.iterdir())


def is_error(name: str) -> bool:
    """Of these there is no plan; the name says so, and the text."""
    return name.startswith("conflict-")


def read(name: str) -> Case:
    folder = CASES / name
    options: dict[str, Any] = {}
    if (folder / "options.json").exists():
        options = json.loads((folder / "options.json").read_text())
    wanted = observed.Wanted.of(options)
    new_uid = observed.Uids()
    world = observed.world(folder, new_uid)
    return Case(
        folder=folder,
        wanted=wanted,
        manifest=observed.loaded(folder / "manifest.yaml", wanted),
        world=world,
        new_uid=new_uid,
    )


def text(case: Case) -> str:
    """What `diff` prints, then the steps with their edges; the error when there can be no plan."""
    plain = io.StringIO()  # no terminal: no colours
    try:
        made = case.plan()
    except errors.OrchestraError as error:
        shown = [observed.relative(each, case.folder) for each in error.diagnostics]
        return "".join(f"{output.diagnosis(each, plain)}\n" for each in shown)
    return "\n".join([output.plan_text(made, plain), "", *_steps(made)]).rstrip() + "\n"


def _steps(made: plan.Plan) -> Iterator[str]:
    for step in made.steps:
        words = [f"#{step.id}", type(step.action).__name__, *_told(step.action)]
        if step.change and step.change not in words:
            words.append(f"for {step.change}")
        if step.after:
            words.append("after " + ",".join(map(str, step.after)))
        if step.optional_after:
            words.append("after, come what may, " + ",".join(map(str, step.optional_after)))
        yield " ".join(words)


def _told(what: action.Action) -> list[str]:
    match what:
        case action.CreateSession(address=address, window=window):
            return [address, "with window", window.address, *_seed(window.seed)]
        case action.CreateWindow(address=address, seed=seed):
            return [address, *_seed(seed)]
        case action.CreatePane(address=address, window=window, seed=seed, spread=spread):
            return [
                address,
                "in",
                window,
                *([] if seed.start else ["(waits)"]),
                *(["(tight)"] * (not spread)),
            ]
        case action.StopPane(address=address, pid=pid, shell=shell):
            return [address, f"(pid {pid}, a shell)" if shell else f"(pid {pid})"]
        case action.Rename(kind=kind, address=address, name=name):
            return [kind, address, "to", name]
        case action.MovePane(address=address, window=window, create=create):
            return [address, "to", *(["new"] if create else []), window]
        case action.MoveWindow(address=address, session=session):
            return [address, "to", session]
        case action.OrderWindows(session=session, windows=windows):
            return [session, f"({', '.join(windows)})"]
        case action.OrderPanes(window=window, panes=panes):
            return [window, f"({', '.join(panes)})"]
        case action.ArrangeWindow(window=window, layout=layout):
            return [window, layout.partition(",")[2]]
        case action.Write(kind=kind, address=address, title=title):
            return [kind, address, *([] if title is None else [f"(title {title!r})"])]
        case action.Focus(kind=kind, address=address) | action.Forget(kind=kind, address=address):
            return [kind, address]
        case action.Await(address=address, condition=condition):
            return [address, condition]
        case action.TypeLines(address=address, mark=mark):
            return [address, f"(from line {mark.typed + 1})"]
        case (
            action.StartPane(address=address)
            | action.DeletePane(address=address)
            | action.Collect(address=address)
        ):
            return [address]
        case action.TypeAhead(address=address, line=line, enter=enter):
            return [address, repr(line), *(["and Enter"] if enter else [])]
        case action.SetOptions(kind=kind, address=address, options=options, unset=unset):
            changes = [
                *(f"{name}={value}" for name, value in options.items()),
                *(f"-{name}" for name in unset),
            ]
            return [kind, address, *changes]
        case action.Zoom(window=window, zoomed=zoomed):
            return [window, "in" if zoomed else "out"]
        case action.WriteRules(workspace=workspace, text=text):
            return [workspace, *([] if text else ["(none)"])]
        case action.Join():
            return []


def _seed(seed: action.Seed) -> list[str]:
    return ["with pane", seed.pane.address, *([] if seed.start else ["(waits)"])]
