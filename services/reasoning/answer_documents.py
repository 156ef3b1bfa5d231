"""What is told of the documents of an answer: when they are from and where in them it stands, as far as who asks may
know."""

import re
from dataclasses import replace
from datetime import UTC

from projections.relational.reads import DocumentFilter, DocumentSummary, RelationalReader
from reasoning.results import Answer, Candidate, DateOf, ScoredPassage, Step
from services.caller import Caller
from services.citations import Citations
from services.storage.masking import as_seen

SAID = ("created", "date")
"""Attributes in which a producer, or a file, says a document's date; the first one that does is taken."""
_DATE = re.compile(r"\d{4}(-\d\d(-\d\d([T ]\d[\d:.,+Z-]{1,30})?)?)?", re.ASCII)


class AnswerDocuments:
    """Of an answer itself, whether somebody called it wrong.

    One read for an answer, of its tenant's documents alone, and one of the texts of those that have headings.

    Raises AccessDeniedError, StoreUnavailableError.
    """

    def __init__(self, relational: RelationalReader, citations: Citations) -> None:
        self._relational = relational
        self._citations = citations

    async def rejected(self, tenant: str, cache_key: str) -> str | None:
        """A question whose answer goes by this key, and was called wrong; whoever asked it, wherever it came from."""
        return await self._relational.rejected_question(tenant, cache_key)

    async def told(self, caller: Caller, answer: Answer) -> Answer:
        """The answer whose sources, steps and candidates are cited, candidates with the dates of their documents.

        A date that is masked is that of taking in; pages and headings that are masked are not told.
        """
        caller.require("reasoning", "execute")
        parts: list[ScoredPassage | Step | Candidate] = [*answer.sources, *answer.steps, *answer.candidates]
        ids = list(dict.fromkeys(part.document_id for part in parts))
        rows = await self._relational.list_documents(caller.tenant, DocumentFilter(ids=ids), None, len(ids))
        seen = {row.document_id: row for row in as_seen(rows, caller.access.reach("reasoning", "execute"))}
        citations = iter(await self._citations.of(caller.tenant, seen.values(), parts))
        sources = tuple(replace(one, citation=next(citations)) for one in answer.sources)
        steps = tuple(replace(one, citation=next(citations)) for one in answer.steps)
        candidates = []
        for candidate in answer.candidates:
            known = seen.get(candidate.document_id)
            date, date_of = (None, None) if known is None else _date(known)
            candidates.append(replace(candidate, date=date, date_of=date_of, citation=next(citations)))
        return replace(answer, sources=sources, steps=steps, candidates=tuple(candidates))


def _date(row: DocumentSummary) -> tuple[str, DateOf]:
    for name in SAID:
        said = row.attributes.get(name)
        if isinstance(said, str) and _DATE.fullmatch(said):
            return said, "said"
    return row.taken_at.astimezone(UTC).isoformat(), "taken in"
