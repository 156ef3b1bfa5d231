"""One chunk: its text, where in its file it stands, and what stands around it."""

from dataclasses import dataclass

from contracts.access import collection_of
from projections.relational.reads import DocumentFilter, RelationalReader
from projections.vector.reads import PassageReader
from reasoning.results import Citation
from services.caller import Caller
from services.citations import Citations
from services.deadline import Deadline
from services.errors import NotFoundError
from services.storage.masking import without

AROUND = 600
"""Characters before and behind a chunk that are shown, at most; cut between words."""
WORD = 40
"""Characters that a word is looked through for its end."""


@dataclass(frozen=True, slots=True)
class ChunkInContext:
    """`start` and `end` are characters of the document. `before` and `after`: the text around; "" where none is."""

    chunk_id: str
    document_id: str
    title: str
    text: str
    start: int
    end: int
    citation: Citation | None
    before: str
    after: str


class ReadChunk:
    """Only of documents whose text the caller may see.

    Raises AccessDeniedError, NotFoundError, StoreUnavailableError, DeadlineExceededError.
    """

    def __init__(self, relational: RelationalReader, passages: PassageReader, citations: Citations) -> None:
        self._relational = relational
        self._passages = passages
        self._citations = citations

    async def read(self, caller: Caller, chunk_id: str, *, deadline: Deadline) -> ChunkInContext:
        """The caller's chunk of this id."""
        caller.require("chunks", "read")
        async with deadline.enforce("reading a chunk"):
            found = await self._read(caller, chunk_id)
        if found is None:
            raise NotFoundError(f"there is no chunk {chunk_id!r}; `annals show` of a document lists its chunks")
        return found

    async def _read(self, caller: Caller, chunk_id: str) -> ChunkInContext | None:
        tenant, reach = caller.tenant, caller.access.reach("chunks", "read")
        passage = (await self._passages.passages(tenant, [chunk_id], reach.searched)).get(chunk_id)
        if passage is None:
            return None
        wanted = DocumentFilter(ids=[passage.document_id], collections=reach.searched)
        rows = await self._relational.list_documents(tenant, wanted, None, 1)
        if not rows:
            return None
        row = without(rows[0], reach.masked_fields(collection_of(rows[0].attributes)) or frozenset())
        (citation,) = await self._citations.of(tenant, [row], [passage])
        text = (await self._citations.texts(tenant, [row])).get(row.document_id, "")
        # The read models may be a moment apart.
        around = text if text[passage.start : passage.end] == passage.text else ""
        return ChunkInContext(
            passage.chunk_id,
            passage.document_id,
            passage.title,
            passage.text,
            passage.start,
            passage.end,
            citation,
            before=_last_words(around[max(0, passage.start - AROUND - 1) : passage.start]),
            after=_first_words(around[passage.end : passage.end + AROUND + 1]),
        )


def _last_words(text: str) -> str:
    """Without a word that is cut at the beginning; of a script without spaces, whole."""
    if len(text) <= AROUND:
        return text.strip()
    cut = next((at for at in range(WORD) if text[at].isspace()), 1)
    return text[cut:].strip()


def _first_words(text: str) -> str:
    """Without a word that is cut at the end; of a script without spaces, whole."""
    if len(text) <= AROUND:
        return text.strip()
    cut = next((at for at in range(AROUND, AROUND - WORD, -1) if text[at].isspace()), AROUND)
    return text[:cut].strip()
