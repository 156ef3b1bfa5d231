"""What an analysis of a text says, and how it is kept: entities, relations, and what the text is about."""

import json
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class EntitySpan:
    """`text[start:end]` names something of this type."""

    start: int
    end: int
    name: str
    type: str
    confidence: float


class NameSpan(NamedTuple):
    """One side of a relation. `name` may differ from the text where a pronoun was resolved."""

    start: int
    end: int
    name: str


@dataclass(frozen=True, slots=True)
class RelationSpan:
    """`text[start:end]` states that the subject does, or is, something to the object."""

    subject: NameSpan
    predicate: str
    object: NameSpan
    start: int
    end: int
    confidence: float


@dataclass(frozen=True, slots=True)
class Analysis:
    """All that one pass found. `subject` is the subject of the first sentence, if that names something."""

    entities: tuple[EntitySpan, ...] = ()
    relations: tuple[RelationSpan, ...] = ()
    subject: str | None = None


def encode(analysis: Analysis) -> bytes:
    """Compact JSON: arrays without names, for there are many."""
    fields = {
        "e": [[e.start, e.end, e.name, e.type, e.confidence] for e in analysis.entities],
        "r": [[r.subject, r.predicate, r.object, r.start, r.end, r.confidence] for r in analysis.relations],
        "s": analysis.subject,
    }
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()


def decode(output: bytes) -> Analysis:
    """Read what `encode` wrote."""
    fields = json.loads(output)
    return Analysis(
        entities=tuple(EntitySpan(*entity) for entity in fields["e"]),
        relations=tuple(
            RelationSpan(NameSpan(*subject), predicate, NameSpan(*obj), start, end, confidence)
            for subject, predicate, obj, start, end, confidence in fields["r"]
        ),
        subject=fields["s"],
    )
