"""Interactive shells that tell what is typed into them, and do not look any different."""

from __future__ import annotations

import contextlib
import difflib
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

import orchestra.tmux
from orchestra.host import prompt, shell
from orchestra.model import history as past
from orchestra.tmux import marks, stream
from tests.support import live

SCRIPTS = Path(orchestra.tmux.__path__[0]) / "shell"
TOKEN = "5ec4e70f"
SHELLS = [
    pytest.param(shutil.which(name) or f"{name} is missing", id=name) for name in ("bash", "zsh", "fish")
]
Command = tuple[str, int]


@pytest.fixture
def tmux() -> Iterator[live.Live]:
    with contextlib.closing(live.Live()) as made:
        # or fish reads manuals in the background
        (made.folder / ".local/share/fish/generated_completions").mkdir(parents=True)
        yield made


class Terminal:
    """A shell in a pane of its own, typed into as by a person, and what it printed."""

    def __init__(self, tmux: live.Live, argv: tuple[str, ...], env: Mapping[str, str], name: str) -> None:
        self.tmux = tmux
        # fish colours what is typed a while after it is typed, or never
        self._colours = () if any("fish" in word for word in argv) else ("-e",)
        self.log = tmux.folder / f"{name}.raw"
        options = [word for pair in env.items() for word in ("-e", "=".join(pair))]
        words = [
            "new-session",
            "-d",
            "-P",
            "-F",
            "#{pane_id} #{pane_pid} #{pane_tty}",
            "-x",
            "80",
            "-y",
            "50",
        ]
        pipe = ["pipe-pane", "-O", "-t", f"={name}:", f"exec cat >>{self.log}"]
        made = tmux.tmux(*words, "-s", name, "-c", str(tmux.folder), *options, *argv, ";", *pipe)
        self.pane, self.pid, self.tty = made.split()
        live.until(self.ready, "a prompt")

    def ready(self) -> bool:
        """Also for a shell that was started in this one."""
        stat = Path(f"/proc/{self.pid}/stat").read_text()
        return prompt.is_shown(int(stat.rpartition(")")[2].split()[5]), self.tty)

    def keys(self, *keys: str) -> None:
        self.tmux.tmux("send-keys", "-t", self.pane, *keys)

    def enter(self, text: str) -> None:
        """A line, or several as they are."""
        name = f"typed-{self.pid}"
        self.tmux.tmux("set-buffer", "-b", name, "--", text)
        self.tmux.tmux("paste-buffer", "-d", "-b", name, "-t", self.pane)
        self.keys("Enter")

    def type(self, text: str) -> None:
        """A command; returns at the next prompt."""
        before = self.ended()
        self.enter(text)
        live.until(lambda: self.ended() > before, f"{text!r} to end")
        live.until(self.ready, "a prompt")

    def ended(self) -> int:
        return sum(each.kind is marks.Kind.COMMAND_END for each in self.marks())

    def found(self) -> list[stream.Found]:
        return stream.Stream(TOKEN).feed(self.log.read_bytes() if self.log.exists() else b"")

    def marks(self) -> list[marks.Mark]:
        wanted = (marks.Kind.COMMAND_START, marks.Kind.COMMAND_END)
        return [each for each in self.found() if isinstance(each, marks.Mark) and each.kind in wanted]

    def commands(self, count: int) -> list[Command]:
        """The first that have ended."""
        live.until(lambda: len(self.marks()) >= 2 * count, f"{count} commands")
        seen = self.marks()
        assert [each.kind for each in seen[::2]] == [marks.Kind.COMMAND_START] * len(seen[::2])
        assert [each.kind for each in seen[1::2]] == [marks.Kind.COMMAND_END] * len(seen[1::2])
        ended = list(zip(seen[::2], seen[1::2], strict=False))
        assert all(start.number == end.number for start, end in ended)
        return [(start.text, end.exit_code or 0) for start, end in ended]

    def screen(self) -> str:
        """With its colours, and the cursor's place."""
        return self.tmux.tmux(
            "capture-pane", "-p", *self._colours, "-t", self.pane, ";",
            "display-message", "-p", "-t", self.pane, "#{cursor_x},#{cursor_y} #{history_size}",
        )  # fmt: skip


def plain(tmux: live.Live, path: str, name: str = "plain", *, login: bool = True, **env: str) -> Terminal:
    return Terminal(tmux, (path, "-l") if login else (path,), env, name)


def started(
    tmux: live.Live,
    path: str,
    name: str = "one",
    *,
    login: bool = True,
    typed: tuple[str, ...] | None = None,
    **env: str,
) -> Terminal:
    """`typed`: what it is to know from before."""
    file = tmux.folder / "typed before"
    if typed is not None:
        file.write_text(past.text(typed))
    words = (path, "-l") if login else (path,)
    argv, more = shell.integrated(words, TOKEN, SCRIPTS, str(file) if typed is not None else "")
    assert more
    return Terminal(tmux, argv, {**env, **more}, name)


TYPED = (
    ("true", 0),
    ("false", 1),
    ("sh -c 'exit 130'", 130),
    ('sh -c "exit 255"', 255),
    ("echo 'it''s' \"quoted\" 100%; sh -c 'exit 7'", 7),
    ("echo one | sh -c 'cat; exit 3'", 3),
    ("echo zażółć 日本 😀", 0),
    ("no-such-command-here", 127),
    ("sh -c 'kill -9 $$'", 137),
    ("echo same", 0),
    ("echo same", 0),
    ("echo '" + "x" * 300 + "'", 0),
)


@pytest.mark.parametrize("path", SHELLS)
def test_what_was_typed_and_how_it_ended(tmux: live.Live, path: str) -> None:
    one = started(tmux, path)
    for text, _ in TYPED:
        one.type(text)
    assert one.commands(len(TYPED)) == list(TYPED)


MULTILINE = {
    "bash": ("for x in 1 2\ndo echo $x\ndone", "for x in 1 2; do echo $x; done"),
    "zsh": ("for x in 1 2\ndo echo $x\ndone", "for x in 1 2\ndo echo $x\ndone"),
    "fish": ("for x in 1 2\necho $x\nend", "for x in 1 2\necho $x\nend"),
}


@pytest.mark.parametrize("path", SHELLS)
def test_several_lines_are_one_command(tmux: live.Live, path: str) -> None:
    one = started(tmux, path)
    typed, told = MULTILINE[Path(path).name]
    one.type(typed.replace("\n", "\r") if "fish" not in path else typed)
    one.type("echo 'a\nb%'")
    one.type("echo end")
    assert one.commands(3) == [(told, 0), ("echo 'a\nb%'", 0), ("echo end", 0)]


@pytest.mark.parametrize("path", SHELLS)
def test_what_is_no_command(tmux: live.Live, path: str) -> None:
    """Enter alone, and a line that is given up."""
    one = started(tmux, path)
    one.type("false")
    one.keys("Enter", "Enter", "a", "b", "C-c")
    live.until(one.ready)
    one.keys("Enter")
    one.type("true")
    one.enter("sleep 99999")
    live.until(lambda: any(is_sleep(child) for child in live.children(int(one.pid))), "sleep")
    one.keys("C-c")
    assert one.commands(3) == [("false", 1), ("true", 0), ("sleep 99999", 130)]


def is_sleep(pid: int) -> bool:
    found = live.process(pid)
    return found is not None and found.argv[:1] == ("sleep",)


RC = {
    "bash": {
        ".bash_profile": "echo profile $- $(shopt -p login_shell) ${PWD##*/}\n. ~/.bashrc\n",
        ".bashrc": r"""
PS1='[$?] \u \w \$ '
HISTCONTROL=ignoreboth
history() { echo mine; }
alias printf='echo alias' local='echo alias' history='echo alias'
PROMPT_COMMAND='echo "prompt $? ${PIPESTATUS[*]} $_"'
PS0='go \! \#\n'
trap 'echo "debug $BASH_COMMAND"' DEBUG
trap 'echo "err $?"' ERR
set -u
""",
    },
    "zsh": {
        ".zshenv": "echo zshenv ${ZDOTDIR-none}\nexport ZDOTDIR=$HOME/z\n",
        "z/.zprofile": "echo zprofile $- $ZDOTDIR\n",
        "z/.zshrc": r"""
PS1='[%?] %n %~ %# '
RPS1='%D{right}'
setopt hist_ignore_space nounset err_return prompt_subst
alias printf='echo alias' local='echo alias'
precmd() { echo "precmd $? $pipestatus" }
hook() { echo "hook $?" }
typed() { echo "typed $1" }
autoload -Uz add-zsh-hook
add-zsh-hook precmd hook
add-zsh-hook preexec typed
""",
        "z/.zlogin": "echo zlogin $ZDOTDIR\n",
    },
    "fish": {
        "config/fish/config.fish": r"""
echo config (status is-login; and echo login)
function fish_prompt; set -l was $status; echo "[$was $pipestatus] > "; end
function fish_right_prompt; echo right; end
function before --on-event fish_preexec; echo "before $argv"; end
function after --on-event fish_postexec; echo "after $status $argv"; end
""",
    },
}
"""Files of somebody who has filled every place that could be filled, and says in each what is seen there."""
SEEN = (
    "true", "false", " false", "false", "true | sh -c 'exit 3' | true", "echo 'it''s'; sh -c 'exit 255'", "no-such-command",
    "printf 'no newline'", "echo zażółć 日本", "echo " + "long " * 40, "env | grep -v TMUX | sort", "jobs", "alias", "sh -c 'exit 4'",
    "cd /; echo $PWD",
)  # fmt: skip
SEEN_IN = {
    "bash": (
        "echo $-; shopt -q login_shell; echo $?", "set -o", "shopt | grep on$", "trap", "declare -x | grep -v TMUX",
        "echo $PROMPT_COMMAND | wc -c >x",
        "echo $HISTFILE $HISTSIZE", "set -x", "true", "! true", "set +x", "trap - DEBUG ERR", "true", "set -e", "true", "set +e",
        "echo $0",
        "kill -l | head -2", "echo ${#BASH_SOURCE[@]} ${POSIXLY_CORRECT-unset} ${ENV-unset}", "bash", "echo nested",
        "env | grep -ci orch", "exit 3",
        "echo ${PIPESTATUS[@]}", "false; true", "f() { return 9; }", "f", "PS1='> '", "true",
    ),
    "zsh": (
        "echo $-; [[ -o login ]]; echo $?", "setopt", "trap", "export | grep -v TMUX", "echo $ZDOTDIR $HISTFILE", "set -x", "true",
        "set +x", "echo $0",
        "functions | grep -c '() {' >x", "zsh", "echo nested", "env | grep -ci orch", "exit 3", "f() { return 9; }", "f",
    ),
    "fish": (
        "status is-login; echo $status", "set -x | grep -v TMUX | sort", "fish", "echo nested", "env | grep -ci orch", "exit 3",
        "functions -n | wc -l >x"
    ),
}  # fmt: skip


def files(folder: Path, written: Mapping[str, str]) -> None:
    for name, text in written.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def history(folder: Path) -> None:
    """What a shell has kept is not to be seen by the next."""
    for name in (".bash_history", ".zsh_history", ".sh_history", "z/.zsh_history"):
        (folder / name).unlink(missing_ok=True)


@pytest.mark.parametrize("login", [True, False], ids=["login", "not"])
@pytest.mark.parametrize("files_of", [True, False], ids=["rc", "bare"])
@pytest.mark.parametrize("path", SHELLS)
def test_nothing_is_to_be_seen(tmux: live.Live, path: str, files_of: bool, login: bool) -> None:
    name = Path(path).name
    files(tmux.folder, RC[name] if files_of else {".zshrc": "", ".hushlogin": ""})
    other = plain(tmux, path, login=login)
    history(tmux.folder)
    one = started(tmux, path, login=login, typed=() if login else None)

    def same(after: str) -> None:
        def equal() -> bool:
            return one.ready() and other.ready() and one.screen() == other.screen()

        try:
            live.until(equal, f"the screen after {after}", deadline=10)
        except AssertionError:
            expected, seen = (each.screen().split("\n") for each in (other, one))
            difference = difflib.unified_diff(expected, seen, n=99, lineterm="")
            raise AssertionError("\n".join((after, *difference))) from None

    same("start")
    for text in (*SEEN, *SEEN_IN[name]):
        for terminal in (one, other):
            terminal.enter(text)
        same(text)
        for terminal in (one, other):
            terminal.keys("C-l")
        same("clearing")
    if name != "fish":  # which draws in its own time
        for terminal in (one, other):
            terminal.keys("Enter", "a", "b", "C-c", "Up", "Up", "C-a", "é", "C-e", "BSpace", "Tab", "C-u")
        same("editing")


@pytest.mark.parametrize("path", SHELLS)
def test_told_beside_what_somebody_else_hooked_in(tmux: live.Live, path: str) -> None:
    files(tmux.folder, RC[Path(path).name])
    one = started(tmux, path)
    typed = ("true", "false", "true | sh -c 'exit 3'", "echo again", "echo again", "sh -c 'exit 255'")
    for text in typed:
        one.type(text)
    assert one.commands(len(typed)) == list(zip(typed, (0, 1, 3, 0, 0, 255), strict=True))


@pytest.mark.parametrize("path", SHELLS)
def test_what_the_history_does_not_keep_has_no_text(tmux: live.Live, path: str) -> None:
    files(tmux.folder, {".bash_profile": "HISTCONTROL=ignoreboth\n", ".zshrc": "setopt hist_ignore_space\n"})
    one = started(tmux, path)
    for text in ("echo a", " echo secret", "false"):
        one.type(text)
    assert one.commands(3) == [("echo a", 0), ("", 0), ("false", 1)]


@pytest.mark.parametrize("path", SHELLS)
def test_forged_and_replayed_marks_change_nothing(tmux: live.Live, path: str) -> None:
    one = started(tmux, path)
    one.type("true")
    for forged in ("guess;start;9;x", "guess;end;2;0", ";start;9;x", "start;9;x"):
        one.type(f"printf '\\033]7717;{forged}\\007\\033]133;D;9\\007'; false")
    one.type(f"head -c 4000 {one.log}; sh -c 'exit 5'")
    one.type("true")
    found = one.commands(7)
    assert [code for _, code in found] == [0, 1, 1, 1, 1, 5, 0]
    assert [text.split()[0] for text, _ in found] == ["true", *["printf"] * 4, "head", "true"]


@pytest.mark.parametrize("inner", SHELLS)
@pytest.mark.parametrize("path", SHELLS)
def test_only_the_shell_that_was_started_tells(tmux: live.Live, path: str, inner: str) -> None:
    """A shell in it is one command, whatever is typed there; the one it is exec'd into tells nothing."""
    one = started(tmux, path)
    one.enter(f"{inner} -l")
    live.until(lambda: live.children(int(one.pid)) and one.ready(), "the inner shell")
    (nested,) = live.children(int(one.pid))
    inside = live.process(nested)
    assert inside is not None
    assert not [name for name, value in inside.env.items() if name.startswith("ORCHESTRA_") or TOKEN in value]
    one.enter("sh -c 'exit 3'")
    one.enter("exit 4")
    assert one.commands(1) == [(f"{inner} -l", 4)]
    live.until(one.ready)
    one.enter(f"exec {inner}")
    live.until(lambda: len(one.marks()) == 3 and one.ready(), "the other shell")
    one.enter("true")
    one.enter("touch done")
    live.until((tmux.folder / "done").exists)
    assert [each.kind for each in one.marks()] == ["command-start", "command-end", "command-start"]


@pytest.mark.parametrize("path", SHELLS)
def test_nothing_is_left_in_the_environment(tmux: live.Live, path: str) -> None:
    """Of programs, also those that the user's files start; and what was there before is there again."""
    dump = "env >early\n"
    files(tmux.folder, {".bash_profile": dump, "z/.zshrc": dump})
    env = {"ENV": "/some $where", "ZDOTDIR": str(tmux.folder / "z")}
    one = started(tmux, path, "one", login=True, **env)  # type: ignore[arg-type]
    one.type("env >late")
    for name in ("early", "late"):
        if (tmux.folder / name).exists():
            seen = (tmux.folder / name).read_text().splitlines()
            assert not [line for line in seen if "ORCHESTRA" in line or TOKEN in line]
            assert {f"{key}={value}" for key, value in env.items()} <= set(seen)
    assert (tmux.folder / "late").exists()


@pytest.mark.parametrize("path", SHELLS[:2])
def test_only_to_a_terminal(tmux: live.Live, path: str) -> None:
    """fish redirects nothing of its own."""
    one = started(tmux, path)
    one.enter("exec >out 2>&1")
    one.enter("echo hidden")
    live.until(lambda: (tmux.folder / "out").exists() and "hidden" in (tmux.folder / "out").read_text())
    one.enter("echo more; touch done")
    live.until((tmux.folder / "done").exists)
    assert TOKEN not in (tmux.folder / "out").read_text()


def test_what_is_not_known_is_left_alone() -> None:
    for argv in (
        ("/bin/sh", "-l"),
        ("/bin/bash", "-c", "true"),
        ("/bin/bash", "--norc"),
        ("/usr/bin/nu",),
        ("/bin/rbash", "-l"),
    ):
        assert shell.integrated(argv, TOKEN, SCRIPTS) == (argv, {})
    assert shell.integrated(("/bin/bash", "-l"), "", SCRIPTS) == (("/bin/bash", "-l"), {})


@pytest.mark.parametrize("path", SHELLS)
def test_a_hostile_place(tmux: live.Live, path: str) -> None:
    """Where it is installed is no code."""
    place = tmux.folder / "a '$(touch canary)`touch canary`\"\\ b"
    shutil.copytree(SCRIPTS, place)
    argv, env = shell.integrated((path, "-l"), TOKEN, place)
    one = Terminal(tmux, argv, env, "one")
    one.type("true")
    assert one.commands(1) == [("true", 0)]
    assert not (tmux.folder / "canary").exists()


LISTED = {"bash": "history >listed", "zsh": "fc -l 1 >listed", "fish": "history >listed"}
KEPT = {"bash": ".bash_history", "zsh": ".zsh_history", "fish": ".local/share/fish/fish_history"}


@pytest.mark.parametrize("path", SHELLS)
def test_it_knows_what_was_typed_before(tmux: live.Live, path: str) -> None:
    """Once, also when it comes back a second time; and what a person's shells have kept is as it was."""
    name = Path(path).name
    zsh = "HISTFILE=~/.zsh_history HISTSIZE=1000 SAVEHIST=1000\n"
    files(tmux.folder, {".zshrc": zsh, ".bash_profile": "shopt -u cmdhist\n", ".bash_history": "echo mine\n"})
    if name == "zsh":
        files(tmux.folder, {".zsh_history": "echo mine\n"})
    hidden = "echo \x1b]0;title\x07"
    typed = (
        "make $(touch canary) `touch canary` !!",
        "echo 'a\nb'",
        "echo zażółć 100% \\",
        hidden,
        "git commit -m it\\'s",
    )
    tmux.tmux("new-session", "-d", "sleep 1000")  # the server's last session must not be one that ends
    for number in range(2):
        one = started(tmux, path, f"n{number}", typed=typed)
        one.keys(*(("git", "Up") if name == "fish" else ("Up",)))  # of all that its shells have kept
        live.until(lambda one=one: "git commit -m it\\'s" in one.screen(), "the last command")  # type: ignore[misc]
        one.keys("C-u")
        one.type(LISTED[name])
        listed = (tmux.folder / "listed").read_text()
        for shown in (
            "make $(touch canary) `touch canary` !!",
            "echo zażółć 100% \\",
            "git commit -m it\\'s",
        ):
            assert listed.count(shown) == 1, listed
        assert listed.count("echo 'a") == 1
        assert "title" not in listed
        with live.ended(int(one.pid)):
            one.enter("exit")
    kept = (tmux.folder / KEPT[name]).read_text()
    if name == "fish":  # it has one history for all of its shells
        assert kept.count("git commit") == kept.count("cmd: echo 'a\\nb'") == 1
    else:
        assert kept.startswith("echo mine\n")
        assert "git commit" not in kept
        assert kept.count("listed") == 2
    assert not (tmux.folder / "canary").exists()
    assert one.commands(1)[0][0] == LISTED[name]  # what came back is told to nobody
