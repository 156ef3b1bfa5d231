"""What a question asks, weighed: which of its words a sentence must say, and which lead to it."""

from collections.abc import Mapping
from dataclasses import dataclass

from reasoning.answering.evidence import Evidence
from reasoning.answering.relations import concepts_of_stem, matched
from reasoning.question.kinds import Kind
from reasoning.question.reading import Reading
from reasoning.question.verbs import BASE, DO
from reasoning.words import STOP_WORDS, content_of, stem, words_of

ENOUGH = 0.3
"""Share of the weightiest word from which on a word tells what is asked."""
_UNSAID_NOUNS = frozenset({"percentage", "percent", "amount", "number", "times"})
INWARDS = 0.4
"""What a word counts less for what is asked with each step further in."""


@dataclass(frozen=True, slots=True)
class QuestionWords:
    """The question's words, weighed.

    `outer`: those of the last step, without names; `strong` the weightiest of them. `inner`: names, and what leads to
    them. `relations`: words of further steps. `deed`: what is done by whom is asked for. `beside`: names of the last
    step. `done`: the verb of `what did she do`.
    """

    outer: Mapping[str, float]
    strong: Mapping[str, float]
    inner: Mapping[str, float]
    all: Mapping[str, float]
    names: frozenset[str]
    words: frozenset[str]
    relations: frozenset[str]
    deed: Mapping[str, float]
    beside: frozenset[str]
    done: frozenset[str]


def weighed(reading: Reading, evidence: Evidence) -> QuestionWords:
    """By how rare each word is among the passages, and how near it stands to what is asked."""
    outer: dict[str, float] = {}
    inner: dict[str, float] = {}
    # `which year` is answered by a year, without the word.
    unsaid = {stem(word) for word in reading.noun if reading.kind is Kind.TIME or word in _UNSAID_NOUNS}
    for root, depth in reading.depths.items():
        if root in unsaid:
            continue
        weight = evidence.weights.get(root, 1.0)
        if root not in reading.named:
            outer[root] = weight if depth == 0 else weight * INWARDS**depth / 2.0
        if root in reading.named or depth > 0:
            inner[root] = weight
    if not outer:
        outer = dict(inner)
    weights = {root: evidence.weights.get(root, 1.0) for root in reading.depths}
    least = ENOUGH * max(outer.values(), default=0.0)
    strong = {root: weight for root, weight in outer.items() if weight >= least}
    relations = frozenset(root for root, depth in reading.depths.items() if depth > 0 and root not in reading.named)
    return QuestionWords(
        outer,
        strong,
        inner,
        weights,
        reading.named,
        frozenset(reading.depths),
        relations,
        _deed(reading),
        content_of(" ".join(reading.text[slice(*name)] for name in reading.beside)),
        _done(reading),
    )


def _deed(reading: Reading) -> Mapping[str, float]:
    """What is done by whom is asked for: "wrote" of "who wrote it"; nothing of "who was it" and "whom did she meet"."""
    words = [word.folded for word in words_of(reading.text)]
    verb = words[1] if len(words) > 1 and words[0] == "who" else ""
    return {stem(verb): 1.0} if verb and verb not in STOP_WORDS else {}


def _done(reading: Reading) -> frozenset[str]:
    """The verb of `What did X invent?`: what it is done to is asked for."""
    words = [word.folded for word in words_of(reading.text)]
    if reading.noun or len(words) < 3 or words[0] != "what" or words[1] not in DO:
        return frozenset()
    return frozenset(stem(word) for word in words if word in BASE and reading.depths.get(stem(word)) == 0)


def coverage(weights: Mapping[str, float], stems: frozenset[str], concepts: frozenset[int]) -> float:
    """Share of the weight that a text's stems and relations match, in 0..1."""
    whole = sum(weights.values())
    return (
        sum(weight * matched(root, stems, concepts) for root, weight in weights.items()) / whole if whole > 0 else 0.0
    )


def speaks(word: str, weights: Mapping[str, float]) -> bool:
    """Whether a word is one of these, or tells a relation of them."""
    root = stem(word)
    if root in weights:
        return True
    own = concepts_of_stem(root)
    return bool(own) and any(not own.isdisjoint(concepts_of_stem(other)) for other in weights)
