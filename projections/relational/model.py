"""Events to rows of the relational read model. Pure."""

from collections.abc import Iterator, Sequence

from contracts.codec import canonical
from contracts.entity_decisions import EntityDecisions
from contracts.event_types import AggregateKind
from contracts.folding import name_key
from contracts.predicates import succession_of
from eventstore.keys import AggregateKey
from projections.changes import Row, Sections, types_of
from projections.document_state import DocumentState
from projections.postgres.layout import Count, Layout
from projections.postgres.tables import Naming, Table
from projections.states import QueryState, State

LAYOUT = Layout(
    name="relational",
    schema_version=10,
    tables=(
        Table(
            "documents",
            "document_id",
            ("tenant", "document_id", "title", "uri", "attributes", "digest", "characters", "bytes", "taken_at"),
        ),
        Table("states", "document_id", ("tenant", "document_id", "stage", "since")),
        Table(
            "chunks",
            "document_id",
            ("tenant", "document_id", "chunk_id", "index", "start_at", "end_at", "tokens", "digest"),
        ),
        Table(
            "mentions",
            "document_id",
            ("tenant", "document_id", "entity_id", "name", "type", "chunk_id", "start_at", "end_at", "confidence"),
        ),
        Table("aliases", "document_id", ("tenant", "document_id", "entity_id", "name", "chunk_id", "quality")),
        Table(
            "relations",
            "document_id",
            (
                "tenant", "document_id", "relation_id", "subject_id", "subject", "predicate", "object_id", "object",
                "chunk_id", "start_at", "end_at", "confidence", "valid", "negated", "modality", "time", "valid_from",
                "valid_until", "succession",
            ),
        ),
        Table(
            "decisions",
            "entity_id",
            ("tenant", "entity_id", "name", "type", "aliases", "keys", "merged_into", "valid", "confidence"),
        ),
        Table(
            "queries",
            "query_id",
            (
                "tenant", "query_id", "question", "answered", "confidence", "cached", "knowledge", "milliseconds",
                "asked_at", "cache_key", "valid",
            ),
        ),
    ),
    names=(
        Naming("mentions", "entity_id", "name", "type"),
        Naming("aliases", "entity_id", "name"),
        Naming("relations", "subject_id", "subject"),
        Naming("relations", "object_id", "object"),
    ),
    counts={"mentions": Count.TYPED_ROWS, "documents": Count.DOCUMENTS},
)  # fmt: skip


class RelationalModel:
    """Follows documents, entities and questions."""

    name = "relational"
    kinds: frozenset[AggregateKind] = frozenset({"document", "entity", "reasoning_query"})
    event_types = folded_types = types_of(kinds)
    chunks_say_content = False

    def __init__(self, reading: str = "") -> None:
        self.reading = reading

    def of(self, model_revision: str | None) -> "RelationalModel":
        """Of what this reading of the documents has; None: of what was found first."""
        return RelationalModel(model_revision or "")

    async def sections(self, states: Sequence[tuple[AggregateKey, State | None]]) -> list[Sections]:
        """Rows for every table that the state says something about."""
        return [
            _sections(key, state.read_as(self.reading) if isinstance(state, DocumentState) else state)
            for key, state in states
        ]


def _sections(key: AggregateKey, state: State | None) -> Sections:
    match state:
        case DocumentState():
            return dict(_document(key, state))
        case EntityDecisions():
            return {"decisions": _decision(key, state)}
        case QueryState():
            return {"queries": _queries(key, state)}
        case None:
            return {}


def _document(key: AggregateKey, state: DocumentState) -> Iterator[tuple[str, Sequence[Row]]]:
    tenant, document_id = key.tenant, key.aggregate_id
    content = state.content
    if state.gone:
        yield "documents", ()
        yield "states", ()
    elif content is not None:
        row = (
            tenant,
            document_id,
            content.title,
            content.uri,
            canonical(content.attributes).decode(),
            content.text.digest,
            content.text.characters,
            content.text.bytes,
            state.taken_at,
        )
        yield "documents", (row,)
    if state.stage is not None:
        yield "states", ((tenant, document_id, state.stage, state.at),)
    if state.chunks is not None:
        yield (
            "chunks",
            [(tenant, document_id, c.chunk_id, c.index, c.start, c.end, c.tokens, c.digest) for c in state.chunks],
        )
    if state.mentions is not None:
        yield (
            "mentions",
            [
                (tenant, document_id, m.entity_id, m.name, m.type, m.chunk_id, m.start, m.end, m.confidence)
                for m in state.mentions
            ],
        )
    if state.aliases is not None:
        yield (
            "aliases",
            [(tenant, document_id, a.entity_id, a.name, a.chunk_id, a.quality) for a in state.aliases],
        )
    if state.relations is not None:
        yield (
            "relations",
            [
                (
                    tenant, document_id, r.relation_id, r.subject_id, r.subject, r.predicate, r.object_id, r.object,
                    r.chunk_id, r.start, r.end, r.confidence, judged.valid, r.negated, r.modality, r.time, r.valid_from,
                    r.valid_until, succession_of(r),
                )
                for judged in state.relations
                for r in (judged.relation,)
            ],
        )  # fmt: skip


def _decision(key: AggregateKey, state: EntityDecisions) -> Sequence[Row]:
    """What is in force; nothing where it was all undone."""
    updated, validated = state.updated, state.validated
    if (updated, state.merged_into, validated) == (None, None, None):
        return ()
    return (
        (
            key.tenant,
            key.aggregate_id,
            updated.name if updated else None,
            updated.type if updated else None,
            list(updated.aliases) if updated else [],
            [name_key(name) for name in state.given_names],
            state.merged_into,
            validated.valid if validated else None,
            validated.confidence if validated else None,
        ),
    )


def _queries(key: AggregateKey, state: QueryState) -> Sequence[Row]:
    executed = state.executed
    if executed is None:
        return ()
    return (
        (
            key.tenant,
            key.aggregate_id,
            executed.question,
            executed.answer is not None,
            executed.confidence,
            executed.cached,
            executed.knowledge,
            executed.milliseconds,
            state.at,
            state.cache_key,
            state.valid,
        ),
    )
