"""What speaks for a sentence: how much of the question it says, and how it is come to."""

from collections.abc import Sequence
from typing import NamedTuple

from reasoning.answering.evidence import Sentence
from reasoning.answering.question_words import QuestionWords, coverage
from reasoning.answering.relations import matched
from reasoning.answering.steps import Anchor, presence

SENTENCE_FEATURES = (
    "worth",
    "rank",
    "named",
    "title_asked",
    "outer",
    "outer_near",
    "inner",
    "full",
    "bridge",
    "bridge_linked",
    "names_here",
    "order",
    "uncovered",
    "bridge_and_outer",
    "entity",
    "entity_and_outer",
    "entity_named",
    "entity_about",
    "beside",
    "beside_and_entity",
)
"""Names of the features, in their order."""


class Told(NamedTuple):
    """`quick` orders sentences before their spans are looked at."""

    quick: float
    outer: float
    names_here: float
    values: tuple[float, ...]


def sentence_features(sentence: Sentence, asked: QuestionWords, known: Sequence[Anchor]) -> Told:
    """`known`: what the step before the last has found."""
    passage = sentence.passage
    here = sentence.here
    entity = presence(known, here)
    outer = coverage(asked.outer, sentence.stems, sentence.concepts)
    near = outer
    if sentence.order > 0:
        previous = passage.sentences[sentence.order - 1]
        near = max(
            near, 0.7 * coverage(asked.outer, sentence.stems | previous.stems, sentence.concepts | previous.concepts)
        )
    inner = coverage(asked.inner, here, sentence.concepts)
    full = coverage(asked.all, here, sentence.concepts)
    led, linked = 0.0, 0.0
    for arrival in passage.arrivals:
        if arrival.source is passage:
            continue
        there = arrival.sentence.stems | arrival.source.about
        worth = coverage(asked.inner, there, arrival.sentence.concepts) * (1.0 if arrival.forward else 0.6)
        if worth > led:
            led = worth
            linked = 1.0 if arrival.source.named else 0.0
    whole = sum(asked.outer.values())
    uncovered = max(
        (weight for root, weight in asked.outer.items() if matched(root, here, sentence.concepts) == 0.0), default=0.0
    ) / (whole or 1.0)
    names_here = len(asked.names & here) / len(asked.names) if asked.names else 0.0
    title_asked = len(asked.words & passage.about) / len(passage.about) if passage.about else 0.0
    beside = len(asked.beside & here) / len(asked.beside) if asked.beside else 0.0
    about = max((anchor.weight for anchor in known if anchor.stems and anchor.stems == passage.about), default=0.0)
    quick = outer + 0.4 * full + 0.4 * max(inner, led) + 0.5 * passage.worth + 0.5 * entity + 0.3 * beside
    values = (
        passage.worth,
        1.0 / (1.0 + passage.rank),
        float(passage.named),
        title_asked,
        outer,
        near,
        inner,
        full,
        led,
        linked,
        names_here,
        1.0 / (1.0 + sentence.order),
        uncovered,
        led * outer,
        entity,
        entity * outer,
        presence(known, sentence.stems),
        about,
        beside,
        beside * entity,
    )
    return Told(quick, outer, names_here, values)
