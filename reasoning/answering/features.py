"""What speaks for a span: numbers that a learned weight each turns into its support."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reasoning.answering.candidates import DATE, NAME, NUMBER, PHRASE, QUOTED, Span, candidates, folded
from reasoning.answering.evidence import Evidence, Sentence
from reasoning.answering.facts import BORN, DIED
from reasoning.answering.name_types import NameTypes
from reasoning.answering.relations import concepts_of, matched
from reasoning.answering.steps import Anchor, InnerStep, inner_steps, presence
from reasoning.answering.values import life_in
from reasoning.question.kinds import Kind
from reasoning.question.reading import Reading
from reasoning.words import STOP_WORDS, Word, content_of, stem, words_of

TOPIC = "topic"
"""The kind of a span that a pronoun stands for."""
PRONOUNS = frozenset({"he", "she", "it", "they", "his", "her", "its", "their"})
_LINKING_WORDS = "a an the of in at for to on as with his her its their only first new own"
_LINKING = frozenset(_LINKING_WORDS.split())
_HELPING_WORDS = "who which that has had have was were is are also then first later and an a the"
_HELPING = frozenset(_HELPING_WORDS.split())
MOST_SENTENCES = 14
"""Sentences whose spans are looked at."""
ENOUGH = 0.3
"""Share of the weightiest word from which on a word tells what is asked."""
_UNSAID_NOUNS = frozenset({"percentage", "percent", "amount", "number", "times"})
INWARDS = 0.4
"""What a word counts less for what is asked with each step further in."""

_NAMES = """
    worth rank named title_asked outer outer_near inner full bridge bridge_linked names_here order uncovered
    bridge_and_outer person place time number thing no_name noun_fit noun_adjacent asked leads_on is_subject
    other_date other_number quoted phrase other_name near_before near_after direct_before preposition bracketed
    words spread first_half outer_and_near year definition noun_in_phrase long_phrase counted_noun subject_is_noun
    full_date life thing_person thing_place list topic by_outer behind_outer before_outer direct_unnamed entity
    entity_and_outer is_entity phrase_behind person_behind person_before doer
"""
FEATURES = tuple(_NAMES.split())
_DOER = FEATURES.index("doer")
"""Names of the features, in their order: those of the sentence, then those of the span."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A span that may answer, with its features."""

    sentence: Sentence
    span: Span
    text: str
    name: tuple[str, ...]
    features: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class _Asked:
    """The question's words, weighed."""

    outer: Mapping[str, float]
    strong: Mapping[str, float]
    inner: Mapping[str, float]
    all: Mapping[str, float]
    names: frozenset[str]
    words: frozenset[str]
    relations: frozenset[str]
    deed: Mapping[str, float]


def scored_spans(
    reading: Reading, evidence: Evidence, types: NameTypes | None = None, path: Sequence[InnerStep] | None = None
) -> list[Scored]:
    """All that may answer, of the sentences that say most of what is asked. `path`: the steps before the last."""
    asked = _asked(reading, evidence)
    types = types or NameTypes(evidence)
    path = path if path is not None else inner_steps(reading, evidence, types)
    known = path[-1].found if path else ()
    sentences = sorted(
        ((_sentence_features(sentence, asked, known), sentence) for sentence in evidence.sentences),
        key=lambda pair: -pair[0][0],
    )[:MOST_SENTENCES]
    entities = [anchor for step in path for anchor in step.found]
    spread = Counter[tuple[str, ...]]()
    given = {folded(name) for name in reading.names_text()}
    spans: list[tuple[Sentence, Span, tuple[str, ...], tuple[float, ...]]] = []
    phrases = reading.kind in {Kind.THING, Kind.DEFINITION, Kind.LIST}
    fitting = _FITTING_KINDS.get(reading.kind, _ANY)
    for (_, *values), sentence in sentences:
        text = sentence.passage.text
        found = candidates(text, sentence.start, sentence.end, sentence.words, phrases=phrases)
        for span in [*found, *_topic(sentence)]:
            name = folded(text[span.start : span.end])
            # Nobody asks for what he names himself.
            if not name or name in given or span.kind not in fitting:
                continue
            spread[name] += 1
            spans.append((sentence, span, name, tuple(values)))
    scored = [
        Scored(
            sentence,
            span,
            sentence.passage.text[span.start : span.end],
            name,
            (*values[:14], *_span_features(sentence, span, name, reading, asked, types, spread, values, entities)),
        )
        for sentence, span, name, values in spans
    ]
    # Where a sentence says who does it, what it is done to is no answer.
    told = {id(one.sentence) for one in scored if one.features[_DOER] > 0}
    return [one for one in scored if one.features[_DOER] >= 0 or id(one.sentence) not in told]


def _asked(reading: Reading, evidence: Evidence) -> _Asked:
    names = content_of(" ".join(reading.names_text()))
    outer: dict[str, float] = {}
    inner: dict[str, float] = {}
    # `which year` is answered by a year, without the word.
    unsaid = {stem(word) for word in reading.noun if reading.kind is Kind.TIME or word in _UNSAID_NOUNS}
    for root, depth in reading.depths.items():
        if root in unsaid:
            continue
        weight = evidence.weights.get(root, 1.0)
        if root not in names:
            outer[root] = weight if depth == 0 else weight * INWARDS**depth / 2.0
        if root in names or depth > 0:
            inner[root] = weight
    if not outer:
        outer = dict(inner)
    weights = {root: evidence.weights.get(root, 1.0) for root in reading.depths}
    least = ENOUGH * max(outer.values(), default=0.0)
    strong = {root: weight for root, weight in outer.items() if weight >= least}
    relations = frozenset(root for root, depth in reading.depths.items() if depth > 0 and root not in names)
    return _Asked(outer, strong, inner, weights, names, frozenset(reading.depths), relations, _deed(reading))


def _deed(reading: Reading) -> Mapping[str, float]:
    """What is done by whom is asked for: "wrote" of "who wrote it"; nothing of "who was it" and "whom did she meet"."""
    words = [word.folded for word in words_of(reading.text)]
    verb = words[1] if len(words) > 1 and words[0] == "who" else ""
    return {stem(verb): 1.0} if verb and verb not in STOP_WORDS else {}


def coverage(weights: Mapping[str, float], stems: frozenset[str], concepts: frozenset[int]) -> float:
    """Share of the weight that a text's stems and relations match, in 0..1."""
    whole = sum(weights.values())
    return (
        sum(weight * matched(root, stems, concepts) for root, weight in weights.items()) / whole if whole > 0 else 0.0
    )


def _sentence_features(sentence: Sentence, asked: _Asked, known: Sequence[Anchor]) -> tuple[float, ...]:
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
    quick = outer + 0.4 * full + 0.4 * max(inner, led) + 0.5 * passage.worth + 0.5 * entity
    return (
        quick,
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
    )


_ANY = frozenset({NAME, DATE, NUMBER, QUOTED, PHRASE, TOPIC})
_FITTING_KINDS = {
    Kind.PERSON: frozenset({NAME, QUOTED, TOPIC}),
    Kind.LOCATION: frozenset({NAME, QUOTED, TOPIC}),
    Kind.TIME: frozenset({DATE, NUMBER}),
    Kind.NUMBER: frozenset({NUMBER, DATE}),
}
_PLACE_PREPOSITIONS = frozenset({"in", "at", "near", "from", "of", "to", "on"})
_TIME_PREPOSITIONS = frozenset({"in", "on", "since", "until", "from", "by", "during"})
_FITTING = {
    Kind.PERSON: frozenset({"by", "was", "is", "with", "to"}),
    Kind.LOCATION: _PLACE_PREPOSITIONS,
    Kind.TIME: _TIME_PREPOSITIONS,
}


def _span_features(
    sentence: Sentence,
    span: Span,
    name: tuple[str, ...],
    reading: Reading,
    asked: _Asked,
    types: NameTypes,
    spread: Counter[tuple[str, ...]],
    values: Sequence[float],
    entities: Sequence[Anchor],
) -> tuple[float, ...]:
    text = sentence.passage.text
    words = sentence.words
    topic = span.kind == TOPIC
    if topic:
        first = last = next(i for i, word in enumerate(words) if word.folded in PRONOUNS)
    else:
        first = next((i for i, word in enumerate(words) if word.end > span.start), len(words) - 1)
        last = max((i for i, word in enumerate(words) if word.start < span.end), default=first)
    back = [words[i].folded for i in range(max(0, first - 3), first)]
    while back and back[-1] in {"a", "an", "the"}:
        back.pop()
    ahead = [words[i].folded for i in range(min(len(words) - 1, last + 3), last, -1)]
    before = (back[-2] if len(back) > 1 else "", back[-1] if back else "")
    after = words[last + 1].folded if last + 1 < len(words) else ""
    kind = reading.kind
    is_name = span.kind in (NAME, QUOTED, TOPIC)
    named = types.named(text, name, before, after, reading.noun) if is_name else None
    person = named.person if named else -1.0
    location = named.location if named else -1.0
    stems = [stem(word) for word in name]
    roots = set(stems)
    asked_share = sum(1 for root in roots if root in asked.words) / len(roots)
    noun = stem(reading.noun[-1]) if reading.noun else ""
    before_distance, after_distance = 9, 9
    for distance in range(1, 8):
        if before_distance == 9 and first - distance >= 0 and _speaks(words[first - distance].folded, asked.strong):
            before_distance = distance
        if (
            after_distance == 9
            and last + distance < len(words)
            and _speaks(words[last + distance].folded, asked.strong)
        ):
            after_distance = distance
    about = types.about(name) if is_name else None
    leads_on = float(about is not None and about is not sentence.passage)
    is_subject = float(about is sentence.passage or (bool(name) and frozenset(stems) == sentence.passage.about))
    dated = span.kind == DATE
    bracketed = text.rfind("(", sentence.start, span.start) > text.rfind(")", sentence.start, span.start)
    adjacent = 0.0
    if noun:
        adjacent = float(stem(after) == noun or noun in {stem(w) for w in before if w})
    length = len(name)
    behind = not topic and any(_speaks(word, asked.strong) for word in _skipping(back, _LINKING))
    ahead_of = any(_speaks(word, asked.strong) for word in _skipping(ahead, _HELPING))
    return (
        person if kind is Kind.PERSON else 0.0,
        location if kind is Kind.LOCATION else 0.0,
        float(kind is Kind.TIME and dated),
        float(kind is Kind.NUMBER and span.kind == NUMBER),
        float(kind in (Kind.THING, Kind.DEFINITION, Kind.LIST) and is_name),
        float(kind in (Kind.PERSON, Kind.LOCATION) and not is_name),
        named.noun if named else 0.0,
        adjacent,
        asked_share,
        leads_on,
        is_subject,
        float(dated and kind is not Kind.TIME),
        float(span.kind == NUMBER and kind is not Kind.NUMBER),
        float(span.kind == QUOTED),
        float(span.kind == PHRASE),
        float(is_name and kind in (Kind.TIME, Kind.NUMBER)),
        1.0 / before_distance if before_distance < 9 else 0.0,
        1.0 / after_distance if after_distance < 9 else 0.0,
        float(before_distance <= 2),
        float(before[1] in _FITTING.get(kind, frozenset())),
        float(bracketed),
        math.log(length),
        math.log(spread[name]),
        float(span.start < (sentence.start + sentence.end) / 2),
        values[4] * (1.0 / min(before_distance, after_distance) if min(before_distance, after_distance) < 9 else 0.0),
        float(dated and length == 1 and kind is Kind.TIME and (noun == "year")),
        float(kind is Kind.DEFINITION and before[1] in {"is", "was"}),
        float(span.kind == PHRASE and bool(noun) and noun in roots),
        float(span.kind == PHRASE and length > 3),
        float(kind is Kind.NUMBER and bool(noun) and (stem(after) == noun or noun in roots)),
        float(is_subject and bool(named) and named.noun > 0.5) if named else 0.0,
        float(dated and length > 1 and kind is Kind.TIME and noun != "year"),
        _life(sentence, span, asked) if dated and bracketed else 0.0,
        max(0.0, person) if kind is Kind.THING and noun else 0.0,
        max(0.0, location) if kind is Kind.THING and noun else 0.0,
        float(kind is Kind.LIST and (" and " in text[span.start : span.end] or "," in text[span.start : span.end])),
        float(topic),
        float(before[1] == "by" and _speaks(before[0], asked.strong)),
        float(behind),
        float(ahead_of),
        float(not asked.relations and values[10] < 0.5),
        values[14],
        values[14] * values[4],
        max((anchor.weight for anchor in entities if anchor.name == name), default=0.0),
        float(span.kind == PHRASE and behind and kind is Kind.THING),
        float(kind is Kind.PERSON and behind and before[1] != "by"),
        float(kind is Kind.PERSON and ahead_of),
        _doer(words, first, ahead, before, asked.deed),
    )


def _doer(
    words: Sequence[Word], first: int, ahead: Sequence[str], before: tuple[str, str], deed: Mapping[str, float]
) -> float:
    """1 where the span does what is asked, as in "she wrote" and "written by her"; -1 where it is done to it."""
    if not deed:
        return 0.0
    if any(_speaks(word, deed) for word in _skipping(ahead, _HELPING)) or (
        before[1] == "by" and _speaks(before[0], deed)
    ):
        return 1.0
    return -1.0 if any(_speaks(word.folded, deed) for word in words[:first]) else 0.0


def _skipping(words: Sequence[str], skipped: frozenset[str]) -> Sequence[str]:
    """The first word, from the end nearest to a span, that is none of those skipped; none where there is no other."""
    for word in reversed(words):
        if word not in skipped:
            return (word,)
    return ()


def _topic(sentence: Sentence) -> list[Span]:
    """What its passage is about, for a sentence that speaks of it by a pronoun."""
    if not any(word.folded in PRONOUNS for word in sentence.words):
        return []
    opening = sentence.passage.opening
    return [Span(*opening, TOPIC)] if opening is not None else []


def _life(sentence: Sentence, span: Span, asked: _Asked) -> float:
    """1 for the date of birth in brackets where birth is asked for, and of death for death; -1 for the other one."""
    concepts = concepts_of(asked.strong)
    born, died = life_in(sentence.text)
    if not concepts & (BORN | DIED):
        return 0.0
    wanted = died if concepts & DIED else born
    if wanted is None or (born is None and died is None):
        return 0.0
    return 1.0 if wanted.start == span.start - sentence.start else -1.0


def _speaks(word: str, outer: Mapping[str, float]) -> bool:
    root = stem(word)
    if root in outer:
        return True
    own = concepts_of((root,))
    return bool(own) and any(not own.isdisjoint(concepts_of((other,))) for other in outer)
