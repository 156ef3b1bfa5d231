"""Upcasters: how the stored JSON of an older schema version reads today, one step for each (type, schema version)."""

from collections.abc import Callable
from typing import Any

Fields = dict[str, Any]
Upcaster = Callable[[Fields], Fields]


def _text_fields_became_a_reference(data: Fields) -> Fields:
    """Version 1 spread the text's digest and sizes over the payload; version 2 keeps them in `text`."""
    data = dict(data)
    data["text"] = {
        "digest": data.pop("digest", None),
        "characters": data.pop("characters", None),
        "bytes": data.pop("bytes", None),
    }
    return data


def _one_event_was_the_whole_result(data: Fields) -> Fields:
    """Version 1 had every result of a stage in one event; version 2 counts its parts."""
    return {**data, "part": 1, "parts": 1}


def _relations_say_when_and_whether(data: Fields) -> Fields:
    """Version 2 knew of no denied, possible or dated statements: each was stated, at no time."""
    relations = data.get("relations")
    if not isinstance(relations, list):
        return data
    new = {"negated": False, "modality": None, "time": None, "valid_from": None, "valid_until": None}
    return {**data, "relations": [{**one, **new} if isinstance(one, dict) else one for one in relations]}


def _answers_have_steps(data: Fields) -> Fields:
    """Version 1 told how an answer was come to in chains of words alone, and not why there was none."""
    return {**data, "steps": [], "candidates": [], "missing": None}


def _answers_name_their_models(data: Fields) -> Fields:
    """Version 2 knew of no models that take the last step of an answer."""
    return {**data, "models": [], "borne_out": None}


def _answers_name_their_key(data: Fields) -> Fields:
    """Version 3 did not say by what an answer is kept; of one that was, ReasoningResultCached does."""
    return {**data, "key": None}


def _decisions_have_reasons(data: Fields) -> Fields:
    """Version 1 of what people decide on entities and chunks did not say why.

    Of an entity it set name and type always, which may be left to documents now.
    """
    return {**data, "reason": None}


def _corrections_say_what_they_correct(data: Fields) -> Fields:
    """Version 1 named the relation by its id alone, and every correction of it was of the present content."""
    return {**data, "statement": None, "earlier": None, "undone": False, "reason": None}


def _judgements_say_what_they_judge(data: Fields) -> Fields:
    """The same of judgements."""
    return {**data, "statement": None, "earlier": None}


def _people_alone_reassigned(data: Fields) -> Fields:
    """Version 1 knew no rules that tell homonyms apart."""
    return {**data, "rules": None, "context": None}


def _chains_may_be_judged_no_more(data: Fields) -> Fields:
    """Version 1 knew no judgement that is taken back."""
    return data


def _splits_name_no_documents(data: Fields) -> Fields:
    """Version 1 named the documents as well, some of which may have been erased since."""
    return {name: value for name, value in data.items() if name != "documents"}


UPCASTERS: dict[tuple[str, int], Upcaster] = {
    ("DocumentIngested", 1): _text_fields_became_a_reference,
    ("DocumentUpdated", 1): _text_fields_became_a_reference,
    ("DocumentChunked", 1): _one_event_was_the_whole_result,
    ("EntitiesExtracted", 1): _one_event_was_the_whole_result,
    ("RelationshipsDiscovered", 1): _one_event_was_the_whole_result,
    ("EntityUpdated", 1): _decisions_have_reasons,
    ("EntityValidated", 1): _decisions_have_reasons,
    ("EntitySplit", 1): _splits_name_no_documents,
    ("RelationshipsDiscovered", 2): _relations_say_when_and_whether,
    ("RelationshipUpdated", 1): _corrections_say_what_they_correct,
    ("RelationshipValidated", 1): _judgements_say_what_they_judge,
    ("ChunkUpdated", 1): _decisions_have_reasons,
    ("ChunkMerged", 1): _decisions_have_reasons,
    ("MentionsReassigned", 1): _people_alone_reassigned,
    ("ReasoningChainValidated", 1): _chains_may_be_judged_no_more,
    ("ModelUpdated", 1): _decisions_have_reasons,
    ("ReasoningQueryExecuted", 1): _answers_have_steps,
    ("ReasoningQueryExecuted", 2): _answers_name_their_models,
    ("ReasoningQueryExecuted", 3): _answers_name_their_key,
}


def upcast(fields: Fields) -> Fields:
    """Lift an event's JSON fields, one version at a time, to the newest schema version; unknown fields stay."""
    event_type, version = fields.get("event_type"), fields.get("schema_version")
    while isinstance(event_type, str) and type(version) is int:  # true is no version, though it equals 1
        upcaster = UPCASTERS.get((event_type, version))
        data = fields.get("event_data")
        if upcaster is None or not isinstance(data, dict):
            break
        version += 1
        fields = {**fields, "event_data": upcaster(data), "schema_version": version}
    return fields
