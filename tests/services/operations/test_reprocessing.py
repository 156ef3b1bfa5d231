"""What stands still: a document whose stage is past its last event. What only waits does not, nor a dead letter."""

from collections.abc import AsyncIterator
from uuid import uuid4

import psycopg
import pytest

from aggregates import document as documents
from aggregates.cause import Cause
from contracts.documents import DocumentContent, TextReference
from contracts.envelope import DomainEvent, EventMetadata
from contracts.event_types import EventType
from contracts.topics import topics
from eventstore.dead_letters import DeadLetter, DeadLetters
from eventstore.log import EventLog
from eventstore.log_ids import PUBLIC_IDS
from eventstore.pool import PostgresPool, close_pool, open_pool
from eventstore.positions import ConsumerPositions
from eventstore.reader import EventReader
from eventstore.reprocess_requests import ReprocessRequests
from projections.postgres.store import PostgresStore
from projections.projector import Projector
from projections.relational.model import LAYOUT, RelationalModel
from projections.relational.postgres import PostgresRelational
from security.access import FULL_ACCESS
from services.caller import Caller
from services.deadline import Deadline
from services.operations.reprocessing import Reprocess

ADA, EVE = Caller("acme", "ada", "test", FULL_ACCESS), Caller("other", "eve", "test", FULL_ACCESS)
PARTITIONS = topics().of(EventType.DOCUMENT_INGESTED).all_partitions


def ingested(document_id: str, tenant: str = "acme") -> DomainEvent:
    content = DocumentContent(title="t", text=TextReference(digest="a" * 64, characters=1, bytes=1))
    cause = Cause(metadata=EventMetadata(tenant=tenant), correlation_id=str(uuid4()))
    return documents.ingest(None, document_id, content, cause)[0]


class Scene:
    """The service over a fresh database, with a relational read model that follows the log."""

    def __init__(self, dsn: str, pool: PostgresPool) -> None:
        self.dsn, self.reader = dsn, EventReader(pool)
        self.positions, self.letters = ConsumerPositions(pool), DeadLetters(pool)
        self.store = PostgresStore(pool, LAYOUT)
        self.projector = Projector(RelationalModel(), self.store, self.reader)
        self.service = Reprocess(
            self.reader,
            ReprocessRequests(pool, PUBLIC_IDS),
            self.positions,
            self.letters,
            PostgresRelational(pool),
            topics(),
        )

    async def take_in(self, *events: DomainEvent) -> list[DomainEvent]:
        with EventLog.connect(self.dsn) as log:
            stored = log.append(events)
        await self.projector.apply(stored, {})
        return stored

    async def passed(self, stage: str, event: DomainEvent) -> None:
        """The stage is past an event, in every partition."""
        await self.positions.advance(stage, dict.fromkeys(PARTITIONS, event.position or 0))

    async def still(self, caller: Caller = ADA) -> list[tuple[str, str]]:
        found = await self.service.standing_still(caller, deadline=Deadline.after(30))
        return [(one.document_id, one.stage) for one in found]

    def requested(self) -> list[int]:
        with psycopg.connect(self.dsn, connect_timeout=5) as connection:
            rows = connection.execute("SELECT position FROM annals.reprocess_requests ORDER BY position").fetchall()
        return [row[0] for row in rows]


@pytest.fixture
async def scene(dsn: str) -> AsyncIterator[Scene]:
    pool = await open_pool(dsn)
    try:
        opened = Scene(dsn, pool)
        await opened.store.open()
        yield opened
    finally:
        await close_pool(pool)


async def test_a_document_that_its_stage_passed_by_stands_still(scene: Scene) -> None:
    missed, waiting = await scene.take_in(ingested("missed"), ingested("waiting"))
    assert await scene.still() == [], "both wait in line"
    await scene.passed("chunking", missed)
    assert await scene.still() == [("missed", "chunking")]
    await scene.passed("chunking", waiting)
    assert await scene.still() == [("missed", "chunking"), ("waiting", "chunking")]
    assert await scene.still(EVE) == [], "nobody else is told"


async def test_a_stage_that_is_behind_in_one_partition_may_have_it_before_it(scene: Scene) -> None:
    (event,) = await scene.take_in(ingested("d"))
    await scene.positions.advance("chunking", dict.fromkeys(PARTITIONS[1:], event.position or 0))
    assert await scene.still() == []


async def test_a_dead_letter_is_told_elsewhere(scene: Scene) -> None:
    (event,) = await scene.take_in(ingested("d"))
    await scene.passed("chunking", event)
    await scene.letters.add(
        [
            DeadLetter(
                "chunking", "i", PARTITIONS[0][0], 0, 1, b"d", b"x", "ValueError", "no",
                tenant="acme", aggregate_id="d", event_id=str(event.event_id), position=event.position,
            )
        ]
    )  # fmt: skip
    assert await scene.still() == []


async def test_what_is_reprocessed_is_asked_for_once_and_only_where_something_is_left(scene: Scene) -> None:
    open_, gone = await scene.take_in(ingested("open"), ingested("gone"))
    (theirs,) = await scene.take_in(ingested("theirs", "other"))
    deletion = DomainEvent.model_validate(
        ingested("gone").model_copy(update={"aggregate_version": 2}).model_dump()
        | {"event_type": "DocumentDeleted", "schema_version": 1, "event_data": {"reason": None}}
    )
    await scene.take_in(deletion)
    for _ in range(2):
        done = await scene.service.reprocess(
            ADA, ["open", "gone", "theirs", "nobody", "open"], deadline=Deadline.after(30)
        )
        assert (done.asked, done.finished, done.unknown) == (("open",), ("gone",), ("theirs", "nobody"))
    assert scene.requested() == [open_.position]
    assert await scene.service.unfinished(ADA, deadline=Deadline.after(30)) == ["open"]
    assert theirs.position not in scene.requested() and gone.position not in scene.requested()
