"""API keys: what is one, whose it is, and that nothing of the secret is kept or shown."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from security.api_keys import ApiKey, PresentedKey, new_key, parse

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def kept(presented: PresentedKey) -> ApiKey:
    """What is kept of it."""
    return ApiKey(presented.id, "acme", "ada", "laptop", presented.hash(), None, NOW, "root")


def test_a_key_is_read_back_as_it_was_given() -> None:
    key = new_key()
    assert parse(key.text) == key and key.text.startswith("ann_")
    assert key.is_of(kept(key))


def test_no_two_keys_are_the_same() -> None:
    keys = [new_key() for _ in range(1000)]
    assert len({key.id for key in keys}) == len({key.secret for key in keys}) == 1000


@given(st.integers(min_value=0), st.characters())
def test_a_key_that_was_altered_is_no_key_or_counts_for_nothing(index: int, character: str) -> None:
    key = new_key()
    text = key.text
    index %= len(text)
    altered = text[:index] + character + text[index + 1 :]
    presented = parse(altered)
    assert (presented is not None and presented.is_of(kept(key))) == (altered == text)


@pytest.mark.parametrize("cut", [1, 10, 43, 44, 60])
def test_a_key_that_was_cut_off_is_no_key(cut: int) -> None:
    assert parse(new_key().text[:-cut]) is None


def test_more_than_a_key_is_no_key() -> None:
    text = new_key().text
    for more in (f" {text}", f"{text} ", f"{text}\n", f"{text}A", f"{text}{text}", text.upper(), ""):
        assert parse(more) is None


def test_the_hash_of_one_key_does_not_serve_another_id() -> None:
    key, other = new_key(), new_key()
    assert not PresentedKey(other.id, key.secret).is_of(replace(kept(key), id=other.id))


def test_no_key_is_of_nobody() -> None:
    assert not new_key().is_of(None)


def test_neither_secret_nor_hash_is_shown() -> None:
    key = new_key()
    shown = f"{key!r} {kept(key)!r}"
    assert key.secret not in shown and key.hash().hex() not in shown and repr(key.hash()) not in shown


def test_a_key_counts_until_it_is_revoked_or_expires() -> None:
    key = replace(kept(new_key()), expires_at=NOW)
    assert key.fault(NOW - timedelta(microseconds=1)) is None
    assert key.fault(NOW) == "an expired key"
    assert replace(key, revoked_at=NOW).fault(NOW - timedelta(days=1)) == "a revoked key"
