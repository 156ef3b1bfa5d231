"""Rows to documents of OpenSearch and back."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from projections.changes import Change, Positions, Row
from projections.errors import UnfoldableEventError
from projections.vector.model import LAYOUT
from projections.vector.opensearch.bulk import Action
from projections.vector.opensearch.index import field, owner_of, passage_id, words_field

COLUMNS = LAYOUT.table("passages").columns
_AT = {name: COLUMNS.index(name) for name in COLUMNS}
_VERSION = ("tenant", "kind", "aggregate_id", "version")


def dimensions(changes: Iterable[Change]) -> set[int]:
    """The dimensions of the vectors that come in."""
    return {row[_AT["dimension"]] for change in changes for row in change.sections.get("passages", ())}


def passages(change: Change) -> Iterator[Action]:
    """The passages of a change. The same version may be written again, an older one never over a newer one."""
    owner = owner_of(change.key)
    for row in change.sections.get("passages", ()):
        identity = passage_id(row[_AT["tenant"]], row[_AT["chunk_id"]])
        yield (
            {"index": {"_id": identity, "version": change.version, "version_type": "external_gte"}},
            _passage(row) | {"owner": owner, "aggregate_version": change.version},
        )


def version(change: Change, passages_at: int) -> Action:
    """Up to where an aggregate is there, and which version wrote its passages. The first to say so wins."""
    return (
        {"index": {"_id": owner_of(change.key), "version": change.version, "version_type": "external"}},
        dict(zip(_VERSION, (*change.key, change.version), strict=True))
        | {"what": "version", "owner": owner_of(change.key), "passages_at": passages_at},
    )


def positions(positions: Positions) -> Iterator[Action]:
    """Positions; they never go back."""
    for (topic, partition), position in sorted(positions.items()):
        yield (
            {"index": {"_id": f"position/{topic}/{partition}", "version": position, "version_type": "external"}},
            {"what": "position", "topic": topic, "partition": partition, "position": position},
        )


def passage_text(source: Mapping[str, Any]) -> str:
    """A passage as text for comparison: its columns in order, the vector as its stored float16 in hexadecimal."""
    size = source["dimension"]
    vector = np.asarray(source.get(field(size), [0.0] * size), dtype="<f2").tobytes().hex()
    return json.dumps([vector if name == "embedding" else source[name] for name in COLUMNS], ensure_ascii=False)


def version_text(source: Mapping[str, Any]) -> str:
    """A version as text for comparison."""
    return json.dumps([source[name] for name in _VERSION], ensure_ascii=False)


def _passage(row: Row) -> dict[str, Any]:
    document = dict(zip(COLUMNS, row, strict=True))
    vector = np.frombuffer(document.pop("embedding"), dtype="<f2")
    if not np.isfinite(vector).all():
        raise UnfoldableEventError(f"document {document['document_id']}: the vector of a chunk is not finite")
    # A vector of zeros has no direction and OpenSearch refuses it; the passage is found by its words alone.
    if vector.any():
        document[field(len(vector))] = vector.astype(float).tolist()
    title, text = document["title"], document["text"]
    holder, name = words_field(document["tenant"], document["analyser"])
    return document | {
        "what": "passage",
        holder: {name: document["spelled_words"] or f"{title} . {title} . {text}"},
        "literal": document["spelled_literals"] or f"{title} {text}",
    }
