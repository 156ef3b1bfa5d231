"""Names of headers, and the one that carries a deadline."""

from collections.abc import Mapping

from services.errors import InvalidRequestError

TOKEN = "authorization"
ANSWER_TOKEN = "annals-service-token"
DEADLINE = "annals-deadline-ms"
"""Milliseconds that are left, as gRPC's `grpc-timeout`: the clocks of two machines need not agree."""
REQUEST_BYTES = 48 * 1024 * 1024
"""A document of 8 MiB, should JSON need six bytes for each of its characters."""


def deadline_header(remaining_s: float) -> str:
    """Rounded down: who asks gives up last."""
    return str(max(1, int(remaining_s * 1000)))


def granted_s(headers: Mapping[str, str], most_s: float) -> float:
    """How long the request may take. Raises InvalidRequestError."""
    said = headers.get(DEADLINE, "")
    if not said.isascii() or not said.isdecimal() or len(said) > 9 or int(said) < 1:
        raise InvalidRequestError(
            f"{DEADLINE}: is not a number of milliseconds; send how long the answer is waited for"
        )
    return min(most_s, int(said) / 1000)
