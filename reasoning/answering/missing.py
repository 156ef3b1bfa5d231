"""Why a question is not answered: what was found, and what no passage says."""

from collections.abc import Iterable

from reasoning.answering.evidence import Evidence
from reasoning.answering.features import FEATURES, Scored
from reasoning.answering.relations import concepts_of, matched
from reasoning.question.reading import Reading
from reasoning.words import STOP_WORDS, content_of, stem, words_of

_AT = {name: number for number, name in enumerate(FEATURES)}
UNSAID = 0.6
"""Share of what is asked that one word may have without being said."""
PRESENT = 0.5
"""How surely a sentence must speak of what the question names, where it is asked of nothing else."""


def what_is_missing(reading: Reading, evidence: Evidence, span: Scored | None, *, sure: bool) -> str | None:
    """None where nothing is: a sentence speaks of what is named and says what is asked.

    Without a span: what of the question no passage says at all. `sure`: what is asked may be said in other words.
    """
    unknown = [name for name in reading.names_text() if not _known(evidence, name)]
    if unknown and len(unknown) == len(reading.names):
        return f"no passage speaks of {_list(unknown)}"
    unsaid = _unsaid(reading, evidence)
    if span is None:
        return f"passages speak of {_list(reading.names_text())}, none says {_list(unsaid)}" if unsaid else None
    asked = [word for word, depth in _words(reading) if depth == 0]
    value = {name: span.features[at] for name, at in _AT.items()}
    if not sure and (value["outer"] <= 0.01 or value["uncovered"] >= UNSAID):
        return f"found: {span.text!r}, but no sentence about it says {_list(unsaid or asked)}"
    if (
        reading.names
        and value["direct_unnamed"]
        and max(value["names_here"], value["entity"]) < PRESENT
        and not _beside(reading, evidence, span)
    ):
        return (
            f"found: {span.text!r}, but no sentence about {_list(reading.names_text())} says {_list(unsaid or asked)}"
        )
    return None


def _beside(reading: Reading, evidence: Evidence, span: Scored) -> bool:
    """Whether a sentence about something that the question names has the span, too, and says some of what is asked."""
    names = [content_of(name) for name in reading.names_text()]
    wanted = content_of(span.text)
    asked = [stem(word) for word, depth in _words(reading) if depth == 0]
    return any(
        wanted <= sentence.stems
        and any(stems and stems <= sentence.here for stems in names)
        and (not asked or any(matched(root, sentence.stems, sentence.concepts) for root in asked))
        for sentence in evidence.sentences
    )


def _known(evidence: Evidence, name: str) -> bool:
    stems = content_of(name)
    return not stems or any(stems <= sentence.here for sentence in evidence.sentences)


def _words(reading: Reading) -> list[tuple[str, int]]:
    """Meaningful words outside names, with their steps."""
    return [
        (word.folded, reading.depths[stem(word.folded)])
        for word in words_of(reading.text)
        if word.folded not in STOP_WORDS
        and stem(word.folded) in reading.depths
        and stem(word.folded) not in reading.named
    ]


def _unsaid(reading: Reading, evidence: Evidence) -> list[str]:
    """Words of the question that no passage says, nor another word of their relation."""
    stems = (
        frozenset().union(*(sentence.here for sentence in evidence.sentences)) if evidence.sentences else frozenset()
    )
    concepts = concepts_of(stems)
    return [word for word, _ in _words(reading) if matched(stem(word), stems, concepts) == 0.0]


def _list(words: Iterable[str]) -> str:
    return ", ".join(f'"{word}"' for word in dict.fromkeys(words)) or "what is asked"
