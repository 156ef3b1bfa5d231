"""The worker roles: which handlers run together in one Faust app, and how such an app is run."""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import faust
import uvloop
from confluent_kafka import KafkaException
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_delay, wait_random

from contracts.topics import Partition, topics
from eventstore.errors import ForeignBrokerError
from eventstore.kafka.admin import BrokerAdmin, reason
from eventstore.kafka.ownership import own_topics
from eventstore.kafka.progress import RelayProgressReader
from eventstore.kafka.published import follow_published
from eventstore.positions import ConsumerPositions
from eventstore.reader import EventReader
from eventstore.retries import retry_unavailable
from streams import termination
from streams.app import attach, build_app, or_terminate
from streams.batch_consumer import BatchConsumer
from streams.dead_letter_sink import DeadLetterSink
from streams.handler import Handler
from streams.missed_events import MissedEvents, committed_offsets
from streams.monitor import Monitor
from telemetry.collector import collect_rarely

log = logging.getLogger(__name__)
STOP_LIMIT_S = 4.0
STARTING_STOP_LIMIT_S = 0.5
"""Of a role that has no partitions yet, so nothing to acknowledge: Faust stops only once it has started."""
BROKER_LIMIT_S = 300.0
BATCH = 400
"""Messages at most in a batch. Between two of them a model has nothing to do; what a stage has made is stored slice by
slice, so that nobody waits longer in a large one."""


@dataclass(frozen=True)
class Role:
    """What a worker process needs: its name, its handlers, and where things are.

    `log_id` is the log's own name; `kafka` is as librdkafka has it, `logging` as `logging.config.dictConfig` has it.
    `folder` is for Faust, which makes it.
    `beat` is called every second or two while the event loop answers, `ended` when a stop begins.
    """

    name: str
    log_id: str
    handlers: Sequence[Handler[Any]]
    dead_letter_sink: DeadLetterSink
    relay_progress: RelayProgressReader
    reader: EventReader
    positions: ConsumerPositions
    bootstrap: str
    folder: Path
    beat: Callable[[], None]
    ended: Callable[[], None]
    kafka: Mapping[str, str] = field(default_factory=dict)
    stall_s: float = 60.0
    logging: Mapping[str, Any] | None = None
    catches_up: bool = False
    """Whether a handler that its group did not have before begins at the beginning of the log: read models are made by
    a replay."""
    published_dsn: str | None = None
    """Where the relay says what it published; None: the broker itself is asked, and waits without effort."""

    @property
    def client(self) -> dict[str, str]:
        """What a client of librdkafka is made of."""
        return {"bootstrap.servers": self.bootstrap, **self.kafka}


def group_of(role: str, epoch: int) -> str:
    """The consumer group: a new one for each filling of the broker, since old offsets mean nothing there."""
    return f"annals-{role}-{epoch}"


def run(open_role: Callable[[], Awaitable[Role]]) -> None:
    """Run a role until a signal ends it. Exits the process.

    `open_role` is awaited on the loop that Faust will use, so that pools belong to it.
    """
    loop = uvloop.new_event_loop()
    asyncio.set_event_loop(loop)
    role = loop.run_until_complete(open_role())
    epoch = role.relay_progress.read().epoch
    group = group_of(role.name, epoch)
    admin = BrokerAdmin(role.client)
    missed = MissedEvents(role.reader, role.positions, topics(), admin.log_starts, _wait_for_broker(role, admin, group))
    app = build_app(group, role.bootstrap, role.kafka, role.folder)
    # What was wrong may be mended: whoever starts a consumer lets it go on.
    names = [handler.name for handler in role.handlers]
    loop.run_until_complete(retry_unavailable(lambda: role.dead_letter_sink.release(names)))
    consumers = [
        BatchConsumer(
            handler,
            role.dead_letter_sink,
            batch=BATCH,
            missed=missed,
            published=app.published,
        )
        for handler in role.handlers
    ]
    attach(app, consumers)
    tasks: set[asyncio.Task[None]] = set()

    def begin(work: Coroutine[Any, Any, None]) -> None:
        task = loop.create_task(work)
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    def on_caught_up(positions: Mapping[Partition, int]) -> None:
        for consumer in consumers:
            begin(consumer.note(positions))

    def caught_up(positions: Mapping[Partition, int]) -> None:
        loop.call_soon_threadsafe(on_caught_up, positions)

    async def recover(offsets: Mapping[Partition, int], position: int) -> None:
        for consumer in consumers:
            own = [partition for partition in offsets if partition[0] in consumer.handler.topics]
            if own:
                await consumer.recover(own, position)
        monitor.recovered(offsets)

    def deleted(offsets: Mapping[Partition, int], position: int) -> None:
        loop.call_soon_threadsafe(lambda: begin(or_terminate(role.name, recover(offsets, position))))

    def resume() -> None:
        loop.call_soon_threadsafe(app.resume)

    if role.published_dsn is not None and not app.published.topics.isdisjoint(
        topic for consumer in consumers for topic in consumer.handler.topics
    ):
        begin(follow_published(role.published_dsn, app.published.tell))

    monitor = Monitor(
        client=role.client,
        group=group,
        epoch=epoch,
        progress=role.relay_progress.read,
        consumers=consumers,
        on_caught_up=caught_up,
        log_starts=admin.log_starts,
        on_deleted=deleted,
        stall_s=role.stall_s,
        ask_loop=loop.call_soon_threadsafe,
        beat=role.beat,
        assigned=app.assigned,
        positions=app.positions,
        is_member=app.is_member,
        resume=resume,
    )

    class Worker(faust.Worker):
        """Starts the monitor with the app, and sees to it that a stop does not hang (faust #162)."""

        async def on_start(self) -> None:
            monitor.start()
            await super().on_start()

        async def on_shutdown(self) -> None:
            monitor.stop()
            role.ended()
            await super().on_shutdown()

        def _flag_as_shutdown_by_signal(self) -> None:
            limit_s = STOP_LIMIT_S if app.assigned() else STARTING_STOP_LIMIT_S
            impatience = threading.Timer(limit_s, self._wait_no_longer)
            impatience.daemon = True
            impatience.start()
            super()._flag_as_shutdown_by_signal()

        def _wait_no_longer(self) -> None:
            monitor.stop()
            role.ended()
            termination.terminate(0, "stopped, not waiting any longer")

        def _shutdown_loop(self) -> None:
            # By now all is stopped; what mode does here is to wait for up to two seconds.
            if self.crash_reason is None:
                termination.terminate(0, "stopped")
            super()._shutdown_loop()

    if role.catches_up:
        published = role.relay_progress.read().position
        for consumer in consumers:
            if loop.run_until_complete(consumer.begin()):
                begin(or_terminate(role.name, consumer.catch_up(published)))

    collect_rarely()
    try:
        # Told a level below WARN, Faust shows no spinner and leaves the levels of `logging_config` as they are.
        Worker(
            app,
            loop=loop,
            loglevel="INFO",
            quiet=True,
            redirect_stdouts=False,
            logging_config=dict(role.logging) if role.logging is not None else None,
        ).execute_from_commandline()
    except SystemExit as ended:
        termination.terminate(int(ended.code or 0), "the Faust worker ended")
    # Threads of libraries would keep the process for seconds, with nothing left to do.
    termination.terminate(0, "stopped")


def _wait_for_broker(role: Role, admin: BrokerAdmin, group: str) -> dict[Partition, int]:
    """Where the role's group goes on. Ends the process where there is no broker for BROKER_LIMIT_S, or another log's.

    Faust gives up at once where there is no broker at its start, and fills the log with how it came to that.
    """
    followed = {topic for handler in role.handlers for topic in handler.topics}
    partitions = [partition for topic in topics().all if topic.name in followed for partition in topic.all_partitions]

    def tell(tried: RetryCallState) -> None:
        error = tried.outcome.exception() if tried.outcome is not None else None
        assert isinstance(error, KafkaException)
        log.warning("waiting for Kafka at %s: %s", role.bootstrap, reason(error))

    def ask() -> dict[Partition, int]:
        own_topics(admin, role.log_id)
        return committed_offsets(role.client, group, partitions)

    trying = Retrying(
        retry=retry_if_exception_type(KafkaException),
        wait=wait_random(0.5, 1.5),
        stop=stop_after_delay(BROKER_LIMIT_S),
        before_sleep=tell,
        reraise=True,
    )
    try:
        return trying(ask)
    except ForeignBrokerError as error:
        termination.terminate(termination.UNAVAILABLE, str(error))
    except KafkaException as error:
        termination.terminate(termination.UNAVAILABLE, f"Kafka at {role.bootstrap} did not answer: {reason(error)}")
