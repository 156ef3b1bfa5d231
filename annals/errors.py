"""Errors a person can do something about: the message is one plain line with the next step."""


class AnnalsError(Exception):
    """Base of the errors that the command line shows as one line."""


class NothingIsUpError(AnnalsError):
    """The command needs something that is not running, and may not start it."""


class NotFoundError(AnnalsError):
    """What was asked for is not there."""


class GaveUpError(AnnalsError):
    """Something did not happen within its limit."""


class TooManyQuestionsError(AnnalsError):
    """The tenant asked more often than the settings allow."""


class WrongSettingError(AnnalsError):
    """A setting cannot be used; the message says which one, where it comes from, and what is wrong with it."""
