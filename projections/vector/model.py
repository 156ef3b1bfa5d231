"""Events to passages. The text comes from the text store, the vector from the kept model outputs: no model runs."""

from collections.abc import Sequence

from contracts.access import collection_of
from contracts.event_types import AggregateKind
from eventstore.errors import MissingTextError
from eventstore.keys import AggregateKey
from eventstore.outputs import ModelOutputs
from eventstore.texts import TextStore
from projections.changes import Row, Sections, types_of
from projections.document_state import DocumentState
from projections.errors import UnfoldableEventError
from projections.postgres.layout import Layout
from projections.postgres.tables import Table
from projections.states import State
from projections.vector.spelling import ENGLISH, analyser_of, is_ordinary, length_of, spelled
from projections.vector.text_query import literal_words

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
        ),
    ),
    counted=("terms", "collections", "tenant_analysers"),
)  # fmt: skip


class VectorModel:
    """Follows documents."""

    name = "vector"
    kinds: frozenset[AggregateKind] = frozenset({"document"})
    event_types = types_of(kinds)
    chunks_say_content = True

    def __init__(self, texts: TextStore, outputs: ModelOutputs) -> None:
        self._texts = texts
        self._outputs = outputs

    async def sections(self, states: Sequence[tuple[AggregateKey, State | None]]) -> list[Sections]:
        """Passages with text and vector. Raises UnfoldableEventError where one of them is no longer kept."""
        chunked = [(key, state) for key, state in states if isinstance(state, DocumentState)]
        texts = await self._texts_of(chunked)
        vectors = await self._vectors_of(chunked)
        return [_sections(key, state, texts, vectors) for key, state in states]

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

    async def _vectors_of(self, states: Sequence[tuple[AggregateKey, DocumentState]]) -> dict[tuple[str, str], bytes]:
        by_model: dict[str, list[str]] = {}
        for _, state in states:
            if state.chunks and state.embedder is not None:
                by_model.setdefault(state.embedder, []).extend(chunk.input_digest for chunk in state.chunks)
        return {
            (model, digest): output
            for model, digests in by_model.items()
            for digest, output in (await self._outputs.get_many(model, digests)).items()
        }


def _sections(
    key: AggregateKey,
    state: State | None,
    texts: dict[AggregateKey, str],
    vectors: dict[tuple[str, str], bytes],
) -> Sections:
    if not isinstance(state, DocumentState) or state.chunks is None:
        return {}
    collection = collection_of(state.content.attributes) if state.content is not None else ""
    rows: list[Row] = []
    analyser = analyser_of(texts[key]) if key in texts else ENGLISH
    for index, chunk in enumerate(state.chunks):
        model = state.embedder or ""
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
