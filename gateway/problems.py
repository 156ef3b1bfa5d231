"""Errors as problem+json (RFC 9457): each class of ours is a type, with the status of its nearest ancestor."""

import json
import re
from typing import Any

from aggregates.cause import RefusedError
from contracts.codec import MalformedEventError
from contracts.errors import AnnalsError, default_message
from eventstore.errors import (
    ConflictError,
    DuplicateEventError,
    EventTooLargeError,
    StoreUnavailableError,
    VersionConflictError,
)
from eventstore.locks import LockHeldError
from gateway.errors import (
    BodiesHeldError,
    BodyEncodingError,
    BodyTooLargeError,
    BusyError,
    IdempotencyKeyError,
    IdempotencyKeyMissingError,
    IdempotencyKeyReusedError,
    InvalidFieldsError,
    MalformedRequestError,
    MediaTypeError,
    MethodNotAllowedError,
    RequestRunningError,
    SlowRequestError,
    StartingError,
    TooManyRequestsError,
    UnknownPathError,
)
from gateway.jobs import TooManyJobsError
from inference.external.errors import ExternalSystemError
from inference.model import InferenceError, OtherModelError
from projections.errors import OldSchemaError
from security.errors import (
    AuthenticationError,
    BlockedError,
    InvalidCredentialError,
    MissingCredentialError,
    TooManyAttemptsError,
)
from security.passwords import PasswordsBusyError, WeakPasswordError
from security.scopes import WrongScopeError
from services.cursors import WrongCursorError
from services.deadline import DeadlineExceededError
from services.errors import (
    AccessDeniedError,
    GaveUpError,
    InvalidRequestError,
    NotFoundError,
    OverloadedError,
    TooManyQuestionsError,
)
from services.mesh.errors import ServiceUnavailableError, UntrustedServiceError
from services.operations.rebuilding import RebuildRunningError
from services.positions import WrongPositionError
from services.storage.file_taking import NoDocumentError
from services.storage.intake import DocumentTooLargeError
from services.storage.precondition import VersionMismatchError

MEDIA_TYPE = b"application/problem+json"
TYPE = "urn:annals:problem:"

STATUS: dict[type[AnnalsError], int] = {
    AnnalsError: 500,
    MalformedRequestError: 400,
    IdempotencyKeyError: 400,
    IdempotencyKeyMissingError: 400,
    IdempotencyKeyReusedError: 422,
    RequestRunningError: 409,
    MalformedEventError: 400,
    WrongCursorError: 400,
    WrongPositionError: 400,
    AuthenticationError: 401,
    InvalidCredentialError: 401,
    MissingCredentialError: 401,
    BlockedError: 429,
    AccessDeniedError: 403,
    NotFoundError: 404,
    UnknownPathError: 404,
    MethodNotAllowedError: 405,
    TooManyJobsError: 503,
    BodiesHeldError: 503,
    StartingError: 503,
    BusyError: 503,
    VersionMismatchError: 412,
    SlowRequestError: 408,
    ConflictError: 409,
    VersionConflictError: 409,
    DuplicateEventError: 409,
    RefusedError: 409,
    RebuildRunningError: 409,
    LockHeldError: 409,
    OtherModelError: 409,
    BodyTooLargeError: 413,
    DocumentTooLargeError: 413,
    EventTooLargeError: 413,
    BodyEncodingError: 415,
    MediaTypeError: 415,
    InvalidFieldsError: 422,
    InvalidRequestError: 422,
    WeakPasswordError: 422,
    WrongScopeError: 422,
    NoDocumentError: 422,
    TooManyQuestionsError: 429,
    OverloadedError: 429,
    TooManyRequestsError: 429,
    TooManyAttemptsError: 429,
    InferenceError: 503,
    ExternalSystemError: 503,
    PasswordsBusyError: 503,
    StoreUnavailableError: 503,
    ServiceUnavailableError: 503,
    UntrustedServiceError: 503,
    OldSchemaError: 503,
    DeadlineExceededError: 504,
    GaveUpError: 504,
}
"""Of classes; a class below one of these has its status unless it is named itself."""

RETRY_AFTER_S = 1
"""What Retry-After says of a store that is away."""

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def status_of(error: type[AnnalsError]) -> int:
    """The HTTP status."""
    return next(STATUS[one] for one in error.__mro__ if one in STATUS)


def name_of(error: type[AnnalsError]) -> str:
    """`NotFoundError` is `not-found`: the end of the type's URN."""
    return _HUMP.sub("-", error.__name__.removesuffix("Error")).lower()


def title_of(error: type[AnnalsError]) -> str:
    """What is wrong, in words that are the same each time."""
    return default_message(error).partition(";")[0].rstrip(".")


def problem_of(error: AnnalsError, instance: str) -> tuple[int, bytes]:
    """Status and body. `instance` is the request's id.

    Of what is our own fault the message is for the log alone: it may name addresses.
    """
    status = status_of(type(error))
    body: dict[str, Any] = {
        "type": TYPE + name_of(type(error)),
        "title": title_of(type(error)),
        "status": status,
        "detail": str(error) if status < 500 else default_message(type(error)),
        "instance": f"urn:annals:request:{instance}",
    }
    if isinstance(error, InvalidFieldsError):
        body["errors"] = error.errors
    return status, json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def documented() -> list[type[AnnalsError]]:
    """Those that are named in the table, by name: the kinds that a client may want to tell apart."""
    return sorted(STATUS, key=name_of)
