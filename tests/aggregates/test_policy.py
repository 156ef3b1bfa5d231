"""The Policy's decisions: sound roles only, no change unless something changes, no change over somebody else's."""

import pytest

from aggregates.cause import RefusedError
from aggregates.policy import MAX_ROLES, Policy, change
from contracts.access import Hours, Permission, Role, RoleDefined, RoleRemoved
from tests.aggregates.scenario import CAUSE, given

BUILT_IN = {"reader", "administrator"}
READ = Permission(resource="documents", action="read")
CLERK = Role(name="clerk", inherits=("reader",), permissions=(READ,))
GUEST, TEMP = Role(name="guest", permissions=(READ,)), Role(name="temp")


def state(*roles: Role) -> Policy | None:
    """The policy after these were defined."""
    return Policy.project(given(*(RoleDefined(role=role) for role in roles), aggregate_id="roles"))


def test_the_first_role_starts_the_policy() -> None:
    (event,) = change(None, [CLERK], CAUSE, built_in=BUILT_IN, expected_version=0, reason="audit")
    assert (event.aggregate_id, event.aggregate_version) == ("roles", 1)
    assert event.event_data == RoleDefined(role=CLERK, reason="audit")


@pytest.mark.parametrize("roles", [[], [CLERK], [CLERK, GUEST]])
def test_the_same_again_changes_nothing(roles: list[Role]) -> None:
    assert change(state(*roles), roles, CAUSE, built_in=BUILT_IN) == ()


def test_only_what_differs_is_an_event() -> None:
    wider = Role(name="guest", permissions=(READ, READ))
    before = given(RoleDefined(role=CLERK), RoleDefined(role=GUEST), RoleDefined(role=TEMP), aggregate_id="roles")
    events = change(Policy.project(before), [wider, CLERK], CAUSE, built_in=BUILT_IN, expected_version=3)
    assert [(event.aggregate_version, event.event_data) for event in events] == [
        (4, RoleRemoved(name="temp")),
        (5, RoleDefined(role=wider)),
    ]
    assert Policy.project([*before, *events]) == Policy(5, {"clerk": CLERK, "guest": wider})


@pytest.mark.parametrize("expected", [0, 1, 3])
def test_a_change_of_another_version_is_refused(expected: int) -> None:
    with pytest.raises(RefusedError, match="is at version 2"):
        change(state(CLERK, GUEST), [CLERK], CAUSE, built_in=BUILT_IN, expected_version=expected)


@pytest.mark.parametrize(
    ("roles", "told"),
    [
        ([CLERK, GUEST, CLERK], "clerk is given twice"),
        ([Role(name="administrator")], "administrator is built in"),
        ([Role(name="a", inherits=("b",))], "a inherits b, which is not there"),
        ([Role(name="a", inherits=("a",))], "a > a inherit each other in a circle"),
        (
            [
                Role(name="a", inherits=("reader", "b")),
                Role(name="b", inherits=("c",)),
                Role(name="c", inherits=("a",)),
            ],
            "a > b > c > a inherit each other in a circle",
        ),
        ([Role(name="z", inherits=("a",)), Role(name="a", inherits=("b",)), Role(name="b", inherits=("a",))], "circle"),
    ],
)
def test_unsound_roles_are_refused(roles: list[Role], told: str) -> None:
    with pytest.raises(RefusedError, match=told):
        change(None, roles, CAUSE, built_in=BUILT_IN)


def test_roles_are_bounded() -> None:
    assert len(change(None, [Role(name=f"r{n}") for n in range(MAX_ROLES)], CAUSE, built_in=BUILT_IN)) == MAX_ROLES
    with pytest.raises(RefusedError, match="257 roles"):
        change(None, [Role(name=f"r{n}") for n in range(MAX_ROLES + 1)], CAUSE, built_in=BUILT_IN)


def test_roles_may_inherit_one_role_by_several_ways() -> None:
    roles = [Role(name="top", inherits=("a", "b")), Role(name="a", inherits=("c",)), Role(name="b", inherits=("c",))]
    assert change(None, [*roles, Role(name="c")], CAUSE, built_in=BUILT_IN)


@pytest.mark.parametrize(
    ("constraint", "told"),
    [
        ({"networks": ("10.0.0.1/8",)}, "host bits"),
        ({"networks": ("10.0.0.0/33",)}, "no|none"),
        ({"networks": ("300.0.0.1",)}, "none"),
        ({"hours": (Hours(start="18:00", end="08:00"),)}, "never are"),
        ({"hours": (Hours(start="08:00", end="08:00"),)}, "never are"),
        ({"hours": (Hours(zone="Europe/Atlantis"),)}, "Europe/Atlantis"),
    ],
)
def test_constraints_that_nobody_can_keep_to_are_refused(constraint: dict[str, object], told: str) -> None:
    permission = Permission.model_validate({"resource": "documents", "action": "read", **constraint})
    with pytest.raises(RefusedError, match=told):
        change(None, [Role(name="a", permissions=(permission,))], CAUSE, built_in=BUILT_IN)
