"""A stage's result in parts: as many as it takes, each small enough, and together the result again."""

import json
from collections.abc import Sequence
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts import limits
from contracts.codec import canonical, decode
from contracts.documents import Alias, DocumentChunked, EntitiesExtracted, RelationshipsDiscovered, StageResult
from contracts.limits import MAX_EVENT_BYTES, PART_BYTES
from contracts.parts import collect, split
from contracts.unvalidated import decode_unvalidated
from tests.contracts.strategies import models

RESULTS = st.one_of(models(DocumentChunked), models(EntitiesExtracted), models(RelationshipsDiscovered))


def whole(result: StageResult, times: int) -> StageResult:
    """As a stage gives it: in one piece, with each item `times` times."""
    items = {name: getattr(result, name) * times for name in result.item_fields}
    return result.model_copy(update={**items, "part": 1, "parts": 1})


def joined(parts: Sequence[StageResult]) -> StageResult | None:
    """Collect them all; None comes before the last."""
    earlier: tuple[StageResult, ...] = ()
    for part in parts:
        earlier, found = collect(earlier, part)
        assert (found is None) == (part.part < len(parts))
    return found


@settings(max_examples=50)
@given(result=RESULTS, times=st.integers(0, 4000))
def test_parts_fit_and_are_the_result_again(result: StageResult, times: int) -> None:
    result = whole(result, times)
    parts = split(result)
    assert [(part.part, part.parts) for part in parts] == [(n, len(parts)) for n in range(1, len(parts) + 1)]
    assert all(len(canonical(part.model_dump(mode="json"))) < MAX_EVENT_BYTES for part in parts)
    assert joined(parts) == result
    size = len(canonical(result.model_dump(mode="json")))
    assert len(parts) <= 1 + 2 * size // PART_BYTES


def test_a_part_is_made_anew_each_time_and_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PART_BYTES", 1)
    aliases = tuple(Alias(entity_id=f"e{n}", name="Ada", chunk_id="k1", quality=0.5) for n in range(4))
    parts = split(EntitiesExtracted(content="a" * 64, model="m", mentions=(), aliases=aliases))
    assert len(parts) == 4 and list(parts) == list(parts) == [*parts[:2], *parts[2:]]
    assert [alias for part in parts for alias in cast(EntitiesExtracted, part).aliases] == list(aliases)
    assert (parts[-1], parts[0].part) == (parts[3], 1)
    with pytest.raises(IndexError):
        parts[4]


def test_a_result_of_nothing_is_one_part() -> None:
    empty = RelationshipsDiscovered(content="a" * 64, model="m", relations=())
    assert split(empty) == (empty,)


# As they lie in the store: never edit this literal.
EXTRACTED_1 = (
    b'{"aggregate_id":"report","aggregate_version":3,"causation_id":"5f0c3c0e-6f0e-4d55-8b39-0d1a4c9b3a11",'
    b'"correlation_id":"c1","event_data":{"aliases":[],'
    b'"content":"9b1f6f9d1c4b1d6ef1a9a70a2ed6ad2d7ab1ee5ad7d1a3eb39c1d7e9d87c0a42",'
    b'"mentions":[{"chunk_id":"k1","confidence":0.9,"end":3,"entity_id":"e1","name":"Ada","start":0,"type":"PERSON"}],'
    b'"model":"ner"},"event_id":"0b7e9d3a-52a4-4f6a-9c3f-5a9d6b1e2c22","event_type":"EntitiesExtracted",'
    b'"metadata":{"actor":"annals","source":"entities","tenant":"acme"},"position":null,"schema_version":1,'
    b'"timestamp":"2023-11-06T09:00:00Z"}'
)


@pytest.mark.parametrize(("name", "items"), [("EntitiesExtracted", None), ("RelationshipsDiscovered", "relations")])
def test_a_result_of_version_1_is_the_only_part(name: str, items: str | None) -> None:
    stored = json.loads(EXTRACTED_1) | {"event_type": name}
    if items is not None:
        stored["event_data"] = {"content": "9" * 64, "model": "rel", items: []}
    event = decode(canonical(stored))
    assert isinstance(event.event_data, StageResult)
    assert event.schema_version == type(event.event_data).schema_version
    assert (event.event_data.part, event.event_data.parts) == (1, 1)
    assert decode_unvalidated(canonical(stored)) == event
