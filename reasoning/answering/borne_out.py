"""Whether the sources bear out what a model says: each name, date and number of it stands in a sentence of theirs,
beside the word that tells how, and that sentence leads back to what the question names."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from inference.chunking import sentences as sentences_of
from reasoning.answering.candidates import DATE, NUMBER, PHRASE, candidates, folded
from reasoning.answering.denial import predicate_of
from reasoning.answering.evidence import Evidence, Sentence
from reasoning.answering.judged import Judged
from reasoning.answering.proposal import Proposal, Support
from reasoning.answering.question_words import coverage
from reasoning.answering.relations import concepts_of, matched
from reasoning.answering.steps import Anchor, presence
from reasoning.answering.values import Date, dates_in, numbers_in
from reasoning.question.kinds import Kind
from reasoning.question.reading import Reading
from reasoning.words import STOP_WORDS, Word, content_of, stem, words_of

ASKED = 0.5
"""Share of what is asked that a sentence says which bears out a bare name, date or number."""
TOLD = 0.75
"""Share of an answer's other words that its sentences hold."""
NEAR = 4
"""Words before a name, date or number, of which one may deny it."""
_VERDICTS = (("yes",), ("no",))
_VERDICT_STEMS = frozenset({stem("yes"), stem("no")})
_NEGATIONS = frozenset({"not", "no", "never", "neither", "nor", "without", "cannot"})
_NEGATED = re.compile(r"n['\u2019]t\b")
_CITED = re.compile(r"\s*[\[\u3010](\d{1,4}(?:\s*[,;]\s*\d{1,4})*)[\]\u3011]")


@dataclass(frozen=True, slots=True)
class Checked:
    """`supports`: the sentences that bear out the answer's parts, in their order. `doubt`: what first is not borne out,
    as far as a person wants to know; None where all is."""

    supports: tuple[Support, ...]
    doubt: str | None


@dataclass(frozen=True, slots=True)
class _Item:
    """A name, date, number or phrase of a statement that the question does not have. `beside`: stems of the word that
    tells of it; empty where the statement has none."""

    text: str
    kind: str
    stems: frozenset[str]
    beside: frozenset[str]
    negated: bool


def citations(text: str, sources: int) -> tuple[str, tuple[int, ...], str | None]:
    """A text without its citations, the numbers of the sources that it cites, from 1, and which of them is none."""
    cited = [int(number) for match in _CITED.finditer(text) for number in re.findall(r"\d+", match[1])]
    wrong = next((number for number in cited if not 1 <= number <= sources), None)
    doubt = None if wrong is None else f"it cites source {wrong}, and there are {sources}"
    known = tuple(dict.fromkeys(number for number in cited if 1 <= number <= sources))
    return " ".join(_CITED.sub("", text).split()), known, doubt


def check(
    reading: Reading,
    evidence: Evidence,
    known: Sequence[Anchor],
    text: str,
    worked_out: Proposal | None,
    cited: Collection[int] = (),
) -> Checked:
    """An answer against the sentences. `known`: what the question names and its steps found; `worked_out`: what follows
    from the values found; `cited`: numbers of passages, the only ones to count where there are any."""
    statements = [text[start:end] for start, end in sentences_of(text)] or [text]
    items = [item for statement in statements for item in _items(reading, statement)]
    if worked_out is not None and _same(text, worked_out.text):
        return Checked(tuple(reversed(worked_out.supports)), None)
    if not items:
        return Checked((), "what the sources say does not come to it")
    supports: dict[int, Support] = {}
    anchors = list(known)
    # What is borne out leads on to the next: "Ines Marlowe, who was born in Brennick".
    while len(supports) < len(items):
        further = {
            number: support
            for number, item in enumerate(items)
            if number not in supports and (support := _support(reading, evidence, anchors, item, cited)) is not None
        }
        if not further:
            break
        supports |= further
        anchors += [_anchor(items[number]) for number in further]
    ordered = _each_once([supports[number] for number in sorted(supports)])
    doubtful = next((item for number, item in enumerate(items) if number not in supports), None)
    if doubtful is not None:
        return Checked(ordered, f'no sentence of theirs says so of "{doubtful.text}"')
    named = frozenset[str]().union(*(item.stems for item in items if item.kind != PHRASE))
    untold = _untold(reading, statements, named, ordered)
    return Checked(ordered, untold)


def _items(reading: Reading, statement: str) -> list[_Item]:
    words = words_of(statement)
    asked = content_of(reading.text)
    spans = sorted(
        candidates(statement, 0, len(statement), words, phrases=False), key=lambda span: (span.start, -span.end)
    )
    outermost = [
        span
        for number, span in enumerate(spans)
        if not any(other.start <= span.start and span.end <= other.end for other in spans[:number])
    ]
    negated = _negates(statement)
    named = [(span.start, span.end) for span in outermost]
    items = []
    for span in outermost:
        part = statement[span.start : span.end]
        stems = content_of(part) - (frozenset() if span.kind in (DATE, NUMBER) else asked)
        if (
            stems
            and folded(part) not in _VERDICTS
            and not (span.kind in (DATE, NUMBER) and _said(part, span.kind, reading.text))
        ):
            items.append(_Item(part, span.kind, stems, _beside(words, span.start, span.end, named), negated))
    if not items:
        stems = content_of(statement) - asked - _VERDICT_STEMS
        return [_Item(statement.strip(" ."), PHRASE, stems, frozenset(), negated)] if stems else []
    return items


def _beside(words: Sequence[Word], start: int, end: int, named: Sequence[tuple[int, int]]) -> frozenset[str]:
    """The nearest word with a meaning of its own: before the item, else behind it."""
    plain = [
        word
        for word in words
        if word.folded not in STOP_WORDS and not any(first <= word.start < last for first, last in named)
    ]
    before = [word for word in plain if word.end <= start]
    behind = [word for word in plain if word.start >= end]
    nearest = before[-1] if before else behind[0] if behind else None
    return frozenset() if nearest is None else frozenset({stem(nearest.folded)})


def _support(
    reading: Reading, evidence: Evidence, anchors: Sequence[Anchor], item: _Item, cited: Collection[int]
) -> Support | None:
    judged = Judged([*predicate_of(reading), *item.beside])
    for passage in evidence.passages:
        if cited and passage.number not in cited:
            continue
        for sentence in passage.sentences:
            span = _span_of(sentence, item)
            if (
                span is not None
                and _tells(reading, evidence, sentence, item)
                and _denies(sentence, span[0]) == item.negated
                and _leads_there(sentence, anchors)
                and not judged.rejects(sentence, [anchor.stems for anchor in anchors], [item.text])
            ):
                return Support(sentence, *span, item.text)
    return None


def _span_of(sentence: Sentence, item: _Item) -> tuple[int, int] | None:
    """Where a sentence has it; the whole sentence where it says it in words apart, or by what it is about."""
    text, whole = sentence.text, (sentence.start, sentence.end)
    if item.kind in (DATE, NUMBER):
        found = dates_in(text) if item.kind == DATE else numbers_in(text)
        value = next((one for one in found if _said(item.text, item.kind, text[one.start : one.end])), None)
        return None if value is None else (sentence.start + value.start, sentence.start + value.end)
    held = sum(matched(root, sentence.here, sentence.concepts) > 0 for root in item.stems) / len(item.stems)
    if held < (1.0 if item.kind != PHRASE else TOLD):
        return None
    at = text.casefold().find(item.text.casefold()) if text.isascii() and item.text.isascii() else text.find(item.text)
    return (sentence.start + at, sentence.start + at + len(item.text)) if at >= 0 else whole


def _said(value: str, kind: str, text: str) -> bool:
    if kind == DATE:
        return any(_is(date.date, other.date) for date in dates_in(value) for other in dates_in(text))
    numbers = {one.number for one in numbers_in(value)}
    return bool(numbers) and numbers <= {one.number for one in numbers_in(text)}


def _is(date: Date, other: Date) -> bool:
    """Whether a text that has `other` tells the date, which may leave out what the text has."""
    return date.year == other.year and all(
        not part or part == there for part, there in ((date.month, other.month), (date.day, other.day))
    )


def _tells(reading: Reading, evidence: Evidence, sentence: Sentence, item: _Item) -> bool:
    """Whether a sentence tells of an item what the answer does, or what the question asks where the answer is bare."""
    if item.beside:
        return any(matched(root, sentence.here, sentence.concepts) > 0 for root in item.beside)
    unsaid = {stem(word) for word in reading.noun} if reading.kind in (Kind.TIME, Kind.NUMBER) else set()
    asked = {
        root: evidence.weights.get(root, 1.0)
        for root, depth in reading.depths.items()
        if depth == 0 and root not in reading.named and root not in unsaid
    }
    return not asked or coverage(asked, sentence.here, sentence.concepts) >= ASKED


def _leads_there(sentence: Sentence, anchors: Sequence[Anchor]) -> bool:
    """Whether it speaks of what is known, or its passage is reached by a link from one that does."""
    if not anchors or presence(anchors, sentence.here) > 0.0:
        return True
    return any(
        presence(anchors, arrival.sentence.here) > 0.0 or presence(anchors, arrival.source.about) > 0.0
        for arrival in sentence.passage.arrivals
    )


def _anchor(item: _Item) -> Anchor:
    return Anchor(folded(item.text), item.stems, 1.0)


def _untold(
    reading: Reading, statements: Sequence[str], named: frozenset[str], supports: Sequence[Support]
) -> str | None:
    """What the answer says beside its names, dates and numbers that neither the question nor its sentences hold."""
    stems = frozenset[str]().union(*(support.sentence.here for support in supports))
    concepts = concepts_of(stems) | frozenset[int]().union(*(support.sentence.concepts for support in supports))
    asked = content_of(reading.text)
    said = content_of(" ".join(statements)) - asked - named - _VERDICT_STEMS
    unheld = sorted(root for root in said if matched(root, stems, concepts) == 0.0)
    if said and len(unheld) > (1.0 - TOLD) * len(said):
        return f"their sentences do not say {', '.join(unheld)}"
    return None


def _negates(text: str) -> bool:
    return bool(_NEGATED.search(text)) or any(word.folded in _NEGATIONS for word in words_of(text))


def _denies(sentence: Sentence, start: int) -> bool:
    """Whether a word shortly before it denies what stands at a position of a sentence."""
    before = [word for word in sentence.words if word.end <= start][-NEAR:]
    return bool(before) and _negates(sentence.passage.text[before[0].start : start])


def _same(text: str, other: str) -> bool:
    """Whether they begin with the same yes or no, are of the same words, or give the same numbers."""
    first, second = folded(text), folded(other)
    if second[:1] in _VERDICTS:
        return first[:1] == second[:1]
    numbers = [one.number for one in numbers_in(other)]
    return first == second or (bool(numbers) and numbers == [one.number for one in numbers_in(text)])


def _each_once(supports: Sequence[Support]) -> tuple[Support, ...]:
    """Of several in one sentence, the last."""
    kept: dict[int, Support] = {}
    for support in supports:
        kept.pop(id(support.sentence), None)
        kept[id(support.sentence)] = support
    return tuple(kept.values())
