"""What people and rules decided on one entity, and what of it is in force: the one fold of its events."""

from dataclasses import dataclass, replace
from typing import TypeVar

from contracts.entities import (
    EntityAssigned,
    EntityDecisionUndone,
    EntityMerged,
    EntityReleased,
    EntitySplit,
    EntityUpdated,
    EntityValidated,
)
from contracts.payload import Payload

EntityDecision = EntityUpdated | EntityMerged | EntityValidated | EntitySplit
Kind = TypeVar("Kind", EntityUpdated, EntityMerged, EntityValidated)


@dataclass(frozen=True, slots=True)
class EntityDecisions:
    """`made`: those that were not undone, each with its event's version, the last one at the end.

    Of one kind the last one is in force, and undoing it brings back the one before. Splits stand side by side.
    `assigned` is what the rules decided, with its event's version; people come before it, and what they undid of it is
    `refused` for good.
    """

    made: tuple[tuple[int, EntityDecision], ...] = ()
    assigned: tuple[int, EntityAssigned] | None = None
    refused: bool = False

    def after(self, version: int, payload: Payload) -> "EntityDecisions":
        """Those after one more event."""
        match payload:
            case EntityUpdated() | EntityMerged() | EntityValidated() | EntitySplit():
                return replace(self, made=(*self.made, (version, payload)))
            case EntityDecisionUndone(version=undone) if self.assigned is not None and self.assigned[0] == undone:
                return replace(self, assigned=None, refused=True)
            case EntityDecisionUndone(version=undone):
                return replace(self, made=tuple(one for one in self.made if one[0] != undone))
            case EntityAssigned():
                return replace(self, assigned=(version, payload))
            case EntityReleased():
                return replace(self, assigned=None)
            case _:
                return self

    @property
    def updated(self) -> EntityUpdated | None:
        """Name, type and further names."""
        return self._last(EntityUpdated)

    @property
    def merged_into(self) -> str | None:
        """The entity that it is the same as."""
        if self.merged_by_people is not None:
            return self.merged_by_people
        return None if self.assigned is None else self.assigned[1].into

    @property
    def merged_by_people(self) -> str | None:
        """The entity that people said it is the same as."""
        merged = self._last(EntityMerged)
        return None if merged is None else merged.into

    @property
    def validated(self) -> EntityValidated | None:
        """The judgement."""
        return self._last(EntityValidated)

    @property
    def splits(self) -> tuple[EntitySplit, ...]:
        """What was taken out of it."""
        return tuple(one for _, one in self.made if isinstance(one, EntitySplit))

    @property
    def given_names(self) -> list[str]:
        """The names by which people look for it beside those of documents: the one that was set, and the aliases."""
        updated = self.updated
        if updated is None:
            return []
        return list(dict.fromkeys((*((updated.name,) if updated.name else ()), *updated.aliases)))

    @property
    def in_force(self) -> frozenset[int]:
        """By their events' versions, the decisions that hold: splits, and of each other kind the last one."""
        last = {type(one): version for version, one in self.made}
        splits = (version for version, one in self.made if isinstance(one, EntitySplit))
        by_rules = () if self.assigned is None or self.merged_by_people is not None else (self.assigned[0],)
        return frozenset((*last.values(), *splits, *by_rules))

    def _last(self, kind: type[Kind]) -> Kind | None:
        return next((one for _, one in reversed(self.made) if isinstance(one, kind)), None)


NO_DECISIONS = EntityDecisions()
