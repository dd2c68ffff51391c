"""Procfiles, as foreman, honcho and overmind read them: a line each, run by a shell, with PORT set."""

from __future__ import annotations

import re

from orchestra.discover import services, settings, source
from orchestra.discover.context import Context, Draft

LINE = re.compile(r"(?P<name>[A-Za-z0-9_-]+):(?P<command>.*\S)")
FIRST_PORT, STEP = 5000, 100
ENV_FILE = ".env"
SHELL = "/bin/sh"
"""As foreman and honcho run every line, whatever shell a person uses."""


def manifest(context: Context) -> Draft:
    found: dict[str, services.Service] = {}
    for number, line in enumerate(context.source.text.split("\n"), 1):
        at = source.location(context.source.file, number, 1)
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        row = LINE.match(line)
        if row is None:
            context.notes.left_out(line, at, "a line of a Procfile is `name: command`")
            continue
        if row["name"] in found:
            context.notes.warn(at, f"`{row['name']}` stands here twice: the last one counts")
        found[row["name"]] = services.Service(
            name=row["name"], at=at, pane={"command": row["command"].strip()}
        )
    for place, each in enumerate(found.values()):
        each.pane["env"] = {"PORT": str(FIRST_PORT + STEP * place)}
    session, _ = services.session(list(found.values()), context)
    session = {"shell": SHELL, **session} if session else session
    if source.exists(context.source, ENV_FILE):
        at = source.location(context.source.file, 1, 1)
        if files := settings.env_files([(ENV_FILE, at)], context):
            session = {"env_file": files, **session}
    return Draft(workspace=context.source.folder.name, sessions={"procfile": session})
