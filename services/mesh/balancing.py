"""Which instance is asked: of two taken at random the one with less under way, and none that fails time and again."""

import random
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from services.mesh.breaker import Breaker
from services.mesh.registry import Instance

EJECT_AFTER = 3
"""Failures in a row."""
EJECTED_S, EJECTED_MOST_S = 5.0, 60.0
GONE_S = 2.0
"""How long an instance that takes no connection is not asked. A process that comes in its stead is another instance."""


@dataclass
class PeerState:
    """What this process knows of one instance. Times are of `time.monotonic`."""

    instance: Instance
    breaker: Breaker
    outstanding: int = 0
    failures: int = 0
    ejections: int = 0
    ejected_until: float = 0.0
    gone_until: float = 0.0


class Balancer:
    """Power of two choices (Mitzenmacher 2001), with Envoy's outlier ejection: it ends by itself, and spares half."""

    def __init__(
        self,
        breaker: Callable[[Instance], Breaker],
        *,
        chance: random.Random | None = None,
        clock: Callable[[], float] = time.monotonic,
        ejected_s: float = EJECTED_S,
    ) -> None:
        self._breaker = breaker
        self._random = chance or random.Random()
        self._clock = clock
        self._ejected_s = ejected_s
        self._peers: dict[str, PeerState] = {}

    def choose(self, instances: Sequence[Instance], tried: Collection[str] = ()) -> PeerState | None:
        """One of `instances`, rather one that was not tried yet; None where all are gone, or have an open breaker."""
        now = self._clock()
        ready = [peer for peer in self._of(instances) if peer.breaker.is_ready and peer.gone_until <= now]
        fresh = [peer for peer in ready if peer.instance.instance not in tried] or ready
        kept = [peer for peer in fresh if peer.ejected_until <= now] or fresh
        if not kept:
            return None
        two = self._random.sample(kept, min(2, len(kept)))
        return min(two, key=lambda peer: peer.outstanding)

    def is_one_gone(self, instances: Sequence[Instance]) -> bool:
        """Whether one of them is gone, or there is none: one may come. An open breaker is another matter."""
        now = self._clock()
        return not instances or any(peer.gone_until > now for peer in self._of(instances))

    def refused(self, peer: PeerState) -> None:
        """It takes no connection, or is another process now."""
        peer.gone_until = self._clock() + GONE_S

    def succeeded(self, peer: PeerState) -> None:
        """Its failures are forgotten, and in time its ejections."""
        peer.failures = 0
        if self._clock() > peer.ejected_until + EJECTED_MOST_S:
            peer.ejections = 0

    def failed(self, peer: PeerState) -> None:
        """Eject it after EJECT_AFTER in a row, each time for longer, if half of all stay."""
        peer.failures += 1
        now = self._clock()
        others = sum(one.ejected_until > now for one in self._peers.values() if one is not peer)
        if peer.failures >= EJECT_AFTER and others + 1 <= len(self._peers) // 2:
            peer.failures = 0
            peer.ejections += 1
            peer.ejected_until = now + min(EJECTED_MOST_S, self._ejected_s * 2.0 ** (peer.ejections - 1))

    @property
    def ejected(self) -> int:
        """How many are not chosen now."""
        now = self._clock()
        return sum(peer.ejected_until > now for peer in self._peers.values())

    @property
    def broken(self) -> int:
        """How many have a breaker that is not closed."""
        return sum(not peer.breaker.is_closed for peer in self._peers.values())

    def _of(self, instances: Sequence[Instance]) -> list[PeerState]:
        """Their states; of instances that are gone nothing is kept."""
        known = self._peers
        self._peers = {one.instance: known.get(one.instance) or PeerState(one, self._breaker(one)) for one in instances}
        return list(self._peers.values())
