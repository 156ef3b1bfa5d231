"""From a question and its ranked passages to an answer: read, then answered step by step."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from contracts.reasoning import ANSWER_CHARACTERS, MAX_CANDIDATES
from inference.question_answering import ReadSpan
from reasoning.answering.choices import choose
from reasoning.answering.confidence_features import names_known, of_span, of_worked_out
from reasoning.answering.definitions import define
from reasoning.answering.denial import DOUBTED, without_denied_links
from reasoning.answering.durations import years_between
from reasoning.answering.evidence import Evidence, Sentence, evidence_of
from reasoning.answering.features import scored_spans
from reasoning.answering.learned import Ranked, giving_way, learned, ranked, sigmoid
from reasoning.answering.lists import counted, listed
from reasoning.answering.missing import what_is_missing
from reasoning.answering.name_types import NameTypes
from reasoning.answering.path import Path, path_to
from reasoning.answering.proposal import Proposal
from reasoning.answering.read_spans import Opinion, before_others
from reasoning.answering.steps import InnerStep, inner_steps
from reasoning.answering.yes_no import yes_or_no
from reasoning.index import Index
from reasoning.path_ranking import Ranking
from reasoning.question.kinds import Kind
from reasoning.question.reading import Reading, read
from reasoning.words import shortened

READ = 10
"""Passages that an answer is looked for in, at least."""
SURE = 0.16
"""From here on a word that is asked may be said in other words."""
DECLINED = 0.06
"""An answer that is right less often than this is none. Measured as docs/answers.md tells."""


@dataclass(frozen=True, slots=True)
class Found:
    """`text` is None where nothing supports an answer, and `missing` then says what is missing.

    `path` leads to it, `others` are the best spans, best first, and `passages` the numbers of those that it rests on.
    """

    text: str | None
    confidence: float
    path: Path
    others: tuple[Ranked, ...]
    passages: tuple[int, ...]
    missing: str | None = None


def answer_of(
    index: Index,
    question: str,
    ranking: Ranking,
    numbers: Sequence[int],
    read_spans: Mapping[int, Sequence[ReadSpan]] | None = None,
) -> Found:
    """From these passages, best first. `read_spans`: what a model read in them, by number of passage."""
    reading = read(question)
    evidence = without_denied_links(reading, evidence_of(index, ranking, numbers))
    types = NameTypes(evidence)
    steps = inner_steps(reading, evidence, types)
    proposal = worked_out(reading, evidence)
    if proposal is not None:
        return _proposed(reading, evidence, proposal)
    if reading.kind is Kind.YES_NO:
        untold = what_is_missing(reading, evidence, None, sure=False) or "no passage tells whether it is so"
        return Found(None, 0.0, Path((), worked_out=False), (), (), untold)
    spans = scored_spans(reading, evidence, types, steps)
    scores = learned().spans.of([span.features for span in spans]) if spans else None
    by_words = ranked(spans, giving_way(spans, scores)) if scores is not None else []
    reader = Opinion(evidence, read_spans or {})
    best = reader.beside(by_words, partial(scored_spans, reading, evidence, types, steps))
    if not best:
        number = counted(reading, evidence)
        if number is not None:
            return _proposed(reading, evidence, number)
        untold = what_is_missing(reading, evidence, None, sure=False) or "nothing supports an answer"
        return Found(None, 0.0, Path((), worked_out=False), (), (), untold)
    first = best[0]
    features = span_confidence(reading, evidence, before_others(first, by_words), steps)
    words = sigmoid(float(learned().confidence.of([features])[0]))
    confidence = reader.confidence(first, by_words, words)
    if first.span.doubted:
        confidence = min(confidence, DOUBTED)
    path = path_to(reading, evidence, first.span, steps)
    missing = what_is_missing(reading, evidence, first.span, sure=words >= SURE or reader.is_sure(first))
    if missing is not None:
        number = counted(reading, evidence)
        if number is not None:
            return _proposed(reading, evidence, number)
        return Found(None, 0.0, path, tuple(best[:MAX_CANDIDATES]), (), missing)
    return _kept(reading, evidence, first.span.text, confidence, path, tuple(best[:MAX_CANDIDATES]))


def worked_out(reading: Reading, evidence: Evidence) -> Proposal | None:
    """An answer that follows from several values; None where the question asks for none, or they are not found."""
    if reading.kind is Kind.CHOICE:
        return choose(reading, evidence)
    if reading.kind is Kind.YES_NO:
        return yes_or_no(reading, evidence)
    if reading.kind is Kind.NUMBER:
        return years_between(reading, evidence)
    return define(reading, evidence) or listed(reading, evidence)


def _proposed(reading: Reading, evidence: Evidence, proposal: Proposal) -> Found:
    features = of_worked_out(reading, evidence, proposal.strength)
    confidence = sigmoid(float(learned().confidence.of([features])[0]))
    if reading.kind not in (Kind.YES_NO, Kind.CHOICE):
        confidence = min(confidence, proposal.strength)
    path = Path(tuple((support, "") for support in reversed(proposal.supports)), worked_out=proposal.worked_out)
    return _kept(reading, evidence, proposal.text, confidence, path, ())


def span_confidence(
    reading: Reading, evidence: Evidence, best: Sequence[Ranked], steps: Sequence[InnerStep]
) -> tuple[float, ...]:
    """Features of the confidence in the first of some spans."""
    margin = best[0].share - (best[1].share if len(best) > 1 else 0.0)
    return of_span(reading, evidence, best[0].span.features, best[0].share, margin, len(steps))


def _kept(
    reading: Reading, evidence: Evidence, text: str, confidence: float, path: Path, others: tuple[Ranked, ...]
) -> Found:
    if confidence < DECLINED or names_known(reading, evidence) == 0.0:
        return Found(
            None,
            0.0,
            path,
            others,
            (),
            what_is_missing(reading, evidence, None, sure=False) or "nothing supports an answer",
        )
    sentences: list[Sentence] = [support.sentence for support, _ in path.supports]
    passages = tuple(dict.fromkeys(sentence.passage.number for sentence in sentences))
    return Found(shortened(text, ANSWER_CHARACTERS), confidence, path, others, passages)
