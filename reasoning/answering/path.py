"""The sentences that lead from what the question names to its answer."""

from collections.abc import Sequence
from dataclasses import dataclass

from reasoning.answering.evidence import Arrival, Evidence
from reasoning.answering.features import Scored
from reasoning.answering.proposal import Support
from reasoning.answering.steps import Anchor, InnerStep, presence
from reasoning.question.reading import Reading


@dataclass(frozen=True, slots=True)
class Path:
    """(support, what was asked) of each step, the last one holds the answer."""

    supports: tuple[tuple[Support, str], ...]
    worked_out: bool


def path_to(reading: Reading, evidence: Evidence, span: Scored, steps: Sequence[InnerStep]) -> Path:
    """Of each step what the next sentence speaks of; the links between passages where no step was read."""
    last = (Support(span.sentence, span.span.start, span.span.end, span.text), reading.asked)
    supports: list[tuple[Support, str]] = []
    here = span.sentence.here
    for step in reversed(steps):
        anchor = _leading(step.found, here)
        if anchor is None or anchor.support is None or anchor.name == span.name:
            continue
        supports.insert(0, (anchor.support, step.asked))
        here = anchor.support.sentence.here
    if not supports and not reading.named & here:
        arrival = _arrival(reading, span)
        if arrival is not None:
            text = arrival.sentence.passage.text[arrival.start : arrival.end]
            supports.append((Support(arrival.sentence, arrival.start, arrival.end, text), ""))
    return Path((*supports, last), worked_out=False)


def _leading(found: Sequence[Anchor], here: frozenset[str]) -> Anchor | None:
    """The best of what a step found that a text speaks of."""
    held = [anchor for anchor in found if presence([anchor], here) > 0.0]
    return max(held, key=lambda anchor: presence([anchor], here), default=None)


def _arrival(reading: Reading, span: Scored) -> Arrival | None:
    """The link into the answer's passage from the one that holds most of what the question names."""
    names = reading.named
    arrivals = [arrival for arrival in span.sentence.passage.arrivals if arrival.source is not span.sentence.passage]
    return max(arrivals, key=lambda arrival: len(names & arrival.sentence.here), default=None)
