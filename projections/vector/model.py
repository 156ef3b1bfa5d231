"""Events to passages. The text comes from the text store, the vector from the kept model outputs.

Whose vectors they are is for the generation to say, and not for the events: chunks do not depend on the embedder. What
its embedder never embedded it embeds then; everything else is kept, and no model runs.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple, Self

from contracts.access import collection_of
from contracts.documents import Chunk
from contracts.event_types import AggregateKind, EventType
from eventstore.errors import MissingTextError
from eventstore.keys import AggregateKey
from eventstore.outputs import ModelOutputs
from eventstore.texts import TextStore
from projections.changes import Change, Row, Sections, types_of
from projections.document_state import DocumentState
from projections.errors import StaleVersionError, UnfoldableEventError
from projections.postgres.layout import Layout
from projections.postgres.tables import Table
from projections.states import State
from projections.vector.spelling import ENGLISH, analyser_of, is_ordinary, length_of, spelled
from projections.vector.text_query import literal_words


class ChunksToEmbed(NamedTuple):
    """Chunks of one document, of which an embedder has no vectors yet. `text` is the document's."""

    title: str
    text: str
    attributes: Mapping[str, Any]
    chunks: Sequence[Chunk]


MakeVectors = Callable[[str, Sequence[ChunksToEmbed]], Awaitable[Mapping[str, bytes]]]
"""From an embedder's revision, and what it is to read, to what it says by `input_digest` of the chunk; and keeps it."""

LAYOUT = Layout(
    name="vector",
    schema_version=8,
    tables=(
        Table(
            "passages",
            "document_id",
            (
                "tenant", "document_id", "chunk_id", "index", "title", "text", "start_at", "end_at", "model",
                "dimension", "embedding", "length", "collection", "analyser", "spelled_words", "spelled_literals",
            ),
            ("tenant", "document_id", "chunk_id", "model", "dimension", "collection", "analyser", "words", "literal"),
        ),
    ),
    counted=("terms", "collections", "tenant_analysers"),
)  # fmt: skip


class VectorModel:
    """Follows documents."""

    name = "vector"
    kinds: frozenset[AggregateKind] = frozenset({"document"})
    event_types = types_of(kinds)
    folded_types = frozenset({
        EventType.DOCUMENT_INGESTED, EventType.DOCUMENT_UPDATED, EventType.DOCUMENT_DELETED,
        EventType.DOCUMENT_RESTORED, EventType.DOCUMENT_CHUNKED, EventType.CHUNK_UPDATED, EventType.CHUNK_MERGED,
        EventType.CHUNKS_RESTORED,
    })  # fmt: skip
    chunks_say_content = True
    reading: str | None = None

    def __init__(self, texts: TextStore, outputs: ModelOutputs, make: MakeVectors | None = None) -> None:
        """`make`: without it, what is not kept cannot be had."""
        self._texts = texts
        self._outputs = outputs
        self._make = make
        self._model: str | None = None

    def of(self, model_revision: str | None) -> Self:
        """With the vectors of this embedder; None: of the one that embedded each document first."""
        bound = type(self)(self._texts, self._outputs, self._make)
        bound._model = model_revision
        return bound

    async def sections(self, states: Sequence[tuple[AggregateKey, State | None]]) -> list[Sections]:
        """Passages with text and vector.

        Raises UnfoldableEventError where one of them is no longer kept, and what making vectors raises.
        """
        chunked = [(key, state) for key, state in states if isinstance(state, DocumentState)]
        texts = await self._texts_of(chunked)
        vectors = await self._vectors_of(chunked, texts)
        return [_sections(key, state, self._model, texts, vectors) for key, state in states]

    async def _texts_of(self, states: Sequence[tuple[AggregateKey, DocumentState]]) -> dict[AggregateKey, str]:
        wanted = {
            (key.tenant, key.aggregate_id, state.digest): key
            for key, state in states
            if state.chunks and state.digest is not None
        }
        try:
            found = await self._texts.get_many(list(wanted)) if wanted else {}
        except MissingTextError as error:
            raise UnfoldableEventError(str(error)) from None
        return {wanted[key]: text for key, text in found.items()}

    async def _vectors_of(
        self, states: Sequence[tuple[AggregateKey, DocumentState]], texts: Mapping[AggregateKey, str]
    ) -> dict[tuple[str, str], bytes]:
        by_model: dict[str, list[tuple[AggregateKey, DocumentState]]] = {}
        for key, state in states:
            model = self._model or state.embedder
            if state.chunks and model is not None:
                by_model.setdefault(model, []).append((key, state))
        vectors: dict[tuple[str, str], bytes] = {}
        for model, own in by_model.items():
            wanted = [chunk.input_digest for _, state in own for chunk in state.chunks or ()]
            found = dict(await self._outputs.get_many(model, wanted))
            if self._model is not None and self._make is not None and (missing := _without(found, own, texts)):
                found |= await self._make(model, missing)
            vectors.update(((model, digest), output) for digest, output in found.items())
        return vectors


def _without(
    found: Mapping[str, bytes],
    states: Sequence[tuple[AggregateKey, DocumentState]],
    texts: Mapping[AggregateKey, str],
) -> list[ChunksToEmbed]:
    missing = []
    for key, state in states:
        chunks = [chunk for chunk in state.chunks or () if chunk.input_digest not in found]
        if chunks:
            attributes = {} if state.content is None else state.content.attributes
            missing.append(ChunksToEmbed(state.title or "", texts[key], attributes, chunks))
    return missing


def _sections(
    key: AggregateKey,
    state: State | None,
    bound: str | None,
    texts: dict[AggregateKey, str],
    vectors: dict[tuple[str, str], bytes],
) -> Sections:
    if not isinstance(state, DocumentState) or state.chunks is None:
        return {}
    collection = collection_of(state.content.attributes) if state.content is not None else ""
    rows: list[Row] = []
    analyser = analyser_of(texts[key]) if key in texts else ENGLISH
    for index, chunk in enumerate(state.chunks):
        model = bound or state.embedder or ""
        vector = vectors.get((model, chunk.input_digest))
        if vector is None:
            raise UnfoldableEventError(
                f"document {key.aggregate_id}: the vector of chunk {chunk.chunk_id} by {model} is not kept any more; "
                "take the document in again"
            )
        title, text = state.title or "", texts[key][chunk.start : chunk.end]
        length = 2 * length_of(title) + length_of(text)
        ordinary = is_ordinary(title) and is_ordinary(text)
        rows.append(
            (
                key.tenant, key.aggregate_id, chunk.chunk_id, index, title, text, chunk.start, chunk.end, model,
                len(vector) // 2, vector, length, collection, analyser, None if ordinary else words_of(title, text),
                None if ordinary else " ".join(literal_words(f"{title} {text}")),
            )
        )  # fmt: skip
    return {"passages": rows}


def words_of(title: str, text: str) -> str:
    """What is searched in, the title twice; `schema.sql` has the same for what is read as it stands."""
    head = spelled(title, letters=True)
    return f"{head} . {head} . {spelled(text, letters=True)}"


def check_model(changes: Sequence[Change], model_revision: str | None) -> None:
    """What is written to a generation is of its embedder, where it has one: vectors of two never meet.

    Raises StaleVersionError.
    """
    at = LAYOUT.table("passages").columns.index("model")
    found = {row[at] for change in changes for row in change.sections.get("passages", ())}
    if model_revision is not None and (others := found - {model_revision}):
        raise StaleVersionError(f"{model_revision} took the place of {min(others)}; embed again")
