"""`orchestra limit`: what a live pane may use, set by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from orchestra.cli import codes, options, output, suggest

if TYPE_CHECKING:  # see options
    from orchestra.daemon import limit_by_hand


@click.command("limit")
@click.argument("address", shell_complete=suggest.addresses)
@click.argument("words", metavar="[KEY=VALUE…]", nargs=-1)
@click.option(
    "--clear", is_flag=True, help="Forget all that was set by hand: what the manifest says holds again."
)
@click.option(
    "--set",
    "spelled",
    nargs=2,
    metavar="KEY VALUE",
    help="As the bridge did: a bare number is a percentage, or megabytes; what is above is throttled.",
)
@options.common
def command(
    common: options.Common, address: str, words: tuple[str, ...], clear: bool, spelled: tuple[str, str] | None
) -> int:
    """Set what a live pane may use, all its processes together; without KEY=VALUE show it. Nothing is stopped or started for it.

    Keys are the manifest's: memory, cpu, processes, output, time, on_exceed (warn, throttle, restart, stop, kill) and after; the value
    `none` lifts a limit. They stand on the pane until they are cleared or it is gone, and go before the manifest's. ADDRESS is
    session/pane, session/number or tmux's %id; a pane that is not orchestra's is ended only if you say on_exceed=kill.

    \b
    Examples:
      orchestra limit api/server memory=512M on_exceed=restart
      orchestra limit api/server cpu=none
      orchestra limit api/server --clear
    """
    from orchestra.daemon import limit_by_hand
    from orchestra.manifest import limit_words

    assembly = common.assembly()
    found = limit_by_hand.find(assembly, address)
    told = limit_words.parsed([*words, *(_spelled(spelled) if spelled else ())])
    hand = {**({} if clear else found.hand), **told}
    if spelled and "on_exceed" not in hand and (found.applied is None):
        hand["on_exceed"] = "throttle"
    if clear or told:
        limit_by_hand.change(assembly, found, hand)
        _wake(common)
        found = limit_by_hand.find(assembly, found.place.pane.id)
    if common.json:
        output.result("limit", _body(found))
    else:
        for line in _lines(found):
            output.say(output.one_line(line))
    return codes.OK


def _spelled(spelled: tuple[str, str]) -> tuple[str, ...]:
    key, value = spelled
    unit = "M" if key == "memory" and value.isdecimal() else ""
    return (f"{key}={value}{unit}",)


def _wake(common: options.Common) -> None:
    """That an option was set tells nobody."""
    daemon = common.daemon()
    if daemon is not None:
        daemon.post("/v1/events", {"workspace": "", "events": []})
        return
    from orchestra.cli import daemon as starting  # only who needs one

    starting.begin(common)
    output.note("the daemon was started: it keeps panes within their limits")


def _plain(found: limit_by_hand.Standing) -> dict[str, Any]:
    limits = found.effective
    if limits is None:
        return {}
    return {
        "memory": limits.memory,
        "cpu": limits.cpu,
        "processes": limits.processes,
        "output": limits.output,
        "time": limits.time.total_seconds() if limits.time is not None else None,
        "on_exceed": str(limits.on_exceed),
        "after": limits.after,
    }


def _body(found: limit_by_hand.Standing) -> dict[str, Any]:
    plain = _plain(found)
    memory = plain.get("memory")
    return {
        "session": found.place.session.name,
        "pane_id": found.number,
        "address": found.name,
        "id": found.place.pane.id,
        "limits": {
            **plain,
            "cpu_percent": plain.get("cpu"),
            "memory_mb": round(memory / 1024**2, 1) if memory is not None else None,
        },
        "by_hand": sorted(found.hand),
    }


def _lines(found: limit_by_hand.Standing) -> list[str]:
    from orchestra.engine.react import limits as deciding

    limits = found.effective
    allowed = deciding.allowed(limits) if limits is not None else {}
    if limits is None or not allowed:
        return [f"{found.name}: no limits"]

    def by(key: str) -> str:
        return " (by hand)" if key in found.hand else ""

    shown = [f"{kind} {deciding.shown(kind, most)}{by(kind)}" for kind, most in allowed.items()]
    return [
        f"{found.name}: {', '.join(shown)}; above: {limits.on_exceed}{by('on_exceed')}, seen {output.number(limits.after, 'time')}"
    ]
