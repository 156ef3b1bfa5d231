"""How to treat one system outside."""

from dataclasses import dataclass
from pathlib import Path

from external.guard import GuardSettings


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """Times are in seconds; no wait is without an end."""

    system: str
    """Its name, for people and for metrics."""
    base_url: str
    cache_folder: Path
    token_name: str = "a token"
    """What a person sets the token by."""
    offline_because: str | None = None
    """When given, nothing is ever sent, and this is why."""
    connect_s: float = 10.0
    read_s: float = 30.0
    answer_s: float = 120.0
    """For a whole answer of the API with all its tries; files have `read_s` between two pieces instead."""
    rate: float = 20.0
    """Requests in each `rate_period_s`. After a rest as many may leave at once, so a period can see twice that."""
    rate_period_s: float = 1.0
    rate_wait_s: float = 60.0
    """A request that our own rate would keep longer than this is given up."""
    tries: int = 4
    first_wait_s: float = 0.5
    most_wait_s: float = 15.0
    most_asked_wait_s: float = 60.0
    """A system that asks for a longer pause than this is not waited for."""
    breaker_failures: int = 8
    """In a row, and no fewer than `tries`, or one request alone could open the breaker."""
    breaker_open_s: float = 30.0

    @property
    def guard(self) -> GuardSettings:
        """What of it concerns limit, retries and breaker."""
        return GuardSettings(
            self.system,
            self.rate,
            self.rate_period_s,
            self.rate_wait_s,
            self.tries,
            self.first_wait_s,
            self.most_wait_s,
            self.breaker_failures,
            self.breaker_open_s,
        )
