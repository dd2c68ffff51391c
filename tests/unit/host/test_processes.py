from __future__ import annotations

import asyncio
import os
import random
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Collection
from datetime import timedelta

import hypothesis
import pytest

from orchestra.host import process_table, processes
from orchestra.model import status
from tests.unit.host import family

HERE = processes.Processes()
SERVER, OTHER, SELF = 10, 900, 5
WORLDS = hypothesis.settings().max_examples // 2
"""25, and 1,000 under `make torture`."""


def row(
    pid: int,
    parent: int,
    *,
    session: int = 0,
    pane: str = "",
    under: int = 0,
    socket: str = "/tmux/default",
    server: bool = False,
    alive: bool = True,
) -> process_table.Row:
    return process_table.Row(
        pid=pid,
        parent=parent,
        session=session or pid,
        started=float(pid),
        name="tmux: server" if server else "x",
        alive=alive,
        server=server,
        pane=pane,
        tmux=f"{socket},{under},0" if under else "",
    )


def tree(*rows: process_table.Row, root: int = 100, server_pid: int = SERVER) -> set[int]:
    """The pids of pane `u` among these and the usual ones: init, our tmux server, this program."""
    usual = (row(1, 0), row(SERVER, 1, server=True), row(SELF, 1))
    table = {each.pid: each for each in (*usual, *rows)}
    (found,) = processes.trees(table, {"u": root}, server_pid, SELF).values()
    return {process.pid for process in found}


ROOT = row(100, SERVER, pane="u", under=SERVER)


def test_descendants_session_and_environment_belong() -> None:
    assert tree(
        ROOT,
        row(101, 100),
        row(102, 101, session=102),
        row(103, 1, session=100),  # lost its parent, kept the session
        row(104, 1, pane="u", under=SERVER),  # lost both
        row(105, 104),
        row(106, 1, session=102),  # lost its parent, kept a session of ours
    ) == {100, 101, 102, 103, 104, 105, 106}


def test_strangers_do_not_belong() -> None:
    assert tree(
        ROOT, row(200, SERVER, pane="v", under=SERVER), row(201, 200), row(202, 1), row(203, 1, pane="uu")
    ) == {100}


def test_one_reading_serves_many_panes() -> None:
    table = {each.pid: each for each in (ROOT, row(200, SERVER, pane="v"), row(201, 200))}
    found = processes.trees(table, {"u": 100, "v": 200, "w": 0}, SERVER, SELF)
    assert {uid: {each.pid for each in members} for uid, members in found.items()} == {
        "u": {100},
        "v": {200, 201},
        "w": set(),
    }


def test_zombies_do_not_count_but_their_session_does() -> None:
    assert tree(row(100, SERVER, alive=False), row(101, 1, session=100, under=SERVER)) == {101}


def test_another_tmux_server_and_all_under_it_are_a_persons() -> None:
    nested = row(OTHER, 1, pane="u", server=True)
    assert tree(
        ROOT,
        nested,
        row(901, OTHER, pane="u", under=OTHER, socket="/tmux/mine"),
        row(902, 901, pane="u"),  # env -u TMUX
        row(903, 1, pane="u", under=OTHER, socket="/tmux/mine"),  # detached from it
        row(904, 903),
        row(905, 1, session=901, pane="u"),  # env -u TMUX, and lost its parent
    ) == {100}
    in_foreground = row(OTHER, 100, session=100, pane="u", under=SERVER, server=True)
    assert tree(ROOT, in_foreground, row(905, OTHER, session=100, pane="u")) == {100}


def test_what_outlived_another_server_is_still_not_ours() -> None:
    assert tree(ROOT, row(903, 1, pane="u", under=OTHER, socket="/tmux/mine")) == {100}


def test_what_outlived_our_server_is_ours() -> None:
    survivor = row(300, 1, pane="u", under=9, socket="/tmux/default")
    assert tree(survivor, row(100, SERVER, pane="v", under=SERVER), root=0) == {300}
    assert tree(survivor, root=0, server_pid=0) == {300}
    not_yet_reaped = row(9, 1, server=True, alive=False)
    assert tree(survivor, not_yet_reaped, root=0, server_pid=0) == {300}


def test_this_program_is_never_part() -> None:
    assert tree(ROOT, row(SELF, 100, session=100, pane="u", under=SERVER), row(6, SELF, pane="u")) == {100}


def test_our_server_is_never_part_though_it_was_started_in_the_pane() -> None:
    assert tree(row(SERVER, 100, server=True), row(100, 1, pane="u"), root=0) == {100}


def test_first_process_before_its_exec_is_ours_although_it_looks_like_the_server() -> None:
    assert tree(row(100, SERVER, server=True, under=77, socket="/outer")) == {100}


def test_first_process_that_became_a_tmux_server_is_a_persons() -> None:
    assert tree(row(100, SERVER, server=True, under=SERVER, pane="u"), row(101, 100)) == set()


def test_dead_panes_number_may_be_a_strangers() -> None:
    stranger = row(100, 1)
    assert tree(stranger, row(101, 100, session=100), row(102, 1, session=100, under=SERVER)) == {102}


def stop(uid: str, root: int, deaf: timedelta = timedelta(milliseconds=20)) -> int:
    """As the engine does it: ask, wait, kill, look again until nothing is left. How many looks it took."""
    for look in range(20):
        left = HERE.trees({uid: root}, 0)[uid]
        if not left:
            return look
        HERE.signal(left, "SIGTERM" if look == 0 else "SIGKILL")
        asyncio.run(HERE.ended(left, deaf if look == 0 else timedelta(seconds=5)))
    raise AssertionError(left)


@pytest.mark.torture
@pytest.mark.parametrize("first", range(0, WORLDS, 5))
def test_stop_leaves_nobody(first: int) -> None:
    for seed in range(first, first + 5):
        shape = family.grow(random.Random(seed))
        uid = f"{os.getpid()}-{seed}"
        with family.living(shape, {"ORCHESTRA_PANE": uid}) as known:
            stop(uid, known.root)
            left = {pid for pid in known.pids if process_table.start_time(pid) is not None}
            assert not left, (seed, shape)


def alive(family_pids: Collection[int]) -> frozenset[status.Process]:
    table = process_table.read()
    return frozenset(status.Process(pid=pid, started=table[pid].started) for pid in family_pids)


def test_signal_reaches_only_the_same_process() -> None:
    with family.living(((), ()), {}) as known:
        (process,) = alive(known.pids)
        later = status.Process(pid=process.pid, started=process.started - 1)
        HERE.signal([later], "SIGKILL")
        assert asyncio.run(HERE.ended([later], timedelta(seconds=5))) == frozenset()
        assert processes.is_alive(process)
        HERE.signal([process, later], "SIGTERM")
        assert asyncio.run(HERE.ended([process], timedelta(seconds=5))) == frozenset()
        HERE.signal([process], "TERM")


def test_signal_group_reaches_the_group_and_only_a_leaders() -> None:
    with family.living(((), (((), ()), (("group",), ()))), {}) as known:
        (child, other) = sorted(known.pids - {known.root}, key=lambda pid: os.getpgid(pid) != known.root)
        HERE.signal_group(child, "SIGTERM")
        everyone = alive(known.pids)
        assert asyncio.run(HERE.ended(everyone, timedelta(milliseconds=20))) == everyone
        HERE.signal_group(known.root, "SIGTERM")
        left = asyncio.run(HERE.ended(everyone, timedelta(milliseconds=300)))
        assert {process.pid for process in left} == {other}
        HERE.signal_group(0, "SIGTERM")
        HERE.signal_group(2**22 + 1, "SIGTERM")


def test_ended_tells_who_is_left_at_the_timeout() -> None:
    with family.living(((), ((("deaf",), ()), ((), ()))), {}) as known:
        everyone = alive(known.pids)
        HERE.signal(everyone, "SIGTERM")
        left = asyncio.run(HERE.ended(everyone, timedelta(milliseconds=300)))
        assert len(left) == 1
        assert asyncio.run(HERE.ended(left, timedelta(0))) == left
        assert asyncio.run(HERE.ended([], timedelta(0))) == frozenset()


def test_ended_of_500_with_few_files_free() -> None:
    many = ((), tuple(((), ()) for _ in range(500)))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with family.living(many, {}) as known:
        everyone = alive(known.pids)
        used = len(os.listdir("/dev/fd"))  # noqa: PTH208
        resource.setrlimit(resource.RLIMIT_NOFILE, (used + 40, hard))
        try:

            async def both() -> frozenset[status.Process]:
                async with asyncio.TaskGroup() as group:
                    wait = group.create_task(HERE.ended(everyone, timedelta(seconds=20)))
                    await asyncio.sleep(0)
                    HERE.signal(everyone, "SIGKILL")
                return wait.result()

            assert asyncio.run(both()) == frozenset()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_ended_can_be_cancelled_and_closes_what_it_opened() -> None:
    with family.living(((), tuple(((), ()) for _ in range(20))), {}) as known:
        everyone = alive(known.pids)

        async def cancelled() -> int:
            before = len(os.listdir("/dev/fd"))  # noqa: PTH208
            async with asyncio.TaskGroup() as group:
                wait = group.create_task(HERE.ended(everyone, timedelta(seconds=20)))
                await asyncio.sleep(0)
                await asyncio.sleep(0)
                wait.cancel()
            return len(os.listdir("/dev/fd")) - before  # noqa: PTH208

        assert asyncio.run(cancelled()) == 0


def test_ended_without_pidfds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_open", lambda process: None)
    with family.living(((), ((("deaf",), ()),)), {}) as known:
        everyone = alive(known.pids)
        HERE.signal(everyone, "SIGTERM")
        left = asyncio.run(HERE.ended(everyone, timedelta(milliseconds=200)))
        assert {process.pid for process in left} == known.pids - {known.root}
        HERE.signal(left, "SIGKILL")
        assert asyncio.run(HERE.ended(everyone, timedelta(seconds=5))) == frozenset()


def test_contains_self_through_its_parents() -> None:
    table = process_table.read()
    parent = table[os.getppid()]
    assert HERE.contains_self([status.Process(pid=parent.pid, started=parent.started)])
    assert not HERE.contains_self([status.Process(pid=parent.pid, started=parent.started - 1)])
    with family.living(((), ()), {}) as known:
        assert not HERE.contains_self(alive(known.pids))


def test_family_of_a_child_is_killed_whole() -> None:
    with family.living(((), ((("setsid", "deaf"), (((), ()),)),)), {}) as known:
        everyone = alive(known.pids)
        processes.kill_family(known.root)
        assert asyncio.run(HERE.ended(everyone, timedelta(seconds=5))) == frozenset()


def test_tree_is_read_while_processes_come_and_go() -> None:
    """Forks by the hundred meanwhile; never an exception, never a stranger."""
    over = threading.Event()

    def churn() -> None:
        while not over.is_set():
            subprocess.run(["true"], check=True)

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        with family.living(((), ()), {"ORCHESTRA_PANE": "churn"}) as known:
            for _ in range(15):
                (only,) = HERE.trees({"churn": known.root}, 0)["churn"]
                assert only.pid == known.root
    finally:
        over.set()
        thread.join()


def test_process_is_found_while_it_turns_into_another_program() -> None:
    """In a session of its own, without its parent: only its environment tells whose it is."""
    program = 'exec "$0" -c "$1" "$0" "$1"'
    detach = "import os, sys; os.fork() and os._exit(0); os.setsid(); os.execv('/bin/sh', sys.argv[1:])"
    argv = [
        sys.executable,
        "-I",
        "-S",
        "-c",
        detach,
        "/bin/sh",
        "-c",
        f"echo $$; {program}",
        "/bin/sh",
        program,
    ]
    process = subprocess.Popen(argv, env={"ORCHESTRA_PANE": "turning"}, stdout=subprocess.PIPE)
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    try:
        for _ in range(30):
            assert [each.pid for each in HERE.trees({"turning": 0}, 0)["turning"]] == [pid]
    finally:
        os.kill(pid, signal.SIGKILL)
        process.stdout.close()
        process.wait()


def test_unknown_signal_is_an_error() -> None:
    with pytest.raises(KeyError):
        HERE.signal([], "SIGNOTHING")
    assert processes._number("TERM") is signal.SIGTERM
    assert sys.platform != "linux" or hasattr(signal, "pidfd_send_signal")
