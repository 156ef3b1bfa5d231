"""Failed attempts are slowed: by address, and by account, with a growing delay and in bounded memory.

Each subject has a level that a failure raises by one and that falls by one a minute. Above what is free, the next
attempt has to wait, twice as long with each level more, up to a minute. A success gives back its own attempt and no
more, so that somebody with an account of his own cannot wash his guesses away with it.

Who guesses from one address slows that address alone: what an address adds to an account ends where its own delay
begins. Guesses from many addresses slow the account for every address but those that it came in from before.
"""

import hashlib
import ipaddress
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from time import monotonic
from typing import Literal

from security.errors import TooManyAttemptsError

FREE_OF_ADDRESS = 5
FREE_OF_ACCOUNT = 20
MAX_DELAY_S = 60.0
FALLS_EVERY_S = 60.0
MAX_SUBJECTS = 10_000
"""Of addresses, of accounts, and of pairs that came in; those that were not seen for longest are forgotten."""


Kind = Literal["address", "account"]


@dataclass(frozen=True, slots=True)
class Change:
    """Of the level of a subject, which is named by a digest, since the last exchange with other processes."""

    kind: Kind
    subject: str
    by: float


@dataclass(frozen=True, slots=True)
class SharedLevel:
    """What all processes together counted of a subject, `age_s` seconds ago; `rose`: it was a failure."""

    kind: Kind
    subject: str
    value: float
    rose: bool
    age_s: float


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
    """By digest: somebody may have typed a password where his name belongs."""

    def __init__(self, free: int) -> None:
        self._free = free
        self._levels: OrderedDict[str, Level] = OrderedDict()
        self._changes: dict[str, float] = {}

    def wait_s(self, subject: str, time: float) -> float:
        level = self._levels.get(_digest(subject))
        return 0.0 if level is None else max(0.0, level.until - time)

    def value(self, subject: str, time: float) -> float:
        level = self._levels.get(_digest(subject))
        return 0.0 if level is None else level.now(time)

    def change(self, subject: str, by: float, time: float) -> None:
        digest, value = _digest(subject), max(0.0, self.value(subject, time) + by)
        self._keep(digest, Level(value, time, time + (self._delay_s(value) if by > 0 else 0.0)))
        if digest in self._levels:
            self._changes[digest] = self._changes.get(digest, 0.0) + by

    def changes(self) -> dict[str, float]:
        """By digest, since they were asked for last."""
        changes, self._changes = self._changes, {}
        return changes

    def add_back(self, digest: str, by: float) -> None:
        """A change that could not be told."""
        if len(self._changes) < MAX_SUBJECTS:
            self._changes[digest] = self._changes.get(digest, 0.0) + by

    def learn(self, shared: SharedLevel, time: float) -> None:
        """What was not told meanwhile comes on top, and who came in meanwhile does not wait for that attempt."""
        at, untold = time - shared.age_s, self._changes.get(shared.subject, 0.0)
        value = max(0.0, shared.value + untold)
        until = at + self._delay_s(shared.value) if shared.rose else at
        own = self._levels.get(shared.subject)
        if untold and own is not None:
            until = max(until, own.until) if untold > 0 else own.until
        self._keep(shared.subject, Level(value, at, until))

    def _delay_s(self, value: float) -> float:
        over = value - self._free
        return min(MAX_DELAY_S, 2.0 ** min(over - 1, 10)) if over > 0 else 0.0

    def _keep(self, digest: str, level: Level) -> None:
        self._levels[digest] = level
        self._levels.move_to_end(digest)
        while len(self._levels) > MAX_SUBJECTS:
            forgotten, _ = self._levels.popitem(last=False)
            self._changes.pop(forgotten, None)

    def __len__(self) -> int:
        return len(self._levels)


class Attempts:
    """Of one process, which may tell others and learn from them. `clock` gives seconds that only rise."""

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

    def changes(self) -> list[Change]:
        """What is to be told to other processes; once told, `learn` what they counted."""
        return [
            *(Change("address", subject, by) for subject, by in self._addresses.changes().items() if by),
            *(Change("account", subject, by) for subject, by in self._accounts.changes().items() if by),
        ]

    def add_back(self, changes: Iterable[Change]) -> None:
        """They could not be told."""
        for one in changes:
            self._of(one.kind).add_back(one.subject, one.by)

    def learn(self, levels: Iterable[SharedLevel]) -> None:
        """What all processes counted together."""
        time = self._clock()
        for one in levels:
            self._of(one.kind).learn(one, time)

    def _of(self, kind: Kind) -> _Levels:
        return self._addresses if kind == "address" else self._accounts

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


def _digest(subject: str) -> str:
    return hashlib.sha256(subject.encode("utf-8", "replace")).hexdigest()[:32]
