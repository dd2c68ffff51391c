"""`orchestra schedule`: what is due when, and a person's hand in it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from orchestra.cli import codes, options, output, suggest, table
from orchestra.model import errors

if TYPE_CHECKING:  # see options
    from orchestra.daemon import assemble
    from orchestra.model import diagnostic, rules, status


@click.group("schedule")
def command() -> None:
    """Schedules that were applied: when they are due, and whether they are. A schedule is named NAME, or WORKSPACE/NAME.

    \b
    Examples:
      orchestra schedule list
      orchestra schedule next nightly -n 5
      orchestra schedule run shop/nightly
    """


@command.command("list")
@click.option(
    "--workspace", "-w", default="", metavar="NAME", shell_complete=suggest.workspaces, help="Only of this workspace."
)  # fmt: skip
@options.common
def list_(common: options.Common, workspace: str) -> int:
    """Show every schedule that stands on the tmux server, and when it is due next. Needs no daemon.

    \b
    Example:
      orchestra schedule list
    """
    assembly = common.assembly()
    server = assembly.tmux.observe()
    rows = [each for each in _rows(common, 1, server) if workspace in ("", each["workspace"])]
    if workspace and not rows:
        raise _unknown(
            workspace, [each["workspace"] for each in _rows(common, 0, server)], "workspace with schedules"
        )
    clashes = _clashes(assembly, server, rows)
    if common.json:
        output.result("schedule", {"schedules": rows}, clashes)
        return codes.OK
    if not rows:
        output.note("no schedule stands on this tmux server")
        return codes.OK
    head = ("SCHEDULE", "WHEN", "STATE", "NEXT", "LAST")
    shown = [
        (
            f"{each['workspace']}/{each['schedule']}",
            _when(each),
            each["state"],
            _shown(each["next"][0]["local"]) if each["next"] and each["state"] == "active" else "-",
            _here(each["last"]) if each["last"] else "-",
        )
        for each in rows
    ]
    for line in table.lines([head, *shown], head=True):
        output.say(line)
    for clash in clashes:
        output.note(output.diagnosis(clash, sys.stderr))
    for each in rows:
        if each.get("trouble"):
            output.note(
                output.one_line(f"trouble: {each['workspace']}/{each['schedule']}: {each['trouble']}")
            )
    if common.daemon() is None:
        output.note("no daemon runs, so nothing will be done: orchestra daemon start")
    return codes.OK


@command.command("next")
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=suggest.schedules)
@click.option(
    "--count", "-n", type=click.IntRange(1, 1000), default=3, show_default=True, help="How many times of each."
)  # fmt: skip
@options.common
def next_(common: options.Common, names: tuple[str, ...], count: int) -> int:
    """Show the next times of schedules, in their own zone and in UTC; a jitter comes on top. Needs no daemon.

    \b
    Example:
      orchestra schedule next nightly -n 5
    """
    rows = _rows(common, count, common.assembly().tmux.observe())
    chosen = [_meant(name, rows) for name in names] or rows
    if common.json:
        output.result("schedule", {"schedules": chosen})
        return codes.OK
    if not rows:
        output.note("no schedule stands on this tmux server")
    shown = [
        (f"{each['workspace']}/{each['schedule']}", _shown(at["local"]), at["utc"].replace(".000000Z", "Z"), _remark(each))
        for each in chosen
        for at in each["next"]
    ]  # fmt: skip
    for line in table.lines([("SCHEDULE", "LOCAL", "UTC", ""), *shown], head=True) if shown else ():
        output.say(line)
    for each in chosen:
        if not each["next"]:
            output.note(
                output.one_line(
                    f"{each['workspace']}/{each['schedule']} is not due any more: {each['state']}"
                )
            )
    return codes.OK


@command.command("run")
@click.argument("name", shell_complete=suggest.schedules)
@options.common
def run(common: options.Common, name: str) -> int:
    """Have a schedule be due now, beside its times; also one that is paused. What it does is done by the daemon.

    \b
    Example:
      orchestra schedule run nightly
    """
    return _ask(common, "run", name, "is due now")


@command.command("pause")
@click.argument("name", shell_complete=suggest.schedules)
@options.common
def pause(common: options.Common, name: str) -> int:
    """Have a schedule not be due until it is resumed, whoever applies or restarts what.

    \b
    Example:
      orchestra schedule pause nightly
    """
    return _ask(common, "pause", name, "is paused")


@command.command("resume")
@click.argument("name", shell_complete=suggest.schedules)
@options.common
def resume(common: options.Common, name: str) -> int:
    """Have a paused schedule be due again. What came meanwhile is not done, and told as missed.

    \b
    Example:
      orchestra schedule resume nightly
    """
    return _ask(common, "resume", name, "is resumed")


def _ask(common: options.Common, verb: str, name: str, done: str) -> int:
    there = common.daemon()
    if there is None:
        raise errors.Conflict(
            f"no daemon runs, so there is nobody to {verb} {name}",
            hint="start it with: orchestra daemon start",
        )
    row = _meant(name, there.get("/v1/schedules", {"next": "0"})["schedules"])
    told = there.post(f"/v1/schedules/{row['workspace']}/{row['schedule']}/{verb}", {})
    if common.json:
        said = {key: value for key, value in told.items() if key != "status"}
        output.result(
            "schedule", {"workspace": row["workspace"], "schedule": row["schedule"], "done": verb, **said}
        )
    else:
        output.say(f"{row['workspace']}/{row['schedule']} {done}")
    return codes.OK


def _rows(common: options.Common, count: int, server: status.Server) -> list[dict[str, Any]]:
    """The daemon's own where one runs; else from what stands on the server, and what the last daemon knew."""
    there = common.daemon()
    if there is not None:
        found: list[dict[str, Any]] = there.get("/v1/schedules", {"next": str(count)})["schedules"]
        return found
    from orchestra.engine.react import schedules
    from orchestra.host import clock
    from orchestra.store import journal

    path = common.assembly().expected().journal
    try:
        _, past = schedules.load(
            journal.read_only(path).get(schedules.STATE) if path.exists() else {"seed": "", "known": {}}
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        past = {}
    return schedules.rows(schedules.standing(server), past, clock.Clock().now(), count)


def _meant(name: str, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    found = [each for each in rows if name in (each["schedule"], f"{each['workspace']}/{each['schedule']}")]
    if len(found) == 1:
        return found[0]
    keys = [f"{each['workspace']}/{each['schedule']}" for each in found or rows]
    if found:
        raise errors.UsageError(f"several schedules are called {name}", hint=f"say {' or '.join(keys)}")
    raise _unknown(name, [*keys, *(each["schedule"] for each in rows)], "schedule")


def _unknown(name: str, known: Sequence[str], kind: str) -> errors.UsageError:
    import difflib  # only a slip pays for it

    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else "orchestra schedule list shows what there is"
    return errors.UsageError(f"there is no {kind} {name} on this tmux server", hint=hint)


def _clashes(
    assembly: assemble.Assembly, server: status.Server, rows: Sequence[dict[str, Any]]
) -> tuple[diagnostic.Diagnostic, ...]:
    """Of what stands on the server."""
    from orchestra.host import clock
    from orchestra.plan import conflicts, rules_changes

    found: list[diagnostic.Diagnostic] = []
    for workspace in dict.fromkeys(each["workspace"] for each in rows):
        known = rules_changes.parse(server.rules.get(workspace, ""))
        if known is None or len(known.schedules) < 2:
            continue
        since = {
            each["schedule"]: datetime.fromisoformat(each["since"]) for each in rows if each["workspace"] == workspace
        }  # fmt: skip
        panes = _typed(assembly, server, workspace, known)
        found += conflicts.of(known, panes, clock.Clock().now(), since)
    return tuple(found)


def _typed(
    assembly: assemble.Assembly, server: status.Server, workspace: str, known: rules.Rules
) -> dict[str, set[str]]:
    from orchestra.daemon import grouping
    from orchestra.model import selector
    from orchestra.model import status as seen
    from orchestra.plan import conflicts, record

    candidates = []
    for address, place in seen.owned(server, workspace).items():
        of_pane = record.parse_pane(place.pane.record)
        of_session = record.parse(place.session.record).get("labels")
        labels = dict(of_session) if isinstance(of_session, dict) else {}
        window = f"{address.partition('/')[0]}/{place.window.name}"
        own = dict(of_pane.pane.labels) if of_pane is not None else {}
        candidates.append(selector.Candidate(address=address, window=window, labels={**labels, **own}))
    groups = {name.removeprefix("@"): panes for name, panes in grouping.groups(assembly, workspace).items()}
    return conflicts.typed(known, candidates, groups)


def _when(each: dict[str, Any]) -> str:
    if "every" in each:
        return f"every {output.wished(each['every'])}"
    zone = f" {each['timezone']}" if each["timezone"] else ""
    return f"cron {each['cron']}{zone}" if "cron" in each else f"at {each['at']}{zone}"


def _remark(each: dict[str, Any]) -> str:
    said = [each["state"]] if each["state"] != "active" else []
    return ", ".join([*said, *([f"+ up to {output.wished(each['jitter'])}"] if each["jitter"] else [])])


def _shown(local: str) -> str:
    at = datetime.fromisoformat(local)
    return f"{at:%a} {at.replace(tzinfo=None).isoformat(' ', 'seconds')} {at:%z}"


def _here(utc: str) -> str:
    return _shown(datetime.fromisoformat(utc).astimezone().isoformat())
