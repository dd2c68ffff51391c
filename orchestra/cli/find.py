"""`orchestra find`: where something was printed."""

from __future__ import annotations

import click

from orchestra.cli import codes, options, output, suggest
from orchestra.cli.by_hand import meaning


@click.command("find")
@click.argument("pattern")
@click.argument("sessions", metavar="[SESSION…]", nargs=-1, shell_complete=suggest.sessions)
@click.option(
    "--lines", type=click.IntRange(min=1), default=2000, show_default=True, help="How far back, in each pane."
)
@options.common
def command(common: options.Common, pattern: str, sessions: tuple[str, ...], lines: int) -> int:
    """Find a regular expression in what the panes of sessions, or of all, show and have shown. Exits 1 when it is nowhere.

    \b
    Examples:
      orchestra find 'Traceback|panic:'
      orchestra find listening api -o json
    """
    from orchestra.cli.by_hand import look
    from orchestra.plan import addressing

    matches = look.Matching(pattern)
    assembly = common.assembly()
    server = assembly.tmux.observe()
    places = [
        each
        for word in sessions or ("@all",)
        for each in addressing.selected(
            server, word if word == "@all" else addressing.session(server, word).id
        )
    ]
    printed = assembly.keyboard.printed([each.id for each in places], lines)
    rows: list[dict[str, object]] = []
    for each in places:
        found = matches(printed.get(each.id, []))
        rows += [{**meaning.where(each), "line": line} for line in found]
    names = list(dict.fromkeys(str(row["session"]) for row in rows))
    text = [output.one_line(f"{row['address']}: {row['line']}") for row in rows]
    body = {"pattern": pattern, "sessions": names, "matches": rows, "count": len(rows)}
    return meaning.tell(common, "find", body, text, code=codes.OK if rows else codes.ERROR)
