"""A permission made ready for decisions: its constraints parsed once, checked in microseconds."""

from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from zoneinfo import ZoneInfo

from contracts.access import Hours, Permission
from security.reach import Rule

Address = IPv4Address | IPv6Address
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class Circumstances:
    """When, and from where, somebody asks; no address is none that a network holds."""

    now: datetime
    address: Address | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """`named` is how it is told: the way of inheritance, resource and action."""

    named: str
    permission: Permission
    rule: Rule
    networks: tuple[IPv4Network | IPv6Network, ...]
    zones: tuple[ZoneInfo | None, ...]
    constraints: tuple[str, ...] = field(repr=False)

    @classmethod
    def of(cls, way: tuple[str, ...], permission: Permission) -> "Grant":
        """What a role that is reached this way gives."""
        return cls(
            named=f"{' > '.join(way)}: {permission.resource}:{permission.action}",
            permission=permission,
            rule=Rule(frozenset(permission.collections) or None, frozenset(permission.masked_fields)),
            networks=tuple(ip_network(network) for network in permission.networks),
            zones=tuple(_zone(hours.zone) for hours in permission.hours),
            constraints=_told(permission),
        )

    @property
    def is_always(self) -> bool:
        """Whether it holds at any time and from anywhere."""
        return not self.networks and not self.zones

    def refusal(self, circumstances: Circumstances) -> str | None:
        """Why it does not hold now, or from there; None where it does."""
        if self.networks and not self._holds_from(circumstances.address):
            return f"only from {', '.join(self.permission.networks)}"
        if self.zones and not self._holds_at(circumstances.now):
            return f"only within {', '.join(map(_window, self.permission.hours))}"
        return None

    def covers(self, other: "Grant") -> bool:
        """Whether it gives, of the same resource and action, all that the other does, whenever the other does."""
        mine, theirs = self.rule, other.rule
        within = mine.collections is None or (theirs.collections is not None and theirs.collections <= mine.collections)
        return (
            within
            and mine.masked_fields <= theirs.masked_fields
            and (not self.networks or self.networks == other.networks)
            and (not self.zones or self.permission.hours == other.permission.hours)
        )

    def _holds_from(self, address: Address | None) -> bool:
        return address is not None and any(address in network for network in self.networks)

    def _holds_at(self, now: datetime) -> bool:
        for hours, zone in zip(self.permission.hours, self.zones, strict=True):
            if zone is None:
                continue
            there = now.astimezone(zone)
            if DAYS[there.weekday()] in hours.days and hours.start <= f"{there:%H:%M}" < hours.end:
                return True
        return False


def parsed_address(address: str | None) -> Address | None:
    """A client's address; None for what is no address, as of a socket in the file system.

    An IPv4 address that came over an IPv6 socket is what it is.
    """
    if address is None:
        return None
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found


def _zone(name: str) -> ZoneInfo | None:
    """None where this machine does not know the zone that another one knew: hours by its clock never are."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        return None


def _window(hours: Hours) -> str:
    return f"{','.join(hours.days)} {hours.start}-{hours.end} {hours.zone}"


def _told(permission: Permission) -> tuple[str, ...]:
    told = (
        ("collections", permission.collections),
        ("masked fields", permission.masked_fields),
        ("networks", permission.networks),
        ("hours", tuple(map(_window, permission.hours))),
    )
    return tuple(f"{name}: {', '.join(values)}" for name, values in told if values)
