"""Which documents somebody may see, and which of their fields he may not: what lists, searches and answers keep to."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from hashlib import sha256

UNREADABLE = frozenset({"title", "text"})
"""A document with one of these masked is no evidence and is not searched: its words would show by what they find."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Documents of these collections (None: of any, and of none) may be seen but for these fields."""

    collections: frozenset[str] | None
    masked_fields: frozenset[str]

    def within(self, other: "Rule") -> "Rule":
        """What both let be seen."""
        if self.collections is None or other.collections is None:
            collections = other.collections if self.collections is None else self.collections
        else:
            collections = self.collections & other.collections
        return Rule(collections, self.masked_fields | other.masked_fields)

    def holds_for(self, collection: str | None) -> bool:
        """Whether a document of this collection is one of them."""
        return self.collections is None or collection in self.collections


@dataclass(frozen=True, slots=True)
class Reach:
    """A document may be seen if one rule lets it be; a field is masked if every such rule masks it."""

    rules: tuple[Rule, ...]

    @property
    def is_everything(self) -> bool:
        """Whether every field of every document may be seen."""
        return EVERY_DOCUMENT in self.rules

    @property
    def collections(self) -> frozenset[str] | None:
        """Whose documents may be seen; None where it makes no difference which collection they are of."""
        return _together(rule.collections for rule in self.rules)

    @property
    def searched(self) -> frozenset[str] | None:
        """Collections whose documents may be searched and quoted; None for all of the tenant's documents."""
        return self.showing(UNREADABLE)

    @property
    def whole(self) -> frozenset[str] | None:
        """Collections of whose documents nothing is masked; None for all."""
        return _together(rule.collections for rule in self.rules if not rule.masked_fields)

    def showing(self, fields: Collection[str]) -> frozenset[str] | None:
        """Collections of whose documents all these fields may be seen, and so be looked for by; None for all."""
        return _together(rule.collections for rule in self.rules if rule.masked_fields.isdisjoint(fields))

    def together(self, other: "Reach") -> "Reach":
        """What either lets be seen."""
        return Reach((*self.rules, *other.rules))

    def within(self, other: "Reach") -> "Reach":
        """What both let be seen."""
        return Reach(tuple(dict.fromkeys(one.within(two) for one in self.rules for two in other.rules)))

    def masked_fields(self, collection: str | None) -> frozenset[str] | None:
        """Fields that may not be seen of a document of this collection; None where it may not be seen at all."""
        masks = [rule.masked_fields for rule in self.rules if rule.holds_for(collection)]
        return frozenset.intersection(*masks) if masks else None

    @property
    def key(self) -> str:
        """Equal for those who may see the same: part of the key of whatever is cached of what they saw."""
        if self.is_everything:
            return ""
        told = sorted(
            repr((None if rule.collections is None else sorted(rule.collections), sorted(rule.masked_fields)))
            for rule in self.rules
        )
        return sha256("".join(told).encode()).hexdigest()


EVERY_DOCUMENT = Rule(None, frozenset())
EVERYTHING = Reach((EVERY_DOCUMENT,))
NOTHING = Reach(())


def _together(several: Iterable[frozenset[str] | None]) -> frozenset[str] | None:
    found: set[str] = set()
    for collections in several:
        if collections is None:
            return None
        found |= collections
    return frozenset(found)
