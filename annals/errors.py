"""Errors of the command line and of starting and stopping processes."""

from contracts.errors import AnnalsError


class NothingIsUpError(AnnalsError):
    """The command needs a running pipeline; start `annals up` first."""


class NotFoundError(AnnalsError):
    """What was asked for is not there; `annals status` shows what there is."""


class GaveUpError(AnnalsError):
    """Something did not happen within its limit; see `annals status` and the logs."""


class TooManyQuestionsError(AnnalsError):
    """The tenant asked more often than its limit allows; ask again later."""


class WrongSettingError(AnnalsError):
    """A setting cannot be used; the message says which one, where it comes from, and what is wrong with it."""
