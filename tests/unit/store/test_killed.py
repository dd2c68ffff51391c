from __future__ import annotations

import multiprocessing
import random
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest

from orchestra.store import healing, journal
from tests.unit.store import killed_program, scene

ROUNDS = 40


@pytest.fixture(scope="module")
def processes() -> ForkServerContext:
    """Forked from a server that has everything loaded: a child costs milliseconds."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.unit.store.killed_program", "sqlalchemy.pool"])
    return context


@pytest.mark.parametrize("seed", range(3))
def test_what_was_acknowledged_is_there(tmp_path: Path, processes: ForkServerContext, seed: int) -> None:
    """A writer is killed at a random moment, again and again, on one file: numbers have no gap, none is lost, none comes twice."""
    path, chance = tmp_path / "journal.db", random.Random(seed)
    last = 0
    for round in range(ROUNDS):
        ours, theirs = processes.Pipe(duplex=False)
        child = processes.Process(target=killed_program.run, args=(path, chance.random(), theirs))
        child.start()
        theirs.close()
        told = []
        try:
            condition, unclean, reason = ours.recv()
            for _ in range(chance.choice((0, 1, 3, 10, 30))):
                told.append(ours.recv())
        finally:
            child.kill()
        try:
            while True:
                told.append(ours.recv())
        except EOFError:
            pass
        child.join()
        assert (condition, unclean) == (
            (healing.Condition.SOUND, True) if round else (healing.Condition.FRESH, False)
        ), reason
        assert told == sorted(told)
        last = max(told, default=last)
        if round % 10 == 9:
            reader = journal.read_only(path)
            assert reader.last() >= last
    with scene.make(path) as opened:
        kept = scene.everything(opened)
        assert scene.sequences(kept) == list(range(1, opened.last() + 1))
        assert [scene.number(each) for each in kept] == list(range(1, opened.last() + 1))
        assert opened.get("number") == opened.last() >= last > 0
