"""The Faust app: one for each role, with the settings that were found to hold."""

from collections.abc import Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any

import faust

from contracts.codec import NewerSchemaError
from contracts.topics import topics
from streams import termination
from streams.batch_consumer import BatchConsumer
from streams.credentials import read_credentials
from streams.fan_out import FanOut
from streams.published import PublishedEnds
from streams.transport import PromptApp

MAX_MESSAGE_BYTES = 16 * 1024 * 1024


def build_app(group: str, bootstrap: str, kafka: Mapping[str, str], folder: Path) -> PromptApp:
    """An app whose consumer group is `group`. `kafka` holds TLS and SASL settings in librdkafka's words.

    Faust makes `folder` at its start, and nothing is kept in it.

    Raises ValueError for those that Faust cannot honour.
    """
    app = PromptApp(
        group,
        broker=[f"aiokafka://{address.strip()}" for address in bootstrap.split(",")],
        broker_credentials=_credentials(kafka),
        processing_guarantee="at_least_once",
        # State lives in the databases; Faust's own tables, leader topic and web server are not used.
        store="memory://",
        datadir=str(folder),
        # Standbys are for those tables. With any, Faust moves no partition: a third worker gets none of four.
        table_standby_replicas=0,
        topic_disable_leader=True,
        topic_allow_declare=False,
        web_enabled=False,
        # On a rebalance do not wait for in-flight events: handlers are idempotent.
        stream_wait_empty=False,
        broker_commit_interval=0.5,
        # A busy machine may keep the consumer's thread waiting for seconds, which is no reason to lose its partitions.
        broker_session_timeout=10.0,
        broker_heartbeat_interval=1.0,
        broker_request_timeout=20.0,
        broker_max_poll_interval=600.0,
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=MAX_MESSAGE_BYTES,
        # Messages of up to 1 MiB, for each agent.
        stream_buffer_maxsize=256,
        key_serializer="raw",
        value_serializer="raw",
        worker_redirect_stdouts=False,
    )
    app.published = PublishedEnds([topic.name for topic in topics().events])
    return app


def attach(app: faust.App, consumers: Sequence[BatchConsumer[Any]]) -> list[Any]:
    """Make agents of `app`, one a topic, that deliver to the consumers that follow it; returns the agents.

    A topic that is held back, as a consumer of it is full, holds no other one back.
    """
    fan_out = FanOut(consumers)
    return [_agent(app, fan_out, topic) for topic in fan_out.topics]


def _agent(app: faust.App, fan_out: FanOut, topic: str) -> Any:
    names = ", ".join(consumer.handler.name for consumer in fan_out.followers(topic))

    async def agent(stream: Any) -> None:
        await or_terminate(names, fan_out.run(topic, stream))

    channel = app.topic(topic, key_type=bytes, value_type=bytes, internal=False)
    # One at a time: with more, Faust commits past what is in flight (faust-streaming #606).
    return app.agent(channel, name=topic, concurrency=1)(agent)


async def or_terminate(name: str, work: Coroutine[Any, Any, None]) -> None:
    """Do the work of a consumer. What it raises ends the process: raised in an agent, Faust takes it for one that
    finished (faust #315).
    """
    try:
        await work
    except* NewerSchemaError as errors:
        termination.terminate(termination.OUTDATED, f"{name}: {_first(errors)}")
    except* Exception as errors:
        termination.terminate(termination.UNAVAILABLE, f"{name}: {_first(errors)!r}")


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """What went wrong itself, without the groups around it."""
    error = errors.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error


def _credentials(kafka: Mapping[str, str]) -> Any:
    found = read_credentials(kafka)
    if found.mechanism is not None:
        return faust.SASLCredentials(
            username=found.username,
            password=found.password,
            mechanism=found.mechanism,
            ssl_context=found.context,
        )
    return faust.SSLCredentials(found.context) if found.context is not None else None
