"""Why somebody decides what he decides: a line that is kept with the event."""

from contracts.text import is_blank
from services.errors import InvalidRequestError

MOST_REASON = 1024


def reason_of_caller(reason: str | None) -> str | None:
    """What he says why. Raises InvalidRequestError."""
    if reason is None or is_blank(reason):
        return None
    if len(reason) > MOST_REASON:
        raise InvalidRequestError(f"the reason has {len(reason)} characters and the limit is {MOST_REASON}; shorten it")
    return reason.strip()
