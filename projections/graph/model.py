"""Events to nodes and edges. Pure."""

from collections.abc import Iterator, Sequence
from functools import lru_cache

from contracts.access import collection_of
from contracts.documents import Mention
from contracts.entity_decisions import EntityDecisions
from contracts.event_types import AggregateKind, EventType
from contracts.folding import name_key
from contracts.ids import normalise_name
from eventstore.keys import AggregateKey
from projections.changes import Row, Sections, types_of
from projections.document_state import DocumentState
from projections.postgres.layout import Count, Layout
from projections.postgres.tables import Naming, Table
from projections.states import State

LAYOUT = Layout(
    name="graph",
    schema_version=8,
    tables=(
        Table("documents", "document_id", ("tenant", "document_id", "collection")),
        Table("passages", "document_id", ("tenant", "document_id", "chunk_id", "index")),
        Table(
            "mentions",
            "document_id",
            ("tenant", "document_id", "chunk_id", "entity_id", "name", "type", "times", "key"),
        ),
        Table("subjects", "document_id", ("tenant", "document_id", "chunk_id", "entity_id", "name", "quality", "key")),
        Table(
            "relations",
            "document_id",
            (
                "tenant", "document_id", "relation_id", "subject_id", "subject", "predicate", "object_id", "object",
                "chunk_id", "start_at", "end_at", "confidence", "modality", "time", "valid_from", "valid_until",
            ),
        ),
        Table(
            "decisions",
            "entity_id",
            ("tenant", "entity_id", "name", "type", "merged_into", "valid", "names", "keys"),
        ),
    ),
    names=(
        Naming("mentions", "entity_id", "name", "type"),
        Naming("subjects", "entity_id", "name"),
        Naming("relations", "subject_id", "subject"),
        Naming("relations", "object_id", "object"),
    ),
    counts={"passages": Count.CHUNKS},
)  # fmt: skip


class GraphModel:
    """Follows documents and entities."""

    name = "graph"
    kinds: frozenset[AggregateKind] = frozenset({"document", "entity"})
    event_types = types_of(kinds)
    folded_types = event_types - {EventType.DOCUMENT_PROCESSED}
    chunks_say_content = False

    def __init__(self, reading: str = "") -> None:
        self.reading = reading

    def of(self, model_revision: str | None) -> "GraphModel":
        """Of what this reading of the documents has; None: of what was found first."""
        return GraphModel(model_revision or "")

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
        case _:
            return {}


def _decision(key: AggregateKey, state: EntityDecisions) -> Sequence[Row]:
    """What is in force; nothing where it was all undone."""
    updated, validated = state.updated, state.validated
    if (updated, state.merged_into, validated) == (None, None, None):
        return ()
    names = state.given_names
    return (
        (
            key.tenant,
            key.aggregate_id,
            updated.name if updated else None,
            updated.type if updated else None,
            state.merged_into,
            validated.valid if validated else None,
            names,
            [name_key(name) for name in names],
        ),
    )


def _document(key: AggregateKey, state: DocumentState) -> Iterator[tuple[str, Sequence[Row]]]:
    tenant, document_id = key.tenant, key.aggregate_id
    if state.gone:
        yield "documents", ()
    elif state.content is not None:
        yield "documents", [(tenant, document_id, collection_of(state.content.attributes))]
    if state.chunks is not None:
        yield "passages", [(tenant, document_id, c.chunk_id, index) for index, c in enumerate(state.chunks)]
    if state.mentions is not None:
        yield "mentions", _mentions(tenant, document_id, state.mentions)
    if state.aliases is not None:
        yield (
            "subjects",
            [
                (tenant, document_id, a.chunk_id, a.entity_id, a.name, a.quality, name_key(a.name))
                for a in state.aliases
            ],
        )
    if state.relations is not None:
        yield (
            "relations",
            [
                (
                    tenant, document_id, r.relation_id, r.subject_id, r.subject, r.predicate, r.object_id, r.object,
                    r.chunk_id, r.start, r.end, r.confidence, r.modality, r.time, r.valid_from, r.valid_until,
                )
                for judged in state.relations
                for r in (judged.relation,)
                # What the text denies, and what somebody called wrong, is no edge.
                if judged.valid is not False and not r.negated
            ],
        )  # fmt: skip


def _mentions(tenant: str, document_id: str, mentions: Sequence[Mention]) -> list[Row]:
    """One edge for each passage and entity, under the first name it has there."""
    first: dict[tuple[str, str], Mention] = {}
    times: dict[tuple[str, str], int] = {}
    for mention in mentions:
        edge = (mention.chunk_id, mention.entity_id)
        if edge in times:
            times[edge] += 1
        else:
            times[edge], first[edge] = 1, mention
    return [
        (
            tenant, document_id, *edge, mention.name, mention.type, times[edge], _accented(mention.name),
        )
        for edge, mention in first.items()
    ]  # fmt: skip


@lru_cache(maxsize=1 << 14)
def _accented(name: str) -> str:
    """The key of a name that its entity's id does not follow from, as it has accents. Others need none."""
    key = name_key(name)
    return "" if normalise_name(key) == normalise_name(name) else key
