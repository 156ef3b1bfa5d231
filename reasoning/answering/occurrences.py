"""What stands in a sentence that may answer: its own spans, and what its pronouns and short names stand for."""

from typing import NamedTuple

from reasoning.answering.candidates import DATE, NAME, NUMBER, PHRASE, QUOTED, Span, candidates, folded
from reasoning.answering.evidence import Sentence
from reasoning.links import Name
from reasoning.question.kinds import Kind

TOPIC = "topic"
"""The kind of a span that a pronoun stands for."""
PRONOUNS = frozenset({"he", "she", "it", "they", "his", "her", "its", "their"})
_ANY = frozenset({NAME, DATE, NUMBER, QUOTED, PHRASE, TOPIC})
_FITTING = {
    Kind.PERSON: frozenset({NAME, QUOTED, TOPIC}),
    Kind.LOCATION: frozenset({NAME, QUOTED, TOPIC}),
    Kind.TIME: frozenset({DATE}),
    Kind.NUMBER: frozenset({NUMBER, DATE}),
}
_WITH_PHRASES = frozenset({Kind.THING, Kind.DEFINITION, Kind.LIST})


class Occurrence(NamedTuple):
    """A span that may answer, and the characters of the sentence that say it.

    `part`: it lies within a longer name. `short`: its passage has a longer form of the name; `full`: it is that form.
    """

    span: Span
    name: Name
    start: int
    end: int
    part: bool = False
    short: bool = False
    full: bool = False


def occurrences(sentence: Sentence, kind: Kind) -> list[Occurrence]:
    """Those whose form fits what is asked for."""
    text = sentence.passage.text
    fitting = _FITTING.get(kind, _ANY)
    spans = [
        span
        for span in candidates(text, sentence.start, sentence.end, sentence.words, phrases=kind in _WITH_PHRASES)
        if span.kind in fitting
    ]
    names = [span for span in spans if span.kind == NAME]
    found: list[Occurrence] = []
    for span in spans:
        name = folded(text[span.start : span.end])
        if not name:
            continue
        part = span.kind == NAME and any(
            other.start <= span.start and span.end <= other.end and other != span for other in names
        )
        full = _full(sentence, name) if kind is Kind.PERSON and span.kind == NAME and not part else None
        found.append(Occurrence(span, name, span.start, span.end, part, short=full is not None))
        if full is not None:
            found.append(Occurrence(full[0], full[1], span.start, span.end, full=True))
    return found + (_topic(sentence) if TOPIC in fitting else [])


def _full(sentence: Sentence, name: Name) -> tuple[Span, Name] | None:
    """The longer name that ends with a single one, and stands earlier in the passage: `Hall` is G. Stanley Hall."""
    if len(name) > 1:
        return None
    earlier = (pair for other in sentence.passage.sentences[: sentence.order + 1] for pair in other.names)
    return next(
        (
            (span, longer)
            for span, longer in earlier
            if 2 <= len(longer) <= 4 and longer[-1] == name[0] and _plain(longer)
        ),
        None,
    )


def _plain(name: Name) -> bool:
    return not {"of", "and", "for"} & set(name)


def _topic(sentence: Sentence) -> list[Occurrence]:
    """What its passage is about, for a sentence that speaks of it by a pronoun."""
    pronoun = next((word for word in sentence.words if word.folded in PRONOUNS), None)
    opening = sentence.passage.opening
    if pronoun is None or opening is None:
        return []
    name = folded(sentence.passage.text[slice(*opening)])
    return [Occurrence(Span(*opening, TOPIC), name, pronoun.start, pronoun.end)] if name else []
