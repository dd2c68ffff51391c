"""`triggers`, `schedules`, `gc`, `limits` and `watch`, as they are written and as they are meant."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from orchestra.manifest import fault, load, reacting
from orchestra.model import rules
from tests.unit.manifest import reading

AROUND = """\
version: 1
workspace: shop
variables: {port: 8000, name: server}
sessions:
  api: {labels: {tier: web}, panes: [{name: server}, {name: shell}]}
  db: {panes: [{name: server, labels: {tier: data}}]}
groups: {all: {sessions: [api, db]}}
"""


def loaded(folder: Path, more: str) -> rules.Rules:
    (folder / "m.yaml").write_text(AROUND + more)
    return load.load(folder / "m.yaml", load.Inputs(environ={"HOME": "/home/u"})).workspace.rules


def trigger(folder: Path, on: str, do: str = "{log: x}", more: str = "") -> rules.Trigger:
    (made,) = loaded(folder, f"triggers: [{{name: t, on: {on}, do: [{do}]{more}}}]").triggers
    return made


@pytest.mark.parametrize(
    ("text", "on"),
    [
        ("pane.exited", rules.OnEvent(types=("pane.exited",))),
        ("[pane.exited, 'health.*']", rules.OnEvent(types=("pane.exited", "health.*"))),
        ("{output: 'ERROR|FATAL'}", rules.OnOutput(pattern="ERROR|FATAL")),
        ("{idle: 10m}", rules.OnIdle(after=timedelta(minutes=10))),
        ("{timeout: 1h}", rules.OnTimeout(after=timedelta(hours=1))),
        ("{file: [/etc/*.conf, '~/x']}", rules.OnFile(paths=("/etc/*.conf", "/home/u/x"))),
        ("{metric: memory, above: 1G}", rules.OnMetric(metric=rules.Metric.MEMORY, above=2.0**30)),
        ("{metric: cpu, below: 5%}", rules.OnMetric(metric=rules.Metric.CPU, below=5.0)),
        ("{metric: processes, above: 7}", rules.OnMetric(metric=rules.Metric.PROCESSES, above=7.0)),
    ],
)
def test_on(tmp_path: Path, text: str, on: rules.On) -> None:
    assert trigger(tmp_path, text).on == on


@pytest.mark.parametrize(
    ("text", "act"),
    [
        ("{run: [a, 1]}", rules.Run(command=("a", "1"), dir="HERE")),
        ("{run: a b}", rules.Run(command="a b", dir="HERE")),
        ("{run: {command: a, dir: sub, env: {A: 1}}}", rules.Run(command="a", dir="HERE/sub", env={"A": "1"})),
        ("{send_keys: [C-c, 1]}", rules.SendKeys(keys=("C-c", "1"))),
        ("{send_keys: {to: api/*, keys: [x]}}", rules.SendKeys(keys=("x",), to="api/*")),
        ("{signal: hup}", rules.Signal(signal="SIGHUP")),
        ("{signal: {to: '@all', signal: SIGTERM}}", rules.Signal(signal="SIGTERM", to="@all")),
        ("{start: tier=web}", rules.Start(to="tier=web")),
        ("{stop: {to: db}}", rules.Stop(to="db")),
        ("{restart: {}}", rules.Restart()),
        ("{restart: 'api/{{ name }}'}", rules.Restart(to="api/server")),
        ("{restart: '{{ event.address }}'}", rules.Restart(to="{{ event.address }}")),
        ("{snapshot: {scrollback: true}}", rules.Snapshot(scrollback=True)),
        ("{message: {to: api, text: 'on {{ port }}'}}", rules.Message(text="on 8000", to="api")),
        ("{collect: {}}", rules.Collect()),
        ("{apply: {yes: true}}", rules.Apply(yes=True)),
        ("{notify: {title: '{{ event.exit_code }}', urls: [CHAT]}}", rules.Notify(title="{{ event.exit_code }}", urls=("CHAT",))),
        ("{webhook: {url: 'http://h/', headers: {X-A: 1}, secrets: {B: C}}}",
         rules.Webhook(url="http://h/", headers={"X-A": "1"}, secrets={"B": "C"})),
        ("{notify: '{{ event.address }} failed'}", rules.Notify(title="{{ event.address }} failed")),
        ("{message: 'on {{ port }}'}", rules.Message(text="on 8000")),
        ("{webhook: 'http://h/{{ event.address }}'}", rules.Webhook(url="http://h/{{ event.address }}")),
        ("{log: '{{ event.address }} on {{ port }}'}", rules.Log(text="{{ event.address }} on {{ 8000 }}")),
    ],
)  # fmt: skip
def test_do(tmp_path: Path, text: str, act: rules.Act) -> None:
    (done,) = trigger(tmp_path, "pane.exited", text).do
    assert repr(done.act).replace(str(tmp_path), "HERE") == repr(act)
    assert (done.timeout, done.retries) == (
        timedelta(seconds=30),
        10 if "webhook" in text or "urls" in text else 2,
    )


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("{exit_code: {not: 0}}", "event.exit_code != 0"),
        ("{exit_code: 3, address: api/server}", 'event.exit_code == 3 and event.address == "api/server"'),
        ("{signal: {in: [9, 15]}}", "event.signal in [9, 15]"),
        ("{signal: null}", "event.signal == none"),
        ("{pid: {above: 2, below: 9}}", "(event.pid != none and event.pid > 2) and (event.pid != none and event.pid < 9)"),
        ("event.exit_code == port", "event.exit_code == 8000"),
    ],
)  # fmt: skip
def test_when(tmp_path: Path, text: str, when: str) -> None:
    assert trigger(tmp_path, "pane.exited", more=f", when: {text}").when == when


@pytest.mark.parametrize(
    ("text", "complaints"),
    [
        ("triggers: [{name: t, on: pane.exit, do: [{log: x}]}]", ["there is no event `pane.exit`"]),
        ("triggers: [{name: t, on: {}, do: [{log: x}]}]", ["this says nothing to react to"]),
        ("triggers: [{name: t, on: {output: '('}, do: [{log: x}]}]", 1),
        ("triggers: [{name: t, on: {output: x, idle: 1s}, do: [{log: x}]}]", ["`output` and `idle` exclude each other"]),
        ("triggers: [{name: t, on: {metric: cpu}, do: [{log: x}]}]", ["a metric needs `above` or `below`"]),
        ("triggers: [{name: t, on: {metric: cpu, above: 1G}, do: [{log: x}]}]", ["`1G` is nothing that `cpu` can be"]),
        ("triggers: [{name: t, on: {above: 1}, do: [{log: x}]}]", 1),
        ("triggers: [{name: t, on: {schedule: s}, do: [{log: x}]}]", ["there is no schedule `s`"]),
        ("triggers: [{name: t, on: pane.exited, do: []}]", ["this must not be empty"]),
        ("triggers: [{name: t, on: pane.exited, do: [{}]}]", ["this says nothing to do"]),
        ("triggers: [{name: t, on: pane.exited, do: [{log: x, run: y}]}]", ["`run` and `log` exclude each other"]),
        ("triggers: [{name: t, on: pane.exited, do: [{signal: SIGFOO}]}]", ["there is no signal `SIGFOO`"]),
        ("triggers: [{name: t, on: pane.exited, do: [{restart: api/sever}]}]", ["`api/sever` means no pane"]),
        ("triggers: [{name: t, on: pane.exited, from: '@none', do: [{log: x}]}]", ["`@none` means no pane"]),
        ("triggers: [{name: t, on: pane.exited, from: 'a b', do: [{log: x}]}]", 1),
        ("triggers: [{name: t, on: pane.exited, limit: 3, do: [{log: x}]}]", 1),
        ("triggers: [{name: t, on: pane.exited, when: 'event.', do: [{log: x}]}]", 1),
        ("triggers: [{name: t, on: pane.exited, when: 'prt == 1', do: [{log: x}]}]", ["there is no variable `prt`"]),
        ("triggers: [{name: t, on: pane.exited, when: 'event.x >', do: [{log: x}]}]", ["`event.x >` is no expression"]),
        ("triggers: [{name: t, on: pane.exited, do: [{log: '{{ event.x.y }}'}]}]", 1),
        ("triggers: [{name: t, on: pane.exited, do: [{log: '{{ evnt.x }}'}]}]", 1),
        ("triggers: [{name: t, on: pane.exited, do: [{webhook: {url: 'ftp://x'}}]}]", ["`ftp://x` is not an http address"]),
        (
            "triggers: [{name: t, on: pane.exited, do: [{log: x}]}, {name: t, on: pane.exited, do: [{log: x}]}]",
            ["two triggers are called `t`"],
        ),
        ("schedules: [{name: s, do: [{log: x}]}]", ["this is never due"]),
        ("schedules: [{name: s, cron: '61 * * * *', do: [{log: x}]}]", 1),
        ("schedules: [{name: s, cron: '* * * * *', every: 1m, do: [{log: x}]}]", ["`cron` and `every` exclude each other"]),
        ("schedules: [{name: s, every: 0s, do: [{log: x}]}]", ["`every` must be longer than nothing"]),
        ("schedules: [{name: s, every: 99ms, do: [{log: x}]}]", ["`99ms` is more often than a schedule can be: at most every 100ms"]),
        ("schedules: [{name: s, at: tomorrow, do: [{log: x}]}]", ["`tomorrow` is no date with a time"]),
        ("schedules: [{name: s, cron: '* * * * *', timezone: Europe/Berln, do: [{log: x}]}]", ["there is no time zone `Europe/Berln`"]),
        ("triggers: [{name: t, on: {outpu: x}, do: [{noti: x}]}]", ["unknown key `outpu` in an on", "unknown key `noti` in a reaction"]),
        ("triggers: [{name: t, on: pane.exited, limit: x per 1m, do: [{log: x}]}]", 1),
        ("triggers: [{name: t, on: {metric: io, above: lots}, do: [{log: x}]}]", 1),
        ("schedules: [{name: s, every: 1m, misfire: x, overlap: y, do: [{log: x}]}]", 2),
        ("triggers: [{name: t, on: pane.exited, when: {exitcode: 1}, do: [{log: x}]}]", ["`event.exitcode` is no field of pane.exited"]),
        ("triggers: [{name: t, on: [pane.exited, health.changed], when: 'event.aftr == 1 or event.after != \"event.x\"', do: [{log: x}]}]",
         ["`event.aftr` is no field of any of these events"]),
        ("triggers: [{name: t, on: {output: x}, do: [{log: 'event.x {{ event.lin }}'}, {notify: {title: '{{ event.pat }}'}}]}]",
         ["`event.lin` is no field of pane.matched", "`event.pat` is no field of pane.matched"]),
        ("triggers: [{name: t, on: pane.exited, when: 'evnt.x == 1', do: [{log: x}]}]", ["there is no `evnt` that has fields"]),
        ("triggers: [{name: t, on: pane.exited, do: [{run: {command: x, env: {A: '{{ event.exitcode }}'}}}]}]",
         ["`event.exitcode` is no field of pane.exited"]),
        ("triggers: [{name: t, on: pane.exited, when: event.session == 's', do: [{run: {command: x, env: {A: '{{ event.pane_id }}'}}}]}]",
         []),
        ("schedules: [{name: s, every: 1m, do: [{restart: {}}, {stop: api}, {message: {to: api/shell, text: x}}]}]",
         ["`restart` does not say which panes"]),
        ("triggers: [{name: t, on: {file: [x]}, do: [{send_keys: [C-c]}]}]", ["`send_keys` does not say which panes"]),
        ("triggers: [{name: t, on: {schedule: s}, do: [{message: x}]}]\nschedules: [{name: s, every: 1m, do: [{signal: SIGHUP}]}]",
         ["`message` does not say which panes", "`signal` does not say which panes"]),
        ("schedules: [{name: s, every: 1m, do: [{log: '{{ event.schedul }}'}]}]", ["`event.schedul` is no field of schedule.due"]),
        ("gc: {idle: 0s}", ["`idle` must be longer than nothing"]),
    ],
)  # fmt: skip
def test_what_is_refused_is_told(tmp_path: Path, text: str, complaints: list[str] | int) -> None:
    found = [each.summary for each in reading.diagnostics(tmp_path, AROUND.removeprefix(reading.HEAD) + text)]
    assert (len(found) if isinstance(complaints, int) else found) == complaints


@pytest.mark.parametrize(
    "text", ["memory: lots", "memory: G", "cpu: lots", "output: '.'", "on_exceed: explode"]
)
def test_a_limit_that_is_none_is_told_once(tmp_path: Path, text: str) -> None:
    manifest = f"sessions: {{a: {{panes: [{{limits: {{{text}}}}}]}}}}"
    (found,) = reading.diagnostics(tmp_path, manifest)
    assert found.summary.startswith("expected ")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("limits: {memory: 300}", "no process runs in 300 bytes"),
        ("limits: {cpu: 0%}", "`cpu` must be more than nothing"),
        ("restart: {policy: always, backoff: {initial: 2s, max: 1s}}", "`max` is shorter than `initial`"),
        (
            "restart: {policy: on-fail}",
            "expected one of `no`, `on-failure`, `always`, `unless-stopped`, found `on-fail`",
        ),
    ],
)
def test_what_cannot_be_is_told(tmp_path: Path, text: str, complaint: str) -> None:
    (found,) = reading.diagnostics(tmp_path, f"sessions: {{a: {{panes: [{{{text}}}]}}}}")
    assert found.summary == complaint


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("on: pane.exited, when: 'exit_code != 0'", "a field of the event is written `event.exit_code`"),
        ("on: pane.exited, when: '{{ event.x }}'", "`when` is an expression as it stands: no braces"),
        ("on: pane.exited, when: 'event.x >'", "for example `event.exit_code != 0`"),
        ("on: pane.exited, from: 'zz/*'", "there are `api/server`, `api/shell`, `db/server`, `api`, `db`"),
        ("on: {schedule: s}", "the workspace has no schedules"),
    ],
)
def test_what_the_next_step_is(tmp_path: Path, text: str, hint: str) -> None:
    manifest = f"{AROUND.removeprefix(reading.HEAD)}triggers: [{{name: t, {text}, do: [{{log: x}}]}}]"
    (found,) = reading.diagnostics(tmp_path, manifest)
    assert found.hint == hint


def test_the_rest_of_a_trigger(tmp_path: Path) -> None:
    said = ", from: tier=web, limit: 2 per 1h, debounce: 3s, for: 1m, enabled: false"
    made = trigger(tmp_path, "pane.exited", "{log: x, timeout: 2s, retries: 0}", said)
    assert made == rules.Trigger(
        name="t",
        on=rules.OnEvent(types=("pane.exited",)),
        source="tier=web",
        limit=rules.Often(count=2, within=timedelta(hours=1)),
        debounce=timedelta(seconds=3),
        held=timedelta(minutes=1),
        enabled=False,
        do=(rules.Reaction(act=rules.Log(text="x"), timeout=timedelta(seconds=2), retries=0),),
    )


def test_cron_by_name(tmp_path: Path) -> None:
    more = "schedules: [{name: a, cron: '@daily', do: [{log: x}]}]\n"
    (made,) = loaded(tmp_path, more).schedules
    assert made.time == rules.Cron(expression="0 0 * * *")


def test_schedules(tmp_path: Path) -> None:
    more = """\
schedules:
  - {name: a, cron: 0 9 * * MON-FRI, timezone: Europe/Berlin, jitter: 5s, misfire: skip, overlap: queue, do: [{log: x}]}
  - {name: b, every: 15m, do: [{log: x}]}
  - {name: c, at: 2026-12-24 18:00, do: [{log: x}]}
"""
    do = (rules.Reaction(act=rules.Log(text="x")),)
    assert loaded(tmp_path, more).schedules == (
        rules.Schedule(
            name="a",
            time=rules.Cron(expression="0 9 * * MON-FRI"),
            timezone="Europe/Berlin",
            jitter=timedelta(seconds=5),
            misfire=rules.Misfire.SKIP,
            overlap=rules.Overlap.QUEUE,
            do=do,
        ),
        rules.Schedule(name="b", time=rules.Every(interval=timedelta(minutes=15)), do=do),
        rules.Schedule(name="c", time=rules.At(time="2026-12-24 18:00"), do=do),
    )


# --- texts that speak of an event


EVENT = {"exit_code": None, "line": "{{ port }} $(touch canary) ' \" %}", "paths": ["a", "b"], "number": 3}


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("no template", "no template"),
        ("{{ event.line }}", EVENT["line"]),
        ("[{{ event.exit_code }}][{{ event.nothing }}]", "[][]"),
        ("{{ event.paths }} {{ event.number + 1 }}", '["a", "b"] 4'),
        ("{{ event.items }}{{ event.keys }}", ""),
    ],
)
def test_an_event_is_put_in_as_it_is(text: str, filled: str) -> None:
    assert reacting.Reader().filled(text, EVENT) == filled


@pytest.mark.parametrize(
    ("expression", "holds"),
    [("event.exit_code == none", True), ("event.exit_code != 0", True), ("event.number > 3", False), ("event.nothing == none", True)],
)  # fmt: skip
def test_conditions(expression: str, holds: bool) -> None:
    assert reacting.Reader().holds(expression, EVENT) is holds


@pytest.mark.parametrize(
    "text",
    [
        "{{ event.__class__ }}",
        "{{ event._fields }}",
        "{{ event.x.y }}",
        "{{ event['x'] }}",
        "{{ event.x() }}",
        "{% for x in event %}{% endfor %}",
    ],
)
def test_nothing_else_can_be_reached(text: str) -> None:
    with pytest.raises(fault.Faulty):
        reacting.put_in(text, {})
    with pytest.raises(fault.Faulty):
        reacting.Reader().filled(text, EVENT)


@pytest.mark.parametrize(
    "value", ['a "quoted" }} one', "{{ event.line }}", "a\\b\n\u2028", -3, 1.5, True, None]
)
def test_what_is_put_in_is_a_value_and_nothing_else(value: str | float | None) -> None:
    made = reacting.put_in(
        "{{ [value, event.number]|length }} {{ value }}|{{ event.value }}", {"value": value}
    )
    if value is not None:
        shown = reacting.Reader().filled(made, EVENT)
        assert shown == f"2 {value if not isinstance(value, bool) else 'true'}|"
