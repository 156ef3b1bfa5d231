"""What the texts of documents say of those whom they name, as homonyms are told apart by it: no model runs."""

import asyncio
from collections import OrderedDict, defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypeVar

from aggregates.matching.described import Described, described
from contracts.documents import DocumentReread, EntitiesExtracted
from contracts.envelope import DomainEvent
from eventstore.names import NamedEntity
from eventstore.reader import EventReader
from eventstore.texts import TextKey, TextStore

MOST_REMEMBERED = 50_000
"""Of so many names in documents it is remembered: about 10 MB. Of as many documents, their contents' digests."""
NOTHING = Described()
Key = TypeVar("Key")
_Said = tuple[str, str, int, str]
"""Tenant, document, its version, name."""


class Descriptions:
    """Of the content that a document had when it named the entity. Raises StoreUnavailableError."""

    def __init__(self, reader: EventReader, texts: TextStore) -> None:
        self._reader = reader
        self._texts = texts
        self._remembered: OrderedDict[_Said, Described] = OrderedDict()
        self._contents: OrderedDict[tuple[str, str, int], str] = OrderedDict()

    def note(self, event: DomainEvent) -> None:
        """In which content a document names its entities, where the event says so: that need not be read then."""
        data = event.event_data
        if isinstance(data, EntitiesExtracted | DocumentReread):
            self._contents[event.tenant, event.aggregate_id, first_version(event, data)] = data.content
            _forget_oldest(self._contents)

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
                # Where its text is kept no more, as it is deleted by now, it says nothing.
                said[key] = NOTHING
                unknown[one.document_id, one.version].add(one.name)
        said |= await self._read(tenant, unknown)
        self._remembered |= said
        _forget_oldest(self._remembered)
        told: dict[str, dict[str, Described]] = {name: {} for name in names}
        for name, rows in names.items():
            for one in rows:
                before = told[name].get(one.document_id, NOTHING)
                told[name][one.document_id] = before | said[tenant, one.document_id, one.version, one.name]
        return told

    async def _read(self, tenant: str, unknown: Mapping[tuple[str, int], Collection[str]]) -> dict[_Said, Described]:
        """What the texts say of these names, by document and version."""
        wanted: dict[TextKey, list[tuple[str, int]]] = defaultdict(list)
        for document, version in sorted(unknown):
            if (content := await self._content(tenant, document, version)) is not None:
                wanted[tenant, document, content].append((document, version))
        found: dict[_Said, Described] = {}
        async for texts in self._texts.kept(list(wanted)):
            of_texts = [(one, text) for key, text in texts.items() for one in wanted[key]]
            found |= await asyncio.to_thread(_all_described, tenant, of_texts, unknown)
        return found

    async def _content(self, tenant: str, document: str, version: int) -> str | None:
        """The digest of the content that the document had then."""
        if (content := self._contents.get((tenant, document, version))) is not None:
            return content
        events = await self._reader.of_aggregate(tenant, "document", document, after_version=version - 1, limit=1)
        data = events[0].event_data if events else None
        return data.content if isinstance(data, EntitiesExtracted | DocumentReread) else None


def first_version(event: DomainEvent, data: EntitiesExtracted | DocumentReread) -> int:
    """Of the event that begins the result which this one is a part of: by it, names in documents are known."""
    return event.aggregate_version - data.part + 1


def _forget_oldest(remembered: OrderedDict[Key, Any]) -> None:
    while len(remembered) > MOST_REMEMBERED:
        remembered.popitem(last=False)


def _all_described(
    tenant: str, texts: Sequence[tuple[tuple[str, int], str]], names: Mapping[tuple[str, int], Collection[str]]
) -> dict[_Said, Described]:
    return {(tenant, *one, name): described(text, name) for one, text in texts for name in names[one]}
