"""Roles and permissions decide (specification 4.1, `RbacAuthorizationEngine`). Deny by default.

Own code instead of Casbin, whose Python edition interprets its matcher for each line of a policy (70 to 190
microseconds a decision with 35 lines), explains no denial, and knows no constraints.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from security.access import NO_ATTRIBUTES, AccessDecision
from security.grants import Circumstances, Grant, parsed_address
from security.principal import Principal
from security.reach import Reach
from security.rights import Rights, compiled
from security.roles import DEFAULT_POLICY, INSTALLATION, RESTING, Policy
from security.scopes import ACTIONS, RESOURCES, in_scope

KEPT_RIGHTS = 1024
"""Combinations of roles and scopes kept for each tenant; beyond, they are worked out anew."""


@dataclass(slots=True)
class _TenantPolicy:
    policy: Policy
    rights: dict[tuple[tuple[str, ...], tuple[str, ...] | None], Rights] = field(default_factory=dict)


class RbacAccess:
    """The Access of one principal, at one time and from one address."""

    __slots__ = ("_circumstances", "_engine", "_principal", "_rights")

    def __init__(
        self, engine: "RbacAuthorizationEngine", principal: Principal, rights: Rights, circumstances: Circumstances
    ) -> None:
        self._engine = engine
        self._principal = principal
        self._rights = rights
        self._circumstances = circumstances

    @property
    def principal(self) -> Principal:
        """Who asks: with the address, what another process decides the same from."""
        return self._principal

    @property
    def address(self) -> str | None:
        """Where the request comes from."""
        address = self._circumstances.address
        return None if address is None else str(address)

    def decide(self, resource: str, action: str, attributes: Mapping[str, str] = NO_ATTRIBUTES) -> AccessDecision:
        """As `Access.decide` says."""
        if not attributes:
            known = self._rights.decided.get((resource, action))
            if known is not None:
                return known
        tenant = attributes.get("tenant", self._principal.tenant)
        if tenant != self._principal.tenant:
            return AccessDecision(False, reason=f"it is of another tenant than {self._principal.tenant}")
        held, refusals = self._held(resource, action)
        collection = attributes.get("collection")
        reach = self._reach(resource, held)
        masked = reach.masked_fields(collection)
        if held and collection is not None and masked is None:
            refusals += [f"{held[0].named} is only for {', '.join(sorted(reach.collections or ())) or 'nothing'}"]
            held = []
        elif collection is not None:
            held = [grant for grant in held if grant.rule.holds_for(collection)]
        if held:
            decision = self._allowed(held, masked)
        else:
            decision = AccessDecision(False, reason=self._why_not(resource, action, refusals))
        if not attributes and self._rights.are_always and (resource, action) in self._rights.grants:
            self._rights.decided[resource, action] = decision
        return decision

    def reach(self, resource: str, action: str) -> Reach:
        """As `Access.reach` says."""
        return self._reach(resource, self._held(resource, action)[0])

    def refusal_to_give(self, roles: Collection[str], scopes: Collection[str] | None = None) -> str | None:
        """As `Access.refusal_to_give` says."""
        tenant, own = self._principal.tenant, self._rights.grants
        for name in roles:
            for (resource, action), grants in self._engine.rights(tenant, (name,), scopes).grants.items():
                mine = own.get((resource, action), ())
                if not all(any(had.covers(given) for had in mine) for given in grants):
                    return (
                        f"the role {name} may {action} {resource}, which {self._principal.id} may not, or not as freely"
                    )
        return None

    def _reach(self, resource: str, held: Iterable[Grant]) -> Reach:
        """What rests on documents is bounded by the documents that the roles let him read, whatever his scopes."""
        own = Reach(tuple(dict.fromkeys(grant.rule for grant in held)))
        if resource not in RESTING:
            return own
        roles = self._engine.rights(self._principal.tenant, self._principal.roles, None)
        documents, _ = self._holding(roles.grants.get(("documents", "read"), ()))
        return own.within(Reach(tuple(grant.rule for grant in documents))) if documents else own

    def _held(self, resource: str, action: str) -> tuple[list[Grant], list[str]]:
        return self._holding(self._rights.grants.get((resource, action), ()))

    def _holding(self, grants: Iterable[Grant]) -> tuple[list[Grant], list[str]]:
        """The grants that hold now and from here, and why others do not."""
        held, refusals = [], []
        for grant in grants:
            refusal = grant.refusal(self._circumstances)
            if refusal is None:
                held.append(grant)
            else:
                refusals.append(f"{grant.named} holds {refusal}")
        return held, refusals

    def _allowed(self, held: list[Grant], masked: frozenset[str] | None) -> AccessDecision:
        """By the widest of them. Of documents of no known collection, all fields count as masked that may be."""
        widest = min(held, key=lambda grant: (grant.rule.collections is not None, len(grant.rule.masked_fields)))
        constraints = (f"tenant: {self._principal.tenant}", *widest.constraints)
        if self._principal.scopes is not None:
            constraints += (f"scopes: {', '.join(self._principal.scopes)}",)
        if masked is None:
            masked = frozenset[str]().union(*(grant.rule.masked_fields for grant in held))
        return AccessDecision(True, widest.named, constraints, masked)

    def _why_not(self, resource: str, action: str, refusals: list[str]) -> str:
        if resource not in RESOURCES or action not in ACTIONS:
            return f"there is no {resource}:{action}"
        if refusals:
            return "; ".join(refusals)
        if not in_scope(self._principal.scopes, resource, action):
            return f"the credential's scopes ({', '.join(self._principal.scopes or ()) or 'none'}) leave it out"
        if resource in INSTALLATION and self._principal.tenant != self._engine.home:
            return f"{resource} belong to the whole installation, and {self._principal.tenant} is one of its tenants"
        if not self._principal.roles:
            return "he has no role"
        return f"no permission of his roles ({', '.join(self._principal.roles)}) gives {resource}:{action}"


class RbacAuthorizationEngine:
    """Decides by the policies that it was last given; a tenant without one has the built-in roles.

    A principal brings the roles that his account has now, so that what is kept for roles cannot be stale for him; what
    is kept for a tenant falls with its policy.
    """

    def __init__(self, home: str) -> None:
        """`home`: the tenant that the installation belongs to."""
        self.home = home
        self._tenants: dict[str, _TenantPolicy] = {}

    def policy(self, tenant: str) -> Policy:
        """The policy in force here."""
        known = self._tenants.get(tenant)
        return DEFAULT_POLICY if known is None else known.policy

    def use(self, tenant: str, policy: Policy) -> None:
        """Decide by this policy from now on."""
        self._tenants[tenant] = _TenantPolicy(policy)

    def access_of(self, principal: Principal, address: str | None, now: datetime) -> RbacAccess:
        """What the principal may do when he asks from this address at this time."""
        rights = self.rights(principal.tenant, principal.roles, principal.scopes)
        circumstances = Circumstances(now, parsed_address(address))
        return RbacAccess(self, principal, rights, circumstances)

    def evaluate_user_access(
        self,
        user: Principal,
        resource: str,
        action: str,
        attributes: Mapping[str, str] = NO_ATTRIBUTES,
        *,
        address: str | None = None,
        now: datetime | None = None,
    ) -> AccessDecision:
        """One decision, as the specification names it."""
        return self.access_of(user, address, now or datetime.now(UTC)).decide(resource, action, attributes)

    def rights(self, tenant: str, roles: tuple[str, ...], scopes: Collection[str] | None) -> Rights:
        """What these roles give within these scopes, kept until the tenant's policy changes."""
        known = self._tenants.setdefault(tenant, _TenantPolicy(DEFAULT_POLICY))
        key = (roles, None if scopes is None else tuple(scopes))
        rights = known.rights.get(key)
        if rights is None:
            if len(known.rights) >= KEPT_RIGHTS:
                known.rights.clear()
            rights = known.rights[key] = compiled(known.policy, roles, scopes, home=tenant == self.home)
        return rights
