from __future__ import annotations

import asyncio
import os
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from orchestra.host import command as command_
from orchestra.host import http, probe, process_table, reason
from orchestra.model import spec, status
from tests.unit.host import until

HERE = probe.Prober()
SECOND = timedelta(seconds=1)
SOON = timedelta(milliseconds=200)
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def attempt(what: spec.Probe, timeout: timedelta = 10 * SECOND, **env: str) -> status.Attempt:
    return asyncio.run(HERE.attempt(what, timeout, dir="/", env=env))


def command(line: str | tuple[str, ...], timeout: timedelta = 10 * SECOND, **env: str) -> status.Attempt:
    return attempt(spec.CommandProbe(command=line), timeout, **env)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("true", "exited 0"),
        (("true",), "exited 0"),
        ("exit 3", "exited 3"),
        ("echo one; echo two >&2; echo; exit 3", "exited 3: two"),
        ("kill -9 $$", "killed by SIGKILL"),
        ("printf 'a\\033[31mb\\r\\n\\t'; exit 1", "exited 1: a [31mb"),
        ("printf 'bad \\377\\342\\200\\256 bytes'; exit 1", "exited 1: bad � bytes"),
        ("head -c 300000 /dev/zero | tr '\\0' x; exit 1", f"exited 1: {'x' * 189}…"),
        (("/no/such/program",), "cannot start /no/such/program: no such file or directory"),
        (("/etc/passwd",), "cannot start /etc/passwd: permission denied"),
        (("a\0b",), "cannot start a b: embedded null byte"),
        ("read x || exit 5", "exited 5"),
    ],
)
def test_command_and_its_reason(line: str | tuple[str, ...], reason: str) -> None:
    started = not reason.startswith("cannot start")
    assert command(line) == status.Attempt(healthy=reason == "exited 0", reason=reason, measured=started)


def test_command_sees_its_directory_and_what_a_login_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_THE_CALLER", "x")
    line = 'echo "$PWD,$OURS,$SECRET_OF_THE_CALLER,${PATH:+path}"; exit 1'
    what = spec.CommandProbe(command=line)
    found = asyncio.run(HERE.attempt(what, SECOND, dir=str(tmp_path), env={"OURS": "1"}))
    assert found.reason == f"exited 1: {tmp_path},1,,path"[:200]
    gone = asyncio.run(HERE.attempt(what, SECOND, dir=str(tmp_path / "gone"), env={}))
    assert gone.reason == reason.line(f"there is no directory {tmp_path}/gone that can be entered")
    assert not gone.measured
    for words, why in ((("./none",), "no such file or directory"), (("/etc/passwd",), "permission denied")):
        lost = asyncio.run(HERE.attempt(spec.CommandProbe(command=words), SECOND, dir=str(tmp_path), env={}))
        assert (lost.reason, lost.measured) == (f"cannot start {words[0]}: {why}", False)


def test_a_directory_that_does_not_answer_keeps_nobody_but_its_command_waiting(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As one of a machine that is gone: who enters it stands still in the kernel."""
    monkeypatch.setattr(
        command_, "_ENTER", f"echo $$ >{tmp_path}/sh; cd() {{ kill -STOP $$; }}; {command_._ENTER}"
    )

    async def both() -> tuple[status.Attempt, int]:
        what, ticks = spec.CommandProbe(command="true"), 0
        async with asyncio.TaskGroup() as group:
            asking = group.create_task(HERE.attempt(what, SOON, dir=str(tmp_path), env={}))
            while not asking.done():
                await asyncio.sleep(0.01)
                ticks += 1
        return asking.result(), ticks

    found, ticks = asyncio.run(both())
    assert found.reason == "timed out after 0.2 s"
    assert ticks > 5
    assert is_gone(pid_in(tmp_path / "sh"))


def pid_in(path: Path) -> int:
    assert until.true(lambda: path.exists() and path.read_text().endswith("\n"))
    return int(path.read_text())


def is_gone(pid: int) -> bool:
    return until.true(lambda: process_table.start_time(pid) is None)


@pytest.mark.parametrize(
    "way", ["sleep 1000", "sleep 1000 & wait", "trap '' TERM HUP INT; sleep 1000", "yes"]
)
def test_command_is_killed_with_all_it_forked_at_the_timeout(tmp_path: Path, way: str) -> None:
    started = time.monotonic()
    found = command(f"(echo $$ >{tmp_path}/sh; exec sleep 1000) & echo $! >{tmp_path}/child; {way}", SOON)
    assert time.monotonic() - started < 5
    assert (found.healthy, found.reason[:19]) == (False, "timed out after 0.2")
    assert is_gone(pid_in(tmp_path / "child"))
    assert is_gone(pid_in(tmp_path / "sh"))


def test_command_that_ends_is_not_waited_for_by_its_pipe_and_leaves_nobody(tmp_path: Path) -> None:
    started = time.monotonic()
    assert command(f"sleep 1000 & echo $! >{tmp_path}/child").healthy
    assert time.monotonic() - started < 5
    assert is_gone(pid_in(tmp_path / "child"))


def test_stop_command_may_leave_children_unless_it_is_late(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "ask")
    line = f"(read x <{tmp_path}/ask; echo $x >{tmp_path}/answer) & echo $! >{tmp_path}/child"
    assert asyncio.run(HERE.run(line, 10 * SECOND, dir="/", env={})).healthy
    (tmp_path / "ask").write_text("7\n")
    assert pid_in(tmp_path / "answer") == 7
    assert not asyncio.run(HERE.run(f"{line}; wait", SOON, dir="/", env={})).healthy
    assert is_gone(pid_in(tmp_path / "child"))


def test_output_is_not_hoarded(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[int] = []

    def last_line(output: bytes) -> str:
        kept.append(len(output))
        return ""

    monkeypatch.setattr(reason, "last_line", last_line)
    assert not command("head -c 3000000 /dev/zero; exit 1").healthy
    assert kept == [4096]


def test_cancelled_command_leaves_nobody(tmp_path: Path) -> None:
    async def cancelled() -> None:
        line = f"sleep 1000 & echo $! >{tmp_path}/child; sleep 1000"
        what = spec.CommandProbe(command=line)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(HERE.attempt(what, 60 * SECOND, dir="/", env={}))
            await asyncio.to_thread(pid_in, tmp_path / "child")
            task.cancel()

    asyncio.run(cancelled())
    assert is_gone(pid_in(tmp_path / "child"))


def test_100_commands_at_once_and_no_descriptor_left() -> None:
    async def many() -> tuple[int, list[status.Attempt]]:
        before = len(os.listdir("/dev/fd"))  # noqa: PTH208
        what = [spec.CommandProbe(command=f"exit {number % 3}") for number in range(100)]
        found = await asyncio.gather(*(HERE.attempt(each, 60 * SECOND, dir="/", env={}) for each in what))
        return len(os.listdir("/dev/fd")) - before, found  # noqa: PTH208

    left, found = asyncio.run(many())
    assert left == 0
    assert [each.reason for each in found] == [f"exited {number % 3}" for number in range(100)]


def test_output_probe_is_not_its_business() -> None:
    with pytest.raises(TypeError):
        attempt(spec.OutputProbe(pattern="x"))


@asynccontextmanager
async def server(talk: Talk, host: str = "127.0.0.1") -> AsyncIterator[int]:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.transport.abort()

    listening = await asyncio.start_server(handle, host, 0)
    async with listening:
        yield listening.sockets[0].getsockname()[1]


def answering(answer: bytes, seen: list[bytes] | None = None) -> Talk:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        if seen is not None:
            seen.append(request)
        writer.write(answer)
        await writer.drain()
        await reader.read()

    return talk


def http_attempt(
    talk: Talk,
    *,
    url: str = "http://127.0.0.1:{port}/",
    code: int | None = None,
    timeout: timedelta = 10 * SECOND,
) -> status.Attempt:
    async def try_it() -> status.Attempt:
        async with server(talk) as port:
            what = spec.HttpProbe(url=url.format(port=port), status=code)
            return await HERE.attempt(what, timeout, dir="/", env={})

    return asyncio.run(try_it())


@pytest.mark.parametrize(
    ("answer", "code", "healthy", "reason"),
    [
        (b"HTTP/1.1 200 OK\r\n", None, True, "HTTP 200"),
        (b"HTTP/1.0 204\r\n\r\n", None, True, "HTTP 204"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n", None, True, "HTTP 302"),
        (b"HTTP/1.1 404 Not Found\r\n\r\n", None, False, "HTTP 404"),
        (b"HTTP/1.1 404 Not Found\r\n\r\n", 404, True, "HTTP 404"),
        (b"HTTP/1.1 200 OK\r\n\r\n", 201, False, "HTTP 200"),
        (b"HTTP/1.1 100 Continue\r\nX: y\r\n\r\nHTTP/1.1 500 Oh\r\n\r\n", None, False, "HTTP 500"),
        (b"HTTP/1.1 103 Early\r\n\r\n" * 20, None, False, "the answer never comes to its status"),
        (b"HTTP/1.1 103 Early\r\n" + b"X: y\r\n" * 1000, None, False, "the answer never comes to its status"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", None, False, "the answer is not HTTP"),
        (b"HTTP/1.1 2000 OK\r\n", None, False, "the answer is not HTTP"),
        (b"x" * 100_000, None, False, "the answer is not HTTP"),
        (b"HTTP/1.1 200 OK\r\n" + b"x" * 10_000_000, None, True, "HTTP 200"),
    ],
)
def test_http_answers(answer: bytes, code: int | None, healthy: bool, reason: str) -> None:
    assert http_attempt(answering(answer), code=code) == status.Attempt(healthy=healthy, reason=reason)


def test_http_request_is_one_clean_get(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    seen: list[bytes] = []
    url = "http://us%20er:p%40ss@LOCALHOST:{port}/a b/ü%20?q=ä&x=[1]#fragment"
    assert http_attempt(answering(b"HTTP/1.1 200 OK\r\n", seen), url=url).healthy
    lines = seen[0].decode().split("\r\n")
    assert lines[0] == "GET /a%20b/%C3%BC%20?q=%C3%A4&x=[1] HTTP/1.1"
    assert lines[1].startswith("Host: localhost:")
    assert "Authorization: Basic dXMgZXI6cEBzcw==" in lines
    assert lines[-2:] == ["", ""]


def test_http_closed_without_an_answer() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write_eof()
        await reader.read()

    assert http_attempt(hang_up).reason == "closed without an answer"


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    await asyncio.Event().wait()


async def dripping(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A header's byte every 10 ms, for ever: each comes in time, the whole never."""
    writer.write(b"HTTP/1.1 1")
    while True:
        writer.write(b"0")
        await writer.drain()
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("talk", [silent, dripping])
@pytest.mark.parametrize("url", ["http://127.0.0.1:{port}/", "https://localhost:{port}/"])
def test_http_is_bounded_as_a_whole(talk: Talk, url: str) -> None:
    started = time.monotonic()
    found = http_attempt(talk, url=url, timeout=SOON)
    assert time.monotonic() - started < 5
    assert not found.healthy
    assert found.reason == "no answer within 0.2 s" or found.reason.startswith("TLS: ")


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1:1/", "connection refused"),
        ("http://[::1]:1/", "connection refused"),
        ("ftp://localhost/", "not an http or https URL"),
        ("http:///x", "not an http or https URL"),
        ("http://localhost:99999/", "Port out of range 0-65535"),
        ("http://a..b/", "cannot resolve a..b: not a host name"),
    ],
)
def test_http_that_cannot_be(url: str, reason: str) -> None:
    found = attempt(spec.HttpProbe(url=url))
    if reason == "connection refused" and "address" in found.reason:
        pytest.skip("no IPv6 here")
    assert found == status.Attempt(healthy=False, reason=reason)


def test_https_wants_tls() -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await reader.read()

    found = http_attempt(plain, url="https://localhost:{port}/")
    assert found == status.Attempt(healthy=False, reason="TLS: WRONG_VERSION_NUMBER")


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl to make a certificate")
def test_https_verifies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        f"openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -addext subjectAltName=DNS:localhost"
        f" -keyout {key} -out {certificate}".split(),
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    async def try_it() -> status.Attempt:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await answering(b"HTTP/1.1 200 OK\r\n\r\n")(reader, writer)
            except (OSError, asyncio.IncompleteReadError):
                pass
            finally:
                writer.transport.abort()

        listening = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context)
        async with listening:
            port = listening.sockets[0].getsockname()[1]
            what = spec.HttpProbe(url=f"https://localhost:{port}/")
            return await HERE.attempt(what, 10 * SECOND, dir="/", env={})

    http._context.cache_clear()
    unknown = asyncio.run(try_it())
    assert not unknown.healthy
    assert unknown.reason.startswith("TLS: self")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    http._context.cache_clear()
    try:
        assert asyncio.run(try_it()) == status.Attempt(healthy=True, reason="HTTP 200")
    finally:
        http._context.cache_clear()


def tcp_attempt(host: str, listening: str) -> status.Attempt:
    async def try_it() -> status.Attempt:
        async with server(silent, listening) as port:
            return await HERE.attempt(spec.TcpProbe(host=host, port=port), 10 * SECOND, dir="/", env={})

    return asyncio.run(try_it())


def test_tcp() -> None:
    assert tcp_attempt("localhost", "127.0.0.1") == status.Attempt(healthy=True, reason="connected")
    assert attempt(spec.TcpProbe(host="127.0.0.1", port=1)).reason == "connection refused"


def test_tcp_over_ipv6() -> None:
    try:
        with socket.socket(socket.AF_INET6) as trial:
            trial.bind(("::1", 0))
    except OSError:
        pytest.skip("no IPv6 here")
    assert tcp_attempt("::1", "::1").healthy


def test_a_full_backlog_is_no_answer() -> None:
    """The kernel drops what does not fit: the connection neither opens nor is refused."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        waiting = [socket.socket() for _ in range(3)]
        try:
            for each in waiting:
                each.setblocking(False)
                each.connect_ex(listening.getsockname())
            found = attempt(spec.TcpProbe(host="127.0.0.1", port=listening.getsockname()[1]), SOON)
        finally:
            for each in waiting:
                each.close()
    if sys.platform == "linux":
        assert found == status.Attempt(healthy=False, reason="no answer within 0.2 s")


def test_name_server_that_never_answers_keeps_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even the program's end waits for the resolver."""
    program = """
import asyncio, socket, threading
from datetime import timedelta
from orchestra.host import probe
from orchestra.model import spec
real = socket.getaddrinfo
def hang(host, *rest, flags=0, **more):
    if flags & socket.AI_NUMERICHOST:
        return real(host, *rest, flags=flags, **more)
    threading.Event().wait()
socket.getaddrinfo = hang
what = spec.TcpProbe(host="slow.example", port=80)
found = asyncio.run(probe.Prober().attempt(what, timedelta(milliseconds=200), dir="/", env={}))
print(found.reason)
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("no answer within 0.2 s\n", "")
