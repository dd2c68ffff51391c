"""What a trigger's apply asks for."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from orchestra.daemon import acting
from orchestra.store import texts


@pytest.mark.parametrize(("kind", "absent"), [("gc.collected", ["s/p"]), ("schedule.due", [])])
def test_only_a_schedule_makes_again_what_was_collected(tmp_path: Path, kind: str, absent: list[str]) -> None:
    file = tmp_path / "w.yaml"
    file.write_text("version: 1\n")
    texts.keep(
        tmp_path,
        "w",
        texts.Text(text="", file=str(file), folder=str(tmp_path), environment="e", variables={}),
    )
    self = SimpleNamespace(
        _assembly=SimpleNamespace(expected=lambda: SimpleNamespace(texts=tmp_path)),
        _collecting=SimpleNamespace(absent=lambda workspace: frozenset({"s/p"} if workspace == "w" else ())),
    )
    run = SimpleNamespace(workspace="w", event={"type": kind})
    asked = acting.Acting._request(cast(Any, self), cast(Any, run), True)
    assert asked == {"manifest": str(file), "env": "e", "variables": {}, "yes": True, "absent": absent}
