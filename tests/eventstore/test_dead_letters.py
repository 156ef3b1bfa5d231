"""Which dead letters a document waits for: those of its present content."""

import asyncio

import pytest

from aggregates import document as documents
from aggregates.cause import Cause
from aggregates.document import Document
from contracts.documents import DocumentContent, TextReference
from contracts.envelope import DomainEvent, EventMetadata
from eventstore.dead_letters import DeadLetter, DeadLetters
from eventstore.log import EventLog
from eventstore.pool import PostgresPool

CAUSE = Cause(EventMetadata(tenant="acme"), "c")


def content(title: str) -> DocumentContent:
    return DocumentContent(title=title, text=TextReference(digest="a" * 64, characters=1, bytes=1))


def letter(event: DomainEvent, consumer: str = "chunking") -> DeadLetter:
    return DeadLetter(
        consumer=consumer,
        identity=f"{event.originator_id}/{event.event_id}",
        topic="annals.documents",
        partition=0,
        offset=1,
        key=None,
        value=None,
        error="ValueError",
        cause="cannot",
        tenant=event.tenant,
        aggregate_id=event.aggregate_id,
        event_id=str(event.event_id),
    )


def append(dsn: str, events: list[DomainEvent]) -> None:
    with EventLog.connect(dsn) as log:
        log.append(events)


@pytest.mark.parametrize("newer", ["updated", "deleted", "deleted and taken in anew"])
async def test_a_letter_of_content_that_was_replaced_does_not_count(dsn: str, pool: PostgresPool, newer: str) -> None:
    first = documents.ingest(None, "d1", content("one"), CAUSE)
    old = Document.project(first)
    second = documents.ingest(old, "d1", content("two"), CAUSE)
    if newer != "updated":
        second = documents.delete(old, None, CAUSE)
    if newer == "deleted and taken in anew":
        second += documents.ingest(Document.project([*first, *second]), "d1", content("one"), CAUSE)
    letters = DeadLetters(pool)
    await asyncio.to_thread(append, dsn, list(first))
    await letters.add([letter(first[0])])
    assert await letters.of_aggregates("acme", ["d1", "d2"]) == {"d1": "chunking: cannot"}
    assert await letters.of_aggregates("other", ["d1"]) == {}

    await asyncio.to_thread(append, dsn, list(second))
    assert await letters.of_aggregates("acme", ["d1"]) == {}
    assert await letters.count("acme") == 1, "it is kept all the same"
    await letters.add([letter(second[-1], "graph")])
    assert await letters.of_aggregates("acme", ["d1"]) == {"d1": "graph: cannot"}


async def test_the_same_event_id_in_another_tenant_or_document_is_another_letter(dsn: str, pool: PostgresPool) -> None:
    (event,) = documents.ingest(None, "d1", content("one"), CAUSE)
    others = [
        event.model_copy(update={"metadata": EventMetadata(tenant="other")}),
        event.model_copy(update={"aggregate_id": "d2"}),
    ]
    await asyncio.to_thread(append, dsn, [event, *others])
    letters = DeadLetters(pool)
    await letters.add([letter(one) for one in (event, *others)])
    assert await letters.count(None) == 3
    await letters.drop("other", [one.id or 0 for one in await letters.newest("other", None)], "why")
    assert await letters.of_aggregates("acme", ["d1", "d2"]) == {"d1": "chunking: cannot", "d2": "chunking: cannot"}
