"""Whether a caller may see a document, also one that no read model has (yet, or any more)."""

from collections.abc import Collection

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
    collections = reach.collections
    if collections is None:
        keys = [AggregateKey(caller.tenant, "document", document_id) for document_id in document_ids]
        return frozenset(key.aggregate_id for key in await reader.last.of(keys))
    return await reader.documents.within(caller.tenant, document_ids, collections)
