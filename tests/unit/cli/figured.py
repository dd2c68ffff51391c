"""Rows of figures as a daemon or a sample gives them."""

from __future__ import annotations

from orchestra.model import metrics


def row(
    address: str,
    cpu: float | None = 1.0,
    *,
    workspace: str = "shop",
    rss: int = 1024**2,
    condition: str = "running",
    restarts: int | None = None,
    uptime: float = 10.0,
    health: str | None = None,
) -> metrics.Row:
    session = address.partition("/")[0]
    runs = condition == "running"
    usage = metrics.Usage(
        interval=None if cpu is None else 2.0,
        cpu_percent=cpu,
        cpu_seconds=1.0,
        rss=rss,
        pss=None,
        io_read=0,
        io_write=2048,
        threads=2,
        processes=1,
        uptime=uptime,
    )
    pane = metrics.Pane(
        id=f"%{sum(address.encode())}",
        key=address,
        workspace=workspace,
        session=session,
        tmux_session=session,
        window=f"{session}/main",
        address=address,
        pid=100 if runs else 0,
        condition=condition,
        detail="" if runs else "exit 1",
    )
    return metrics.Row(pane=pane, usage=usage if runs else None, restarts=restarts, health=health)
