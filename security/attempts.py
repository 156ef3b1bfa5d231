"""Failed attempts are slowed: by address, and by account, with a growing delay and in bounded memory.

Each subject has a level that a failure raises by one and that falls by one a minute. Above what is free, the next
attempt has to wait, twice as long with each level more, up to a minute. A success gives back its own attempt and no
more, so that somebody with an account of his own cannot wash his guesses away with it.

Who guesses from one address slows that address alone: what an address adds to an account ends where its own delay
begins. Guesses from many addresses slow the account for every address but those that it came in from before.
"""

import ipaddress
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from security.errors import TooManyAttemptsError

FREE_OF_ADDRESS = 5
FREE_OF_ACCOUNT = 20
MAX_DELAY_S = 60.0
FALLS_EVERY_S = 60.0
MAX_SUBJECTS = 10_000
"""Of addresses, of accounts, and of pairs that came in; those that were not seen for longest are forgotten."""


@dataclass(slots=True)
class Level:
    """`value` at the time `at`; the next attempt may come at `until`."""

    value: float
    at: float
    until: float

    def now(self, time: float) -> float:
        """The level at `time`."""
        return max(0.0, self.value - (time - self.at) / FALLS_EVERY_S)


class _Levels:
    def __init__(self, free: int) -> None:
        self._free = free
        self._levels: OrderedDict[str, Level] = OrderedDict()

    def wait_s(self, subject: str, time: float) -> float:
        level = self._levels.get(subject)
        return 0.0 if level is None else max(0.0, level.until - time)

    def value(self, subject: str, time: float) -> float:
        level = self._levels.get(subject)
        return 0.0 if level is None else level.now(time)

    def change(self, subject: str, by: float, time: float) -> None:
        value = max(0.0, self.value(subject, time) + by)
        over = value - self._free
        delay = min(MAX_DELAY_S, 2.0 ** (over - 1)) if over > 0 and by > 0 else 0.0
        self._levels[subject] = Level(value, time, time + delay)
        self._levels.move_to_end(subject)
        while len(self._levels) > MAX_SUBJECTS:
            self._levels.popitem(last=False)

    def __len__(self) -> int:
        return len(self._levels)


class Attempts:
    """Of one process. `clock` gives seconds that only rise."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._addresses = _Levels(FREE_OF_ADDRESS)
        self._accounts = _Levels(FREE_OF_ACCOUNT)
        self._came_in: OrderedDict[tuple[str, str], None] = OrderedDict()

    def begin(self, client: str, account: str | None = None) -> None:
        """Count an attempt as failed until it is known to succeed: many at once are no way around.

        `account` is the one that is named, whether or not there is one. Raises TooManyAttemptsError.
        """
        time, address = self._clock(), network_of(client)
        wait = self._addresses.wait_s(address, time)
        if account is not None and not self.came_in(client, account):
            wait = max(wait, self._accounts.wait_s(account, time))
        if wait > 0:
            raise TooManyAttemptsError(wait)
        if account is not None and self._addresses.value(address, time) < FREE_OF_ADDRESS:
            self._accounts.change(account, 1, time)
        self._addresses.change(address, 1, time)

    def check(self, client: str) -> None:
        """Before a credential that nobody guesses: many at once may come in. Raises TooManyAttemptsError."""
        wait = self._addresses.wait_s(network_of(client), self._clock())
        if wait > 0:
            raise TooManyAttemptsError(wait)

    def failed(self, client: str) -> None:
        """Such a credential did not count."""
        self._addresses.change(network_of(client), 1, self._clock())

    def succeeded(self, client: str, account: str | None = None) -> None:
        """Take back what `begin` counted of this attempt."""
        time, address = self._clock(), network_of(client)
        self._addresses.change(address, -1, time)
        if account is not None:
            self._accounts.change(account, -1, time)
            self.remember(client, account)

    def remember(self, client: str, subject: str) -> None:
        """An account or a credential came in from there."""
        pair = (network_of(client), subject)
        self._came_in[pair] = None
        self._came_in.move_to_end(pair)
        while len(self._came_in) > MAX_SUBJECTS:
            self._came_in.popitem(last=False)

    def forget(self, client: str, subject: str) -> None:
        """It comes in no more."""
        self._came_in.pop((network_of(client), subject), None)

    def came_in(self, client: str, subject: str) -> bool:
        """Whether it is remembered to have come in from there."""
        return (network_of(client), subject) in self._came_in

    @property
    def remembered(self) -> int:
        """How many subjects are in memory."""
        return len(self._addresses) + len(self._accounts) + len(self._came_in)


def network_of(client: str) -> str:
    """What one customer of a provider has: an IPv4 address, or an IPv6 network of 64 bits."""
    try:
        address = ipaddress.ip_address(client)
    except ValueError:
        return client[:64]
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(address) >> 64 << 64, 64)))
