"""`python -m bench.answers SET...`: learn the weights of answers from question sets, and say how good they are.

SET is a folder with `corpus.jsonl` (id, title, text) and `questions.jsonl` (question, answers, gold), which is taken in
through the pipeline, or a pickle that `--keep` left of one. What is printed is cross-validated over the questions;
`--write` makes `reasoning/answering/learned.json` of all of them.
"""

import asyncio
import json
import pickle
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import click
import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from bench.retrieved import Retrieved, retrieve
from bench.servers import say
from reasoning.answer import DECLINED, READ, SURE, span_confidence, worked_out
from reasoning.answering import learned as stored
from reasoning.answering.confidence_features import CONFIDENCE_FEATURES, names_known, of_worked_out
from reasoning.answering.evidence import Evidence, evidence_of
from reasoning.answering.features import FEATURES, Scored, scored_spans
from reasoning.answering.learned import Linear, ranked
from reasoning.answering.missing import what_is_missing
from reasoning.answering.name_types import NameTypes
from reasoning.answering.proposal import Proposal
from reasoning.answering.steps import InnerStep, inner_steps
from reasoning.evaluation import exact_match, f1
from reasoning.index import Index
from reasoning.path_ranking import rank
from reasoning.question.kinds import Kind
from reasoning.question.reading import Reading, read

FOLDS, SEEDS, BINS = 5, 3, 10
SPANS_L2, CONFIDENCE_L2 = 0.25, 0.03
UNSUPPORTED = 0.3
"""Weight of a question that is asked again without its gold passages, beside 1: how an unsupported answer looks."""
PARTLY = 0.6
"""F1 from which on a span counts for learning, though less than the answer itself."""
CONSTANT = 1e-3
NEVER = 2.0

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


def learn_spans(cases: Sequence[Case]) -> Linear:
    """Conditional logit: the likelihood of accepted spans among all of a question."""
    rows = [
        (case.features(), case.gains()) for case in cases if case.supported and case.proposal is None and case.spans
    ]
    mean, deviation = _standard(np.vstack([features for features, _ in rows]))
    known = [((features - mean) / deviation, gains) for features, gains in rows if gains.max() > 0]

    def loss(weights: Values) -> tuple[float, Values]:
        total, gradient = 0.0, np.zeros_like(weights)
        for features, gains in known:
            scores = features @ weights
            likelihood = np.exp(scores - scores.max())
            share = likelihood / likelihood.sum()
            wanted = likelihood * gains
            total -= float(np.log(max(wanted.sum() / likelihood.sum(), 1e-12)))
            gradient -= features.T @ (wanted / wanted.sum() - share)
        return total / len(known) + SPANS_L2 * float(weights @ weights), gradient / len(known) + 2 * SPANS_L2 * weights

    return Linear(mean, deviation, _least(loss, len(FEATURES)), 0.0)


def learn_confidence(features: Values, right: Values, weights: Values) -> Linear:
    """Logistic regression of whether an answer is right."""
    mean, deviation = _standard(features)
    rows = (features - mean) / deviation

    def loss(values: Values) -> tuple[float, Values]:
        inner = values[:-1]
        chance = 1.0 / (1.0 + np.exp(-(rows @ inner + values[-1])))
        likelihood = right * np.log(chance + 1e-12) + (1.0 - right) * np.log(1.0 - chance + 1e-12)
        slope = weights * (chance - right) / weights.sum()
        total = -float((weights * likelihood).sum() / weights.sum()) + CONFIDENCE_L2 * float(inner @ inner)
        return total, np.append(rows.T @ slope + 2 * CONFIDENCE_L2 * inner, slope.sum())

    values = _least(loss, len(CONFIDENCE_FEATURES) + 1)
    return Linear(mean, deviation, values[:-1], float(values[-1]))


def _least(loss: Callable[[Values], tuple[float, Values]], size: int) -> Values:
    found: Values = minimize(loss, np.zeros(size), jac=True, method="L-BFGS-B").x
    return found


def _standard(rows: Values) -> tuple[Values, Values]:
    deviation = rows.std(axis=0)
    return rows.mean(axis=0), np.where(deviation < CONSTANT, 1.0, deviation)


class Given(NamedTuple):
    """An answer, its features of confidence, and from which confidence on it is given: above 1 for never."""

    text: str
    features: tuple[float, ...]
    least: float


def answered(case: Case, spans: Linear) -> Given | None:
    """The best answer; None where there is nothing."""
    unknown = names_known(case.reading, case.evidence) == 0.0
    if case.proposal is not None:
        features = of_worked_out(case.reading, case.evidence, case.proposal.strength)
        return Given(case.proposal.text, features, NEVER if unknown else DECLINED)
    if not case.spans or case.reading.kind is Kind.YES_NO:
        return None
    best = ranked(case.spans, spans.of(case.features().tolist()))
    least = NEVER if unknown else DECLINED
    if not unknown and what_is_missing(case.reading, case.evidence, best[0].span, sure=False) is not None:
        missing = what_is_missing(case.reading, case.evidence, best[0].span, sure=True) is not None
        least = NEVER if missing else SURE
    return Given(best[0].span.text, span_confidence(case.reading, case.evidence, best, case.steps), least)


@dataclass(frozen=True, slots=True)
class Judged:
    """Answers that no weight was learned from the question of."""

    groups: Values
    names: list[str]
    supported: npt.NDArray[np.bool_]
    features: Values
    right: Values
    shared: Values
    least: Values


def cross_validated(cases: Sequence[Case]) -> Judged:
    """Every question answered SEEDS times, by weights of the other folds."""
    groups = sorted({case.group for case in cases})
    rows: list[tuple[int, str, bool, tuple[float, ...], float, float, float]] = []
    for seed in range(SEEDS):
        fold = dict(zip(groups, np.random.default_rng(seed).permutation(len(groups)) % FOLDS, strict=True))
        for number in range(FOLDS):
            spans = learn_spans([case for case in cases if fold[case.group] != number])
            for case in cases:
                found = answered(case, spans) if fold[case.group] == number else None
                if found is not None:
                    right, shared = exact_match(found.text, case.accepted), f1(found.text, case.accepted)
                    rows.append((case.group, case.name, case.supported, found.features, right, shared, found.least))
    columns = list(zip(*rows, strict=True))
    return Judged(
        np.array(columns[0]),
        list(columns[1]),
        np.array(columns[2]),
        np.array(columns[3]),
        np.array(columns[4]),
        np.array(columns[5]),
        np.array(columns[6]),
    )


def confidences(judged: Judged) -> Values:
    """Of each answer, by weights that were learned of other questions."""
    weights = np.where(judged.supported, 1.0, UNSUPPORTED)
    found = np.zeros(len(judged.right))
    groups = np.unique(judged.groups)
    fold = dict(zip(groups.tolist(), np.random.default_rng(SEEDS).permutation(len(groups)) % FOLDS, strict=True))
    folds = np.array([fold[group] for group in judged.groups.tolist()])
    for number in range(FOLDS):
        rest = folds != number
        learned = learn_confidence(judged.features[rest], judged.right[rest], weights[rest])
        found[~rest] = 1.0 / (1.0 + np.exp(-learned.of(judged.features[~rest].tolist())))
    return found


def reliability(confidence: Values, right: Values) -> tuple[float, list[dict[str, float]]]:
    """Expected calibration error over BINS equal bins; each bin's count, mean confidence and share of right ones."""
    error, bins = 0.0, []
    for number in range(BINS):
        within = (confidence * BINS).astype(int).clip(0, BINS - 1) == number
        if within.any():
            mean, share = float(confidence[within].mean()), float(right[within].mean())
            error += float(within.mean()) * abs(mean - share)
            bins.append(
                {
                    "from": number / BINS,
                    "answers": int(within.sum()),
                    "confidence": round(mean, 3),
                    "right": round(share, 3),
                }
            )
    return error, bins


def report(judged: Judged, confidence: Values) -> dict[str, Any]:
    """What is printed. Answers that are declined count as none, and as wrong."""
    asked = judged.supported
    kept = confidence >= judged.least
    figures: dict[str, Any] = {}
    for name in dict.fromkeys(judged.names):
        own = asked & (np.array(judged.names) == name)
        figures[name] = {
            "exact_match": round(float((judged.right * kept)[own].mean()), 3),
            "f1": round(float((judged.shared * kept)[own].mean()), 3),
            "declined": round(float(1.0 - kept[own].mean()), 3),
        }
    given = asked & kept
    error, bins = reliability(confidence[given], judged.right[given])
    sure = given & (confidence > 0.8)
    figures["ece"] = round(error, 3)
    figures["above_0.8"] = {
        "share": round(float(sure.sum() / given.sum()), 3),
        "right": round(float(judged.right[sure].mean()), 3),
    }
    figures["declined_without_gold"] = round(float(1.0 - kept[~asked].mean()), 3)
    figures["reliability"] = bins
    return figures


def write(spans: Linear, confidence: Linear) -> None:
    """Where `reasoning.answering.learned` reads it."""
    content = {"spans": _stored(spans, FEATURES), "confidence": _stored(confidence, CONFIDENCE_FEATURES)}
    Path(stored.__file__).with_name("learned.json").write_text(json.dumps(content, indent=1) + "\n", "utf-8")


def _stored(linear: Linear, names: Sequence[str]) -> dict[str, Any]:
    columns = zip(names, linear.mean.tolist(), linear.deviation.tolist(), linear.weights.tolist(), strict=True)
    return {
        "features": {name: [round(value, 5) for value in values] for name, *values in columns},
        "bias": round(linear.bias, 5),
    }


@click.command()
@click.argument("sets", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--keep", type=click.Path(file_okay=False, path_type=Path), help="Leave pickles of what was retrieved here."
)
@click.option("--write", "writes", is_flag=True, help="Write reasoning/answering/learned.json.")
def main(sets: tuple[Path, ...], keep: Path | None, writes: bool) -> None:
    """Learn from question SETS, and print how good the answers are, as JSON."""
    cases: list[Case] = []
    for path in sets:
        if path.suffix == ".pickle":
            retrieved = Retrieved.of(path.stem, pickle.loads(path.read_bytes()))
        else:
            with tempfile.TemporaryDirectory(prefix="annals-answers-") as folder:
                retrieved = asyncio.run(retrieve(path, Path(folder)))
            if keep is not None:
                (keep / f"{path.name}.pickle").write_bytes(pickle.dumps(retrieved.fields()))
        cases += cases_of(retrieved, len(cases))
        say(f"{retrieved.name}: {len(retrieved.questions)} questions")
    judged = cross_validated(cases)
    print(json.dumps(report(judged, confidences(judged)), indent=1))
    if writes:
        weights = np.where(judged.supported, 1.0, UNSUPPORTED)
        write(learn_spans(cases), learn_confidence(judged.features, judged.right, weights))


if __name__ == "__main__":
    main()
