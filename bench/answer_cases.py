"""The questions that answers are learned from: each with its passages, its steps, and all that may answer it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.retrieved import Retrieved
from reasoning.answer import READ, worked_out
from reasoning.answering.evidence import Evidence, evidence_of
from reasoning.answering.features import FEATURES, Scored, scored_spans
from reasoning.answering.name_types import NameTypes
from reasoning.answering.proposal import Proposal
from reasoning.answering.steps import InnerStep, inner_steps
from reasoning.evaluation import exact_match, f1
from reasoning.index import Index
from reasoning.path_ranking import rank
from reasoning.question.reading import Reading, read

PARTLY = 0.6
"""F1 from which on a span counts for learning, though less than the answer itself."""

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Case:
    """A question with what may answer it. `supported`: its gold passages were there."""

    group: int
    name: str
    accepted: tuple[str, ...]
    supported: bool
    reading: Reading
    evidence: Evidence
    steps: list[InnerStep]
    spans: list[Scored]
    proposal: Proposal | None

    def features(self) -> Values:
        """Shape (spans, features)."""
        return np.array([span.features for span in self.spans]).reshape(len(self.spans), len(FEATURES))

    def gains(self) -> Values:
        """1 for a span that is an accepted answer, less for one that shares most words, else 0."""
        return np.array([_gain(span.text, self.accepted) for span in self.spans])


def _gain(text: str, accepted: Sequence[str]) -> float:
    if exact_match(text, accepted):
        return 1.0
    shared = f1(text, accepted)
    return 0.3 * shared if shared >= PARTLY else 0.0


def cases_of(retrieved: Retrieved, group: int) -> list[Case]:
    """Each question with its best passages, and again without its gold ones."""
    index = Index(retrieved.passages, retrieved.snapshot)
    cases = []
    for number, asked in enumerate(retrieved.questions):
        ranking = rank(index, asked.question, asked.near, asked.matching)
        without = [n for n in ranking.best(3 * READ) if index.passages[n].document_id not in asked.gold][:READ]
        reading = read(asked.question)
        for numbers, supported in ((ranking.best(READ), True), (without, False)):
            evidence = evidence_of(index, ranking, numbers)
            types = NameTypes(evidence)
            steps = inner_steps(reading, evidence, types)
            spans = scored_spans(reading, evidence, types, steps)
            cases.append(
                Case(
                    group + number,
                    retrieved.name,
                    asked.answers,
                    supported,
                    reading,
                    evidence,
                    steps,
                    spans,
                    worked_out(reading, evidence),
                )
            )
    return cases
