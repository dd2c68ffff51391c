"""Triggers by a real daemon on a real tmux: what sets them off, what they do, and that they never run what somebody printed."""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import random
import re
import signal
import threading
import urllib.parse
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.conftest import Cli
from tests.e2e.test_daemon import events, found, kill, of, pid_of
from tests.e2e.test_daemon_faults import times
from tests.e2e.test_supervise import pane
from tests.support import live

HOSTILE = "ERROR $(touch canary) `touch canary` #(touch canary);touch canary;' \" {{ 7*7 }} %H #{pane_id} -x"

MANIFEST = """\
version: 1
workspace: t
sessions:
  s:
    panes:
      - {name: out, command: 'stty -echo; while read -r line; do printf "%s\\n" "$line"; done'}
      - {name: cat, command: 'stty -echo; exec cat > heard'}
      - {name: shell}
      - {name: server, command: 'exec sleep 1000'}
      - {name: job, command: 'exec sleep 1000', labels: {kind: job}}
groups: {jobs: {panes: [s/job]}}
"""


def write(cli: Cli, triggers: str) -> str:
    return cli.write("t.yaml", f"{MANIFEST}triggers:\n{triggers}")


@pytest.fixture
def here(cli: Cli) -> Iterator[Cli]:
    yield cli
    cli.ok("daemon", "stop")


def id_of(cli: Cli, address: str) -> str:
    rows = cli.tmux("list-panes", "-a", "-F", "#{pane_id} #{@orchestra_pane}").splitlines()
    return next(row.split()[0] for row in rows if row.split()[2] == address)


def say(cli: Cli, address: str, text: str) -> None:
    cli.tmux(
        "send-keys",
        "-l",
        "-t",
        id_of(cli, address),
        "--",
        text.replace(";", r"\;") if text.endswith(";") else text,
    )
    cli.tmux("send-keys", "-t", id_of(cli, address), "Enter")


def ended(every: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return [
        each
        for each in every
        if each.get("trigger") == name and (each["type"] == "trigger.succeeded" or each.get("final"))
    ]


def screen(cli: Cli, address: str) -> str:
    return cli.tmux("capture-pane", "-p", "-J", "-t", id_of(cli, address))


def test_what_is_printed_is_never_run(here: Cli) -> None:
    """Into a command, a program's terminal, a log and a person's status line it goes as it is; into a shell it does not go."""
    write(
        here,
        """\
  - name: all
    on: {output: ERROR}
    from: s/out
    do:
      - run: 'printf "%s\\n" "$ORCHESTRA_EVENT_LINE" > line; cat > json'
      - log: "{{ event.line }}"
      - message: {to: s/cat, text: "it said: {{ event.line }}"}
      - send_keys: {to: s/cat, keys: ["{{ event.line }}", Enter]}
      - notify: {title: "{{ event.line }}", text: "#(touch canary)"}
      - message: {to: s/shell, text: "echo {{ event.address }}"}
      - message: {to: s/shell, text: "{{ event.line }}"}
""",
    )
    here.ok("apply", "t.yaml")
    terminal = here.terminal("attach", "s", columns=200)
    terminal.until("s")
    live.until(lambda: here.tmux("list-clients"))
    say(here, "s/out", HOSTILE)
    every = found(here, lambda some: ended(some, "all"))
    (last,) = ended(every, "all")
    assert last["action"] == "message"
    assert "a shell waits there, and would run what the event says" in last["reason"]
    assert (here.folder / "line").read_text() == HOSTILE + "\n"
    assert json.loads((here.folder / "json").read_text())["line"] == HOSTILE
    assert of(every, "trigger.logged")[0]["text"] == HOSTILE
    heard = live.until(lambda: (lines := (here.folder / "heard").read_text().splitlines())[1:] and lines)
    assert heard == [f"it said: {HOSTILE}", HOSTILE]
    terminal.until("ERROR $(touch canary)")
    live.until(lambda: "\ns/out\n" in screen(here, "s/shell"))
    assert not list(here.folder.glob("**/canary"))


def test_what_is_typed_at_a_prompt_is_not_what_is_printed(here: Cli) -> None:
    write(here, "  - {name: t, on: {output: E+RR}, from: s/shell, do: [{log: '{{ event.line }}'}]}\n")
    here.ok("apply", "t.yaml")
    for command in (
        "true",  # until it is at its prompt: what is typed before is echoed by the terminal, too
        "echo ERROR 1",
        "{ while [ ! -e go ]; do sleep 0.02; done; echo ERROR 2; } &",
        "true",
    ):
        here.ok("pane", "exec", "--wait", "s/shell", command)
    (here.folder / "go").touch()  # printed from behind, at the prompt
    every = found(here, lambda some: len(of(some, "trigger.logged")) >= 2)
    assert [each["text"].partition("ERROR")[2] for each in of(every, "trigger.logged")] == [" 1", " 2"]


def test_typing_is_done_once_and_refused_where_it_would_be_lost(here: Cli) -> None:
    write(
        here,
        """\
  - {name: say, on: trigger.logged, do: [{message: {to: s/cat, text: hello}, retries: 0}]}
  - {name: int, on: pane.title_changed, do: [{signal: {to: "kind=job", signal: INT}}]}
""",
    )
    here.ok("apply", "t.yaml")
    here.ok("trigger", "add", "--name", "log", "--on", "window.renamed", "--log", "x")
    cat = id_of(here, "s/cat")
    here.tmux("rename-window", "-t", cat, "one")
    found(here, lambda some: ended(some, "say"))
    assert (here.folder / "heard").read_text() == "hello\n"
    here.tmux("copy-mode", "-t", cat)
    here.tmux("rename-window", "-t", cat, "two")
    every = found(here, lambda some: len(ended(some, "say")) == 2)
    assert "copy mode" in ended(every, "say")[1]["reason"]
    here.tmux("send-keys", "-X", "-t", cat, "cancel")
    run = here.json("events", "replay", "--list")["runs"][0]["run"]
    here.ok("events", "replay", run)
    found(here, lambda some: len(ended(some, "say")) == 3)
    live.until(lambda: (here.folder / "heard").read_text() == "hello\nhello\n")
    assert here.ok("events", "replay", "--list") == "nothing has failed\n"
    here.tmux("select-pane", "-t", id_of(here, "s/server"), "-T", "a title")
    live.until(lambda: pane(here, "s/job")["status"] == "failed")
    assert pane(here, "s/job")["detail"].endswith("SIGINT")
    assert pane(here, "s/server")["status"] == "running"


def test_starting_and_stopping_leaves_a_persons_stop_alone(here: Cli) -> None:
    write(
        here,
        """\
  - {name: stop, on: window.renamed, when: event.after == "stop", do: [{stop: "@jobs"}]}
  - {name: start, on: window.renamed, when: event.after == "start", do: [{start: s/job}]}
  - {name: again, on: window.renamed, when: event.after == "again", do: [{restart: "s/{{ 'job' }}"}, {snapshot: {}}, {apply: {}}]}
""",
    )
    here.ok("apply", "t.yaml")
    first = pane(here, "s/job")["pid"]

    def rename(name: str) -> None:
        before = len(ended(events(here), name))
        here.tmux("rename-window", "-t", id_of(here, "s/job"), name)
        found(here, lambda some: len(ended(some, name)) > before)

    rename("stop")
    assert pane(here, "s/job")["status"] == "stopped"
    rename("start")
    second = pane(here, "s/job")["pid"]
    assert (pane(here, "s/job")["status"], second != first) == ("running", True)
    rename("again")
    assert pane(here, "s/job")["pid"] not in (first, second)
    every = events(here)
    assert of(every, "snapshot.saved")[0]["workspaces"] == {"t": 5}
    assert of(every, "apply.finished")[-1]["ok"]
    here.ok("stop", "s/job")
    rename("start")
    rename("again")
    assert pane(here, "s/job")["status"] == "stopped"


def test_what_a_trigger_stops_is_its_own_also_when_the_daemon_is_killed_at_it(here: Cli) -> None:
    here.write(
        "t.yaml",
        """\
version: 1
workspace: t
sessions: {s: {panes: [{name: deaf, command: "trap '' TERM; while :; do sleep 0.1; done", stop: {timeout: 2s}}]}}
triggers:
  - {name: stop, on: window.renamed, when: event.after == "stop", do: [{stop: s/deaf}]}
  - {name: start, on: window.renamed, when: event.after == "start", do: [{start: s/deaf}]}
""",
    )
    here.ok("apply", "t.yaml")
    deaf = id_of(here, "s/deaf")
    here.tmux("rename-window", "-t", deaf, "stop")
    live.until(lambda: "stopped" in here.tmux("show-options", "-pvt", deaf, "@orchestra_pane"))
    kill(pid_of(here))
    here.ok("daemon", "start")
    found(here, lambda some: ended(some, "stop"))
    assert pane(here, "s/deaf")["status"] == "stopped"  # it was finished
    here.tmux("rename-window", "-t", deaf, "start")
    assert ended(found(here, lambda some: ended(some, "start")), "start")[0]["type"] == "trigger.succeeded"
    assert pane(here, "s/deaf")["status"] == "running"


def test_a_notice_waits_for_somebody_to_hear_it(here: Cli) -> None:
    write(here, "  - {name: tell, on: window.renamed, do: [{notify: 'called {{ event.after }}'}]}\n")
    here.ok("apply", "t.yaml")
    for number, name in enumerate(("one", "two")):
        here.tmux("rename-window", "-t", id_of(here, "s/job"), name)
        every = found(here, lambda some, number=number: len(ended(some, "tell")) == number + 1)  # type: ignore[misc]
    assert [each["text"] for each in of(every, "notice.kept")] == ["called one", "called two"]
    assert not of(every, "trigger.failed")
    kill(pid_of(here))
    here.ok("daemon", "start")
    here.terminal("attach", "s", columns=200).until("2 notices")


class Hook:
    """A webhook's other side."""

    def __init__(self, code: int = 200) -> None:
        self.code = code
        self.heard: list[tuple[str, dict[str, str], bytes]] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.heard.append((self.path, dict(self.headers), body))
                self.send_response(outer.code)
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self.server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def hook() -> Iterator[Hook]:
    made = Hook()
    with contextlib.closing(made):
        yield made


def test_webhooks_and_what_happens_when_the_other_side_is_down(here: Cli, hook: Hook) -> None:
    write(
        here,
        f"""\
  - name: hook
    on: {{output: x}}
    from: s/out
    limit: 100 per 1m
    do:
      - webhook:
          url: "http://127.0.0.1:{hook.port}/h/{{{{ event.line }}}}"
          headers: {{X-Line: "{{{{ event.line }}}}"}}
          secrets: {{Authorization: TOKEN}}
        retries: 0
""",
    )
    here.ok("daemon", "start", TOKEN="a secret token")
    here.ok("apply", "t.yaml")
    say(here, "s/out", "x/../@evil:1/?a=b")
    live.until(lambda: hook.heard)
    path, headers, body = hook.heard[0]
    assert path == "/h/x%2F..%2F%40evil%3A1%2F%3Fa%3Db"
    assert (headers["X-Line"], headers["Authorization"]) == ("x/../@evil:1/?a=b", "a secret token")
    told = json.loads(body)
    assert (told["type"], told["trigger"], f"{told['run']}-0") == (
        "pane.matched",
        "hook",
        headers["Idempotency-Key"],
    )
    hook.code = 500
    for number in range(5):
        say(here, "s/out", f"x{number}")
        found(here, lambda some, number=number: len(ended(some, "hook")) == 2 + number)  # type: ignore[misc]
    say(here, "s/out", "x6")
    every = found(here, lambda some: len(of(some, "trigger.fired")) == 7)
    (changed,) = of(every, "breaker.changed")
    assert (changed["before"], changed["after"], changed["reason"]) == ("closed", "open", "HTTP 500")
    live.until(lambda: here.json("daemon", "status")["parts"]["triggers"]["runs"] == 1)  # the seventh waits
    assert len(hook.heard) == 6
    shown = here.json("daemon", "status")
    name = f"webhook 127.0.0.1:{hook.port}"
    assert shown["parts"]["triggers"]["breakers"] == {name: "open"}
    assert f"triggers: {name} is not called for a while: HTTP 500" in shown["troubles"]
    assert "a secret token" not in json.dumps([every, shown])


EVIL = "E#[fg=red]#{pane_id}#(touch canary)%H%%\u202e{{ 7*7 }}$(touch canary)`touch canary`\x1b]0;evil\x07"
"""What terminals, tmux, the clock, templates and shells would obey."""


def test_whatever_is_said_reaches_every_act_as_text(here: Cli, hook: Hook) -> None:
    """A file's name, which may be anything but NUL and a slash, and a pane's longest line."""
    names = [EVIL + b"\nX: 1\r\n".decode(), "\udcff\udcfe.E"]
    write(
        here,
        f"""\
  - name: all
    on: {{file: ["in/*"]}}
    do:
      - run: 'cat > json; printf "%s" "$ORCHESTRA_EVENT_PATHS" > paths'
      - log: "{{{{ event.paths }}}}"
      - send_keys: {{to: s/cat, keys: ["{{{{ event.paths }}}}", Enter]}}
      - notify: {{title: "{{{{ event.paths }}}}", text: "#[fg=red]#{{pane_id}}%H"}}
      - webhook:
          url: "http://127.0.0.1:{hook.port}/{{{{ event.paths }}}}"
          headers: {{X-Paths: "{{{{ event.paths }}}}"}}
          body: "{{{{ event.paths }}}}"
      - snapshot: {{}}
      - {{run: 'printf "\\033]0;evil\\007\\000\\377 %s" "$ORCHESTRA_EVENT_PATHS"; exit 1', retries: 0}}
  - name: long
    on: {{output: LONG}}
    from: s/out
    do:
      - run: 'printf "%s" "$ORCHESTRA_EVENT_LINE" | wc -c > length'
      - log: "{{{{ event.line }}}}"
""",
    )
    (here.folder / "in").mkdir()
    here.ok("apply", "t.yaml")
    terminal = here.terminal("attach", "s", columns=300)
    live.until(lambda: here.tmux("list-clients"))
    live.until(lambda: here.json("daemon", "status")["parts"]["watch"]["directories"])
    for name in names:
        (here.folder / "in" / name).write_text("x")
    every = found(here, lambda some: ended(some, "all"))
    assert ended(every, "all")[0]["action"] == "run"  # the last, which fails
    told = json.loads((here.folder / "json").read_text())["paths"]
    assert len(told) == len(names)
    assert str(here.folder / "in" / names[0]) in told
    assert json.loads((here.folder / "paths").read_text()) == told
    live.until(lambda: "{{ 7*7 }}" in (here.folder / "heard").read_text())
    heard = (here.folder / "heard").read_text()
    assert json.loads(heard) == told
    path, headers, body = hook.heard[0]
    assert (
        json.loads(urllib.parse.unquote(path[1:]))
        == json.loads(headers["X-Paths"])
        == json.loads(body)
        == told
    )
    terminal.until("E# [fg=red]#{pane_id}#(touch canary)%H%%")
    terminal.until(": # [fg=red]#{pane_id}%H")
    with (here.folder / "long").open("wb") as file:
        file.write(b"LONG" + b"\xff\x00\xf0\x9f\x98\x80" * 1_700_000 + b"\n")
    here.tmux("respawn-pane", "-k", "-t", id_of(here, "s/out"), f"cat {here.folder}/long; exec sleep 1000")
    every = found(here, lambda some: ended(some, "long"))
    assert 0 < int((here.folder / "length").read_text()) <= 4 * 4096
    for words in (
        ("events", "--after", "0"),
        ("daemon", "status"),
        ("daemon", "logs"),
        ("events", "replay", "--list"),
    ):
        shown = here.run(*words)
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", shown.out + shown.err), words
    assert not list(here.folder.glob("**/canary"))


def test_time_and_silence_and_use_are_noticed_once(here: Cli) -> None:
    write(
        here,
        """\
  - {name: idle, on: {idle: 1s}, from: s/out, do: [{log: idle}]}
  - {name: old, on: {timeout: 2s}, from: s/server, do: [{log: old}]}
  - {name: used, on: {metric: processes, above: 0}, from: s/server, do: [{log: used}]}
""",
    )
    here.ok("apply", "t.yaml")
    every = found(
        here, lambda some: {"idle", "old", "used"} <= {each["text"] for each in of(some, "trigger.logged")}
    )
    assert of(every, "pane.timeout")[0]["duration"] == 2
    assert of(every, "pane.metric")[0]["value"] >= 1
    for number in (2, 3):
        say(here, "s/out", "again")  # that is not silence, and then it is
        found(here, lambda some, number=number: len(of(some, "pane.idle")) == number)  # type: ignore[misc]
        kill(pid_of(here))
        here.ok("daemon", "start")
        live.until(lambda: here.json("daemon", "status")["parts"]["triggers"]["in_force"] == 3)
    every = events(here)
    assert len(of(every, "pane.idle")) == 3
    assert len(of(every, "pane.timeout")) == len(of(every, "pane.metric")) == 1


def test_triggers_by_hand_and_the_old_bridges_words(here: Cli) -> None:
    here.write("t.yaml", MANIFEST)
    here.ok("apply", "t.yaml")
    added = here.run("trigger", "add", "--name", "mine", "--on", "output:E+", "--from", "@jobs", "--log", "x")
    assert (added.out, "daemon was started" in added.err) == ("added mine\n", True)
    for words, said in (
        (("--name", "mine", "--on", "pane.exited", "--log", "x"), "has a trigger called mine already"),
        (("--name", "n", "--on", "pane.exit", "--log", "x"), "there is no event"),
        (("--name", "n", "--on", "pane.exited", "--from", "s/jop", "--log", "x"), "did you mean"),
        (
            ("--name", "n", "--on", "pane.exited", "--run", "echo {{ event.line }}"),
            "--run: what an event says is never put into a command",
        ),
        (("--name", "n", "--on", "output:(", "--log", "x"), "--on: `(` is not a regular expression"),
        (("--name", "n", "--on", "pane.exited", "--limit", "5", "--log", "x"), "--limit: expected"),
        (("--name", "n", "--on", "metric:memory", "--log", "x"), "for example metric:memory>1G"),
        (("--on", "pane.exited", "--log", "x"), "say --name"),
    ):
        done = here.run("trigger", "add", *words)
        assert done.code != 0
        assert said in done.err
        assert "-->" not in done.err
    assert "PATTERN: `(`" in here.run("events", "subscribe", "s", "pattern-match", "(", "x").err
    callback = 'echo "${session} ${pane_id} $ORCHESTRA_EVENT_EXIT_CODE" >> ends'
    subscribed = here.json("events", "subscribe", "s", "pane-exit", callback)["subscribed"]
    here.ok("apply", "t.yaml")  # leaves them alone
    rows = here.json("trigger", "list")["triggers"]
    assert [(row["name"], row["origin"], row["from"]) for row in rows] == [
        ("mine", "added", "@jobs"), (subscribed, "added", "s"),
    ]  # fmt: skip
    os.kill(pane(here, "s/job")["pid"], signal.SIGKILL)
    live.until(lambda: (here.folder / "ends").exists() and (here.folder / "ends").read_text())
    assert (here.folder / "ends").read_text() == "s 4 \n"
    fired = here.json("trigger", "test", subscribed)["fired"]
    assert [each["event"]["address"] for each in fired] == ["s/job"]
    one = '{"type": "pane.exited", "address": "s/out", "exit_code": 1}'
    assert "would run" in here.ok("trigger", "test", subscribed, "--event", one)
    here.ok("trigger", "remove", "mine", subscribed)
    assert here.ok("trigger", "list") == "no triggers are in force\n"
    assert here.run("trigger", "remove", "mine").code == 64


@pytest.mark.torture
def test_killed_at_any_moment_no_event_is_without_its_run(here: Cli) -> None:
    """At least one start for each line, the same number at each attempt, and nothing left over."""
    write(
        here,
        """\
  - name: count
    on: {output: 'line (\\d+)'}
    from: s/out
    limit: 100000 per 1m
    do:
      - run: 'echo "$ORCHESTRA_RUN $ORCHESTRA_ATTEMPT $ORCHESTRA_EVENT_LINE" >> count'
      - run: 'echo "$ORCHESTRA_RUN" >> second'
""",
    )
    here.ok("apply", "t.yaml")
    dice = random.Random(5)
    rounds = times(3, 60)
    for number in range(rounds):
        for each in range(4):
            say(here, "s/out", f"line {number}.{each}")
        threading.Event().wait(dice.random() * 0.1)
        kill(pid_of(here))
        say(
            here, "s/out", f"line {number}.dead"
        )  # what is printed while no daemon runs is looked at by the next one
        here.ok("daemon", "start")
    wanted = {f"line {number}.{each}" for number in range(rounds) for each in (0, 1, 2, 3, "dead")}

    def done(some: list[dict[str, Any]]) -> bool:
        return {each["line"] for each in of(some, "pane.matched")} == wanted and len(
            ended(some, "count")
        ) == len(of(some, "trigger.fired"))

    every = found(here, done)
    matched = [each["line"] for each in of(every, "pane.matched")]
    rows = [line.split(" ", 2) for line in (here.folder / "count").read_text().splitlines()]
    assert {row[2] for row in rows} == set(matched)
    assert len({(row[0], row[1]) for row in rows}) == len(rows)
    assert len(of(every, "trigger.fired")) == len(matched)
    assert not [each for each in ended(every, "count") if each["type"] != "trigger.succeeded"]


def test_the_first_line_of_the_first_pane_counts(here: Cli) -> None:
    """The daemon is started before the first pane, not after the last."""
    here.write(
        "t.yaml",
        """\
version: 1
workspace: t
sessions: {s: {panes: [{name: quick, command: 'echo ERROR at once; exec sleep 1000'}]}}
triggers: [{name: all, on: {output: ERROR}, do: [{log: "{{ event.line }}"}]}]
""",
    )
    done = here.run("apply", "t.yaml")
    assert "the daemon was started: the manifest wants triggers" in done.err
    every = found(here, lambda some: ended(some, "all"))
    assert [each["text"] for each in of(every, "trigger.logged")] == ["ERROR at once"]
    assert of(every, "apply.finished")
    assert here.ok("logs", "s/quick") == "ERROR at once\n"


def test_what_is_nobodys_is_looked_at_while_somebody_asks(here: Cli) -> None:
    """Across a daemon that is killed; nothing a person pipes is touched, and nothing is recorded longer than it is asked for."""
    here.ok("session", "create", "dev")
    here.ok("pane", "create", "dev", "server")
    ids = here.tmux("list-panes", "-s", "-t", "dev", "-F", "#{pane_id}").split()

    def piped() -> list[str]:
        return here.tmux("list-panes", "-s", "-t", "dev", "-F", "#{pane_pipe}").split()

    here.tmux("pipe-pane", "-t", ids[0], "exec cat > mine")
    for words, said in (
        (("dev", "pane-output", "true"), "dev/0: somebody pipes what it prints elsewhere"),
        (("dev", "file.changed", "true"), "is of no pane"),
        (("nobody", "pane-exit", "true"), "there is no session nobody"),
    ):
        assert said in here.run("events", "subscribe", *words).err
    assert (piped(), here.ok("trigger", "list")) == (["1", "0"], "no triggers are in force\n")
    here.tmux("pipe-pane", "-t", ids[0])

    callback = 'echo "${session} ${pane_id} $ORCHESTRA_EVENT_PANE_ID $ORCHESTRA_EVENT_LINE" >> '
    ended = here.json("events", "subscribe", "dev", "pane-exit", callback + "ends")["subscribed"]
    heard = here.json("events", "subscribe", "dev", "pattern-match", "^E[0-9]$", callback + "heard")
    live.until(lambda: piped() == ["1", "1"])
    rows = [(row["name"], row["workspace"], row["from"]) for row in here.json("trigger", "list")["triggers"]]
    assert rows == [(ended, "", "dev"), (heard["subscribed"], "", "dev")]

    here.ok("pane", "exec", "--wait", "dev/server", "echo E$((0+1))")  # hears from the same recording
    live.until(lambda: (here.folder / "heard").exists() and (here.folder / "heard").read_text())
    assert (here.folder / "heard").read_text() == "dev 1 1 E1\n"
    kill(pid_of(here))
    here.tmux("rename-session", "-t", "dev", "other")
    here.tmux("kill-pane", "-t", ids[1])
    here.ok("daemon", "start")
    live.until(lambda: (here.folder / "ends").exists() and (here.folder / "ends").read_text())
    assert (here.folder / "ends").read_text() == "dev 1 1 \n"
    here.tmux("send-keys", "-t", ids[0], "echo E$((1+1))", "Enter")
    live.until(lambda: "other 0 0 E2\n" in (here.folder / "heard").read_text())

    here.ok("trigger", "remove", heard["subscribed"])
    assert here.tmux("list-panes", "-a", "-F", "#{pane_pipe}").split() == ["0"]
    again = here.json("events", "subscribe", "other", "pane-output", "true")["subscribed"]
    here.tmux("pipe-pane", "-t", ids[0], "exec cat > mine")  # a person takes it over
    here.ok("trigger", "remove", ended, again)
    assert here.tmux("list-panes", "-a", "-F", "#{pane_pipe}").split() == ["1"]
    assert (here.folder / "heard").read_text() == "dev 1 1 E1\nother 0 0 E2\n"
