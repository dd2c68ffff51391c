"""process-compose's processes: shell lines, with probes, dependencies and replicas, much as ours."""

from __future__ import annotations

import re

from orchestra.discover import (
    interpolation,
    naming,
    notes,
    probes,
    restarting,
    scheduling,
    services,
    settings,
    source,
    taking,
    watching,
)
from orchestra.discover.context import Context, Draft
from orchestra.discover.notes import CARRIED, Known, quoted
from orchestra.discover.tree import Map, Scalar, child
from orchestra.discover.variables import expression

UI = "it is about process-compose's own screen"
TOP: Known = {
    "processes": CARRIED, "environment": CARRIED, "shell": CARRIED, "name": CARRIED, "version": CARRIED, "env_file": CARRIED,
    "is_dotenv_disabled": CARRIED, "disable_env_expansion": CARRIED,
    "log_level": notes.LOGS, "log_location": notes.LOGS, "log_length": notes.LOGS, "log_configuration": notes.LOGS,
    "log_format": notes.LOGS, "is_strict": "orchestra is always strict", "ordered_shutdown": "stopping always runs the order backwards",
    "vars": "process-compose's own templates are not understood", "env_cmds": "`secrets` can be read `from_command`",
    "extends": "other files are imported one by one", "is_tui_disabled": UI, "processes_order": UI, "theme": UI,
    "mcp_server": "there is no process-compose to speak to",
}  # fmt: skip
PROCESS: Known = {
    "command": CARRIED, "entrypoint": CARRIED, "args": CARRIED, "environment": CARRIED, "working_dir": CARRIED, "depends_on": CARRIED,
    "readiness_probe": CARRIED, "ready_log_line": CARRIED, "liveness_probe": CARRIED, "shutdown": CARRIED,
    "availability": CARRIED, "namespace": CARRIED, "replicas": CARRIED, "disabled": CARRIED, "description": CARRIED,
    "is_tty": CARRIED, "is_interactive": CARRIED, "env_file": CARRIED, "is_dotenv_disabled": CARRIED,
    "is_daemon": "what puts itself into the background leaves its pane", "is_foreground": CARRIED,
    "is_elevated": "panes run as the user who applies", "log_location": notes.LOGS, "log_configuration": notes.LOGS,
    "disable_ansi_colors": notes.LOGS, "vars": TOP["vars"], "launch_timeout_seconds": "it is about daemons",
    "schedule": CARRIED, "is_template_disabled": CARRIED, "watch": CARRIED,
    "success_exit_codes": "only 0 is a success here", "mcp": TOP["mcp_server"],
}  # fmt: skip
AVAILABILITY: Known = {"restart": CARRIED, "backoff_seconds": CARRIED, "max_restarts": CARRIED,
    "exit_on_end": "panes end each for itself", "exit_on_skipped": "panes end each for itself"}  # fmt: skip
SHUTDOWN: Known = {"command": CARRIED, "timeout_seconds": CARRIED, "signal": CARRIED,
    "parent_only": "stopping always reaches the whole tree of processes"}  # fmt: skip
SHELL: Known = {"shell_command": CARRIED, "shell_argument": CARRIED,
    "elevated_shell_command": "panes run as the user who applies",
    "elevated_shell_argument": "panes run as the user who applies"}  # fmt: skip
CONDITIONS = {
    "process_started": "started", "process_healthy": "healthy", "process_log_ready": "healthy",
    "process_completed": "completed", "process_completed_successfully": "completed_successfully",
}  # fmt: skip
NUMBER = re.compile(r"\{\{\s*-?\s*\.PC_REPLICA_NUM\s*-?\s*\}\}")
ENV_FILE = ".env"
DEFAULT_SHELL = "/bin/bash"
"""As process-compose runs every command, whatever shell a person uses."""


def manifest(root: Map, context: Context) -> Draft:
    context.notes.keys(
        root,
        TOP,
        "a process-compose file",
        idle={"ordered_shutdown": frozenset({"true"}), "is_strict": frozenset({"true", "false"})},
    )
    session: dict[str, object] = {}
    if shell := _shell(root, context):
        session["shell"] = shell
    if env := settings.env(child(root, "environment"), context, expands=True):
        session["env"] = env
    files = [(each.text, each.at) for each in taking.texts(root, "env_file", context.notes)]
    if not taking.flag(root, "is_dotenv_disabled", context.notes) and source.exists(context.source, ENV_FILE):
        files.append((ENV_FILE, root.at))
    if usable := settings.env_files(files, context):
        session["env_file"] = usable
    found: list[services.Service] = []
    spaces: dict[str, list[str]] = {}
    listed = taking.table(root, "processes", context.notes)
    for name, entry in listed.entries.items() if listed else ():
        if not isinstance(entry.node, Map):
            context.notes.left_out(name, entry.at, "a map was expected here")
        elif (made := _process(name, entry.node, context)) is not None:
            found.append(made)
            if (space := taking.text(entry.node, "namespace", context.notes)) and not made.switches:
                spaces.setdefault(space, []).append(name)
    built, called = services.session(found, context)
    name = naming.clean(taking.text(root, "name", context.notes) or context.source.folder.name) or "processes"
    names = naming.Names("group", context.notes)
    groups: dict[str, dict[str, object]] = {
        names.take(space, root.at, instead="group"): {
            "panes": [f"{name}/{pane}" for each in members for pane in called[each]]
        }
        for space, members in spaces.items()
    }
    return Draft(
        workspace=name,
        sessions={name: {**session, **built}},
        groups=groups,
        schedules=_schedules(name, found, called, listed, context),
    )


def _schedules(
    session: str,
    found: list[services.Service],
    called: dict[str, list[str]],
    listed: Map | None,
    context: Context,
) -> list[dict[str, object]]:
    names = naming.Names("schedule", context.notes)
    made = []
    for each in found:
        said = taking.table(child(listed, each.name), "schedule", context.notes)
        if said is None:
            continue
        if each.switches:
            context.notes.left_out("schedule", said.at, f"{quoted(each.name)} is not always there")
            continue
        panes = [f"{session}/{pane}" for pane in called[each.name]]
        if (one := scheduling.schedule(each.name, said, panes, names, context)) is not None:
            made.append(one)
    return made


def _shell(root: Map, context: Context) -> str | None:
    shell = taking.table(root, "shell", context.notes)
    if shell is None:
        return DEFAULT_SHELL
    context.notes.keys(shell, SHELL, "shell")
    if (argument := taking.text(shell, "shell_argument", context.notes)) not in (None, "-c"):
        context.notes.left_out(
            "shell_argument",
            shell.at,
            f"a pane's shell gets its command with `-c`, not {quoted(argument or '')}",
        )
    said = taking.text(shell, "shell_command", context.notes)
    if said and not said.startswith("/"):
        context.notes.left_out(
            "shell_command", shell.at, f"a shell is named by its whole path, not {quoted(said)}"
        )
        return None
    return said


def _process(name: str, node: Map, context: Context) -> services.Service | None:
    context.notes.keys(node, PROCESS, "a process")
    pane = _command(name, node, context)
    if pane is None:
        return None
    if folder := settings.directory(taking.text(node, "working_dir", context.notes), node.at, context):
        pane["dir"] = folder
    if env := settings.env(child(node, "environment"), context, expands=True):
        pane["env"] = env
    files = [(each.text, each.at) for each in taking.texts(node, "env_file", context.notes)]
    if usable := settings.env_files(files, context):
        pane["env_file"] = usable
    if health := _health(node, context):
        pane["health"] = health
    if stop := _stop(node, context):
        pane["stop"] = stop
    if description := settings.one_line(taking.text(node, "description", context.notes) or ""):
        pane["labels"] = {"description": description}
    _keep_up(pane, node, context)
    if watch := watching.process_compose(node, str(pane.get("dir", ".")), context):
        pane["watch"] = watch
    count = taking.whole(node, "replicas", context.notes, most=10_000)
    service = services.Service(
        name=name,
        at=node.at,
        pane=pane,
        needs=_needs(node, context),
        count=None if count in (None, 0, 1) else count,
    )
    if service.count is not None:
        pane["env"] = {**dict(_texts(pane.get("env"))), "PC_REPLICA_NUM": expression("replica")}
    for key in ("disabled", "is_foreground"):
        if taking.flag(node, key, context.notes):
            switch = context.variables.switch(f"start_{name}", False, f"whether {name} is started", node.at)
            service.switches = (switch,)
            context.notes.warn(
                node.entries[key].at,
                f"{quoted(name)} is started only when it is asked for, and its pane is called {quoted(f'{name}-0')} then",
                hint=f"--var {switch}=true starts it",
            )
    return service


def _keep_up(pane: dict[str, object], node: Map, context: Context) -> None:
    """What is not ready any more is ended there, and then its policy decides: so it is restarted here where it has one."""
    available = taking.table(node, "availability", context.notes)
    if available is None:
        return
    context.notes.keys(
        available,
        AVAILABILITY,
        "availability",
        idle={"exit_on_end": frozenset({"false"}), "exit_on_skipped": frozenset({"false"})},
    )
    restart = restarting.process_compose(available, context)
    if restart is None:
        return
    pane["restart"] = restart
    health = pane.get("health")
    if isinstance(health, dict) and child(node, "readiness_probe") is not None:
        health["restart_unhealthy"] = True


def _texts(env: object) -> list[tuple[str, str]]:
    return list(env.items()) if isinstance(env, dict) else []


def _command(name: str, node: Map, context: Context) -> dict[str, object] | None:
    """A `command` is a shell's, which puts the environment in itself; an `entrypoint` is run as it is."""
    line = taking.text(node, "command", context.notes)
    words = probes.words(child(node, "entrypoint"), "entrypoint", context)
    if words:
        if line:
            context.notes.left_out("command", node.entries["command"].at, "`entrypoint` is what runs")
        words += probes.words(child(node, "args"), "args", context)
        every = [interpolation.expanded(word, node.at, context.variables, context.notes) for word in words]
        if context.variables.rendered(every[0]):
            return {"command": every}
    elif line and line.strip():
        if child(node, "args") is not None:
            context.notes.left_out("args", node.entries["args"].at, "only an `entrypoint` has arguments")
        repeated = taking.whole(node, "replicas", context.notes, most=10_000) or 1
        text = line.strip().replace("$$", "$")
        text = NUMBER.sub(lambda _: expression("replica") if repeated > 1 else "0", text)
        if "{{" in text:
            context.notes.warn(
                node.entries["command"].at,
                "process-compose's own templates are not understood: the braces are kept as text",
            )
        return {"command": text}
    context.notes.left_out(name, node.at, "it has no command")
    return None


def _health(node: Map, context: Context) -> dict[str, object]:
    ready, alive = (taking.table(node, key, context.notes) for key in ("readiness_probe", "liveness_probe"))
    line = taking.text(node, "ready_log_line", context.notes)
    if ready is not None:
        if alive is not None:
            context.notes.left_out(
                "liveness_probe", alive.at, "a pane has one health check: its readiness probe"
            )
        if line:
            context.notes.left_out(
                "ready_log_line",
                node.entries["ready_log_line"].at,
                "a pane has one health check: its readiness probe",
            )
        return probes.readiness(ready, context)
    if line:
        if alive is not None:
            context.notes.left_out(
                "liveness_probe", alive.at, "a pane has one health check: its ready_log_line"
            )
        return probes.log_line(line)
    if alive is not None:
        context.notes.warn(
            alive.at, "`liveness_probe` becomes the pane's health check, which dependants wait for too"
        )
        return probes.readiness(alive, context)
    return {}


def _stop(node: Map, context: Context) -> dict[str, object]:
    said = taking.table(node, "shutdown", context.notes)
    if said is None:
        return {}
    context.notes.keys(said, SHUTDOWN, "shutdown", idle={"parent_only": frozenset({"false", "no"})})
    made: dict[str, object] = {}
    number = taking.text(said, "signal", context.notes)
    if command := taking.text(said, "command", context.notes):
        made["command"] = command.replace("$$", "$")
        if number:
            context.notes.left_out(
                "signal", said.entries["signal"].at, "a pane is stopped by its command or by a signal"
            )
    elif number and (name := settings.signal_name(number, said.at, "signal", context)):
        made["signal"] = name
    if seconds := taking.whole(said, "timeout_seconds", context.notes):
        made["timeout"] = settings.spelled(seconds * 1000)
    return made


def _needs(node: Map, context: Context) -> dict[str, services.Need]:
    said = taking.table(node, "depends_on", context.notes)
    found: dict[str, services.Need] = {}
    for name, entry in said.entries.items() if said else ():
        if isinstance(entry.node, Map):
            context.notes.keys(entry.node, {"condition": CARRIED}, "depends_on")
        elif isinstance(entry.node, Scalar) and entry.node.text:
            context.notes.left_out(entry.node.text, entry.at, "a map with `condition` was expected here")
        wanted = taking.text(entry.node, "condition", context.notes) or "process_started"
        if wanted not in CONDITIONS:
            context.notes.warn(entry.at, f"the condition {quoted(wanted)} is not known: `started` is taken")
        found[name] = services.Need(condition=CONDITIONS.get(wanted, "started"), at=entry.at)
    return found
