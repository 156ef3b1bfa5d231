"""Erasing a subject, a person or whatever else has a name, from all documents that name it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from eventstore.keys import AggregateKey
from services.caller import Caller
from services.deadline import Deadline
from services.storage.erasing import NO_ERASURE, EraseDocuments, Erasure
from services.storage.naming import FindNaming, Naming

PART = 100
"""Documents that are erased together: each part waits for the read models once, and behind it one that is broken off
goes on."""


@dataclass(frozen=True, slots=True)
class SubjectErasure:
    """`left`: ids of documents that name the subject, too, and were not on the list that the caller had seen."""

    erasure: Erasure
    left: tuple[str, ...]


class Watch(Protocol):
    """Who wants to know how far it is."""

    async def begun(self, documents: Sequence[str]) -> None:
        """These of the list name the subject, and are going to be erased."""
        ...

    async def erased(self, part: Erasure) -> None:
        """These are."""
        ...


class EraseSubjects:
    """For who may administer all documents. A document that names the subject is erased as a whole."""

    def __init__(self, naming: FindNaming, erasing: EraseDocuments) -> None:
        self._naming, self._erasing = naming, erasing

    async def erase(
        self,
        caller: Caller,
        names: Sequence[str],
        documents: Collection[str],
        *,
        reason: str,
        correlation_id: str,
        deadline: Deadline,
        watch: Watch | None = None,
    ) -> SubjectErasure:
        """Erase those of `documents`, the list that was shown, which name the subject, and all questions that do.

        Broken off, it is done again, and goes on. Raises AccessDeniedError, InvalidRequestError, ConflictError,
        StoreUnavailableError, DeadlineExceededError.
        """
        caller.require_everything("documents", "administer")
        found = await self._naming.find(caller, names, deadline=deadline)
        shown = [one.document_id for one in found.documents if one.document_id in documents]
        if watch is not None:
            await watch.begun(shown)
        parts = [shown[start : start + PART] for start in range(0, len(shown), PART)] or [[]]
        erasure = NO_ERASURE
        for part in parts:
            erased = await self._erasing.erase(
                caller,
                [[one] for one in part],
                reason=reason,
                correlation_id=correlation_id,
                deadline=deadline,
                # Behind the last of the documents no other one names them.
                also=_beside(caller.tenant, found) if part is parts[-1] else (),
            )
            erasure += erased
            if watch is not None:
                await watch.erased(erased)
        if len(parts) > 1:
            # It took long: others may have come meanwhile.
            found = await self._naming.find(caller, names, deadline=deadline)
        left = tuple(one.document_id for one in found.documents if one.document_id not in documents)
        return SubjectErasure(erasure, left)


def _beside(tenant: str, found: Naming) -> list[AggregateKey]:
    return [
        *(AggregateKey(tenant, "reasoning_query", one) for one in found.questions),
        *(AggregateKey(tenant, "entity", one) for one in found.entities),
    ]
