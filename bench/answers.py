"""`python -m bench.answers SET...`: learn the weights of answers from question sets, and say how good they are.

SET is a folder with `corpus.jsonl` (id, title, text) and `questions.jsonl` (question, answers, gold), which is taken in
through the pipeline, or a pickle that `--keep` left of one. What is printed is cross-validated over the questions;
`--write` makes `reasoning/answering/learned.json` of all of them.
"""

import asyncio
import json
import pickle
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np

from bench.answer_cases import Case, Values, cases_of
from bench.answer_learning import UNSUPPORTED, Judged, confidences, cross_validated, learn_confidence, learn_spans
from bench.retrieved import Retrieved, retrieve
from bench.servers import say
from reasoning.answering import learned as stored
from reasoning.answering.confidence_features import CONFIDENCE_FEATURES
from reasoning.answering.features import FEATURES
from reasoning.answering.learned import Linear

BINS = 10


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
        answers = own & kept
        questions = int(own.sum()) + judged.unanswered[name]
        figures[name] = {
            "exact_match": round(float(judged.right[answers].sum()) / questions, 3),
            "f1": round(float(judged.shared[answers].sum()) / questions, 3),
            "declined": round(1.0 - int(answers.sum()) / questions, 3),
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
