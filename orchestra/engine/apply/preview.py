"""What would happen: one look at the world and the plan for it. Loads nothing that only doing needs (asyncio, the process table),
because people look far more often than they do."""

from __future__ import annotations

import secrets as randomness
from collections.abc import Callable, Mapping
from dataclasses import field

from orchestra.engine import ports
from orchestra.model import plan, spec, status
from orchestra.model.frozen import frozen
from orchestra.plan import build, compare, record

LOOKS = 20
"""At most, until tmux says how an ended process of ours did; it answers within milliseconds, or was never told."""
DEFAULT_SIZE = (200, 50)
"""Columns and rows of a new session when nobody's terminal says otherwise."""


def settled(tmux: ports.Tmux) -> status.Server:
    """One reading in which every process of ours that has ended is told with how it did: that comes later than that it did."""
    for _ in range(LOOKS):
        seen = tmux.observe()
        if not any(place.pane.mark is not None and _untold(place.pane) for place in status.places(seen)):
            break
        tmux.reap()
    return seen


def _untold(pane: status.Pane) -> bool:
    return pane.dead and pane.exit_code is None and pane.signal is None


@frozen
class Preview:
    tmux: ports.Tmux
    secrets: ports.Secrets
    size: tuple[int, int] = DEFAULT_SIZE
    new_uid: Callable[[], str] = field(default=lambda: randomness.token_hex(6))

    def of(
        self, desired: spec.Workspace, options: compare.Options, *, run_commands: bool = False
    ) -> tuple[plan.Plan, status.Server, Mapping[spec.Secret, str]]:
        """Changes nothing and, unless `run_commands`, runs nothing that the manifest names: a secret from a command is then taken
        as unchanged."""
        references = {secret for pane in desired.panes for secret in pane.secrets}
        values = self.secrets.resolve(references, run_commands=run_commands) if references else {}
        return self.planned(desired, options, values)

    def planned(
        self, desired: spec.Workspace, options: compare.Options, values: Mapping[spec.Secret, str]
    ) -> tuple[plan.Plan, status.Server, Mapping[spec.Secret, str]]:
        """`values`: of secrets; those of one that is missing are taken as unchanged."""
        observed = settled(self.tmux)
        digests = {
            secret: record.digest(observed.key, secret.name, value)
            for secret, value in values.items()
            if observed.key
        }
        made = build.build(desired, observed, digests, options, new_uid=self.new_uid, size=self.size)
        return made, observed, values
