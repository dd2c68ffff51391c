"""Notices for people: on the desktop, and by the services whose addresses Apprise knows."""

from __future__ import annotations

import html
import importlib
import shutil
from collections.abc import Mapping, Sequence
from datetime import timedelta

from orchestra.host import command
from orchestra.model import errors


def has_desktop(environ: Mapping[str, str]) -> bool:
    """Whether one can be told: its program and its bus are there."""
    there = (
        environ.get("DBUS_SESSION_BUS_ADDRESS") or environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY")
    )
    return bool(there) and shutil.which("notify-send", path=environ.get("PATH")) is not None


async def on_desktop(title: str, text: str, timeout: timedelta, environ: Mapping[str, str]) -> None:
    """`ActionFailed`."""
    # A notice's text, other than its title, is read as markup: links, and pictures that are fetched.
    words = (
        "notify-send",
        "--app-name=orchestra",
        "--",
        title,
        *([html.escape(text, quote=False)] if text else ()),
    )
    done = (await command.ran(words, timeout, dir="/", env=environ)).attempt
    if not done.healthy:
        raise errors.ActionFailed(f"notify-send: {done.reason}")


def by_services(addresses: Sequence[str], title: str, text: str) -> None:
    """Blocks. `ActionFailed`, without an address: those are secrets."""
    try:
        apprise = importlib.import_module("apprise")  # an extra, and 100 ms
    except ImportError:
        raise errors.ActionFailed(
            "a notice to a service needs Apprise", hint="pip install 'orchestra-tmux[notify]'"
        ) from None
    sender = apprise.Apprise()
    if not all(sender.add(each) for each in addresses):
        raise errors.ActionFailed("Apprise does not know such an address")
    # Said to be plain, it is escaped for services that read markup.
    if not sender.notify(title=title, body=text or title, body_format="text"):
        raise errors.ActionFailed("the service did not take the notice")
