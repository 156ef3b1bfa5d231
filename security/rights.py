"""What roles give, worked out once for all decisions: a table of grants by resource and action."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from security.access import AccessDecision
from security.grants import Grant
from security.roles import INSTALLATION, Policy
from security.scopes import ACTIONS, ANY, RESOURCES, in_scope

Key = tuple[str, str]

ADMINISTRATION: tuple[Key, ...] = (("policies", "administer"), ("users", "administer"))
"""Who has these can give himself everything else of the tenant."""


@dataclass(frozen=True, slots=True)
class Rights:
    """What some roles give within some scopes. `are_always`: no permission of the roles depends on time or network.

    `decided` are decisions that are then the same for every request.
    """

    grants: Mapping[Key, tuple[Grant, ...]]
    are_always: bool
    decided: dict[Key, AccessDecision] = field(default_factory=dict)

    @property
    def are_administration(self) -> bool:
        """Whether they are those of an administrator at any time and from anywhere."""
        return all(any(grant.is_always for grant in self.grants.get(key, ())) for key in ADMINISTRATION)


def compiled(policy: Policy, roles: Collection[str], scopes: Collection[str] | None, *, home: bool) -> Rights:
    """What these roles give within these scopes. `home`: in the tenant that the installation belongs to."""
    grants: dict[Key, list[Grant]] = {}
    are_always = True
    for way, permission in policy.permissions(roles):
        grant = Grant.of(way, permission)
        are_always &= grant.is_always
        for resource in RESOURCES if permission.resource == ANY else (permission.resource,):
            if resource in INSTALLATION and not home:
                continue
            for action in ACTIONS if permission.action == ANY else (permission.action,):
                if in_scope(scopes, resource, action):
                    grants.setdefault((resource, action), []).append(grant)
    return Rights({key: tuple(given) for key, given in grants.items()}, are_always)
