"""Where a gateway is."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from contracts.errors import AnnalsError

LOOPBACK = ("127.0.0.1", "::1", "localhost")


class PlainTextError(AnnalsError):
    """A token is not sent over http to another machine; use an https address."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a gateway is, and what to show there."""

    url: str
    token: str = field(repr=False)

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme == "http" and parts.hostname not in LOOPBACK:
            raise PlainTextError

    @property
    def local(self) -> bool:
        """Whether it is on this machine."""
        return urlsplit(self.url).hostname in LOOPBACK
