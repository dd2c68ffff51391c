"""What other tools say about restarting, limits, watched files and times, value by value, and that it then does the same."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from orchestra.discover import kinds, source, translate
from orchestra.engine.react import supervise
from orchestra.manifest import dump, layout, load
from orchestra.model import rules, spec

COMPOSE, PROCESSES, SUPERVISORD = kinds.Kind.COMPOSE, kinds.Kind.PROCESS_COMPOSE, kinds.Kind.SUPERVISORD
TEXTS = {
    COMPOSE: "services:\n  a: {{command: x, {}}}\n",
    PROCESSES: "processes:\n  a: {{command: x, {}}}\n",
    SUPERVISORD: "[program:a]\ncommand=x\n{}\n",
}


def imported(kind: kinds.Kind, said: str, folder: Path) -> tuple[spec.Workspace, list[str]]:
    """As it is loaded: each of these manifests is valid."""
    found = source.Source(file="source", text=TEXTS[kind].format(said), folder=folder)
    made = translate.imported(found, kind, layout.panes)
    (folder / "made.yaml").write_text(dump.text(made.document), encoding="utf-8")
    loaded = load.load(folder / "made.yaml", load.Inputs(environ={"HOME": "/home/me"}))
    assert loaded.warnings == ()
    return loaded.workspace, [each.summary for each in made.warnings if each.location is not None]


def pane(kind: kinds.Kind, said: str, folder: Path) -> spec.Pane:
    (found,) = imported(kind, said, folder)[0].panes
    return found


NO, FAILURE, ALWAYS = spec.Policy.NO, spec.Policy.ON_FAILURE, spec.Policy.ALWAYS
UNLIMITED = 1_000_000


@pytest.mark.parametrize(
    ("kind", "said", "policy", "delay", "factor", "most"),
    [
        (COMPOSE, "restart: 'no'", NO, 1, 2, 5),
        (COMPOSE, "restart: no", NO, 1, 2, 5),
        (COMPOSE, "restart: always", ALWAYS, 0.1, 2, UNLIMITED),
        (COMPOSE, "restart: unless-stopped", spec.Policy.UNLESS_STOPPED, 0.1, 2, UNLIMITED),
        (COMPOSE, "restart: on-failure", FAILURE, 0.1, 2, UNLIMITED),
        (COMPOSE, "restart: on-failure:0", FAILURE, 0.1, 2, UNLIMITED),
        (COMPOSE, "restart: 'on-failure:7'", FAILURE, 0.1, 2, 7),
        (COMPOSE, "restart: '${R:-on-failure:7}'", FAILURE, 0.1, 2, 7),
        (COMPOSE, "deploy: {restart_policy: {}}", ALWAYS, 0.1, 2, UNLIMITED),
        (COMPOSE, "deploy: {restart_policy: {condition: any, delay: 0s}}", ALWAYS, 0.1, 2, UNLIMITED),
        (COMPOSE, "restart: 'no', deploy: {restart_policy: {condition: on-failure, delay: 3s}}", FAILURE, 3, 1, UNLIMITED),
        (COMPOSE, "restart: always, deploy: {restart_policy: {condition: none}}", NO, 1, 2, 5),
        (PROCESSES, "availability: {restart: 'no', max_restarts: 3}", NO, 1, 2, 5),
        (PROCESSES, "availability: {backoff_seconds: 3}", NO, 1, 2, 5),
        (PROCESSES, "availability: {restart: always}", ALWAYS, 1, 1, UNLIMITED),
        (PROCESSES, "availability: {restart: on_failure, backoff_seconds: 0, max_restarts: 2}", FAILURE, 1, 1, 2),
        (PROCESSES, "availability: {restart: on_failure, backoff_seconds: 300}", FAILURE, 300, 1, UNLIMITED),
        (SUPERVISORD, "", FAILURE, 1, 2, 3),
        (SUPERVISORD, "autorestart=unexpected\nexitcodes=0", FAILURE, 1, 2, 3),
        (SUPERVISORD, "autorestart=On\nstartretries=8", ALWAYS, 1, 2, 8),
        (SUPERVISORD, "autorestart=0", NO, 1, 2, 5),
        (SUPERVISORD, "startretries=99999\nstartsecs=99999", FAILURE, 1, 2, 99999),
    ],
)  # fmt: skip
def test_restarting(
    kind: kinds.Kind, said: str, policy: spec.Policy, delay: float, factor: float, most: int, tmp_path: Path
) -> None:
    made = pane(kind, said, tmp_path).restart
    assert (made.policy, made.delay.total_seconds(), made.factor, made.max_restarts) == (
        policy,
        delay,
        factor,
        most,
    )
    assert made.longest >= made.delay


def rounds(rule: spec.Restart, runs: float, most: int) -> int:
    """How often it is started again, if it ends after so many seconds each time."""
    past, now = None, 1000.0
    for number in range(most):
        now += runs
        ended = supervise.Ended(
            workspace="w", address="s/p", id="%1", uid="u", pid=number + 1, exit_code=1, signal=None, restart=rule
        )  # fmt: skip
        past = supervise.decide(ended, past, now)
        if past.due is None:
            return number
        now = past.due
        past = dataclasses.replace(past, due=None, restarts=(*past.restarts, now))
    return most


@pytest.mark.parametrize(
    ("kind", "said", "runs", "restarts"),
    [
        (COMPOSE, "restart: always", 0.0, 3000),
        (COMPOSE, "restart: on-failure:4", 100_000.0, 4),
        (COMPOSE, "deploy: {restart_policy: {max_attempts: 4, window: 1m}}", 1.0, 4),
        (COMPOSE, "deploy: {restart_policy: {max_attempts: 4, window: 1m}}", 30.0, 3000),
        (PROCESSES, "availability: {restart: always}", 0.0, 3000),
        (PROCESSES, "availability: {restart: on_failure, max_restarts: 2}", 100_000.0, 2),
        (SUPERVISORD, "", 0.9, 3),
        (SUPERVISORD, "", 10.0, 3000),
        (SUPERVISORD, "startretries=10\nstartsecs=5", 4.9, 10),
        (SUPERVISORD, "startretries=10\nstartsecs=5", 60.0, 3000),
        (SUPERVISORD, "startretries=40", 0.0, 40),
        (SUPERVISORD, "startsecs=0", 0.0, 3000),
    ],
)
def test_it_is_given_up_when_the_other_tool_gives_up(
    kind: kinds.Kind, said: str, runs: float, restarts: int, tmp_path: Path
) -> None:
    assert rounds(pane(kind, said, tmp_path).restart, runs, 3000) == restarts


KILL, THROTTLE = rules.Breach.KILL, rules.Breach.THROTTLE


@pytest.mark.parametrize(
    ("said", "memory", "cpu", "processes", "on_exceed"),
    [
        ("mem_limit: 512m", 512 * 1024**2, None, None, KILL),
        ("mem_limit: 1.5GiB", 3 * 512 * 1024**2, None, None, KILL),
        ("mem_limit: 100000", 100000, None, None, KILL),
        ("mem_limit: '200 kb'", 204800, None, None, KILL),
        ("mem_limit: 1p", 1024**5, None, None, KILL),
        ("cpus: .25", None, 25, None, THROTTLE),
        ("cpus: '2'", None, 200, None, THROTTLE),
        ("cpus: 0.12345678", None, 12.346, None, THROTTLE),
        ("pids_limit: 100", None, None, 100, THROTTLE),
        ("deploy: {resources: {limits: {cpus: '0.5', memory: 50M, pids: 1}}}", 50 * 1024**2, 50, 1, THROTTLE),
        ("mem_limit: 1g, deploy: {resources: {limits: {memory: 50M}}}", 50 * 1024**2, None, None, KILL),
    ],
)
def test_limits(
    said: str,
    memory: int | None,
    cpu: float | None,
    processes: int | None,
    on_exceed: rules.Breach,
    tmp_path: Path,
) -> None:
    made = pane(COMPOSE, said, tmp_path).limits
    assert made == rules.Limits(memory=memory, cpu=cpu, processes=processes, on_exceed=on_exceed)


@pytest.mark.parametrize(
    "said",
    [
        "mem_limit: 0", "mem_limit: lots", "mem_limit: -1", "mem_limit: 1 2", "cpus: 0", "cpus: -1", "cpus: inf", "cpus: 0.000001",
        "cpus: 10000", "pids_limit: -1", "pids_limit: 0", "pids_limit: 1.5", "pids_limit: 10000000", "pids_limit: [1]",
        f"mem_limit: {'9' * 15}t", "deploy: {resources: {limits: 1}}", "deploy: {resources: x}", "deploy: x",
    ],
)  # fmt: skip
def test_what_is_no_limit_is_none(said: str, tmp_path: Path) -> None:
    workspace, told = imported(COMPOSE, said, tmp_path)
    assert workspace.panes[0].limits is None
    assert bool(told) != said.endswith((" 0", "pids_limit: -1"))


@pytest.mark.parametrize(
    ("kind", "said", "paths", "ignore"),
    [
        (COMPOSE, "develop: {watch: [{action: restart, path: .}]}", ["**"], []),
        (COMPOSE, "develop: {watch: [{action: restart, path: './'}]}", ["**"], []),
        (COMPOSE, "develop: {watch: [{action: sync+restart, path: ./src/}]}", ["src/**"], []),
        (COMPOSE, "develop: {watch: [{action: restart, path: there}]}", ["there"], []),
        (COMPOSE, "develop: {watch: [{action: restart, path: a.json}]}", ["a.json"], []),
        (COMPOSE, "develop: {watch: [{action: restart, path: conf.d}]}", ["conf.d/**"], []),
        (COMPOSE, "build: b, develop: {watch: [{action: restart, path: b/c, ignore: x/}]}", ["b/c/**"], ["b/c/x"]),
        (COMPOSE, "develop: {watch: [{action: rebuild, path: src}]}", None, None),
        (PROCESSES, "watch: {disable_default_excludes: true, paths: [{path: s}]}", ["s/**"], []),
        (PROCESSES, "working_dir: b, watch: {disable_default_excludes: true, paths: [{path: s, include: ['*.c', d/e]}]}",
            ["b/s/**/*.c", "b/s/d/e"], []),
    ],
)  # fmt: skip
def test_watched_files(
    kind: kinds.Kind, said: str, paths: list[str] | None, ignore: list[str] | None, tmp_path: Path
) -> None:
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "there").touch()
    made = pane(kind, said, tmp_path).watch
    if paths is None or ignore is None:
        assert made is None
        return
    assert made is not None
    assert [made.paths, made.ignore] == [
        tuple(f"{tmp_path}/{each}" for each in every) for every in (paths, ignore)
    ]
    assert made.do == (rules.Reaction(act=rules.Restart()),)


@pytest.mark.parametrize(
    ("said", "time"),
    [
        ("{cron: '0 2 * * *', run_on_start: true}", rules.Cron(expression="0 2 * * *")),
        ("{cron: '@weekly', interval: 1s}", rules.Cron(expression="0 0 * * 0")),
        ("{interval: 1h30m}", {"minutes": 90}),
        ("{interval: 100ms}", {"milliseconds": 100}),
        ("{interval: 0s}", None),
        ("{cron: nightly}", None),
        ("nightly", None),
        ("{}", None),
    ],
)
def test_times(said: str, time: Any, tmp_path: Path) -> None:
    workspace, told = imported(PROCESSES, f"schedule: {said}", tmp_path)
    if time is None:
        assert (workspace.rules.schedules, bool(told)) == ((), True)
        return
    (made,) = workspace.rules.schedules
    if isinstance(time, dict):
        time = rules.Every(interval=timedelta(**time))
    session = workspace.panes[0].address
    assert (made.time, made.misfire, made.overlap) == (time, rules.Misfire.SKIP, rules.Overlap.SKIP)
    assert made.do == (rules.Reaction(act=rules.Start(to=session)),)
    assert any("also run when it is applied" in each for each in told) != ("run_on_start" in said)
