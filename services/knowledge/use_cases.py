"""The use cases of what people decide, as edges are given them."""

from dataclasses import dataclass

from services.knowledge.entities import EntityService


@dataclass(frozen=True)
class Knowledge:
    """Use cases of decisions."""

    entities: EntityService
