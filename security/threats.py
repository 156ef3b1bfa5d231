"""What is unusual for one identity, measured against its own past (specification 4.1, `ThreatDetector`).

Time is cut into windows. Of each identity a few numbers are kept: those of the present window, those of its last active
windows, and the networks that it came from. Limits are robust: the median of the past and a number of median absolute
deviations (MAD, times 1.4826, which is a standard deviation for normal values), so that one strange window in the
past moves them little. An identity without enough past is held to fixed limits alone.
"""

import ipaddress
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Literal

from contracts.threats import ThreatKind

Observed = Literal["request", "read", "failure", "denial"]

MAX_PAST = 96
"""Windows of the past that are kept."""
MAX_ORIGINS = 32
LEAST_PAST = 12
"""Windows before an identity's own past counts."""
LEAST_REQUESTS = 20
"""Before a further network is a new one rather than one of the first."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Numbers are of one window. `rate` and `volume` are never unusual below these floors, whatever the past.

    `blocking` are the kinds that block; the others only tell.
    """

    window_s: float = 300.0
    failures: int = 30
    denials: int = 50
    rate: int = 300
    volume: int = 500
    deviations: float = 8.0
    block_s: int = 900
    blocking: tuple[ThreatKind, ...] = ("failures", "denials")


@dataclass(frozen=True, slots=True)
class Finding:
    """What was seen of an identity, what was to be expected at most, and both in words."""

    kind: ThreatKind
    observed: int
    limit: int
    explanation: str


def limit_of(past: Sequence[int], floor: int, deviations: float) -> int | None:
    """What is still usual after such a past; None where there is too little of it."""
    if len(past) < LEAST_PAST:
        return None
    middle = median(past)
    spread = 1.4826 * median(abs(value - middle) for value in past)
    # A past that never varied has no spread: a tenth of it, and at least one, is no sign of anything.
    return max(floor, round(middle + deviations * max(spread, 0.1 * middle, 1.0)))


def network_of(address: str) -> str:
    """Where an address belongs to, for the question of whether somebody comes from elsewhere: /24, or /48 of IPv6."""
    return _network(address, 24, 48)


def source_of(address: str) -> str:
    """What counts as one address: itself, or the /64 of IPv6, all of which one host can use."""
    return _network(address, 32, 64)


def _network(address: str, v4: int, v6: int) -> str:
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    length = v4 if parsed.version == 4 else v6
    return str(parsed) if length == parsed.max_prefixlen else str(ipaddress.ip_network((parsed, length), strict=False))


@dataclass(slots=True)
class Profile:
    """What is kept of one identity; `name` is for the explanations.

    `counts` are of the present window, by all processes as far as they told; `untold` is what this one did not tell.
    """

    name: str
    window: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    told: set[str] = field(default_factory=set)
    rates: deque[int] = field(default_factory=lambda: deque(maxlen=MAX_PAST))
    volumes: deque[int] = field(default_factory=lambda: deque(maxlen=MAX_PAST))
    origins: dict[str, int] = field(default_factory=dict)
    requests: int = 0
    untold: Counter[str] = field(default_factory=Counter, compare=False)

    def observe(self, what: Observed, address: str, now: float, thresholds: Thresholds) -> list[Finding]:
        """Count one more at the time `now` (seconds); what is found is told once a window."""
        window = int(now // thresholds.window_s)
        if window > self.window:
            self._close(window)
        self.counts[what] += 1
        self.untold[what] += 1
        return [finding for finding in self._findings(what, address, thresholds) if self._is_news(finding)]

    def _close(self, window: int) -> None:
        """Windows in which nothing happened say nothing of how it usually is."""
        if self.counts:
            self.rates.append(self.counts["request"])
            self.volumes.append(self.counts["read"])
        self.window = window
        self.counts.clear()
        self.untold.clear()
        self.told.clear()

    def learn(self, window: int, what: str, total: int) -> None:
        """All processes together counted so many in this window."""
        if window == self.window:
            self.counts[what] = max(self.counts[what], total + self.untold[what])

    def _findings(self, what: Observed, address: str, thresholds: Thresholds) -> Iterator[Finding]:
        count = self.counts[what]
        span = f"in {thresholds.window_s:g} s"
        if what == "failure" and count >= thresholds.failures:
            yield Finding(
                "failures",
                count,
                thresholds.failures,
                f"{self.name} failed to authenticate {count} times {span}; the limit is {thresholds.failures}",
            )
        if what == "denial" and count >= thresholds.denials:
            yield Finding(
                "denials",
                count,
                thresholds.denials,
                f"{self.name} asked {count} times {span} for what it may not do; the limit is {thresholds.denials}",
            )
        if what == "request":
            yield from self._against_past("rate", "sent", "requests", count, self.rates, thresholds.rate, thresholds)
            yield from self._origin(address)
        if what == "read":
            yield from self._against_past(
                "volume", "read", "objects", count, self.volumes, thresholds.volume, thresholds
            )

    def _against_past(
        self,
        kind: ThreatKind,
        verb: str,
        things: str,
        count: int,
        past: Sequence[int],
        floor: int,
        thresholds: Thresholds,
    ) -> Iterator[Finding]:
        limit = limit_of(past, floor, thresholds.deviations) if count > floor else None
        if limit is not None and count > limit:
            yield Finding(
                kind,
                count,
                limit,
                f"{self.name} {verb} {count} {things} in {thresholds.window_s:g} s; in {len(past)} such spans before "
                f"that it was {median(past):g} at the median, so that up to {limit} is usual",
            )

    def _origin(self, address: str) -> Iterator[Finding]:
        self.requests += 1
        network = network_of(address)
        if network not in self.origins:
            if self.origins and self.requests > LEAST_REQUESTS:
                known = ", ".join(sorted(self.origins)[:3])
                yield Finding(
                    "new_origin",
                    len(self.origins) + 1,
                    len(self.origins),
                    f"{self.name} came from {network} for the first time; before it came from {known}",
                )
            if len(self.origins) >= MAX_ORIGINS:
                del self.origins[min(self.origins, key=lambda one: self.origins[one])]
        self.origins[network] = self.window

    def _is_news(self, finding: Finding) -> bool:
        key = finding.kind if finding.kind != "new_origin" else finding.explanation
        if key in self.told:
            return False
        self.told.add(key)
        return True

    def as_json(self) -> dict[str, Any]:
        """What outlives a restart."""
        return {
            "window": self.window,
            "counts": dict(self.counts),
            "told": sorted(self.told),
            "rates": list(self.rates),
            "volumes": list(self.volumes),
            "origins": self.origins,
            "requests": self.requests,
        }

    @classmethod
    def from_json(cls, name: str, stored: Mapping[str, Any]) -> "Profile":
        """What `as_json` gave."""
        return cls(
            name=name,
            window=int(stored["window"]),
            counts=Counter(stored["counts"]),
            told=set(stored["told"]),
            rates=deque(stored["rates"], maxlen=MAX_PAST),
            volumes=deque(stored["volumes"], maxlen=MAX_PAST),
            origins=dict(stored["origins"]),
            requests=int(stored["requests"]),
        )
