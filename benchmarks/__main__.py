"""`python -m benchmarks`: prints how long things take; with --write makes docs/explanation/speed.md and its chart anew."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks import chart, peers, report, scenarios
from benchmarks.stage import Stage

PAGE = peers.ROOT / "docs" / "explanation" / "speed.md"
CHART = PAGE.with_suffix(".svg")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few things, in less than a minute")
    parser.add_argument("--rounds", type=int, metavar="N", help="how often each is measured (default: 7)")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name} and {CHART.name} in docs/")
    options = parser.parse_args()
    if options.quick and options.write:
        parser.error("--quick does not measure all that --write tells")
    # A short path: a socket's has at most 107 bytes.
    with tempfile.TemporaryDirectory(prefix="ob") as folder:
        stage = Stage(Path(folder))
        try:
            measure = _quick if options.quick else _all
            found = measure(stage, options.rounds or (2 if options.quick else 7), say)
        finally:
            stage.clear()
    text = report.page(found, CHART.name)
    if options.write:
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        PAGE.write_text(text, encoding="utf-8")
        CHART.write_text(chart.draw(found), encoding="utf-8")
    else:
        print(text)


def say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def _all(stage: Stage, turns: int, say: scenarios.Say) -> scenarios.Findings:
    notes: list[str] = []

    def tell(text: str) -> None:
        say(text)
        notes.append(text)

    others = peers.find(tell, venv=True)
    return scenarios.Findings(
        rounds=turns,
        peers=others,
        notes=notes,
        start=scenarios.start(stage, others, turns, say),
        created={shape: scenarios.create(stage, others, shape, turns, say) for shape in scenarios.CREATED},
        later=scenarios.later(stage, turns, say),
        growing={
            shape: scenarios.growing(stage, others[0], shape, turns, say) for shape in scenarios.GROWING
        },
    )


def _quick(stage: Stage, turns: int, say: scenarios.Say) -> scenarios.Findings:
    others = peers.find(say, venv=False)
    return scenarios.Findings(
        rounds=turns,
        peers=others,
        notes=["a quick look: few rounds, and not all that there is"],
        start=scenarios.start(stage, others, turns, say),
        created={scenarios.HUNDRED: scenarios.create(stage, others, scenarios.HUNDRED, turns, say)},
        later=scenarios.later(stage, turns, say),
        growing={},
    )


if __name__ == "__main__":
    main()
