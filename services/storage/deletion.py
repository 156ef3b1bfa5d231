"""Deleting documents."""

from collections.abc import Sequence
from dataclasses import dataclass

from aggregates import document as documents
from aggregates.cause import Cause
from aggregates.document import Decision, Document
from contracts.access import collection_of
from contracts.envelope import DomainEvent
from eventstore.commands import Command, Commands
from eventstore.keys import AggregateKey
from eventstore.reader import EventReader
from services.caller import Caller
from services.deadline import Deadline
from services.storage.lookup import find_aggregate, unknown
from services.storage.precondition import check_version


@dataclass(frozen=True, slots=True)
class Deletion:
    """Ids of the documents that were deleted now, and of those that had been deleted before.

    `position`: in the log, of the last event of any of them.
    """

    deleted: tuple[str, ...]
    already: tuple[str, ...]
    position: int

    @property
    def all(self) -> tuple[str, ...]:
        """Every document that was named."""
        return (*self.deleted, *self.already)


class DeleteDocuments:
    """Appends the deletions; the read models follow."""

    def __init__(self, commands: Commands, reader: EventReader) -> None:
        self._commands = commands
        self._reader = reader

    async def delete(
        self,
        caller: Caller,
        documents_named: Sequence[Sequence[str]],
        *,
        reason: str | None,
        correlation_id: str,
        deadline: Deadline,
        expected_version: int | None = None,
    ) -> Deletion:
        """Delete all of these documents, or none where one is unknown. Each is given by the names it may go by.

        `expected_version`: the version that each must have before. Raises AccessDeniedError, NotFoundError,
        VersionMismatchError, ConflictError, StoreUnavailableError, DeadlineExceededError.
        """
        caller.require("documents", "delete")
        async with deadline.enforce("deleting"):
            named: dict[AggregateKey, str] = {}
            for names in documents_named:
                named.setdefault(await find_aggregate(self._reader, caller, names, ["document"]), names[0])
            keys = list(named)
            cause = Cause(caller.metadata, correlation_id)
            appended = await self._commands.execute_many(
                [
                    Command(key, Document.project, _decision(caller, name, reason, cause, expected_version))
                    for key, name in named.items()
                ]
            )
            latest = await self._reader.last.of(keys)
        pairs = list(zip(keys, appended, strict=True))
        return Deletion(
            deleted=tuple(key.aggregate_id for key, events in pairs if events),
            already=tuple(key.aggregate_id for key, events in pairs if not events),
            position=max((one.position for one in latest.values()), default=0),
        )


def _decision(caller: Caller, name: str, reason: str | None, cause: Cause, expected_version: int | None) -> Decision:
    def decide(document: Document | None) -> tuple[DomainEvent, ...]:
        _check(caller, name, document)
        check_version(expected_version, document)
        return documents.delete(document, reason, cause)

    return decide


def _check(caller: Caller, name: str, document: Document | None) -> None:
    """Raises AccessDeniedError where the caller may not delete it, NotFoundError where he may not see it either."""
    if document is None:
        return
    attributes = {"collection": collection_of(document.attributes)}
    if not caller.access.decide("documents", "delete", attributes).allowed:
        if not caller.access.decide("documents", "read", attributes).allowed:
            raise unknown(name, ["document"])
        caller.require("documents", "delete", attributes)
