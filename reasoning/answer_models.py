"""What may take the last step of an answer, where the settings name it; the models are somebody else's."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from inference.question_answering import ReadSpan


class SpanReader(Protocol):
    """An extractive question-answering model."""

    @property
    def revision(self) -> str:
        """The model, and how it is read."""
        ...

    async def load(self) -> None:
        """Make it ready; nothing where it is. Raises InferenceError."""
        ...

    async def read(self, question: str, texts: Sequence[str]) -> list[list[ReadSpan]]:
        """Of each text the spans that may answer, best first. Raises InferenceError."""
        ...


class TextReranker(Protocol):
    """A cross-encoder."""

    @property
    def revision(self) -> str:
        """The model, and how it is read."""
        ...

    async def load(self) -> None:
        """Make it ready; nothing where it is. Raises InferenceError."""
        ...

    async def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """How well each text fits, the higher the better. Raises InferenceError."""
        ...


class TextGenerator(Protocol):
    """A generative model: text in, text out."""

    @property
    def revision(self) -> str:
        """The model, and where it is."""
        ...

    async def complete(self, system: str, user: str, limit_s: float) -> str:
        """What it says. Raises InferenceError, also where it says nothing within `limit_s`."""
        ...


@dataclass(frozen=True, slots=True)
class AnswerModels:
    """None of them is needed."""

    reranker: TextReranker | None = None
    reader: SpanReader | None = None
    generator: TextGenerator | None = None

    async def load(self) -> None:
        """Make those of this machine ready. Raises InferenceError."""
        for model in (self.reranker, self.reader):
            if model is not None:
                await model.load()

    def revisions(self, *, generating: bool) -> tuple[str, ...]:
        """Of those that there are, each with what it does; the generator's only where it is `generating`."""
        named = (("reranker", self.reranker), ("reader", self.reader), ("generator", self.generator))
        return tuple(
            f"{name}: {model.revision}"
            for name, model in named
            if model is not None and (generating or name != "generator")
        )
