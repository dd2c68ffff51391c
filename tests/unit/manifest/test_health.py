from datetime import timedelta
from pathlib import Path

import pytest

from orchestra.model.spec import CommandProbe, Health, HttpProbe, OutputProbe, Probe, Stop, TcpProbe
from tests.unit.manifest import reading


@pytest.mark.parametrize(
    ("text", "probe"),
    [
        ("command: pg_isready", CommandProbe(command="pg_isready")),
        ("command: [a, 1]", CommandProbe(command=("a", "1"))),
        ("http: 'https://h:8/x?y'", HttpProbe(url="https://h:8/x?y")),
        ("http: 'http://[::1]/', status: 204", HttpProbe(url="http://[::1]/", status=204)),
        ("tcp: 'localhost:80'", TcpProbe(host="localhost", port=80)),
        ("tcp: '[::1]:65535'", TcpProbe(host="::1", port=65535)),
        ("output: 'ready|up'", OutputProbe(pattern="ready|up")),
    ],
)
def test_probes(tmp_path: Path, text: str, probe: Probe) -> None:
    assert reading.pane(tmp_path, f"health: {{{text}}}").health == Health(probe=probe)


def test_errors_alone(tmp_path: Path) -> None:
    text = "health: {errors: 'ERROR|FATAL', recovery: 1m}"
    assert reading.pane(tmp_path, text).health == Health(errors="ERROR|FATAL", recovery=timedelta(minutes=1))


def test_everything_said_counts(tmp_path: Path) -> None:
    text = "health: {tcp: 'h:1', interval: 1.5s, timeout: 300ms, failure_threshold: 5, success_threshold: 2, start_period: 1h30m}"
    assert reading.pane(tmp_path, text).health == Health(
        probe=TcpProbe(host="h", port=1),
        interval=timedelta(seconds=1.5),
        timeout=timedelta(milliseconds=300),
        failure_threshold=5,
        success_threshold=2,
        start_period=timedelta(minutes=90),
    )


@pytest.mark.parametrize(
    ("text", "stop"),
    [
        ("{}", Stop()),
        ("{signal: INT}", Stop(signal="SIGINT")),
        ("{signal: sigusr1, timeout: 2d}", Stop(signal="SIGUSR1", timeout=timedelta(days=2))),
        ("{keys: [C-c, ':q', Enter]}", Stop(keys=("C-c", ":q", "Enter"))),
        (
            "{command: [nginx, -s, quit], timeout: 0s}",
            Stop(command=("nginx", "-s", "quit"), timeout=timedelta(0)),
        ),
    ],
)
def test_stop(tmp_path: Path, text: str, stop: Stop) -> None:
    assert reading.pane(tmp_path, f"stop: {text}").stop == stop


@pytest.mark.parametrize(
    ("text", "complaints"),
    [
        ("health: {}", ["a health check needs a probe"]),
        ("health: {interval: 1s}", ["a health check needs a probe"]),
        ("health: {errors: E, interval: 1s}", ["`interval` is only for probes"]),
        ("health: {errors: E, status: 200}", ["`status` is only for `http` probes"]),
        ("health: {http: 'http://h/', tcp: 'h:1'}", ["`http` and `tcp` exclude each other"]),
        ("health: {tcp: 'h:1', status: 200}", ["`status` is only for `http` probes"]),
        ("health: {http: 'http://h/', status: 99}", ["expected an HTTP status from 100 to 599, found `99`"]),
        ("health: {http: 'ftp://h/'}", ["`ftp://h/` is not an http address"]),
        ("health: {http: 'http:///x'}", ["`http:///x` is not an http address"]),
        ("health: {http: 'http://h:99999/'}", ["`http://h:99999/` is not an http address"]),
        ("health: {http: 'http://[::1/'}", ["`http://[::1/` is not an http address"]),
        ('health: {http: "http://h/\\nx"}', ["`http://h/\\nx` is not an http address"]),
        ("health: {tcp: h}", ["`h` is not `host:port`"]),
        ("health: {tcp: 'h:0'}", ["`h:0` is not `host:port`"]),
        ("health: {tcp: 'h:65536'}", ["`h:65536` is not `host:port`"]),
        ("health: {tcp: '::1:80'}", ["`::1:80` is not `host:port`"]),
        ("health: {tcp: 80}", ["expected `host:port`, found `80`"]),
        (
            "health: {output: '('}",
            ["`(` is not a regular expression: missing ) at position 1"],
        ),
        (
            "health: {tcp: 'h:1', interval: 10}",
            ["expected a duration with its unit: `300ms`, `10s`, `5m`, `2h` or `7d`, found `10`"],
        ),
        ("health: {tcp: 'h:1', interval: -1s}", 1),
        ("health: {tcp: 'h:1', interval: 0s}", ["`interval` must be longer than nothing"]),
        ("health: {tcp: 'h:1', interval: 4000d}", ["`4000d` is longer than ten years"]),
        ("health: {tcp: 'h:1', failure_threshold: 0}", ["expected a whole number, at least 1, found `0`"]),
        (
            "health: {tcp: 'h:1', failure_threshold: true}",
            ["expected a whole number, at least 1, found `true`"],
        ),
        ("health: {tcp: 'h:1', errors: '(', restart_unhealthy: true}", 1),
        ("health: {command: []}", ["this must not be empty"]),
        ("health: {command: ''}", ["this must not be empty"]),
        ("stop: {signal: SIGFOO}", ["there is no signal `SIGFOO`"]),
        ("stop: {signal: 15}", ["expected text, found `15`"]),
        ("stop: {keys: C-c}", ["expected a list, found `C-c`"]),
        ("stop: {keys: [x], signal: INT, command: y}", 3),
        ("stop: {timeout: forever}", 1),
    ],
)
def test_what_is_refused_is_told(tmp_path: Path, text: str, complaints: list[str] | int) -> None:
    found = reading.about_pane(tmp_path, text)
    assert (len(found) if isinstance(complaints, int) else found) == complaints


def test_who_is_stopped_when_unhealthy_and_never_started_is_told(tmp_path: Path) -> None:
    check = "health: {tcp: 'h:1', restart_unhealthy: true}"
    (warning,) = reading.loaded(tmp_path, f"sessions: {{s: {{panes: [{{{check}}}]}}}}\n").warnings
    assert warning.hint == "add `restart: on-failure`"
    kept = f"sessions: {{s: {{panes: [{{{check}, restart: always}}]}}}}\n"
    assert not reading.loaded(tmp_path, kept).warnings
