"""Spans that a model read, beside those that the words speak for: one list of candidates, and one confidence."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from inference.question_answering import ReadSpan
from reasoning.answering.candidates import DATE, NAME, NUMBER, PHRASE, Span, folded
from reasoning.answering.evidence import Evidence, Found, Sentence
from reasoning.answering.features import Scored
from reasoning.answering.learned import Ranked
from reasoning.answering.values import dates_in, numbers_in

READER_WEIGHT = 0.5
"""Of the reader's opinion in a linear pool (Stone 1961): as much as of the words'."""
READ_SURELY = 0.5
"""A probability from which on what is asked may be said in other words."""
ALONE = 0.79
"""An answer is surer than this only where the words speak for it, too: a model's own probability is too high on texts
other than those it was trained with (Kamath et al. 2020)."""
_PUNCTUATION = " \t\n\"'\u201c\u201d\u2018\u2019.,;:!?()[]"


class Placed(NamedTuple):
    """A span of a sentence, with the reader's probability, less where its passage is worth less."""

    sentence: Sentence
    span: Span
    name: tuple[str, ...]
    probability: float


def reading_of(title: str, text: str) -> tuple[str, int]:
    """What a reader is given of a passage, and where in it the passage's text begins.

    The title says whom `she` means.
    """
    before = f"{title}\n" if title and not text.lstrip("# \n").startswith(title) else ""
    return before + text, len(before)


class Opinion:
    """What a reader thinks of some passages, as shares of its belief; of nothing read, nothing changes."""

    def __init__(self, evidence: Evidence, read: Mapping[int, Sequence[ReadSpan]]) -> None:
        """`read`: by number of passage, in characters of its text."""
        self._spans = placed(evidence, read)
        self._shares = probabilities(self._spans)

    def beside(
        self, by_words: Sequence[Ranked], score: Callable[[Sequence[tuple[Sentence, Span]]], Sequence[Scored]]
    ) -> list[Ranked]:
        """Candidates of both, best first. `score` works out the features of spans that only the reader has."""
        own = {one.span.name for one in by_words}
        only_read: dict[tuple[str, ...], Ranked] = {}
        others = [(one.sentence, one.span) for one in self._spans if one.name not in own]
        for span in score(others) if others else ():
            only_read.setdefault(span.name, Ranked(span, 0.0, 0.0))
        return pooled([*by_words, *only_read.values()], self._shares) if self._spans else list(by_words)

    def confidence(self, first: Ranked, by_words: Sequence[Ranked], words: float) -> float:
        """In the first of the candidates, where the words' confidence in it is `words`."""
        if not self._spans:
            return words
        own = self._shares.get(first.span.name, 0.0)
        same = own == max(self._shares.values()) and by_words[:1] == before_others(first, by_words)[:1]
        return agreed(words, own, same=same)

    def is_sure(self, first: Ranked) -> bool:
        """Whether the reader takes it for the answer, in whatever words it is told."""
        return self._shares.get(first.span.name, 0.0) >= READ_SURELY


def before_others(first: Ranked, by_words: Sequence[Ranked]) -> list[Ranked]:
    """What the words say of a candidate, before the others: nothing of what a reader alone has."""
    said = next((one for one in by_words if one.span.name == first.span.name), Ranked(first.span, 0.0, 0.0))
    return [said, *(one for one in by_words if one is not said)]


def placed(evidence: Evidence, read: Mapping[int, Sequence[ReadSpan]]) -> list[Placed]:
    """Those that lie within a sentence. `read`: by number of passage, in characters of its text."""
    found = []
    for passage in evidence.passages:
        for one in read.get(passage.number, ()):
            start, end = _trimmed(passage.text, one.start, one.end)
            sentence = passage.sentence_at(start) if start >= 0 else None
            if sentence is None or not start < end <= sentence.end:
                continue
            name = folded(passage.text[start:end])
            if name:
                kind = _kind(passage, start, end)
                found.append(Placed(sentence, Span(start, end, kind), name, one.probability * passage.worth))
    return found


def probabilities(spans: Sequence[Placed]) -> dict[tuple[str, ...], float]:
    """By text: that of its best place. Together at most 1: what is left is the reader's doubt that it is any."""
    best: dict[tuple[str, ...], float] = {}
    for one in spans:
        best[one.name] = max(one.probability, best.get(one.name, 0.0))
    whole = max(1.0, sum(best.values()))
    return {name: probability / whole for name, probability in best.items()}


def pooled(ranked: Sequence[Ranked], read: Mapping[tuple[str, ...], float]) -> list[Ranked]:
    """Both opinions in one share, best first. Where the reader doubts that it is any, the words are believed.

    `ranked` has what the words speak for, with its share, and what the reader alone has, with none.
    """
    doubt = 1.0 - READER_WEIGHT * sum(read.get(one.span.name, 0.0) for one in ranked)
    both = [
        Ranked(one.span, one.score, READER_WEIGHT * read.get(one.span.name, 0.0) + doubt * one.share) for one in ranked
    ]
    return sorted(both, key=lambda one: -one.share)


def agreed(words: float, model: float, *, same: bool) -> float:
    """How sure an answer is, by the confidence in 0..1 of the words and of a model.

    `same`: each by itself has it first. The model then takes nothing away; else the answer is no surer than ALONE.
    """
    mean = (words + model) / 2
    return max(words, mean) if same else min(mean, ALONE)


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    part = text[max(0, start) : max(0, end)] if start >= 0 else ""
    kept = part.strip(_PUNCTUATION)
    if not kept:
        return -1, -1
    first = start + len(part) - len(part.lstrip(_PUNCTUATION))
    return first, first + len(kept)


def _kind(passage: Found, start: int, end: int) -> str:
    text = passage.text[start:end]
    if any(dated.start == 0 and dated.end == len(text) for dated in dates_in(text)):
        return DATE
    if any(counted.start == 0 and counted.end == len(text) for counted in numbers_in(text)):
        return NUMBER
    return NAME if text[0].isupper() else PHRASE
