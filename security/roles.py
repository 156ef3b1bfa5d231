"""The roles that are built in, and a tenant's policy: those and its own."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from contracts.access import Permission, Role

INSTALLATION = frozenset({"projections", "models", "previews", "services", "system"})
"""What all tenants share. Only the tenant that the installation belongs to has any right to it."""

RESTING = frozenset(
    {
        "entities",
        "relations",
        "chunks",
        "processing",
        "storage",
        "reasoning",
        "search",
        "events",
        "dead_letters",
        "previews",
    }
)
"""What rests on documents: whoever may read only some documents has only what rests on those."""

_READ_KNOWLEDGE = (
    "documents:read",
    "entities:read",
    "relations:read",
    "chunks:read",
    "search:*",
    "reasoning:read",
    "reasoning:execute",
    "storage:read",
)


def _role(name: str, description: str, *permissions: str, inherits: tuple[str, ...] = ()) -> Role:
    parts = (permission.partition(":") for permission in permissions)
    return Role.model_validate(
        {
            "name": name,
            "description": description,
            "inherits": inherits,
            "permissions": tuple({"resource": resource, "action": action} for resource, _, action in parts),
        }
    )


BUILT_IN: Mapping[str, Role] = MappingProxyType(
    {
        role.name: role
        for role in (
            _role("reader", "Reads, searches and asks.", *_READ_KNOWLEDGE),
            _role(
                "analyst",
                "A reader who also sees the events, tries texts out, and corrects what was found and answered.",
                *("events:read", "processing:read", "processing:execute"),
                *("entities:write", "relations:write", "chunks:write", "reasoning:write"),
                inherits=("reader",),
            ),
            _role(
                "producer",
                "Takes documents in, replaces and deletes them, and reads none.",
                *("documents:write", "documents:delete", "processing:read", "processing:execute"),
            ),
            _role(
                "auditor",
                "Sees who may do what and who did what.",
                *("audit:read", "audit:execute", "users:read", "keys:read", "policies:read", "events:read"),
            ),
            _role(
                "operator",
                "Runs the installation, and reads no document.",
                *("system:*", "services:*", "projections:*", "models:*", "processing:*", "dead_letters:*"),
                "webhooks:*",
            ),
            _role("administrator", "Everything within the tenant.", "*:*"),
        )
    }
)
"""No policy changes them: whoever is an administrator stays one, whatever the tenant's own roles become."""


@dataclass(frozen=True, slots=True)
class Policy:
    """A tenant's roles by name. `version` is that of the events it comes from, 0 where there are none."""

    version: int
    own: tuple[Role, ...] = ()

    @property
    def roles(self) -> dict[str, Role]:
        """Built in and own. An own role that is older than a built-in one of its name stays what it was."""
        return {**BUILT_IN, **{role.name: role for role in self.own}}

    def permissions(self, names: Iterable[str]) -> Iterator[tuple[tuple[str, ...], Permission]]:
        """Every permission of these roles, after the way of inheritance to it. Unknown roles have none."""
        roles, seen = self.roles, set[str]()
        ways: list[tuple[str, ...]] = [(name,) for name in reversed(tuple(names))]
        while ways:
            way = ways.pop()
            role = roles.get(way[-1])
            if role is None or role.name in seen:
                continue
            seen.add(role.name)
            yield from ((way, permission) for permission in role.permissions)
            ways += [(*way, inherited) for inherited in reversed(role.inherits)]


DEFAULT_POLICY = Policy(0)
