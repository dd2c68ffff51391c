"""Runs an old spelling: its words become those of the command that does it now, which answers in JSON, under the old name."""

from __future__ import annotations

import contextlib
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import click

from orchestra.cli import options, output, spellings, suggest
from orchestra.model import errors

_EXAMPLES = {
    "SESSION": "dev", "PANE": "0", "NAME": "dev", "GROUP": "backend", "A": "api", "B": "db", "LABEL": "server", "LINES": "20",
    "LAYOUT": "tiled", "COMMAND": "'make test'", "SECONDS": "30", "PATTERN": "'listening on'", "FILTER": "ERROR", "KEY": "owner",
    "VALUE": "ann", "KEYS…": "C-c", "TEXT": "'print(1)'", "SIGNAL": "SIGTERM",
    "EVENT": "pane-exit", "CALLBACK": "'./report'", "cpu|memory": "memory", "SESSION…": "api", "FILE": "dev.yaml",
}  # fmt: skip
_FREE = ("COMMAND", "KEYS…", "TEXT", "PATTERN", "VALUE", "CALLBACK")
"""Arguments that may look like options: after the first argument nothing is one."""


def command(name: str, resolve: click.Group) -> click.Command:
    """`resolve`: the group of all commands."""
    spelled = spellings.SPELLINGS[name]
    free = any(each in spelled.old for each in _FREE)

    @click.command(
        name,
        context_settings={"ignore_unknown_options": True, "allow_interspersed_args": not free},
        help=_help(name, spelled),
    )
    @click.argument(
        "words", metavar=spelled.old, nargs=-1, type=click.UNPROCESSED, shell_complete=suggest.sessions
    )
    @options.common
    @click.pass_context
    def run(ctx: click.Context, /, common: options.Common, words: tuple[str, ...]) -> object:
        with _translated(common, name, spelled, words) as new:
            output.speak_as(name)
            above = {
                "socket_name": common.socket_name,
                "socket_path": common.socket_path,
                "output_format": common.format or ("text" if spelled.text else "json"),
            }
            target = resolve.get_command(ctx, new[0])
            assert target is not None
            with target.make_context(new[0], list(new[1:]), parent=ctx.parent, obj=above) as inner:
                return target.invoke(inner)

    return run


def _help(name: str, spelled: spellings.Spelling) -> str:
    required = [
        each for each in spelled.old.split() if not each.startswith(("[", "-")) and not each.endswith("]")
    ]
    example = " ".join([name, *(_EXAMPLES[each] for each in required)])
    new = " ".join(each for each in spelled.new if isinstance(each, str) and each != "--")
    return (
        f"{spelled.about}\n\nAn old spelling, for scripts; now: orchestra {new}\n\n"
        f"\b\nExample:\n  orchestra {example}"
    )


@contextlib.contextmanager
def _translated(
    common: options.Common, name: str, spelled: spellings.Spelling, words: Sequence[str]
) -> Iterator[list[str]]:
    given, rest = _given(name, spelled, words)
    with contextlib.ExitStack() as held:
        filled = _Filled(common, given, rest, held)
        new: list[str] = []
        for each in spelled.new:
            if isinstance(each, tuple):
                if all(filled.has(word) for word in each):
                    new += [part for word in each for part in filled.words(word)]
            else:
                new += filled.words(each)
        yield new


def _given(name: str, spelled: spellings.Spelling, words: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    if "<REST>" in spelled.new and "…" not in spelled.old:
        return {}, list(words)  # it takes options of its own
    names = spelled.old.split()
    rest: list[str] = []
    if names and names[-1].endswith("…"):
        names.pop()
        rest = list(words[len(names) :])
        words = words[: len(names)]
        if not rest:
            raise _usage(name, spelled)
    required = sum(not each.startswith("[") for each in names)
    if not required <= len(words) <= len(names):
        raise _usage(name, spelled)
    return {each.strip("[]"): word for each, word in zip(names, words, strict=False)}, rest


def _usage(name: str, spelled: spellings.Spelling) -> errors.UsageError:
    return errors.UsageError(
        f"usage: {name} {spelled.old}".rstrip(), hint=f"orchestra {name} --help says more"
    )


class _Filled:
    def __init__(
        self,
        common: options.Common,
        given: Mapping[str, str],
        rest: Sequence[str],
        held: contextlib.ExitStack,
    ) -> None:
        self._common, self._given, self._rest, self._held = common, given, rest, held

    def has(self, word: str) -> bool:
        return all(name in self._given for name in re.findall(r"<([^>]+)>", word))

    def words(self, word: str) -> list[str]:
        if word == "<REST>":
            return list(self._rest)
        if word == "<PANE>":
            return [self._pane()]
        if word == "<ID>":
            return [self._id()]
        if word == "<MANIFEST>":
            return [self._manifest(self._given["FILE"])]
        for key, value in self._given.items():
            word = word.replace(f"<{key}>", value) if f"<{key}>" in word else word
        return [word]

    def _pane(self) -> str:
        """PANE is a name, a number, or an address, which needs no session."""
        pane = self._given["PANE"]
        return pane if "/" in pane or pane.startswith("%") else f"{self._given['SESSION']}/{pane}"

    def _id(self) -> str:
        from orchestra.plan import addressing

        return addressing.pane(self._common.assembly().tmux.observe(), self._pane()).id

    def _manifest(self, file: str) -> str:
        """A snapshot of the bridge's own, in JSON, becomes a manifest first."""
        path = Path(file)
        try:
            old = path.read_bytes().lstrip()[:1] == b"{"
        except OSError:
            return file
        if not old:
            return file
        from orchestra.discover import source, translate
        from orchestra.manifest import dump, layout

        found = source.read(file)
        document = translate.imported(found, None, layout.panes).document
        made = Path(self._held.enter_context(tempfile.TemporaryDirectory())) / path.with_suffix(".yaml").name
        made.write_text(dump.text(translate.moved(document, str(found.folder))), encoding="utf-8")
        return str(made)
