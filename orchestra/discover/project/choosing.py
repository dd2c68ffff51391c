"""Which of several panes for the same thing stays: what is written for people to start it by wins, and no package is started twice."""

from __future__ import annotations

from collections.abc import Mapping

from orchestra.discover.project import found, procfile
from orchestra.model.diagnostic import Diagnostic

Packages = Mapping[str, list[found.Pane]]
RUNNING = (found.Role.SERVER, found.Role.WORKER)


def chosen(packages: Packages, remarks: list[Diagnostic]) -> dict[str, list[found.Pane]]:
    for step in (_procfiles, _wholes, _spares):
        packages = {dir: step(dir, panes, packages, remarks) for dir, panes in packages.items()}
    return dict(packages)


def _procfiles(
    dir: str, panes: list[found.Pane], packages: Packages, remarks: list[Diagnostic]
) -> list[found.Pane]:
    file = next((pane.source for pane in panes if pane.source in procfile.FILES), None)
    if file is None:
        return panes
    gone = [pane for pane in panes if pane.source != file and pane.role in RUNNING]
    remarks += [_left(dir, pane, f"the lines of {file} are the panes") for pane in gone if not pane.spare]
    return [pane for pane in panes if pane not in gone]


def _wholes(
    dir: str, panes: list[found.Pane], packages: Packages, remarks: list[Diagnostic]
) -> list[found.Pane]:
    """A workspace's own scripts start its members, which have panes; its tests are theirs."""
    kept = []
    for pane in panes:
        if (
            pane.whole
            and not pane.spare
            and pane.role is found.Role.SERVER
            and _any_inside(dir, packages, found.Role.SERVER)
        ):
            remarks.append(_left(dir, pane, "the packages inside have panes of their own"))
        elif pane.role is found.Role.CHECK and not pane.whole and _tested_around(dir, pane, packages):
            remarks.append(_left(dir, pane, "those of the whole workspace are run"))
        else:
            kept.append(pane)
    return kept


def _spares(
    dir: str, panes: list[found.Pane], packages: Packages, remarks: list[Diagnostic]
) -> list[found.Pane]:
    kept = []
    for pane in panes:
        others = [each for each in panes if not each.spare and _same(each, pane)]
        if not dir and not others:
            others = [
                each
                for inside in packages.values()
                for each in inside
                if not each.spare and _same(each, pane)
            ]
        if pane.spare and others:
            remarks.append(_left(dir, pane, f"{others[0].source} says how"))
        else:
            kept.append(pane)
    return kept


def _same(one: found.Pane, other: found.Pane) -> bool:
    return one.role is other.role and (one.role is not found.Role.CHECK or one.name == other.name)


def _any_inside(dir: str, packages: Packages, role: found.Role) -> bool:
    head = f"{dir}/" if dir else ""
    return any(
        pane.role is role
        for other, panes in packages.items()
        if other != dir and other.startswith(head)
        for pane in panes
    )


def _tested_around(dir: str, pane: found.Pane, packages: Packages) -> bool:
    parts = dir.split("/") if dir else []
    around = ["/".join(parts[:length]) for length in range(len(parts))]
    return any(
        each.whole and not each.spare and each.name == pane.name and each.source == pane.source
        for other in around
        for each in packages.get(other, ())
    )


def _left(dir: str, pane: found.Pane, why: str) -> Diagnostic:
    source = f"{dir}/{pane.source}" if dir else pane.source
    return found.note(f"`{pane.command}` ({source}: {pane.reason}) is left out: {why}")
