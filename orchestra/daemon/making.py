"""Sessions and panes made by hand: a shell each, of the kind tmux itself would start, that tells of its commands."""

from __future__ import annotations

import secrets

from orchestra.daemon import assemble
from orchestra.engine.apply import launching
from orchestra.model import action, errors, status
from orchestra.plan import addressing
from orchestra.tmux import hands


def session(assembly: assemble.Assembly, name: str, dir: str, label: str) -> str:
    """tmux's id of its pane."""
    server = assembly.tmux.observe()
    return assembly.keyboard.make_session(
        name, assembly.size, _made(assembly, server, dir, label), running=bool(server.sessions)
    )


def pane(assembly: assemble.Assembly, session: str, dir: str, label: str, layout: str) -> str:
    server = assembly.tmux.observe()
    found = addressing.session(server, session)
    if label and any(label in _names(place) for place in addressing.panes(found)):
        raise errors.Conflict(
            f"there is a pane {label} in {session} already",
            hint="choose another name; orchestra pane list shows them",
        )
    window = next((each for each in found.windows if each.active), found.windows[0])
    return assembly.keyboard.make_pane(window, _made(assembly, server, dir, label), layout)


def _names(place: status.Place) -> tuple[str, ...]:
    mark = place.pane.mark
    return (place.pane.name, *((mark.address.rpartition("/")[2],) if mark is not None else ()))


def _made(assembly: assemble.Assembly, server: status.Server, dir: str, label: str) -> hands.Made:
    machine = assembly.world.machine
    if not machine.is_directory(dir):
        raise errors.UsageError(f"nothing can start in {dir}: it is no directory, or not open to you")
    shell, own = assembly.keyboard.defaults() if server.running else ("", "")
    if own:  # a person wants something else in every pane
        return hands.Made(None, dir, uid="", name=label)
    uid = secrets.token_hex(6)
    argv, told = machine.integrate((shell or machine.login_shell(), "-l"), launching.token(uid), "")
    env = {"ORCHESTRA_PANE": uid, **told} if told else {}
    return hands.Made(action.Launch(argv=argv, env=env, dir=dir), dir, uid=uid if told else "", name=label)
