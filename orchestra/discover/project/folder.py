"""A directory as detectors see it: listed once, within limits, without following links; files are read as text or not at all."""

from __future__ import annotations

import itertools
import os
import stat
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from orchestra.model.frozen import frozen

MOST_ENTRIES = 20_000
DEEPEST = 4
LARGEST = 1 << 20
MOST_TEXT = 16 << 20
"""Characters read altogether: many files within the limit are too much as well."""
_WORDS = (
    "node_modules bower_components jspm_packages .venv venv env virtualenv .git .hg .svn target vendor dist build out _build deps"
    " .next .nuxt .svelte-kit .output .angular .astro .cache .parcel-cache .turbo .nx .yarn .pnpm-store __pycache__ .tox .nox"
    " .mypy_cache .pytest_cache .ruff_cache .eggs site-packages .gradle .idea .vscode .terraform .bundle coverage tmp log logs"
    " Pods DerivedData elm-stuff .dart_tool .stack-work"
)
SKIPPED = frozenset(_WORDS.split())
"""Made by tools, not written by people."""


@dataclass(slots=True)
class Folder:
    """Paths are relative to `root`, with `/`; the root itself is the empty text."""

    root: Path
    files: frozenset[str]
    folders: frozenset[str]
    cut: bool
    """Whether there was more than is looked at."""
    unread: dict[str, str] = field(default_factory=dict)
    """Files that were asked for and not read → why."""
    _texts: dict[str, str | None] = field(default_factory=dict)
    _read: int = 0

    def text(self, path: str) -> str | None:
        if path not in self.files:
            return None
        if path not in self._texts:
            self._texts[path] = self._taken(path)
        return self._texts[path]

    def has_folder(self, path: str) -> bool:
        """Also of those that are not looked into."""
        try:
            return stat.S_ISDIR(os.lstat(self.root / path).st_mode)
        except (OSError, ValueError):
            return False

    def is_executable(self, path: str) -> bool:
        try:
            return path in self.files and bool(os.lstat(self.root / path).st_mode & 0o111)
        except OSError:
            return False

    def _taken(self, path: str) -> str | None:
        text, problem = single(self.root / path)
        if not problem and self._read + len(text) > MOST_TEXT:
            problem = "too much was read before it"
        if problem:
            self.unread[path] = problem
            return None
        self._read += len(text)
        return text


def single(path: Path) -> tuple[str, str]:
    """One file's text, and why there is none."""
    try:
        content = _bytes(path)
        text = content.removeprefix(b"\xef\xbb\xbf").decode() if len(content) <= LARGEST else ""
    except OSError as failed:
        return "", failed.strerror or "it cannot be read"
    except UnicodeDecodeError:
        return "", "it is not text"
    if len(content) > LARGEST:
        return "", "it is larger than 1 MiB"
    if "\0" in text:
        return "", "it is not text"
    return text.replace("\r\n", "\n"), ""


def listed(root: Path) -> Folder:
    """Level by level and by name, so that the limits cut the same way every time. Raises OSError for `root` alone."""
    files: set[str] = set()
    folders: set[str] = set()
    waiting = deque([("", 0)])
    left, cut = MOST_ENTRIES, False
    while waiting:
        path, depth = waiting.popleft()
        try:
            with os.scandir(root / path) as found:
                entries = sorted(itertools.islice(found, left + 1), key=lambda entry: entry.name)
        except OSError:
            if not path:
                raise
            continue
        cut = cut or len(entries) > left
        for entry in entries[:left]:
            here = f"{path}/{entry.name}" if path else entry.name
            if not entry.name.isprintable() or entry.is_symlink():
                continue
            if entry.is_file(follow_symlinks=False):
                files.add(here)
            elif entry.is_dir(follow_symlinks=False) and entry.name not in SKIPPED:
                folders.add(here)
                if depth < DEEPEST:
                    waiting.append((here, depth + 1))
        left = max(0, left - len(entries))
    return Folder(root=root, files=frozenset(files), folders=frozenset(folders), cut=cut)


def _bytes(path: Path) -> bytes:
    """At most one byte more than allowed, and only from a regular file: a FIFO would hold us up for ever."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NOCTTY)
    with open(descriptor, "rb") as stream:  # noqa: PTH123 - it is open already
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(0, "it is not a regular file")
        return stream.read(LARGEST + 1)


MOST_SOURCES = 400


@frozen
class Place:
    """One package of the project: names are relative to it, and what belongs to packages inside it is not seen."""

    folder: Folder
    dir: str
    others: frozenset[str]
    """All packages' directories."""
    installed: frozenset[str]
    """Which of `survey.ASKED` this machine has."""
    environ: Mapping[str, str]
    """What its `.env` says."""

    def path(self, name: str) -> str:
        return f"{self.dir}/{name}" if self.dir else name

    def has(self, name: str) -> bool:
        return self.path(name) in self.folder.files

    def text(self, name: str) -> str:
        return self.folder.text(self.path(name)) or ""

    def first(self, names: Iterable[str]) -> str | None:
        return next((name for name in names if self.has(name)), None)

    def above(self, names: Iterable[str]) -> str | None:
        """The nearest of these files here or in a directory around, as a path from here."""
        wanted = tuple(names)
        parts = self.dir.split("/") if self.dir else []
        for up in range(len(parts) + 1):
            around = "/".join(parts[: len(parts) - up])
            for name in wanted:
                if (f"{around}/{name}" if around else name) in self.folder.files:
                    return "../" * up + name
        return None

    def files(self, *suffixes: str) -> list[str]:
        """Those that belong to this package alone, the nearest first."""
        head = f"{self.dir}/" if self.dir else ""
        inner = [f"{each}/" for each in self.others if each != self.dir and each.startswith(head)]
        found = [
            path.removeprefix(head)
            for path in self.folder.files
            if path.startswith(head)
            and path.endswith(suffixes)
            and not any(path.startswith(each) for each in inner)
        ]
        return sorted(found, key=lambda path: (path.count("/"), path))[:MOST_SOURCES]

    def sources(self, *suffixes: str) -> list[tuple[str, str]]:
        """Path and text; tests are left out, for they serve on ports that nobody else should know."""
        kept = [path for path in self.files(*suffixes) if not _is_test(path)]
        return [(path, text) for path in kept if (text := self.text(path))]


def _is_test(path: str) -> bool:
    folders, _, name = path.rpartition("/")
    return not {"test", "tests", "__tests__", "spec", "e2e", "examples", "testdata"}.isdisjoint(
        folders.split("/")
    ) or any(mark in name for mark in ("_test.", ".test.", ".spec.", "test_", "conftest."))
