"""One request and its answer, as the steps of the chain know it."""

import re
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from contracts.errors import AnnalsError
from gateway.endpoint import ApiEndpointConfig
from gateway.held_bodies import HeldBody
from security.errors import MissingCredentialError
from security.principal import Principal
from services.caller import Caller
from services.deadline import Deadline
from services.rate_limits import Grant

Scope = dict[str, Any]

KEY = "annals.exchange"
"""Where the scope of ASGI holds it."""

_REQUEST_ID = re.compile(rb"[\x21-\x7e]{1,128}")
_TRACEPARENT = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")


@dataclass(slots=True)
class Exchange:
    """`fault` is what is wrong with its path; `headers` are added to the answer; `began` is a time of
    `time.perf_counter`, in seconds.

    `held` counts what of its body is in memory, for whoever reads it as it arrives.
    `delivery_id` is this request's alone, and the same at each try of its handler. `correlation_id` is the trace's of a
    W3C `traceparent`, else the request's own. `grant` is what the limiter said, where it was asked already.
    """

    method: str
    path: str
    client: str
    endpoint: ApiEndpointConfig | None
    allowed_methods: tuple[str, ...]
    request_id: str
    correlation_id: str
    fault: AnnalsError | None = None
    began: float = field(default_factory=time.perf_counter)
    delivery_id: uuid.UUID = field(default_factory=uuid.uuid4)
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    principal: Principal | None = None
    grant: Grant | None = None
    given_caller: Caller | None = None
    given_deadline: Deadline | None = None
    held: HeldBody | None = None
    status: int = 0
    problem: str | None = None
    sent_bytes: int = 0

    @property
    def caller(self) -> Caller:
        """Who asks. Raises MissingCredentialError on an endpoint that asks nobody."""
        if self.given_caller is None:
            raise MissingCredentialError()
        return self.given_caller

    @property
    def deadline(self) -> Deadline:
        """By when the handler has answered."""
        assert self.given_deadline is not None, "the request was processed"
        return self.given_deadline

    @property
    def shorter_deadline(self) -> Deadline:
        """For what says how far it got when its time is over: early enough for that to be answered."""
        return Deadline.after(0.9 * self.deadline.remaining_s)


def exchange_of(scope: Any) -> Exchange:
    """The exchange of a request's scope."""
    found: Exchange = scope[KEY]
    return found


def header(scope: Any, name: bytes) -> bytes | None:
    """The first header of this name, given in lower case."""
    for key, value in scope["headers"]:
        if key == name:
            return bytes(value)
    return None


def headers(scope: Any, name: bytes) -> list[bytes]:
    """All headers of this name, given in lower case."""
    return [bytes(value) for key, value in scope["headers"] if key == name]


def identified(scope: Any) -> tuple[str, str]:
    """Request id and correlation id: what the client gave where it is well-formed, else new ones."""
    given = header(scope, b"x-request-id")
    request_id = given.decode("ascii") if given is not None and _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
    return request_id, trace_id(header(scope, b"traceparent")) or request_id


def trace_id(traceparent: bytes | None) -> str | None:
    """The trace id of a valid header (W3C Trace Context, 3.2), else None."""
    found = _TRACEPARENT.fullmatch(traceparent) if traceparent is not None else None
    if found is None or found[1] == b"ff" or (found[1] == b"00" and found[5] is not None):
        return None
    if not found[2].strip(b"0") or not found[3].strip(b"0"):
        return None
    return found[2].decode("ascii")
