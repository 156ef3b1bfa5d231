"""What rules decide on an entity, and that people come before them."""

from hypothesis import given, settings
from hypothesis import strategies as st

from aggregates import entity as entities
from aggregates.entity import Entity
from aggregates.resolution import RULES, assign, release
from contracts.entities import (
    EntityAssigned,
    EntityDecisionUndone,
    EntityMerged,
    EntityReleased,
    EntitySplit,
    EntityValidated,
)
from contracts.payload import Payload
from tests.aggregates.scenario import CAUSE, payloads
from tests.aggregates.scenario import given as happened


def assigned(into: str) -> EntityAssigned:
    """By its name."""
    return EntityAssigned(into=into, rules=RULES, rule="same name", confidence=0.99, context=0.7)


def state(*events: Payload) -> Entity | None:
    """After these events."""
    return Entity.project(happened(*events, aggregate_id="e1"))


def test_an_assignment_is_made_once() -> None:
    """The same again changes nothing, another one does."""
    (event,) = assign(None, "e1", assigned("e2"), CAUSE)
    assert event.event_data == assigned("e2")
    now = Entity.project([event])
    assert now is not None
    assert now.merged_into == "e2"
    assert assign(now, "e1", assigned("e2"), CAUSE) == ()
    assert payloads(assign(now, "e1", assigned("e3"), CAUSE)) == [assigned("e3")]


def test_nobody_is_assigned_to_himself() -> None:
    """It says nothing."""
    assert assign(None, "e1", assigned("e1"), CAUSE) == ()


def test_what_was_assigned_is_released() -> None:
    """Once."""
    now = state(assigned("e2"))
    assert payloads(release(now, CAUSE)) == [EntityReleased(rules=RULES)]
    after = state(assigned("e2"), EntityReleased(rules=RULES))
    assert after is not None
    assert after.merged_into is None
    assert release(after, CAUSE) == ()
    assert release(None, CAUSE) == ()


def test_people_come_before_rules() -> None:
    """Who merged, split or refused has the last word, whatever is assigned later."""
    for decided in (
        (EntityMerged(into="e9"),),
        (EntitySplit(into="e9"),),
        (assigned("e2"), EntityDecisionUndone(version=1)),
    ):
        assert assign(state(*decided), "e1", assigned("e3"), CAUSE) == ()
    merged = state(assigned("e2"), EntityMerged(into="e9"))
    assert merged is not None
    assert merged.merged_into == "e9"


def test_people_may_merge_what_rules_assigned() -> None:
    """Elsewhere, and to the same, which then stays whatever the rules say."""
    for into in ("e9", "e2"):
        (event,) = entities.merge(state(assigned("e2")), "e1", EntityMerged(into=into), CAUSE)
        now = Entity.project([event], state(assigned("e2")))
        assert now is not None
        after = Entity.project(release(now, CAUSE), now)
        assert after is not None
        assert after.merged_into == into


def test_people_undo_what_rules_assigned() -> None:
    """It is the last decision where people made none; and it comes back no more."""
    undone = entities.undo(state(assigned("e2")), "e1", None, "another one", CAUSE)
    assert payloads(undone) == [EntityDecisionUndone(version=1, reason="another one")]
    real = EntityValidated(valid=True, confidence=1.0)
    both = state(assigned("e2"), real)
    assert payloads(entities.undo(both, "e1", None, None, CAUSE)) == [EntityDecisionUndone(version=2)]
    assert payloads(entities.undo(both, "e1", 1, None, CAUSE)) == [EntityDecisionUndone(version=1)]


PEOPLE = st.sampled_from([EntityMerged(into="e7"), EntityMerged(into="e8"), EntitySplit(into="e9")])
RULE = st.sampled_from([assigned("e2"), assigned("e3"), None])


@settings(max_examples=200)
@given(st.lists(st.one_of(PEOPLE, RULE), max_size=12))
def test_nothing_that_rules_say_changes_what_people_said(said: list[Payload | None]) -> None:
    """Whatever comes in whatever order: once people merged it, it is merged into what the last of them said."""
    now: Entity | None = None
    people: str | None = None
    for one in said:
        if isinstance(one, EntityMerged):
            if people is None:
                now = Entity.project(entities.merge(now, "e1", one, CAUSE), now)
                people = one.into
        elif isinstance(one, EntitySplit):
            now = Entity.project(entities.split(now, "e1", one, CAUSE), now)
        elif isinstance(one, EntityAssigned):
            now = Entity.project(assign(now, "e1", one, CAUSE), now)
        else:
            now = Entity.project(release(now, CAUSE), now)
        if people is not None:
            assert now is not None
            assert now.merged_into == people


def test_in_force_are_the_last_of_each_kind_all_splits_and_an_assignment_that_nobody_overruled() -> None:
    history = [
        EntityValidated(valid=False, confidence=0.5),
        EntitySplit(into="e3"),
        EntityValidated(valid=True, confidence=0.9),
        assigned("e2"),
        EntitySplit(into="e4"),
    ]

    def in_force(*more: Payload) -> frozenset[int]:
        now = state(*history, *more)
        assert now is not None
        return now.decisions.in_force

    assert in_force() == {2, 3, 4, 5}
    assert in_force(EntityMerged(into="e5")) == {2, 3, 5, 6}
    assert in_force(EntityDecisionUndone(version=4)) == {2, 3, 5}
    assert in_force(EntityDecisionUndone(version=3)) == {1, 2, 4, 5}
