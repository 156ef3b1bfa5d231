"""Which of two: the values of both are found and compared."""

from collections.abc import Mapping

from reasoning.answering.evidence import Evidence, Sentence
from reasoning.answering.facts import date_of, number_of_thing, passage_about, sentences_about, written_name
from reasoning.answering.proposal import Proposal, Support
from reasoning.answering.relations import matched
from reasoning.answering.values import Date, life_in
from reasoning.question.reading import Reading
from reasoning.words import STOP_WORDS, content_of, stem, words_of

_EARLIEST = frozenset({"first", "earlier", "earliest", "older", "oldest", "before", "sooner"})
_LATEST = frozenset(
    {"later", "latest", "younger", "youngest", "newer", "newest", "recent", "recently", "last", "after"}
)
_MOST_WORDS = "more most larger largest bigger biggest higher highest taller tallest longer longest greater"
_MOST = frozenset(_MOST_WORDS.split())
_LEAST = frozenset(
    {"fewer", "fewest", "less", "least", "smaller", "smallest", "lower", "lowest", "shorter", "shortest"}
)
_ORDINARY = _EARLIEST | _LATEST | _MOST | _LEAST | {"came", "come", "two", "either", "between", "both"}
_AGES = frozenset({"older", "oldest", "younger", "youngest"})
FAR = 40
"""Characters before an option that may tell what happened to it: `the forming of X or the birth of Y`."""


def choose(reading: Reading, evidence: Evidence) -> Proposal | None:
    """The one of `reading.options` that the question asks for; None where the evidence does not tell."""
    if len(reading.options) < 2:
        return None
    words = [word.folded for word in words_of(reading.text)]
    asked = _asked(reading, evidence)
    given = set(words)
    if "longer" in given and given & {"lived", "live"}:
        return _by_life(reading, evidence)
    if given & (_EARLIEST | _LATEST):
        dated = _by_date(reading, evidence, asked, latest=bool(given & _LATEST), ages=bool(given & _AGES))
        if dated is not None:
            return dated
    if given & (_MOST | _LEAST):
        numbered = _by_number(reading, evidence, asked, most=bool(given & _MOST))
        if numbered is not None:
            return numbered
    compared = bool(given & (_EARLIEST | _LATEST | _MOST | _LEAST))
    return _by_words(reading, evidence, asked, compared=compared)


def _asked(reading: Reading, evidence: Evidence) -> Mapping[str, float]:
    """The question's words beside the options and the comparison itself."""
    options = content_of(" ".join(reading.options))
    return {
        root: evidence.weights.get(root, 1.0)
        for root in (stem(word.folded) for word in words_of(reading.text) if word.folded not in STOP_WORDS | _ORDINARY)
        if root not in options
    }


def _by_date(
    reading: Reading, evidence: Evidence, asked: Mapping[str, float], *, latest: bool, ages: bool
) -> Proposal | None:
    found = []
    nouns = {stem(word) for word in reading.noun}
    events = {root: weight for root, weight in asked.items() if root not in nouns}
    for option in reading.options:
        own = _own_event(reading, option, evidence) or events
        when = date_of(evidence, option, {stem("born"): 1.0} if ages and not own else own)
        if when is None:
            return None
        found.append((when, option))
    if found[0][0][0] == found[1][0][0]:
        return None
    chosen = (max if latest else min)(found, key=lambda pair: pair[0][0])
    strength = min(pair[0][2] for pair in found)
    return Proposal(
        written_name(evidence, chosen[1]),
        _ordered([when[1] for when, _ in found], chosen[0][1]),
        strength,
        worked_out=True,
    )


def _own_event(reading: Reading, option: str, evidence: Evidence) -> dict[str, float]:
    """What is said to have happened to an option right before it, as in `the birth of`."""
    at = reading.text.find(option)
    head = reading.text[max(0, at - FAR) : at]
    if not head.rstrip().endswith(("of", "of the")):
        return {}
    words = [word.folded for word in words_of(head)][-3:]
    return {stem(word): 1.0 for word in words if word not in STOP_WORDS | _ORDINARY}


def _by_life(reading: Reading, evidence: Evidence) -> Proposal | None:
    found = []
    for option in reading.options:
        passage = passage_about(evidence, option)
        lives = [(life_in(sentence.text), sentence) for sentence in (passage.sentences[:3] if passage else [])]
        known = next(((born, died, s) for (born, died), s in lives if born and died), None)
        if known is None:
            return None
        born, died, sentence = known
        start, end = sentence.start + born.start, sentence.start + died.end
        support = Support(sentence, start, end, sentence.passage.text[start:end])
        found.append((_days(died.date) - _days(born.date), support, option))
    chosen = max(found, key=lambda life: life[0])
    return Proposal(
        written_name(evidence, chosen[2]), _ordered([life[1] for life in found], chosen[1]), 1.0, worked_out=True
    )


def _days(date: Date) -> float:
    return date.year * 365.25 + date.month * 30.4 + date.day


def _by_number(reading: Reading, evidence: Evidence, asked: Mapping[str, float], *, most: bool) -> Proposal | None:
    found = []
    for option in reading.options:
        number = number_of_thing(evidence, option, asked)
        if number is None or number[2] <= 0.0:
            return None
        found.append((number, option))
    if found[0][0][0] == found[1][0][0]:
        return None
    chosen = (max if most else min)(found, key=lambda pair: pair[0][0])
    strength = 0.8 * min(pair[0][2] for pair in found)
    return Proposal(
        written_name(evidence, chosen[1]),
        _ordered([number[1] for number, _ in found], chosen[0][1]),
        strength,
        worked_out=True,
    )


def _by_words(reading: Reading, evidence: Evidence, asked: Mapping[str, float], *, compared: bool) -> Proposal | None:
    """The option whose first sentences say more of what is asked, as in `which singer is American`.

    Where values should be compared and are not found (`compared`) that is little to go by.
    """
    found: list[tuple[float, Sentence, str]] = []
    whole = sum(asked.values()) or 1.0
    for option in reading.options:
        sentences = sentences_about(evidence, option)[:4]
        if not sentences:
            continue
        stems = frozenset().union(*(sentence.stems for sentence in sentences))
        concepts = frozenset().union(*(sentence.concepts for sentence in sentences))
        told = sum(weight * matched(root, stems, concepts) for root, weight in asked.items()) / whole
        best = max(sentences, key=lambda s: sum(w for root, w in asked.items() if root in s.stems))
        found.append((told, best, option))
    if not found:
        return None
    found.sort(key=lambda option: -option[0])
    margin = found[0][0] - (found[1][0] if len(found) > 1 else 0.0)
    supports = tuple(Support(sentence, sentence.start, sentence.end, sentence.text) for _, sentence, _ in found)
    chosen = written_name(evidence, found[0][2])
    strength = (0.3 * min(1.0, margin) + (0.2 if margin > 0 else 0.0)) * (0.4 if compared else 1.0)
    return Proposal(chosen, supports, strength, worked_out=True)


def _ordered(supports: list[Support], first: Support) -> tuple[Support, ...]:
    return (first, *(support for support in supports if support is not first))
