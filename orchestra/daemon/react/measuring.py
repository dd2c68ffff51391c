"""Measuring panes: the daemon's part, and once without a daemon."""

from __future__ import annotations

import os

from orchestra.daemon import assemble
from orchestra.daemon.react import parts
from orchestra.engine.react import metrics as engine
from orchestra.host import paths, sampling
from orchestra.model import errors, metrics
from orchestra.plan import measured
from orchestra.store import samples


def part(reach: parts.Reach) -> engine.Metrics:
    kept, trouble = None, ""
    if paths.config_file().exists():
        from orchestra.manifest import load  # 10 MB, for who has settings

        try:
            keep = load.metrics_kept(paths.config_file())
            kept = samples.Samples(reach.found.samples, keep) if keep is not None else None
        except errors.ManifestError as error:
            trouble = f"nothing is kept: {error}"
    return engine.Metrics(sampling.Sampler(), reach.clock, kept, trouble)


class Measuring:
    """By ourselves, where no daemon does: each sample is over the time since the one before."""

    def __init__(self, assembly: assemble.Assembly) -> None:
        self._assembly = assembly
        self._sampler = sampling.Sampler()

    def rows(self, *, pss: bool = False) -> tuple[metrics.Row, ...]:
        """All panes of the server. The first time nothing is known of rates."""
        server = self._assembly.tmux.observe()
        panes = measured.panes(server)
        usages = self._sampler.sample({pane.key: pane.pid for pane in panes if pane.pid}, server.pid, pss=pss)
        return tuple(metrics.Row(pane=pane, usage=usages.get(pane.key)) for pane in panes)


def memory() -> int:
    """Of the machine, in bytes."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
