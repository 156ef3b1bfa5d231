"""What a use case may refuse."""

from contracts.errors import AnnalsError


class NotFoundError(AnnalsError):
    """What was asked for is not there; `annals status` shows what there is."""


class GaveUpError(AnnalsError):
    """Something did not happen within its limit; see `annals status` and the logs."""


class TooManyQuestionsError(AnnalsError):
    """The tenant asked more often than its limit allows; ask again later."""
