"""Absolute globs over files, as text: what they mean, which directories may hold it, and what never counts.

`*`, `?` and `[…]` stand for a part of one name, `**` for any directories, or none.
"""

from __future__ import annotations

import fnmatch
import functools
import os.path
import re
from collections.abc import Iterable, Iterator

DIRECTORIES = frozenset({
    ".git", ".hg", ".svn", ".jj", ".bzr", "CVS",
    "node_modules", "bower_components", ".venv", "__pycache__", "__pypackages__", ".tox", ".nox", ".eggs",
    ".cache", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis", ".import_linter_cache", ".gradle",
    ".parcel-cache", ".sass-cache", ".turbo", ".idea", ".vscode", ".direnv", ".terraform",
})  # fmt: skip
"""Of version control, caches, and what tools install: nothing below them counts, and they are not looked into."""
FILES = (
    "*~", ".*.sw?", ".*.swpx", "4913", ".#*", "#*#", "*.kate-swp", ".goutputstream-*", "*___jb_tmp___", "*___jb_old___",
    ".~lock.*#", ".DS_Store", "*.py[cod]", ".nfs*", ".fuse_hidden*", ".coverage",
)  # fmt: skip
"""Editors' own files, and what systems leave lying about."""
_FILES = re.compile("|".join(fnmatch.translate(each) for each in FILES))
_WILD = re.compile(r"[*?\[]")
_ANY = "**"


class Glob:
    def __init__(self, text: str) -> None:
        names = [each for each in os.path.normpath(text).split("/") if each]
        fixed = next((number for number, each in enumerate(names) if _WILD.search(each)), len(names) - 1)
        self.root = "/" + "/".join(names[: max(fixed, 0)])
        """The directory in which all that is meant lies."""
        self._names = tuple(None if each == _ANY else _name(each) for each in names[max(fixed, 0) :])

    def begin(self) -> frozenset[int]:
        """Where one stands in the root; `step` goes on from there, and nobody stands anywhere when nothing can be meant any more."""
        return self._through(frozenset({0}))

    def step(self, at: frozenset[int], name: str) -> frozenset[int]:
        found = set()
        for number in at:
            if number < len(self._names):
                wanted = self._names[number]
                if wanted is None:
                    found.add(number)
                elif wanted.match(name):
                    found.add(number + 1)
        return self._through(frozenset(found))

    def _through(self, at: frozenset[int]) -> frozenset[int]:
        """A `**` may stand for nothing."""
        found = set(at)
        for number in sorted(at):
            while number < len(self._names) and self._names[number] is None:
                number += 1
                found.add(number)
        return frozenset(found)

    def is_end(self, at: frozenset[int]) -> bool:
        return len(self._names) in at

    def names_below(self, path: str) -> list[str] | None:
        """None: it does not lie in the root."""
        if path == self.root:
            return []
        head = self.root if self.root == "/" else f"{self.root}/"
        return path[len(head) :].split("/") if path.startswith(head) else None


@functools.lru_cache(maxsize=1024)
def _name(text: str) -> re.Pattern[str]:
    # What stands in one name with others, like `a**b`, is a `*`.
    return re.compile(fnmatch.translate(text), re.DOTALL)


class Globs:
    """Several, and what does not count of them. `DIRECTORIES` and `FILES` do not, save where a glob begins inside one."""

    def __init__(self, paths: Iterable[str], ignore: Iterable[str] = ()) -> None:
        self._globs = tuple(Glob(each) for each in dict.fromkeys(paths))
        self._ignored = tuple(Glob(each) for each in dict.fromkeys(ignore))
        self.roots = tuple(dict.fromkeys(each.root for each in self._globs))

    def counts(self, path: str) -> bool:
        name = path.rpartition("/")[2]
        return _FILES.match(name) is None and any(
            each.is_end(at) for each, at in self._standing(path, is_file=True)
        ) and not self._is_ignored(path)  # fmt: skip

    def enters(self, directory: str) -> bool:
        """Whether something that counts may lie in it or below."""
        return any(
            any(number < len(each._names) for number in at)
            for each, at in self._standing(directory, is_file=False)
        ) and not self._is_ignored(directory)

    def _standing(self, path: str, *, is_file: bool) -> Iterator[tuple[Glob, frozenset[int]]]:
        for each in self._globs:
            names = each.names_below(path)
            directories = names[:-1] if is_file and names else names
            if names is None or not DIRECTORIES.isdisjoint(directories or ()):
                continue
            at = each.begin()
            for name in names:
                at = each.step(at, name)
            if at:
                yield each, at

    def _is_ignored(self, path: str) -> bool:
        """It, or a directory above it."""
        for each in self._ignored:
            at = each.begin()
            for name in each.names_below(path) or ():
                at = each.step(at, name)
                if each.is_end(at):
                    return True
            # A glob that ends in `**` means also the directory that it begins in.
            if path == each.root and each.is_end(at):
                return True
        return False
