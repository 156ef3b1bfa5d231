"""Where a question leads by its searches and its names, and where passages lead by what they name. Pure."""

import math
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from projections.graph.reads import GraphSnapshot, Mention, Subject
from projections.vector.reads import Hit, Vector
from reasoning.index import BACKWARD
from reasoning.links import Name, Names, name_of
from reasoning.part import ReadPassages
from reasoning.path_ranking import LEXICAL, NAMED
from reasoning.shared_names import SHARED
from reasoning.texts import Text

Row = TypeVar("Row", Subject, Mention)

FIRST = 160
"""Passages that the searches bring and the question names, at most."""
SHARED_BY = 6
"""A name that so many passages mention joins none of them."""


@dataclass(frozen=True)
class FoundPassages:
    """What search brought for a question. `vector` is the question's, shape (dimension,), by the embedder's revision
    `model`; `near` are the passages nearest to it, `matching` those that share its words; `read` what was read of any
    of them by then."""

    question: str
    model: str
    vector: Vector
    near: Sequence[Hit]
    matching: Sequence[Hit]
    read: ReadPassages


@dataclass(frozen=True)
class QuestionNames:
    """What the words of a question may name, and how rare they are.

    `subjects` and `mentions` are of its names, `holding` is the number of passages that hold a stem, of `passages`.
    """

    subjects: Sequence[Subject]
    mentions: Sequence[Mention]
    passages: int
    holding: Mapping[str, int]


def first_of(found: FoundPassages, named: QuestionNames) -> dict[str, float]:
    """What the searches brought, and what the question names, each with its likeness as `path_ranking` has it."""
    worth: defaultdict[str, float] = defaultdict(float)
    for hit in found.near:
        worth[hit.chunk_id] += max(0.0, hit.score)
    highest = max((hit.score for hit in found.matching), default=0.0)
    for hit in found.matching:
        worth[hit.chunk_id] += LEXICAL * hit.score / highest if highest > 0 else 0.0
    asked = {span.name for span in _names(named.subjects, named.mentions).find(found.question)}
    for name, of in _by_name(named.subjects).items():
        if name in asked:
            for one in of:
                worth[one.chunk_id] += NAMED * one.quality / math.sqrt(len(of))
    for name, holders in _by_name(named.mentions).items():
        if name in asked:
            for mention in holders:
                worth[mention.chunk_id] += NAMED * BACKWARD / math.sqrt(len(holders))
    return dict(sorted(worth.items(), key=lambda item: (-item[1], item[0]))[:FIRST])


def linked(
    worth: Mapping[str, float],
    texts: Mapping[str, Text],
    said: GraphSnapshot,
    subjects: Sequence[Subject],
    mentions: Sequence[Mention],
) -> dict[str, float]:
    """Passages that links lead to, each with the most that a link brings it."""
    found: dict[str, float] = {}

    def link(chunk_id: str, value: float) -> None:
        found[chunk_id] = max(value, found.get(chunk_id, 0.0))

    targets = _by_name(subjects)
    names = Names(targets)
    for chunk_id, text in texts.items():
        for span in names.find(text.text, text.words):
            of = targets[span.name]
            for one in of:
                link(one.chunk_id, worth[chunk_id] * one.quality / math.sqrt(len(of)))
    holders = _by_name(mentions)
    for subject in said.subjects:
        holding = holders.get(name_of(subject.name), ())
        for mention in holding:
            link(mention.chunk_id, worth[subject.chunk_id] * BACKWARD * subject.quality / math.sqrt(len(holding)))
    for mention in said.mentions:
        holding = holders.get(name_of(mention.name), ())
        for other in holding if len(holding) < SHARED_BY else ():
            link(other.chunk_id, worth[mention.chunk_id] * SHARED / math.sqrt(len(holding)))
    return found


def _names(*rows: Sequence[Subject] | Sequence[Mention]) -> Names:
    return Names(name_of(one.name) for some in rows for one in some)


def _by_name(rows: Collection[Row]) -> dict[Name, list[Row]]:
    found: dict[Name, list[Row]] = {}
    for one in rows:
        found.setdefault(name_of(one.name), []).append(one)
    return found
