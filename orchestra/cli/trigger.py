"""`orchestra trigger`: when something happens, do something; beside what manifests say."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orchestra.cli import codes, options, output, suggest, table
from orchestra.model import diagnostic, errors, event

if TYPE_CHECKING:  # see options
    from orchestra.daemon import assemble
    from orchestra.engine.trigger import triggers
    from orchestra.model import rules

NEWEST = 10_000
"""Events that are tried when nothing is said of how many."""
PAGE = 1000
GONE = "(gone)"
"""Where a session was that a trigger looked at."""


@click.group("trigger")
def command() -> None:
    """When something happens, do something: list triggers, try them, and add some that no manifest has.

    \b
    Examples:
      orchestra trigger list
      orchestra trigger test alert-on-crash --since 1h
      orchestra trigger add --name crash --on pane.exited --run 'logger "$ORCHESTRA_EVENT_ADDRESS ended"'
    """


def _workspace(function: Any) -> Any:
    return click.option(
        "--workspace", "-w", default="", metavar="NAME", shell_complete=suggest.workspaces,
        help="Of this workspace; needed where there are several.",
    )(function)  # fmt: skip


@command.command("list")
@click.option(
    "--workspace",
    "-w",
    default="",
    metavar="NAME",
    shell_complete=suggest.workspaces,
    help="Only of this one.",
)
@options.common
def list_(common: options.Common, workspace: str) -> int:
    """List the triggers in force, with those of schedules and of watched files.

    \b
    Example:
      orchestra trigger list --workspace shop
    """
    from orchestra.daemon import added
    from orchestra.engine.trigger import triggers
    from orchestra.model import names

    server = common.assembly().tmux.observe()
    if workspace:
        added.chosen(server, workspace)
    force = triggers.in_force(server, triggers.InForce())
    sessions = {each.id: names.given(each.name) for each in server.sessions}
    rows = [
        _row(rule) if rule.workspace else {**_row(rule), "from": sessions.get(rule.trigger.source, GONE)}
        for rule in force.rules
        if workspace in ("", rule.workspace)
    ]
    if common.json:
        output.result("trigger", {"triggers": rows})
        return codes.OK
    if not rows:
        output.say("no triggers are in force")
        return codes.OK
    head = ("WORKSPACE", "NAME", "ON", "FROM", "DO", "ORIGIN")
    lines = [
        (
            row["workspace"] or "-",
            row["name"],
            row["on"],
            row["from"] or "everything",
            ", ".join(row["do"]),
            row["origin"],
        )
        for row in rows
    ]
    for line in table.lines([head, *lines], head=True):
        output.say(line)
    return codes.OK


def _row(rule: triggers.Rule) -> dict[str, Any]:
    from orchestra.engine.trigger import firings

    trigger = rule.trigger
    return {
        "workspace": rule.workspace,
        "name": trigger.name,
        "on": _on(trigger.on),
        "from": trigger.source,
        "when": trigger.when,
        "limit": f"{trigger.limit.count} per {output.wished(trigger.limit.within.total_seconds())}",
        "for": trigger.held.total_seconds(),
        "debounce": trigger.debounce.total_seconds(),
        "do": [firings.called(each.act) for each in trigger.do],
        "origin": rule.origin,
    }


def _on(on: rules.On) -> str:
    from orchestra.model import rules

    match on:
        case rules.OnEvent(types=types):
            return ", ".join(types)
        case rules.OnOutput(pattern=pattern):
            return f"output {pattern}"
        case rules.OnIdle(after=after):
            return f"idle {output.wished(after.total_seconds())}"
        case rules.OnTimeout(after=after):
            return f"timeout {output.wished(after.total_seconds())}"
        case rules.OnFile(paths=paths):
            return f"file {' '.join(paths)}"
        case rules.OnMetric(metric=metric, above=above, below=below):
            side, value = ("above", above) if above is not None else ("below", below or 0.0)
            return f"{metric} {side} {_amount(metric, value)}"
        case rules.OnSchedule(schedule=schedule):
            return f"schedule {schedule}"


def _amount(metric: rules.Metric, value: float) -> str:
    from orchestra.engine.react import limits
    from orchestra.model import rules

    kind = {rules.Metric.MEMORY: "memory", rules.Metric.IO: "output", rules.Metric.CPU: "cpu"}.get(metric)
    return limits.shown(kind, value) if kind is not None else f"{value:g}"


# --- trying


@command.command("test")
@click.argument("name", metavar="[NAME]", required=False)
@click.option(
    "--event", "text", metavar="JSON", help="Try this event instead of those that are kept; - reads it."
)
@click.option("--since", type=options.Since(), metavar="WHEN", help="Events from 10m ago on.")
@click.option(
    "--file", "file", type=click.Path(), metavar="FILE", help="Try a manifest's triggers, not those in force."
)
@_workspace
@options.manifest
@options.common
def test(
    common: options.Common,
    inputs: Any,
    name: str | None,
    text: str | None,
    since: datetime | None,
    file: str | None,
    workspace: str,
) -> int:
    """Show which events would have set off which triggers. Nothing is done.

    Without --event it tries the last 10,000 events that are kept. Limits, "for" and "debounce" count as they would have.

    \b
    Examples:
      orchestra trigger test
      orchestra trigger test alert --event '{"type": "pane.exited", "address": "api/server", "exit_code": 1}'
    """
    from orchestra.daemon import added
    from orchestra.engine.trigger import deciding, rehearsing
    from orchestra.manifest import fault, reacting

    assembly = common.assembly()
    force, chosen = _tried(common, assembly, inputs, file, workspace, name)
    reader = reacting.Reader()
    wrong: dict[str, str] = {}

    def holds(expression: str, plain: Mapping[str, Any]) -> bool:
        try:
            return reader.holds(expression, plain)
        except fault.Faulty as error:
            wrong[expression] = error.summary
            return False

    if text is not None:
        where = chosen or added.chosen(assembly.tmux.observe(), workspace)
        events: Iterator[event.Event] = iter([_event(text, where)])
    else:
        events = _kept(assembly, since)
    rows = []
    for at, found in rehearsing.rehearsed(events, force, holds):
        limited = found.reason if isinstance(found, deciding.Limited) else ""
        plain = found.event if isinstance(found, deciding.Fire) else {}
        rows.append({**_row(found.rule), "time": at, "event": dict(plain), "limited": limited})
    for expression, summary in wrong.items():
        output.note(output.one_line(f"warning: `when: {expression}` cannot be told: {summary}"))
    if common.json:
        output.result("trigger", {"fired": rows})
        return codes.OK
    for row in rows:
        when = datetime.fromtimestamp(row["time"], UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")
        said = row["limited"] or f"{row['event'].get('type')} {row['event'].get('address', '')}".strip()
        what = "left out" if row["limited"] else f"would {', '.join(row['do'])}"
        output.say(output.one_line(f"{when}  {row['workspace']} {row['name']}: {said}: {what}"))
    if not rows:
        output.say("nothing would have been done")
    return codes.OK


def _tried(
    common: options.Common,
    assembly: assemble.Assembly,
    inputs: Any,
    file: str | None,
    workspace: str,
    name: str | None,
) -> tuple[triggers.InForce, str]:
    """And the workspace that is meant, where one is."""
    from orchestra.engine.trigger import triggers
    from orchestra.model import spec

    if file is not None:
        loaded = options.read(file, inputs, quiet=common.json)
        wanted = loaded.workspace
        scene = triggers.Scene(
            candidates=spec.candidates(wanted.sessions, wanted.groups),
            groups={each.name: frozenset(each.panes) for each in wanted.groups},
        )
        made = list(triggers.of_rules(wanted.name, wanted.rules, scene))
        scenes: Mapping[str, triggers.Scene] = {wanted.name: scene}
        workspace = wanted.name
    else:
        force = triggers.in_force(assembly.tmux.observe(), triggers.InForce())
        made, scenes = list(force.rules), force.scenes
    if workspace:
        made = [rule for rule in made if rule.workspace == workspace]
    if name is not None:
        known = [rule.trigger.name for rule in made]
        made = [rule for rule in made if rule.trigger.name == name]
        if not made:
            raise _unknown(name, known)
    return triggers.compiled(made, scenes), workspace or (made[0].workspace if len(made) == 1 else "")


def _event(text: str, workspace: str) -> event.Event:
    from orchestra.host import clock
    from orchestra.model import codec

    try:
        plain = json.loads(sys.stdin.read() if text == options.STDIN else text)
        if not isinstance(plain, dict):
            raise ValueError("an object is needed")
        kind = event.BODIES.get(str(plain.get("type")))
        if kind is None:
            raise ValueError(f"there are no events of type {plain.get('type')}")
        now = event.stamp(clock.Clock().now())
        return event.load({"time": now, "workspace": workspace, **event.blank(kind), **plain})
    except (ValueError, codec.LoadError) as wrong:
        raise errors.UsageError(
            f"--event: {wrong}",
            hint="""for example '{"type": "pane.exited", "address": "api/server", "exit_code": 1}'""",
        ) from wrong


def _kept(assembly: assemble.Assembly, since: datetime | None) -> Iterator[event.Event]:
    from orchestra.store import journal

    path = assembly.expected().journal
    if not path.exists():
        output.note("nothing was kept: no daemon ever ran for this tmux server")
        return
    reader = journal.read_only(path)
    after = max(reader.last() - NEWEST, 0) if since is None else 0
    while page := reader.read(after, limit=PAGE, since=since):
        yield from page
        after = page[-1].sequence


# --- adding


@command.command("add")
@click.argument("file", metavar="[FILE]", required=False, type=click.Path())
@click.option("--name", metavar="NAME", help="What it is called.")
@click.option(
    "--on", metavar="WHAT",
    help="An event's type (pane.exited, pane.*), output:REGEX, idle:10m, timeout:1h, file:GLOB, metric:memory>1G or"
    " schedule:NAME.",
)  # fmt: skip
@click.option(
    "--from", "source", metavar="SELECTOR", help="Only of these panes: an address, a glob, @group, labels."
)
@click.option("--when", metavar="EXPRESSION", help="Only if this is so: event.exit_code != 0")
@click.option("--limit", metavar="N per D", help="At most so often: 1 per 10s.")
@click.option("--debounce", metavar="D", help="Once, so long after the last of several.")
@click.option("--for", "held", metavar="D", help="So long it has to stay so.")
@click.option(
    "--run", metavar="COMMAND", help="Run this; the event is in its environment and on its standard input."
)
@click.option("--notify", metavar="TITLE", help="Tell a person.")
@click.option("--log", metavar="TEXT", help="Write this into the journal.")
@click.option("--restart", metavar="SELECTOR", help="Restart these panes.")
@_workspace
@options.common
def add(common: options.Common, file: str | None, workspace: str, **said: str | None) -> int:
    """Add triggers that no manifest has: from FILE (- for standard input), which holds one as a manifest does, or a list; or from options.

    They stand on the tmux server, and stay until they are removed or it ends: no apply touches them.

    \b
    Examples:
      orchestra trigger add --name errors --on 'output:ERROR|FATAL' --from api/server --log '{{ event.line }}'
      orchestra trigger add extra.yaml
    """
    given = {key: value for key, value in said.items() if value is not None}
    if (file is None) == (not given):
        raise click.UsageError("give a FILE, or options that say what to add")
    if file is not None:
        made = put(common, workspace, file, _text(file))
    else:
        document = _document(given)
        places = {each: f"--{each}" for each in document if each != "do"}
        places |= {f"do.{n}": f"--{key}" for n, each in enumerate(document["do"]) for key in each}
        with spoken(places):
            made = put(common, workspace, str(Path("options").absolute()), json.dumps(document))
    if common.json:
        output.result("trigger", {"added": [each.name for each in made]})
    else:
        output.say(output.one_line(f"added {', '.join(each.name for each in made)}"))
    return codes.OK


@contextlib.contextmanager
def spoken(places: Mapping[str, str]) -> Iterator[None]:
    """What is wrong stands in no file. `places`: the options, by the way to them in the document."""
    try:
        yield
    except errors.ManifestError as wrong:
        raise errors.ManifestError([_placed(each, places) for each in wrong.diagnostics]) from wrong


def _placed(wrong: diagnostic.Diagnostic, places: Mapping[str, str]) -> diagnostic.Diagnostic:
    way = f"{wrong.location.path}." if wrong.location is not None else "."
    option = next((name for prefix, name in places.items() if way.startswith(f"{prefix}.")), "")
    said = f"{option}: {wrong.summary}" if option else wrong.summary
    return dataclasses.replace(wrong, location=None, summary=said)


def put(common: options.Common, workspace: str, file: str, text: str) -> tuple[rules.Trigger, ...]:
    """And sees to it that somebody hears of it."""
    from orchestra.daemon import added

    assembly = common.assembly()
    chosen = added.chosen(assembly.tmux.observe(), workspace)
    made = added.add(assembly, chosen, file, text)
    wake(common)
    return made


def wake(common: options.Common) -> None:
    """Returns when a daemon looks on."""
    there = common.daemon()
    if there is None:
        from orchestra.cli import daemon  # only who needs one

        daemon.begin(common)
        output.note("the daemon was started: triggers need it")
    else:
        there.post("/v1/look", {})


def _document(given: Mapping[str, str]) -> dict[str, Any]:
    if missing := [each for each in ("name", "on") if each not in given]:
        raise click.UsageError(f"say {' and '.join(f'--{each}' for each in missing)}")
    names = {"source": "from", "held": "for"}
    plain: dict[str, Any] = {names.get(key, key): value for key, value in given.items() if key not in _ACTS}
    plain["on"] = _source(given["on"])
    plain["do"] = [{key: given[key]} for key in _ACTS if key in given]
    if not plain["do"]:
        raise click.UsageError(f"say what is to be done: {', '.join(f'--{each}' for each in _ACTS)}")
    return plain


def _source(text: str) -> object:
    """As a manifest has it: `on`."""
    kind, colon, rest = text.partition(":")
    if not colon or "." in kind:
        return text
    if kind == "metric":
        if (found := _METRIC.fullmatch(rest)) is None:
            raise errors.UsageError(f"--on: {rest} says no bound", hint="for example metric:memory>1G")
        return {"metric": found[1], "above" if found[2] == ">" else "below": found[3]}
    if kind not in _SOURCES:
        raise errors.UsageError(
            f"--on: there is no {kind}:", hint=f"there are {', '.join(_SOURCES.values())}"
        )
    return {kind: [rest] if kind == "file" else rest}


_METRIC = re.compile(r"(\w+)\s*([<>])\s*(\S+)")
_SOURCES = {
    "output": "output:REGEX",
    "idle": "idle:10m",
    "timeout": "timeout:1h",
    "file": "file:GLOB",
    "metric": "metric:memory>1G",
    "schedule": "schedule:NAME",
}
_ACTS = ("run", "notify", "log", "restart")


def _text(file: str) -> str:
    if file == options.STDIN:
        return sys.stdin.read()
    try:
        return Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise errors.UsageError(f"cannot read {file}: {getattr(error, 'strerror', error)}") from error


@command.command("remove")
@click.argument("names", metavar="NAME…", nargs=-1, required=True)
@_workspace
@options.common
def remove(common: options.Common, names: Sequence[str], workspace: str) -> int:
    """Remove triggers that were added. What a manifest says is taken out there, and applied.

    \b
    Example:
      orchestra trigger remove errors
    """
    from orchestra.daemon import added
    from orchestra.engine.trigger import triggers

    assembly = common.assembly()
    server = assembly.tmux.observe()
    every = triggers.in_force(server, triggers.InForce()).rules
    strangers = {rule.trigger.name for rule in every if not rule.workspace and not workspace}
    owners = {rule.workspace for rule in every if rule.origin == "added" and rule.trigger.name in names}
    chosen = next(iter(owners)) if len(owners) == 1 and not workspace else ""
    only = strangers and not any(rule.workspace for rule in every)
    if not chosen and not only and not strangers.issuperset(names):
        chosen = added.chosen(server, workspace)
    here = [rule for rule in every if rule.workspace == chosen]
    for name in names:
        if name in strangers:
            continue
        found = next((rule for rule in here if rule.trigger.name == name), None)
        if found is not None and found.origin != "added":
            raise errors.Conflict(
                f"{name} was not added by hand: it comes from the {found.origin} of {chosen}",
                hint="take it out of the manifest, then orchestra apply",
            )
        if found is None:
            raise _unknown(name, [rule.trigger.name for rule in here if rule.origin == "added"])
    for name in names:
        added.remove(assembly, "" if name in strangers else chosen, name)
    there = common.daemon()
    if there is not None:
        there.post("/v1/look", {})
    elif strangers.intersection(names):
        added.hear_no_more(assembly)
    if common.json:
        output.result("trigger", {"removed": list(names)})
    else:
        output.say(output.one_line(f"removed {', '.join(names)}"))
    return codes.OK


def _unknown(name: str, known: Sequence[str]) -> errors.UsageError:
    import difflib  # only a slip pays for it

    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else "orchestra trigger list shows what there is"
    return errors.UsageError(f"there is no trigger {name}", hint=hint)
