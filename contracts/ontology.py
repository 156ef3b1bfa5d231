"""What relations there may be: types, and predicates with the types of their ends and what follows from them. Pure."""

import hashlib
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator

from contracts.codec import canonical
from contracts.errors import AnnalsError
from contracts.payload import EntityKind, Items, Part, Predicate

MOST_TYPES = 500
MOST_PREDICATES = 2_000
VIOLATING = 0.5
"""What is left of the confidence of a relation that violates the ontology, as of one that is no plain statement."""

Types = Annotated[Items[EntityKind], Field(max_length=MOST_TYPES)]


class OntologyError(AnnalsError):
    """The ontology cannot be used; the message says what is wrong in it, write that anew."""


class PredicateRule(Part):
    """Of one predicate. `domain`, `range`: types of subject and object, any where empty. `inverse`: what the object is
    to the subject. `transitive`: of two in a row a third follows. `symmetric`: it is its own inverse.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    domain: Types = ()
    range: Types = ()
    inverse: Predicate | None = None
    transitive: bool = False
    symmetric: bool = False


class Ontology(Part):
    """`types`: what each holds, other types or labels of the entity model. `predicates`: by name."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    types: dict[EntityKind, Types] = Field(default_factory=dict, max_length=MOST_TYPES)
    predicates: dict[Predicate, PredicateRule] = Field(default_factory=dict, max_length=MOST_PREDICATES)

    @model_validator(mode="after")
    def _is_sound(self) -> Self:
        for name in self.types:
            _labels(self.types, name, ())
        for name, rule in self.predicates.items():
            unknown = [one for one in (*rule.domain, *rule.range) if one not in self.types]
            if unknown:
                raise ValueError(f"predicate {name!r}: there is no type {unknown[0]!r}; list it under types")
            if rule.symmetric and rule.inverse not in (None, name):
                raise ValueError(f"predicate {name!r} is symmetric, so it has no other inverse; leave one of both out")
            if rule.symmetric and set(rule.domain) != set(rule.range):
                raise ValueError(f"predicate {name!r} is symmetric, so its domain and range are the same; make them so")
            if rule.inverse is not None:
                back = self.predicates.get(rule.inverse, PredicateRule()).inverse
                if back not in (None, name):
                    raise ValueError(f"the inverse of {name!r} is {rule.inverse!r}, but that one's is {back!r}")
        twice = [one for one in self._inverses.values() if list(self._inverses.values()).count(one) > 1]
        if twice:
            raise ValueError(f"{twice[0]!r} is the inverse of several predicates; it can be of one")
        return self

    @cached_property
    def revision(self) -> str:
        """A name of its content: the same for the same, whatever the file's format and order."""
        if self == Ontology():
            return ""
        return hashlib.sha256(canonical(self.model_dump(mode="json"))).hexdigest()[:16]

    @cached_property
    def _inverses(self) -> Mapping[str, str]:
        """Both ways; a symmetric one's is itself."""
        declared = {name: rule.inverse for name, rule in self.predicates.items() if rule.inverse is not None}
        back = {inverse: name for name, inverse in declared.items() if inverse not in declared}
        symmetric = {name: name for name, rule in self.predicates.items() if rule.symmetric}
        return {**back, **declared, **symmetric}

    def inverse(self, predicate: str) -> str | None:
        """What the object is to the subject, if anything."""
        return self._inverses.get(predicate)

    def is_transitive(self, predicate: str) -> bool:
        """Whether it, or its inverse, is declared to be."""
        inverse = self.inverse(predicate)
        own, other = self.predicates.get(predicate), self.predicates.get(inverse) if inverse else None
        return bool((own and own.transitive) or (other and other.transitive))

    def rules(self, predicate: str) -> bool:
        """Whether anything is said of it."""
        return predicate in self.predicates or predicate in self._inverses

    @cached_property
    def following(self) -> frozenset[str]:
        """The predicates of which anything follows."""
        transitive = {name for name, rule in self.predicates.items() if rule.transitive}
        return frozenset(self._inverses) | transitive

    def violation(self, predicate: str, subject_type: str | None, object_type: str | None) -> str | None:
        """What is wrong with such a relation, in words; None where nothing is, or where a type is not known.

        What an inverse says of its ends is said of these, the other way round.
        """
        rules = [(self.predicates.get(predicate), False)]
        inverse = self.inverse(predicate)
        if inverse is not None and inverse != predicate:
            rules.append((self.predicates.get(inverse), True))
        for rule, turned in rules:
            if rule is None:
                continue
            domain, reach = (rule.range, rule.domain) if turned else (rule.domain, rule.range)
            for end, found, allowed in (("subject", subject_type, domain), ("object", object_type, reach)):
                if found is not None and allowed and found not in self._allowed(allowed):
                    return f"the {end} of {predicate} is {' or '.join(allowed)}, not {found}"
        return None

    def _allowed(self, types: Types) -> frozenset[str]:
        return frozenset().union(*(self._labels_of[one] for one in types))

    @cached_property
    def _labels_of(self) -> Mapping[str, frozenset[str]]:
        return {name: _labels(self.types, name, ()) for name in self.types}


def _labels(types: Mapping[str, Types], name: str, within: tuple[str, ...]) -> frozenset[str]:
    """It and all that it holds, over any number of steps. Raises ValueError for a circle."""
    if name in within:
        raise ValueError(f"types go in a circle: {' > '.join((*within, name))}")
    held = types.get(name, ())
    # A type may be called like the label that it holds.
    inner = [_labels(types, one, (*within, name)) for one in held if one != name]
    return frozenset({name}).union(*inner)


NO_ONTOLOGY = Ontology()
