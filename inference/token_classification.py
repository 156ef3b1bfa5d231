"""Entities by any `transformers` token-classification model."""

from collections.abc import Iterator, Sequence
from typing import Any

from inference.analysis import Analysis, EntitySpan, encode
from inference.pretrained import Dtype, import_torch, load_pretrained

BATCH = 16
STRIDE = 32
RULES = "spans-1"
PREFIXES = frozenset("BILUES")


class TokenClassifier:
    """Tokens of one label (B-, I-, L-, U- and E-, S- prefixes or none) join to spans; confidence is their mean."""

    def __init__(self, name: str, revision: str | None = None, *, dtype: Dtype = "auto") -> None:
        """Raises InferenceError."""
        self._loaded = load_pretrained(name, revision, "AutoModelForTokenClassification", dtype=dtype)
        self._labels: dict[int, str] = self._loaded.model.config.id2label
        limit = int(getattr(self._loaded.model.config, "max_position_embeddings", 512))
        self._max = max(8, min(limit, 512) - 2)
        self.revision = f"{self._loaded.revision}/{RULES}"

    def run(self, texts: Sequence[str]) -> list[bytes]:
        """An encoded Analysis, with entities alone, for each text."""
        return [encode(Analysis(entities=tuple(self._entities(text)))) for text in texts]

    def _entities(self, text: str) -> Iterator[EntitySpan]:
        best: dict[tuple[int, int], tuple[str, float]] = {}
        for window in self._windows(text):
            for span, judged in window:
                if span not in best or judged[1] > best[span][1]:
                    best[span] = judged
        yield from _joined(text, sorted((span, *judged) for span, judged in best.items()))

    def _windows(self, text: str) -> Iterator[list[tuple[tuple[int, int], tuple[str, float]]]]:
        """Long texts are read through overlapping windows; a token keeps its surest judgement."""
        torch = import_torch()

        encoded = self._loaded.tokenizer(
            text,
            truncation=True,
            max_length=self._max,
            stride=min(STRIDE, self._max // 4),
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
            padding=True,
            return_tensors="pt",
        )
        offsets = encoded.pop("offset_mapping").tolist()
        encoded.pop("overflow_to_sample_mapping", None)
        for start in range(0, len(offsets), BATCH):
            part: dict[str, Any] = {
                name: values[start : start + BATCH].to(self._loaded.device) for name, values in encoded.items()
            }
            with torch.inference_mode():
                shares = self._loaded.model(**part).logits.to(torch.float32).softmax(-1).cpu()
            confidences, labels = shares.max(-1)
            for row, spans in enumerate(offsets[start : start + BATCH]):
                yield [
                    ((first, last), (self._labels[int(labels[row, at])], float(confidences[row, at])))
                    for at, (first, last) in enumerate(spans)
                    if last > first
                ]


def _joined(text: str, tokens: Sequence[tuple[tuple[int, int], str, float]]) -> Iterator[EntitySpan]:
    start, end, kind, scores = 0, 0, "", list[float]()
    for (first, last), label, confidence in [*tokens, ((len(text) + 2, len(text) + 2), "O", 0.0)]:
        prefix, _, bare = label.partition("-")
        if prefix not in PREFIXES or not bare:
            prefix, bare = "", label
        continues = kind and bare == kind and prefix not in {"B", "U", "S"} and first - end <= 1
        if continues:
            end = last
            scores.append(confidence)
            continue
        if kind:
            name = " ".join(text[start:end].split())
            if name:
                yield EntitySpan(start, end, name, kind, round(sum(scores) / len(scores), 3))
        start, end, kind, scores = first, last, "" if bare == "O" else bare, [confidence]
