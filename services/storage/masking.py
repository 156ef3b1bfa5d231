"""Documents without the fields that the caller may not see."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from contracts.access import collection_of
from projections.relational.reads import DocumentRow, DocumentSummary
from security.reach import Reach

Shown = TypeVar("Shown", DocumentRow, DocumentSummary)


def without(row: Shown, masked: Collection[str]) -> Shown:
    """The document without these fields; what is derived from a text that is masked goes with it."""
    if not masked:
        return row
    row = replace(
        row,
        title="" if "title" in masked else row.title,
        uri=None if "uri" in masked else row.uri,
        attributes=attributes_without(row.attributes, masked),
    )
    if "text" in masked:
        row = replace(row, digest="", characters=0, bytes=0)
        if isinstance(row, DocumentRow):
            row = replace(row, chunks=(), entities=(), relations=())
    return row


def as_seen(rows: Iterable[Shown], reach: Reach) -> list[Shown]:
    """Those of these documents that may be seen, without what is masked of each."""
    masks = ((row, reach.masked_fields(collection_of(row.attributes))) for row in rows)
    return [without(row, masked) for row, masked in masks if masked is not None]


def attributes_without(attributes: Mapping[str, Any], masked: Collection[str]) -> dict[str, Any]:
    """Those that are not masked."""
    if "attributes" in masked:
        return {}
    return {name: value for name, value in attributes.items() if f"attributes.{name}" not in masked}


def fields_of_attributes(names: Collection[str]) -> frozenset[str]:
    """What may be masked of attributes of these names."""
    return frozenset(f"attributes.{name}" for name in names) | (frozenset({"attributes"}) if names else frozenset())
