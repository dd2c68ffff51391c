"""pom.xml and build.gradle: Spring Boot and Quarkus applications, by the wrapper that lies there."""

from __future__ import annotations

import re

from orchestra.discover.project import folder, found, reading, saying

MAVEN = ("pom.xml",)
GRADLE = ("build.gradle.kts", "build.gradle")
MARKERS = (*MAVEN, *GRADLE)
SETTINGS = tuple(
    f"src/main/resources/application{suffix}"
    for suffix in (".properties", ".yml", ".yaml", "-dev.properties", "-dev.yml")
)
PORTS = (
    re.compile(r"^(?:server|quarkus\.http)\.port ?[=:] ?(?P<port>[1-9][0-9]{1,4})$", re.MULTILINE),
    re.compile(r"^(?:server|quarkus\.http)\.port ?[=:] ?\$\{[\w.]{1,60}:(?P<port>[1-9][0-9]{1,4})\}$", re.MULTILINE),
    re.compile(r"^server:\n(?: {1,8}\w[^\n]{0,200}\n){0,20}? {1,8}port: ?(?:\$\{[\w.]{1,60}:)?(?P<port>[1-9][0-9]{1,4})", re.MULTILINE),
)  # fmt: skip
SPRING = ("spring-boot-maven-plugin", "org.springframework.boot")
QUARKUS = ("quarkus-maven-plugin", "io.quarkus")
ACTUATOR = "spring-boot-starter-actuator"


def panes(place: folder.Place) -> found.Found:
    build = place.first(MARKERS)
    if build is None:
        return
    text = place.text(build)
    maven = build in MAVEN
    command, tools = _tool(place, maven=maven)
    spring, quarkus = any(mark in text for mark in SPRING), any(mark in text for mark in QUARKUS)
    applies = "<modules>" not in text and bool(place.files(".java", ".kt", ".groovy", ".scala"))
    if applies and (spring or quarkus):
        goal = _goal(maven=maven, spring=spring)
        said = next((port for name in SETTINGS if (port := saying.first(PORTS, place.text(name)))), None)
        variable = "SERVER_PORT" if spring else "QUARKUS_HTTP_PORT"
        told = reading.port(place.environ.get(variable))
        yield found.Pane(
            name="server",
            command=f"{command} {goal}",
            role=found.Role.SERVER,
            source=build,
            reason="Spring Boot" if spring else "Quarkus",
            listening=found.Listening(
                port=told or said or 8080,
                path="/actuator/health" if ACTUATOR in text else None,
                said=bool(told or said),
                variable=variable,
                written=told is not None,
                patience="3s" if ACTUATOR in text else "",
            ),
            tools=tools,
            stores=True,
            patience="30s",
        )
    if any(path.startswith("src/test/") for path in place.files(".java", ".kt", ".groovy", ".scala")):
        yield found.Pane(
            name="tests",
            command=f"{command} test",
            role=found.Role.CHECK,
            source=build,
            reason="there are tests",
            tools=tools,
        )


def _goal(*, maven: bool, spring: bool) -> str:
    if spring:
        return "spring-boot:run" if maven else "bootRun"
    return "quarkus:dev" if maven else "quarkusDev"


def _tool(place: folder.Place, *, maven: bool) -> tuple[str, tuple[str, ...]]:
    wrapper = place.above(("mvnw" if maven else "gradlew",))
    if wrapper is None:
        tool = "mvn" if maven else "gradle"
        return tool, (tool,)
    up = wrapper.count("../")
    parts = place.dir.split("/") if place.dir else []
    path = "/".join([*parts[: len(parts) - up], wrapper.removeprefix("../" * up)])
    program = wrapper if up else f"./{wrapper}"
    return (program if place.folder.is_executable(path) else f"sh {program}"), ("java",)
