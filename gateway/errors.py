"""What the gateway itself refuses. A docstring is the message where none is given."""

from contracts.errors import AnnalsError


class UnknownPathError(AnnalsError):
    """There is no such path; /openapi.json lists all there are."""


class MethodNotAllowedError(AnnalsError):
    """The path does not take this method; the Allow header lists those that it takes."""


class TooManyRequestsError(AnnalsError):
    """More requests than the limit of this endpoint; try again after what Retry-After says."""


class BodyTooLargeError(AnnalsError):
    """The request's body is larger than this endpoint takes; send less."""


class BodiesHeldError(AnnalsError):
    """The gateway holds as much of requests' bodies as it may; try again after what Retry-After says."""


class StartingError(AnnalsError):
    """The gateway has started a moment ago and cannot do this yet; try again after what Retry-After says."""


class BusyError(AnnalsError):
    """The gateway did not get to this request, of which nothing was done; try again after what Retry-After says."""


class SlowRequestError(AnnalsError):
    """The request's body did not arrive in time; send it faster, or in smaller requests."""


class BodyEncodingError(AnnalsError):
    """The request's body is in a content coding that is not taken here; send it as it is."""


class MediaTypeError(AnnalsError):
    """The request's body is of a type that this endpoint does not take; send application/json."""


class MalformedRequestError(AnnalsError):
    """The request cannot be read; the OpenAPI document says what is expected."""


class InvalidFieldsError(AnnalsError):
    """The request does not fit the OpenAPI document; `errors` says where."""

    def __init__(self, errors: list[dict[str, str]]) -> None:
        """`errors`: for each fault `pointer` (JSON Pointer, or the name of a parameter) and `detail`."""
        super().__init__()
        self.errors = errors


class IdempotencyKeyError(AnnalsError):
    """The Idempotency-Key cannot be read; send 1 to 255 visible characters of ASCII."""


class IdempotencyKeyMissingError(AnnalsError):
    """This endpoint needs the header Idempotency-Key; send a new one with each request, the same with its retries."""


class IdempotencyKeyReusedError(AnnalsError):
    """The Idempotency-Key was sent with another request before; send a new one with each new request."""


class RequestRunningError(AnnalsError):
    """The request with this Idempotency-Key is still being done; ask again later."""


class InternalError(AnnalsError):
    """The gateway failed at something that it should not fail at; report it with the request id."""
