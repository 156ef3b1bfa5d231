"""What can go wrong with a system outside, each as one plain line that says what to do next."""

from inference.model import InferenceError

SHOWN = 200
"""Characters of another system's words that a message repeats."""

NEXT_STEPS = {
    401: "check the name, and set {token} to a token that may read it",
    403: "ask the owner for access, and set {token} to a token that has it",
    404: "check the name and the revision",
    410: "it is gone; choose another",
}


class ExternalSystemError(InferenceError):
    """An external system did not do what was asked; see its own words."""

    def __init__(self, system: str, message: str) -> None:
        super().__init__(message)
        self.system = system


class ApiError(ExternalSystemError):
    """The system answered with a refusal; check the name, the address and the token.

    `message` is its own words, cut to one short line.
    """

    def __init__(self, system: str, status: int, message: str, token_name: str = "a token") -> None:
        said = plain(message)
        step = NEXT_STEPS.get(status, "check the name and the address").format(token=token_name)
        if status >= 500:
            step = "the fault is there, not here; try again later"
        super().__init__(system, f"{system} answered {status}{f' ({said})' if said else ''} - {step}")
        self.status = status
        self.message = said


class ServerError(ApiError):
    """The system answered 5xx to every try; try again later."""


class UnreachableError(ExternalSystemError):
    """The system gave no whole answer to any try; check the network and the address."""

    def __init__(self, system: str, url: str, reason: str) -> None:
        super().__init__(
            system, f"{system} cannot be reached at {url}: {plain(reason)} - check the network and the address"
        )


class CircuitOpenError(ExternalSystemError):
    """The system failed so often that it is left alone for a while; nothing was sent."""

    def __init__(self, system: str, wait_s: float) -> None:
        super().__init__(system, f"{system} failed too often and is left alone - try again in {wait_s:.0f} s")


class RateLimitedError(ExternalSystemError):
    """The system takes no more requests now, or our own limit does not; try again later."""

    def __init__(self, system: str, wait_s: float | None) -> None:
        when = "later" if wait_s is None else f"in {wait_s:.0f} s"
        super().__init__(system, f"{system} takes no more requests now - try again {when}")
        self.wait_s = wait_s


class InvalidAnswerError(ExternalSystemError):
    """The system sent something that is not what it promised; nothing of it was kept."""


PASSING = (UnreachableError, ServerError, CircuitOpenError, RateLimitedError)
"""What may be over in a while, and says nothing about what was asked for."""


def plain(text: str) -> str:
    """One short line, whatever the text was."""
    line = " ".join(text.split())
    return line if len(line) <= SHOWN else f"{line[:SHOWN]}..."
