"""What follows from relations by the ontology: worked out when it is asked for, and kept nowhere."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from contracts.merges import ends
from contracts.ontology import Ontology
from eventstore.pool import Connection, PostgresPool
from projections.postgres.consistent_read import consistent_read, retry_replaced
from projections.relational.entity_lookup import MEMBERS, MERGES
from projections.relational.model import LAYOUT
from projections.relational.typed import violations

MOST_STEPS = 6
"""Relations in a row from which another one follows."""
MOST_RELATIONS = 1000
"""Relations that are looked at in one step."""

Rule = Literal["inverse", "symmetric", "transitive"]

# What people called wrong, what is denied and what is only possible: nothing follows from it.
_STEP = f"""
{MEMBERS}, own(entity_id) AS (SELECT unnest($2::text[]) UNION SELECT entity_id FROM member)
SELECT r.document_id, r.relation_id, r.subject_id, r.predicate, r.object_id, r.confidence, r.valid
FROM relational.relations AS r WHERE r.tenant = $1 AND NOT r.negated AND r.modality IS NULL AND r.valid IS NOT false
AND ((r.predicate = ANY($3::text[]) AND r.subject_id IN (SELECT entity_id FROM own))
    OR (r.predicate = ANY($4::text[]) AND r.object_id IN (SELECT entity_id FROM own)))
ORDER BY r.document_id COLLATE "C", r.relation_id COLLATE "C" LIMIT {MOST_RELATIONS + 1}
"""
_NAMES = "SELECT entity_id, name, valid FROM relational.entities WHERE tenant = $1 AND entity_id = ANY($2::text[])"


@dataclass(frozen=True, slots=True)
class DerivedRelation:
    """A relation that no document states, with the ids of those that it follows from, in their order.

    `confidence`: the product of theirs.
    """

    subject_id: str
    subject: str
    predicate: str
    object_id: str
    object: str
    rule: Rule
    because: Sequence[str]
    confidence: float


@dataclass(frozen=True, slots=True)
class Derived:
    """`whole`: false where more relations would have had to be looked at than there may be."""

    relations: Sequence[DerivedRelation]
    whole: bool


@dataclass(frozen=True, slots=True)
class _Way:
    """Over which relations an entity is met."""

    because: tuple[str, ...]
    confidence: float


@dataclass(slots=True)
class _Found:
    """`stated`: what documents state. `names`: of the entities that were met, without those that are none."""

    stated: set[tuple[str, str, str]] = field(default_factory=set)
    names: dict[str, str] = field(default_factory=dict)
    whole: bool = True


class DerivedReader:
    """Raises StoreUnavailableError when the database is away."""

    def __init__(self, pool: PostgresPool, ontology: Ontology) -> None:
        self._pool = pool
        self._ontology = ontology

    @retry_replaced
    async def of(self, tenant: str, entity: str, predicate: str | None = None) -> Derived:
        """What follows of one entity, with this predicate where one is given; by predicate and names.

        It is an entity that was merged into no other. Relations of what was merged into one are its own.
        """
        wanted = {one for one in self._ontology.following if predicate in (None, one, self._ontology.inverse(one))}
        found, relations = _Found(), list[DerivedRelation]()
        async with consistent_read(self._pool, LAYOUT.name) as connection:
            # A predicate and its inverse say the same; of both one is walked, there and back.
            for one in sorted({min(name, self._ontology.inverse(name) or name) for name in wanted}):
                for out in (True, False) if self._ontology.inverse(one) != one else (True,):
                    ways = await self._walk(connection, tenant, entity, one, out, found)
                    relations += self._told(entity, one, out, ways, found)
        new = {
            one.predicate + "\0" + one.subject_id + "\0" + one.object_id: one
            for one in relations
            if predicate in (None, one.predicate) and (one.subject_id, one.predicate, one.object_id) not in found.stated
        }
        ordered = sorted(
            new.values(), key=lambda one: (one.predicate, one.subject, one.object, one.subject_id, one.object_id)
        )
        return Derived(ordered, found.whole)

    async def _walk(
        self, connection: Connection, tenant: str, entity: str, predicate: str, out: bool, found: _Found
    ) -> dict[str, _Way]:
        """Every entity that the predicate leads to (`out`), or from, in the fewest steps; the first by their ids."""
        inverse = self._ontology.inverse(predicate)
        most = MOST_STEPS if self._ontology.is_transitive(predicate) else 1
        ahead = [predicate] if out else [inverse] if inverse is not None else []
        back = [inverse] if out and inverse is not None else [predicate] if not out else []
        ways, border = {entity: _Way((), 1.0)}, [entity]
        for _ in range(most):
            edges = await self._edges(connection, tenant, border, ahead, back, found)
            arrived: dict[str, _Way] = {}
            for start, end, relation_id, confidence in edges:
                if start in ways and end not in ways:
                    way = _Way((*ways[start].because, relation_id), ways[start].confidence * confidence)
                    kept = arrived.get(end)
                    if kept is None or way.because < kept.because:
                        arrived[end] = way
            ways |= arrived
            border = sorted(arrived)
            if not border:
                break
        del ways[entity]
        return ways

    async def _edges(
        self,
        connection: Connection,
        tenant: str,
        border: Sequence[str],
        ahead: Sequence[str],
        back: Sequence[str],
        found: _Found,
    ) -> list[tuple[str, str, str, float]]:
        """From an entity of the border to another: over which relation, and how sure that is."""
        rows = await connection.fetch(_STEP, tenant, list(border), list(ahead), list(back))
        if len(rows) > MOST_RELATIONS:
            found.whole, rows = False, rows[:MOST_RELATIONS]
        stated = [(row["subject_id"], row["predicate"], row["object_id"]) for row in rows]
        wrong = await violations(connection, tenant, self._ontology, stated)
        became = await _became(connection, tenant, {end for one in stated for end in (one[0], one[2])})
        found.names |= await _names(connection, tenant, set(became.values()) | set(border))
        edges = []
        for row, why in zip(rows, wrong, strict=True):
            subject, obj = became[row["subject_id"]], became[row["object_id"]]
            if why is not None and row["valid"] is not True:
                continue
            if subject == obj or subject not in found.names or obj not in found.names:
                continue
            found.stated.add((subject, row["predicate"], obj))
            if row["predicate"] in ahead:
                edges.append((subject, obj, row["relation_id"], row["confidence"]))
            if row["predicate"] in back:
                edges.append((obj, subject, row["relation_id"], row["confidence"]))
        return edges

    def _told(
        self, entity: str, predicate: str, out: bool, ways: dict[str, _Way], found: _Found
    ) -> Iterable[DerivedRelation]:
        """As the predicate says it, and as its inverse does."""
        inverse = self._ontology.inverse(predicate)
        for other, way in ways.items():
            forward = (entity, other) if out else (other, entity)
            for name, (subject, obj) in ((predicate, forward), (inverse, forward[::-1])):
                if name is None:
                    continue
                one_step: Rule = "symmetric" if inverse == predicate else "inverse"
                rule: Rule = "transitive" if len(way.because) > 1 else one_step
                yield DerivedRelation(
                    subject,
                    found.names[subject],
                    name,
                    obj,
                    found.names[obj],
                    rule,
                    way.because,
                    way.confidence,
                )


async def _became(connection: Connection, tenant: str, entities: set[str]) -> dict[str, str]:
    """Each with what it was merged into in the end, or itself."""
    links = await connection.fetch(MERGES, tenant, sorted(entities))
    merged = ends({row["entity_id"]: row["into_id"] for row in links})
    return {one: merged.get(one, one) for one in entities}


async def _names(connection: Connection, tenant: str, entities: set[str]) -> dict[str, str]:
    rows = await connection.fetch(_NAMES, tenant, sorted(entities))
    return {row["entity_id"]: row["name"] or row["entity_id"] for row in rows if row["valid"] is not False}
