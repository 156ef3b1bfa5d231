"""Spans that answer a question, by any extractive question-answering model of `transformers`."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from inference.pairs import outputs, windows
from inference.pretrained import Dtype, import_torch, load_pretrained

SPANS = 3
"""Of a window."""
LONGEST = 30
"""Tokens of a span (Devlin et al. 2019)."""
STARTS = 20
"""Tokens at which a span is tried to begin, and to end."""
RULES = "read-1"


class ReadSpan(NamedTuple):
    """`text[start:end]` answers, with this probability as the model gives it, where its text holds the answer."""

    start: int
    end: int
    probability: float


class AnswerReader:
    """Loads a model once; `read` blocks and is to be called outside the event loop."""

    def __init__(self, name: str, revision: str | None = None, *, dtype: Dtype = "auto") -> None:
        """Raises InferenceError."""
        self._loaded = load_pretrained(name, revision, "AutoModelForQuestionAnswering", dtype=dtype)
        self.revision = f"{self._loaded.revision}/{RULES}"

    def read(self, question: str, texts: Sequence[str]) -> list[list[ReadSpan]]:
        """For each text its likeliest spans, best first, none twice. Raises InferenceError.

        A probability is that of the span's start times that of its end, among all tokens of the window and the one in
        front of them, which models trained with unanswerable questions choose for `no answer` (Rajpurkar et al. 2018).
        """
        torch = import_torch()
        found: list[dict[tuple[int, int], float]] = [{} for _ in texts]
        for part in windows(self._loaded, question, texts):
            said = outputs(self._loaded, part)
            starts = said.start_logits.to(torch.float32).cpu().numpy()
            ends = said.end_logits.to(torch.float32).cpu().numpy()
            for row, number in enumerate(part.texts):
                offsets = part.offsets[row]
                length = len(offsets)
                for (first, last), probability in _best(starts[row][:length], ends[row][:length], offsets):
                    span = (offsets[first] or (0, 0))[0], (offsets[last] or (0, 0))[1]
                    found[number][span] = max(probability, found[number].get(span, 0.0))
        return [
            [ReadSpan(*span, probability) for span, probability in sorted(spans.items(), key=lambda one: -one[1])]
            for spans in found
        ]


def _best(
    starts: npt.NDArray[np.float32], ends: npt.NDArray[np.float32], offsets: Sequence[tuple[int, int] | None]
) -> list[tuple[tuple[int, int], float]]:
    """(first token, last token) of the likeliest spans of a window, with their probabilities."""
    own = np.array([span is not None for span in offsets])
    if not own.any():
        return []
    considered = own.copy()
    considered[0] = True
    start, end = _softmax(starts, considered), _softmax(ends, considered)
    spans = [
        ((first, last), float(start[first] * end[last]))
        for first in _likeliest(start, own)
        for last in _likeliest(end, own)
        if first <= last < first + LONGEST
    ]
    return sorted(spans, key=lambda one: -one[1])[:SPANS]


def _softmax(logits: npt.NDArray[np.float32], considered: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    values = np.where(considered, logits.astype(np.float64), -np.inf)
    likelihood: npt.NDArray[np.float64] = np.exp(values - values[considered].max())
    likelihood /= likelihood.sum()
    return likelihood


def _likeliest(probabilities: npt.NDArray[np.float64], own: npt.NDArray[np.bool_]) -> list[int]:
    order = np.argsort(-np.where(own, probabilities, -1.0), kind="stable")[:STARTS]
    return [int(number) for number in order if own[number]]
