"""Gemfile: Rails, Rack, Sidekiq and the tests."""

from __future__ import annotations

import re
from collections.abc import Iterator

from orchestra.discover.project import folder, found, reading, saying

MARKERS = ("Gemfile",)
GEM = re.compile(r"^[ \t]{0,20}gem[ (]{1,3}[\"']([\w-]{1,80})[\"']", re.MULTILINE)
PUMA = (
    re.compile(
        r"^[ \t]{0,9}port[ (]{1,3}[^\n#]{0,60}?(?<![\w.])[\"']?(?P<port>[1-9][0-9]{1,4})(?![0-9])",
        re.MULTILINE,
    ),
)
TOOLS = ("ruby", "bundle")


def panes(place: folder.Place) -> found.Found:
    if not place.has("Gemfile"):
        return
    gems = set(GEM.findall(place.text("Gemfile")))
    yield from _web(place, gems)
    if "sidekiq" in gems:
        yield found.Pane(
            name="sidekiq",
            command="bundle exec sidekiq",
            role=found.Role.WORKER,
            source="Gemfile",
            reason="the gem sidekiq",
            tools=TOOLS,
            stores=True,
            patience="30s",
        )
    if not {"rspec", "rspec-rails"}.isdisjoint(gems):
        yield _tests("bundle exec rspec", "Gemfile", "the gem rspec")
    elif "rails" in gems and place.folder.has_folder(place.path("test")):
        yield _tests(
            "bin/rails test" if place.has("bin/rails") else "bundle exec rails test", "test", "Rails"
        )


def _tests(command: str, source: str, reason: str) -> found.Pane:
    return found.Pane(
        name="tests",
        command=command,
        role=found.Role.CHECK,
        source=source,
        reason=reason,
        tools=TOOLS,
        stores=True,
    )


def _web(place: folder.Place, gems: set[str]) -> Iterator[found.Pane]:
    if "rails" not in gems and not place.has("config.ru"):
        return
    rails = "rails" in gems
    said = reading.port(place.environ.get("PORT")) or saying.first(PUMA, place.text("config/puma.rb"))
    dev = rails and place.has("bin/dev")
    up = rails and "rails/health#show" in place.text("config/routes.rb")
    program = "bin/rails" if place.has("bin/rails") else "bundle exec rails"
    rack = "bundle exec puma" if "puma" in gems else "bundle exec rackup"
    command = "bin/dev" if dev else f"{program} server" if rails else rack
    yield found.Pane(
        name="server",
        command=command,
        role=found.Role.SERVER,
        source="bin/dev" if dev else "Gemfile" if rails else "config.ru",
        reason="Rails" if rails else "Rack",
        listening=found.Listening(
            port=said or (3000 if rails else 9292),
            path="/up" if up else None,
            host="localhost",
            said=said is not None,
            flag="" if dev else "-p {port}",
            variable="PORT" if dev else "",
        ),
        tools=TOOLS,
        stores=True,
        signal="SIGINT",
    )
