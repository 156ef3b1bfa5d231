"""Errors of the command line and of starting and stopping processes."""

from contracts.errors import AnnalsError


class NothingIsUpError(AnnalsError):
    """The command needs a running pipeline; start `annals up` first."""


class WrongSettingError(AnnalsError):
    """A setting cannot be used; the message says which one, where it comes from, and what is wrong with it."""


class NothingThereError(AnnalsError):
    """There is nothing in the data folder; take documents in with `annals ingest`, or name another by --data."""


class UnreadablePolicyError(AnnalsError):
    """The file holds no policy; write it as `annals access show` does."""
