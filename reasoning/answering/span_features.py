"""What speaks for a span of a sentence: its type, and what stands beside it."""

import math
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from operator import attrgetter
from typing import NamedTuple

from reasoning.answering.candidates import DATE, NAME, NUMBER, PHRASE, QUOTED, Span
from reasoning.answering.evidence import Sentence
from reasoning.answering.facts import BORN, DIED
from reasoning.answering.gazetteer import COUNTRIES, NATIONALITIES, STATES
from reasoning.answering.name_types import Named, NameTypes, without_land
from reasoning.answering.occurrences import TOPIC, Occurrence
from reasoning.answering.question_words import QuestionWords, speaks
from reasoning.answering.relations import concepts_of
from reasoning.answering.sentence_features import Told
from reasoning.answering.steps import Anchor
from reasoning.answering.values import life_in
from reasoning.links import Name
from reasoning.question.kinds import Kind
from reasoning.question.reading import Reading
from reasoning.words import Word, stem

_LINKING_WORDS = "a an the of in at for to on as with his her its their only first new own"
_LINKING = frozenset(_LINKING_WORDS.split())
_HELPING_WORDS = "who which that has had have was were is are also then first later and an a the"
_HELPING = frozenset(_HELPING_WORDS.split())
_PLACE_PREPOSITIONS = frozenset({"in", "at", "near", "from", "of", "to", "on"})
_TIME_PREPOSITIONS = frozenset({"in", "on", "since", "until", "from", "by", "during"})
_FITTING = {
    Kind.PERSON: frozenset({"by", "was", "is", "with", "to"}),
    Kind.LOCATION: _PLACE_PREPOSITIONS,
    Kind.TIME: _TIME_PREPOSITIONS,
}

_NAMES = """
    person place time number thing no_name noun_fit noun_adjacent asked leads_on is_subject other_date other_number
    quoted phrase other_name near_before near_after direct_before preposition bracketed words spread first_half
    outer_and_near year definition noun_in_phrase long_phrase counted_noun subject_is_noun full_date life thing_person
    thing_place list topic by_outer behind_outer before_outer direct_unnamed is_entity phrase_behind person_behind
    person_before doer part short_name full_name single person_of nationality country state
    what_place object near_entity entity_before joined
"""
SPAN_FEATURES = tuple(_NAMES.split())
"""Names of the features, in their order."""
_START, _END = attrgetter("start"), attrgetter("end")
FAR = 9
"""Words beyond which it makes no difference how many."""


class SpanContext(NamedTuple):
    """What does not change from span to span.

    `spread` is how often each name stands in the sentences looked at. `entities` were found by any step, `known` by the
    one before the last.
    """

    reading: Reading
    asked: QuestionWords
    types: NameTypes
    spread: Counter[Name]
    entities: Sequence[Anchor]
    known: Sequence[Anchor]


def span_features(sentence: Sentence, occurrence: Occurrence, context: SpanContext, told: Told) -> tuple[float, ...]:
    """`told`: what speaks for its sentence."""
    reading, asked, types = context.reading, context.asked, context.types
    span, name = occurrence.span, occurrence.name
    text, words, kind = sentence.passage.text, sentence.words, reading.kind
    topic, dated = span.kind == TOPIC, span.kind == DATE
    first = min(bisect_right(words, occurrence.start, key=_END), len(words) - 1)
    last = bisect_left(words, occurrence.end, key=_START) - 1
    last = first if last < 0 else last
    back = [words[i].folded for i in range(max(0, first - 3), first)]
    while back and back[-1] in {"a", "an", "the"}:
        back.pop()
    ahead = [words[i].folded for i in range(min(len(words) - 1, last + 3), last, -1)]
    before = (back[-2] if len(back) > 1 else "", back[-1] if back else "")
    after = words[last + 1].folded if last + 1 < len(words) else ""
    said = text[span.start : span.end]
    is_name = span.kind in (NAME, QUOTED, TOPIC)
    named = types.named(said, name, before, after, reading.noun) if is_name else Named(-1.0, -1.0, 0.0)
    roots = {stem(word) for word in name}
    noun = stem(reading.noun[-1]) if reading.noun else ""
    about = types.about(name) if is_name else None
    is_subject = about is sentence.passage or frozenset(roots) == sentence.passage.about
    to_before = _distance((words[i].folded for i in range(first - 1, -1, -1)), asked.strong)
    to_after = _distance((words[i].folded for i in range(last + 1, len(words))), asked.strong)
    nearest = min(to_before, to_after)
    bracketed = text.rfind("(", sentence.start, occurrence.start) > text.rfind(")", sentence.start, occurrence.start)
    behind = not topic and any(speaks(word, asked.strong) for word in _skipping(back, _LINKING))
    ahead_of = any(speaks(word, asked.strong) for word in _skipping(ahead, _HELPING))
    length, bare = len(name), " ".join(without_land(said, name))
    phrase = span.kind == PHRASE
    person, one_place = kind is Kind.PERSON, kind is Kind.LOCATION
    return (
        named.person if person else 0.0,
        named.location if one_place else 0.0,
        float(kind is Kind.TIME and dated),
        float(kind is Kind.NUMBER and span.kind == NUMBER),
        float(kind in (Kind.THING, Kind.DEFINITION, Kind.LIST) and is_name),
        float((person or one_place) and not is_name),
        named.noun,
        float(bool(noun) and (stem(after) == noun or noun in {stem(w) for w in before if w})),
        sum(1 for word in name if stem(word) in asked.words) / length,
        float(about is not None and about is not sentence.passage),
        float(is_subject),
        float(dated and kind is not Kind.TIME),
        float(span.kind == NUMBER and kind is not Kind.NUMBER),
        float(span.kind == QUOTED),
        float(phrase),
        float(is_name and kind in (Kind.TIME, Kind.NUMBER)),
        1.0 / to_before if to_before < FAR else 0.0,
        1.0 / to_after if to_after < FAR else 0.0,
        float(to_before <= 2),
        float(before[1] in _FITTING.get(kind, frozenset())),
        float(bracketed),
        math.log(length),
        math.log(context.spread[name]),
        float(occurrence.start < (sentence.start + sentence.end) / 2),
        told.outer / nearest if nearest < FAR else 0.0,
        float(dated and length == 1 and kind is Kind.TIME and noun == "year"),
        float(kind is Kind.DEFINITION and before[1] in {"is", "was"}),
        float(phrase and bool(noun) and noun in roots),
        float(phrase and length > 3),
        float(kind is Kind.NUMBER and bool(noun) and (stem(after) == noun or noun in roots)),
        float(is_subject and named.noun > 0.5),
        float(dated and length > 1 and kind is Kind.TIME and noun != "year"),
        _life(sentence, span, asked) if dated and bracketed else 0.0,
        max(0.0, named.person) if kind is Kind.THING and noun else 0.0,
        max(0.0, named.location) if kind is Kind.THING and noun else 0.0,
        float(kind is Kind.LIST and (" and " in said or "," in said)),
        float(topic),
        float(before[1] == "by" and speaks(before[0], asked.strong)),
        float(behind),
        float(ahead_of),
        float(not asked.relations and told.names_here < 0.5),
        max((anchor.weight for anchor in context.entities if anchor.name == name), default=0.0),
        float(phrase and behind and kind is Kind.THING),
        float(person and behind and before[1] != "by"),
        float(person and ahead_of),
        _doer(words, first, ahead, before, asked.deed),
        float(occurrence.part),
        float(occurrence.short),
        float(occurrence.full),
        float(person and is_name and length == 1),
        float(person and " of " in said),
        float(bare in NATIONALITIES and kind is not Kind.THING),
        float(one_place and noun not in {"countr", "nation"} and bare in COUNTRIES),
        float(one_place and noun != "stat" and bare in STATES),
        max(0.0, named.location) if kind is Kind.THING and not noun else 0.0,
        float(
            kind is Kind.THING and not noun and any(word in asked.done for word in map(stem, _skipping(back, _LINKING)))
        ),
        *_beside_entity(words, first, last, context.known),
        float(is_name and kind is not Kind.LIST and " and " in said),
    )


def _beside_entity(words: Sequence[Word], first: int, last: int, known: Sequence[Anchor]) -> tuple[float, float]:
    """How near the nearest name of what is known stands; and whether it stands right before: `China (about 5)`."""
    near = right_before = 0.0
    for anchor in known:
        if anchor.support is None or not anchor.name:
            continue
        for at, word in enumerate(words):
            if word.folded == anchor.name[-1] and not first <= at <= last:
                far = first - at if at < first else 1 + at - last
                near = max(near, anchor.weight / far)
                if at < first and first - at <= 2:
                    right_before = max(right_before, anchor.weight)
    return near, right_before


def _distance(words: Iterable[str], strong: Mapping[str, float]) -> int:
    """Words until one tells what is asked, from 1 to 7; FAR where none of those does."""
    return next((far for far, word in enumerate(islice(words, 7), 1) if speaks(word, strong)), FAR)


def _doer(
    words: Sequence[Word], first: int, ahead: Sequence[str], before: tuple[str, str], deed: Mapping[str, float]
) -> float:
    """1 where the span does what is asked, as in "she wrote" and "written by her"; -1 where it is done to it."""
    if not deed:
        return 0.0
    if any(speaks(word, deed) for word in _skipping(ahead, _HELPING)) or (
        before[1] == "by" and speaks(before[0], deed)
    ):
        return 1.0
    return -1.0 if any(speaks(word.folded, deed) for word in words[:first]) else 0.0


def _skipping(words: Sequence[str], skipped: frozenset[str]) -> Sequence[str]:
    """The first word, from the end nearest to a span, that is none of those skipped; none where there is no other."""
    for word in reversed(words):
        if word not in skipped:
            return (word,)
    return ()


def _life(sentence: Sentence, span: Span, asked: QuestionWords) -> float:
    """1 for the date of birth in brackets where birth is asked for, and of death for death; -1 for the other one."""
    concepts = concepts_of(asked.strong)
    born, died = life_in(sentence.text)
    if not concepts & (BORN | DIED):
        return 0.0
    wanted = died if concepts & DIED else born
    if wanted is None or (born is None and died is None):
        return 0.0
    return 1.0 if wanted.start == span.start - sentence.start else -1.0
