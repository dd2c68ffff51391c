"""Manifests that want to cost their reader dearly, by name; each is a text or, where folders are needed, made in one."""

from __future__ import annotations

from collections.abc import Callable

HEAD = "version: 1\nworkspace: shop\n"


def _in_pane(command: str) -> str:
    return f"{HEAD}sessions: {{s: {{panes: [{{command: {command!r}}}]}}}}\n"


def _aliases(levels: int, width: int) -> str:
    lines = ["a0: &a0 [x]"]
    lines += [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * width)}]" for level in range(1, levels)]
    return HEAD + "\n".join(lines)


def _merges(levels: int) -> str:
    lines = ["a0: &a0 {x: 1}"]
    lines += [f"a{level}: &a{level} {{<<: [*a{level - 1}, *a{level - 1}]}}" for level in range(1, levels)]
    return HEAD + "\n".join(lines)


def _blocks(depth: int) -> str:
    return "\n".join(" " * level + "a:" for level in range(depth))


def _defaults_times_panes(keys: int, panes: int) -> str:
    env = ", ".join(f"V{number}: '{{{{ replica }}}}'" for number in range(keys))
    return (
        f"{HEAD}defaults: {{pane: {{env: {{{env}}}}}}}\nsessions: {{s: {{panes: [{{replicas: {panes}}}]}}}}\n"
    )


def _distinct_expressions(count: int) -> str:
    panes = ", ".join(f"{{command: '{{{{ 1 + {number} }}}}'}}" for number in range(count))
    return f"{HEAD}sessions: {{s: {{panes: [{panes}]}}}}\n"


def _heavy_expression_in_replicas() -> str:
    env = ", ".join(f"V{number}: *heavy" for number in range(90))
    heavy = "{{ " + " + ".join(["replica"] * 150) + " }}"
    pane = f"{{replicas: 1000, env: {{H: &heavy '{heavy}', {env}}}}}"
    return f"{HEAD}sessions: {{s: {{panes: [{pane}]}}}}\n"


def _everyone_depends_on_all() -> str:
    panes = "[{replicas: 999, name: p, depends_on: ['@all']}]"
    return f"{HEAD}sessions: {{a: {{panes: [{{replicas: 1000, name: p}}]}}, s: {{panes: {panes}}}}}\ngroups: {{all: {{sessions: [a]}}}}\n"


def _long_dependencies() -> str:
    names = ", ".join(["a"] * 40_000)
    return f"{HEAD}sessions: {{a: {{panes: [{{replicas: 400}}]}}, s: {{depends_on: [{names}], panes: [{{replicas: 500}}]}}}}\n"


def _many_groups() -> str:
    groups = ", ".join(f"g{number}: {{sessions: [a]}}" for number in range(9_000))
    return f"{HEAD}sessions: {{a: {{panes: [{{replicas: 1000}}]}}}}\ngroups: {{{groups}}}\n"


def _unknown_references(count: int) -> str:
    names = ", ".join(f"worker_number_{number}x" for number in range(count))
    return (
        f"{HEAD}sessions: {{a: {{panes: [{{replicas: 990, name: worker_number}}]}}, "
        f"s: {{panes: [{{name: s, depends_on: [{names}]}}]}}}}\n"
    )


def _patterns(count: int) -> str:
    wide = "(?i)" + r"[\x00-\uffff]" * 75
    panes = "\n".join(f"      - {{health: {{output: '{wide}{number}'}}}}" for number in range(count))
    return f"{HEAD}sessions:\n  s:\n    panes:\n{panes}\n"


TEXTS: dict[str, Callable[[], str]] = {
    "alias bomb": lambda: _aliases(12, 10),
    "wide aliases": lambda: HEAD + "a: &a [x]\nb: [" + ", ".join(["*a"] * 1000) + "]\n",
    "self alias": lambda: HEAD + "a: &a [*a]\n",
    "merge bomb": lambda: _merges(40),
    "flow nesting": lambda: "[" * 20_000,
    "closed flow nesting": lambda: "a: " + "[" * 20_000 + "]" * 20_000,
    "flow map nesting": lambda: "{a: " * 20_000,
    "block nesting": lambda: _blocks(1400),
    "sequence nesting": lambda: "- " * 20_000,
    "ten megabytes": lambda: "a: " + "x" * 10_000_000,
    "duplicate keys": lambda: HEAD + "a: 1\n" * 20_000,
    "unknown keys": lambda: HEAD + "".join(f"key_number_{number}: 1\n" for number in range(20_000)),
    "many values": lambda: HEAD + "a: [" + "1," * 500_000 + "]",
    "NUL": lambda: HEAD + "a: b\0c\n",
    "one huge key": lambda: HEAD + "x" * 1_000_000 + ": 1\n",
    "one huge value": lambda: HEAD + "sessions: {s: {panes: [{title: '" + "x" * 1_000_000 + "'}]}}\n",
    "huge number": lambda: HEAD + "description: " + "9" * 1_000_000 + "\n",
    "huge float": lambda: HEAD + "description: 1e999999999\n",
    "only question marks": lambda: "? " * 20_000,
    "only anchors": lambda: "&a " * 20_000,
    "tags": lambda: HEAD + "a: [" + "!!python/object/apply:os.system [x], " * 10_000 + "]",
    "comments": lambda: "#" * 1_000_000,
    "quotes": lambda: "'" * 900_001,
    "loop": lambda: _in_pane("{% for x in range(10**9) %}{{ x }}{% endfor %}"),
    "macro": lambda: _in_pane("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}"),
    "power": lambda: _in_pane("{{ 9 ** 9 ** 9 }}"),
    "repeat": lambda: _in_pane("{{ 'x' * 10000000000 }}"),
    "repeat a list": lambda: _in_pane("{{ [1] * 10000000000 }}"),
    "repeat repeats": lambda: _in_pane("{{ (('x' * 60000) * 60000) }}"),
    "grow by replace": lambda: _in_pane("{{ ('x' * 60000) | replace('x', 'y' * 60000) }}"),
    "grow by join": lambda: _in_pane("{{ ('x' * 60000) | join('y' * 60000) }}"),
    "grow by format": lambda: _in_pane("{{ '%1000000000d' % 1 }}"),
    "grow by concatenation": lambda: _in_pane("{{ " + " ~ ".join(["'x' * 60000"] * 90) + " }}"),
    "grow by pieces": lambda: _in_pane("{{ 'x' * 60000 }}" * 90),
    "grow by json": lambda: _in_pane("{{ ('\\x01' * 60000) | tojson | tojson | tojson }}"),
    "many expressions": lambda: _distinct_expressions(20_000),
    "long expression": lambda: _in_pane("{{ " + "1 + " * 15_000 + "1 }}"),
    "nested expression": lambda: _in_pane("{{ " + "(" * 20_000 + "1" + ")" * 20_000 + " }}"),
    "unclosed expression": lambda: _in_pane("{{ " + "(" * 60_000),
    "nested lists": lambda: _in_pane("{{ " + "[" * 5_000 + "]" * 5_000 + " }}"),
    "many braces": lambda: _in_pane("{{" * 30_000),
    "not not not": lambda: _in_pane("{{ " + "not " * 15_000 + "true }}"),
    "many filters": lambda: _in_pane("{{ 'x' " + "| upper " * 5_000 + " }}"),
    "many attributes": lambda: _in_pane("{{ x" + ".a" * 30_000 + " }}"),
    "many ifs": lambda: _in_pane("{% if true %}" * 4_000),
    "heavy expression in replicas": _heavy_expression_in_replicas,
    "defaults times panes": lambda: _defaults_times_panes(900, 1000),
    "replicas times sessions": lambda: (
        HEAD + "sessions: {" + ", ".join(f"s{n}: {{panes: [{{replicas: 1000}}]}}" for n in range(200)) + "}\n"
    ),
    "too many replicas": lambda: HEAD + "sessions: {s: {panes: [{replicas: 100000000000}]}}\n",
    "everyone depends on all": _everyone_depends_on_all,
    "long dependencies": _long_dependencies,
    "many groups": _many_groups,
    "unknown references": lambda: _unknown_references(3_000),
    "wide patterns": lambda: _patterns(60),
    "exploding pattern": lambda: _patterns(1).replace("(?i)", "(a+)+" * 20),
    "layout": lambda: HEAD + "sessions: {s: {windows: [{layout: '0000," + "1x1,0,0{" * 1000 + "'}]}}\n",
    "many problems": lambda: (
        HEAD + "sessions: {" + ", ".join(f"'s {n}': {{panes: 1, x{n}: 2}}" for n in range(5_000)) + "}\n"
    ),
    "env times panes": lambda: (
        HEAD
        + "env: {"
        + ", ".join(f"V{n}: x" for n in range(999))
        + "}\nsessions: {s: {panes: [{replicas: 1000, env: {A: b}}]}}\n"
    ),
}
