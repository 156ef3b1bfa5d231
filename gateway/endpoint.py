"""One endpoint: what it needs before its handler is called (specification 1.1, `ApiEndpointConfig`)."""

from dataclasses import dataclass
from typing import Literal

HttpMethod = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
KeyUse = Literal["no", "optional", "required"]

KIB = 1024
MIB = 1024 * KIB


@dataclass(frozen=True, slots=True)
class RateLimit:
    """`requests` at once, refilled evenly over `per_s` seconds; for each endpoint, and each user.

    Where nobody is asked who he is, for each address.
    """

    requests: int
    per_s: float


@dataclass(frozen=True, slots=True)
class RetryConfig:
    """How often a handler is called again whose database did not answer, and after which pause the first time."""

    retries: int
    first_pause_s: float

    @classmethod
    def exponential(cls, retries: int, first_pause_s: float) -> "RetryConfig":
        """Each pause is twice as long as the one before, with jitter."""
        return cls(retries, first_pause_s)


@dataclass(frozen=True, slots=True)
class ApiEndpointConfig:
    """`handler` is a name in `gateway.handlers.HANDLERS`; `resource` and `action` are what the caller must be allowed.

    `or_else`: another resource and action, one of which is enough: the use case tells what either may have.

    `timeout_s` is None for answers that stream without an end. `body_bytes` is how much a request may bring.
    Lines (`application/x-ndjson`) are handed over as they arrive, anything else when it is whole.
    `idempotency_key`: whether a request may, or must, bring an `Idempotency-Key`.
    `takes_turns`: its handler reads the databases, and nothing else, when it is its tenant's turn. What other handlers
    call admits on its own.
    """

    path: str
    method: HttpMethod
    handler: str
    resource: str
    action: str
    or_else: tuple[str, str] | None = None
    auth_required: bool = True
    rate_limit: RateLimit | None = None
    timeout_s: float | None = 10.0
    retry_config: RetryConfig | None = None
    body_bytes: int = 0
    body_type: Literal["application/json", "application/x-ndjson", "application/octet-stream"] = "application/json"
    idempotency_key: KeyUse = "no"
    takes_turns: bool = False

    @property
    def subject(self) -> str:
        """What the rate limiter counts, beside the user."""
        return f"{self.method} {self.path}"
