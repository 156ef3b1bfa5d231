"""Ids of a log with a secret, and of one without: stable, apart from one another, and not to be told without it."""

from uuid import UUID, uuid5

from hypothesis import given
from hypothesis import strategies as st

from contracts.event_types import AggregateKind
from contracts.ids import stream_id
from eventstore.keys import AggregateKey
from eventstore.log_ids import PUBLIC_IDS, LogIds

SECRETS = st.binary(min_size=32, max_size=32)
TENANTS = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,8}", fullmatch=True)
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
KINDS: st.SearchStrategy[AggregateKind] = st.sampled_from(("document", "entity", "reasoning_query"))
KEYS = st.builds(AggregateKey, TENANTS, KINDS, NAMES)
DOCUMENT = AggregateKey("acme", "document", "report")


def test_ids_do_not_change_between_releases() -> None:
    ids = LogIds(bytes(range(32)))
    assert PUBLIC_IDS.stream(DOCUMENT) == UUID("c4706653-ba83-57f5-b6eb-c1de0d5a270e")
    assert ids.stream(DOCUMENT) == UUID("05cac4b7-355b-8101-a6ce-c90300d75467")
    assert ids.delivery("acme", "report", UUID(int=1)) == UUID("259c5a4e-5fda-8b2a-8146-cc45d73a1e69")
    assert ids.contents("acme", "report") == uuid5(ids.stream(DOCUMENT), "contents")
    assert ids.digest(b"purpose", b"said").hex()[:16] == "9c0bed3ac9ca063e"


@given(secret=SECRETS, one=KEYS, other=KEYS)
def test_each_aggregate_has_its_own_stream_at_every_opening(
    secret: bytes, one: AggregateKey, other: AggregateKey
) -> None:
    ids, again = LogIds(secret), LogIds(secret)
    assert ids.stream(one) == again.stream(one) == ids.stream(one)
    assert (ids.stream(one) == ids.stream(other)) == (one == other)
    made = ids.stream(one)
    assert (made.version, made.variant) == (8, UUID(int=8 << 76 | 8 << 60).variant), "as RFC 9562 has them"


@given(secret=SECRETS, other=SECRETS, key=KEYS, event=st.uuids())
def test_nothing_is_the_same_under_another_secret_or_none(
    secret: bytes, other: bytes, key: AggregateKey, event: UUID
) -> None:
    found = [
        (
            ids.stream(key),
            ids.contents(key.tenant, key.aggregate_id),
            ids.delivery(key.tenant, key.aggregate_id, event),
            ids.digest(b"row", b"digest"),
            ids.fingerprint,
        )
        for ids in (PUBLIC_IDS, LogIds(secret), LogIds(other))
    ]
    for one, two in ((0, 1), (0, 2), (1, 2)):
        same = secret == other and (one, two) == (1, 2)
        assert all((a == b) == same for a, b in zip(found[one], found[two], strict=True))


@given(secret=SECRETS, one=st.tuples(TENANTS, NAMES, st.uuids()), other=st.tuples(TENANTS, NAMES, st.uuids()))
def test_each_delivery_has_its_own_event_which_its_stream_does_not_tell(
    secret: bytes, one: tuple[str, str, UUID], other: tuple[str, str, UUID]
) -> None:
    ids = LogIds(secret)
    assert (ids.delivery(*one) == ids.delivery(*other)) == (one == other)
    stream = ids.stream(AggregateKey(one[0], "document", one[1]))
    assert ids.delivery(*one) != uuid5(stream, str(one[2]))


def test_what_is_in_the_clear_follows_the_public_rule() -> None:
    """Its events say of what they are, and archives of them are read without the secret."""
    key = AggregateKey("acme", "account", "ada")
    assert LogIds(bytes(32)).stream(key) == PUBLIC_IDS.stream(key) == stream_id(*key)
