"""The header `Prefer: wait=N` (RFC 7240): answer once documents can be asked, within N seconds."""

import re
from collections.abc import Sequence

from gateway.exchange import Exchange
from services.deadline import Deadline, DeadlineExceededError
from services.storage.waiting import WaitForDocuments

_WAIT = re.compile(r'(?:^|[,;\s])wait\s*=\s*"?(\d{1,6})"?(?=$|[,;\s])', re.IGNORECASE | re.ASCII)
LEFT_S = 2.0
"""Of the time that a handler has: for the answer itself."""


def wait_s(prefer: str | None) -> int | None:
    """Seconds that are preferred; None where the header does not say."""
    found = _WAIT.search(prefer) if prefer is not None else None
    return int(found[1]) if found is not None else None


async def until_processed(
    exchange: Exchange, waiting: WaitForDocuments, document_ids: Sequence[str], prefer: str | None
) -> str | None:
    """Wait as long as is preferred. Returns what `Preference-Applied` says, None where the time was not enough."""
    seconds = wait_s(prefer)
    if seconds is None:
        return None
    limit_s = min(float(seconds), max(0.0, exchange.deadline.remaining_s - LEFT_S))
    try:
        await waiting.until_projected(exchange.caller, document_ids, deadline=Deadline.after(limit_s))
    except DeadlineExceededError:
        return None
    return f"wait={seconds}"
