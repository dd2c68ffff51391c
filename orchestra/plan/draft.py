"""Steps as they are being drafted, and what later ones have to know of earlier ones."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from orchestra.model import action, diagnostic, plan, spec, status
from orchestra.plan import record

Size = tuple[int, int]


@dataclass(slots=True)
class Draft:
    workspace: str
    new_uid: Callable[[], str]
    size: Size
    steps: list[plan.Step] = field(default_factory=list)
    stopped: dict[str, int] = field(default_factory=dict)
    """Address of a pane that is declared no more -> the step after which its processes have ended."""
    freed: list[int] = field(default_factory=list)
    """After these what is declared no more has ended, and its ports and locks are free."""
    asides: dict[str, int] = field(default_factory=dict)
    """Name of a session -> the step after which nobody has it."""
    made: dict[str, int] = field(default_factory=dict)
    """"session NAME", "window ADDRESS", "pane ADDRESS" -> the step after which it is in its place."""
    marks: dict[str, status.Mark] = field(default_factory=dict)
    """Address of a window that is marked anew -> its mark."""
    seeds: dict[str, status.Mark] = field(default_factory=dict)
    """Address of a pane that the plan makes -> its mark."""
    started: dict[str, int] = field(default_factory=dict)
    settled: dict[str, list[int]] = field(default_factory=dict)
    """Address of a window -> the steps after which it stands as it is wanted."""
    held: dict[str, list[int]] = field(default_factory=dict)
    """Id of a window -> the steps before which nothing may leave it, or tmux would remove it or its session."""
    left: dict[str, list[int]] = field(default_factory=dict)
    """Id of a window -> the steps after which something has left it."""
    problems: list[diagnostic.Diagnostic] = field(default_factory=list)

    def add(
        self, what: action.Action, change: str, after: Iterable[int] = (), optional_after: Iterable[int] = ()
    ) -> int:
        step = plan.Step(id=len(self.steps), action=what, change=change)
        self.steps.append(step)
        self.wait(step.id, after, optional_after)
        return step.id

    def wait(self, id_: int, after: Iterable[int], optional_after: Iterable[int] = ()) -> None:
        """More for a step to come after."""
        step = self.steps[id_]
        needed = {*step.after, *after}
        self.steps[id_] = dataclasses.replace(
            step,
            after=tuple(sorted(needed)),
            optional_after=tuple(sorted({*step.optional_after, *optional_after} - needed)),
        )

    def after(self, *keys: str) -> list[int]:
        return [self.made[key] for key in keys if key in self.made]

    def mark(self, address: str) -> status.Mark:
        return status.Mark(workspace=self.workspace, address=address, uid=self.new_uid())

    def seed(self, want: spec.Pane) -> action.Seed:
        mark = self.mark(want.address)
        if want.depends_on:
            notice = "waits for " + ", ".join(f"{edge.pane} ({edge.condition})" for edge in want.depends_on)
            seed = action.Seed(pane=want, mark=waiting(mark), start=False, notice=notice)
        else:
            seed = action.Seed(pane=want, mark=begun(mark, want))
        self.seeds[want.address] = seed.mark
        return seed

    def hold(self, place: str) -> action.Seed:
        """A pane that keeps a session or window alive until its panes have moved in. No declared name can hold a dot, and an earlier
        apply that was cut off may have left one of its own."""
        uid = self.new_uid()
        mark = status.Mark(workspace=self.workspace, address=f"{place}.hold-{uid}", uid=uid)
        return action.Seed(pane=spec.Pane(address=mark.address, dir="/"), mark=waiting(mark), start=False)

    def before(self, seed: action.Seed) -> list[int]:
        """What has to have ended before this pane's process may start."""
        return self.freed if seed.start else []


def set_options(
    kind: action.Kind, address: str, before: Mapping[str, str], after: Mapping[str, str]
) -> action.SetOptions:
    gone = tuple(name for name in before if name not in after)
    return action.SetOptions(kind=kind, address=address, options=after, unset=gone)


def waiting(mark: status.Mark) -> status.Mark:
    return dataclasses.replace(mark, stage=status.Stage.WAITING)


def typed_out(mark: status.Mark, want: spec.Pane) -> status.Mark:
    """The mark of a shell into which all of its lines have been typed."""
    return dataclasses.replace(mark, stage=status.Stage.DONE, typed=len(want.send_keys))


def begun(mark: status.Mark, want: spec.Pane) -> status.Mark:
    """The mark of a pane whose process has just been started."""
    return status.Mark(
        workspace=mark.workspace,
        address=mark.address,
        uid=mark.uid,
        fingerprint=record.fingerprint(want),
        stage=status.Stage.TYPING if want.send_keys else status.Stage.DONE,
    )
