"""What the read models tell, beside what the plain model says that they should: the same shapes from both sides."""

from typing import Any

from annals.composition.profiles import Readers, ReadSide
from annals.composition.stores import Stores
from inference.model import digest_of
from projections.relational.entity_lookup import EntityLookup
from projections.relational.reads import DocumentFilter, EntityFilter, RelationFilter, RelationRow
from tests.faults.plain import PlainTenant
from tests.faults.told import Called, Stated

ALL = 10_000
MOST = 5
"""Differences of one kind that are told."""


async def found(read: Readers | ReadSide, tenant: str) -> dict[str, Any]:
    """By what it is, everything that readers of one generation are told of a tenant."""
    documents = await read.relational.list_documents(tenant, DocumentFilter(), None, ALL)
    entities = await read.relational.list_entities(tenant, EntityFilter(), None, ALL)
    relations = await read.relational.list_relations(tenant, RelationFilter(), None, ALL)
    counts = await read.relational.counts(tenant)
    graph = await read.graph.snapshot(tenant)
    passages = await read.passages.all_passages(tenant)
    chunks = {
        (one.document_id, chunk.chunk_id, chunk.start, chunk.end)
        for one in documents
        for chunk in await read.relational.list_chunks(tenant, one.document_id, None, ALL)
    }
    listed = {one.entity_id: Called(one.name, one.type, one.mentions, one.documents, one.valid) for one in entities}
    return {
        "documents": {one.document_id: (one.title, one.digest, one.stage) for one in documents},
        "chunks": chunks,
        "entities": listed,
        "relations": {(*_relation(r), r.chunk_id, r.valid, round(r.confidence, 3)) for r in relations},
        "counts": (counts.documents, counts.chunks, counts.entities, counts.relations, counts.waiting),
        "texts": {(one.document_id, one.chunk_id, one.title, one.text, one.start, one.end) for one in passages},
        "mentions": {tuple(one) for one in graph.mentions},
        "subjects": {(one.entity_id, one.name, one.chunk_id) for one in graph.subjects},
        "statements": {
            (s.subject_id, s.subject, s.predicate, s.object_id, s.object, s.chunk_id) for s in graph.statements
        },
    }


async def found_live(stores: Stores, tenant: str) -> dict[str, Any]:
    """The same of the live read models, and what whoever decides on an entity is told of it alone."""
    there, lookup = await found(stores.read, tenant), EntityLookup(stores.pool)
    rows = await stores.pool.fetch("SELECT entity_id FROM relational.entities WHERE tenant = $1", tenant)
    alone = (await lookup.by_id(tenant, [row["entity_id"] for row in rows])).values()
    return {
        **there,
        "alone": {one.entity_id: Called(one.name, one.type, one.mentions, one.documents, one.valid) for one in alone},
        "members": {one: {m.entity_id for m in await lookup.members(tenant, one)} for one in there["entities"]},
    }


def wanted(plain: PlainTenant) -> dict[str, Any]:
    """The same, as it should be."""
    entities, together = plain.entities(), plain.together()
    chunks = [(document, *chunk) for document in plain.told for chunk in plain.chunks(document)]
    relations = list(plain.relations())
    right = [one for one in relations if one.valid is not False]
    return {
        "documents": {one: (told.title, digest_of(told.text), "processed") for one, told in plain.told.items()},
        "chunks": {(document, chunk, start, end) for document, chunk, start, end, _ in chunks},
        "entities": together,
        "alone": entities,
        "members": {one: plain.members(one) & entities.keys() for one in together},
        "relations": {
            (r.document_id, *_ends(plain, r)[0], r.verb, *_ends(plain, r)[1], r.chunk, r.valid, r.confidence)
            for r in relations
        },
        "counts": (
            len(plain.told),
            len(chunks),
            sum(called.valid is not False for called in together.values()),
            len(right),
            0,
        ),
        "texts": {(doc, chunk, plain.told[doc].title, text, start, end) for doc, chunk, start, end, text in chunks},
        "mentions": {
            (end, name, one.chunk, one.times)
            for one in plain.mentions()
            for end, name in _names(plain, one.entity, one.name)
        },
        "subjects": {
            (end, name, one.chunk) for one in plain.titles() for end, name in _names(plain, one.entity, one.name)
        },
        "statements": {
            (*subject, r.verb, *obj, r.chunk)
            for r in right
            for subject, obj in [[(plain.end(entity), name) for entity, name in _ends(plain, r)]]
            if not _rejected(plain, subject[0]) and not _rejected(plain, obj[0])
        },
    }


def _relation(row: RelationRow) -> tuple[str, ...]:
    return row.document_id, row.subject_id, row.subject, row.predicate, row.object_id, row.object


def _ends(plain: PlainTenant, stated: Stated) -> list[tuple[str, str]]:
    """Entity and name of subject and object, as the document means them."""
    return [(plain.meant(stated.document_id, name), name) for name in (stated.subject, stated.object)]


def _rejected(plain: PlainTenant, entity: str) -> bool:
    judged = plain.last(entity, "judge")
    return judged is not None and not judged.valid


def _names(plain: PlainTenant, entity: str, name: str) -> list[tuple[str, str]]:
    """What an entity became, under the document's name for it and those that people gave; unless rejected."""
    end = plain.end(entity)
    if _rejected(plain, end):
        return []
    given = [renamed.to for one in {end, *plain.members(end)} if (renamed := plain.last(one, "rename")) is not None]
    return [(end, called) for called in {name, *given}]


def differences(there: dict[str, Any], should: dict[str, Any]) -> list[str]:
    """What is said otherwise, in words."""
    return [f"{what}: {_difference(told, should[what])}" for what, told in there.items() if told != should[what]]


def _difference(there: Any, should: Any) -> str:
    if isinstance(should, set):
        there, should = (sorted(map(repr, one - other))[:MOST] for one, other in ((there, should), (should, there)))
        return f"only there {there}, only told {should}"
    if isinstance(should, dict):
        keys = [key for key in {**there, **should} if there.get(key) != should.get(key)][:MOST]
        return "; ".join(f"{key} is {there.get(key)} and should be {should.get(key)}" for key in keys)
    return f"{there} and should be {should}"
