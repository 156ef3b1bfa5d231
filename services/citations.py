"""Where sources stand in their files: page and headings, from what the readers of files kept of their structure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from contracts.structure import Structure, structure_of
from eventstore.errors import MissingTextError
from eventstore.texts import TextStore
from projections.relational.reads import DocumentSummary
from reasoning.results import Citation

READ_CHARACTERS = 8_388_608
"""Of the texts that are read for their headings at once; of what is behind only the pages are told."""
HEADING_CHARACTERS = 200


class Stretch(Protocol):
    """A part of a document's text, `text[start:end]`."""

    @property
    def document_id(self) -> str:
        """Of which document."""

    @property
    def start(self) -> int:
        """In characters of the whole document."""

    @property
    def end(self) -> int:
        """In characters of the whole document."""


class Citations:
    """A heading's words stand in the text and nowhere else, so the texts of documents that have any are read."""

    def __init__(self, texts: TextStore) -> None:
        self._texts = texts

    async def of(
        self, tenant: str, rows: Iterable[DocumentSummary], stretches: Sequence[Stretch]
    ) -> list[Citation | None]:
        """One for each stretch, None where its document is not among `rows`.

        What is masked of a row is not told. Raises StoreUnavailableError.
        """
        documents = {row.document_id: row for row in rows}
        wanted = list(dict.fromkeys(one.document_id for one in stretches if one.document_id in documents))
        structures = {one: structure_of(documents[one].attributes) for one in wanted}
        with_headings = [documents[one] for one in wanted if structures[one].headings]
        texts = await self.texts(tenant, with_headings)
        return [
            citation(documents[one.document_id], structures[one.document_id], texts.get(one.document_id), one)
            if one.document_id in documents
            else None
            for one in stretches
        ]

    async def texts(self, tenant: str, rows: Iterable[DocumentSummary]) -> Mapping[str, str]:
        """By document id; what is masked, behind READ_CHARACTERS or gone by now is left out."""
        keys, left = [], READ_CHARACTERS
        for row in rows:
            left -= row.characters
            if left >= 0 and row.digest:
                keys.append((tenant, row.document_id, row.digest))
        if not keys:
            return {}
        try:
            return {key[1]: text for key, text in (await self._texts.get_many(keys)).items()}
        except MissingTextError:
            return {}


def citation(row: DocumentSummary, structure: Structure, text: str | None, stretch: Stretch) -> Citation:
    """`text` is the document's; without it no headings are told."""
    last = max(stretch.start, stretch.end - 1)
    headings = () if text is None else structure.headings_of(text, stretch.start)
    said = (" ".join(text[start:end].split()) for start, end in headings) if text is not None else ()
    return Citation(
        file=row.uri or row.document_id,
        page=structure.page_at(stretch.start),
        last_page=structure.page_at(last),
        headings=tuple(one[:HEADING_CHARACTERS] for one in said if one),
    )
