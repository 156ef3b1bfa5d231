"""What comes back: passages with scores, and an answer with its sources."""

from dataclasses import dataclass

from projections.vector.reads import Passage


@dataclass(frozen=True, slots=True)
class ScoredPassage:
    """A passage that was found. Scores of one question can be compared with each other, and with no others."""

    document_id: str
    chunk_id: str
    title: str
    text: str
    start: int
    end: int
    score: float


@dataclass(frozen=True, slots=True)
class Answer:
    """`answer` is a sentence of a source, or None where nothing supports one; then there are no sources either.

    `confidence` in 0..1 says how well the sources cover the question. `chains` tell how each source was reached.
    `knowledge` is a SHA-256 in hexadecimal that names the state of the read models and the embedder.
    """

    answer: str | None
    confidence: float
    sources: tuple[ScoredPassage, ...]
    chains: tuple[str, ...]
    knowledge: str


def scored(passage: Passage, score: float) -> ScoredPassage:
    """A passage with its score."""
    return ScoredPassage(
        passage.document_id, passage.chunk_id, passage.title, passage.text, passage.start, passage.end, score
    )
