"""What a caller of a test may do, decided as everywhere else."""

from datetime import UTC, datetime

from contracts.access import Permission, Role
from security.authorization import RbacAccess, RbacAuthorizationEngine
from security.principal import Principal
from security.roles import Policy


def allowed(*permissions: str | Permission, tenant: str = "ours") -> RbacAccess:
    """Access to these alone, as `documents:read`, or with constraints."""
    role = Role(name="tried", permissions=tuple(map(_permission, permissions)))
    engine = RbacAuthorizationEngine(home=tenant)
    engine.use(tenant, Policy(1, (role,)))
    return engine.access_of(Principal("eve", "user", tenant, ("tried",), None, "test"), None, datetime.now(UTC))


def _permission(permission: str | Permission) -> Permission:
    if isinstance(permission, Permission):
        return permission
    resource, _, action = permission.partition(":")
    return Permission.model_validate({"resource": resource, "action": action})
