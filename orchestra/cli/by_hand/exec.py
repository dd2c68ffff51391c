"""`orchestra pane exec`: a pane's shell is given a command."""

from __future__ import annotations

import sys
from datetime import timedelta

import click

from orchestra.cli import codes, options, output
from orchestra.cli.by_hand import meaning
from orchestra.model import errors


@click.command("exec", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@meaning.address
@click.argument("words", metavar="COMMAND…", nargs=-1, required=True)
@click.option(
    "--wait", is_flag=True, help="Until it has ended: prints what it printed, and exits with its code."
)
@click.option(
    "--timeout",
    type=options.Duration(),
    help="With --wait: a command that takes longer is ended, by C-c, then SIGTERM, then SIGKILL to its process group.",
)
@click.option(
    "--grace",
    type=options.Duration(),
    default="2s",
    show_default=True,
    help="How long each of these may take.",
)
@click.option("--force", is_flag=True, help="Type it whatever has the terminal, in copy mode, too.")
@click.option(
    "--history",
    is_flag=True,
    help="With --wait: a line of ours may stay in the history of a shell that cannot be told to forget it.",
)
@meaning.leave_mode
@meaning.once
@options.common
def command(
    common: options.Common,
    address: str,
    words: tuple[str, ...],
    wait: bool,
    timeout: timedelta | None,
    grace: timedelta,
    force: bool,
    history: bool,
    leave_mode: bool,
    once: str | None,
) -> int:
    """Type a command into the shell of a pane, once it shows its prompt.

    One word is a line for the shell; several are quoted, each as it is. Refused when something else has the terminal, or when the pane
    is dead or in copy mode. Options stand before ADDRESS.

    \b
    Examples:
      orchestra pane exec api/shell 'cd /srv && make'
      orchestra pane exec --wait --timeout 5m api/shell make test
    """
    text = meaning.line(words)
    if timeout is not None and not wait:
        raise errors.UsageError("--timeout needs --wait: somebody has to be there to end it")
    if wait and force:
        raise errors.UsageError("--force types whatever is there, so that nothing can be told of how it ends")
    if wait and once is not None:
        raise errors.UsageError(
            "--once types without waiting: of what was typed before nobody can tell how it ended",
            hint="orchestra pane wait waits for it",
        )
    if "\0" in text:
        raise errors.UsageError("a command cannot hold a NUL byte")
    if wait:
        return _waited(common, address, text, timeout, grace, history, leave_mode)
    from orchestra.daemon import commander, conditions
    from orchestra.engine import hands
    from orchestra.model import hand

    assembly = common.assembly()
    before: tuple[int, int] | None = None

    def prepare(meant: hand.Meant) -> hands.Prepared:
        nonlocal before
        if not force:
            assembly.hands.shell(meant)
            before = commander.last_command(assembly, meant.place.pane)
        typed = hands.line(text)
        return hands.Prepared(strokes=typed[1:] if force else typed)

    meant = assembly.hands.put(
        meaning.finding(address), prepare, leave_mode=leave_mode, force=force, id=meaning.id_of(once)
    )
    if not force:
        conditions.taken(assembly, meant, before)
    return meaning.tell(common, "pane exec", {"executed": text}, meant=meant)


def _waited(
    common: options.Common,
    address: str,
    text: str,
    timeout: timedelta | None,
    grace: timedelta,
    history: bool,
    leave_mode: bool,
) -> int:
    from orchestra.daemon import commander

    assembly = common.assembly()
    wish = commander.Wish(
        command=text,
        timeout=timeout,
        grace=grace,
        leave_mode=leave_mode,
        history=history,
    )

    def printed(line: str) -> None:
        output.say(output.printable(line))
        sys.stdout.flush()

    find = meaning.finding(address)
    ran = commander.Commander(assembly).run(find, wish, None if common.json else printed)
    body: dict[str, object] = {
        **meaning.where(ran.meant),
        "executed": text,
        "output": "\n".join(ran.lines),
        "exit_code": ran.exit_code,
        "duration": round(ran.duration.total_seconds(), 3),
        "timed_out": ran.stopped is not None,
        "stopped_by": ran.stopped,
        "lost_bytes": ran.lost,
    }
    if ran.stopped is not None:
        assert timeout is not None
        message = (
            f"it took longer than {output.wished(timeout.total_seconds())}, and was ended by {ran.stopped}"
        )
        if common.json:
            output.failure("pane exec", message, body)
        else:
            output.note(f"error: {message}")
        return codes.ERROR
    if common.json:
        output.result("pane exec", body)
    elif ran.lost:
        output.note(f"{ran.lost} bytes came faster than they were read, and are gone")
    if ran.exit_code is None:
        if not common.json:
            output.note("how it ended is not known: its shell ended with it, or was interrupted")
        return codes.ERROR
    return ran.exit_code
