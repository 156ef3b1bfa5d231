"""Documents as the log has them now: at once, where the read models follow within moments."""

from dataclasses import dataclass
from typing import Any

from contracts.access import collection_of
from contracts.documents import DocumentContent
from contracts.event_types import TAKES_IN
from contracts.lines import file_of_line
from eventstore.keys import AggregateKey
from eventstore.reader import EventReader
from services.caller import Caller
from services.cursors import decoded, encoded
from services.deadline import Deadline
from services.storage.masking import attributes_without


@dataclass(frozen=True, slots=True)
class LoggedDocument:
    """A document that is there, and not deleted. `digest` is that of its text, "" where the caller may not see it."""

    document_id: str
    title: str
    uri: str | None
    digest: str
    attributes: dict[str, Any]


@dataclass(frozen=True, slots=True)
class LoggedPage:
    """By id. `next`: the cursor of the page behind, None where this is the last one."""

    documents: tuple[LoggedDocument, ...]
    next: str | None


class ListLogged:
    """Raises AccessDeniedError, WrongCursorError, StoreUnavailableError, DeadlineExceededError."""

    def __init__(self, reader: EventReader) -> None:
        self._reader = reader

    async def documents(
        self,
        caller: Caller,
        *,
        id_prefix: str = "",
        file_prefix: str = "",
        after: str | None,
        limit: int,
        deadline: Deadline,
    ) -> LoggedPage:
        """The caller's documents whose ids begin so, in this case: at most `limit` behind the cursor `after`.

        With `file_prefix` only those that are lines of files whose addresses begin so. Without what he may not see.
        """
        caller.require("documents", "read")
        reach = caller.access.reach("documents", "read")
        behind = "" if after is None else decoded("logged", after, 1)[0]
        async with deadline.enforce("listing documents of the log"):
            found = await self._reader.documents.ids(
                caller.tenant, id_prefix, behind, limit + 1, reach.collections, file_prefix=file_prefix
            )
            keys = [AggregateKey(caller.tenant, "document", one) for one in found[:limit]]
            events = await self._reader.last.of_types(keys, TAKES_IN)
        documents = []
        for key in keys:
            content = events[key].event_data
            assert isinstance(content, DocumentContent)
            masked = reach.masked_fields(collection_of(content.attributes))
            if masked is None:
                # It went to another collection since its id was read.
                continue
            attributes = attributes_without(content.attributes, masked)
            if file_prefix and not file_of_line(attributes):
                # He may not see of which file it is.
                continue
            documents.append(
                LoggedDocument(
                    document_id=key.aggregate_id,
                    title="" if "title" in masked else content.title,
                    uri=None if "uri" in masked else content.uri,
                    digest="" if "text" in masked else content.text.digest,
                    attributes=attributes,
                )
            )
        return LoggedPage(tuple(documents), encoded("logged", found[limit - 1]) if len(found) > limit else None)
