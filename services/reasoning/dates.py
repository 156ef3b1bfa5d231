"""When the documents of an answer's candidates are from, as far as who asks may know."""

import re
from dataclasses import replace
from datetime import UTC

from contracts.access import collection_of
from projections.relational.reads import DocumentFilter, DocumentSummary, RelationalReader
from reasoning.results import Answer, DateOf
from services.caller import Caller
from services.storage.masking import without

SAID = ("created", "date")
"""Attributes in which a producer, or a file, says a document's date; the first one that does is taken."""
_DATE = re.compile(r"\d{4}(-\d\d(-\d\d([T ]\d[\d:.,+Z-]{1,30})?)?)?", re.ASCII)


class DocumentDates:
    """One read for an answer, of its tenant's documents alone. Raises AccessDeniedError, StoreUnavailableError."""

    def __init__(self, relational: RelationalReader) -> None:
        self._relational = relational

    async def dated(self, caller: Caller, answer: Answer) -> Answer:
        """The answer whose candidates have their documents' dates; a date that is masked is that of taking in."""
        caller.require("reasoning", "execute")
        ids = list(dict.fromkeys(candidate.document_id for candidate in answer.candidates))
        rows = await self._relational.list_documents(caller.tenant, DocumentFilter(ids=ids), None, len(ids))
        reach = caller.access.reach("reasoning", "execute")
        dates = {}
        for row in rows:
            masked = reach.masked_fields(collection_of(row.attributes))
            if masked is not None:
                dates[row.document_id] = _date(without(row, masked))
        candidates = []
        for candidate in answer.candidates:
            date, date_of = dates.get(candidate.document_id, (None, None))
            candidates.append(replace(candidate, date=date, date_of=date_of))
        return replace(answer, candidates=tuple(candidates))


def _date(row: DocumentSummary) -> tuple[str, DateOf]:
    for name in SAID:
        said = row.attributes.get(name)
        if isinstance(said, str) and _DATE.fullmatch(said):
            return said, "said"
    return row.taken_at.astimezone(UTC).isoformat(), "taken in"
