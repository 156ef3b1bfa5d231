"""A document is stored in all stores or in none, and where it is is said."""

from collections.abc import Iterable
from uuid import uuid4

import pytest

from contracts.topics import topics
from eventstore.errors import StoreUnavailableError
from eventstore.keys import AggregateKey
from eventstore.pool import PostgresPool
from eventstore.reader import EventReader
from projections.changes import uniform_positions
from projections.postgres.store import PostgresStore
from projections.projector import Projector
from projections.relational.model import LAYOUT, RelationalModel
from projections.store import Store
from security.access import FULL_ACCESS
from services.caller import Caller
from services.deadline import Deadline
from services.errors import AccessDeniedError, InvalidRequestError
from services.storage.intake import DocumentTooLargeError, Intake
from services.storage.interface import StorageLocation, StoreDocumentRequest
from services.storage.service import StorageService
from tests.support.access import allowed
from tests.support.stores import LIMIT

CALLER = Caller("ours", "ada", "http", FULL_ACCESS, correlation_id="request-1")


class Away:
    """A store that does not answer."""

    async def positions(self) -> dict[tuple[str, int], int]:
        raise StoreUnavailableError

    async def versions(self, keys: Iterable[AggregateKey]) -> dict[AggregateKey, int]:
        raise StoreUnavailableError


def soon() -> Deadline:
    return Deadline.after(20)


@pytest.fixture
async def store(pool: PostgresPool) -> PostgresStore:
    made = PostgresStore(pool, LAYOUT)
    await made.open()
    return made


@pytest.fixture
def service(intake: Intake, reader: EventReader, store: PostgresStore) -> StorageService:
    model = RelationalModel()
    away: Store = Away()  # type: ignore[assignment]
    return StorageService(intake, reader, [(model, store), (RelationalModel(), away)], topics())


async def test_stored_once_and_where_each_store_is(
    service: StorageService, store: PostgresStore, reader: EventReader
) -> None:
    request = StoreDocumentRequest("d1", "Lisse", "Lisse lies on the coast.", attributes={"year": 1911})
    first = await service.store_document(CALLER, request, soon())
    (event,) = await reader.after(0, 10)
    assert (event.correlation_id, event.metadata.source, event.metadata.actor) == ("request-1", "http", "ada")
    assert first.outcome == first.processing_metadata["outcome"] == "ingested"
    assert first.processing_metadata["version"] == 1 and first.processing_metadata["position"] == event.position
    assert first.storage_locations == (
        StorageLocation("log", event.position, True),
        StorageLocation("relational", 0, False),
        StorageLocation("relational", None, False),
    )

    # The same delivery again, as after an answer that was lost.
    again = await service.store_document(CALLER, request, soon())
    assert again.outcome == "duplicate" and len(await reader.after(0, 10)) == 1

    model = RelationalModel()
    assert event.position is not None
    await Projector(model, store, reader).apply([event], uniform_positions(model, topics(), event.position))
    followed = await service.store_document(CALLER, StoreDocumentRequest("d1", "Lisse", request.text), soon())
    assert followed.outcome == "updated" and followed.storage_locations[1].current is False
    same = await service.store_document(CALLER, StoreDocumentRequest("d1", "Lisse", request.text), soon())
    assert same.outcome == "unchanged"
    (_, *later) = await reader.after(0, 10)
    await Projector(model, store, reader).apply(later, uniform_positions(model, topics(), later[-1].position or 0))
    caught_up = await service.store_document(CALLER, StoreDocumentRequest("d1", "Lisse", request.text), soon())
    assert caught_up.storage_locations[1] == StorageLocation("relational", later[-1].position, True)


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (StoreDocumentRequest("", "T", "text"), "document_id"),
        (StoreDocumentRequest("d" * 1025, "T", "text"), "document_id"),
        (StoreDocumentRequest("d", "T" * 1025, "text"), "title"),
        (StoreDocumentRequest("d", "T", "nul \x00"), "text"),
        (StoreDocumentRequest("d", "T", "text", attributes={"a": [1]}), "attributes.a"),  # type: ignore[dict-item]
        (StoreDocumentRequest("d", "T", "text", delivery_id="x"), "delivery_id"),  # type: ignore[arg-type]
    ],
)
async def test_what_is_not_right_is_nowhere(
    service: StorageService, reader: EventReader, request_: StoreDocumentRequest, field: str
) -> None:
    with pytest.raises(InvalidRequestError, match=f"^{field}"):
        await service.store_document(CALLER, request_, soon())
    assert await reader.after(0, 10) == []


async def test_what_is_too_large_or_not_allowed_is_nowhere(service: StorageService, reader: EventReader) -> None:
    with pytest.raises(DocumentTooLargeError):
        await service.store_document(CALLER, StoreDocumentRequest("d", "T", "a" * (LIMIT + 1)), soon())
    with pytest.raises(AccessDeniedError, match="write documents"):
        eve = Caller("ours", "eve", "http", allowed())
        await service.store_document(eve, StoreDocumentRequest("d", "T", "text", delivery_id=uuid4()), soon())
    assert await reader.after(0, 10) == []
