"""A connection of psycopg that never waits longer than a limit, also where the server is frozen and says nothing."""

from typing import TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.errors import _WaitTimeout

RV = TypeVar("RV")
Row = TypeVar("Row", covariant=True)

STATEMENT_LIMIT_S = 20.0
"""The server stops a statement of ours after this long."""
ANSWER_LIMIT_S = 25.0
"""And a server that says nothing at all is given up after this long."""


class LimitedConnection(psycopg.Connection[Row]):
    """Each wait for the server ends after `answer_limit_s`, with the connection closed."""

    answer_limit_s = ANSWER_LIMIT_S

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        """As the library's; raises OperationalError at the limit. A `timeout` of the caller's own is left to it."""
        if timeout is not None:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, self.answer_limit_s)
        except _WaitTimeout:
            # What the server does with the statement is not known: nothing more is said over this connection.
            self.pgconn.finish()
            raise psycopg.OperationalError(f"no answer within {self.answer_limit_s:g} s") from None
