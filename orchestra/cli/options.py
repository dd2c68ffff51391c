"""Options and loading that commands share.

Here and in the commands, what only a running command needs is imported inside functions: `--help` and completion, which a person waits
for at the keyboard, take 60 ms without it and 160 with it.
"""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orchestra.cli import output, suggest
from orchestra.model import diagnostic, errors
from orchestra.model.frozen import frozen

if TYPE_CHECKING:
    from orchestra.cli import client
    from orchestra.daemon import assemble
    from orchestra.manifest import load
    from orchestra.model import event

STDIN = "-"


@frozen
class Common:
    socket_name: str | None
    socket_path: str | None
    json: bool
    format: str | None = None
    """As it was said."""

    def assembly(self) -> assemble.Assembly:
        from orchestra.daemon import assemble

        size = shutil.get_terminal_size(fallback=(0, 0)) if sys.stdout.isatty() else (0, 0)
        if min(size) < 1:
            size = assemble.DEFAULT_SIZE
        return assemble.assemble(self.socket_name, self.socket_path, os.environ, (size[0], size[1]))

    def server_words(self) -> list[str]:
        """The chosen server as options again."""
        if self.socket_path is not None:
            return ["-S", self.socket_path]
        return ["-L", self.socket_name] if self.socket_name is not None else []

    def daemon(self) -> client.Client | None:
        """None when none runs for this server."""
        from orchestra.cli import client  # only who asks one pays for it

        found = client.Client(self.assembly().expected().socket)
        return found if found.is_there() else None

    def reporting(self) -> Callable[[event.Body, str], None] | None:
        """Tells the daemon what a command does by itself; that it cannot be told is no reason to stop. None when none runs."""
        if not self.assembly().expected().socket.is_socket() or (there := self.daemon()) is None:
            return None

        def report(body: event.Body, workspace: str) -> None:
            from orchestra.model import event

            with contextlib.suppress(errors.OrchestraError):
                plain = {"type": body.type, **event.dump_body(body)}
                there.post("/v1/events", {"workspace": workspace, "events": [plain]})

        return report


def common(function: Callable[..., Any]) -> Callable[..., Any]:
    """`-L -S -o`, before or after the command's name; the command gets them as `common`."""

    @click.option(
        "-L", "socket_name", metavar="NAME", help="The tmux server of that socket name, as tmux -L."
    )
    @click.option(
        "-S", "socket_path", metavar="PATH", help="The tmux server of that socket path, as tmux -S."
    )
    @click.option("-o", "output_format", type=click.Choice(["text", "json"]), help="How results are printed.")
    @click.pass_context
    @functools.wraps(function)
    def wrapped(ctx: click.Context, /, **values: Any) -> Any:
        given = {name: values.pop(name) for name in ("socket_name", "socket_path", "output_format")}
        above = ctx.obj or {}
        if given["socket_name"] is not None or given["socket_path"] is not None:
            # What stands behind the command's name means another server than what stands before it.
            above = {**above, "socket_name": None, "socket_path": None}
        chosen = {name: value if value is not None else above.get(name) for name, value in given.items()}
        common = Common(
            socket_name=chosen["socket_name"],
            socket_path=chosen["socket_path"],
            json=chosen["output_format"] == "json",
            format=chosen["output_format"],
        )
        return ctx.invoke(function, common=common, **values)

    return wrapped


def file(function: Callable[..., Any]) -> Callable[..., Any]:
    """The manifest; the command gets `file`, None when it is not given: `chosen` knows what that means."""
    argument = click.argument("file", metavar="[FILE]", required=False, type=click.Path())
    return argument(function)


def target(help: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return click.option(
        "--target",
        "targets",
        multiple=True,
        metavar="ADDRESS",
        shell_complete=suggest.targets,
        help=f"Only this session, window, pane or @group, what it needs, and what is restarted with it.{help} May be repeated.",
    )


def manifest(function: Callable[..., Any]) -> Callable[..., Any]:
    """What decides a manifest besides its text; the command gets a `load.Inputs` as `inputs`."""

    @click.option("--env", "environment", metavar="NAME", help="Use this overlay of `environments`.")
    @click.option(
        "--var", "variables", multiple=True, metavar="NAME=VALUE", help="Set a variable. May be repeated."
    )
    @click.option(
        "--var-file",
        "variable_files",
        multiple=True,
        metavar="FILE",
        type=click.Path(path_type=Path),
        help="Set variables from a YAML file. May be repeated.",
    )
    @functools.wraps(function)
    def wrapped(
        *,
        environment: str | None,
        variables: tuple[str, ...],
        variable_files: tuple[Path, ...],
        **values: Any,
    ) -> Any:
        from orchestra.daemon import assemble
        from orchestra.manifest import load

        pairs: dict[str, str] = {}
        for each in variables:
            name, sign, value = each.partition("=")
            if not sign or not name:
                raise click.UsageError(f"--var {each}: expected NAME=VALUE")
            pairs[name] = value
        inputs = load.Inputs(
            environment=environment,
            variables=pairs,
            variable_files=variable_files,
            environ=dict(os.environ),
            user_settings=assemble.settings_file(),
        )
        return function(inputs=inputs, **values)

    return wrapped


def chosen(given: str | None) -> str:
    """The manifest that is meant: without one, what lies here under the usual name."""
    if given is not None:
        return given
    found = next((name for name in suggest.DEFAULT_FILES if Path(name).is_file()), None)
    if found is None:
        raise errors.UsageError(
            f"no FILE is given, and there is no {' or '.join(suggest.DEFAULT_FILES)} in {Path.cwd()}",
            hint="name the manifest, or - for standard input; or run this where one lies",
        )
    return found


def read(path: str, inputs: load.Inputs, *, quiet: bool = False) -> load.Loaded:
    """Loads a manifest; unless `quiet`, warns of what is odd in it."""
    from orchestra.manifest import load

    if path != STDIN and not Path(path).exists():
        raise errors.ManifestError([_missing(path)])
    loaded = load.load(Path(path), inputs)
    if not quiet:
        for warning in loaded.warnings:
            output.note(output.diagnosis(warning, sys.stderr))
    return loaded


def _missing(path: str) -> diagnostic.Diagnostic:
    folder = Path(path).parent
    hint = f"paths begin at {Path.cwd()}"
    if not folder.is_dir():
        hint = f"there is no directory {folder} either; {hint}"
    else:
        import difflib  # only a slip pays for it

        there = [each.name for each in folder.iterdir() if each.suffix in (".yaml", ".yml")]
        near = difflib.get_close_matches(Path(path).name, there, n=1)
        if near:
            hint = f"did you mean {folder / near[0]}?"
    return diagnostic.Diagnostic(
        severity=diagnostic.Severity.ERROR, summary=f"there is no file {path}", hint=hint
    )


class Duration(click.ParamType[timedelta]):
    """`300ms 10s 5m 2h 1h30m`; a bare number is seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        if isinstance(value, timedelta):
            return value
        from orchestra.manifest import duration

        text = str(value)
        try:
            found = duration.parsed(text)
            found = duration.parsed(f"{text}s") if found is None else found
        except duration.TooLong:
            self.fail(f"{text!r} is longer than anybody waits", param, ctx)
        if found is None:
            self.fail(f"{text!r} is not a duration like 300ms, 10s, 5m or 1h30m", param, ctx)
        return found


class Since(click.ParamType[datetime]):
    """`10m` ago, or a time: `2026-01-31T12:00`, here's where it has no zone."""

    name = "since"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        from orchestra.host import clock
        from orchestra.manifest import duration

        text = str(value)
        try:
            ago = duration.parsed(text)
            return clock.Clock().now() - ago if ago is not None else datetime.fromisoformat(text).astimezone()
        except (duration.TooLong, ValueError, OverflowError):
            self.fail(f"{text!r} is neither a duration like 10m nor a time like 2026-01-31T12:00", param, ctx)
