"""The old spellings: each leads to a command that is there, with words that it takes."""

from __future__ import annotations

import click
import pytest

from orchestra.cli import main, spellings

OLD = """
session-create session-list sessions-list-all session-kill pane-create pane-create-with-layout pane-kill pane-exec pane-exec-timeout
pane-capture pane-is-running pane-status pane-wait pane-watch pane-watch-timeout pane-has-pattern pane-stream pane-tail pane-list-json
pane-list-detailed pane-count panes-count-global pane-find pane-metadata-set pane-metadata-get state-sync pane-send-keys pane-send-stdin
pane-signal pane-interact
pane-set-limit pane-get-limits group-create group-add group-remove group-list group-exec group-kill sessions-find-pattern session-depends
session-health session-wait-healthy session-save session-restore session-autosave session-autosave-stop session-snapshots
session-snapshot-delete daemon-start daemon-stop daemon-status daemon-logs daemon-restart event-subscribe gc-enable gc-disable gc-run
gc-status
""".split()  # noqa: SIM905  # a list of names


def test_all_of_them() -> None:
    assert sorted(spellings.SPELLINGS) == sorted(OLD)


@pytest.mark.parametrize("name", OLD)
def test_what_it_is_now(name: str) -> None:
    words = [each for each in spellings.SPELLINGS[name].new if isinstance(each, str)]
    optional = [word for each in spellings.SPELLINGS[name].new if isinstance(each, tuple) for word in each]
    command: click.Command | None = main.commands
    with click.Context(main.commands) as ctx:
        while isinstance(command, click.Group):
            command = command.get_command(ctx, words.pop(0))
        assert command is not None
        known = {option for each in command.params for option in each.opts}
    said = [
        each for each in (*words, *optional) if each.startswith("--") and each != "--" and "<" not in each
    ]
    assert set(said) <= known
    takes = [each for each in command.params if isinstance(each, click.Argument)]
    given = [each for each in (*words, *optional) if not each.startswith("--")]
    assert given or not any(each.required for each in takes)


@pytest.mark.parametrize("name", OLD)
def test_each_argument_goes_somewhere(name: str) -> None:
    spelled = spellings.SPELLINGS[name]
    new = " ".join(word for each in spelled.new for word in ([each] if isinstance(each, str) else each))
    if spelled.new[0] == "daemon" or spelled.new[:2] == ("snapshot", "list"):
        return  # of one server, and all of it
    if "<REST>" in spelled.new and "…" not in spelled.old:
        return  # it reads them itself
    for argument in spelled.old.split():
        meant = argument.strip("[]")
        reached = {
            "SESSION": ("<SESSION>", "<PANE>", "<ID>"),
            "PANE": ("<PANE>", "<ID>"),
            "FILE": ("<FILE>", "<MANIFEST>"),
        }.get(meant, ("<REST>",) if meant.endswith("…") else (f"<{meant}>",))
        assert any(each in new for each in reached), (name, argument)
