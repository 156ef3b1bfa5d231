"""Which documents mean one by a name, where several have it: homonyms written alike.

Two documents speak of different ones where what they say of them cannot be of one (`described`), or is of two fields
while they share nothing: no name beside, and no context. Those that no chain of others joins are two sides. What
follows from a set of documents does not depend on their order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, product

from aggregates.matching.choosing import Vectors
from aggregates.matching.comparing import ALIKE, HOMONYMS
from aggregates.matching.described import Described
from aggregates.matching.features import NameFeatures
from contracts import ids


@dataclass(frozen=True, slots=True, eq=False)
class Naming:
    """A document that has the name: what it says of whom it calls so, what else it names, and vectors of length 1 of
    chunks that name it."""

    document_id: str
    described: Described
    beside: frozenset[str] = frozenset()
    contexts: Sequence[Vectors] = ()


@dataclass(frozen=True, slots=True)
class Meant:
    """Whom a document means. `context`: the cosine of the nearest contexts of its side and of another, if any."""

    entity_id: str
    context: float | None = None


def may_be_homonym(name: NameFeatures) -> bool:
    """Of people alone, and of whole names."""
    return name.group == "person" and sum(len(word) > 1 for word in name.words) > 1


def are_denied(said: Sequence[Described]) -> bool:
    """Whether any two cannot be, or may not be, of one."""
    return any(one.denies(other) for one, other in combinations(set(said), 2))


def tell_apart(entity: str, namings: Sequence[Naming]) -> dict[str, Meant]:
    """Whom each document means: those of the largest side the entity of that name."""
    namings = sorted(namings, key=lambda one: one.document_id)
    sides = _sides([one for one in namings if one.described != Described()])
    if len(sides) < 2:
        return {one.document_id: Meant(entity) for one in namings}
    sides.sort(key=lambda side: (-len(side), side[0].document_id))
    with_others = [list(side) for side in sides]
    for naming in namings:
        if naming.described == Described():
            with_others[_nearest_side(naming, sides)].append(naming)
    meant: dict[str, Meant] = {}
    for number, own in enumerate(with_others):
        others = [one for index, side in enumerate(with_others) if index != number for one in side]
        into = ids.homonym_id(entity, sides[number][0].document_id) if number else entity
        far = max((_cosine(one, other) for one, other in product(own, others)), default=0.0)
        meant |= {one.document_id: Meant(into, min(max(far, 0.0), 1.0)) for one in own}
    return meant


def _are_two(one: Naming, other: Naming) -> bool:
    if not one.described.denies(other.described):
        return False
    if one.described.other_birth(other.described):
        return True
    return not one.beside & other.beside and _cosine(one, other) < HOMONYMS


def _sides(namings: Sequence[Naming]) -> list[list[Naming]]:
    side = {one.document_id: [one] for one in namings}
    for one, other in combinations(namings, 2):
        mine, yours = side[one.document_id], side[other.document_id]
        if mine is not yours and not _are_two(one, other):
            mine += yours
            side |= dict.fromkeys([moved.document_id for moved in yours], mine)
    unique = {id(own): own for own in side.values()}
    return [sorted(own, key=lambda one: one.document_id) for own in unique.values()]


def _nearest_side(naming: Naming, sides: Sequence[Sequence[Naming]]) -> int:
    """Of a document that says nothing of whom it means: what it shares says so, else where its context is near."""
    sharing = [number for number, side in enumerate(sides) if any(naming.beside & one.beside for one in side)]
    if len(sharing) == 1:
        return sharing[0]
    cosines = [max(_cosine(naming, one) for one in side) for side in sides]
    nearest = max(range(len(sides)), key=lambda number: (cosines[number], -number))
    return nearest if cosines[nearest] >= ALIKE else 0


def _cosine(one: Naming, other: Naming) -> float:
    return max((float(mine @ yours) for mine, yours in product(one.contexts, other.contexts)), default=0.0)
