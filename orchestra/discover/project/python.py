"""Django, ASGI and WSGI applications, Celery and pytest, run by the tool whose lock file holds the environment."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence

from orchestra.discover.project import folder, found, reading, requirements, saying
from orchestra.model.diagnostic import Diagnostic
from orchestra.model.frozen import frozen

MARKERS = ("manage.py", *requirements.FILES)
RUNNERS = {
    "uv.lock": "uv",
    "poetry.lock": "poetry",
    "pdm.lock": "pdm",
    "Pipfile.lock": "pipenv",
    "Pipfile": "pipenv",
}
ENVIRONMENTS = (".venv", "venv", "env")
_ASSIGNED = r"^(?P<name>[A-Za-z_]\w{0,60})(?:: ?[\w.]{1,60})? ?= ?(?:\w{1,40}\.)?"
APPS = {
    "fastapi": re.compile(_ASSIGNED + r"FastAPI\(", re.MULTILINE),
    "starlette": re.compile(_ASSIGNED + r"Starlette\(", re.MULTILINE),
    "litestar": re.compile(_ASSIGNED + r"Litestar\(", re.MULTILINE),
    "flask": re.compile(_ASSIGNED + r"Flask\(", re.MULTILINE),
}
CELERY = re.compile(_ASSIGNED + r"Celery\(", re.MULTILINE)
FACTORY = re.compile(r"^def (?P<name>create_app|make_app|get_app|create_application)\(", re.MULTILINE)
ROUTES = re.compile(r"@\w{1,40}\.(?:get|route)\(\s{0,20}[\"'](?P<path>/[\w/-]{0,40})[\"']")
RUNS = re.compile(r"\.run\([^)\n]{0,200}\bport ?= ?(?P<port>[1-9][0-9]{1,4})(?![0-9])")
BEAT = ("beat_schedule", "CELERY_BEAT_SCHEDULE", "django_celery_beat", "add_periodic_task")

Sources = Sequence[tuple[str, str]]


@frozen
class Runner:
    program: str
    """What stands before a program of the environment."""
    python: str
    tools: tuple[str, ...]
    source: str
    """The file that shows all this to be Python."""


def panes(place: folder.Place) -> found.Found:
    source = place.first(MARKERS)
    if source is None:
        return
    needs: set[str] = set()
    for each in requirements.names(place):
        if isinstance(each, Diagnostic):
            yield each
        else:
            needs.add(each)
    runner = _runner(place, place.first(requirements.FILES) or source)
    sources = place.sources(".py")
    django = place.has("manage.py") and ("django" in needs or "django" in place.text("manage.py"))
    web = list(_django(place, runner) if django else _web(place, needs, runner, sources))
    celery = list(_celery(runner, sources, django=django)) if "celery" in needs else []
    tests = list(_tests(place, needs, runner, django=django))
    yield from (*web, *celery, *tests)
    if (web or celery) and runner.tools == ("python3",):
        where = place.dir or "this directory"
        yield found.note(
            f"{where} has no virtual environment and no lock file: its panes use the python3 on PATH"
        )


def _django(place: folder.Place, runner: Runner) -> Iterator[found.Pane]:
    yield found.Pane(
        name="migrate",
        command=f"{runner.python} manage.py migrate --no-input",
        role=found.Role.ONCE,
        source="manage.py",
        reason="Django",
        tools=runner.tools,
        stores=True,
    )
    yield found.Pane(
        name="server",
        command=f"{runner.python} manage.py runserver",
        role=found.Role.SERVER,
        source="manage.py",
        reason="Django",
        listening=found.Listening(port=8000, flag="{port}", written=True),
        tools=runner.tools,
        env={"PYTHONUNBUFFERED": "1"},
        needs=("migrate",),
        stores=True,
        signal="SIGINT",
    )


def _web(place: folder.Place, needs: set[str], runner: Runner, sources: Sources) -> Iterator[found.Pane]:
    for kind, pattern in APPS.items():
        if kind not in needs:
            continue
        if (app := _app(sources, pattern, kind)) is not None:
            yield _server(place, kind, app, runner, sources)
            return
    if "streamlit" in needs:
        path = next((path for path, text in sources if "import streamlit" in text), None)
        if path is not None:
            yield found.Pane(
                name="streamlit",
                command=f"{runner.program} streamlit run {shlex.quote(path)}",
                role=found.Role.SERVER,
                source=path,
                reason="Streamlit",
                listening=found.Listening(port=8501, path="/", flag="--server.port {port}"),
                tools=runner.tools,
                stores=True,
            )


@frozen
class App:
    path: str
    module: str
    name: str
    root: str
    """Where imports begin: nothing, or `src`."""
    made: bool
    """By a factory."""


def _app(sources: Sources, pattern: re.Pattern[str], kind: str) -> App | None:
    for made, each in ((False, pattern), (True, FACTORY)):
        for path, text in sources:
            said = each.search(text)
            if said is None or (made and kind not in text.lower()):
                continue
            root = "src" if path.startswith("src/") else ""
            module = _module(path.removeprefix("src/") if root else path)
            if module is not None:
                return App(path=path, module=module, name=said["name"], root=root, made=made)
    return None


def _module(path: str) -> str | None:
    parts = path.removesuffix(".py").removesuffix("/__init__").split("/")
    return ".".join(parts) if all(part.isidentifier() and part.isascii() for part in parts) else None


def _server(place: folder.Place, kind: str, app: App, runner: Runner, sources: Sources) -> found.Pane:
    flask = kind == "flask"
    source = next(text for path, text in sources if path == app.path)
    flaskenv = reading.env(place.text(".flaskenv")) if flask else {}
    said = (
        reading.port(flaskenv.get("FLASK_RUN_PORT"))
        or reading.port(place.environ.get("FLASK_RUN_PORT" if flask else "PORT"))
        or saying.first([RUNS], source)
    )
    target = f"{app.module}:{app.name}"
    where = f" --app-dir {app.root}" if app.root else ""
    if flask:
        named = app.module if app.made else target
        command = f"{runner.program} flask --app {f'{app.root}/' if app.root else ''}{named} run --debug"
    else:
        command = f"{runner.program} uvicorn {target}{' --factory' if app.made else ''}{where} --reload"
    usual = 5000 if flask else 8000
    return found.Pane(
        name="server",
        command=command,
        role=found.Role.SERVER,
        source=app.path,
        reason=kind,
        listening=found.Listening(
            port=said or usual,
            path=saying.route((text for _, text in sources), ROUTES),
            said=said is not None,
            flag="--port {port}",
            written=said is not None,
        ),
        tools=runner.tools,
        env={"PYTHONUNBUFFERED": "1"},
        stores=True,
        signal="SIGINT",
    )


def _celery(runner: Runner, sources: Sources, *, django: bool) -> Iterator[found.Pane]:
    for path, text in sources:
        module = _module(path)
        if CELERY.search(text) is None or module is None:
            continue
        # Celery looks into `package.celery` by itself.
        target = module.removesuffix(".celery")
        pythonpath = {}
        if path.startswith("src/"):
            target, pythonpath = target.removeprefix("src."), {"PYTHONPATH": "src"}
        needs = ("migrate",) if django else ()
        yield found.Pane(
            name="worker",
            command=f"{runner.program} celery -A {target} worker --loglevel INFO",
            env=pythonpath,
            needs=needs,
            patience="30s",
            role=found.Role.WORKER,
            source=path,
            reason="Celery",
            tools=runner.tools,
            stores=True,
        )
        if any(mark in each for _, each in sources for mark in BEAT):
            yield found.Pane(
                name="beat",
                command=f"{runner.program} celery -A {target} beat --loglevel INFO",
                env=pythonpath,
                needs=needs,
                role=found.Role.WORKER,
                source=path,
                reason="Celery has a schedule",
                tools=runner.tools,
                stores=True,
            )
        return


def _tests(place: folder.Place, needs: set[str], runner: Runner, *, django: bool) -> Iterator[found.Pane]:
    pytest = next(
        (
            name
            for name, mark in (("pytest.ini", ""), ("pyproject.toml", "[tool.pytest"), ("setup.cfg", "[tool:pytest]"), ("conftest.py", ""))
            if place.has(name) and mark in place.text(name)
        ),
        None,
    )  # fmt: skip
    if pytest is None and not {"pytest", "pytest-django"}.isdisjoint(needs):
        pytest = runner.source
    if pytest is None and not django:
        return
    yield found.Pane(
        name="tests",
        command=f"{runner.program} pytest" if pytest else f"{runner.python} manage.py test",
        role=found.Role.CHECK,
        source=pytest or "manage.py",
        reason="pytest" if pytest else "Django",
        tools=runner.tools,
        stores=django,
    )


def _runner(place: folder.Place, source: str) -> Runner:
    lock = place.above(RUNNERS)
    own = next((name for name in ENVIRONMENTS if place.folder.has_folder(place.path(f"{name}/bin"))), None)
    if lock is not None:
        tool = RUNNERS[lock.rpartition("/")[2]]
        return Runner(program=f"{tool} run", python=f"{tool} run python", tools=(tool,), source=source)
    python = f"{own}/bin/python" if own else "python3"
    return Runner(program=f"{python} -m", python=python, tools=() if own else ("python3",), source=source)
