"""Who may do what: roles, inheritance, constraints, scopes, and why not. Deny by default."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.access import Hours, Permission, Role
from security.access import FULL_ACCESS, AccessDecision
from security.authorization import RbacAuthorizationEngine
from security.principal import Principal
from security.reach import EVERYTHING
from security.roles import BUILT_IN, INSTALLATION, Policy
from security.scopes import ACTIONS, RESOURCES, WrongScopeError, checked_scopes

HOME, THURSDAY = "home", datetime(2026, 11, 26, 9, 30, tzinfo=UTC)


def who(*roles: str, scopes: tuple[str, ...] | None = None, tenant: str = HOME) -> Principal:
    return Principal("ada", "user", tenant, roles, scopes, "token-1")


def may(resource: str, action: str, **constraints: Any) -> Permission:
    return Permission.model_validate({"resource": resource, "action": action, **constraints})


def engine(*roles: Role, tenant: str = HOME) -> RbacAuthorizationEngine:
    made = RbacAuthorizationEngine(HOME)
    made.use(tenant, Policy(1, roles))
    return made


def decide(
    principal: Principal, what: str, *roles: Role, collection: str | None = None, **circumstances: Any
) -> AccessDecision:
    attributes = {} if collection is None else {"collection": collection}
    resource, _, action = what.partition(":")
    circumstances.setdefault("now", THURSDAY)
    return engine(*roles).evaluate_user_access(principal, resource, action, attributes, **circumstances)


def test_nothing_is_allowed_without_a_role() -> None:
    for resource in RESOURCES:
        for action in ACTIONS:
            assert not decide(who(), f"{resource}:{action}").allowed
            assert not decide(who("no-such-role"), f"{resource}:{action}").allowed


@pytest.mark.parametrize(
    ("role", "allowed", "denied"),
    [
        ("reader", "documents:read search:execute reasoning:execute", "documents:write events:read users:read"),
        ("analyst", "documents:read events:read processing:execute entities:write", "documents:delete audit:read"),
        ("producer", "documents:write documents:delete processing:execute", "documents:read search:read events:read"),
        ("auditor", "audit:read policies:read keys:read", "documents:read policies:administer users:write"),
        ("operator", "system:administer projections:execute dead_letters:write", "documents:read users:write"),
        ("administrator", " ".join(f"{r}:{a}" for r in RESOURCES for a in ACTIONS), ""),
    ],
)  # fmt: skip
def test_built_in_roles(role: str, allowed: str, denied: str) -> None:
    assert [what for what in allowed.split() if not decide(who(role), what).allowed] == []
    assert [what for what in denied.split() if decide(who(role), what).allowed] == []


def test_every_built_in_role_is_tried() -> None:
    tried = {mark.args[1][n][0] for mark in test_built_in_roles.pytestmark for n in range(len(mark.args[1]))}  # type: ignore[attr-defined]
    assert tried == set(BUILT_IN)


def test_the_decision_names_the_way_of_inheritance() -> None:
    decision = decide(who("clerk"), "documents:read", Role(name="clerk", inherits=("analyst",)))
    assert decision.matching_permission == "clerk > analyst > reader: documents:read"
    assert decision.applied_constraints == ("tenant: home",)


def test_what_does_not_exist_is_denied_even_to_administrators() -> None:
    for what in ("nothing:read", "documents:burn", "*:read", "documents:*"):
        decision = decide(who("administrator"), what)
        assert not decision.allowed and decision.reason == f"there is no {what}"


@pytest.mark.parametrize("resource", sorted(INSTALLATION))
def test_what_tenants_share_is_only_for_the_tenant_at_home(resource: str) -> None:
    assert decide(who("administrator"), f"{resource}:read").allowed
    decision = decide(who("administrator", tenant="acme"), f"{resource}:read")
    assert not decision.allowed and "whole installation" in decision.reason


def test_objects_of_another_tenant_are_denied() -> None:
    made = engine()
    for tenant, allowed in ((HOME, True), ("acme", False)):
        decision = made.evaluate_user_access(who("administrator"), "documents", "read", {"tenant": tenant})
        assert decision.allowed is allowed


def test_a_policy_is_of_its_tenant_alone() -> None:
    made = engine(Role(name="clerk", permissions=(may("documents", "read"),)), tenant="acme")
    assert made.evaluate_user_access(who("clerk", tenant="acme"), "documents", "read").allowed
    assert not made.evaluate_user_access(who("clerk"), "documents", "read").allowed


class TestConstraints:
    """Collections, masked fields, hours, networks."""

    HR = Role(name="hr", permissions=(may("documents", "read", collections=("hr", "legal"), masked_fields=("uri",)),))

    def test_collection(self) -> None:
        assert decide(who("hr"), "documents:read", self.HR, collection="hr").allowed
        for other in ("", "sales", "HR", "hr "):
            decision = decide(who("hr"), "documents:read", self.HR, collection=other)
            assert not decision.allowed and decision.reason == "hr: documents:read is only for hr, legal"

    def test_the_kind_as_such_is_allowed_and_says_its_constraints(self) -> None:
        decision = decide(who("hr"), "documents:read", self.HR)
        assert decision.allowed and decision.masked_fields == {"uri"}
        assert decision.applied_constraints == ("tenant: home", "collections: hr, legal", "masked fields: uri")

    def test_a_field_is_seen_that_one_permission_shows(self) -> None:
        open_hr = Role(name="open", permissions=(may("documents", "read", collections=("hr",)),))
        all_masked = Role(name="all", permissions=(may("documents", "*", masked_fields=("title", "uri")),))
        roles = (self.HR, open_hr, all_masked)
        shown = {
            collection: decide(who("hr", "open", "all"), "documents:read", *roles, collection=collection).masked_fields
            for collection in ("hr", "legal", "sales")
        }
        assert shown == {"hr": set(), "legal": {"uri"}, "sales": {"title", "uri"}}
        assert decide(who("hr", "open", "all"), "documents:read", *roles).masked_fields == {"title", "uri"}

    @pytest.mark.parametrize(
        ("moment", "allowed"),
        [
            ("2026-11-26T07:59:59+00:00", False),
            ("2026-11-26T08:00:00+00:00", True),
            ("2026-11-26T15:59:59+00:00", True),
            ("2026-11-26T16:00:00+00:00", False),
            ("2026-11-28T12:00:00+00:00", False),  # a Saturday
            ("2026-07-23T07:30:00+00:00", True),  # half past nine in Berlin's summer
        ],
    )
    def test_hours(self, moment: str, allowed: bool) -> None:
        hours = Hours(days=("mon", "tue", "wed", "thu", "fri"), start="09:00", end="17:00", zone="Europe/Berlin")
        day = Role(name="day", permissions=(may("documents", "read", hours=(hours,)),))
        decision = decide(who("day"), "documents:read", day, now=datetime.fromisoformat(moment))
        assert decision.allowed is allowed
        assert allowed or "09:00-17:00 Europe/Berlin" in decision.reason

    def test_hours_of_a_zone_that_is_unknown_here_never_are(self) -> None:
        hours = Hours(zone="Europe/Atlantis")
        decision = decide(who("day"), "documents:read", Role(name="day", permissions=(may("*", "*", hours=(hours,)),)))
        assert not decision.allowed and "Europe/Atlantis" in decision.reason

    @pytest.mark.parametrize(
        ("address", "allowed"),
        [
            ("10.1.2.3", True),
            ("::ffff:10.1.2.3", True),
            ("11.0.0.1", False),
            ("fd00::1%eth0", True),
            ("fe80::1", False),
            ("", False),
            ("10.1.2.3, 11.0.0.1", False),
            ("a socket", False),
            (None, False),
        ],
    )
    def test_networks(self, address: str | None, allowed: bool) -> None:
        inside = Role(name="in", permissions=(may("documents", "read", networks=("10.0.0.0/8", "fd00::/8")),))
        decision = decide(who("in"), "documents:read", inside, address=address)
        assert decision.allowed is allowed and (allowed or "only from 10.0.0.0/8" in decision.reason)

    def test_one_access_never_decides_for_another_time_or_address(self) -> None:
        inside = Role(name="in", permissions=(may("documents", "read", networks=("10.0.0.0/8",)),))
        made = engine(inside)
        for address, allowed in (("10.0.0.1", True), ("11.0.0.1", False), ("10.0.0.1", True)):
            access = made.access_of(who("in"), address, THURSDAY)
            assert access.decide("documents", "read").allowed is allowed
            assert bool(access.reach("documents", "read").rules) is allowed


class TestScopes:
    """A credential's scopes only ever narrow."""

    def test_a_scope_gives_nothing_that_the_roles_do_not(self) -> None:
        assert not decide(who("reader", scopes=("*:*",)), "documents:write").allowed

    @pytest.mark.parametrize("scope", ["documents:read", "documents:*", "*:read", "*:*"])
    def test_within_a_scope(self, scope: str) -> None:
        decision = decide(who("administrator", scopes=(scope,)), "documents:read")
        assert decision.allowed and f"scopes: {scope}" in decision.applied_constraints

    @pytest.mark.parametrize("scopes", [(), ("documents:write",), ("events:*",), ("*:write",), ("document:read",)])
    def test_outside_of_the_scopes(self, scopes: tuple[str, ...]) -> None:
        decision = decide(who("administrator", scopes=scopes), "documents:read")
        assert not decision.allowed and "scopes" in decision.reason

    @pytest.mark.parametrize(
        "scope", ["documents", "documents:", ":read", "documents:burn", "papers:read", "a:b:c", ""]
    )
    def test_scopes_that_never_match_are_refused(self, scope: str) -> None:
        with pytest.raises(WrongScopeError, match="RESOURCE:ACTION"):
            checked_scopes([scope])

    def test_scopes_are_kept_in_order_and_once(self) -> None:
        assert checked_scopes(["search:*", "documents:read", "search:*"]) == ("documents:read", "search:*")


class TestGiving:
    """Nobody gives away more than he has."""

    HR = Role(name="hr", permissions=(may("documents", "read", collections=("hr",), masked_fields=("uri",)),))
    CLERK = Role(name="clerk", inherits=("reader",), permissions=(may("users", "write"),))
    HR_CLERK = Role(name="hr-clerk", permissions=(may("documents", "read", collections=("hr",)), may("users", "write")))

    @pytest.mark.parametrize(
        ("giver", "given_role", "allowed"),
        [
            ("administrator", "administrator", True),
            ("clerk", "reader", True),
            ("clerk", "clerk", True),
            ("clerk", "hr", True),
            ("clerk", "analyst", False),
            ("clerk", "administrator", False),
            ("hr-clerk", "hr", True),
            ("hr-clerk", "reader", False),
            ("hr", "hr-clerk", False),
        ],
    )
    def test_roles(self, giver: str, given_role: str, allowed: bool) -> None:
        access = engine(self.HR, self.CLERK, self.HR_CLERK).access_of(who(giver), None, THURSDAY)
        assert (access.refusal_to_give([given_role]) is None) is allowed

    def test_a_narrowed_credential_gives_only_what_it_may_do(self) -> None:
        access = engine().access_of(who("administrator", scopes=("users:write",)), None, THURSDAY)
        assert access.refusal_to_give(["reader"]) is not None

    def test_a_narrowed_credential_gives_what_is_as_narrow(self) -> None:
        access = engine().access_of(who("administrator", scopes=("keys:*", "documents:read")), None, THURSDAY)
        assert access.refusal_to_give(["reader"], ["documents:read"]) is None
        assert access.refusal_to_give(["reader"], ["documents:*", "search:*"]) is not None

    def test_what_holds_at_times_is_not_given_for_ever(self) -> None:
        hours = (Hours(start="09:00", end="17:00"),)
        day = Role(name="day", permissions=(may("documents", "read", hours=hours),))
        always = Role(name="always", permissions=(may("documents", "read"),))
        made = engine(day, always)
        assert made.access_of(who("day"), None, THURSDAY).refusal_to_give(["day"]) is None
        assert made.access_of(who("day"), None, THURSDAY).refusal_to_give(["always"]) is not None
        assert made.access_of(who("always"), None, THURSDAY).refusal_to_give(["day"]) is None


def test_what_was_decided_falls_with_the_policy() -> None:
    clerk = Role(name="clerk", permissions=(may("documents", "read"),))
    made = engine(clerk)
    assert made.evaluate_user_access(who("clerk"), "documents", "read").allowed
    made.use(HOME, Policy(2, ()))
    assert not made.evaluate_user_access(who("clerk"), "documents", "read").allowed
    made.use(HOME, Policy(3, (clerk,)))
    assert made.evaluate_user_access(who("clerk"), "documents", "read").allowed


def test_full_access_sees_everything() -> None:
    assert FULL_ACCESS.decide("documents", "read").allowed and FULL_ACCESS.reach("documents", "read") is EVERYTHING
    assert FULL_ACCESS.refusal_to_give(["administrator"]) is None


COLLECTIONS = ("hr", "legal", "sales")
PERMISSIONS = st.builds(
    Permission,
    resource=st.sampled_from(("documents", "*", "events")),
    action=st.sampled_from(("read", "*", "write")),
    collections=st.lists(st.sampled_from(COLLECTIONS), unique=True).map(tuple),
    masked_fields=st.lists(st.sampled_from(("title", "uri", "attributes.salary")), unique=True).map(tuple),
)
ROLES = st.lists(PERMISSIONS, max_size=4).map(lambda permissions: Role(name="tried", permissions=tuple(permissions)))
SCOPES = st.none() | st.lists(st.sampled_from(("documents:read", "*:read", "events:*"))).map(tuple)


@given(ROLES, SCOPES, st.sampled_from(("", *COLLECTIONS, "other")))
def test_a_decision_on_an_object_and_the_reach_agree(
    role: Role, scopes: tuple[str, ...] | None, collection: str
) -> None:
    access = engine(role).access_of(who("tried", scopes=scopes), None, THURSDAY)
    decision = access.decide("documents", "read", {"collection": collection})
    reach = access.reach("documents", "read")
    masked = reach.masked_fields(collection)
    assert decision.allowed == (masked is not None)
    assert decision.masked_fields == (masked or frozenset())
    seen, searched = reach.collections, reach.searched
    assert decision.allowed == (seen is None or collection in seen)
    assert (masked is not None and "title" not in masked) == (searched is None or collection in searched)
    if not access.decide("documents", "read").allowed:
        assert not decision.allowed and seen == frozenset()


@given(ROLES, ROLES)
def test_more_permissions_never_take_anything_away(one: Role, other: Role) -> None:
    both = Role(name="both", permissions=(*one.permissions, *other.permissions))
    for collection in ("", *COLLECTIONS):
        alone = decide(who("tried"), "documents:read", one, collection=collection)
        together = decide(who("both"), "documents:read", both, collection=collection)
        assert together.allowed >= alone.allowed
        if alone.allowed:
            assert together.masked_fields <= alone.masked_fields


@given(ROLES, SCOPES)
def test_scopes_never_widen(role: Role, scopes: tuple[str, ...] | None) -> None:
    for resource in ("documents", "events"):
        for action in ACTIONS:
            narrowed = decide(who("tried", scopes=scopes), f"{resource}:{action}", role)
            assert narrowed.allowed <= decide(who("tried"), f"{resource}:{action}", role).allowed


@given(ROLES, ROLES)
def test_who_sees_the_same_shares_a_key_and_nobody_else(one: Role, other: Role) -> None:
    reaches = [engine(role).access_of(who("tried"), None, THURSDAY).reach("documents", "read") for role in (one, other)]
    if reaches[0].key == reaches[1].key:
        for collection in ("", *COLLECTIONS):
            assert reaches[0].masked_fields(collection) == reaches[1].masked_fields(collection)


class TestWhatRestsOnDocuments:
    """Passages, answers, events and the like are bounded by the documents that may be read."""

    HR = Role(
        name="hr",
        permissions=(may("documents", "read", collections=("hr", "legal")), may("search", "*"), may("chunks", "*")),
    )

    @pytest.mark.parametrize("scopes", [None, ("search:*",), ("search:read", "documents:read")])
    def test_they_are_of_the_same_collections(self, scopes: tuple[str, ...] | None) -> None:
        access = engine(self.HR).access_of(who("hr", scopes=scopes), None, THURSDAY)
        assert access.reach("search", "read").collections == frozenset({"hr", "legal"})
        assert access.decide("search", "read", {"collection": "hr"}).allowed
        denied = access.decide("search", "read", {"collection": ""})
        assert not denied.allowed and "only for hr, legal" in denied.reason

    def test_their_own_constraints_narrow_them_further(self) -> None:
        role = Role(
            name="both",
            permissions=(
                may("documents", "read", collections=("hr", "legal"), masked_fields=("uri",)),
                may("search", "read", collections=("legal", "sales"), masked_fields=("title",)),
            ),
        )
        reach = engine(role).access_of(who("both"), None, THURSDAY).reach("search", "read")
        assert reach.collections == frozenset({"legal"}) and reach.masked_fields("legal") == frozenset({"uri", "title"})
        assert reach.searched == frozenset()

    def test_who_reads_no_documents_has_what_he_is_given(self) -> None:
        asker = Role(name="asker", permissions=(may("reasoning", "execute"),))
        assert engine(asker).access_of(who("asker"), None, THURSDAY).reach("reasoning", "execute").is_everything

    def test_hours_of_the_documents_are_theirs(self) -> None:
        role = Role(
            name="day",
            permissions=(
                may("documents", "read", hours=(Hours(start="09:00", end="17:00"),)),
                may("documents", "read", collections=("open",)),
                may("search", "read"),
            ),
        )
        made = engine(role)
        for hour, everything in ((10, True), (20, False), (11, True)):
            access = made.access_of(who("day"), None, THURSDAY.replace(hour=hour))
            assert access.reach("search", "read").is_everything is everything
            assert access.decide("search", "read", {"collection": "other"}).allowed is everything
