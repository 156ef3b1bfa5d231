"""What follows from relations by the ontology."""

from collections.abc import Sequence
from dataclasses import dataclass

from projections.relational.derived import DerivedReader, DerivedRelation
from projections.relational.entity_lookup import EntityLookup
from services.caller import Caller
from services.cursors import decoded, encoded
from services.deadline import Deadline
from services.knowledge.which import entity_meant


@dataclass(frozen=True, slots=True)
class DerivedPage:
    """By predicate and names. `next`: the cursor of the page behind, None where this is the last one.

    `whole`: false where the entity has more relations than are looked at.
    """

    entity_id: str
    relations: Sequence[DerivedRelation]
    whole: bool
    next: str | None


class DerivedRelations:
    """For whoever may see all documents of the tenant: what follows of several rests on each of them.

    Raises AccessDeniedError, NotFoundError, AmbiguousNameError, WrongCursorError, StoreUnavailableError,
    DeadlineExceededError.
    """

    def __init__(self, lookup: EntityLookup, reader: DerivedReader) -> None:
        self._lookup = lookup
        self._reader = reader

    async def of(
        self,
        caller: Caller,
        entity: str,
        *,
        predicate: str | None = None,
        after: str | None = None,
        limit: int = 100,
        deadline: Deadline,
    ) -> DerivedPage:
        """What follows of one entity, given by its id or any of its names: at most `limit` behind the cursor."""
        caller.require_everything("relations", "read")
        caller.require_everything("entities", "read")
        behind = None if after is None else tuple(decoded("derived relations", after, 5))
        async with deadline.enforce("deriving relations"):
            found = await entity_meant(self._lookup, caller.tenant, entity, itself=False)
            derived = await self._reader.of(caller.tenant, found.entity_id, predicate)
        rest = [one for one in derived.relations if behind is None or _order_of(one) > behind]
        page = rest[:limit]
        cursor = encoded("derived relations", *_order_of(page[-1])) if len(rest) > limit else None
        return DerivedPage(found.entity_id, page, derived.whole, cursor)


def _order_of(one: DerivedRelation) -> tuple[str, ...]:
    return one.predicate, one.subject, one.object, one.subject_id, one.object_id
