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
    """`text[start:end]` states that the subject does, or is, something to the object.

    `negated`: the text denies it. `modality`: the word that makes it less than a plain statement (`may`, `want`, `if`).
    `time`: the text's words of when; `valid_from` and `valid_until`: the dates that they say, as exact as they are.
    """

    subject: NameSpan
    predicate: str
    object: NameSpan
    start: int
    end: int
    confidence: float
    negated: bool = False
    modality: str | None = None
    time: str | None = None
    valid_from: str | None = None
    valid_until: str | None = None


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
        "r": [
            [
                r.subject,
                r.predicate,
                r.object,
                r.start,
                r.end,
                r.confidence,
                int(r.negated),
                r.modality,
                r.time,
                r.valid_from,
                r.valid_until,
            ]
            for r in analysis.relations
        ],
        "s": analysis.subject,
    }
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()


def decode(output: bytes) -> Analysis:
    """Read what `encode` wrote."""
    fields = json.loads(output)
    return Analysis(
        entities=tuple(EntitySpan(*entity) for entity in fields["e"]),
        relations=tuple(
            RelationSpan(NameSpan(*subject), predicate, NameSpan(*obj), start, end, confidence, bool(negated), *said)
            for subject, predicate, obj, start, end, confidence, negated, *said in fields["r"]
        ),
        subject=fields["s"],
    )
