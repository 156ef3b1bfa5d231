"""Which entity is meant by a name or an id."""

from collections.abc import Sequence

from projections.relational.entity_lookup import EntityLookup, FoundEntity
from services.errors import NotFoundError
from services.knowledge.errors import AmbiguousNameError

SHOWN = 8


async def entity_meant(lookup: EntityLookup, tenant: str, given: str, *, itself: bool) -> FoundEntity:
    """The one entity with this id, else with this name, an alias or another spelling of it.

    `itself`: also where it was merged into another; else that other one. Raises NotFoundError, AmbiguousNameError.
    """
    found = await lookup.called(tenant, given)
    found = [one for one in found if one.entity_id == given] or found
    if not itself:
        ends = await lookup.ends(tenant, [one.entity_id for one in found])
        found = list((await lookup.by_id(tenant, {ends.get(one.entity_id, one.entity_id) for one in found})).values())
    if not found:
        raise NotFoundError(f"there is no entity {given!r}; `annals entity list` shows what there is")
    if len(found) > 1:
        raise AmbiguousNameError(f"{len(found)} entities are called {given!r}; name one by its id: {candidates(found)}")
    return found[0]


def candidates(found: Sequence[FoundEntity]) -> str:
    """The first of them, each with what tells it apart."""
    ordered = sorted(found, key=lambda one: (-one.mentions, one.entity_id))
    shown = [
        f"{one.entity_id} ({one.name}, {one.type or 'of no known type'}, {one.mentions} mentions in "
        f"{one.documents} documents)"
        for one in ordered[:SHOWN]
    ]
    return "; ".join(shown) + (" and more" if len(found) > SHOWN else "")
