"""How good a ranking or an answer is, and how slow: plain functions for measuring."""

import math
import re
import string
from collections import Counter
from collections.abc import Collection, Iterable, Sequence

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def recall_at(ranked: Sequence[str], gold: Collection[str], k: int) -> float:
    """Share of the gold ids among the first `k`. Raises ValueError without gold."""
    if not gold:
        raise ValueError("recall needs at least one gold passage")
    wanted = set(gold)
    return len(wanted.intersection(ranked[:k])) / len(wanted)


def all_at(ranked: Sequence[str], gold: Collection[str], k: int) -> bool:
    """Whether every gold id is among the first `k`. Raises ValueError without gold."""
    return recall_at(ranked, gold, k) == 1.0


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` (0..1) of the values do not exceed; the nearest-rank method.

    Raises ValueError without values, or for a share outside 0..1.
    """
    if not values:
        raise ValueError("a percentile needs at least one value")
    if not 0.0 <= share <= 1.0:
        raise ValueError("a percentile's share lies between 0 and 1")
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def normalised_answer(text: str) -> str:
    """Lower case, without ASCII punctuation, articles and needless white space, as the evaluation of SQuAD 1.1 does."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def exact_match(answer: str | None, accepted: Iterable[str]) -> float:
    """1.0 where the answer equals an accepted one, both normalised as SQuAD does, else 0.0.

    No answer (None) is right where none is accepted: the question cannot be answered (SQuAD 2.0).
    """
    wanted = {normalised_answer(text) for text in accepted}
    if answer is None or not wanted:
        return float(answer is None and not wanted)
    return float(normalised_answer(answer) in wanted)


def f1(answer: str | None, accepted: Iterable[str]) -> float:
    """Harmonic mean of precision and recall over the normalised words, in 0..1; the best over the accepted answers.

    `yes` and `no` are right or wrong as a whole (HotpotQA). No answer (None) is right where none is accepted.
    """
    wanted = [normalised_answer(text) for text in accepted]
    if answer is None or not wanted:
        return float(answer is None and not wanted)
    return max(_word_f1(normalised_answer(answer), text) for text in wanted)


def _word_f1(answer: str, accepted: str) -> float:
    if answer != accepted and {answer, accepted} & {"yes", "no", "noanswer"}:
        return 0.0
    given, wanted = answer.split(), accepted.split()
    if not given or not wanted:
        return float(given == wanted)
    shared = sum((Counter(given) & Counter(wanted)).values())
    return 2.0 * shared / (len(given) + len(wanted))
