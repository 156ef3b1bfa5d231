"""The Policy: the roles of one tenant beside those that are built in."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from zoneinfo import ZoneInfo

from aggregates.cause import Cause, RefusedError
from contracts.access import ROLES_ID, Permission, Role, RoleDefined, RoleRemoved
from contracts.envelope import DomainEvent
from contracts.payload import Payload

MAX_ROLES = 256


@dataclass(frozen=True, slots=True)
class Policy:
    """State of one tenant's policy."""

    version: int
    roles: Mapping[str, Role]

    @staticmethod
    def project(events: Iterable[DomainEvent], state: "Policy | None" = None) -> "Policy | None":
        """The state after `events`, which go on from `state`."""
        for event in events:
            roles = {} if state is None else dict(state.roles)
            match event.event_data:
                case RoleDefined(role=role):
                    roles[role.name] = role
                case RoleRemoved(name=name):
                    roles.pop(name, None)
            state = Policy(event.aggregate_version, roles)
        return state


def change(
    state: Policy | None,
    roles: Sequence[Role],
    cause: Cause,
    *,
    built_in: Collection[str],
    expected_version: int | None = None,
    reason: str | None = None,
) -> tuple[DomainEvent, ...]:
    """Have these be the tenant's own roles: an event for each that is new, another, or gone.

    `expected_version` is that of the policy that the change was made from, 0 where there was none. Raises RefusedError:
    for another version, too many roles, a name that is built in or given twice, a role that inherits an unknown one
    or itself, and a permission whose hours or networks nobody can keep to.
    """
    version = 0 if state is None else state.version
    if expected_version is not None and expected_version != version:
        raise RefusedError(
            f"the policy is at version {version}, not {expected_version}: somebody changed it meanwhile; "
            "read it again and repeat the change"
        )
    _refuse_unsound(roles, built_in)
    known = {} if state is None else state.roles
    wanted = {role.name: role for role in roles}
    changes: list[Payload] = [RoleRemoved(name=name, reason=reason) for name in known if name not in wanted]
    changes += [RoleDefined(role=role, reason=reason) for role in roles if known.get(role.name) != role]
    return tuple(cause.events(changes, ROLES_ID, version + 1))


def _refuse_unsound(roles: Sequence[Role], built_in: Collection[str]) -> None:
    by_name = {role.name: role for role in roles}
    if len(roles) > MAX_ROLES:
        raise RefusedError(
            f"these are {len(roles)} roles, and a tenant has at most {MAX_ROLES}; have fewer inherit more"
        )
    if len(by_name) < len(roles):
        doubled = next(role.name for role in roles if sum(other.name == role.name for other in roles) > 1)
        raise RefusedError(f"the role {doubled} is given twice; give each once")
    for role in roles:
        if role.name in built_in:
            raise RefusedError(f"the role {role.name} is built in and stays as it is; choose another name")
        for inherited in role.inherits:
            if inherited not in by_name and inherited not in built_in:
                raise RefusedError(
                    f"the role {role.name} inherits {inherited}, which is not there; add it or leave it out"
                )
        circle = _circle(role.name, by_name)
        if circle:
            raise RefusedError(f"the roles {' > '.join(circle)} inherit each other in a circle; break it")
        for permission in role.permissions:
            _refuse_unkept(role.name, permission)


def _circle(start: str, by_name: Mapping[str, Role]) -> tuple[str, ...]:
    """A way from a role back to itself, or nothing."""
    ways: list[tuple[str, ...]] = [(start,)]
    seen: set[str] = set()
    while ways:
        way = ways.pop()
        for inherited in by_name[way[-1]].inherits:
            if inherited == start:
                return (*way, inherited)
            if inherited in by_name and inherited not in seen:
                seen.add(inherited)
                ways.append((*way, inherited))
    return ()


def _refuse_unkept(role: str, permission: Permission) -> None:
    for network in permission.networks:
        try:
            ip_network(network)
        except ValueError as error:
            raise RefusedError(
                f"the role {role} names a network that is none: {error}; write it as 10.0.0.0/8"
            ) from None
    for hours in permission.hours:
        if hours.start >= hours.end:
            raise RefusedError(
                f"the role {role} has hours from {hours.start} to {hours.end}, which never are; "
                "write those past midnight as two"
            )
        try:
            ZoneInfo(hours.zone)
        except (ValueError, OSError, LookupError):
            raise RefusedError(
                f"the role {role} has hours in the zone {hours.zone}, which is unknown; use UTC, say"
            ) from None
