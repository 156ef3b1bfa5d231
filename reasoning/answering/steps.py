"""The steps before the last one: who "the designer of Skerry Point Lighthouse" is, so that the rest is asked of her."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from reasoning.answering.denial import Denial, denial_of
from reasoning.answering.evidence import Evidence, Sentence
from reasoning.answering.gazetteer import NATIONALITIES, OF_NATION
from reasoning.answering.judged import Judged
from reasoning.answering.name_types import NameTypes
from reasoning.answering.proposal import Support
from reasoning.answering.relations import matched
from reasoning.links import Name
from reasoning.question.kinds import Kind, kind_of_noun
from reasoning.question.reading import Reading
from reasoning.question.verbs import is_verb
from reasoning.words import content_of, stem

KEPT = 3
"""What a step may have found, at most."""
SENTENCES = 6
"""Sentences that a step is answered from."""
SHARPNESS = 2.5
"""How much a better score is worth more."""
PARTLY = 0.6
"""Share of a name's words from which on it counts, by half."""
NOT_SUCH = -0.6
"""How little a name may fit a noun and still be asked for its type."""
EARLY = 0.3
"""What a name is worth more at a sentence's beginning than at its end."""
COUNTRY_WORDS = frozenset({"country", "nation", "citizenship", "nationality", "homeland"})
NEAR = 8
"""Words around a name in which its relation is looked for."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """Something that is known: named by the question, or found by a step with a weight in 0..1 and where."""

    name: Name
    stems: frozenset[str]
    weight: float
    support: Support | None = None


@dataclass(frozen=True, slots=True)
class InnerStep:
    """What was asked ("designer"), and what was found, best first."""

    asked: str
    found: tuple[Anchor, ...]


def presence(anchors: Sequence[Anchor], stems: frozenset[str]) -> float:
    """How surely a text of these stems speaks of what is known, in 0..1."""
    best = 0.0
    for anchor in anchors:
        held = len(anchor.stems & stems) / len(anchor.stems) if anchor.stems else 0.0
        best = max(best, anchor.weight * (1.0 if held == 1.0 else 0.5 if held >= PARTLY else 0.0))
    return best


def inner_steps(reading: Reading, evidence: Evidence, types: NameTypes) -> list[InnerStep]:
    """Innermost first; the last one is what the question's last step is asked of. The first is what it names."""
    named = [anchor for anchor in map(_named, reading.names_text()) if anchor.stems]
    beside = {reading.text[slice(*name)].lower() for name in reading.beside}
    inner = [anchor for anchor in named if " ".join(anchor.name) not in beside] or named
    steps = [InnerStep("", tuple(named))]
    known: tuple[Anchor, ...] = tuple(named)
    for depth in sorted(reading.heads, reverse=True):
        head = reading.heads[depth]
        if depth > 1 and is_verb(head) and depth - 1 in reading.heads:
            continue  # it tells of the noun before it: "the state where it is located"
        own = [anchor for anchor in inner if depth <= _depth(reading, anchor) <= depth + 1]
        relation = {
            root: evidence.weights.get(root, 1.0) * (1.0 if at == depth else 0.7)
            for root, at in reading.depths.items()
            if at in (depth, depth + 1) and not any(root in anchor.stems for anchor in named)
        }
        anchors = [*own, *(a for a in known if a.support is not None)] or known
        found = _answers(head, relation, anchors, evidence, types, denial_of(reading, (depth, depth + 1)))
        if found:
            known = found
            steps.append(InnerStep(head, found))
    return steps


def _named(text: str) -> Anchor:
    stems = content_of(text)
    return Anchor(tuple(text.lower().split()), stems, 1.0)


def _depth(reading: Reading, anchor: Anchor) -> int:
    return min((reading.depths[root] for root in anchor.stems if root in reading.depths), default=0)


def _answers(
    head: str,
    relation: dict[str, float],
    known: Sequence[Anchor],
    evidence: Evidence,
    types: NameTypes,
    denial: Denial,
) -> tuple[Anchor, ...]:
    """Names that the sentences about what is known have for a noun."""
    whole = sum(relation.values()) or 1.0
    kind = kind_of_noun(head)
    ranked: list[tuple[float, Sentence]] = []
    for sentence in evidence.sentences:
        anchored = presence(known, sentence.here)
        if anchored <= 0.0:
            continue
        told = sum(w * matched(root, sentence.here, sentence.concepts) for root, w in relation.items()) / whole
        ranked.append((anchored * (0.5 + told) + 0.2 * sentence.passage.worth + 0.1 / (1 + sentence.order), sentence))
    whole_names = [pair for pair in ranked if any(anchor.stems <= pair[1].here for anchor in known)]
    ranked = sorted(whole_names or ranked, key=lambda pair: -pair[0])
    best: dict[Name, tuple[float, Support]] = {}
    judged, stems = Judged(relation), [anchor.stems for anchor in known]
    for worth, sentence in ranked[:SENTENCES]:
        words = sentence.words
        for span, name in sentence.names:
            if kind is Kind.LOCATION and head in COUNTRY_WORDS and len(name) == 1:
                name = OF_NATION.get(name[0], name)
            roots = frozenset(map(stem, name))
            if name in evidence.rejected or denial.denies(sentence, span.start):
                continue
            if judged.rejects(sentence, stems, name):
                continue
            if name[0] in NATIONALITIES or any(2 * len(roots & anchor.stems) > len(roots) for anchor in known):
                continue
            first = next((i for i, word in enumerate(words) if word.end > span.start), 0)
            last = max((i for i, word in enumerate(words) if word.start < span.end), default=first)
            before = (words[first - 2].folded if first > 1 else "", words[first - 1].folded if first else "")
            after = words[last + 1].folded if last + 1 < len(words) else ""
            text = sentence.passage.text[span.start : span.end]
            named = types.named(text, name, before, after, (head,))
            typed = named.person if kind is Kind.PERSON else named.location if kind is Kind.LOCATION else 0.0
            fit = named.noun + typed if named.noun > NOT_SUCH else named.noun
            near = max(
                (
                    weight / (1 + min(abs(first - at), abs(at - last)))
                    for at in range(max(0, first - NEAR), min(len(words), last + NEAR))
                    if not first <= at <= last
                    for weight in (relation.get(stem(words[at].folded), 0.0) / whole,)
                ),
                default=0.0,
            )
            done = before[1] == "by" and stem(before[0]) in relation
            score = 1.5 * worth + 0.6 * fit + near + (0.2 if types.about(name) is not None else 0.0)
            score += (0.5 if done else 0.0) + EARLY * (1.0 - first / len(words))
            if name not in best or score > best[name][0]:
                best[name] = score, Support(sentence, span.start, span.end, text)
    top = sorted(best.items(), key=lambda item: -item[1][0])[:KEPT]
    if not top:
        return ()
    highest = top[0][1][0]
    return tuple(
        Anchor(name, frozenset(map(stem, name)), math.exp(SHARPNESS * (score - highest)), support)
        for name, (score, support) in top
    )
