"""The bytes that a document was read from, where they were kept."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from contracts.access import collection_of
from contracts.documents import DocumentContent
from contracts.event_types import CONTENT_TYPES
from eventstore.originals import OriginalStore
from eventstore.reader import EventReader
from services.caller import Caller
from services.deadline import Deadline
from services.errors import NotFoundError
from services.storage.files import ORIGINAL
from services.storage.lookup import find_aggregate, unknown

DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Original:
    """Of the document as it is now. `digest`: sha256 of the bytes, in hexadecimal."""

    document_id: str
    digest: str
    content: bytes


class ReadOriginal:
    """Raises AccessDeniedError, NotFoundError, StoreUnavailableError, DeadlineExceededError."""

    def __init__(self, reader: EventReader, originals: OriginalStore) -> None:
        self._reader = reader
        self._originals = originals

    async def read(self, caller: Caller, names: Sequence[str], *, deadline: Deadline) -> Original:
        """Of the document that goes by the first of these names that is known; whoever may see its whole text may."""
        caller.require("documents", "read")
        async with deadline.enforce("reading an original"):
            key = await find_aggregate(self._reader, caller, names, ["document"])
            content = (await self._reader.last_of_types([key], CONTENT_TYPES))[key].event_data
            reach = caller.access.reach("documents", "read")
            if not isinstance(content, DocumentContent):
                seen = reach.collections
                if seen is not None and not await self._reader.documents_within(key.tenant, [key.aggregate_id], seen):
                    raise unknown(names[0], ["document"])
                raise NotFoundError(f"{names[0]} was deleted, and its original with it; take the file in again")
            masked = reach.masked_fields(collection_of(content.attributes))
            if masked is None:
                raise unknown(names[0], ["document"])
            digest = content.attributes.get(ORIGINAL)
            if masked or not isinstance(digest, str) or not DIGEST.fullmatch(digest):
                raise _not_kept(names[0])
            found = await self._originals.get(key.tenant, key.aggregate_id, digest)
        if found is None:
            raise _not_kept(names[0])
        return Original(key.aggregate_id, digest, found)


def _not_kept(name: str) -> NotFoundError:
    return NotFoundError(f"no original of {name} is kept; take its file in with --keep-original")
