"""Which entity another one is the same as, of all that share a blocking key with it.

Each entity is assigned by itself, always to one of a higher rank, so no circle is possible; and only by what is named
now, so it does not matter in which order documents came.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from aggregates.matching.comparing import Match, compare
from aggregates.matching.features import NameFeatures

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """An entity as it is compared: so many `documents` name it; `contexts` gives vectors of length 1 of chunks that do.

    All vectors are of one model.
    """

    entity_id: str
    name: NameFeatures
    documents: int
    contexts: Callable[[], Sequence[Vectors]]

    @property
    def rank(self) -> tuple[int, int, int, int, str, str]:
        """Higher for the name that says most: more whole words, fewer decorations, named by more documents."""
        name = self.name
        whole = 0 if name.is_abbreviation else sum(len(word) > 1 for word in name.words)
        return whole, len(name.words), -name.decorations, self.documents, name.name, self.entity_id


@dataclass(frozen=True, slots=True)
class Choice:
    """The entity that another one is the same as, and why."""

    into: str
    match: Match


def choose(entity: Candidate, candidates: Iterable[Candidate]) -> Choice | None:
    """The highest of those that the surest rule takes for the same; None where these are not one among themselves."""
    found: dict[float, list[tuple[Candidate, Match]]] = {}
    for other in candidates:
        if other.rank > entity.rank and (match := compared(entity, other)) is not None:
            found.setdefault(match.confidence, []).append((other, match))
    if not found:
        return None
    surest = found[max(found)]
    highest, match = max(surest, key=lambda one: one[0].rank)
    if any(other is not highest and compared(other, highest) is None for other, _ in surest):
        return None
    return Choice(highest.entity_id, match)


def compared(one: Candidate, other: Candidate) -> Match | None:
    """What the rules say of two entities. The nearest of their contexts counts."""
    return compare(one.name, other.name, lambda: _nearest(one, other))


def _nearest(one: Candidate, other: Candidate) -> float | None:
    cosines = [float(mine @ yours) for mine, yours in product(one.contexts(), other.contexts())]
    return max(cosines, default=None)
