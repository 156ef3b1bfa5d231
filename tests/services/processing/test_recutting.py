"""Where a chunk that somebody made is found again: in place of the chunks that it replaced, else by its text."""

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

from aggregates.remembered import CorrectedChunk
from contracts.documents import Chunk
from inference.model import digest_of
from services.processing.recutting import Recutting, _by_text, _in_place

BEFORE = "Ada met Bob. Bob saw Cleo. Cleo left."
IDS = {"Ada met Bob.": "k1", "Bob saw Cleo.": "k2", "Cleo left.": "k3"}


def chunk(text: str, start: int, end: int, chunk_id: str | None = None) -> Chunk:
    """`text[start:end]`, under an id that its text has everywhere."""
    said = text[start:end]
    return Chunk(
        chunk_id=chunk_id or IDS.get(said, said),
        index=0,
        start=start,
        end=end,
        tokens=3,
        digest=digest_of(said),
        input_digest=digest_of(said),
    )


def sentences(text: str) -> list[Chunk]:
    """A chunk each."""
    found, start = [], 0
    for part in text.split(". "):
        end = start + len(part) + (not part.endswith("."))
        found.append(chunk(text, start, end))
        start = end + 1
    return found


FIRST, SECOND, _ = sentences(BEFORE)
MERGED = CorrectedChunk((FIRST, SECOND), chunk(BEFORE, 0, 26, "k9"), "a" * 64, attached=False)


def test_chunks_that_are_there_again_are_replaced_again_wherever_they_are() -> None:
    later = "Long ago. " + BEFORE
    assert _in_place(MERGED, sentences(BEFORE), BEFORE) == (("k1", "k2"), 0)
    assert _in_place(MERGED, sentences(later), later) == (("k1", "k2"), 10)


def test_chunks_that_are_apart_or_gone_are_not() -> None:
    apart = "Ada met Bob. Then. Bob saw Cleo. Cleo left."
    assert _in_place(MERGED, sentences(apart), apart) is None
    gone = "Ada met Bob. Cleo left."
    assert _in_place(MERGED, sentences(gone), gone) is None
    other = BEFORE.replace("Bob. Bob", "Bob.\nBob")
    parts = [chunk(other, 0, 12), chunk(other, 13, 26), chunk(other, 27, 37)]
    assert _in_place(MERGED, parts, other) is None, "as far apart, and another text between"


def test_the_text_is_found_where_it_was_cut_otherwise() -> None:
    later = "Long ago. " + BEFORE
    cut = [chunk(later, 0, 9), chunk(later, 10, 30), chunk(later, 24, 36), chunk(later, 37, 47)]
    assert _in_place(MERGED, cut, later) is None
    assert _by_text(MERGED, cut, later, BEFORE) == ((cut[1].chunk_id, cut[2].chunk_id), 10)


def test_a_text_that_is_not_there_or_within_a_larger_chunk_alone_is_orphaned() -> None:
    changed = BEFORE.replace("saw", "heard")
    assert _by_text(MERGED, sentences(changed), changed, BEFORE) is None
    whole = [chunk(BEFORE, 0, len(BEFORE))]
    assert _by_text(MERGED, whole, BEFORE, BEFORE) is None, "the rest of it would be lost"
    assert _by_text(MERGED, sentences(BEFORE), BEFORE, None) is None, "the text of before is not kept any more"


NOW = "Nothing of that."


class Texts:
    """Says what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def get_many(self, keys: Sequence[tuple[str, str, str]]) -> dict[tuple[str, str, str], str]:
        self.asked += [digest for _, _, digest in keys]
        return {key: NOW if key[2].startswith("c") else BEFORE for key in keys}

    async def outputs(self, _: Sequence[str]) -> None:
        """As an embedder."""


async def test_the_earlier_text_of_many_corrections_is_read_once() -> None:
    """A text has up to 8 MiB, and a document any number of corrections that wait."""
    texts = Texts()
    waiting = [replace(MERGED, content=content * 64) for content in ("a", "a", "a", "b", "b")]
    document = SimpleNamespace(
        tenant="t",
        document_id="d",
        title="",
        attributes={},
        text=SimpleNamespace(digest="c" * 64),
        chunked=SimpleNamespace(chunks=[chunk(NOW, 0, len(NOW))]),
        recuts=waiting,
    )
    recutting = Recutting(cast(Any, texts), cast(Any, SimpleNamespace(embedder=texts)))
    assert await recutting.again(cast(Any, document)) == ()
    assert texts.asked == ["c" * 64, "a" * 64, "b" * 64]
