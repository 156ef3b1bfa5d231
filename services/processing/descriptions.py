"""What the texts of documents say of those whom they name, as homonyms are told apart by it: no model runs."""

from collections import OrderedDict
from collections.abc import Iterable

from aggregates.matching.described import Described, described
from contracts.documents import EntitiesExtracted
from eventstore.errors import MissingTextError
from eventstore.keys import AggregateKey
from eventstore.names import NamedEntity
from eventstore.reader import EventReader
from eventstore.texts import TextStore

MOST_REMEMBERED = 50_000
"""Of so many names in documents it is remembered: about 10 MB."""
NOTHING = Described()


class Descriptions:
    """Of the content that a document had when it named the entity. Raises StoreUnavailableError."""

    def __init__(self, reader: EventReader, texts: TextStore) -> None:
        self._reader = reader
        self._texts = texts
        self._remembered: OrderedDict[tuple[str, str, int, str], Described] = OrderedDict()

    async def of(self, tenant: str, names: Iterable[NamedEntity]) -> dict[str, Described]:
        """Of each document, by its id, what it says by all of these names."""
        said: dict[str, Described] = {}
        for name in names:
            key = (tenant, name.document_id, name.version, name.name)
            if key not in self._remembered:
                text = await self._text(AggregateKey(tenant, "document", name.document_id), name.version)
                self._remembered[key] = described(text, name.name)
                if len(self._remembered) > MOST_REMEMBERED:
                    self._remembered.popitem(last=False)
            self._remembered.move_to_end(key)
            said[name.document_id] = said.get(name.document_id, NOTHING) | self._remembered[key]
        return said

    async def _text(self, document: AggregateKey, version: int) -> str:
        """Empty where it is kept no more: the document is deleted by now."""
        (event,) = await self._reader.of_aggregate(*document, after_version=version - 1, limit=1) or (None,)
        if event is None or not isinstance(event.event_data, EntitiesExtracted):
            return ""
        key = (document.tenant, document.aggregate_id, event.event_data.content)
        try:
            return (await self._texts.get_many([key]))[key]
        except MissingTextError:
            return ""
