"""What can be read from the graph, whichever database holds it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

NodeKind = Literal["entity", "passage"]


class Node(NamedTuple):
    """An entity or a passage."""

    kind: NodeKind
    id: str


class Edge(NamedTuple):
    """`label` is `mentions`, `about`, `next`, or a relation's predicate, with its modality where it has one: `acquire
    (may)`. Followed in both directions.
    """

    source: Node
    label: str
    target: Node


class Entity(NamedTuple):
    """A thing that documents name. `passages` counts those that speak of it."""

    entity_id: str
    name: str
    type: str | None
    passages: int


class Subject(NamedTuple):
    """A name of what a passage is about, with a quality in 0..1."""

    entity_id: str
    name: str
    chunk_id: str
    quality: float


class Mention(NamedTuple):
    """An entity that a passage names, and how often."""

    entity_id: str
    name: str
    chunk_id: str
    times: int


class Statement(NamedTuple):
    """A relation between two entities, stated in characters `start` to `end` of the chunk's document.

    `modality`, `time`, `valid_from` and `valid_until` are as in `contracts.documents.Relation`.
    """

    relation_id: str
    subject_id: str
    subject: str
    predicate: str
    object_id: str
    object: str
    chunk_id: str
    start: int
    end: int
    confidence: float
    modality: str | None = None
    time: str | None = None
    valid_from: str | None = None
    valid_until: str | None = None


class WrongRelation(NamedTuple):
    """A relation that somebody called wrong, told in characters `start` to `end` of the chunk's document."""

    subject: str
    predicate: str
    object: str
    chunk_id: str
    start: int
    end: int


@dataclass(frozen=True)
class GraphSnapshot:
    """A tenant's whole graph, or a part, at one moment. A merged entity is replaced by the one it was merged into.

    `rejected`: names of what somebody called no entity, which no other entity has here; in order. `wrong`: what these
    passages state and somebody called wrong, where that is known.
    """

    subjects: Sequence[Subject]
    mentions: Sequence[Mention]
    statements: Sequence[Statement]
    rejected: Sequence[str] = ()
    wrong: Sequence[WrongRelation] = ()


class GraphContent(Protocol):
    """What passages say of one another, a bounded part at a time.

    Every method raises StoreUnavailableError when the database is away. A name is looked for by its key
    (`contracts.folding.name_key`).
    """

    async def content_tag(self, tenant: str) -> str:
        """Changes whenever the tenant's graph changes."""
        ...

    async def named(self, tenant: str, keys: Sequence[str], most: int) -> list[Subject]:
        """The passages that these names are of: for each name at most `most`, the surest first."""
        ...

    async def mentioned(self, tenant: str, keys: Sequence[str], most: int) -> list[Mention]:
        """The passages that mention the entities of these names, at most `most` of each, in order of their ids."""
        ...

    async def around(self, tenant: str, chunk_ids: Sequence[str]) -> GraphSnapshot:
        """What these passages say, as of one moment."""
        ...

    async def spread(self, tenant: str, entity_ids: Sequence[str]) -> dict[str, int]:
        """How many passages speak of each of these entities; those that one alone speaks of, or none, are left out."""
        ...


class GraphReader(GraphContent, Protocol):
    """Reads the graph. Every method raises StoreUnavailableError when the database is away.

    An entity that was merged into another stands for that one wherever it is given.

    `collections`: only what documents of these collections say, "" for those of none; None for all documents. Then an
    entity is there where one of these documents names it, is called what most of them call it unless a person decided
    on its name, and counts their passages alone. A merge is followed where both of its entities are there.
    """

    async def snapshot(self, tenant: str) -> GraphSnapshot:
        """All of it, as of one moment."""
        ...

    async def visible_tag(self, tenant: str) -> str | None:
        """A content tag all of whose content every read sees from now on; None where that cannot be told now."""
        ...

    async def find(
        self, tenant: str, names: Sequence[str], *, collections: frozenset[str] | None = None
    ) -> list[Entity]:
        """The entities of these names, where there are such."""
        ...

    async def entities(
        self, tenant: str, entity_ids: Sequence[str], *, collections: frozenset[str] | None = None
    ) -> list[Entity]:
        """Those of these ids that are there, by id; a merged one is answered by what it became."""
        ...

    async def entities_in(
        self, tenant: str, document_id: str, *, collections: frozenset[str] | None = None
    ) -> list[Entity]:
        """The entities that a document's passages name, are about, or state something of; by id."""
        ...

    async def neighbours(
        self, tenant: str, node: Node, limit: int = 100, *, collections: frozenset[str] | None = None
    ) -> list[Edge]:
        """Edges at a node, at most `limit`, in a stable order."""
        ...

    async def paths(
        self, tenant: str, start: Node, end: Node, max_hops: int = 4, *, collections: frozenset[str] | None = None
    ) -> list[list[Edge]]:
        """The shortest paths between two nodes, in a stable order; none when further apart than `max_hops`."""
        ...

    async def k_hops(
        self,
        tenant: str,
        starts: Sequence[Node],
        hops: int,
        limit: int = 1000,
        *,
        collections: frozenset[str] | None = None,
    ) -> dict[Node, int]:
        """Nodes within `hops` edges, with their distance; at most `limit`, the nearest first."""
        ...
