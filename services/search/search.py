"""Searching for passages, in pages: by words, by meaning, by what is near in the graph, under conditions."""

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from contracts.access import collection_of
from contracts.codec import canonical
from inference.embedder import check_embedder
from projections.graph.reads import GraphReader
from projections.relational.reads import DocumentFilter, DocumentSummary, RelationalReader
from projections.vector.reads import Hit, Passage, PassageReader
from projections.vector.text_query import TextQuery
from reasoning.fusion import reciprocal_rank_fusion
from reasoning.results import Citation, scored
from reasoning.words import STOP_WORDS, stem, words_of
from security.reach import UNREADABLE
from services.caller import Caller
from services.citations import Citations
from services.cursors import WrongCursorError, decoded, encoded
from services.deadline import Deadline
from services.errors import NotFoundError
from services.reasoning.interface import EmbeddingRequest, EmbeddingResponse
from services.search.graph_hits import graph_hits
from services.search.highlights import highlights
from services.search.language import DocumentConditions, SearchQuery, parse, storable
from services.search.results import MOST_VALUES, FoundPassage, SearchPage, SearchRequest
from services.storage.masking import as_seen, fields_of_attributes
from services.work_limit import WorkLimit

MOST_FOUND = 500
"""Passages that a search finds at most, whatever the page."""
DOCUMENTS_LIMIT = 10_000
"""Documents that a search is told to keep to; where more meet the conditions, those of what it found are sifted."""
SIFTED = 5_000
"""Passages that are looked at then."""
MOST_CHARACTERS = 4096
"""Of a text whose meaning is searched for; an embedder reads less."""
RUNNING, WAITING = 4, 64
LIKE_WORDS, LIKE_PASSAGES = 25, 3
"""Words of a document, the most frequent, and its first passages, that others are compared with."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request, understood: `like` is the document that is left out, `documents` what the search keeps to."""

    query: SearchQuery
    documents: list[str] | None
    sift: DocumentFilter | None
    like: str | None


class Embedding(Protocol):
    """The part of the reasoning service that is needed here."""

    async def embed(self, caller: Caller, request: EmbeddingRequest, deadline: Deadline) -> EmbeddingResponse:
        """As `services.reasoning.interface.Reasoning`."""
        ...


class SearchPassages:
    """Every method raises AccessDeniedError, NotFoundError, WrongCursorError, OverloadedError, StoreUnavailableError,
    InferenceError, OtherModelError, DeadlineExceededError; no query is a wrong one.
    """

    def __init__(
        self,
        passages: PassageReader,
        graph: GraphReader,
        relational: RelationalReader,
        embedding: Embedding,
        citations: Citations,
    ) -> None:
        self._passages = passages
        self._graph = graph
        self._relational = relational
        self._embedding = embedding
        self._citations = citations
        self._turns = WorkLimit(RUNNING, WAITING)

    async def search(
        self, caller: Caller, request: SearchRequest, *, after: str | None, limit: int, deadline: Deadline
    ) -> SearchPage:
        """At most `limit` passages behind the cursor `after`, of documents that the caller may see."""
        caller.require("search", "read")
        like = None if request.like is None else storable(request.like)
        request = replace(request, query=storable(request.query), like=like)
        async with deadline.enforce("searching"), self._turns.turn(caller.tenant, deadline):
            asked = await self._asked(caller, request)
            hits = await self._hits(caller, asked, request, deadline)
            found, passages, rows = await self._passing(caller.tenant, asked, hits)
            behind = found if after is None else _behind(found, _position(request, after))
            page = behind[:limit]
            shown = asked.query.text
            cited = await self._cited(caller, [passages[hit.chunk_id] for hit in page], rows)
            return SearchPage(
                passages=tuple(
                    FoundPassage(
                        replace(scored(passages[hit.chunk_id], hit.score), citation=citation),
                        highlights(shown, passages[hit.chunk_id].text),
                    )
                    for hit, citation in zip(page, cited, strict=True)
                ),
                next=_cursor(request, page[-1]) if len(behind) > limit else None,
                found=len(found),
                truncated=len(hits) >= MOST_FOUND,
                facets=_facets(caller, request.facets, rows),
            )

    async def _cited(
        self, caller: Caller, page: Sequence[Passage], rows: Sequence[DocumentSummary]
    ) -> list[Citation | None]:
        reach, ids = caller.access.reach("search", "read"), {one.document_id for one in page}
        shown = as_seen((row for row in rows if row.document_id in ids), reach)
        return await self._citations.of(caller.tenant, shown, page)

    async def _asked(self, caller: Caller, request: SearchRequest) -> _Asked:
        query, like = parse(request.query), None
        reach = caller.access.reach("search", "read")
        if request.like is not None:
            passages = await self._model_passages(caller, request.like)
            like = passages[0].document_id
            query = _likeness(query, passages)
        wanted = _filter(query.conditions)
        collections = reach.showing(UNREADABLE | _fields(query.conditions))
        if collections is not None:
            wanted = replace(wanted, collections=collections)
        if not query.conditions and collections is None:
            return _Asked(query, None, None, like)
        rows = await self._relational.list_documents(caller.tenant, wanted, None, DOCUMENTS_LIMIT + 1)
        if len(rows) > DOCUMENTS_LIMIT:
            return _Asked(query, None, wanted, like)
        return _Asked(query, [row.document_id for row in rows], None, like)

    async def _model_passages(self, caller: Caller, like: str) -> list[Passage]:
        """First passages of a document, or one passage, that the caller may see. Raises NotFoundError."""
        one = (await self._passages.passages(caller.tenant, [like])).get(like)
        passages = [one] if one is not None else await self._passages.of_document(caller.tenant, like)
        if passages:
            document_id = passages[0].document_id
            seen = caller.access.reach("search", "read").searched
            wanted = DocumentFilter(ids=[document_id], collections=seen)
            if seen is None or await self._relational.list_documents(caller.tenant, wanted, None, 1):
                return passages[:LIKE_PASSAGES]
        raise NotFoundError(f"there is no document and no passage {like!r}")

    async def _hits(self, caller: Caller, asked: _Asked, request: SearchRequest, deadline: Deadline) -> list[Hit]:
        """At most MOST_FOUND, or SIFTED where they are sifted; best first."""
        tenant = caller.tenant
        size = SIFTED if asked.sift is not None else MOST_FOUND
        if asked.documents is not None and not asked.documents:
            return []
        text, meaning = asked.query.text, asked.query.meaning
        if text == TextQuery():
            # Without a word that says anything there is nothing to search for, but for all that meets conditions.
            if not asked.query.conditions:
                return []
            return await self._passages.full_text(tenant, text, size, asked.documents)
        if request.mode == "graph":
            return await graph_hits(self._graph, tenant, meaning, size)
        if request.mode == "text" or not meaning:
            return await self._passages.full_text(tenant, text, size, asked.documents)
        if request.mode == "vector":
            return await self._near(caller, meaning, size, asked.documents, deadline)
        both = await asyncio.gather(
            self._near(caller, meaning, size, asked.documents, deadline),
            self._passages.full_text(tenant, text, size, asked.documents),
        )
        fused = reciprocal_rank_fusion([[hit.chunk_id for hit in hits] for hits in both])
        return [Hit(*one) for one in fused]

    async def _near(
        self, caller: Caller, meaning: str, size: int, documents: Sequence[str] | None, deadline: Deadline
    ) -> list[Hit]:
        asked, tried = EmbeddingRequest(meaning[:MOST_CHARACTERS]), set[str]()
        while True:
            query = await self._embedding.embed(caller, asked, deadline)
            vector = np.asarray(query.vector, dtype=np.float32)
            near = await self._passages.nearest(caller.tenant, query.revision, vector, size, documents)
            if near:
                return near
            stored = await self._passages.models(caller.tenant)
            # Another embedder may have taken over in between: then it embeds the query.
            if query.revision in tried or query.revision in stored or not stored:
                check_embedder(query.revision, stored)
                return near
            tried.add(query.revision)

    async def _passing(
        self, tenant: str, asked: _Asked, hits: Sequence[Hit]
    ) -> tuple[list[Hit], Mapping[str, Passage], list[DocumentSummary]]:
        """Hits whose passages are there and meet everything, best first; their passages and documents."""
        passages = await self._passages.passages(tenant, [hit.chunk_id for hit in hits])
        text = asked.query.text
        within = None if asked.documents is None else frozenset(asked.documents)
        kept = [
            hit
            for hit in hits
            if (one := passages.get(hit.chunk_id)) is not None
            and one.document_id != asked.like
            and (within is None or one.document_id in within)
            and text.admits(f"{one.title} {one.text}")
        ]
        ids = list(dict.fromkeys(passages[hit.chunk_id].document_id for hit in kept))
        wanted = replace(asked.sift or DocumentFilter(), ids=ids)
        rows = await self._relational.list_documents(tenant, wanted, None, len(ids)) if ids else []
        if asked.sift is not None:
            those = {row.document_id for row in rows}
            kept = [hit for hit in kept if passages[hit.chunk_id].document_id in those]
        kept.sort(key=lambda hit: (-hit.score, hit.chunk_id))
        return kept[:MOST_FOUND], passages, rows


def _filter(conditions: DocumentConditions) -> DocumentFilter:
    return DocumentFilter(
        ids=conditions.documents or None,
        uri_prefix=conditions.source or "",
        attributes={name: _values(given) for name, given in conditions.attributes.items()},
        since=conditions.since,
        until=conditions.until,
    )


def _values(given: Sequence[str]) -> tuple[object, ...]:
    """Each as text, and as the number or truth value that it may be."""
    found: list[object] = list(given)
    for one in given:
        try:
            value = json.loads(one, parse_constant=str)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, int | float) and abs(value) < 2**63:
            found.append(value)
    return tuple(found)


def _fields(conditions: DocumentConditions) -> frozenset[str]:
    """What may be masked of what is looked for by."""
    return fields_of_attributes(conditions.attributes) | (frozenset({"uri"}) if conditions.source else frozenset())


def _likeness(query: SearchQuery, passages: Sequence[Passage]) -> SearchQuery:
    """The meaning and the words of these passages, in place of a query's own; what must or must not be there stays."""
    whole = "\n".join(dict.fromkeys([passages[0].title, *(one.text for one in passages)]))
    counts = Counter(word.folded for word in words_of(whole) if word.folded not in STOP_WORDS and stem(word.folded))
    words = sorted(counts, key=lambda word: (-counts[word], -len(word), word))[:LIKE_WORDS]
    return replace(query, meaning=whole, text=replace(query.text, ranking=" ".join(words)))


def _facets(caller: Caller, names: Sequence[str], rows: Sequence[DocumentSummary]) -> dict[str, dict[str, int]]:
    """An attribute that is masked is not counted."""
    reach = caller.access.reach("search", "read")
    counts: dict[str, Counter[str]] = {name: Counter() for name in names}
    for row in rows:
        masked = reach.masked_fields(collection_of(row.attributes))
        for name, counted in counts.items():
            value = row.attributes.get(name)
            if value is not None and masked is not None and masked.isdisjoint(fields_of_attributes([name])):
                counted[value if isinstance(value, str) else json.dumps(value)] += 1
    return {
        name: dict(sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))[:MOST_VALUES])
        for name, counted in counts.items()
    }


def _cursor(request: SearchRequest, last: Hit) -> str:
    return encoded("search", _digest(request), repr(last.score), last.chunk_id)


def _position(request: SearchRequest, cursor: str) -> tuple[float, str]:
    """Score and chunk id of the last entry before. Raises WrongCursorError."""
    digest, score, chunk_id = decoded("search", cursor, 3)
    if digest != _digest(request):
        raise WrongCursorError("this cursor is of another search; repeat that one's query, or start without a cursor")
    try:
        return float(score), chunk_id
    except ValueError:
        raise WrongCursorError() from None


def _behind(hits: Sequence[Hit], position: tuple[float, str]) -> list[Hit]:
    score, chunk_id = position
    return [hit for hit in hits if (-hit.score, hit.chunk_id) > (-score, chunk_id)]


def _digest(request: SearchRequest) -> str:
    asked = [request.query, request.mode, request.like]
    return hashlib.sha256(canonical(asked)).hexdigest()[:16]
