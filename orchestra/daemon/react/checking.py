"""What measuring panes' health needs of this machine: `engine/react/probing.py` put together."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator

from orchestra.daemon import assemble, logs
from orchestra.daemon.react import parts, steering
from orchestra.engine import patterns
from orchestra.engine.react import probing, trying
from orchestra.host import age, recordings
from orchestra.model import errors

WHOLE = 30.0
"""Seconds of a processor for all that a pane has printed: 8 MiB of the shortest lines take a fifth of that."""


def part(reach: parts.Reach, why: Callable[[str, int], str]) -> probing.Probing:
    # Eyes of its own: who applies meanwhile rests on what it has seen itself.
    own = assemble.assemble(None, reach.assembly.host.path, reach.assembly.environ)
    return probing.Probing(
        clock=reach.clock,
        trier=trying.Trier(
            clock=reach.clock,
            prober=own.world.prober,
            processes=own.world.processes,
            secrets=own.world.secrets,
            token="probe" + hashlib.blake2s(str(reach.found.run).encode(), digest_size=8).hexdigest(),
        ),
        output=Output(own, reach.recordings),
        bus=reach.bus,
        publish=lambda happened, state: reach.publish(happened, probing.STATE, state),
        stop=steering.Ending(reach.assembly),
        is_busy=reach.is_busy,
        again=reach.look_soon,
        why=why,
    )


class Output:
    """`probing.Output`."""

    def __init__(self, assembly: assemble.Assembly, recordings: recordings.Recordings) -> None:
        self._assembly = assembly
        self._recordings = recordings

    def searched(self, pane: str, pid: int, pattern: str) -> probing.Searched:
        folder = self._recordings.folder(pane)
        life = recordings.life(folder, pid)
        log = logs.Log(folder, life)
        whole, found = True, None

        def lines() -> Iterator[str]:
            nonlocal whole
            if life is None:  # its recording may have begun after it: what tmux still shows
                try:
                    yield from self._assembly.tmux.capture(pane).split("\n")
                except errors.OrchestraError:
                    whole = False
            for batch in log.batches():
                whole = whole and batch.lost == 0
                yield from batch.lines
            yield log.unfinished()

        try:
            with contextlib.suppress(patterns.TooSlow):
                found = patterns.search(pattern, lines(), whole=WHOLE)
        finally:
            log.close()
        return probing.Searched(line=found, whole=whole)

    def age(self, pid: int) -> float | None:
        found = age.ages([pid]).get(pid)
        return found.total_seconds() if found is not None else None
