"""The worker roles: which handlers run together in one Faust app, and how such an app is run."""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import faust

from eventstore.marks import RelayMarks
from streams import exits
from streams.app import attach, build_app
from streams.drain import Drain
from streams.graveyard import Graveyard
from streams.handler import Handler
from streams.message import Partition
from streams.monitor import Monitor

log = logging.getLogger(__name__)
STOP_LIMIT_S = 4.0


@dataclass(frozen=True)
class Role:
    """What a worker process needs: its name, its handlers, and where things are."""

    name: str
    handlers: Sequence[Handler[Any]]
    graveyard: Graveyard
    marks: RelayMarks
    bootstrap: str
    kafka: Mapping[str, str] = field(default_factory=dict)
    stall_s: float = 60.0


def group_of(role: str, epoch: int) -> str:
    """The consumer group: a new one for each filling of the broker, since old offsets mean nothing there."""
    return f"annals-{role}-{epoch}"


def run(open_role: Callable[[], Awaitable[Role]]) -> None:
    """Run a role until a signal ends it. Exits the process.

    `open_role` is awaited on the loop that Faust will use, so that pools belong to it.
    """
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    role = loop.run_until_complete(open_role())
    epoch = role.marks.read().epoch
    app = build_app(group_of(role.name, epoch), role.bootstrap, role.kafka)
    drains = [Drain(handler, role.graveyard) for handler in role.handlers]
    for drain in drains:
        attach(app, drain)
    notes: set[asyncio.Task[None]] = set()

    def on_drained(places: Mapping[Partition, int]) -> None:
        for drain in drains:
            note = loop.create_task(drain.note(places))
            notes.add(note)
            note.add_done_callback(notes.discard)

    def drained(places: Mapping[Partition, int]) -> None:
        loop.call_soon_threadsafe(on_drained, places)

    monitor = Monitor(
        client={"bootstrap.servers": role.bootstrap, **role.kafka},
        group=group_of(role.name, epoch),
        epoch=epoch,
        mark=role.marks.read,
        drains=drains,
        on_drained=drained,
        stall_s=role.stall_s,
    )

    class Worker(faust.Worker):
        """Starts the monitor with the app, and sees to it that a stop does not hang (faust #162)."""

        async def on_start(self) -> None:
            monitor.start()
            await super().on_start()

        async def on_shutdown(self) -> None:
            monitor.stop()
            await super().on_shutdown()

        def _flag_as_shutdown_by_signal(self) -> None:
            impatience = threading.Timer(STOP_LIMIT_S, exits.leave, (0, "stopped, not waiting any longer"))
            impatience.daemon = True
            impatience.start()
            super()._flag_as_shutdown_by_signal()

    try:
        Worker(app, loop=loop, loglevel="WARN", quiet=True, redirect_stdouts=False).execute_from_commandline()
    except SystemExit as ended:
        exits.leave(int(ended.code or 0), "the Faust worker ended")
    # Threads of libraries would keep the process for seconds, with nothing left to do.
    exits.leave(0, "stopped")
