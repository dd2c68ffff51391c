"""Options and loading that commands share."""

from __future__ import annotations

import functools
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from orchestra.cli import output
from orchestra.daemon import assemble
from orchestra.manifest import load


@dataclass(frozen=True, slots=True, kw_only=True)
class Common:
    socket_name: str | None
    socket_path: str | None
    json: bool

    def assembly(self) -> assemble.Assembly:
        size = shutil.get_terminal_size(fallback=(0, 0)) if sys.stdout.isatty() else (0, 0)
        if min(size) < 1:
            size = assemble.DEFAULT_SIZE
        return assemble.assemble(self.socket_name, self.socket_path, os.environ, (size[0], size[1]))


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
        chosen = {name: value if value is not None else above.get(name) for name, value in given.items()}
        common = Common(
            socket_name=chosen["socket_name"],
            socket_path=chosen["socket_path"],
            json=chosen["output_format"] == "json",
        )
        return ctx.invoke(function, common=common, **values)

    return wrapped


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


def read(path: str, inputs: load.Inputs) -> load.Loaded:
    """Loads a manifest, warns of what is odd in it."""
    loaded = load.load(Path(path), inputs)
    for warning in loaded.warnings:
        output.note(output.diagnosis(warning, sys.stderr))
    return loaded


class Duration(click.ParamType[timedelta]):
    """`300ms 10s 5m 2h`; a bare number is seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        if isinstance(value, timedelta):
            return value
        text = str(value)
        for unit, seconds in (("ms", 0.001), ("s", 1.0), ("m", 60.0), ("h", 3600.0)):
            number = text.removesuffix(unit)
            if number != text and _is_number(number):
                return timedelta(seconds=float(number) * seconds)
        if _is_number(text):
            return timedelta(seconds=float(text))
        self.fail(f"{text!r} is not a duration like 300ms, 10s, 5m or 2h", param, ctx)


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdigit()
