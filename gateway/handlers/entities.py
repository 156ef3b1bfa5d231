"""What people decide on entities."""

from typing import Annotated

from fastapi import Path, Query, Request
from pydantic import BaseModel, Field

from contracts.payload import EntityKind, Identifier, Name, Predicate, Reason, Share
from gateway.exchange import exchange_of
from gateway.handler import Handler, services_of, shown
from gateway.parameters import Cursor, Decision, EntityName, Limit
from services.knowledge.derived import DerivedPage
from services.knowledge.entities import MOST_DOCUMENTS
from services.knowledge.review import MOST, Reviewed, ReviewItem
from services.knowledge.views import EntityChange, EntityDetail
from services.positions import Position

Alias = Annotated[Name, Path(description="Percent-encoded, `/` as `%2F`.")]
WhyQuery = Annotated[Reason | None, Query(description="Kept with the event.")]


class Renaming(Decision):
    """A new name, a new type, or both; what is left out stays."""

    name: Name | None = None
    type: EntityKind | None = None


class NewAlias(Decision):
    """One more name."""

    alias: Name


class Merging(Decision):
    """`into`: name or id of the entity that it is the same as."""

    into: Name


class Splitting(Decision):
    """`documents`: ids of those that mean another one, which is then called `name`; none undoes the entity's merge."""

    documents: list[Identifier] = Field(default=[], max_length=MOST_DOCUMENTS)
    name: Name | None = None


class Undoing(Decision):
    """`decision`: the number of the one to be undone; the last one where it is left out."""

    decision: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None


class Judgement(Decision):
    """Whether it is a real one, and how sure that is."""

    valid: bool
    confidence: Share = 1.0


class EntityChanged(BaseModel):
    """`position` is that of the last event that came of it, null where nothing changed. `into`: the other entity."""

    entity_id: str
    into: str | None
    position: Position | None


class ReviewList(BaseModel):
    """The least sure first."""

    items: list[ReviewItem]


async def review(
    request: Request,
    kind: Annotated[Reviewed | None, Query(description="Entities or relations alone.")] = None,
    limit: Annotated[int, Query(ge=1, le=MOST, description="How many, at most.")] = 20,
) -> ReviewList:
    """Entities and relations that nobody judged yet, the least sure first. An entity is as sure as its best mention."""
    exchange = exchange_of(request.scope)
    found = await services_of(request).knowledge.review.least_sure(
        exchange.caller, kind=kind, limit=limit, deadline=exchange.deadline
    )
    return ReviewList(items=list(found))


async def derived_relations(
    request: Request,
    entity: EntityName,
    limit: Limit = 100,
    cursor: Cursor = None,
    predicate: Annotated[Predicate | None, Query()] = None,
) -> DerivedPage:
    """What follows of an entity by the ontology and no document states, each with the relations it follows from."""
    exchange = exchange_of(request.scope)
    return await services_of(request).knowledge.derived.of(
        exchange.caller, entity, predicate=predicate, after=cursor, limit=limit, deadline=exchange.deadline
    )


async def read_decisions(
    request: Request, entity: EntityName, limit: Limit = 100, cursor: Cursor = None
) -> EntityDetail:
    """Names of an entity, every decision on it, the oldest first, and what was merged into it, in pages."""
    exchange = exchange_of(request.scope)
    return await services_of(request).knowledge.entities.show(
        exchange.caller, entity, after=cursor, limit=limit, deadline=exchange.deadline
    )


async def rename(request: Request, entity: EntityName, wanted: Renaming) -> EntityChanged:
    """Set an entity's name or type, whatever documents say."""
    exchange = exchange_of(request.scope)
    return _changed(
        request,
        await services_of(request).knowledge.entities.rename(
            exchange.caller,
            entity,
            name=wanted.name,
            kind=wanted.type,
            reason=wanted.reason,
            deadline=exchange.deadline,
        ),
    )


async def add_alias(request: Request, entity: EntityName, wanted: NewAlias) -> EntityChanged:
    """Have an entity found by one more name."""
    exchange = exchange_of(request.scope)
    return _changed(
        request,
        await services_of(request).knowledge.entities.add_alias(
            exchange.caller, entity, wanted.alias, reason=wanted.reason, deadline=exchange.deadline
        ),
    )


async def remove_alias(request: Request, entity: EntityName, alias: Alias, reason: WhyQuery = None) -> EntityChanged:
    """Have an entity no longer found by a name that somebody gave it."""
    exchange = exchange_of(request.scope)
    return _changed(
        request,
        await services_of(request).knowledge.entities.remove_alias(
            exchange.caller, entity, alias, reason=reason, deadline=exchange.deadline
        ),
    )


async def merge(request: Request, entity: EntityName, wanted: Merging) -> EntityChanged:
    """Say that an entity is the same as another, under whose name it goes from then on."""
    exchange = exchange_of(request.scope)
    return _changed(
        request,
        await services_of(request).knowledge.entities.merge(
            exchange.caller, entity, wanted.into, reason=wanted.reason, deadline=exchange.deadline
        ),
    )


async def split(request: Request, entity: EntityName, wanted: Splitting) -> EntityChanged:
    """Take out of an entity what some documents say of it, into a new one."""
    exchange = exchange_of(request.scope)
    return _changed(
        request,
        await services_of(request).knowledge.entities.split(
            exchange.caller,
            entity,
            [[document_id] for document_id in wanted.documents],
            name=wanted.name,
            reason=wanted.reason,
            deadline=exchange.deadline,
        ),
    )


async def undo(request: Request, entity: EntityName, wanted: Undoing) -> EntityChanged:
    """Undo a decision on an entity. A merge is undone on the one that was merged."""
    exchange = exchange_of(request.scope)
    return _changed(
        request,
        await services_of(request).knowledge.entities.undo(
            exchange.caller, entity, version=wanted.decision, reason=wanted.reason, deadline=exchange.deadline
        ),
    )


async def judge(request: Request, entity: EntityName, wanted: Judgement) -> EntityChanged:
    """Say whether an entity is a real one. One that is none is not counted, and no answer is reached through it."""
    exchange = exchange_of(request.scope)
    return _changed(
        request,
        await services_of(request).knowledge.entities.validate(
            exchange.caller,
            entity,
            valid=wanted.valid,
            confidence=wanted.confidence,
            reason=wanted.reason,
            deadline=exchange.deadline,
        ),
    )


def _changed(request: Request, change: EntityChange) -> EntityChanged:
    position = None if change.position is None else shown(request, change.position)
    return EntityChanged(entity_id=change.entity_id, into=change.into, position=position)


CHANGED = {"entity_id": "e1", "into": None, "position": 20}
MERGED = {**CHANGED, "into": "e2"}
REFUSALS = (404, 409)

HANDLERS = {
    "review_list": Handler(
        review,
        "entities",
        "List what is least sure.",
        example={
            "items": [
                {
                    "kind": "entity",
                    "id": "e1",
                    "what": "Chapter One (ORG)",
                    "confidence": 0.41,
                    "document_id": "articles/lovelace",
                    "chunk_id": "5f0c",
                    "todo": ["annals entity validate e1", "annals entity reject e1"],
                }
            ]
        },
    ),
    "derived_relations": Handler(
        derived_relations,
        "relations",
        "List what follows of an entity.",
        raises=(400, 404),
        example={
            "entity_id": "e1",
            "relations": [
                {
                    "subject_id": "e1",
                    "subject": "Ockham Park",
                    "predicate": "located in",
                    "object_id": "e3",
                    "object": "England",
                    "rule": "transitive",
                    "because": ["r1", "r2"],
                    "confidence": 0.49,
                }
            ],
            "whole": True,
            "next": None,
        },
    ),
    "entity_decisions": Handler(
        read_decisions,
        "entities",
        "Read the decisions on an entity.",
        raises=(400, 404),
        example={
            "entity_id": "e1",
            "name": "Ada Lovelace",
            "type": "PERSON",
            "mentions": 3,
            "documents": 1,
            "valid": None,
            "aliases": ["Countess of Lovelace"],
            "members": [{"entity_id": "e2", "name": "Ada King"}],
            "decisions": [
                {
                    "version": 1,
                    "what": "also called 'Countess of Lovelace'",
                    "reason": "her letters",
                    "actor": "ada",
                    "at": "2026-01-05T10:00:00Z",
                    "in_force": True,
                }
            ],
            "next": None,
        },
    ),
    "entity_renamer": Handler(
        rename,
        "entities",
        "Rename an entity.",
        raises=REFUSALS,
        request={"name": "Ada King", "reason": "her marriage"},
        example=CHANGED,
    ),
    "alias_adder": Handler(
        add_alias,
        "entities",
        "Give an entity an alias.",
        raises=REFUSALS,
        request={"alias": "Countess of Lovelace"},
        example=CHANGED,
    ),
    "alias_remover": Handler(
        remove_alias, "entities", "Take an alias from an entity.", raises=REFUSALS, example=CHANGED
    ),
    "entity_merger": Handler(
        merge,
        "entities",
        "Merge an entity into another.",
        raises=REFUSALS,
        request={"into": "Ada Lovelace", "reason": "her maiden name"},
        example=MERGED,
    ),
    "entity_splitter": Handler(
        split,
        "entities",
        "Split an entity.",
        raises=REFUSALS,
        request={"documents": ["articles/ada-the-cat"], "name": "Ada the cat"},
        example=MERGED,
    ),
    "decision_undoer": Handler(
        undo,
        "entities",
        "Undo a decision on an entity.",
        raises=REFUSALS,
        request={"decision": 1, "reason": "a mistake"},
        example=CHANGED,
    ),
    "entity_judge": Handler(
        judge,
        "entities",
        "Validate or reject an entity.",
        raises=REFUSALS,
        request={"valid": False, "reason": "a heading"},
        example=CHANGED,
    ),
}
