"""Errors over the wire: which status says what, and which of our errors comes out again on the other side."""

from collections.abc import Mapping

from aggregates.cause import RefusedError
from contracts.errors import AnnalsError
from eventstore.errors import ConflictError, StoreUnavailableError
from inference.model import InferenceError, OtherModelError
from security.service_tokens import ServiceTokenError
from services.deadline import DeadlineExceededError
from services.errors import (
    AccessDeniedError,
    GaveUpError,
    InvalidRequestError,
    LimitError,
    NotFoundError,
    OverloadedError,
    TooManyQuestionsError,
)
from services.mesh.errors import RemoteFaultError
from services.storage.intake import DocumentTooLargeError
from services.storage.precondition import VersionMismatchError

STATUS: Mapping[type[AnnalsError], int] = {
    InvalidRequestError: 400,
    ServiceTokenError: 401,
    AccessDeniedError: 403,
    NotFoundError: 404,
    ConflictError: 409,
    RefusedError: 409,
    VersionMismatchError: 412,
    DocumentTooLargeError: 413,
    TooManyQuestionsError: 429,
    OverloadedError: 429,
    OtherModelError: 503,
    InferenceError: 503,
    StoreUnavailableError: 503,
    GaveUpError: 504,
    DeadlineExceededError: 504,
    RemoteFaultError: 500,
}
_BY_NAME = {kind.__name__: kind for kind in STATUS}


def described(error: Exception) -> tuple[int, dict[str, str | float]]:
    """Status and body. What is no error of ours is a defect, of which nothing is told."""
    for kind in type(error).__mro__:
        if kind in STATUS:
            again = {"retry_after_s": error.retry_after_s} if isinstance(error, LimitError) else {}
            return STATUS[kind], {"error": kind.__name__, "message": str(error), **again}
    if isinstance(error, AnnalsError):
        return 500, {"error": RemoteFaultError.__name__, "message": str(error)}
    return 500, {"error": RemoteFaultError.__name__, "message": str(RemoteFaultError())}


def raised(body: object) -> AnnalsError:
    """The error that a body describes."""
    if isinstance(body, dict) and isinstance(body.get("message"), str):
        error = _BY_NAME.get(str(body.get("error")), RemoteFaultError)(body["message"])
        if isinstance(error, LimitError) and isinstance(again := body.get("retry_after_s"), int | float):
            error.retry_after_s = again
        return error
    return RemoteFaultError()
