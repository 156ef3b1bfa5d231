"""The use cases of what people decide, as edges are given them."""

from dataclasses import dataclass

from services.knowledge.derived import DerivedRelations
from services.knowledge.entities import EntityService
from services.knowledge.review import Review


@dataclass(frozen=True)
class Knowledge:
    """Use cases of decisions, and of what should be decided."""

    entities: EntityService
    review: Review
    derived: DerivedRelations
