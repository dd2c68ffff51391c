"""`orchestra template`: manifests to begin with."""

from __future__ import annotations

import contextlib
import itertools
import os
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestra.cli import codes, options, output
from orchestra.model import errors, names

if TYPE_CHECKING:  # see options
    from click.shell_completion import CompletionItem

    from orchestra.discover.project import templates
    from orchestra.manifest import load

MOST_MIRRORED = 5000


@click.group("template")
def command() -> None:
    """Manifests to begin with: those that come with orchestra, your own, and the project's (.orchestra/templates/).

    Of the same name, the project's is meant before yours, and yours before orchestra's.

    \b
    Examples:
      orchestra template list
      orchestra template show django
      orchestra init --template django
    """


def offered(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    from click.shell_completion import CompletionItem  # only a shell asks

    try:
        known = everywhere()
    except Exception:  # noqa: BLE001  # nobody reads an error between two keystrokes
        return []
    return [
        CompletionItem(name, help=each.description)
        for name, each in known.items()
        if name.startswith(incomplete)
    ]


@command.command("list")
@options.common
def list_(common: options.Common) -> int:
    """List them: name, where it is from, and what it is for.

    \b
    Example:
      orchestra template list
    """
    known = everywhere()
    if common.json:
        rows = [
            {
                "name": each.name,
                "origin": each.origin,
                "path": each.path or None,
                "description": each.description,
            }
            for each in known.values()
        ]
        output.result("template", {"templates": rows})
        return codes.OK
    origins = {name: each.path or "comes with orchestra" for name, each in known.items()}
    wide, wider = max(map(len, known), default=0), max(map(len, origins.values()), default=0)
    for name, each in known.items():
        told = f"({each.problem})" if each.problem else each.description
        output.say(output.one_line(f"{name:<{wide}}  {origins[name]:<{wider}}  {told}").rstrip())
    return codes.OK


@command.command("show")
@click.argument("name", shell_complete=offered)
@options.common
def show(common: options.Common, name: str) -> int:
    """Print the template NAME.

    \b
    Example:
      orchestra template show django
    """
    each = chosen(name)
    if common.json:
        output.result(
            "template",
            {"name": each.name, "origin": each.origin, "path": each.path or None, "manifest": each.text},
        )
    else:
        output.say(output.printable(each.text).rstrip("\n"))
    return codes.OK


@command.command("add")
@click.argument("file", type=click.Path(), metavar="FILE")
@click.option("--name", metavar="NAME", help="What it is called; without it, as the file.")
@click.option("--force", is_flag=True, help="Write over a template of yours that has this name.")
@options.common
def add(common: options.Common, file: str, name: str | None, force: bool) -> int:
    """Copy the manifest FILE, which must be valid, to your own templates.

    \b
    Example:
      orchestra template add orchestra.yaml
    """
    from orchestra.host import paths

    called = name if name is not None else Path(file).stem
    if not names.NAME.match(called):
        raise errors.UsageError(
            f'"{called}" cannot be the name of a template',
            hint="letters, digits, - and _, at most 64; --name gives it another one",
        )
    if file == options.STDIN:
        raise errors.UsageError("a template is copied from a file, not from standard input")
    from orchestra.discover.project import folder, reading
    from orchestra.plan import order

    loaded = options.read(file, inputs(), quiet=common.json)
    order.refuse_cycles(loaded.workspace, loaded.locations)
    text, problem = folder.single(Path(os.path.realpath(file)))
    if problem:
        raise errors.OrchestraError(f"cannot read {file}: {problem}")
    if "include" in reading.mapping(reading.yaml_value(text)):
        raise errors.OrchestraError(
            f"{file} includes other files, which would not lie beside its copy",
            hint=f"orchestra render {file} prints it in one piece",
        )
    target = paths.templates() / f"{called}.yaml"
    placed(target, text, force=force, check=False)
    if common.json:
        output.result("template", {"name": called, "path": str(target)})
    else:
        output.say(
            output.one_line(f"{called}: added as {target}; use it with: orchestra init --template {called}")
        )
    return codes.OK


def everywhere() -> dict[str, templates.Template]:
    from orchestra.discover.project import templates
    from orchestra.host import paths

    return dict(templates.everywhere(paths.templates(), Path.cwd()))


def chosen(name: str) -> templates.Template:
    known = everywhere()
    each = known.get(name)
    if each is None:
        import difflib  # only a slip pays for it

        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(known)}"
        raise errors.UsageError(f'there is no template "{name}"', hint=hint)
    if each.problem:
        raise errors.OrchestraError(f"cannot read {each.path}: {each.problem}")
    return each


def inputs() -> load.Inputs:
    from orchestra.daemon import assemble
    from orchestra.manifest import load

    return load.Inputs(environ=dict(os.environ), user_settings=assemble.settings_file())


def checked(path: Path, called: str) -> load.Loaded:
    """Loads a draft of ours; what is wrong with it is told of the file it is to be. Raises ManifestError."""
    from orchestra.manifest import load
    from orchestra.plan import order

    try:
        loaded = load.load(path, inputs())
        order.refuse_cycles(loaded.workspace, loaded.locations)
    except errors.ManifestError as error:
        told = [
            replace(
                each,
                summary=each.summary.replace(str(path), called),
                location=each.location and replace(each.location, file=called),
            )
            for each in error.diagnostics
        ]
        raise errors.ManifestError(told) from None
    return loaded


@contextlib.contextmanager
def mirrored(directory: Path, text: str) -> Iterator[Path]:
    """The text as a file that sees what lies in the directory, without anything being written there."""
    with tempfile.TemporaryDirectory(prefix="orchestra-") as mirror:
        for entry in itertools.islice(directory.iterdir(), MOST_MIRRORED):
            (Path(mirror) / entry.name).symlink_to(entry)
        draft = Path(mirror) / f".orchestra.yaml.{os.getpid()}"
        draft.write_text(text, encoding="utf-8")
        yield draft


def placed(target: Path, text: str, *, force: bool, check: bool = True) -> load.Loaded | None:
    """Whole and, by `check`, valid, or not at all; over what is there only by `force`."""
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        try:
            with open(descriptor, "w", encoding="utf-8") as stream:  # noqa: PTH123 - it is open already
                stream.write(text)
                stream.flush()
                os.fsync(descriptor)
            loaded = checked(draft, str(target)) if check else None
            if force or not _linked(draft, target):
                draft.replace(target)
        finally:
            with contextlib.suppress(FileNotFoundError):
                draft.unlink()
    except OSError as error:
        raise errors.OrchestraError(f"cannot write {target}: {error.strerror or error}") from error
    return loaded


def _linked(draft: Path, target: Path) -> bool:
    """A second name is refused where there is such a file, at whatever moment it came. False: this file system has no second names."""
    try:
        os.link(draft, target)
    except FileExistsError:
        raise there_already(target) from None
    except OSError:
        if os.path.lexists(target):
            raise there_already(target) from None
        return False
    return True


def there_already(target: Path) -> errors.Conflict:
    return errors.Conflict(f"{target} is there already", hint="--force writes over it")
