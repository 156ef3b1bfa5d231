"""The Entity's decisions: named, merged, split, judged and undone; nothing more once it was merged."""

from collections.abc import Callable

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from aggregates import entity as entities
from aggregates.cause import RefusedError
from aggregates.entity import Entity
from contracts.entities import (
    MOST_ALIASES,
    EntityDecisionUndone,
    EntityMerged,
    EntitySplit,
    EntityUpdated,
    EntityValidated,
)
from contracts.envelope import DomainEvent
from contracts.payload import Payload
from tests.aggregates.scenario import CAUSE, given

Decide = Callable[..., tuple[DomainEvent, ...]]
NAMED = EntityUpdated(name="Ada Lovelace", type="PERSON", aliases=("Ada",))
RENAMED = EntityUpdated(name="Ada King", type="PERSON")
MERGED = EntityMerged(into="e2", reason="same person")
SPLIT = EntitySplit(into="e3", reason="another person")
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
    found = state(NAMED, REAL, RENAMED, UNREAL, MERGED)
    assert found is not None
    assert (found.version, found.decisions.updated, found.merged_into, found.decisions.validated) == (
        5,
        RENAMED,
        "e2",
        UNREAL,
    )


def test_an_alias_is_added_and_removed_and_leaves_the_rest_as_it_is() -> None:
    (added,) = entities.add_alias(state(NAMED), "e1", "Countess", "letters", CAUSE)
    with_both = NAMED.model_copy(update={"aliases": ("Ada", "Countess"), "reason": "letters"})
    assert added.event_data == with_both
    assert entities.add_alias(state(with_both), "e1", "Countess", None, CAUSE) == ()
    (removed,) = entities.remove_alias(state(with_both), "e1", "Ada", None, CAUSE)
    assert removed.event_data == EntityUpdated(name="Ada Lovelace", type="PERSON", aliases=("Countess",))


def test_an_alias_alone_leaves_name_and_type_to_documents() -> None:
    (added,) = entities.add_alias(None, "e1", "Countess", None, CAUSE)
    assert added.event_data == EntityUpdated(aliases=("Countess",))


def test_an_alias_that_nobody_gave_cannot_be_removed() -> None:
    with pytest.raises(RefusedError, match="entity e1 was not given the alias 'Countess'; it has 'Ada'"):
        entities.remove_alias(state(NAMED), "e1", "Countess", None, CAUSE)


def test_aliases_have_an_end() -> None:
    full = EntityUpdated(aliases=tuple(str(number) for number in range(MOST_ALIASES)))
    with pytest.raises(RefusedError, match="has 100 aliases; remove one first"):
        entities.add_alias(state(full), "e1", "one more", None, CAUSE)


def test_renaming_keeps_type_and_aliases() -> None:
    (event,) = entities.rename(state(NAMED), "e1", "Ada King", None, "married", CAUSE)
    assert event.event_data == EntityUpdated(name="Ada King", type="PERSON", aliases=("Ada",), reason="married")
    assert entities.rename(state(NAMED), "e1", "Ada Lovelace", None, "again", CAUSE) == ()


@pytest.mark.parametrize("decided", [NAMED, MERGED, REAL, SPLIT])
def test_what_was_decided_can_be_undone_with_a_reason(decided: Payload) -> None:
    (event,) = entities.undo(state(decided), "e1", None, "a mistake", CAUSE)
    assert event.event_data == EntityDecisionUndone(version=1, reason="a mistake")
    undone = state(decided, event.event_data)
    assert undone == Entity("e1", 2)
    with pytest.raises(RefusedError, match="nothing that was decided on entity e1 is in force"):
        entities.undo(undone, "e1", None, None, CAUSE)


def test_undoing_brings_back_the_decision_before() -> None:
    found = state(NAMED, REAL, RENAMED, EntityDecisionUndone(version=3))
    assert found is not None
    assert (found.decisions.updated, found.decisions.validated) == (NAMED, REAL)


def test_a_merge_that_was_undone_leaves_the_entity_to_its_deciders() -> None:
    parted = state(NAMED, MERGED, EntityDecisionUndone(version=2))
    (event,) = entities.merge(parted, "e1", EntityMerged(into="e3"), CAUSE)
    assert (event.aggregate_version, event.event_data) == (4, EntityMerged(into="e3"))


def test_a_decision_upon_which_another_lies_is_not_undone_first() -> None:
    with pytest.raises(RefusedError, match="decision 3 on entity e1 came after 1; undo that one first"):
        entities.undo(state(NAMED, REAL, RENAMED), "e1", 1, None, CAUSE)
    (event,) = entities.undo(state(NAMED, REAL, RENAMED), "e1", 2, None, CAUSE)
    assert event.event_data == EntityDecisionUndone(version=2)


def test_what_is_not_in_force_is_not_undone() -> None:
    with pytest.raises(RefusedError, match="decision 7 on entity e1 is not in force; those in force are 1, 2"):
        entities.undo(state(NAMED, REAL), "e1", 7, None, CAUSE)
    with pytest.raises(RefusedError, match="there is nothing to undo"):
        entities.undo(None, "e1", None, None, CAUSE)


def test_splits_are_undone_one_by_one_in_any_order() -> None:
    second = EntitySplit(into="e4")
    (event,) = entities.undo(state(SPLIT, second), "e1", 1, None, CAUSE)
    found = state(SPLIT, second, event.event_data)
    assert found is not None
    assert found.decisions.splits == (second,)


def test_nothing_is_split_into_itself() -> None:
    with pytest.raises(RefusedError, match="entity e3 cannot be split into itself"):
        entities.split(None, "e3", SPLIT, CAUSE)


class Merging(RuleBasedStateMachine):
    """Any merges, and undoing them, in any order: who is the same as who is what a plain union of the merges says."""

    def __init__(self) -> None:
        super().__init__()
        self.states: dict[str, Entity | None] = dict.fromkeys("abcdef")
        self.joined: dict[str, str] = {}

    def _root(self, one: str) -> str:
        while (state := self.states[one]) is not None and state.merged_into is not None:
            one = state.merged_into
        return one

    @rule(one=st.sampled_from("abcdef"), other=st.sampled_from("abcdef"))
    def merge(self, one: str, other: str) -> None:
        # As whoever decides does: from root to root, under one turn.
        source, target = self._root(one), self._root(other)
        if source == target:
            return
        events = entities.merge(self.states[source], source, EntityMerged(into=target), CAUSE)
        self.states[source] = Entity.project(events, self.states[source])
        self.joined[source] = target

    @rule(one=st.sampled_from("abcdef"))
    def undo(self, one: str) -> None:
        if one not in self.joined:
            with pytest.raises(RefusedError):
                entities.undo(self.states[one], one, None, None, CAUSE)
            return
        events = entities.undo(self.states[one], one, None, None, CAUSE)
        self.states[one] = Entity.project(events, self.states[one])
        del self.joined[one]

    @invariant()
    def they_are_as_the_union_has_them(self) -> None:
        groups = {one: {one} for one in "abcdef"}
        for old, into in self.joined.items():
            whole = groups[old] | groups[into]
            for one in whole:
                groups[one] = whole
        for one, group in groups.items():
            assert {other for other in "abcdef" if self._root(other) == self._root(one)} == group


TestMerging = Merging.TestCase
TestMerging.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
