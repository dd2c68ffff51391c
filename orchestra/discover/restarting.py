"""When what ended is started again: what docker, process-compose and supervisord say about it, as our `restart`."""

from __future__ import annotations

from orchestra.discover import ini_text, settings, taking
from orchestra.discover.context import Context
from orchestra.discover.ini_text import Option, Section
from orchestra.discover.notes import CARRIED, Known, quoted
from orchestra.discover.tree import Map, Scalar, child

ALWAYS, ON_FAILURE = "always", "on-failure"
UNLIMITED = 1_000_000
"""Restarts: the most that a manifest can say, and more than ever happen in a window."""
EVER = "3650d"
"""A window for what is counted from the first start on."""
LONGEST = 60.0
"""Seconds: what a restart is waited for at most where a manifest says nothing else; so it is in docker."""

# --- docker

DOCKER_POLICIES = ("no", ALWAYS, ON_FAILURE, "unless-stopped")
CONDITIONS = {
    "none": "no", "no": "no", "any": ALWAYS, ALWAYS: ALWAYS, ON_FAILURE: ON_FAILURE, "unless-stopped": "unless-stopped",
}  # fmt: skip
DEPLOYED: Known = {"condition": CARRIED, "delay": CARRIED, "max_attempts": CARRIED, "window": CARRIED}
FIRST = "100ms"
"""Docker's first wait. It doubles, as ours does."""


def compose(node: Map, context: Context) -> dict[str, object] | None:
    """Of a service; what `deploy` says about it goes before what the service says."""
    deployed = taking.table(child(node, "deploy"), "restart_policy", context.notes)
    said = child(node, "restart")
    if deployed is not None and said is not None:
        context.notes.left_out("restart", said.at, "`deploy.restart_policy` goes before it")
    if deployed is not None:
        made = _deployed(deployed, context)
    else:
        made = _docker(said, context) if isinstance(said, Scalar) else None
        if said is not None and not isinstance(said, Scalar):
            context.notes.left_out("restart", said.at, "text was expected here")
    if made is not None and "factor" not in _backoff(made):
        context.notes.warn(
            None,
            "docker waits briefly again once a container has run for ten seconds; orchestra waits longer with every restart "
            "in the `window`, up to a minute",
        )
    return made


def _backoff(made: dict[str, object]) -> dict[str, object]:
    found = made["backoff"]
    assert isinstance(found, dict)
    return found


def _docker(said: Scalar, context: Context) -> dict[str, object] | None:
    text = settings.settled(said, "restart", context)
    policy, colon, most = text.partition(":")
    if policy not in DOCKER_POLICIES or (colon and policy != ON_FAILURE) or (colon and not _is_count(most)):
        if text:
            context.notes.left_out("restart", said.at, f"{quoted(text)} is no restart policy")
        return None
    if policy == "no":
        return None
    return _made(policy, int(most or 0), {"initial": FIRST}, EVER)


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 7


def _deployed(node: Map, context: Context) -> dict[str, object] | None:
    context.notes.keys(node, DEPLOYED, "restart_policy")
    texts: dict[str, str] = {}
    for key in DEPLOYED:
        said = child(node, key)
        if isinstance(said, Scalar) and (text := settings.settled(said, key, context)):
            texts[key] = text
        elif said is not None and not isinstance(said, Scalar):
            context.notes.left_out(key, said.at, "text was expected here")
    condition = texts.get("condition", "any")
    if condition not in CONDITIONS:
        at = taking.place(node, "condition")
        context.notes.warn(at, f"the condition {quoted(condition)} is not known: `any` is taken")
    policy = CONDITIONS.get(condition, ALWAYS)
    most = texts.get("max_attempts", "0")
    if not _is_count(most):
        at = taking.place(node, "max_attempts")
        context.notes.left_out("max_attempts", at, f"{quoted(most)} is not a number of restarts")
        most = "0"
    lengths = {
        key: settings.milliseconds(texts[key], taking.place(node, key), key, context, bare="ns")
        for key in ("delay", "window")
        if key in texts
    }
    if policy == "no":
        return None
    delay, window = lengths.get("delay"), lengths.get("window")
    backoff: dict[str, object] = _constant(delay) if delay else {"initial": FIRST}
    return _made(policy, int(most), backoff, settings.spelled(window) if window else EVER)


# --- process-compose

POLICIES = {"no": "no", "false": "no", ALWAYS: ALWAYS, "on_failure": ON_FAILURE}


def process_compose(available: Map, context: Context) -> dict[str, object] | None:
    """Its waits stay as long as they are, and it counts restarts from the first start on."""
    said = taking.text(available, "restart", context.notes) or "no"
    seconds = taking.whole(available, "backoff_seconds", context.notes)
    most = taking.whole(available, "max_restarts", context.notes)
    if said == "exit_on_failure":
        context.notes.left_out(
            said,
            taking.place(available, "restart"),
            "panes end each for itself",
            hint="a trigger can stop the others: `on: pane.exited` with `do: [{stop: '@all'}]`",
        )
    elif said not in POLICIES:
        context.notes.left_out(
            "restart", taking.place(available, "restart"), f"{quoted(said)} is no restart policy"
        )
    policy = POLICIES.get(said, "no")
    if policy == "no":
        return None
    return _made(policy, most or 0, _constant(max(1, seconds or 1) * 1000), EVER)


# --- supervisord

AUTORESTART = {"unexpected": ON_FAILURE, **dict.fromkeys(("true", "yes", "on", "1"), ALWAYS),
    **dict.fromkeys(("false", "no", "off", "0"), "no")}  # fmt: skip
RETRIES, START_SECONDS = 3, 1


def supervisord(section: Section, context: Context) -> dict[str, object] | None:
    """So many quick ends one after the other as it has retries, and it is given up here, too."""
    policy = _autorestart(section, context)
    retries = ini_text.number(section, "startretries", RETRIES, context.notes)
    seconds = ini_text.number(section, "startsecs", START_SECONDS, context.notes)
    if policy == "no":
        return None
    context.notes.warn(
        None,
        "supervisord starts at once what has run for `startsecs`; here a second is waited, longer each time, up to a minute",
    )
    if not seconds:  # every start is a good one, and nothing is ever given up
        return {"policy": policy, "max_restarts": UNLIMITED}
    if not retries:
        context.notes.warn(
            section.options["startretries"].at, "`startretries` is taken as 1: there is no less"
        )
    most = max(1, retries)
    waits = sum(min(2.0**number, LONGEST) for number in range(min(most, 6))) + LONGEST * max(0, most - 6)
    within = min(waits + (most + 1) * seconds, settings.LONGEST / 1000)
    return {"policy": policy, "max_restarts": most, "window": settings.spelled(within * 1000)}


def _autorestart(section: Section, context: Context) -> str:
    said = section.options.get("autorestart")
    policy = AUTORESTART.get(said.text.lower()) if said is not None else ON_FAILURE
    if said is not None and policy is None:
        context.notes.warn(said.at, f"`autorestart` cannot be {quoted(said.text)}: `unexpected` is taken")
        policy = ON_FAILURE
    codes = section.options.get("exitcodes")
    if policy == ON_FAILURE and codes is not None:
        return _expected(codes, context)
    return policy or ON_FAILURE


def _expected(codes: Option, context: Context) -> str:
    """Which ends are no reason to start again: here, 0 or none."""
    known = {each.strip() for each in codes.text.split(",") if each.strip()}
    if others := sorted(known - {"0"}):
        context.notes.warn(
            codes.at,
            f"`exitcodes`: after {quoted(', '.join(others))} it is started again, too; only 0 is expected here",
        )
    if "0" not in known:
        context.notes.warn(codes.at, "`exitcodes`: 0 is not expected, so it is started again after any end")
        return ALWAYS
    return ON_FAILURE


# --- all


def _constant(milliseconds: float) -> dict[str, object]:
    """A wait that does not get longer."""
    made: dict[str, object] = {"initial": settings.spelled(milliseconds), "factor": 1}
    if milliseconds > LONGEST * 1000:
        made["max"] = made["initial"]
    return made


def _made(policy: str, most: int, backoff: dict[str, object], window: str) -> dict[str, object]:
    """`most`: 0 is without end, and then nothing is counted but for the waits."""
    if not most:
        return {"policy": policy, "backoff": backoff, "max_restarts": UNLIMITED}
    return {"policy": policy, "backoff": backoff, "max_restarts": most, "window": window}
