"""What Schemathesis loads: each request has the token of another account, and a busy machine is no fault."""

import itertools
import json
import os
from pathlib import Path
from typing import Any

import schemathesis
from schemathesis.checks import not_a_server_error

BUSY = "urn:annals:problem:busy"


@schemathesis.serializer("application/x-ndjson")
def json_lines(context: schemathesis.SerializationContext, value: Any) -> bytes:
    """A list's elements, each a line."""
    return b"".join(json.dumps(one).encode() + b"\n" for one in (value if isinstance(value, list) else [value]))


_TOKENS = itertools.cycle(json.loads(Path(os.environ["ANNALS_TEST_TOKENS"]).read_text()))


@schemathesis.auth(refresh_interval=None)
class Tokens:
    """In turn."""

    def get(self, case: "schemathesis.Case[Any]", context: schemathesis.AuthContext) -> str:
        """The next one."""
        return str(next(_TOKENS))

    def set(self, case: "schemathesis.Case[Any]", data: str, context: schemathesis.AuthContext) -> None:
        """As a bearer."""
        case.headers["Authorization"] = f"Bearer {data}"


MOST_BUSY = 0.01
"""Of all answers, how many may say that the gateway had no time: a machine on which all tests run has none at times."""


@schemathesis.check
class NoServerError:
    """As `not_a_server_error`, but for "nothing was done, try again": whoever reads Retry-After does."""

    def __init__(self) -> None:
        self._asked: set[str] = set()
        self._busy: set[str] = set()

    def after_response(
        self, context: schemathesis.CheckContext, response: schemathesis.Response, case: "schemathesis.Case[Any]"
    ) -> bool | None:
        """Raises a failure for all other errors of the server."""
        self._asked.add(case.id)
        if response.status_code == 503 and "retry-after" in response.headers and _type(response) == BUSY:
            self._busy.add(case.id)
            return None
        return not_a_server_error(context, response, case)

    def after_run(self, context: schemathesis.CheckContext) -> None:
        """Most were answered."""
        assert len(self._busy) <= MOST_BUSY * len(self._asked), f"busy: {len(self._busy)} of {len(self._asked)}"


def _type(response: schemathesis.Response) -> str:
    return str(response.json()["type"])
