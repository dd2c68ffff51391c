"""`health:`, `restart:` and `stop:` of a pane."""

from __future__ import annotations

import re
import signal
import urllib.parse
import warnings
from datetime import timedelta

from orchestra.manifest import duration, limits, tree
from orchestra.manifest.problem import Problems, quoted
from orchestra.manifest.tree import Map, Node
from orchestra.model import spec

PROBES = ("command", "http", "tcp", "output")
TCP = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.%]+)\]|(?P<host>[^\s:\[\]/]+)):(?P<port>[0-9]{1,5})\Z")
IGNORES_CASE = re.compile(r"\(\?[a-zA-Z]*i")
SIGNALS = frozenset(signal.Signals.__members__)
LARGEST_PORT = 65535


Patterns = dict[str, str | None]
"""What was compiled already, to what is wrong with it."""


def health(node: Node | None, patterns: Patterns, problems: Problems) -> spec.Health | None:
    if not isinstance(node, Map):
        return None
    said = [key for key in PROBES if key in node.entries]
    watches = "errors" in node.entries
    if not said and not watches:
        problems.add(
            node.at,
            "a health check needs a probe",
            hint="add one of `command`, `http`, `tcp` and `output`; or `errors`, for what its output tells",
        )
        return None
    if not said:
        for key in node.entries.keys() - {"errors", "recovery", "status"}:
            problems.add(
                node.entries[key].at,
                f"`{key}` is only for probes",
                hint="add one of `command`, `http`, `tcp` and `output`",
            )
    if (status := node.entries.get("status")) and "http" not in said:
        problems.add(status.at, "`status` is only for `http` probes")
    probe = _probe(said[0], node, patterns, problems) if said else None
    if said and probe is None:
        return None
    default = spec.Health(probe=probe)
    return spec.Health(
        probe=probe,
        interval=duration_of(node, "interval", default.interval, problems, positive=True),
        timeout=duration_of(node, "timeout", default.timeout, problems, positive=True),
        failure_threshold=tree.whole(tree.child(node, "failure_threshold")) or default.failure_threshold,
        success_threshold=tree.whole(tree.child(node, "success_threshold")) or default.success_threshold,
        start_period=duration_of(node, "start_period", default.start_period, problems),
        errors=_errors(tree.child(node, "errors"), patterns, problems),
        recovery=duration_of(node, "recovery", default.recovery, problems),
        restart_unhealthy=tree.flag(tree.child(node, "restart_unhealthy")) or False,
    )


def stop(node: Node | None, problems: Problems) -> spec.Stop:
    default = spec.Stop()
    if not isinstance(node, Map):
        return default
    return spec.Stop(
        keys=tree.texts(tree.child(node, "keys")),
        signal=signal_name(tree.child(node, "signal"), problems),
        command=command(tree.child(node, "command")),
        timeout=duration_of(node, "timeout", default.timeout, problems),
    )


def restart(node: Node | None, problems: Problems) -> spec.Restart:
    if not isinstance(node, Map):
        said = tree.text(node)
        return spec.Restart(policy=spec.Policy(said)) if said in _POLICIES else spec.Restart()
    default, said = spec.Restart(), tree.text(tree.child(node, "policy"))
    backoff = tree.child(node, "backoff")
    wait = backoff if isinstance(backoff, Map) else Map(node.at, {})
    factor = tree.value(tree.child(wait, "factor"))
    delay = duration_of(wait, "initial", default.delay, problems)
    longest = duration_of(wait, "max", default.longest, problems)
    if "initial" in wait.entries and "max" in wait.entries and longest < delay:
        problems.add(
            wait.entries["max"].node.at,
            "`max` is shorter than `initial`",
            hint="the first wait is `initial`, later ones are longer, up to `max`",
        )
    return spec.Restart(
        policy=spec.Policy(said) if said in _POLICIES else default.policy,
        delay=delay,
        factor=float(factor) if isinstance(factor, int | float) else default.factor,
        longest=longest,
        max_restarts=tree.whole(tree.child(node, "max_restarts")) or default.max_restarts,
        window=duration_of(node, "window", default.window, problems, positive=True),
    )


_POLICIES = frozenset(spec.Policy)


def command(node: Node | None) -> str | tuple[str, ...] | None:
    return tree.texts(node) if isinstance(node, tree.List) else tree.text(node)


def _probe(kind: str, node: Map, patterns: Patterns, problems: Problems) -> spec.Probe | None:
    given = node.entries[kind].node
    text = tree.text(given)
    match kind:
        case "command":
            run = command(given)
            return spec.CommandProbe(command=run) if run else None
        case "http" if text is not None:
            return _http(text, given, tree.whole(tree.child(node, "status")), problems)
        case "tcp" if text is not None:
            return _tcp(text, given, problems)
        case "output" if text is not None:
            return _output(text, given, patterns, problems)
        case _:
            return None


def _http(url: str, node: Node, status: int | None, problems: Problems) -> spec.HttpProbe | None:
    try:
        parts = urllib.parse.urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not url.isprintable() or " " in url:
        problems.add(
            node.at,
            f"{quoted(url)} is not an http address",
            hint="for example `http://127.0.0.1:8000/health`",
        )
        return None
    return spec.HttpProbe(url=url, status=status)


def _tcp(text: str, node: Node, problems: Problems) -> spec.TcpProbe | None:
    found = TCP.match(text)
    if found is None or not 1 <= int(found["port"]) <= LARGEST_PORT:
        hint = "for example `127.0.0.1:5432` or `[::1]:80`, with a port from 1 to 65535"
        problems.add(node.at, f"{quoted(text)} is not `host:port`", hint=hint)
        return None
    return spec.TcpProbe(host=found["six"] or found["host"], port=int(found["port"]))


def _output(text: str, node: Node, patterns: Patterns, problems: Problems) -> spec.OutputProbe | None:
    found = pattern(text, node, patterns, problems)
    return None if found is None else spec.OutputProbe(pattern=found)


def _errors(node: Node | None, patterns: Patterns, problems: Problems) -> str | None:
    text = tree.text(node)
    return None if node is None or text is None else pattern(text, node, patterns, problems)


def pattern(text: str, node: Node, patterns: Patterns, problems: Problems) -> str | None:
    """The text, if it is a regular expression."""
    if text not in patterns:
        patterns[text] = _fault(text, patterns)
    if (fault := patterns[text]) is not None:
        problems.add(node.at, f"{quoted(text)} is not a regular expression: {fault}")
        return None
    return text


def _fault(pattern: str, patterns: Patterns) -> str | None:
    import regex  # 65 ms, and only who has a pattern needs it: what will do the searching (engine/patterns.py)

    ignoring_case = [one for one in (*patterns, pattern) if IGNORES_CASE.search(one)]
    if pattern in ignoring_case and sum(map(len, ignoring_case)) > limits.PATTERNS:
        return f"all that ignore case are longer than {limits.PATTERNS} characters together"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            regex.compile(pattern)
    except (regex.error, RecursionError, OverflowError, MemoryError) as failed:
        return str(failed)
    return None


def signal_name(node: Node | None, problems: Problems) -> str | None:
    text = tree.text(node)
    if node is None or text is None:
        return None
    name = text.upper()
    name = name if name.startswith("SIG") else f"SIG{name}"
    if name not in SIGNALS:
        problems.add(
            node.at,
            f"there is no signal {quoted(text)}",
            hint="for example `SIGINT`",
            word=name,
            among=SIGNALS,
        )
        return None
    return name


def duration_of(
    node: Map, key: str, default: timedelta, problems: Problems, *, positive: bool = False
) -> timedelta:
    given = tree.child(node, key)
    text = tree.text(given)
    if given is None or text is None:
        return default
    try:
        length = duration.parsed(text)
    except duration.TooLong:
        problems.add(given.at, f"{quoted(text)} is longer than ten years")
        return default
    if length is None:
        return default  # the schema says so
    if positive and not length:
        problems.add(given.at, f"{quoted(key)} must be longer than nothing")
        return default
    return length
