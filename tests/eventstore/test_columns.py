"""Arrays in PostgreSQL's binary form come into the database as what they were made of."""

from uuid import UUID

import psycopg
from hypothesis import given
from hypothesis import strategies as st
from psycopg import sql

from eventstore.columns import byteas, int8s, texts, uuids

# PostgreSQL keeps no zero byte in a text.
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"))


def there(dsn: str, column: bytes) -> tuple[str, list[object]]:
    """The type that the server takes it for, and its values."""
    with psycopg.connect(dsn) as connection:
        row = connection.execute(
            sql.SQL("SELECT pg_typeof(a)::text, a FROM (SELECT %b AS a) AS t"), (column,)
        ).fetchone()
    assert row is not None
    return row[0], row[1]


def test_each_kind_of_column_is_read_as_it_was_given(dsn: str) -> None:
    ids = [UUID(int=0), UUID(int=2**128 - 1)]
    assert there(dsn, uuids(ids)) == ("uuid[]", ids)
    assert there(dsn, int8s([-(2**63), 0, 2**63 - 1])) == ("bigint[]", [-(2**63), 0, 2**63 - 1])
    assert there(dsn, texts(["", None, "NULL", "größer"])) == ("text[]", ["", None, "NULL", "größer"])
    assert there(dsn, byteas([b"", None, b"\0\xff"])) == ("bytea[]", [b"", None, b"\0\xff"])


def test_any_texts_are(dsn: str) -> None:
    with psycopg.connect(dsn) as connection:

        @given(st.lists(st.none() | TEXTS, min_size=1, max_size=5))
        def holds(given_values: list[str | None]) -> None:
            row = connection.execute("SELECT %b", (texts(given_values),)).fetchone()
            assert row == (given_values,)

        holds()
