"""A connection of psycopg that never waits longer than a limit, also where the server is frozen and says nothing."""

import select
from time import monotonic
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.errors import _WaitTimeout

RV = TypeVar("RV")
Row = TypeVar("Row", covariant=True)

STATEMENT_LIMIT_S = 20.0
"""The server stops a statement of ours after this long."""
ANSWER_LIMIT_S = 25.0
"""And a server that says nothing at all is given up after this long."""
TRUSTED_S = 1.0
"""For so long after an answer a connection is taken to be as good as it was, unless the server said something since."""


class LimitedConnection(psycopg.Connection[Row]):
    """Each wait for the server ends after `answer_limit_s`, with the connection closed."""

    answer_limit_s = ANSWER_LIMIT_S
    answered_at = float("-inf")
    """When the server last answered, by the monotonic clock."""

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        """As the library's; raises OperationalError at the limit. A `timeout` of the caller's own is left to it."""
        if timeout is not None:
            return super().wait(gen, interval, timeout)
        try:
            answer = super().wait(gen, interval, self.answer_limit_s)
        except _WaitTimeout:
            # What the server does with the statement is not known: nothing more is said over this connection.
            self.pgconn.finish()
            raise psycopg.OperationalError(f"no answer within {self.answer_limit_s:g} s") from None
        self.answered_at = monotonic()
        return answer


def check(connection: psycopg.Connection[Any]) -> None:
    """Whether it still works, for a pool: who appends again at once spares the server a question each time.

    A server that ended the connection, or the machine that did, has said so: then there is something to read.
    Raises OperationalError.
    """
    assert isinstance(connection, LimitedConnection)
    if monotonic() - connection.answered_at > TRUSTED_S or _has_said_something(connection.fileno()):
        connection.execute("")


def _has_said_something(socket: int) -> bool:
    poll = select.poll()
    poll.register(socket, select.POLLIN)
    return bool(poll.poll(0))
