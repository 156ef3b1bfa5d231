"""Readings: which models read a document. A generation of read models shows one of them."""

_BETWEEN = " | "


def reading_of(entity_model: str, relation_model: str) -> str:
    """The name of what these two find together, by their revisions. Raises ValueError where one cannot be told."""
    if _BETWEEN in entity_model + relation_model:
        raise ValueError(f"a model's revision holds {_BETWEEN!r}")
    return f"{entity_model}{_BETWEEN}{relation_model}"


def models_of(reading: str) -> tuple[str, str]:
    """The revisions of the model of entities and of that of relations."""
    entity_model, _, relation_model = reading.partition(_BETWEEN)
    return entity_model, relation_model
