"""What a use case may refuse."""

from contracts.errors import AnnalsError


class NotFoundError(AnnalsError):
    """What was asked for is not there; `annals list` and `annals entity list` show what there is."""


class GaveUpError(AnnalsError):
    """Something did not happen within its limit; see `annals status` and the logs."""


class LimitError(AnnalsError):
    """A limit of yours was reached; try again after what Retry-After says."""

    def __init__(self, message: str | None = None, *, retry_after_s: float = 1.0) -> None:
        """`retry_after_s`: when there may be room again, in seconds."""
        super().__init__(message)
        self.retry_after_s = retry_after_s


class TooManyQuestionsError(LimitError):
    """The tenant asked more often than its limit allows; ask again later."""


class AccessDeniedError(AnnalsError):
    """The caller's roles do not allow it; ask an administrator for a role that may."""


class InvalidRequestError(AnnalsError):
    """The request breaks a rule of its fields; mend the field that the message names."""


class OverloadedError(LimitError):
    """More of your tenant's requests wait than can be done in time; try again after what Retry-After says."""
