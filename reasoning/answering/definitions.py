"""What something is: what the passage about it says of it first."""

import re

from reasoning.answering.evidence import Evidence
from reasoning.answering.facts import passage_about
from reasoning.answering.proposal import Proposal, Support
from reasoning.question.kinds import Kind
from reasoning.question.reading import Reading

_IS = re.compile(r"\s(?:is|was|are|were)\s(?!(?:not|never|no|neither)\b)(?:(?:also|still|now)\s)?")
_ENDS = re.compile(
    r",? (?:who|which|where|that|and (?:is|was|has|had))\s|;|[.!?]?\s*$|,\s(?:born|known|located|founded)\s"
)
STRENGTH = 0.8


def define(reading: Reading, evidence: Evidence) -> Proposal | None:
    """For a question that asks nothing but what, or who, something named is; None for others."""
    if len(reading.names) != 1 or not set(reading.depths) <= reading.named or reading.kind not in _ASKED:
        return None
    passage = passage_about(evidence, reading.names_text()[0])
    if passage is None or not passage.sentences:
        return None
    sentence = passage.sentences[0]
    match = _IS.search(sentence.text)
    if match is None:
        return None
    end = _ENDS.search(sentence.text, match.end())
    start, stop = sentence.start + match.end(), sentence.start + (end.start() if end else len(sentence.text))
    text = passage.text[start:stop]
    return Proposal(text, (Support(sentence, start, stop, text),), STRENGTH, worked_out=False) if text else None


_ASKED = frozenset({Kind.DEFINITION, Kind.PERSON, Kind.THING})
