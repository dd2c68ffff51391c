"""Snapshots for the tests of this room, and the calls by which a save changes the disk, struck one after the other."""

from __future__ import annotations

import fcntl
import functools
import hashlib
import json
import os
import resource
import signal
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from orchestra.model.errors import OrchestraError
from orchestra.store import inventory, snapshots
from tests.unit.store import scene

SHOP = b"version: 1\nname: shop\n"
FILES = {"shop.yaml": SHOP, "scrollback/shop/api.0.gz": bytes(range(64))}
TICK = timedelta(minutes=1)


class Shelf(snapshots.Snapshots):
    """Whose clock goes on by a minute with every save."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.clock = scene.Clock()
        super().__init__(path, self.clock)

    def put(self, name: str | None = None, **given: Any) -> inventory.Kept:
        self.clock.time += TICK
        kept, written = self.save(content(**given), name)
        assert written
        return kept

    def names(self, *, sound: bool | None = None) -> list[str]:
        return [each.name for each in self.all() if sound is None or sound is not bool(each.problem)]

    def left_over(self) -> list[str]:
        return [each.name for each in self.path.glob(".*ing-*")]


def content(**given: Any) -> inventory.Content:
    """The workspaces are those that have a manifest among the files."""
    files: Mapping[str, bytes] = given.pop("files", FILES)
    held = {
        path.removesuffix(".yaml"): inventory.Held(file=path, sessions=1, windows=2, panes=3)
        for path in files
        if path.endswith(".yaml")
    }
    usual: dict[str, Any] = {
        "host": "box",
        "tmux": "3.4",
        "epoch": "first",
        "automatic": False,
        "scope": (),
        "workspaces": held,
        "left_out": ("api/vim: not saved",),
    }
    return inventory.Content(files=files, **{**usual, **given})


def rewritten(kept: inventory.Kept, **changes: Any) -> None:
    """By somebody who knows how to prove it."""
    path = kept.path / inventory.FILE
    document = {**json.loads(path.read_bytes()), **changes}
    document.pop("sha256", None)
    document["sha256"] = hashlib.sha256(canonical(document)).hexdigest()
    path.write_bytes(canonical(document))


def canonical(document: object) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


CALLS = (
    (os, "open"),
    (os, "write"),
    (os, "fsync"),
    (os, "mkdir"),
    (os, "rename"),
    (fcntl, "flock"),
)
Strike = Callable[..., Any]


class Struck:
    """Instead of the n-th of these calls, or every one from it on, `strike` is called with the real one and its arguments."""

    def __init__(self, patch: pytest.MonkeyPatch, n: int, strike: Strike, *, onwards: bool = False) -> None:
        self.count = 0
        self._n, self._strike, self._onwards = n, strike, onwards
        for module, name in CALLS:
            patch.setattr(module, name, functools.partial(self._call, getattr(module, name)))

    @property
    def fired(self) -> bool:
        return self.count >= self._n

    def _call(self, real: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        self.count += 1
        if self.count == self._n or (self._onwards and self.fired):
            return self._strike(real, *args, **kwargs)
        return real(*args, **kwargs)


def fails(number: int) -> Strike:
    def strike(real: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        raise OSError(number, os.strerror(number))

    return strike


def torn(number: int) -> Strike:
    """What is written is written by half first."""

    def strike(real: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        _half(real, args)
        raise OSError(number, os.strerror(number))

    return strike


def dies(real: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    _half(real, args)
    os.kill(os.getpid(), signal.SIGKILL)


def _half(real: Callable[..., Any], args: tuple[Any, ...]) -> None:
    if real.__name__ == "write":
        real(args[0], args[1][: len(args[1]) // 2])


def killed_save(path: Path, n: int, given: dict[str, Any]) -> None:
    """A process's: ends with 0 when there is no n-th call."""
    with pytest.MonkeyPatch.context() as patch:
        Struck(patch, n, dies)
        Shelf(path).put(**given)


def limited_save(path: Path, most: int, given: dict[str, Any]) -> None:
    """A process's that may write files of so many bytes: ends with 0 when that is enough, with 3 when it is told."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    try:
        Shelf(path).put(**given)
    except OrchestraError as error:
        raise SystemExit(3 if "file too large" in str(error) else 4) from None
