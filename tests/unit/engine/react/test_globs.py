from __future__ import annotations

import pytest

from orchestra.engine.react import globs


@pytest.mark.parametrize(
    ("text", "root", "meant", "not_meant"),
    [
        (
            "/p/src/**/*.py",
            "/p/src",
            ["/p/src/a.py", "/p/src/a/b/c.py"],
            ["/p/src/a.pyx", "/p/a.py", "/p/srcs/a.py"],
        ),
        ("/p/src/*.py", "/p/src", ["/p/src/a.py"], ["/p/src/a/b.py"]),
        ("/p/conf.ini", "/p", ["/p/conf.ini"], ["/p/conf.ini2", "/p/a/conf.ini"]),
        ("/p/**", "/p", ["/p/a", "/p/a/b"], ["/q/a"]),
        ("/p/*/x/[ab]?.c", "/p", ["/p/1/x/a1.c", "/p/2/x/bb.c"], ["/p/1/x/c1.c", "/p/x/a1.c"]),
        ("/p/../q/./*.c", "/q", ["/q/a.c"], ["/p/a.c"]),
        ("/**/x", "/", ["/x", "/a/b/x"], ["/a/y"]),
        ("/p/**/a/**/b", "/p", ["/p/a/b", "/p/1/a/2/3/b"], ["/p/b", "/p/1/b"]),
        ("/p/a**b/*", "/p", ["/p/axb/c"], ["/p/a/b/c"]),
        ("/p/*\n*", "/p", ["/p/a\nb"], ["/p/ab"]),
    ],
)
def test_what_a_glob_means(text: str, root: str, meant: list[str], not_meant: list[str]) -> None:
    some = globs.Globs([text])
    assert some.roots == (root,)
    assert [each for each in meant if not some.counts(each)] == []
    assert [each for each in not_meant if some.counts(each)] == []


@pytest.mark.parametrize(
    ("text", "entered", "not_entered"),
    [
        (
            "/p/src/**/*.py",
            ["/p/src", "/p/src/a", "/p/src/a/b"],
            ["/p", "/p/srcs", "/p/src/node_modules", "/p/src/a/.git/x"],
        ),
        ("/p/src/*.py", ["/p/src"], ["/p/src/a"]),
        ("/p/*/x/*.c", ["/p", "/p/1", "/p/1/x"], ["/p/1/y", "/p/1/x/z"]),
        (
            "/h/.cache/build/**/*.o",
            ["/h/.cache/build", "/h/.cache/build/a"],
            ["/h/.cache", "/h/.cache/build/.cache"],
        ),
        ("/p/.git/HEAD", ["/p/.git"], ["/p/.git/refs"]),
    ],
)
def test_where_it_is_looked_for(text: str, entered: list[str], not_entered: list[str]) -> None:
    some = globs.Globs([text])
    assert [each for each in entered if not some.enters(each)] == []
    assert [each for each in not_entered if some.enters(each)] == []


@pytest.mark.parametrize(
    "path",
    [
        "/p/.git/index",
        "/p/a/node_modules/b/c.js",
        "/p/a.py~",
        "/p/.a.py.swp",
        "/p/4913",
        "/p/.#a",
        "/p/#a#",
        "/p/a.pyc",
    ],
)
def test_what_never_counts(path: str) -> None:
    assert not globs.Globs(["/p/**"]).counts(path)


def test_what_is_said_not_to_count() -> None:
    some = globs.Globs(["/p/**/*.py", "/q/*.py"], ["/p/gen/**", "/p/**/tmp", "/p/b.py"])
    assert some.counts("/p/a.py")
    assert some.counts("/q/b.py")
    assert not any(map(some.counts, ["/p/gen/a.py", "/p/gen/x/a.py", "/p/x/tmp/y/a.py", "/p/b.py"]))
    assert not any(map(some.enters, ["/p/gen", "/p/gen/x", "/p/x/tmp"]))
    assert some.enters("/p/x")
    assert not globs.Globs(["/p/gen/**/*.py"], ["/p/gen/**"]).enters("/p/gen")
