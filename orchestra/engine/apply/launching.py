"""How a pane's process is exec'd, from its spec."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from orchestra.engine import ports
from orchestra.model import action, spec, status


def launch(
    pane: spec.Pane, mark: status.Mark, values: Mapping[spec.Secret, str], machine: ports.Machine
) -> action.Launch:
    """A command runs under the wrapper, exactly as written; a shell runs by itself, as a login shell, as tmux does it."""
    told: Mapping[str, str] = {}
    shell = pane.shell or machine.login_shell()
    if isinstance(pane.command, tuple):
        argv = machine.wrap(pane.command)
    elif pane.command is not None:
        argv = machine.wrap((shell, "-c", pane.command))
    else:
        argv = (shell, "-l")
        if pane.shell_integration:
            argv, told = machine.integrate(argv, token(mark.uid), pane.history_file or "")
    if pane.scrollback_file is not None:
        argv = ("sh", "-c", _SHOW, pane.scrollback_file, *argv)
    hidden = {secret.name: values[secret] for secret in pane.secrets}
    if hidden:
        argv = machine.hand_over(hidden, argv)
    if pane.limits is not None:
        argv = machine.contain(argv, mark.uid, pane.limits)
    env = {**environment(pane, mark), **told}
    if "PATH" in env:
        # tmux gives a new pane the PATH of the client that made it, whatever -e says.
        argv = ("env", f"PATH={env.pop('PATH')}", *argv)
    return action.Launch(argv=argv, env=env, dir=pane.dir)


_SHOW = (
    'gzip -dcf -- "$0" 2>/dev/null | perl -pe '
    r"'s/\x01//g; s/\e(\[[0-9;:]*m)/\x01$1/g; s/[\x00\x02-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]//g; s/\x01/\e/g'"
    ' 2>/dev/null; exec "$@"'
)
"""Text and its colours, and nothing else that a terminal would obey. A file that is gone, or broken, keeps nothing from starting."""


def token(uid: str) -> str:
    """What a pane's shell signs its marks with. It keeps lookalikes out, not an enemy: who runs in the pane may ask tmux for anything."""
    return hashlib.sha256(f"orchestra shell {uid}".encode()).hexdigest()[:16]


def placeholder(address: str, mark: status.Mark, notice: str, machine: ports.Machine) -> action.Launch:
    """Says on the pane's screen what it waits for, and ends; the pane holds its place."""
    argv = machine.wrap(("printf", "\n%s\n", f"{address} {notice}")) if notice else ("sh", "-c", ":")
    return action.Launch(argv=argv, env={"ORCHESTRA_PANE": mark.uid}, dir="/")


def environment(pane: spec.Pane, mark: status.Mark) -> dict[str, str]:
    """What its processes see beside the server's environment. ORCHESTRA_PANE tells whose a process is, however it was forked."""
    return {
        **pane.env,
        "ORCHESTRA_PANE": mark.uid,
        "ORCHESTRA_WORKSPACE": mark.workspace,
        "ORCHESTRA_ADDRESS": mark.address,
    }
