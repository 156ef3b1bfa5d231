"""Which dead letters a document waits for: those of its present content."""

import asyncio

import pytest

from aggregates import document as documents
from aggregates.cause import Cause
from aggregates.document import Document
from contracts.documents import DocumentContent, TextReference
from contracts.envelope import DomainEvent, EventMetadata
from eventstore.dead_letters import DeadLetter, DeadLetters
from eventstore.keys import AggregateKey
from eventstore.log import EventLog
from eventstore.log_ids import PUBLIC_IDS
from eventstore.pool import PostgresPool

CAUSE = Cause(EventMetadata(tenant="acme"), "c")


def content(title: str) -> DocumentContent:
    return DocumentContent(title=title, text=TextReference(digest="a" * 64, characters=1, bytes=1))


def letter(event: DomainEvent, consumer: str = "chunking") -> DeadLetter:
    return DeadLetter(
        consumer=consumer,
        identity=f"{PUBLIC_IDS.stream(AggregateKey.of(event))}/{event.event_id}",
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


async def test_an_id_tells_nothing_of_the_letters_of_others(pool: PostgresPool) -> None:
    """Neither how many there are, nor which came first; it is good for its own tenant alone."""
    letters = DeadLetters(pool)
    given = [DeadLetter("c", str(n), "t", 0, n, None, None, "E", "c", tenant="ab"[n % 2]) for n in range(40)]
    await letters.add(given)
    found = (await letters.newest(None, None))[::-1]
    assert [one.identity for one in found] == [one.identity for one in given], "they are in their order"
    ids = [one.id or 0 for one in found]
    assert len(set(ids)) == 40 and all(len(str(one)) == 12 for one in ids)
    assert ids != sorted(ids) and min(abs(one - other) for one in ids for other in ids if one != other) > 1
    numbers = [one.number or 0 for one in found]
    assert numbers == sorted(numbers)
    for one in found:
        assert await letters.get(one.tenant, one.id or 0) == one == await letters.numbered(one.number or 0)
        assert await letters.get("b" if one.tenant == "a" else "a", one.id or 0) is None
        assert await letters.get(None, one.number or 0) is None
    asked = [one.id or 0 for one in found[:4]]
    assert await letters.mark_retrying("a", asked) == [asked[0], asked[2]], "the oldest first"
    assert await letters.drop("b", asked, "no") == [asked[1], asked[3]]
