"""A circuit breaker for one peer: purgatory's states, and one request at a time while it is half open."""

import contextlib
import time
from collections.abc import Callable, Iterator

from purgatory.domain.model import CLOSED, HALF_OPENED, OPENED, Context, OpenedState

from services.mesh.errors import ServiceUnavailableError

FAILURES, OPEN_S = 5, 10.0


class Breaker:
    """Opens after `failures` in a row, lets one request through after `open_s`, and closes when that succeeds."""

    def __init__(self, peer: str, failures: int = FAILURES, open_s: float = OPEN_S) -> None:
        self._peer, self._open_s = peer, open_s
        self._context = Context(peer, failures, open_s)
        self._probing = False

    @property
    def is_closed(self) -> bool:
        """Whether all is well."""
        return self._context.state == CLOSED

    @property
    def is_ready(self) -> bool:
        """Whether a request would be let through now."""
        if self._context.state == OPENED:
            return time.time() > (self._context.opened_at or 0.0) + self._open_s
        return not (self._context.state == HALF_OPENED and self._probing)

    @contextlib.contextmanager
    def passing(self, is_failure: Callable[[BaseException], bool | None]) -> Iterator[None]:
        """One request. `is_failure`: True where the peer failed, False where it worked, None where that is not known.

        Raises ServiceUnavailableError where nothing is sent now.
        """
        if not self.is_ready:
            raise self._closed_to_us()
        try:
            self._context.handle_new_request()
        except OpenedState:
            raise self._closed_to_us() from None
        probe = self._context.state == HALF_OPENED
        self._probing = self._probing or probe
        try:
            yield
        except BaseException as error:
            failed = is_failure(error)
            if failed:
                self._context.handle_exception(error)
            elif failed is False:
                self._context.handle_end_request()
            raise
        else:
            self._context.handle_end_request()
        finally:
            if probe:
                self._probing = False
            self._context.messages.clear()

    def _closed_to_us(self) -> ServiceUnavailableError:
        return ServiceUnavailableError(
            f"{self._peer} failed {self._context.threshold} times in a row and is left alone for {self._open_s:g} s; "
            "try again then"
        )
