"""Erasing a subject, a person or whatever else has a name, from all documents that name it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from eventstore.keys import AggregateKey
from services.caller import Caller
from services.deadline import Deadline
from services.storage.erasing import EraseDocuments, Erasure
from services.storage.naming import FindNaming


@dataclass(frozen=True, slots=True)
class SubjectErasure:
    """`left`: ids of documents that name the subject, too, and were not on the list that the caller had seen."""

    erasure: Erasure
    left: tuple[str, ...]


class EraseSubjects:
    """For who may administer documents. A document that names the subject is erased as a whole."""

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
    ) -> SubjectErasure:
        """Erase those of `documents`, the list that was shown, which name the subject, and all questions that do.

        Broken off, it is done again, and goes on. Raises AccessDeniedError, InvalidRequestError, ConflictError,
        StoreUnavailableError, DeadlineExceededError.
        """
        caller.require("documents", "administer")
        found = await self._naming.find(caller, names, deadline=deadline)
        shown = [one.document_id for one in found.documents if one.document_id in documents]
        also = [
            *(AggregateKey(caller.tenant, "reasoning_query", one) for one in found.questions),
            *(AggregateKey(caller.tenant, "entity", one) for one in found.entities),
        ]
        erasure = await self._erasing.erase(
            caller,
            [[one] for one in shown],
            reason=reason,
            correlation_id=correlation_id,
            deadline=deadline,
            also=also,
        )
        left = tuple(one.document_id for one in found.documents if one.document_id not in documents)
        return SubjectErasure(erasure, left)
