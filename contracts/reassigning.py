"""What a document says of entities, once people said that it means others."""

from collections.abc import Mapping
from typing import TypeVar

from contracts.documents import (
    Alias,
    DocumentReread,
    EntitiesExtracted,
    Mention,
    Relation,
    RelationshipsDiscovered,
    StageResult,
)

Named = TypeVar("Named", Mention, Alias, Relation)


def meant(part: Named, instead: Mapping[str, str]) -> Named:
    """The same part; `instead` gives another entity for some. A relation keeps its own id, by which it is judged."""
    names = ("subject_id", "object_id") if isinstance(part, Relation) else ("entity_id",)
    changes = {name: instead[one] for name in names if (one := getattr(part, name)) in instead}
    return part.model_copy(update=changes) if changes else part


def meant_by(result: StageResult, instead: Mapping[str, str]) -> StageResult:
    """A stage's result, or a part of it, of such entities."""
    if not isinstance(result, EntitiesExtracted | RelationshipsDiscovered | DocumentReread):
        return result
    items = {name: tuple(meant(one, instead) for one in getattr(result, name)) for name in result.item_fields}
    return result.model_copy(update=items)
