"""What a use case may refuse."""

from contracts.errors import AnnalsError


class NotFoundError(AnnalsError):
    """What was asked for is not there; `annals list` and `annals entities` show what there is."""


class GaveUpError(AnnalsError):
    """Something did not happen within its limit; see `annals status` and the logs."""


class TooManyQuestionsError(AnnalsError):
    """The tenant asked more often than its limit allows; ask again later."""


class AccessDeniedError(AnnalsError):
    """The caller's roles do not allow it; ask an administrator for a role that may."""


class InvalidRequestError(AnnalsError):
    """The request breaks a rule of its fields; mend the field that the message names."""


class OverloadedError(AnnalsError):
    """As much work waits as may; try again in a moment."""
