"""supervisord's programs. A command is split into words and run as it is, without a shell, as supervisord does."""

from __future__ import annotations

import re
import shlex

from orchestra.discover import ini_text, naming, notes, restarting, services, settings
from orchestra.discover.context import Context, Draft
from orchestra.discover.ini_text import Option, Section
from orchestra.discover.notes import CARRIED, Known, quoted
from orchestra.discover.variables import expression

LOG = notes.LOGS
ACCOUNT = "panes run as the user who applies"
PROGRAM: Known = {
    "command": CARRIED, "directory": CARRIED, "environment": CARRIED, "numprocs": CARRIED, "numprocs_start": CARRIED,
    "process_name": CARRIED, "stopsignal": CARRIED, "stopwaitsecs": CARRIED, "autostart": CARRIED, "priority": CARRIED,
    "autorestart": CARRIED, "startretries": CARRIED, "exitcodes": CARRIED, "startsecs": CARRIED, "user": ACCOUNT,
    "stopasgroup": "stopping always reaches the whole tree of processes",
    "killasgroup": "killing always reaches the whole tree of processes",
    "umask": "the shell's umask holds: `umask 022 && …`", "redirect_stderr": LOG, "serverurl": "there is no supervisord to speak to",
    **{f"{stream}_{what}": LOG for stream in ("stdout", "stderr") for what in (
        "logfile", "logfile_maxbytes", "logfile_backups", "capture_maxbytes", "events_enabled", "syslog")},
}  # fmt: skip
IDLE = {key: frozenset({"true"}) for key in ("stopasgroup", "killasgroup", "redirect_stderr")}
GROUP: Known = {"programs": CARRIED, "priority": "start order is said by `depends_on`"}
SECTIONS: Known = {
    "supervisord": "settings of the daemon itself", "supervisorctl": "settings of its client",
    "unix_http_server": "there is no supervisord to speak to", "inet_http_server": "there is no supervisord to speak to",
    "include": "other files are imported one by one: orchestra import FILE",
    "eventlistener": "what reacts to something is a trigger here, and no process", "rpcinterface": "there is no supervisord to speak to",
    "fcgi-program": "sockets are not handed to panes",
}  # fmt: skip
FORMAT = re.compile(r"%(?:(?P<percent>%)|\((?P<name>[A-Za-z0-9_]+)\)(?P<form>0?[0-9]{0,2}[sd]))")
ASSIGNMENT = re.compile(
    r"""\s*(?P<name>[A-Za-z0-9_.-]+)\s*=\s*(?:(?P<quoted>"[^"]*"|'[^']*')\s*(?:,|\Z)|(?P<plain>[^,]*)(?:,|\Z))""",
    re.DOTALL,
)
DEFAULT_PRIORITY = 999
MOST = 1000


def manifest(context: Context) -> Draft:
    programs: list[tuple[int, services.Service]] = []
    grouped: dict[str, tuple[Section, list[str]]] = {}
    for section in ini_text.sections(context.source.file, context.source.text, context.notes):
        kind, _, name = section.name.partition(":")
        if kind == "program":
            context.notes.keys(section.map(), PROGRAM, "a supervisord program", idle=IDLE)
            if (made := _program(name.strip(), section, context)) is not None:
                programs.append((ini_text.number(section, "priority", DEFAULT_PRIORITY, context.notes), made))
        elif kind == "group":
            context.notes.keys(section.map(), GROUP, "a supervisord group")
            said = section.options.get("programs")
            grouped[name.strip()] = (section, [each.strip() for each in said.text.split(",")] if said else [])
        else:
            context.notes.left_out(
                f"[{section.name}]",
                section.at,
                SECTIONS.get(kind, "supervisord has no section of this name that orchestra knows"),
            )
    programs.sort(key=lambda each: each[0])
    if len({priority for priority, _ in programs}) > 1:
        context.notes.warn(
            None, "`priority` orders the windows only; who has to wait for whom is said by `depends_on`"
        )
    session, called = services.session([each for _, each in programs], context)
    name = "supervisord"
    names = naming.Names("group", context.notes)
    groups: dict[str, dict[str, object]] = {}
    for group, (section, members) in grouped.items():
        for missing in [each for each in members if each not in called]:
            context.notes.left_out(missing, section.at, "the group names a program that is not imported")
        panes = [f"{name}/{pane}" for each in members for pane in called.get(each, ())]
        if any(service.switches for _, service in programs if service.name in members):
            always = {service.name for _, service in programs if not service.switches}
            panes = [f"{name}/{pane}" for each in members if each in always for pane in called[each]]
            context.notes.warn(
                section.at, f"the group {quoted(group)} has only those programs that are always there"
            )
        groups[names.take(group, section.at, instead="group")] = {"panes": panes}
    return Draft(workspace=context.source.folder.name, sessions={name: session}, groups=groups)


def _program(name: str, section: Section, context: Context) -> services.Service | None:
    said = section.options.get("command")
    if said is None:
        context.notes.left_out(section.name, section.at, "it has no command")
        return None
    first = ini_text.number(section, "numprocs_start", 0, context.notes)
    count = ini_text.number(section, "numprocs", 1, context.notes)
    restart = restarting.supervisord(section, context)
    called = section.options.get("process_name")
    copies: list[tuple[str, dict[str, object]]] = []
    context.spend((each.text for each in section.options.values()), count)
    for number in range(first, first + max(1, min(count, MOST + 1))):
        values: dict[str, object] = {
            "program_name": name,
            "process_num": number,
            "numprocs": count,
            "group_name": name,
        }
        values |= {"directory": section.options.get("directory"), "moves": "directory" in section.options}
        pane = _pane(said, section, values, context)
        if pane is None:
            return None
        if restart:
            pane["restart"] = restart
        shown = _formatted(called, values, context) if called else name
        if count > 1 and shown == name:
            shown = f"{name}_{number}"
        copies.append((shown, pane))
    service = services.Service(name=name, at=section.at, pane={}, copies=copies)
    start = section.options.get("autostart")
    if start is not None and start.text.lower() in ("false", "no", "off", "0"):
        _switch_off(service, start, context)
    return service


def _switch_off(service: services.Service, start: Option, context: Context) -> None:
    switch = context.variables.switch(
        f"start_{service.name}", False, f"whether {service.name} is started", start.at
    )
    service.switches = (switch,)
    for _, pane in service.copies:
        pane["replicas"] = expression(f"1 if {switch} else 0")
    context.notes.warn(
        start.at,
        f"{quoted(service.name)} is started only when it is asked for, and its panes are called NAME-0 then",
        hint=f"--var {switch}=true starts it",
    )


def _pane(
    command: Option, section: Section, values: dict[str, object], context: Context
) -> dict[str, object] | None:
    try:
        words = shlex.split(_formatted(command, values, context))
    except ValueError as failed:
        context.notes.left_out(section.name, command.at, f"its command cannot be split into words: {failed}")
        return None
    if not words or not context.variables.rendered(words[0]):
        context.notes.left_out(section.name, command.at, "its command is empty")
        return None
    pane: dict[str, object] = {"command": words}
    if said := section.options.get("directory"):
        folder = settings.directory(_formatted(said, values, context), said.at, context, expands=False)
        if folder:
            pane["dir"] = folder
    if (said := section.options.get("environment")) and (env := _environment(said, values, context)):
        pane["env"] = env
    stop: dict[str, object] = {}
    if (said := section.options.get("stopsignal")) and (
        signal := settings.signal_name(said.text, said.at, "stopsignal", context)
    ):
        stop["signal"] = signal
    if (said := section.options.get("stopwaitsecs")) and (
        timeout := settings.duration(said.text, said.at, "stopwaitsecs", context)
    ):
        stop["timeout"] = timeout
    return {**pane, "stop": stop} if stop else pane


def _environment(said: Option, values: dict[str, object], context: Context) -> dict[str, str]:
    made: dict[str, str] = {}
    text, position = said.text, 0
    while position < len(text):
        found = ASSIGNMENT.match(text, position)
        if found is None or found.end() == position:
            if text[position:].strip(" ,\n"):
                context.notes.left_out(text[position:].strip(), said.at, '`NAME="value"` was expected here')
            break
        position = found.end()
        value = found["quoted"][1:-1] if found["quoted"] is not None else found["plain"].strip()
        if found["name"] == "PATH" and "%(ENV_" in value:
            context.notes.left_out("PATH", said.at, settings.EXTENDED)
        elif settings.nameable(found["name"], said.at, context):
            made[found["name"]] = _formatted(Option(said.at, value), values, context)
    return made


def _formatted(said: Option, values: dict[str, object], context: Context) -> str:
    """`%(process_num)02d` and its like, as Python's `%` puts them in."""

    def put(found: re.Match[str]) -> str:
        if found["percent"]:
            return "%"
        name, form = found["name"], found["form"]
        if name.startswith("ENV_"):
            variable = name.removeprefix("ENV_")
            return context.variables.refer(variable, said.at, f"the environment variable {quoted(variable)}")
        if name == "here":
            if values["moves"] and said is not values["directory"]:
                why = "it is taken as `.`, which is where the program runs, not where the file lies"
                context.notes.warn(said.at, f"`%(here)s` beside `directory`: {why}")
            return "."
        value = values.get(name) if name not in ("directory", "moves") else None
        if value is None or (form.endswith("d") and not isinstance(value, int)):
            context.notes.left_out(found[0], said.at, "orchestra does not know this value")
            return ""
        if isinstance(value, int) and form.endswith("d"):
            return f"{value:{form}}"
        return str(value)

    return FORMAT.sub(put, said.text)
