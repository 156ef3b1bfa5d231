"""Predicates of which a thing has one at a time: a later holder ends the former one's time. Pure."""

from contracts.documents import Relation

ONE_SUBJECT = frozenset({
    "CEO of", "chairman of", "president of", "prime minister of", "chancellor of", "governor of", "mayor of", "king of",
    "queen of", "emperor of", "pope of", "headmaster of", "capital of",
})  # fmt: skip
"""One object has one subject at a time: a city has one mayor. `Lead` and `direct` are not of one person alone."""
ONE_OBJECT = frozenset({"headquartered in", "live in"})
"""One subject has one object at a time."""


def succession_of(relation: Relation) -> str | None:
    """What those relations have in common of which a later one ends an earlier one; None where none does.

    What is denied, or no plain statement, or without a time from which it is so, ends nothing.
    """
    if relation.negated or relation.modality is not None or relation.valid_from is None:
        return None
    if relation.predicate in ONE_SUBJECT:
        return f"{relation.predicate} {relation.object_id}"
    if relation.predicate in ONE_OBJECT:
        return f"{relation.predicate} by {relation.subject_id}"
    return None
