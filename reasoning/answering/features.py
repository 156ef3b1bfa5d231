"""Everything that may answer, with what speaks for it: numbers that a learned weight each turns into its support."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from reasoning.answering.candidates import Span, folded
from reasoning.answering.denial import denial_of, predicate_of
from reasoning.answering.evidence import Evidence, Sentence
from reasoning.answering.judged import Judged
from reasoning.answering.name_types import NameTypes
from reasoning.answering.occurrences import Occurrence, occurrences
from reasoning.answering.question_words import weighed
from reasoning.answering.sentence_features import SENTENCE_FEATURES, sentence_features
from reasoning.answering.span_features import SPAN_FEATURES, SpanContext, span_features
from reasoning.answering.steps import InnerStep, inner_steps
from reasoning.question.reading import Reading
from reasoning.words import content_of

MOST_SENTENCES = 20
"""Sentences whose spans are looked at."""
FEATURES = (*SENTENCE_FEATURES, *SPAN_FEATURES)
"""Names of the features, in their order: those of the sentence, then those of the span."""
_DOER = FEATURES.index("doer")


@dataclass(frozen=True, slots=True)
class Scored:
    """A span that may answer, with its features. `doubted`: its sentence does not tell plainly what is asked."""

    sentence: Sentence
    span: Span
    text: str
    name: tuple[str, ...]
    features: tuple[float, ...]
    doubted: bool = False


def scored_spans(
    reading: Reading,
    evidence: Evidence,
    types: NameTypes | None = None,
    path: Sequence[InnerStep] | None = None,
    given: Sequence[tuple[Sentence, Span]] | None = None,
) -> list[Scored]:
    """All that may answer, of the sentences that say most of what is asked; or those `given`, whatever their kind.

    None of which its sentence denies what is asked.

    `path`: the steps before the last.
    """
    asked = weighed(reading, evidence)
    types = types or NameTypes(evidence)
    path = path if path is not None else inner_steps(reading, evidence, types)
    known = path[-1].found if path else ()
    looked_at = evidence.sentences if given is None else list(dict.fromkeys(sentence for sentence, _ in given))
    sentences = sorted(
        ((sentence_features(sentence, asked, known), sentence) for sentence in looked_at),
        key=lambda pair: -pair[0].quick,
    )
    named, denial = {folded(name) for name in reading.names_text()}, denial_of(reading)
    inner = denial_of(reading, range(1, reading.steps))
    judged = Judged(predicate_of(reading))
    stems = [*map(content_of, reading.names_text()), *(anchor.stems for anchor in known)]
    # Nobody asks for what he names himself.
    found = [
        (told, sentence, occurrence)
        for told, sentence in (sentences[:MOST_SENTENCES] if given is None else sentences)
        for occurrence in (occurrences(sentence, reading.kind) if given is None else _given(sentence, given))
        if occurrence.name not in named
        and not denial.refuses(sentence, occurrence.start, occurrence.end)
        and not judged.rejects(sentence, stems, occurrence.name)
        and not (inner.denies(sentence, occurrence.start) and not denial.speaks_of_it(sentence))
    ]
    context = SpanContext(
        reading,
        asked,
        types,
        Counter(occurrence.name for _, _, occurrence in found),
        [anchor for step in path for anchor in step.found],
        known,
    )
    scored = [
        Scored(
            sentence,
            occurrence.span,
            sentence.passage.text[occurrence.span.start : occurrence.span.end],
            occurrence.name,
            (*told.values, *span_features(sentence, occurrence, context, told)),
            denial.doubts(sentence),
        )
        for told, sentence, occurrence in found
    ]
    # Where a sentence says who does it, what it is done to is no answer.
    doing = {id(one.sentence) for one in scored if one.features[_DOER] > 0}
    return [one for one in scored if one.features[_DOER] >= 0 or id(one.sentence) not in doing]


def _given(sentence: Sentence, given: Sequence[tuple[Sentence, Span]]) -> list[Occurrence]:
    spans = [span for holder, span in given if holder is sentence]
    return [
        Occurrence(span, folded(sentence.passage.text[span.start : span.end]), span.start, span.end) for span in spans
    ]
