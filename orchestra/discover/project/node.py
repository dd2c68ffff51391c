"""package.json: its scripts, by the package manager whose lock file lies there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from orchestra.discover.project import folder, found, reading, saying
from orchestra.model.diagnostic import Diagnostic
from orchestra.model.frozen import frozen

MARKERS = ("package.json",)
LOCKS = {
    "pnpm-lock.yaml": "pnpm",
    "pnpm-workspace.yaml": "pnpm",
    "yarn.lock": "yarn",
    "bun.lock": "bun",
    "bun.lockb": "bun",
    "package-lock.json": "npm",
    "npm-shrinkwrap.json": "npm",
}
SERVERS = ("dev", "start", "serve")
"""The first of them that is there: `start` beside `dev` runs what was built."""
WATCHERS = ("watch", "watch:css", "watch:js", "build:watch")
TESTS = ("test:watch", "test")
NO_TEST = "no test specified"
"""What `npm init` writes."""


@frozen
class Framework:
    name: str
    port: int
    page: bool = True
    """Whether it answers at / by itself."""
    flag: str = "--port {port}"
    variable: str = ""
    stores: bool = False
    """Whether its server is a place for code that asks databases."""
    config: tuple[str, ...] = ()
    patience: str = "5s"


_VITE = ("vite.config.ts", "vite.config.js", "vite.config.mts", "vite.config.mjs", "vite.config.cjs")
FRAMEWORKS = {
    "next": Framework(name="next", port=3000, stores=True, patience="30s", config=("next.config.js", "next.config.mjs", "next.config.ts")),
    "nuxt": Framework(name="nuxt", port=3000, stores=True, patience="30s", config=("nuxt.config.ts", "nuxt.config.js")),
    "nuxi": Framework(name="nuxt", port=3000, stores=True, patience="30s", config=("nuxt.config.ts", "nuxt.config.js")),
    "astro": Framework(name="astro", port=4321, config=("astro.config.mjs", "astro.config.ts", "astro.config.js")),
    "ng": Framework(name="angular", port=4200, config=("angular.json", "proxy.conf.json", "src/proxy.conf.json")),
    "react-scripts": Framework(name="react", port=3000, flag="", variable="PORT", config=("src/setupProxy.js",)),
    "react-router": Framework(name="react-router", port=5173, stores=True, config=_VITE),
    "remix": Framework(name="remix", port=5173, stores=True, config=_VITE),
    "gatsby": Framework(name="gatsby", port=8000),
    "vue-cli-service": Framework(name="vue", port=8080, config=("vue.config.js",)),
    "webpack-dev-server": Framework(name="webpack", port=8080, config=("webpack.config.js",)),
    "parcel": Framework(name="parcel", port=1234),
    "wrangler": Framework(name="wrangler", port=8787, page=False),
    "expo": Framework(name="expo", port=8081, page=False),
    "vite": Framework(name="vite", port=5173, config=_VITE),
}  # fmt: skip
"""By the word that starts it; the first that a script says."""
CONFIG_PORT = re.compile(r"(?<!\w)[\"']?port[\"']?\s{0,5}:\s{0,5}[\"']?(?P<port>[1-9][0-9]{1,4})(?![0-9])")
LISTENS = (
    re.compile(r"process\.env\.PORT\b[\s)]{0,9}(?:\|\||\?\?)\s{0,9}[\"']?(?P<port>[1-9][0-9]{1,4})(?![0-9])"),
    re.compile(r"\.listen\(\s{0,20}(?:\{\s{0,20}port:\s{0,5})?[\"']?(?P<port>[1-9][0-9]{1,4})(?![0-9])"),
    re.compile(r"\b(?:const|let|var) (?:port|PORT)\s{0,5}=\s{0,5}[\"']?(?P<port>[1-9][0-9]{1,4})(?![0-9])"),
)
ASKS_PORT = "process.env.PORT"
ROUTES = re.compile(r"\.(?:get|all|use)\(\s{0,20}[\"'`](?P<path>/[\w/-]{0,40})[\"'`]")
CALLS_SCRIPT = re.compile(r"\b(?:npm|pnpm|yarn|bun)(?: run)? {1,3}([\w:-]{1,40})")
LIBRARIES = {
    "express": 3000,
    "fastify": 3000,
    "koa": 3000,
    "@nestjs/core": 3000,
    "hono": 3000,
    "@hapi/hapi": 3000,
}


def panes(place: folder.Place) -> found.Found:
    if not place.has("package.json"):
        return
    package = reading.json_map(place, "package.json")
    if isinstance(package, Diagnostic):
        yield package
        return
    scripts = {
        key: text for key, text in reading.mapping(package.get("scripts")).items() if isinstance(text, str)
    }
    manager = _manager(place, package)
    whole = bool(package.get("workspaces")) or place.has("pnpm-workspace.yaml")
    made = list(_panes(place, package, scripts, manager, whole=whole))
    yield from made
    needs = {
        **reading.mapping(package.get("dependencies")),
        **reading.mapping(package.get("devDependencies")),
    }
    if made and needs and not _installed(place):
        where = f" in {place.dir}" if place.dir else ""
        yield found.note(
            f"the packages of {place.path('package.json')} are not installed", f"{manager} install{where}"
        )


def _panes(
    place: folder.Place, package: Mapping[str, Any], scripts: Mapping[str, str], manager: str, *, whole: bool
) -> Iterator[found.Pane]:
    server = next((name for name in SERVERS if name in scripts), None)
    text = _in_full(scripts, server) if server else ""
    if server is not None:
        yield _server(place, package, server, text, manager, whole=whole)
    for name in WATCHERS:
        if name in scripts and name not in text and name != server:
            yield _check(name, name.replace(":", "-"), manager, whole=whole)
            break
    if "storybook" in scripts:
        said = saying.port(scripts["storybook"])
        yield _check(
            "storybook",
            "storybook",
            manager,
            listening=found.Listening(
                port=said or 6006, path="/", host="localhost", said=said is not None, flag=_flag("-p {port}", manager), patience="5s"
            ),
        )  # fmt: skip
    for name in TESTS:
        if name in scripts and NO_TEST not in scripts[name]:
            yield _check(name, "tests", manager, whole=whole)
            break


def _check(
    script: str, name: str, manager: str, *, whole: bool = False, listening: found.Listening | None = None
) -> found.Pane:
    return found.Pane(
        name=name,
        command=f"{manager} run {script}",
        role=found.Role.CHECK,
        source="package.json",
        reason=f"the script {script}",
        tools=(manager,),
        whole=whole,
        listening=listening,
    )


def _server(
    place: folder.Place, package: Mapping[str, Any], script: str, text: str, manager: str, *, whole: bool
) -> found.Pane:
    framework = _framework(text)
    listening: found.Listening | None = None
    calls: tuple[int, ...] = ()
    kind = ""
    if framework is not None:
        configs = [place.text(name) for name in framework.config]
        listening = _framework_port(place, framework, text, configs, manager)
        calls = tuple(port for port in _proxied(package, configs) if port != listening.port)
        kind = f" ({framework.name})"
    elif not whole:
        listening = _own_port(place, package, text)
    return found.Pane(
        name=framework.name if framework else script,
        command=f"{manager} run {script}",
        role=found.Role.SERVER,
        source="package.json",
        reason=f"the script {script}{kind}",
        listening=listening,
        tools=(manager,),
        stores=framework.stores if framework else not whole,
        calls=calls,
        whole=whole,
    )


def _in_full(scripts: Mapping[str, str], name: str, deep: int = 3) -> str:
    """The script with the scripts it calls."""
    text = scripts[name][:4000]
    called = [each for each in CALLS_SCRIPT.findall(text) if each in scripts and each != name] if deep else []
    return " ".join([text, *(_in_full(scripts, each, deep - 1) for each in called[:5])])


def _framework(text: str) -> Framework | None:
    words = re.split(r"[\s;&|()\"'=]+", text)
    if "webpack" in words and "serve" in words:
        return FRAMEWORKS["webpack-dev-server"]
    return next((framework for word, framework in FRAMEWORKS.items() if word in words), None)


def _framework_port(
    place: folder.Place, framework: Framework, text: str, configs: list[str], manager: str
) -> found.Listening:
    said = saying.port(text) or next(
        (port for config in configs if (port := saying.first([CONFIG_PORT], config))), None
    )
    if said is None and framework.variable:
        said = reading.port(place.environ.get(framework.variable))
    page = framework.page and (framework.name != "vite" or place.has("index.html") or _is_kit(place))
    return found.Listening(
        port=said or framework.port,
        path="/" if page else None,
        host="localhost",
        said=said is not None,
        flag=_flag(framework.flag, manager),
        variable=framework.variable,
        patience=framework.patience if page else "",
    )


def _is_kit(place: folder.Place) -> bool:
    return place.first(("svelte.config.js", "svelte.config.ts")) is not None


def _own_port(place: folder.Place, package: Mapping[str, Any], script: str) -> found.Listening | None:
    """Of a server that the project writes itself."""
    texts = [text for _, text in place.sources(".js", ".ts", ".mjs", ".cjs", ".mts")]
    asks = any(ASKS_PORT in text for text in texts)
    said = saying.port(script) or (reading.port(place.environ.get("PORT")) if asks else None)
    written = next((port for text in texts if (port := saying.first(LISTENS, text))), None)
    needs = reading.mapping(package.get("dependencies"))
    usual = next((port for name, port in LIBRARIES.items() if name in needs), None) if asks else None
    port = said or written or usual
    if port is None:
        return None
    return found.Listening(
        port=port,
        path=saying.route(texts, ROUTES),
        host="localhost",
        said=said is not None or written is not None,
        variable="PORT" if asks else "",
        written=asks and port != written and "PORT=" not in script,
    )


def _proxied(package: Mapping[str, Any], configs: list[str]) -> tuple[int, ...]:
    proxy = package.get("proxy")
    texts = [proxy] if isinstance(proxy, str) else []
    texts += [text for text in configs if any(word in text for word in ("proxy", "rewrites", "target"))]
    return tuple(dict.fromkeys(port for text in texts for port in saying.local_ports(text)))


def _flag(flag: str, manager: str) -> str:
    return f"-- {flag}" if flag and manager == "npm" else flag


def _manager(place: folder.Place, package: Mapping[str, Any]) -> str:
    named = package.get("packageManager")
    name = named.partition("@")[0] if isinstance(named, str) else ""
    if name in LOCKS.values():
        return name
    lock = place.above(LOCKS)
    return LOCKS[lock.rpartition("/")[2]] if lock else "npm"


def _installed(place: folder.Place) -> bool:
    parts = place.dir.split("/") if place.dir else []
    return (
        any(place.folder.has_folder("/".join([*parts[:up], "node_modules"])) for up in range(len(parts) + 1))
        or place.above((".pnp.cjs",)) is not None
    )
