"""Compose files: a pane for each service that publishes a port."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from typing import Any

from orchestra.discover.project import folder, found, reading
from orchestra.model.diagnostic import Diagnostic

FILES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}\Z")
_WORDS = (
    "postgres postgis pgvector timescale mysql mariadb percona mongo redis valkey keydb dragonfly memcached rabbitmq nats kafka"
    " redpanda zookeeper elasticsearch opensearch clickhouse cassandra scylla cockroach minio neo4j influxdb etcd mssql"
    " localstack dynamodb qdrant meilisearch typesense weaviate milvus chroma couchdb arangodb activemq mosquitto"
)
DATABASES = _WORDS.split()
"""Words of images that hold data or messages for others."""
MOST = 40
VARIABLE = re.compile(r"\$\{?(?P<name>[A-Za-z_]\w{0,60})(?::?-(?P<default>[^}]{0,60}))?\}?")


def panes(place: folder.Place) -> found.Found:
    name = place.first(FILES)
    if name is None:
        return
    document = reading.yaml_map(place, name)
    if isinstance(document, Diagnostic):
        yield document
        return
    services = reading.mapping(document.get("services"))
    if not services and document.get("services"):
        yield found.warning(f"{place.path(name)} is left out: its services are no map")
    if len(services) > MOST:
        yield found.warning(
            f"{place.path(name)} has {len(services)} services; only the first {MOST} are looked at"
        )
        services = dict(list(services.items())[:MOST])
    published = {
        key: ports
        for key, service in services.items()
        if NAME.match(key) and (ports := _published(reading.mapping(service), place))
    }
    for key in services:
        if not NAME.match(key):
            yield found.warning(
                f"a service of {place.path(name)} is left out: its name is no name of a service"
            )
        elif key not in published:
            yield found.note(
                f"the service {key} of {place.path(name)} is left out: it publishes no port that is known before it starts"
            )
    for key, port in published.items():
        service = reading.mapping(services[key])
        built = _built(service, place)
        if built is not None and _is_code(built, place):
            yield found.note(
                f"the service {key} of {place.path(name)} is left out: what it is built from runs in panes of its own"
            )
            continue
        image = service.get("image")
        image = image if isinstance(image, str) else ""
        yield found.Pane(
            name=key,
            command=f"docker compose up {key}",
            role=found.Role.DATABASE if built is None and _is_database(image) else found.Role.SERVER,
            source=name,
            reason=f"the service {key}",
            listening=found.Listening(port=port, said=True),
            tools=("docker",),
            needs=tuple(each for each in _needs(service) if each in published),
            signal="SIGINT",
            patience="20s",
        )


def _is_database(image: str) -> bool:
    words = re.split(r"[^a-z0-9]+", image.lower().partition("@")[0])
    return any(word.startswith(database) for word in words for database in DATABASES)


def _needs(service: Mapping[str, Any]) -> list[str]:
    given = service.get("depends_on")
    return reading.texts(given) if isinstance(given, list) else list(reading.mapping(given))


def _built(service: Mapping[str, Any], place: folder.Place) -> str | None:
    """The directory it is built from, from the root."""
    build = service.get("build")
    context = (
        build if isinstance(build, str) else reading.mapping(build).get("context", "." if build else None)
    )
    if not isinstance(context, str):
        return None
    path = posixpath.normpath(posixpath.join(place.dir, context))
    return "" if path == "." else path


def _is_code(path: str, place: folder.Place) -> bool:
    """Whether a package lies there that other detectors look at."""
    return path in place.others


def _published(service: Mapping[str, Any], place: folder.Place) -> int | None:
    """The first port on this machine."""
    ports = service.get("ports")
    for each in ports if isinstance(ports, list) else []:
        if isinstance(each, dict):
            if each.get("protocol", "tcp") == "tcp" and (
                port := _port(str(each.get("published", "")), place)
            ):
                return port
        elif isinstance(each, str) and not each.endswith("/udp"):
            # [address:]published:target[/tcp]; a value may hold a colon of its own, in `${NAME:-1}`
            parts = _filled(each, place).removesuffix("/tcp").split(":")
            if len(parts) > 1 and (port := reading.port(parts[-2])):
                return port
        elif isinstance(each, int) and not isinstance(each, bool) and each >= 60:
            # Unquoted `22:22` is a number in base 60 for YAML 1.1; whatever it was, it is no port we can name.
            continue
    return None


def _port(text: str, place: folder.Place) -> int | None:
    return reading.port(_filled(text, place))


def _filled(text: str, place: folder.Place) -> str:
    return VARIABLE.sub(lambda each: place.environ.get(each["name"], each["default"] or ""), text)
