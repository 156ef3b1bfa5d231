"""How well texts fit a question, by any sequence-classification model of `transformers` (a cross-encoder)."""

from collections.abc import Sequence

from inference.model import InferenceError
from inference.pairs import outputs, windows
from inference.pretrained import Dtype, import_torch, load_pretrained

RULES = "ranked-1"
NOTHING = float("-inf")
"""The score of a blank text."""


class Reranker:
    """Loads a model once; `scores` blocks and is to be called outside the event loop."""

    def __init__(self, name: str, revision: str | None = None, *, dtype: Dtype = "auto") -> None:
        """Raises InferenceError, among others for a model of more than two classes."""
        self._loaded = load_pretrained(name, revision, "AutoModelForSequenceClassification", dtype=dtype)
        classes = int(self._loaded.model.config.num_labels)
        if classes > 2:
            raise InferenceError(
                f"the model {name!r} tells {classes} classes apart; a reranker has one score, or two classes of which "
                "the second one is `fits` - choose another"
            )
        self.revision = f"{self._loaded.revision}/{RULES}"

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """The higher, the better it fits; comparable within one call. Of a long text its best window counts.

        Raises InferenceError.
        """
        torch = import_torch()
        best = [NOTHING] * len(texts)
        for part in windows(self._loaded, question, texts):
            logits = outputs(self._loaded, part).logits.to(torch.float32).cpu()
            values = (logits[:, -1] - logits[:, 0] if logits.shape[1] == 2 else logits[:, 0]).tolist()
            for number, value in zip(part.texts, values, strict=True):
                best[number] = max(best[number], float(value))
        return best
