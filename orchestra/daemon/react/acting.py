"""What triggers do: every act on the road that a person's command takes, on panes that are the workspace's own.

What an event says is data wherever it goes: in a command's environment and standard input, pasted as text, percent-encoded in an address.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol, TypeVar, assert_never

from orchestra.daemon import applying, assemble, grouping
from orchestra.daemon.react import autosave, calling, parts, steering, unheard
from orchestra.engine.trigger import firings, triggers
from orchestra.host import clock, command, foreground, machine, programs
from orchestra.manifest import fault, reacting, template
from orchestra.model import event, rules, selector, spec, status
from orchestra.model.frozen import frozen
from orchestra.plan import applied, compare, record
from orchestra.tmux import telling

T = TypeVar("T")
LONGEST = 32 * 1024
"""Bytes of a variable of the environment: Linux takes 128 KiB with its name, and 2 MiB of all together."""
KEPT, OLDEST = 10, timedelta(days=7)
"""Snapshots of a workspace that triggers made, and how old they get, at the least."""
STOPPED = "triggers.stopped"
SAID = 30.0
"""Seconds that the journal may take to keep something, while others wait for the lock."""


class Collecting(Protocol):
    async def one_pass(self, workspace: str) -> None:
        """Of garbage collection."""

    def absent(self, workspace: str) -> frozenset[str]:
        """Panes that were collected, and are not made again by what acts by itself."""


@frozen
class _Eyes:
    """A look of an act's own: what others have seen is theirs."""

    assembly: assemble.Assembly
    server: status.Server
    panes: Mapping[str, status.Place]


class Acting:
    """`firings.Act`."""

    def __init__(
        self,
        reach: parts.Reach,
        reader: reacting.Reader,
        threads: Executor,
        scene: Callable[[str], triggers.Scene],
        collecting: Collecting,
    ) -> None:
        """`scene`: a workspace as triggers see it; `threads`: for what waits."""
        self._reach = reach
        self._assembly = reach.assembly
        self._reader = reader
        self._threads = threads
        self._scene = scene
        self._collecting = collecting
        self._say = reach.say(firings.NAME)
        self._telling = telling.Telling(reach.assembly.host)
        self.unheard = unheard.Unheard(self._say, reach.keep, self._telling, threads)
        self.calling = calling.Calling(
            self._fill, self._say, clock.Clock(), self._telling, self.unheard, threads
        )
        self._typing: dict[str, asyncio.Lock] = {}
        self._stopped: dict[str, int] = {}
        """Processes that we stopped, and nobody else, by their panes' uids: what we may start again. Kept before they are stopped."""
        self._stopping: Counter[str] = Counter()
        """Of these, panes that are being stopped now."""

    def resume(self, kept: Any) -> None:
        if isinstance(kept, dict):
            self._stopped = {uid: pid for uid, pid in kept.items() if isinstance(pid, int)}

    async def looked(self, server: status.Server) -> None:
        """What somebody has started since is his to stop."""
        self.unheard.looked(server)
        if not self._stopped:
            return
        there = {
            place.pane.mark.uid: place.pane.pid
            for place in status.places(server)
            if place.pane.mark is not None and steering.is_stopped(place)
        }
        left = {
            uid: pid for uid, pid in self._stopped.items() if self._stopping[uid] or there.get(uid) == pid
        }
        if left != self._stopped:
            self._stopped = left
            await self._reach.keep({STOPPED: left})

    async def __call__(self, run: firings.Run) -> None:
        act = run.reaction.act
        if not run.workspace and not isinstance(act, rules.Run):
            raise firings.Failed("to what is no workspace's only `run` is done", for_good=True)
        match act:
            case rules.Run():
                await self._run(act, run)
            case rules.SendKeys():
                await self._send_keys(act, run)
            case rules.Message():
                await self._message(act, run)
            case rules.Signal():
                await self._signal(act, run)
            case rules.Start():
                await self._steer(run, act.to, self._start)
            case rules.Stop():
                await self._steer(run, act.to, self._stop)
            case rules.Restart():
                await self._steer(run, act.to, self._restart)
            case rules.Snapshot():
                await self._snapshot(act, run)
            case rules.Collect():
                await self._collected(run)
            case rules.Apply():
                await self._apply(act, run)
            case rules.Notify():
                await self.calling.notify(act, run)
            case rules.Webhook():
                await self.calling.webhook(act, run)
            case rules.Log():
                logged = event.TriggerLogged(trigger=run.trigger, text=self._fill(act.text, run.event))
                await self._say(logged, run.workspace, str(run.event.get("address", "")), {})
            case _:
                assert_never(act)

    def _fill(self, text: str, fields: Mapping[str, Any]) -> str:
        try:
            return self._reader.filled(text, fields)
        except fault.Faulty as wrong:
            raise firings.Failed(f"{text!r}: {wrong.summary}", for_good=True) from wrong

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    # --- commands

    async def _run(self, act: rules.Run, run: firings.Run) -> None:
        fields = (
            await self._in_thread(lambda: self._fields(run))
            if run.workspace and "pane" in "".join(act.env.values())
            else run.event
        )
        own = {name: _variable(self._fill(value, fields)) for name, value in act.env.items()}
        told = dict(environment(run, self._assembly.host.path))
        done = await command.ran(
            act.command,
            run.reaction.timeout,
            dir=act.dir,
            env={**machine.server_environment(os.environ), **own, **told},
            leaves_children=True,
            given=json.dumps({**run.event, "trigger": run.trigger, "run": run.id}).encode() + b"\n",
        )
        if not done.attempt.healthy:
            raise firings.Failed(done.attempt.reason, done.output, for_good=done.is_lost)

    def _fields(self, run: firings.Run) -> Mapping[str, Any]:
        """With the pane's number in its session, as the old bridge's scripts call it."""
        place = self._look(run).panes.get(str(run.event.get("address", "")))
        if place is None:
            return run.event
        order = [pane.id for window in place.session.windows for pane in window.panes]
        return {**run.event, "pane": order.index(place.pane.id)}

    # --- typing

    async def _send_keys(self, act: rules.SendKeys, run: firings.Run) -> None:
        wanted, eyes = self._wanted(act.to, run), await self._in_thread(lambda: self._look(run))

        async def give(place: status.Place, mark: status.Mark) -> None:
            for number, key in enumerate(act.keys):
                id_ = f"{run.token}-{number}"
                if template.is_template(key):
                    await self._type(place, mark, self._text(key, run, place), id_, enter=False)
                else:
                    self._judge(await self._in_thread(
                        lambda key=key, id_=id_: self._telling.keys(place.pane.id, mark, (key,), id_)  # type: ignore[misc]
                    ))  # fmt: skip

        await self._each(self._meant(eyes, wanted, run), give)

    async def _message(self, act: rules.Message, run: firings.Run) -> None:
        wanted, eyes = self._wanted(act.to, run), await self._in_thread(lambda: self._look(run))

        async def give(place: status.Place, mark: status.Mark) -> None:
            await self._type(place, mark, self._text(act.text, run, place), run.token, enter=True)

        await self._each(self._meant(eyes, wanted, run), give)

    async def _type(self, place: status.Place, mark: status.Mark, text: str, id: str, *, enter: bool) -> None:
        self._judge(
            await self._in_thread(lambda: self._telling.type(place.pane.id, mark, text, id, enter=enter))
        )

    def _judge(self, verdict: telling.Verdict) -> None:
        if verdict not in (telling.Verdict.DONE, telling.Verdict.ALREADY):
            raise firings.Failed(str(verdict))

    async def _each(
        self, meant: Sequence[status.Place], give: Callable[[status.Place, status.Mark], Awaitable[None]]
    ) -> None:
        """One after the other; what goes wrong with one keeps it from no other."""
        wrong: list[str] = []
        for place in meant:
            mark = place.pane.mark
            assert mark is not None
            try:
                async with self._typing.setdefault(place.pane.id, asyncio.Lock()):
                    await give(place, mark)
            except firings.Failed as failed:
                wrong.append(f"{mark.address}: {failed.reason}")
        if len(self._typing) > 1000:
            self._typing = {pane: lock for pane, lock in self._typing.items() if lock.locked()}
        if wrong:
            raise firings.Failed("; ".join(wrong))

    def _text(self, text: str, run: firings.Run, place: status.Place) -> str:
        """For a terminal: nothing of what an event says is a key, and no shell runs it."""
        if not template.is_template(text):
            return text
        clean = self._fill(text, {key: _clean(value) for key, value in run.event.items()})
        harmless = self._fill(text, {key: _harmless(value) for key, value in run.event.items()})
        if clean != harmless and self._is_shell(place):
            raise firings.Failed(
                "a shell waits there, and would run what the event says: hand it to a command by `run` instead",
                for_good=True,
            )
        return clean

    def _is_shell(self, place: status.Place) -> bool:
        """One that would run what is typed, whoever started it there, as a command of its manifest or by hand."""
        known = record.parse_pane(place.pane.record)
        found = foreground.Terminals().foreground(place.pane.pid)
        if (found is None or found.own) and (known is None or known.pane.command is None):
            return True
        return found is not None and found.shell

    async def _signal(self, act: rules.Signal, run: firings.Run) -> None:
        wanted = self._wanted(act.to, run)

        def send() -> list[str]:
            eyes, wrong = self._look(run), []
            for place in self._meant(eyes, wanted, run):
                assert place.pane.mark is not None
                group = None if place.pane.dead else programs.foreground_group(place.pane.pid)
                if group is None:
                    wrong.append(f"{place.pane.mark.address}: its process has ended")
                else:
                    self._assembly.world.processes.signal_group(group, act.signal)
            return wrong

        if wrong := await self._in_thread(send):
            raise firings.Failed("; ".join(wrong))

    # --- starting and stopping

    async def _steer(
        self,
        run: firings.Run,
        to: str,
        choose: Callable[[firings.Run, Mapping[str, status.Place]], compare.Options],
    ) -> None:
        wanted, loop = self._wanted(to, run), asyncio.get_running_loop()
        stopping: dict[str, int] = {}

        def options(there: Mapping[str, status.Place]) -> compare.Options:
            chosen = choose(run, there)
            places = [there[each] for each in chosen.stops if not steering.is_stopped(there[each])]
            if found := {
                place.pane.mark.uid: place.pane.pid for place in places if place.pane.mark is not None
            }:
                stopping.update(found)
                # Whoever is killed while he stops it has said before whose doing it is.
                asyncio.run_coroutine_threadsafe(self._will_stop(found), loop).result(SAID)
            return chosen

        def work() -> Mapping[str, str]:
            eyes, wait = self._look(run), run.reaction.timeout * 0.9
            places = self._meant(eyes, wanted, run)
            meant = [place.pane.mark.address for place in places if place.pane.mark is not None]
            try:
                return steering.steer(self._assembly, run.workspace, meant, options, wait)
            finally:  # also when nobody waits for it any more
                loop.call_soon_threadsafe(self._tried_to_stop, tuple(stopping))

        failed = await self._in_thread(work)
        self._reach.look_soon()
        if failed:
            raise firings.Failed("; ".join(f"{address}: {why}" for address, why in failed.items()))

    async def _will_stop(self, processes: Mapping[str, int]) -> None:
        self._stopping.update(processes.keys())
        self._stopped = {**self._stopped, **processes}
        await self._reach.keep({STOPPED: self._stopped})

    def _tried_to_stop(self, uids: Collection[str]) -> None:
        """What was not stopped the next look tells."""
        self._stopping -= Counter(uids)

    def _start(self, run: firings.Run, there: Mapping[str, status.Place]) -> compare.Options:
        starts = {
            each: f"started by {run.trigger}"
            for each, place in there.items()
            if place.pane.dead and self._may(place)
        }
        return compare.Options(prune=False, targets=tuple(starts), starts=starts)

    def _restart(self, run: firings.Run, there: Mapping[str, status.Place]) -> compare.Options:
        starts = {each: f"restarted by {run.trigger}" for each, place in there.items() if self._may(place)}
        return compare.Options(prune=False, targets=tuple(starts), starts=starts)

    def _stop(self, run: firings.Run, there: Mapping[str, status.Place]) -> compare.Options:
        stops = frozenset(
            each for each, place in there.items() if not (steering.is_stopped(place) and place.pane.dead)
        )
        return compare.Options(prune=False, targets=tuple(stops), stops=stops)

    def _may(self, place: status.Place) -> bool:
        """What a person stopped stays so."""
        mark = place.pane.mark
        return mark is not None and (
            not steering.is_stopped(place) or self._stopped.get(mark.uid) == place.pane.pid
        )

    # --- the workspace as a whole

    async def _snapshot(self, act: rules.Snapshot, run: firings.Run) -> None:
        def save() -> event.SnapshotSaved:
            from orchestra.daemon import snapshots  # 30 ms, and only who wants one pays

            own = self._own()
            kept, _ = snapshots.save(own, run.workspace, scrollback=act.scrollback, automatic=True)
            # What the workspace wishes of its own snapshots holds for these, too: they are of one scope.
            wished = [
                each.wanted for each in autosave.wishes(self._reach.found) if each.scope == run.workspace
            ]
            keep = max([KEPT, *(each.keep for each in wished)])
            oldest = max([OLDEST, *(each.max_age for each in wished)])
            snapshots.keeper(own).prune(keep, oldest, (run.workspace,))
            panes = {name: each.panes for name, each in kept.workspaces.items()}
            return event.SnapshotSaved(name=kept.name, workspaces=panes)

        await self._say(await self._in_thread(save), run.workspace, "", {})

    async def _collected(self, run: firings.Run) -> None:
        await self._collecting.one_pass(run.workspace)

    async def _apply(self, act: rules.Apply, run: firings.Run) -> None:
        request = await self._in_thread(lambda: self._request(run, act.yes))
        result: Mapping[str, Any] = {}
        async for name, what in applying.aside(self._own, request, self._report, self._threads):
            if name == "result":
                result = what
        if result.get("status") != "success":
            failed = {**result.get("failed", {}), **result.get("skipped", {})}
            raise firings.Failed("; ".join(f"{address}: {why}" for address, why in failed.items()))

    async def _report(self, bodies: Sequence[event.Body], workspace: str) -> None:
        for body in bodies:
            await self._say(body, workspace, "", {})
        self._reach.look()

    def _request(self, run: firings.Run, yes: bool) -> Mapping[str, Any]:
        from orchestra.store import texts

        kept = texts.read(self._assembly.expected().texts, run.workspace)
        if kept is None or kept.file == "-":
            raise firings.Failed("it is not known from which file it was applied", for_good=True)
        if not Path(kept.file).is_file():
            raise firings.Failed(f"there is no file {kept.file}", for_good=True)
        is_time = run.event.get("type") == event.ScheduleDue.type
        return {
            "manifest": kept.file,
            "env": kept.environment,
            "variables": dict(kept.variables),
            "yes": yes,
            # At its time a schedule wants all of it; else what is collected and made again would be so for ever.
            "absent": [] if is_time else sorted(self._collecting.absent(run.workspace)),
        }

    # --- which panes

    def _own(self) -> assemble.Assembly:
        return assemble.assemble(None, self._assembly.host.path, self._assembly.environ)

    def _look(self, run: firings.Run) -> _Eyes:
        own = self._own()
        server = own.tmux.observe()
        return _Eyes(assembly=own, server=server, panes=status.owned(server, run.workspace))

    def _wanted(self, to: str, run: firings.Run) -> str:
        """A selector."""
        wanted = self._fill(to, run.event) if to else str(run.event.get("address", ""))
        if not wanted:
            raise firings.Failed("the event is of no pane: say `to`", for_good=True)
        if (wrong := selector.fault(wanted)) is not None:
            raise firings.Failed(wrong, for_good=True)
        return wanted

    def _meant(self, eyes: _Eyes, wanted: str, run: firings.Run) -> Sequence[status.Place]:
        """`Failed` where it means none: that a thing was done to nothing is told. For a thread."""
        scene = self._scene(run.workspace)
        groups = scene.groups
        if wanted.startswith("@") and wanted != selector.ALL and wanted[1:] not in groups:
            known = grouping.groups(eyes.assembly, run.workspace)
            groups = {name.removeprefix("@"): panes for name, panes in known.items()}
        labelled = [rules.Group(name=name, panes=tuple(panes)) for name, panes in groups.items()]
        labels = {each.address: each.labels for each in scene.candidates}
        sessions = applied.workspace(run.workspace, eyes.server).sessions
        candidates = [
            selector.Candidate(
                address=each.address,
                window=each.window,
                labels={**labels.get(each.address, {}), **each.labels},
            )
            for each in spec.candidates(sessions, labelled)
        ]
        chosen = selector.chosen(wanted, candidates, groups)
        found = [eyes.panes[each] for each in chosen if each in eyes.panes]
        if not found:
            raise firings.Failed(f"{wanted!r} means no pane of {run.workspace}", for_good=True)
        return found


def environment(run: firings.Run, socket: str) -> Iterator[tuple[str, str]]:
    """What a command gets of an event: each field as `ORCHESTRA_EVENT_…`, lists and maps as JSON."""
    yield "ORCHESTRA_RUN", run.token
    yield "ORCHESTRA_ATTEMPT", str(run.attempt)
    yield "ORCHESTRA_TRIGGER", run.trigger
    yield "ORCHESTRA_WORKSPACE", run.workspace
    yield "ORCHESTRA_SOCKET", socket
    for name, value in run.event.items():
        text = value if isinstance(value, str) else "" if value is None else json.dumps(value)
        yield f"ORCHESTRA_EVENT_{name.upper()}", _variable(text)


def _variable(text: str) -> str:
    # What is cut in two at the end is no character any more.
    return text.replace("\0", "").encode(errors="replace")[:LONGEST].decode(errors="ignore")


def _clean(value: object) -> object:
    """Without keys: Enter, escape sequences."""
    if isinstance(value, str):
        return "".join(each if each.isprintable() else " " for each in value)
    return value


_MEANS = re.compile(r"[^A-Za-z0-9 _./:@%+,-]")


def _harmless(value: object) -> object:
    """As `_clean`, and without what could mean anything to a shell."""
    return (
        _MEANS.sub("", value) if isinstance(value, str) else value if isinstance(value, int | float) else ""
    )
