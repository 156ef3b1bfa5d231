"""Whether a caller may see a document, also one that no read model has (yet, or any more)."""

from collections.abc import Collection

from contracts.access import collection_of
from contracts.documents import DocumentContent
from contracts.event_types import CONTENT_TYPES, EventType
from eventstore.keys import AggregateKey
from eventstore.reader import EventReader
from security.reach import Reach
from services.caller import Caller


async def visible(reader: EventReader, caller: Caller, document_ids: Collection[str], reach: Reach) -> frozenset[str]:
    """Those of these documents that are, or were at the end, of a collection within reach.

    What was never taken in is in nobody's reach but his who sees everything. Raises StoreUnavailableError.
    """
    if reach.is_everything:
        return frozenset(document_ids)
    keys = [AggregateKey(caller.tenant, "document", document_id) for document_id in document_ids]
    found = await reader.last_of_types(keys, CONTENT_TYPES - {EventType.DOCUMENT_DELETED})
    return frozenset(
        key.aggregate_id
        for key, event in found.items()
        if isinstance(event.event_data, DocumentContent)
        and reach.masked_fields(collection_of(event.event_data.attributes)) is not None
    )
