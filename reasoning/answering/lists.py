"""Lists and counts: the values that sentences of several passages, or one that enumerates, have for what is asked."""

import re
from collections.abc import Iterator

from reasoning.answering.candidates import folded
from reasoning.answering.denial import denial_of, predicate_of
from reasoning.answering.evidence import Evidence, Sentence
from reasoning.answering.judged import Judged
from reasoning.answering.name_types import NameTypes
from reasoning.answering.proposal import Proposal, Support
from reasoning.answering.relations import matched
from reasoning.links import Name
from reasoning.question.kinds import Kind, kind_of_noun, singular
from reasoning.question.reading import Reading
from reasoning.words import STOP_WORDS, content_of, stem, words_of

SAID = 0.75
"""Share of what is asked that a sentence must say."""
LEAST = 2
"""Values of a list, or of what is counted: one alone is what a text says itself."""
MOST = 8
"""Values that are shown; an answer has no more steps."""
SURE = 0.5
"""No list is surer: that none is missing is told by no passage."""
_NO_PREDICATE = STOP_WORDS | {"list", "give", "every", "each", "exist", "lie", "lies", "located", "situated", "stand"}
_BETWEEN = re.compile(r"\s*,\s*(?:and\s+)?|\s+and\s+")


def listed(reading: Reading, evidence: Evidence) -> Proposal | None:
    """For a question after several things of a kind; None for others, and where not at least two are found."""
    if not _several(reading):
        return None
    found = _values(reading, evidence)
    if not LEAST <= len(found) <= MOST:
        return None
    values = [_written(support) for support in found]
    text = f"{', '.join(values[:-1])} and {values[-1]}"
    return Proposal(text, tuple(reversed(found)), SURE, worked_out=True)


def counted(reading: Reading, evidence: Evidence) -> Proposal | None:
    """For `how many`, where no text says the number: what there is, counted."""
    if (
        reading.kind is not Kind.NUMBER
        or not reading.noun
        or not re.search(r"\bhow many\b", reading.text, re.IGNORECASE)
    ):
        return None
    found = _values(reading, evidence)
    if not LEAST <= len(found) <= MOST:
        return None
    return Proposal(str(len(found)), tuple(reversed(found)), SURE, worked_out=True)


def _several(reading: Reading) -> bool:
    """Whether the noun asked for is a plural, as in `which towns` and `list all towns`."""
    return (
        bool(reading.noun)
        and reading.kind not in (Kind.NUMBER, Kind.TIME, Kind.YES_NO, Kind.CHOICE)
        and singular(reading.noun[-1]) != reading.noun[-1]
    )


def _written(support: Support) -> str:
    return " ".join(support.value.split())


def _values(reading: Reading, evidence: Evidence) -> list[Support]:
    """One support for each value, in the order of the passages; a name that is part of another is no other value."""
    types, denial, judged = NameTypes(evidence), denial_of(reading), Judged(predicate_of(reading))
    given = [content_of(name) for name in reading.names_text()]
    found: dict[Name, Support] = {}
    for sentence in evidence.sentences:
        if all(stems <= sentence.here for stems in given) and _says(reading, evidence, sentence):
            for name, support in _of_sentence(reading, types, sentence):
                at = support.start if support.sentence is sentence else None
                if denial.refuses(sentence, at, None if at is None else support.end) or denial.doubts(sentence):
                    continue
                if judged.rejects(sentence, given, name):
                    continue
                if not any(content_of(support.value) <= stems for stems in given):
                    found.setdefault(name, support)
    return [
        support
        for name, support in found.items()
        if not any(set(name) < set(other) for other in found if other != name)
    ]


def _says(reading: Reading, evidence: Evidence, sentence: Sentence) -> bool:
    """Whether it says what is asked of the things, beside what they are and what is named."""
    left_out = content_of(" ".join((*reading.names_text(), *reading.noun)))
    asked = {
        stem(word.folded): evidence.weights.get(stem(word.folded), 1.0)
        for word in words_of(reading.text)
        if word.folded not in _NO_PREDICATE and stem(word.folded) not in left_out
    }
    whole = sum(asked.values())
    if whole == 0.0:
        return bool(reading.names)
    return sum(w * matched(root, sentence.stems, sentence.concepts) for root, w in asked.items()) >= SAID * whole


def _of_sentence(reading: Reading, types: NameTypes, sentence: Sentence) -> Iterator[tuple[Name, Support]]:
    """What its passage is about, where that is such a thing and the sentence tells of it; else such names in it."""
    head = singular(reading.noun[-1])
    passage = sentence.passage
    opening = passage.opening
    if opening is not None:
        definition, kind = types.definition_of(passage)
        person = kind_of_noun(head) is Kind.PERSON is kind and head in {"person", "child"}
        if stem(head) in definition or person:
            text = passage.text[slice(*opening)]
            name = folded(text)
            yield name, Support(passage.sentences[0], *opening, text)
            return
    row = list(_enumerated(sentence))
    for span, name in sentence.names:
        text = passage.text[span.start : span.end]
        if " and " in text:
            continue
        named = types.named(text, name, ("", ""), "", (head,))
        if named.noun > 0.0 or (span.start, span.end) in row:
            yield name, Support(sentence, span.start, span.end, text)


def _enumerated(sentence: Sentence) -> Iterator[tuple[int, int]]:
    """Names that stand in a row of at least three: `A, B and C`."""
    text = sentence.passage.text
    names = sorted((span.start, span.end) for span, _ in sentence.names if " and " not in text[span.start : span.end])
    single = [one for one in names if not any(o != one and o[0] <= one[0] and one[1] <= o[1] for o in names)]
    row: list[tuple[int, int]] = []
    for one in [*single, (len(text) + 1, len(text) + 1)]:
        if row and not _BETWEEN.fullmatch(text[row[-1][1] : one[0]]):
            if len(row) > LEAST:
                yield from row
            row = []
        row.append(one)
