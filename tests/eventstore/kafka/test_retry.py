"""The relay tries dead letters again: with a token of its own, in today's schema, and never for ever."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

from confluent_kafka import Message

from contracts.codec import canonical, decode
from contracts.envelope import DomainEvent
from contracts.topics import topics
from eventstore.dead_letters import DeadLetter, DeadLetters
from eventstore.log import EventLog
from eventstore.pool import open_pool
from tests.annals.processes import until
from tests.conftest import BrokerServer
from tests.eventstore.kafka.relaying import consume, events, relaying, wait_for_position


def letter_of(event: DomainEvent, **changes: Any) -> DeadLetter:
    fields: dict[str, Any] = {
        "consumer": "graph",
        "identity": str(event.event_id),
        "topic": "annals.documents",
        "partition": 0,
        "offset": 1,
        "key": event.aggregate_id.encode(),
        "value": b"as it came",
        "error": "ValueError",
        "cause": "cannot",
        "tenant": event.tenant,
        "aggregate_id": event.aggregate_id,
        "event_id": str(event.event_id),
    }
    return DeadLetter(**fields | changes)


def keep(dsn: str, letters: Sequence[DeadLetter]) -> list[DeadLetter]:
    """Set aside and asked to be tried again."""

    async def kept() -> list[DeadLetter]:
        pool = await open_pool(dsn)
        try:
            held = DeadLetters(pool)
            await held.add(letters)
            await held.mark_retrying(None, None)
            return await held.newest(None, None)
        finally:
            await pool.close()

    return asyncio.run(kept())


def newest(dsn: str) -> list[DeadLetter]:
    async def read() -> list[DeadLetter]:
        pool = await open_pool(dsn)
        try:
            return await DeadLetters(pool).newest(None, None)
        finally:
            await pool.close()

    return asyncio.run(read())


def headers_of(message: Message) -> dict[str, Any]:
    return dict(message.headers() or [])


def test_a_retried_event_comes_from_the_log_in_todays_schema(dsn: str, broker: BrokerServer) -> None:
    with EventLog.connect(dsn) as log:
        (stored,) = log.append(events(1))
    older = json.loads(canonical(json.loads(stored.model_dump_json())))
    data = older["event_data"]
    older |= {"schema_version": 1, "position": None, "event_data": data | data.pop("text")}
    asyncio.run(_rewrite(dsn, canonical(older)))
    (kept,) = keep(dsn, [letter_of(stored, value=canonical(older))])
    with relaying(dsn, broker.address):
        wait_for_position(dsn, stored.position or 0)
        found = consume(broker.address, 2)
    (again,) = [message for message in found if "dead_letter" in headers_of(message)]
    assert decode(again.value() or b"").event_data == stored.event_data
    assert json.loads(again.value() or b"")["schema_version"] == stored.schema_version
    known = asyncio.run(_numbered(dsn, int(headers_of(again)["dead_letter"])))
    assert known is not None and known.id == kept.id
    assert headers_of(again)["retry_token"] == str(kept.retry_token).encode()


async def _numbered(dsn: str, number: int) -> DeadLetter | None:
    pool = await open_pool(dsn)
    try:
        return await DeadLetters(pool).numbered(number)
    finally:
        await pool.close()


async def _rewrite(dsn: str, state: bytes) -> None:
    pool = await open_pool(dsn)
    await pool.execute("UPDATE annals.stored_events SET state = $1", state)
    await pool.close()


def test_what_is_not_in_the_log_is_open_again_with_the_reason(dsn: str, broker: BrokerServer) -> None:
    (unknown,) = events(1)
    keep(
        dsn,
        [
            letter_of(unknown),
            letter_of(unknown, identity="undecodable", event_id=None, tenant=None, aggregate_id=None),
        ],
    )
    with relaying(dsn, broker.address):
        assert until(lambda: all(letter.status == "open" for letter in newest(dsn)), 30)
    for letter in newest(dsn):
        assert letter.attempts == 2 and letter.cause.startswith("the log has no such event, so it cannot be tried")


def test_an_inbox_message_goes_back_to_its_own_inbox(dsn: str, broker: BrokerServer) -> None:
    inbox = topics().inboxes[0].name
    (unknown,) = events(1)
    keep(dsn, [letter_of(unknown, topic=inbox, event_id=None)])
    with relaying(dsn, broker.address):
        (message,) = consume(broker.address, 1, topic=inbox)
    assert (message.key(), message.value()) == (b"d0", b"as it came")
    assert newest(dsn)[0].status == "retrying", "its consumer says how it went"
