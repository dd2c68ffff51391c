"""composer.json: Laravel with its queue, Symfony, or a public directory; and the tests."""

from __future__ import annotations

import re

from orchestra.discover.project import folder, found, reading, saying
from orchestra.model.diagnostic import Diagnostic

MARKERS = ("composer.json",)
UP = re.compile(r"\bhealth: ?[\"'](?P<path>/[\w/-]{0,40})[\"']")


def panes(place: folder.Place) -> found.Found:
    if not place.has("composer.json"):
        return
    composer = reading.json_map(place, "composer.json")
    if isinstance(composer, Diagnostic):
        yield composer
        return
    needs = {**reading.mapping(composer.get("require")), **reading.mapping(composer.get("require-dev"))}
    laravel = "laravel/framework" in needs and place.has("artisan")
    if laravel:
        yield _server(
            "php artisan serve",
            "Laravel",
            "artisan",
            path=saying.route([place.text("bootstrap/app.php")], UP),
            flag="--port={port}",
            port=reading.port(place.environ.get("SERVER_PORT")),
        )
        yield found.Pane(
            name="queue",
            command="php artisan queue:work",
            role=found.Role.WORKER,
            source="artisan",
            reason="Laravel",
            tools=("php",),
            stores=True,
            patience="30s",
        )
    elif place.has("public/index.php"):
        yield _server(
            "php -t public",
            "a public directory",
            "public/index.php",
            path=None,
            flag="-S 127.0.0.1:{port}",
            written=True,
        )
    if laravel or "phpunit/phpunit" in needs or "pestphp/pest" in needs:
        tool = "pest" if "pestphp/pest" in needs else "phpunit"
        yield found.Pane(
            name="tests",
            command="php artisan test" if laravel else f"php vendor/bin/{tool}",
            role=found.Role.CHECK,
            source="composer.json",
            reason="Laravel" if laravel else tool,
            tools=("php",),
        )
    if needs and not place.folder.has_folder(place.path("vendor")):
        yield found.note(
            f"the packages of {place.path('composer.json')} are not installed", "composer install"
        )


def _server(
    command: str,
    reason: str,
    source: str,
    *,
    path: str | None,
    flag: str,
    port: int | None = None,
    written: bool = False,
) -> found.Pane:
    return found.Pane(
        name="server",
        command=command,
        role=found.Role.SERVER,
        source=source,
        reason=reason,
        listening=found.Listening(
            port=port or 8000,
            path=path,
            said=port is not None,
            flag=flag,
            written=written or port is not None,
        ),
        tools=("php",),
        stores=True,
        signal="SIGINT",
    )
