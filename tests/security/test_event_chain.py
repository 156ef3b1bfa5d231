"""The log's chain: whatever is done to one event is found, and named by its position."""

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from security.audit_chain import BEGINNING
from security.event_chain import ChainedEvent, LogCheck, LogFault, chained, entry_of

TEXTS = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=8)


def event(position: int, follows: int, previous: bytes, state: bytes = b"{}") -> ChainedEvent:
    made = ChainedEvent(
        position, follows, 7, UUID(int=position), 1, UUID(int=position), "DocumentIngested", "t", "d", "c", state, b""
    )
    return replace(made, hash=chained(previous, made))


@st.composite
def logs(draw: st.DrawFn, least: int = 1) -> list[ChainedEvent]:
    """Events in order, with gaps between their positions."""
    made: list[ChainedEvent] = []
    position, previous = 0, BEGINNING
    for gap in draw(st.lists(st.integers(1, 3), min_size=least, max_size=12)):
        made.append(event(position + gap, position, previous, draw(st.binary(max_size=9))))
        position, previous = position + gap, made[-1].hash
    return made


def check(events: list[ChainedEvent]) -> LogCheck:
    found = LogCheck()
    for one in events:
        found.take(one)
    return found


@given(logs(least=0))
def test_what_was_appended_is_intact(log: list[ChainedEvent]) -> None:
    found = check(log)
    assert (found.fault, found.checked) == (None, len(log))
    assert (found.position, found.head) == ((log[-1].position, log[-1].hash) if log else (0, BEGINNING))


CHANGES: dict[str, Callable[[Any], Any]] = {
    "recorded_at": lambda old: old + 1,
    "originator_id": lambda old: UUID(int=old.int ^ 1),
    "originator_version": lambda old: old + 1,
    "event_id": lambda old: UUID(int=old.int ^ 1 << 127),
    "topic": lambda old: old + "x",
    "tenant": lambda old: old + "x",
    "aggregate_id": lambda old: "",
    "correlation_id": lambda old: old.upper(),
    "state": lambda old: old + b"\x00",
    "hash": lambda old: old[:-1] + bytes([old[-1] ^ 1]),
}


@given(st.data(), logs(), st.sampled_from(sorted(CHANGES)))
def test_an_event_of_which_anything_was_changed_is_named(data: st.DataObject, log: list[ChainedEvent], of: str) -> None:
    index = data.draw(st.integers(0, len(log) - 1))
    log[index] = replace(log[index], **{of: CHANGES[of](getattr(log[index], of))})
    found = check(log)
    assert found.fault == LogFault(log[index].position, "was changed")
    assert found.checked == index


def test_every_column_is_covered() -> None:
    assert {field.name for field in fields(ChainedEvent)} - set(CHANGES) == {"position", "follows"}


@given(st.data(), logs(least=2))
def test_an_event_that_was_removed_is_named(data: st.DataObject, log: list[ChainedEvent]) -> None:
    index = data.draw(st.integers(0, len(log) - 2))  # the end of the log is what checkpoints are for
    removed = log.pop(index)
    fault = check(log).fault
    assert fault is not None and fault.position == removed.position and fault.what.startswith("was removed")


@given(st.data(), logs(least=2))
def test_two_events_that_were_exchanged_are_named_by_the_first(data: st.DataObject, log: list[ChainedEvent]) -> None:
    one = data.draw(st.integers(0, len(log) - 2))
    other = data.draw(st.integers(one + 1, len(log) - 1))
    first, second = log[one], log[other]
    log[one], log[other] = replace(second, position=first.position), replace(first, position=second.position)
    fault = check(log).fault
    assert fault is not None and fault.position == first.position and "was moved here" in fault.what


@given(st.data(), logs(), st.booleans())
def test_an_event_that_was_put_in_is_named(data: st.DataObject, log: list[ChainedEvent], well_chained: bool) -> None:
    log = [replace(one, position=2 * one.position, follows=2 * one.follows) for one in log]
    previous = BEGINNING
    for number, one in enumerate(log):
        log[number] = replace(one, hash=chained(previous, one))
        previous = log[number].hash
    index = data.draw(st.integers(0, len(log) - 1))
    before = log[index - 1] if index else None
    follows, head = (before.position, before.hash) if before else (0, BEGINNING)
    own = event(log[index].position - 1, follows, head)
    log.insert(index, own if well_chained else replace(own, hash=bytes(32)))
    fault = check(log).fault
    assert fault is not None and fault.position == own.position


def test_an_event_that_says_it_follows_another_one_was_changed() -> None:
    first = event(1, 0, BEGINNING)
    second = event(2, 1, first.hash)
    assert check([first, replace(second, follows=0)]).fault == LogFault(
        2, "was changed: it says that it follows position 0"
    )


def test_time_that_goes_back_is_a_fault_also_where_the_hashes_fit() -> None:
    first = event(1, 0, BEGINNING)
    second = replace(event(2, 1, first.hash), recorded_at=6)
    second = replace(second, hash=chained(first.hash, second))
    assert check([first, second]).fault == LogFault(2, "was recorded before the event in front of it")


ENVELOPES = st.builds(
    ChainedEvent,
    *(st.just(1), st.just(0), st.just(7), st.just(UUID(int=1)), st.just(1), st.just(UUID(int=1))),
    *(TEXTS, TEXTS, TEXTS, TEXTS, st.binary(max_size=4), st.just(b"")),
)


@given(ENVELOPES, ENVELOPES)
def test_different_events_have_different_bytes(one: ChainedEvent, other: ChainedEvent) -> None:
    assert (entry_of(one) == entry_of(other)) == (one == other)
