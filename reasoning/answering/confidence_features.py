"""What an answer's confidence is worked out from."""

from collections.abc import Sequence

from reasoning.answering.evidence import Evidence
from reasoning.answering.features import FEATURES
from reasoning.question.kinds import Kind
from reasoning.question.reading import Reading
from reasoning.words import content_of

CONFIDENCE_FEATURES = (
    "worked_out",
    "strength",
    "yes_no",
    "choice",
    "share",
    "margin",
    "outer",
    "uncovered",
    "presence",
    "bridge",
    "fit",
    "similar",
    "names_known",
    "steps",
)
"""Names of the features, in their order."""
_AT = {name: number for number, name in enumerate(FEATURES)}
_FITS = ("person", "place", "time", "number", "thing")


def of_worked_out(reading: Reading, evidence: Evidence, strength: float) -> tuple[float, ...]:
    """For an answer that follows from several values."""
    kind = reading.kind
    return (
        1.0,
        strength,
        float(kind is Kind.YES_NO),
        float(kind is Kind.CHOICE),
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        evidence.similar,
        names_known(reading, evidence),
        0.0,
    )


def of_span(
    reading: Reading, evidence: Evidence, features: Sequence[float], share: float, margin: float, steps: int
) -> tuple[float, ...]:
    """For a span: `share` of the likelihood of all, and by how much it is ahead of the next."""
    fit = sum(features[_AT[name]] for name in _FITS) + 0.5 * features[_AT["noun_fit"]]
    presence = max(features[_AT["names_here"]], features[_AT["entity"]])
    return (
        0.0,
        0.0,
        0.0,
        0.0,
        share,
        min(1.0, margin),
        features[_AT["outer"]],
        features[_AT["uncovered"]],
        presence,
        features[_AT["bridge"]],
        fit,
        evidence.similar,
        names_known(reading, evidence),
        float(steps > 1),
    )


def names_known(reading: Reading, evidence: Evidence) -> float:
    """Share of the names in the question that some passage speaks of; 1 where it names nothing."""
    names = [stems for stems in (content_of(text) for text in reading.names_text()) if stems]
    if not names:
        return 1.0
    known = sum(
        any(
            stems <= passage.about or any(stems <= sentence.here for sentence in passage.sentences)
            for passage in evidence.passages
        )
        for stems in names
    )
    return known / len(names)
