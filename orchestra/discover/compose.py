"""Compose files of docker and podman: services that say what they run become panes that run it here, without a container."""

from __future__ import annotations

import posixpath
import shlex

from orchestra.discover import (
    interpolation,
    naming,
    notes,
    probes,
    resources,
    restarting,
    services,
    settings,
    taking,
    watching,
)
from orchestra.discover.context import Context, Draft
from orchestra.discover.notes import CARRIED, CONTAINER, Known, quoted
from orchestra.discover.tree import List, Map, Node, Scalar, child
from orchestra.model.diagnostic import Location

TOP: Known = {
    "services": CARRIED, "name": CARRIED, "version": CARRIED, "volumes": CONTAINER, "networks": CONTAINER,
    "configs": CONTAINER, "secrets": "secrets are named where they are read from: `secrets: {NAME: {from_file: …}}`",
    "include": "other files are imported one by one: orchestra import FILE", "models": CONTAINER,
}  # fmt: skip
SERVICE: Known = {
    "command": CARRIED, "entrypoint": CARRIED, "environment": CARRIED, "env_file": CARRIED, "working_dir": CARRIED,
    "depends_on": CARRIED, "healthcheck": CARRIED, "profiles": CARRIED, "scale": CARRIED, "deploy": CARRIED,
    "stop_signal": CARRIED, "stop_grace_period": CARRIED, "image": CARRIED, "build": CARRIED, "volumes": CARRIED,
    "tty": CARRIED, "stdin_open": CARRIED,
    "restart": CARRIED, "develop": CARRIED, "mem_limit": CARRIED, "cpus": CARRIED, "pids_limit": CARRIED,
    "logging": notes.LOGS, "extends": "write the service out",
    "secrets": TOP["secrets"], "provider": CONTAINER, "post_start": notes.HOOK, "pre_stop": notes.HOOK,
    **dict.fromkeys(("mem_reservation", "mem_swappiness", "memswap_limit", "cpu_count", "cpu_percent",
        "cpu_period", "cpu_quota", "cpu_rt_period", "cpu_rt_runtime", "cpu_shares", "cpuset",
        "oom_kill_disable", "oom_score_adj"), resources.OTHERS), "ulimits": "the shell's own hold: `ulimit -n 1024 && …`",
    **dict.fromkeys(("annotations", "attach", "blkio_config", "cap_add", "cap_drop", "cgroup", "cgroup_parent", "configs",
        "container_name", "credential_spec", "device_cgroup_rules", "devices", "dns", "dns_opt", "dns_search", "domainname",
        "expose", "external_links", "extra_hosts", "gpus", "group_add", "hostname", "init", "ipc", "isolation", "labels",
        "label_file", "links", "mac_address", "models", "network_mode", "networks", "pid", "platform", "ports", "privileged",
        "pull_policy", "read_only", "runtime", "security_opt", "shm_size", "storage_opt", "sysctls", "tmpfs", "user",
        "userns_mode", "use_api_socket", "uts", "volumes_from"), CONTAINER),
}  # fmt: skip
DEPLOY: Known = {"replicas": CARRIED, "mode": CONTAINER, "restart_policy": CARRIED, "resources": CARRIED,
    **dict.fromkeys(("endpoint_mode", "labels", "placement", "rollback_config", "update_config"), CONTAINER)}  # fmt: skip
NEED: Known = {"condition": CARRIED, "required": CARRIED, "restart": CARRIED}
CONDITIONS = {
    "service_started": "started",
    "service_healthy": "healthy",
    "service_completed_successfully": "completed_successfully",
}


def manifest(root: Map, context: Context) -> Draft:
    context.notes.keys(_without_extensions(root), TOP, "a compose file")
    listed = taking.table(root, "services", context.notes)
    found: list[services.Service] = []
    for name, entry in listed.entries.items() if listed else ():
        if not isinstance(entry.node, Map):
            context.notes.left_out(name, entry.at, "a map was expected here")
        elif (made := _service(name, entry.node, context)) is not None:
            found.append(made)
    if found:
        context.notes.warn(
            None,
            "what the services run, they run on this machine now: programs, paths and host names of their images are not there",
        )
    session, _ = services.session(found, context)
    wanted = taking.text(root, "name", context.notes) or context.source.folder.name
    name = naming.clean(wanted) or "compose"
    return Draft(workspace=name, sessions={name: session})


def _without_extensions(node: Map) -> Map:
    return Map(node.at, {key: entry for key, entry in node.entries.items() if not key.startswith("x-")})


def _put_in(node: Scalar, context: Context) -> str:
    return interpolation.expanded(node.text, node.at, context.variables, context.notes)


def _service(name: str, node: Map, context: Context) -> services.Service | None:
    words = [*_words(child(node, "entrypoint"), context), *_words(child(node, "command"), context)]
    if not words or not context.variables.rendered(words[0]):
        said = child(node, "entrypoint") or child(node, "command")
        context.notes.left_out(
            name,
            node.at,
            "what it runs is empty" if said else "it says only which image it is, not what it runs",
            hint=f"a pane may run it: docker compose -f {shlex.quote(context.source.name or 'compose.yaml')} up {shlex.quote(name)}",
        )
        return None
    context.notes.keys(_without_extensions(node), SERVICE, "a compose service")
    pane: dict[str, object] = {"command": words}
    if folder := _folder(node, context):
        pane["dir"] = folder
    if env := settings.env(child(node, "environment"), context, expands=True):
        pane["env"] = env
    if files := settings.env_files(_files(node, context), context):
        pane["env_file"] = files
    if health := probes.healthcheck(child(node, "healthcheck"), context):
        pane["health"] = health
    if stop := _stop(node, context):
        pane["stop"] = stop
    if restart := restarting.compose(node, context):
        pane["restart"] = restart
    if limits := resources.limits(node, context):
        pane["limits"] = limits
    if watch := watching.compose(node, folder or ".", context):
        pane["watch"] = watch
    service = services.Service(
        name=name, at=node.at, pane=pane, needs=_needs(node, context), count=_count(node, context)
    )
    _switch(service, node, context)
    return service


def _words(node: Node | None, context: Context) -> list[str]:
    """A text is split into words as a shell would, but no shell runs it."""
    said = taking.every(node, "command", context.notes)
    if not isinstance(node, Scalar):
        return [_put_in(each, context) for each in said]
    try:
        return shlex.split(_put_in(node, context))
    except ValueError as failed:
        context.notes.left_out("command", node.at, f"it cannot be split into words: {failed}")
        return []


def _folder(node: Map, context: Context) -> str | None:
    """Where the directory of the image lies here: what is mounted there; else where the image is built from."""
    said = child(node, "working_dir")
    mounts = _mounts(node, context)
    built = child(node, "build")
    where = built if isinstance(built, Scalar) else child(built, "context")
    inside = posixpath.normpath(_put_in(said, context)) if isinstance(said, Scalar) else None
    if inside is not None and not inside.startswith("/"):
        return settings.directory(inside, node.at, context, expands=False)
    for target, host in mounts.items():
        if inside is not None and (inside == target or inside.startswith(f"{target.rstrip('/')}/")):
            return settings.directory(
                posixpath.normpath(posixpath.join(host, posixpath.relpath(inside, target))),
                node.at,
                context,
                expands=False,
            )
    if inside is not None and said is not None:
        context.notes.left_out(
            "working_dir",
            said.at,
            f"{quoted(inside)} is a directory of the image, and nothing of this machine is mounted there",
        )
    if isinstance(where, Scalar) and "://" not in where.text and not where.text.startswith("git@"):
        folder = settings.directory(_put_in(where, context), where.at, context, expands=False)
        return None if folder in (".", "./") else folder
    return None


def _mounts(node: Map, context: Context) -> dict[str, str]:
    """Directories of this machine by where they are in the container; the longest first."""
    found: dict[str, str] = {}
    for item in taking.items(child(node, "volumes")):
        if isinstance(item, Scalar):
            host, _, rest = _put_in(item, context).partition(":")
            target = rest.partition(":")[0]
        else:
            host = taking.text(item, "source", context.notes) or ""
            target = taking.text(item, "target", context.notes) or ""
        if target.startswith("/") and (host.startswith((".", "/", "~"))):
            found[posixpath.normpath(target)] = host
        else:
            context.notes.left_out("volumes", item.at, CONTAINER)
    return dict(sorted(found.items(), key=lambda each: -len(each[0])))


def _files(node: Map, context: Context) -> list[tuple[str, Location]]:
    found = []
    for item in taking.items(child(node, "env_file")):
        if isinstance(item, Scalar):
            found.append((_put_in(item, context), item.at))
        elif isinstance(item, Map) and (path := taking.text(item, "path", context.notes)):
            context.notes.keys(
                item,
                {"path": CARRIED, "required": CARRIED, "format": "there is one syntax of such files"},
                "env_file",
            )
            found.append((path, item.at))
    return found


def _stop(node: Map, context: Context) -> dict[str, object]:
    made: dict[str, object] = {}
    if (said := taking.text(node, "stop_signal", context.notes)) and (
        name := settings.signal_name(said, node.entries["stop_signal"].at, "stop_signal", context)
    ):
        made["signal"] = name
    if (said := taking.text(node, "stop_grace_period", context.notes)) and (
        timeout := settings.duration(said, node.entries["stop_grace_period"].at, "stop_grace_period", context)
    ):
        made["timeout"] = timeout
    return made


def _needs(node: Map, context: Context) -> dict[str, services.Need]:
    said = child(node, "depends_on")
    found: dict[str, services.Need] = {}
    if isinstance(said, List):
        for item in taking.every(said, "depends_on", context.notes):
            found[item.text] = services.Need(condition="started", at=item.at)
    elif isinstance(said, Map):
        for name, entry in said.entries.items():
            if isinstance(entry.node, Map):
                context.notes.keys(entry.node, NEED, "depends_on")
            wanted = taking.text(entry.node, "condition", context.notes) or "service_started"
            if wanted not in CONDITIONS:
                context.notes.warn(
                    entry.at, f"the condition {quoted(wanted)} is not known: `started` is taken"
                )
            found[name] = services.Need(
                condition=CONDITIONS.get(wanted, "started"),
                at=entry.at,
                required=taking.flag(entry.node, "required", context.notes) is not False,
                cascades=taking.flag(entry.node, "restart", context.notes) is True,
            )
    return found


def _count(node: Map, context: Context) -> int | None:
    deploy = taking.table(node, "deploy", context.notes)
    if deploy is not None:
        context.notes.keys(deploy, DEPLOY, "deploy")
    count = taking.whole(node, "scale", context.notes, most=10_000)
    if count is None:
        count = taking.whole(deploy, "replicas", context.notes, most=10_000)
    return None if count == 1 else count


def _switch(service: services.Service, node: Map, context: Context) -> None:
    profiles = taking.texts(node, "profiles", context.notes)
    service.switches = tuple(
        context.variables.switch(
            f"profile_{each.text}", False, f"whether the profile {each.text} is used", each.at
        )
        for each in profiles
    )
    if profiles:
        context.notes.warn(
            profiles[0].at,
            f"{quoted(service.name)} is started only with one of its profiles, and its pane is called {quoted(f'{service.name}-0')} then",
            hint=f"--var {service.switches[0]}=true starts it",
        )
