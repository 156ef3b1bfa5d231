"""What a call of another service may come to."""

from contracts.errors import AnnalsError


class ServiceUnavailableError(AnnalsError):
    """No instance of the service answers now; try again in a moment, and see `annals status`."""


class RemoteFaultError(AnnalsError):
    """The service failed on this request; see its log for the same request."""


class UntrustedServiceError(AnnalsError):
    """A service did not prove who it is; see that both use the same database, and that their clocks agree."""
