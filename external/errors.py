"""Why a guard let a request not through. The client of the system turns them into errors of its own."""

from contracts.errors import AnnalsError


class HeldBackError(AnnalsError):
    """Our own limit on requests kept this one back for too long; try again later."""


class LeftAloneError(AnnalsError):
    """The system failed too often and is left alone for a while, nothing was sent; try again later."""

    def __init__(self, system: str, wait_s: float) -> None:
        super().__init__(f"{system} failed too often and is left alone - try again in {wait_s:.0f} s")
        self.wait_s = wait_s
