"""Opaque credentials: what is one, whose it is, and that nothing of the secret is kept or shown."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from security.api_keys import ApiKey
from security.secrets import Secret, new_secret, parse_secret

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_secret_is_read_back_as_it_was_given() -> None:
    key = new_secret("ann")
    assert parse_secret("ann", key.text) == key and key.text.startswith("ann_")
    assert key.is_of(key.hash())


def test_no_two_are_the_same() -> None:
    keys = [new_secret("ann") for _ in range(1000)]
    assert len({key.id for key in keys}) == len({key.secret for key in keys}) == 1000


@given(st.integers(min_value=0), st.characters())
def test_one_that_was_altered_is_none_or_counts_for_nothing(index: int, character: str) -> None:
    key = new_secret("ann")
    text = key.text
    index %= len(text)
    altered = text[:index] + character + text[index + 1 :]
    presented = parse_secret("ann", altered)
    assert (presented is not None and presented.is_of(key.hash())) == (altered == text)


@pytest.mark.parametrize("cut", [1, 10, 43, 44, 60])
def test_one_that_was_cut_off_is_none(cut: int) -> None:
    assert parse_secret("ann", new_secret("ann").text[:-cut]) is None


def test_more_than_one_is_none() -> None:
    text = new_secret("ann").text
    for more in (f" {text}", f"{text} ", f"{text}\n", f"{text}A", f"{text}{text}", text.upper(), ""):
        assert parse_secret("ann", more) is None


def test_a_refresh_token_is_no_key_and_the_other_way_round() -> None:
    key = new_secret("ann")
    assert parse_secret("anr", key.text) is None
    assert not Secret("anr", key.id, key.secret).is_of(key.hash())


def test_the_hash_of_one_does_not_serve_another_id() -> None:
    key, other = new_secret("ann"), new_secret("ann")
    assert not Secret("ann", other.id, key.secret).is_of(key.hash())


def test_none_is_of_nobody() -> None:
    assert not new_secret("ann").is_of(None)


def test_neither_secret_nor_hash_is_shown() -> None:
    key = new_secret("ann")
    kept = ApiKey(key.id, "acme", "ada", "laptop", key.hash(), None, NOW, "root")
    shown = f"{key!r} {kept!r}"
    assert key.secret not in shown and key.hash().hex() not in shown and repr(key.hash()) not in shown


def test_a_key_counts_until_it_is_revoked_or_expires() -> None:
    key = ApiKey("a" * 16, "acme", "ada", "laptop", b"", None, NOW, "root", expires_at=NOW)
    assert key.fault(NOW - timedelta(microseconds=1)) is None
    assert key.fault(NOW) == "an expired key"
    revoked = ApiKey("a" * 16, "acme", "ada", "laptop", b"", None, NOW, "root", revoked_at=NOW)
    assert revoked.fault(NOW - timedelta(days=1)) == "a revoked key"
