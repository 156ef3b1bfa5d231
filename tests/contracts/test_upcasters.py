"""Stored JSON of older schema versions still reads today; a schema version from the future is refused plainly."""

import json
from typing import Any

import pytest

from contracts.codec import MalformedEventError, canonical, decode, encode
from contracts.documents import DocumentIngested, DocumentUpdated, RelationshipsDiscovered
from contracts.entities import EntitySplit
from contracts.reasoning import ReasoningQueryExecuted
from contracts.registry import PAYLOADS
from contracts.upcasters import UPCASTERS, upcast

# As they lie in the store: never edit these literals.
INGESTED_1 = (
    b'{"aggregate_id":"report","aggregate_version":1,"causation_id":null,"correlation_id":"c1",'
    b'"event_data":{"attributes":{"year":2023},"bytes":13,"characters":12,'
    b'"digest":"9b1f6f9d1c4b1d6ef1a9a70a2ed6ad2d7ab1ee5ad7d1a3eb39c1d7e9d87c0a42",'
    b'"title":"Report","uri":"https://example.org/report"},'
    b'"event_id":"5f0c3c0e-6f0e-4d55-8b39-0d1a4c9b3a11","event_type":"DocumentIngested",'
    b'"metadata":{"actor":"ada","source":"gateway","tenant":"acme"},"position":null,"schema_version":1,'
    b'"timestamp":"2023-11-05T08:15:30.250000Z"}'
)
UPDATED_1 = (
    b'{"aggregate_id":"report","aggregate_version":2,"causation_id":"5f0c3c0e-6f0e-4d55-8b39-0d1a4c9b3a11",'
    b'"correlation_id":"c2","event_data":{"attributes":{},"bytes":4,"characters":4,'
    b'"digest":"1c8aa4f1b8a0c4f9ad8f6e0f3f39b1fbe0d1ad0a3b1e8f5a7c6e4d2b0f9e8d7c",'
    b'"title":"Report, again","uri":null},'
    b'"event_id":"0b7e9d3a-52a4-4f6a-9c3f-5a9d6b1e2c22","event_type":"DocumentUpdated",'
    b'"metadata":{"actor":"ada","source":"gateway","tenant":"acme"},"position":null,"schema_version":1,'
    b'"timestamp":"2023-11-06T09:00:00Z"}'
)


SPLIT_1 = (
    b'{"aggregate_id":"e1","aggregate_version":3,"causation_id":null,"correlation_id":"c3",'
    b'"event_data":{"documents":["private/letters.md","report"],"into":"e2","reason":"another person"},'
    b'"event_id":"2c7e9d3a-52a4-4f6a-9c3f-5a9d6b1e2c33","event_type":"EntitySplit",'
    b'"metadata":{"actor":"ada","source":"cli","tenant":"acme"},"position":null,"schema_version":1,'
    b'"timestamp":"2023-11-06T09:00:00Z"}'
)


def altered(raw: bytes, **fields: Any) -> bytes:
    """The literal with some fields replaced."""
    return canonical(json.loads(raw) | fields)


def test_an_ingested_document_of_version_1_reads_as_version_2() -> None:
    event = decode(INGESTED_1, position=4)
    data = event.event_data

    assert (event.schema_version, event.position) == (2, 4)
    assert isinstance(data, DocumentIngested)
    assert data.text.digest == "9b1f6f9d1c4b1d6ef1a9a70a2ed6ad2d7ab1ee5ad7d1a3eb39c1d7e9d87c0a42"
    assert (data.text.characters, data.text.bytes) == (12, 13)
    assert (data.title, data.uri, data.attributes) == ("Report", "https://example.org/report", {"year": 2023})


def test_an_updated_document_of_version_1_reads_as_version_2() -> None:
    event = decode(UPDATED_1)
    data = event.event_data

    assert event.schema_version == 2
    assert isinstance(data, DocumentUpdated)
    assert data.text.digest == "1c8aa4f1b8a0c4f9ad8f6e0f3f39b1fbe0d1ad0a3b1e8f5a7c6e4d2b0f9e8d7c"
    assert (data.text.characters, data.text.bytes, data.uri, data.attributes) == (4, 4, None, {})


def test_a_split_of_version_1_reads_without_its_documents() -> None:
    event = decode(SPLIT_1)
    assert (event.schema_version, event.event_data) == (2, EntitySplit(into="e2", reason="another person"))


@pytest.mark.parametrize("raw", [INGESTED_1, UPDATED_1, SPLIT_1])
def test_reading_changes_nothing_but_the_schema_version(raw: bytes) -> None:
    old, new = json.loads(raw), json.loads(encode(decode(raw)))
    changed = {name for name in old if old[name] != new[name]}
    assert changed == {"event_data", "schema_version"}
    assert decode(encode(decode(raw))) == decode(raw)


def test_upcasting_leaves_its_input_and_todays_schema_alone() -> None:
    old = json.loads(INGESTED_1)
    new = upcast(old)
    assert old == json.loads(INGESTED_1)
    assert upcast(new) == new


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        (altered(INGESTED_1, schema_version=0), "schema_version: Input should be greater than or equal to 1"),
        (altered(INGESTED_1, schema_version=True), "schema_version: Input should be a valid integer"),
        (altered(INGESTED_1, schema_version=2), r"event_data\.text: Field required"),
        (
            altered(INGESTED_1, event_data={"title": "Report"}),
            r"event_data\.text\.digest: Input should be a valid string",
        ),
        (altered(INGESTED_1, event_data="Report"), "schema_version 1 is not read here"),
    ],
)
def test_what_no_upcaster_lifts_is_refused_plainly(raw: bytes, fault: str) -> None:
    with pytest.raises(MalformedEventError, match=fault):
        decode(raw)


def test_every_older_version_has_its_step() -> None:
    """A new schema version without an upcaster would make the stored log unreadable."""
    older = {
        (str(event_type), version)
        for event_type, payload in PAYLOADS.items()
        for version in range(1, payload.schema_version)
    }
    assert set(UPCASTERS) == older


def test_relations_of_version_2_were_stated_at_no_time() -> None:
    relation = {
        "relation_id": "r1",
        "subject_id": "e1",
        "subject": "Ada",
        "predicate": "meet",
        "object_id": "e2",
        "object": "Bob",
        "chunk_id": "k1",
        "start": 0,
        "end": 12,
        "confidence": 0.8,
    }
    discovered = {"content": "0" * 64, "model": "parser@1", "relations": [relation], "part": 1, "parts": 1}
    fields = json.loads(INGESTED_1) | {"event_type": "RelationshipsDiscovered", "event_data": discovered}
    event = decode(canonical(fields | {"schema_version": 2}))
    assert isinstance(event.event_data, RelationshipsDiscovered) and event.schema_version == 3
    (one,) = event.event_data.relations
    assert (one.subject, one.predicate, one.object) == ("Ada", "meet", "Bob")
    assert (one.negated, one.modality, one.time, one.valid_from, one.valid_until) == (False, None, None, None, None)


def answered(version: int, **fields: object) -> ReasoningQueryExecuted:
    """A question's event as this schema version had it: what all of them have, and these fields."""
    common = {"question": "Who?", "answer": "Ada", "confidence": 0.5, "sources": [], "chains": [], "milliseconds": 7}
    executed = common | {"knowledge": "0" * 64, "cached": False} | fields
    event = decode(
        canonical(
            json.loads(INGESTED_1)
            | {"event_type": "ReasoningQueryExecuted", "event_data": executed, "schema_version": version}
        )
    )
    assert isinstance(event.event_data, ReasoningQueryExecuted) and event.schema_version == 4
    return event.event_data


def test_an_answer_of_version_1_has_no_steps() -> None:
    """It told how it was come to in chains of words alone."""
    data = answered(1, answer="A sentence.", chains=["question -> Halden"])
    assert (data.answer, data.chains) == ("A sentence.", ("question -> Halden",))
    assert (data.steps, data.candidates, data.missing) == ((), (), None)
    assert (data.models, data.borne_out) == ((), None)


def test_an_answer_of_version_2_was_by_no_model() -> None:
    data = answered(2, steps=[], candidates=[], missing=None)
    assert (data.answer, data.models, data.borne_out) == ("Ada", (), None)


def test_an_answer_of_version_3_does_not_say_by_what_it_is_kept() -> None:
    data = answered(3, models=["reader@1"], cached=True)
    assert (data.models, data.key) == (("reader@1",), None)
