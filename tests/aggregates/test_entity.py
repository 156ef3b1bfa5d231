"""The Entity's decisions: named, merged, judged; nothing more once it was merged."""

from collections.abc import Callable

import pytest

from aggregates import entity as entities
from aggregates.cause import RefusedError
from aggregates.entity import Entity
from contracts.entities import EntityMerged, EntityUpdated, EntityValidated
from contracts.envelope import DomainEvent
from contracts.payload import Payload
from tests.aggregates.scenario import CAUSE, given

Decide = Callable[..., tuple[DomainEvent, ...]]
NAMED = EntityUpdated(name="Ada Lovelace", type="PERSON", aliases=("Ada",))
RENAMED = EntityUpdated(name="Ada King", type="PERSON")
MERGED = EntityMerged(into="e2", reason="same person")
REAL = EntityValidated(valid=True, confidence=0.9)
UNREAL = EntityValidated(valid=False, confidence=0.9)
DECISIONS: list[tuple[Decide, Payload, Payload]] = [
    (entities.update, NAMED, RENAMED),
    (entities.validate, REAL, UNREAL),
]


def state(*history: Payload) -> Entity | None:
    """The entity after this history."""
    return Entity.project(given(*history, aggregate_id="e1"))


@pytest.mark.parametrize(("decide", "payload"), [*((d, p) for d, p, _ in DECISIONS), (entities.merge, MERGED)])
def test_the_first_decision_starts_the_entity(decide: Decide, payload: Payload) -> None:
    (event,) = decide(None, "e1", payload, CAUSE)
    assert (event.aggregate_id, event.aggregate_version, event.event_data) == ("e1", 1, payload)


@pytest.mark.parametrize(("decide", "payload", "_"), DECISIONS)
def test_the_same_again_changes_nothing(decide: Decide, payload: Payload, _: Payload) -> None:
    assert decide(state(payload), "e1", payload, CAUSE) == ()


@pytest.mark.parametrize(("decide", "first", "second"), DECISIONS)
def test_a_later_decision_replaces_an_earlier_one(decide: Decide, first: Payload, second: Payload) -> None:
    (event,) = decide(state(NAMED, REAL, first), "e1", second, CAUSE)
    assert (event.aggregate_version, event.event_data) == (4, second)


def test_it_may_return_to_what_was() -> None:
    (event,) = entities.update(state(NAMED, RENAMED), "e1", NAMED, CAUSE)
    assert event.event_data == NAMED


def test_nothing_is_merged_into_itself() -> None:
    for present in (None, state(NAMED)):
        with pytest.raises(RefusedError, match="entity e2 cannot be merged into itself"):
            entities.merge(present, "e2", MERGED, CAUSE)


def test_merging_into_the_same_again_changes_nothing() -> None:
    again = EntityMerged(into="e2", reason="said once more")
    assert entities.merge(state(NAMED, MERGED), "e1", again, CAUSE) == ()


@pytest.mark.parametrize(
    ("decide", "payload"),
    [(entities.update, RENAMED), (entities.validate, REAL), (entities.merge, EntityMerged(into="e3"))],
)
def test_a_merged_entity_sends_its_deciders_on(decide: Decide, payload: Payload) -> None:
    with pytest.raises(RefusedError, match="entity e1 was merged into e2; decide on that one"):
        decide(state(NAMED, MERGED), "e1", payload, CAUSE)


def test_the_state_holds_each_last_decision() -> None:
    assert state() is None
    assert state(NAMED, REAL, RENAMED, UNREAL, MERGED) == Entity(
        entity_id="e1", version=5, updated=RENAMED, merged_into="e2", validated=UNREAL
    )
