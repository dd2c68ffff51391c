"""Values of secrets, read where the manifest says. They leave only in what `resolve` returns: no message holds one."""

from __future__ import annotations

import os
import stat
import subprocess
import threading
from collections.abc import Collection, Mapping
from typing import assert_never

from orchestra.host import processes
from orchestra.model import dotenv, spec
from orchestra.model.errors import SecretUnavailable

_LIMIT = 1024 * 1024
"""Bytes a secret, or a file of them, may have."""
_COMMAND_TIMEOUT = 30.0
"""Seconds; a person may have to type a passphrase."""
_AFTER_END = 0.5
"""Seconds the output may stay open after a command's end: a child it left behind may hold it for ever."""


class Secrets:
    """`engine.ports.Secrets` of this machine. Each source is asked once, however many secrets come from it."""

    def __init__(self, command_timeout: float = _COMMAND_TIMEOUT) -> None:
        self._command_timeout = command_timeout

    def resolve(self, secrets: Collection[spec.Secret], *, run_commands: bool) -> Mapping[spec.Secret, str]:
        answers: dict[tuple[spec.SourceKind, str], str | Mapping[str, str] | _Problem] = {}
        values: dict[spec.Secret, str] = {}
        problems: list[str] = []
        for secret in dict.fromkeys(secrets):
            if secret.kind is spec.SourceKind.COMMAND and not run_commands:
                continue
            source = secret.kind, secret.source
            if source not in answers:
                answers[source] = self._ask(secret.kind, secret.source)
            answer = answers[source]
            if isinstance(answer, Mapping):
                answer = answer.get(
                    secret.name, _Problem(f"the environment file {secret.source} has no {secret.name}")
                )
            if isinstance(answer, _Problem):
                problems.append(str(answer))
            else:
                values[secret] = answer
        if problems:
            raise _unavailable(list(dict.fromkeys(problems)))
        return values

    def _ask(self, kind: spec.SourceKind, source: str) -> str | Mapping[str, str] | _Problem:
        try:
            match kind:
                case spec.SourceKind.ENV:
                    return _variable(source)
                case spec.SourceKind.FILE:
                    what = f"the secret file {source}"
                    return _value(_text(_file(source, what), what), what)
                case spec.SourceKind.COMMAND:
                    what = f"the secret command `{source}`"
                    output = _output(source, what, self._command_timeout)
                    return _value(_text(output, what), what)
                case spec.SourceKind.ENV_FILE:
                    what = f"the environment file {source}"
                    return _variables(_text(_file(source, what), what), what)
                case _:
                    assert_never(kind)
        except _Problem as problem:
            return problem


class _Problem(Exception):
    """Its text names the source and what is wrong with it, never what the source gave."""


def _unavailable(problems: list[str]) -> SecretUnavailable:
    if len(problems) == 1:
        return SecretUnavailable(problems[0])
    return SecretUnavailable(f"{len(problems)} secrets cannot be read", detail="\n".join(problems))


def _variable(name: str) -> str:
    value = os.environ.get(name)
    if value is None:
        raise _Problem(f"the environment variable {name} is not set")
    return _text(os.fsencode(value), f"the environment variable {name}")


def _file(path: str, what: str) -> bytes:
    try:
        # Without waiting: opening a pipe would, until somebody writes.
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with open(fd, "rb") as file:  # noqa: PTH123  # a descriptor
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise _Problem(f"{what} is not a regular file")
            content = file.read(_LIMIT + 1)
    except (OSError, ValueError) as error:
        words = error.strerror if isinstance(error, OSError) and error.strerror else "not a path"
        raise _Problem(f"{what} cannot be read: {words.lower()}") from None
    return _bounded(content, what)


def _variables(text: str, what: str) -> Mapping[str, str]:
    try:
        return {each.name: each.value for each in dotenv.assignments(text)}
    except dotenv.Malformed as error:
        raise _Problem(f"{what}, line {error.line}: {error}") from None


def _output(command: str, what: str, timeout: float) -> bytes:
    """What it prints. It keeps our terminal, for passphrases: so no group of its own, and its stderr is the user's to see."""
    read_end, write_end = os.pipe()
    chunks: list[bytes] = []
    # Threads: only so both ends can be waited for on every system while Ctrl-C comes through.
    reader = threading.Thread(target=_drain, args=(read_end, chunks), daemon=True)
    try:
        process = subprocess.Popen(
            ["/bin/sh", "-c", command],
            stdin=None if os.isatty(0) else subprocess.DEVNULL,
            stdout=write_end,
        )
    finally:
        os.close(write_end)
        reader.start()  # it closes the other end
    waiter = threading.Thread(target=process.wait, daemon=True)
    waiter.start()
    ended = False
    try:
        waiter.join(timeout)
        ended = not waiter.is_alive()
    finally:
        if not ended:
            processes.kill_family(process.pid)
            waiter.join(_AFTER_END)
    if not ended:
        raise _Problem(f"{what} did not end within {timeout:g} s")
    reader.join(_AFTER_END)
    output = _bounded(b"".join(chunks), what)
    if process.returncode != 0:
        raise _Problem(f"{what} failed with exit status {process.returncode}")
    return output


def _drain(fd: int, chunks: list[bytes]) -> None:
    size = 0
    try:
        while size <= _LIMIT and (data := os.read(fd, 65536)):
            chunks.append(data)
            size += len(data)
    finally:
        os.close(fd)


def _bounded(content: bytes, what: str) -> bytes:
    if len(content) > _LIMIT:
        raise _Problem(f"{what} gives more than 1 MiB")
    return content


def _text(content: bytes, what: str) -> str:
    """As an environment can hold it."""
    if b"\0" in content:
        raise _Problem(f"{what} gives a NUL byte, which no environment can hold")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise _Problem(f"{what} gives no UTF-8 text") from None


def _value(text: str, what: str) -> str:
    """Without its last line's end. Nothing at all is a mistake here, where a variable may be empty on purpose."""
    value = text.removesuffix("\n").removesuffix("\r")
    if not value:
        raise _Problem(f"{what} gives nothing")
    return value
