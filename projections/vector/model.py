"""Events to passages. The text comes from the text store, the vector from the kept model outputs: no model runs."""

import re
from collections.abc import Sequence

from contracts.event_types import AggregateKind
from eventstore.errors import MissingText
from eventstore.keys import AggregateKey
from eventstore.outputs import ModelOutputs
from eventstore.texts import TextStore
from projections.changes import Row, Sections, types_of
from projections.errors import UnfoldableEvent
from projections.layout import Layout
from projections.pictures import DocumentPicture, Picture
from projections.tables import Table

_WORD = re.compile(r"\w+")

LAYOUT = Layout(
    name="vector",
    shape=1,
    tables=(
        Table(
            "passages",
            "document_id",
            (
                "tenant", "document_id", "chunk_id", "index", "title", "text", "start_at", "end_at", "model",
                "dimension", "embedding", "length",
            ),
        ),
    ),
)  # fmt: skip


class VectorModel:
    """Follows documents."""

    name = "vector"
    kinds: frozenset[AggregateKind] = frozenset({"document"})
    event_types = types_of(kinds)

    def __init__(self, texts: TextStore, outputs: ModelOutputs) -> None:
        self._texts = texts
        self._outputs = outputs

    async def sections(self, pictures: Sequence[tuple[AggregateKey, Picture | None]]) -> list[Sections]:
        """Passages with text and vector. Raises UnfoldableEvent where one of them is no longer kept."""
        chunked = [(key, picture) for key, picture in pictures if isinstance(picture, DocumentPicture)]
        texts = await self._texts_of(chunked)
        vectors = await self._vectors_of(chunked)
        return [_sections(key, picture, texts, vectors) for key, picture in pictures]

    async def _texts_of(self, pictures: Sequence[tuple[AggregateKey, DocumentPicture]]) -> dict[AggregateKey, str]:
        wanted = {
            (key.tenant, key.aggregate_id, picture.digest): key
            for key, picture in pictures
            if picture.chunks and picture.digest is not None
        }
        try:
            found = await self._texts.get_many(list(wanted)) if wanted else {}
        except MissingText as error:
            raise UnfoldableEvent(str(error)) from None
        return {wanted[place]: text for place, text in found.items()}

    async def _vectors_of(
        self, pictures: Sequence[tuple[AggregateKey, DocumentPicture]]
    ) -> dict[tuple[str, str], bytes]:
        by_model: dict[str, list[str]] = {}
        for _, picture in pictures:
            if picture.chunks and picture.embedder is not None:
                by_model.setdefault(picture.embedder, []).extend(chunk.input_digest for chunk in picture.chunks)
        return {
            (model, digest): output
            for model, digests in by_model.items()
            for digest, output in (await self._outputs.get_many(model, digests)).items()
        }


def _sections(
    key: AggregateKey,
    picture: Picture | None,
    texts: dict[AggregateKey, str],
    vectors: dict[tuple[str, str], bytes],
) -> Sections:
    if not isinstance(picture, DocumentPicture) or picture.chunks is None:
        return {}
    rows: list[Row] = []
    for index, chunk in enumerate(picture.chunks):
        model = picture.embedder or ""
        vector = vectors.get((model, chunk.input_digest))
        if vector is None:
            raise UnfoldableEvent(
                f"document {key.aggregate_id}: the vector of chunk {chunk.chunk_id} by {model} is not kept any more; "
                "take the document in again"
            )
        title, text = picture.title or "", texts[key][chunk.start : chunk.end]
        length = 2 * len(_WORD.findall(title)) + len(_WORD.findall(text))
        rows.append(
            (
                key.tenant, key.aggregate_id, chunk.chunk_id, index, title, text, chunk.start, chunk.end, model,
                len(vector) // 2, vector, length,
            )
        )  # fmt: skip
    return {"passages": rows}
