"""What Schemathesis loads: each request has the token of another account."""

import itertools
import json
import os
from pathlib import Path
from typing import Any

import schemathesis


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
