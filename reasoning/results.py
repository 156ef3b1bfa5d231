"""What comes back: passages with scores, and an answer with its sources."""

from dataclasses import dataclass
from typing import Literal

from projections.vector.reads import Passage

DateOf = Literal["said", "taken in"]


@dataclass(frozen=True, slots=True)
class Citation:
    """Where in its file a stretch of a document's text stands.

    `file`: the document's address, else its id. `page` and `last_page`: on which pages, counted from 1, it begins and
    ends; None in a file without pages. `headings`: those that it stands under, the highest level first.
    """

    file: str
    page: int | None = None
    last_page: int | None = None
    headings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ScoredPassage:
    """A passage that was found. Scores of one question can be compared with each other, and with no others.

    `citation`: None where nobody could tell in time.
    """

    document_id: str
    chunk_id: str
    title: str
    text: str
    start: int
    end: int
    score: float
    citation: Citation | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """What was asked, and what a sentence of a source says to it; the next step is asked of that.

    `start` and `end` are characters of the whole document, of the sentence, and so is `citation`.
    """

    asked: str
    found: str
    sentence: str
    title: str
    document_id: str
    chunk_id: str
    start: int
    end: int
    citation: Citation | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something else that may be the answer: `support` in 0..1 is its share of what speaks for any of them.

    `start` and `end` are characters of the whole document, of the sentence, and so is `citation`. `documents`: how
    many of those that the answer shows tell the same. `contradicts`: it is of another document than the answer, and
    both cannot be true. `date` is the document's, in ISO 8601: as its producer said it (`date_of` is then "said"), else
    of when it was taken in ("taken in"); None where nobody could tell in time.
    """

    answer: str
    support: float
    sentence: str
    title: str
    document_id: str
    chunk_id: str
    start: int
    end: int
    documents: int = 1
    contradicts: bool = False
    date: str | None = None
    date_of: DateOf | None = None
    citation: Citation | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """`answer` is a span of a source, or follows from several; None where nothing supports one. The sources then are
    the passages that speak of the question, if any do.

    `confidence` in 0..1 is how often an answer with such support is right. `steps` lead to it, the last one holds it;
    `chains` say the same in words. `candidates` are the best spans, best first. `missing` says why there is no answer:
    what was found and what was not. `knowledge` is a SHA-256 in hexadecimal that names the state of the read models and
    of all models that were asked.

    `models` took part in the last step, if any did. Where a generative one words the answer, `borne_out` says whether
    the sources bear it out; else it is None. `note`: what else a person should know, such as that a model was away.
    """

    answer: str | None
    confidence: float
    sources: tuple[ScoredPassage, ...]
    chains: tuple[str, ...]
    knowledge: str
    steps: tuple[Step, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    missing: str | None = None
    models: tuple[str, ...] = ()
    borne_out: bool | None = None
    note: str | None = None


def scored(passage: Passage, score: float) -> ScoredPassage:
    """A passage with its score."""
    return ScoredPassage(
        passage.document_id, passage.chunk_id, passage.title, passage.text, passage.start, passage.end, score
    )
