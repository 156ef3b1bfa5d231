"""The Account's decisions: created once, in these roles, let in or not."""

import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from aggregates import account as accounts
from aggregates.account import Account
from aggregates.cause import RefusedError
from contracts.accounts import AccountCreated, AccountDisabled, AccountEnabled, AccountRolesChanged
from contracts.payload import Payload
from tests.aggregates.scenario import CAUSE, given, payloads

CREATED = AccountCreated(kind="user", roles=("analyst", "reader"))
DISABLED, ENABLED = AccountDisabled(reason="left"), AccountEnabled(reason="came back")


def state(*history: Payload) -> Account:
    """The account after this history."""
    found = Account.project(given(*history, aggregate_id="ada"))
    assert found is not None
    return found


def test_a_new_account_is_active_and_its_roles_are_in_order() -> None:
    (event,) = accounts.create(None, "ada", "user", ["reader", "analyst", "reader"], CAUSE)
    assert (event.aggregate_id, event.aggregate_version, event.event_data) == ("ada", 1, CREATED)
    assert state(CREATED) == Account("ada", 1, "user", ("analyst", "reader"), active=True)


@pytest.mark.parametrize("history", [(CREATED,), (CREATED, DISABLED)])
def test_a_name_is_given_once(history: tuple[Payload, ...]) -> None:
    with pytest.raises(RefusedError, match="'ada'"):
        accounts.create(state(*history), "ada", "service", [], CAUSE)


def test_roles_are_replaced_and_the_same_ones_are_no_news() -> None:
    (event,) = accounts.change_roles(state(CREATED), ["operator"], CAUSE)
    assert event.aggregate_version == 2
    assert event.event_data == AccountRolesChanged(previous=("analyst", "reader"), roles=("operator",))
    assert accounts.change_roles(state(CREATED), ["reader", "analyst"], CAUSE) == ()


def test_disabled_and_enabled_each_once() -> None:
    assert payloads(accounts.disable(state(CREATED), "left", CAUSE)) == [DISABLED]
    assert accounts.disable(state(CREATED, DISABLED), "left", CAUSE) == ()
    assert payloads(accounts.enable(state(CREATED, DISABLED), "came back", CAUSE)) == [ENABLED]
    assert accounts.enable(state(CREATED), "came back", CAUSE) == ()


def test_nothing_happened_to_nobody() -> None:
    assert Account.project([]) is None


@drawn(st.lists(st.tuples(st.sampled_from(["roles", "disable", "enable"]), st.sets(st.sampled_from("abc")))))
def test_the_state_is_what_was_last_asked_for(commands: list[tuple[str, set[str]]]) -> None:
    events = list(accounts.create(None, "ada", "user", [], CAUSE))
    roles: tuple[str, ...] = ()
    active = True
    for command, wanted in commands:
        present = Account.project(events)
        assert present is not None
        if command == "roles":
            events += accounts.change_roles(present, wanted, CAUSE)
            roles = tuple(sorted(wanted))
        else:
            decide = accounts.disable if command == "disable" else accounts.enable
            events += decide(present, None, CAUSE)
            active = command == "enable"
    assert Account.project(events) == Account("ada", len(events), "user", roles, active)
    assert [event.aggregate_version for event in events] == list(range(1, len(events) + 1))
