"""What the evidence says of one thing: the sentences about it, and the dates and numbers of what happened to it."""

from collections.abc import Mapping

from reasoning.answering.candidates import folded
from reasoning.answering.denial import Denial
from reasoning.answering.evidence import Evidence, Found, Sentence
from reasoning.answering.judged import Judged
from reasoning.answering.proposal import Support
from reasoning.answering.relations import concepts_of, matched
from reasoning.answering.values import Date, Dated, dates_in, life_in, numbers_in
from reasoning.words import content_of, stem

BORN, DIED = concepts_of([stem("born")]), concepts_of([stem("died")])
FAR = 80.0
"""Characters between an event and a date beyond which it makes no difference how many."""
ENOUGH = 0.5
"""Share of a name's words that a passage's title, or a sentence, must hold to speak of it."""


def passage_about(evidence: Evidence, name: str) -> Found | None:
    """The passage whose title is most like the name."""
    wanted = content_of(name)
    best: tuple[float, Found] | None = None
    for passage in evidence.passages:
        about = passage.about
        if not wanted or not about:
            continue
        share = len(wanted & about) / len(wanted)
        likeness = share + len(wanted & about) / len(about) + 0.01 * passage.worth
        if folded(passage.title) == folded(name):
            likeness += 1.0
        if share > ENOUGH and (best is None or likeness > best[0]):
            best = likeness, passage
    return best[1] if best is not None else None


def sentences_about(evidence: Evidence, name: str) -> list[Sentence]:
    """Those of the passage about it first, then those that name it."""
    passage = passage_about(evidence, name)
    own = list(passage.sentences) if passage is not None else []
    wanted = content_of(name)
    if not wanted:
        return own
    others = [
        sentence
        for sentence in evidence.sentences
        if sentence.passage is not passage and len(wanted & sentence.stems) > ENOUGH * len(wanted)
    ]
    return own + others


def date_of(evidence: Evidence, name: str, event: Mapping[str, float]) -> tuple[Date, Support, float] | None:
    """When something happened to what is named: date, where it says so, and how well that matches in 0..1.

    `event`: weights of the stems that tell what happened. Without any it is the first date that is told of it.
    """
    sentences = sentences_about(evidence, name)
    concepts = concepts_of(event)
    lives = bool(concepts & (BORN | DIED)) or not event
    for sentence in sentences[:3] if lives else []:
        born, died = life_in(sentence.text)
        dated = died if concepts & DIED else born
        if dated is not None:
            return dated.date, _support(sentence, dated), 1.0
    best: tuple[float, Date, Support] | None = None
    whole = sum(event.values())
    denial, judged, known = Denial(event), Judged(event), [content_of(name)]
    for order, sentence in enumerate(sentences):
        dates = [
            dated
            for dated in dates_in(sentence.text)
            if dated.date.year
            and not denial.denies(sentence, sentence.start + dated.start)
            and not judged.rejects(sentence, known, [sentence.text[dated.start : dated.end]])
        ]
        if not dates:
            continue
        told = sum(w * matched(root, sentence.stems, sentence.concepts) for root, w in event.items())
        share = told / whole if whole > 0 else 0.3
        dated, distance = _nearest(sentence, dates, event)
        worth = share - 0.01 * order - 0.1 * min(1.0, distance / FAR)
        if best is None or worth > best[0]:
            best = worth, dated.date, _support(sentence, dated)
    if best is None or best[0] <= 0.0:
        return None
    return best[1], best[2], min(1.0, best[0])


def number_of_thing(evidence: Evidence, name: str, asked: Mapping[str, float]) -> tuple[float, Support, float] | None:
    """The number that the best matching sentence tells of what is named."""
    best: tuple[float, float, Support] | None = None
    whole, denial, judged = sum(asked.values()), Denial(asked), Judged(asked)
    known = [content_of(name)]
    for order, sentence in enumerate(sentences_about(evidence, name)):
        dates = dates_in(sentence.text)
        numbers = [
            counted
            for counted in numbers_in(sentence.text)
            if not any(dated.start < counted.end and counted.start < dated.end for dated in dates)
            and not denial.denies(sentence, sentence.start + counted.start)
            and not judged.rejects(sentence, known, [sentence.text[counted.start : counted.end]])
        ]
        if not numbers:
            continue
        told = sum(w * matched(root, sentence.stems, sentence.concepts) for root, w in asked.items())
        worth = (told / whole if whole > 0 else 0.0) - 0.01 * order
        largest = max(numbers, key=lambda counted: counted.number)
        if best is None or worth > best[0]:
            start, end = sentence.start + largest.start, sentence.start + largest.end
            best = worth, largest.number, Support(sentence, start, end, sentence.passage.text[start:end])
    return None if best is None else (best[1], best[2], max(0.0, best[0]))


def _nearest(sentence: Sentence, dates: list[Dated], event: Mapping[str, float]) -> tuple[Dated, float]:
    """The date nearest to a word of the event, rather behind it than before it, and how far it is; else the first."""
    positions = [
        word.start - sentence.start
        for word in sentence.words
        if any(matched(root, frozenset({stem(word.folded)}), concepts_of({stem(word.folded)})) for root in event)
    ]
    if not positions:
        return dates[0], FAR

    def distance(dated: Dated) -> float:
        return min((dated.start - at if dated.start >= at else 1.5 * (at - dated.start)) for at in positions)

    nearest = min(dates, key=distance)
    return nearest, distance(nearest)


def _support(sentence: Sentence, dated: Dated) -> Support:
    start, end = sentence.start + dated.start, sentence.start + dated.end
    return Support(sentence, start, end, sentence.passage.text[start:end])


def written_name(evidence: Evidence, name: str) -> str:
    """The name as the passage about it begins with it; as it is where that is another name."""
    passage = passage_about(evidence, name)
    if passage is None or not passage.sentences:
        return name
    opening = passage.text[slice(*passage.opening)] if passage.opening is not None else name
    longer = len(folded(opening)) <= len(folded(name)) + 2
    return opening if longer and content_of(name) <= content_of(opening) else name
