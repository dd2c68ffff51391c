"""mix.exs: Phoenix, and the tests."""

from __future__ import annotations

import re

from orchestra.discover.project import folder, found, saying

MARKERS = ("mix.exs",)
PORT = (
    re.compile(
        r"\bport: ?(?:String\.to_integer\(System\.get_env\(\"PORT\"(?:, ?|\) ?\|\| ?)\"?)?(?P<port>[1-9][0-9]{1,4})(?![0-9])"
    ),
)


def panes(place: folder.Place) -> found.Found:
    mix = place.text("mix.exs")
    if not mix:
        return
    if "{:phoenix," in mix:
        settings = place.text("config/runtime.exs") + place.text("config/dev.exs")
        said = saying.first(PORT, place.text("config/dev.exs"))
        yield found.Pane(
            name="server",
            command="mix phx.server",
            role=found.Role.SERVER,
            source="mix.exs",
            reason="Phoenix",
            listening=found.Listening(
                port=said or 4000,
                said=said is not None,
                variable="PORT" if 'get_env("PORT"' in settings else "",
            ),
            tools=("mix",),
            stores=True,
        )
    if place.folder.has_folder(place.path("test")):
        yield found.Pane(
            name="tests",
            command="mix test",
            role=found.Role.CHECK,
            source="mix.exs",
            reason="there are tests",
            tools=("mix",),
            stores="{:ecto_sql," in mix,
        )
