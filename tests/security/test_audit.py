"""Entries of the audit log: what is kept, what is never in them, and how a change of the chain is found."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from security.audit import MAX_FIELD, AuditEntry, AuditLevel, Category, Outcome, is_kept, plain
from security.audit_chain import BEGINNING, ChainCheck, Fault, RecordedEntry, chained
from security.secrets import new_secret

ENTRY = AuditEntry("acme", "ines", "read", "read", "documents", "river.md")
TEXT_FIELDS = ("actor", "action", "resource", "object_id", "reason", "credential", "address", "request_id")
entries = st.builds(
    AuditEntry,
    tenant=st.one_of(st.none(), st.sampled_from(["acme", "b"])),
    category=st.sampled_from(get_args(Category)),
    outcome=st.sampled_from(get_args(Outcome)),
    **{name: st.text(max_size=20) for name in TEXT_FIELDS},
)


def chain(content: Sequence[AuditEntry], first: int = 1, previous: bytes = BEGINNING) -> list[RecordedEntry]:
    """These entries, one a second, as a store would have them."""
    made = []
    for sequence, entry in enumerate(content, start=first):
        at = datetime(2026, 5, 1, tzinfo=UTC) + timedelta(seconds=sequence)
        previous = chained(previous, sequence, at, entry)
        made.append(RecordedEntry(sequence, at, entry, previous))
    return made


def faults(stored: Sequence[RecordedEntry], end: RecordedEntry) -> list[Fault]:
    check = ChainCheck("acme", 0, BEGINNING)
    return [fault for one in stored for fault in check.take(one)] + list(check.end(end.sequence, end.hash))


@given(st.lists(entries, min_size=1, max_size=20))
def test_a_chain_that_nobody_touched_is_intact(content: list[AuditEntry]) -> None:
    made = chain(content)
    assert faults(made, made[-1]) == []


@given(st.lists(entries, min_size=1, max_size=12), entries, st.data())
def test_a_changed_entry_is_named_itself(content: list[AuditEntry], other: AuditEntry, data: st.DataObject) -> None:
    made = chain(content)
    index = data.draw(st.integers(0, len(made) - 1))
    name = data.draw(st.sampled_from((*TEXT_FIELDS, "tenant", "category", "outcome")))
    changed = replace(made[index].entry, **{name: getattr(other, name)})
    tampered = [*made[:index], replace(made[index], entry=changed), *made[index + 1 :]]
    expected = [] if changed == made[index].entry else [index + 1]
    assert [fault.sequence for fault in faults(tampered, made[-1])] == expected


@given(st.lists(entries, min_size=1, max_size=12), st.data(), st.integers(1, 10**9))
def test_a_changed_time_is_found(content: list[AuditEntry], data: st.DataObject, microseconds: int) -> None:
    made = chain(content)
    index = data.draw(st.integers(0, len(made) - 1))
    later = made[index].at + timedelta(microseconds=microseconds)
    tampered = [*made[:index], replace(made[index], at=later), *made[index + 1 :]]
    assert [fault.sequence for fault in faults(tampered, made[-1])] == [index + 1]


@given(st.lists(entries, min_size=2, max_size=12), st.data())
def test_a_changed_entry_with_a_hash_made_anew_is_found_behind_it(
    content: list[AuditEntry], data: st.DataObject
) -> None:
    made = chain(content)
    index = data.draw(st.integers(0, len(made) - 1))
    previous = made[index - 1].hash if index else BEGINNING
    (forged,) = chain([replace(made[index].entry, actor="somebody else entirely")], index + 1, previous)
    found = [fault.sequence for fault in faults([*made[:index], forged, *made[index + 1 :]], made[-1])]
    assert found == [min(index + 2, len(made))]


@given(st.lists(entries, min_size=1, max_size=12), st.data())
def test_entries_that_are_missing_are_named(content: list[AuditEntry], data: st.DataObject) -> None:
    made = chain(content)
    first = data.draw(st.integers(0, len(made) - 1))
    last = data.draw(st.integers(first, len(made) - 1))
    (fault,) = faults([*made[:first], *made[last + 1 :]], made[-1])
    assert fault.sequence == first + 1
    assert fault.what == ("is missing" if first == last else f"is missing, and all up to {last + 1}")


@given(st.lists(entries, min_size=2, max_size=12, unique=True), st.data())
def test_entries_in_another_order_are_found(content: list[AuditEntry], data: st.DataObject) -> None:
    made = chain(content)
    index = data.draw(st.integers(0, len(made) - 2))
    one, two = made[index], made[index + 1]
    swapped = [*made[:index], replace(one, entry=two.entry), replace(two, entry=one.entry), *made[index + 2 :]]
    assert [fault.sequence for fault in faults(swapped, made[-1])] == [index + 1, index + 2]


def test_a_chain_that_was_made_anew_does_not_end_as_it_did() -> None:
    made, forged = chain([ENTRY] * 3), chain([replace(ENTRY, actor="mallory")] * 3)
    assert faults(forged, made[-1]) == [Fault("acme", 3, "is not what the chain ended with")]


def test_what_moves_from_one_field_to_the_next_is_another_entry() -> None:
    at = datetime(2026, 5, 1, tzinfo=UTC)
    one = replace(ENTRY, action="a", resource="bc")
    assert chained(BEGINNING, 1, at, one) != chained(BEGINNING, 1, at, replace(ENTRY, action="ab", resource="c"))
    assert chained(BEGINNING, 1, at, replace(ENTRY, tenant=None)) != chained(
        BEGINNING, 1, at, replace(ENTRY, tenant="")
    )


SECRETS = [
    "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJpbmVzIn0.c2lnbmF0dXJl",
    pytest.param(new_secret("ann").text, id="a key of ours"),
    "Bearer abc.def",
    "authorization: Bearer s3cret-value",
    "Basic aW5lczpzM2NyZXQ=",
    "password=s3cret",
    "token: s3cret",
    "API_KEY=s3cret",
    "postgresql://ines:s3cret@db/annals",
]


@pytest.mark.parametrize("secret", SECRETS)
def test_what_looks_like_a_secret_is_in_no_field(secret: str) -> None:
    for name in TEXT_FIELDS:
        fields: dict[str, Any] = {name: f"refused {secret} here"}
        said = getattr(replace(ENTRY, **fields).as_plain(), name)
        assert "[secret]" in said and said.startswith("refused ") and said.endswith("here")
        assert not any(part in said for part in ("s3cret", "abc.def", "aW5l", "eyJ", "ann_"))


@given(st.text())
def test_a_field_is_one_bounded_line_that_a_database_takes(text: str) -> None:
    said = plain(text)
    assert len(said) <= MAX_FIELD and len(said.splitlines()) <= 1 and "\x00" not in said
    said.encode()


def test_no_level_leaves_out_what_was_denied_or_administered() -> None:
    for level in get_args(AuditLevel):
        for category in get_args(Category):
            for outcome in ("denied", "failed"):
                assert is_kept(replace(ENTRY, category=category, outcome=outcome), level)
        always: tuple[Category, ...] = ("administration", "change", "key_use", "threat")
        for category in always:
            assert is_kept(replace(ENTRY, category=category), level)


@pytest.mark.parametrize(
    ("category", "levels"),
    [("read", {"standard", "full"}), ("authentication", {"standard", "full"}), ("authorization", {"full"})],
)
def test_a_level_says_what_else_is_kept(category: Category, levels: set[AuditLevel]) -> None:
    assert {level for level in get_args(AuditLevel) if is_kept(replace(ENTRY, category=category), level)} == levels
