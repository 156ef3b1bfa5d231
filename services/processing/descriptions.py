"""What the texts of documents say of those whom they name, as homonyms are told apart by it: no model runs."""

import asyncio
from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Mapping, Sequence

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
_Said = tuple[str, str, int, str]
"""Tenant, document, its version, name."""


class Descriptions:
    """Of the content that a document had when it named the entity. Raises StoreUnavailableError."""

    def __init__(self, reader: EventReader, texts: TextStore) -> None:
        self._reader = reader
        self._texts = texts
        self._remembered: OrderedDict[_Said, Described] = OrderedDict()

    async def of(self, tenant: str, names: Mapping[str, Sequence[NamedEntity]]) -> dict[str, dict[str, Described]]:
        """By the keys of `names`, and by document, what it says by all of these. Each text is read once."""
        unknown: dict[tuple[str, int], set[str]] = defaultdict(set)
        said: dict[_Said, Described] = {}
        for one in (one for own in names.values() for one in own):
            key = (tenant, one.document_id, one.version, one.name)
            if key in self._remembered:
                said[key] = self._remembered[key]
                self._remembered.move_to_end(key)
            else:
                unknown[one.document_id, one.version].add(one.name)
        for (document, version), own in sorted(unknown.items()):
            text = await self._text(AggregateKey(tenant, "document", document), version)
            found = await asyncio.to_thread(_all_described, text, own)
            said |= {(tenant, document, version, name): one for name, one in found.items()}
        self._remembered |= said
        while len(self._remembered) > MOST_REMEMBERED:
            self._remembered.popitem(last=False)
        told: dict[str, dict[str, Described]] = {name: {} for name in names}
        for name, rows in names.items():
            for one in rows:
                before = told[name].get(one.document_id, NOTHING)
                told[name][one.document_id] = before | said[tenant, one.document_id, one.version, one.name]
        return told

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


def _all_described(text: str, names: Iterable[str]) -> dict[str, Described]:
    return {name: described(text, name) for name in names}
