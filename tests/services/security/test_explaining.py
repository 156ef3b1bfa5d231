"""Why somebody may do something: the same decision as a request would get."""

from datetime import UTC, datetime

import pytest

from contracts.access import Permission, Role
from eventstore.accounts import AccountReader
from eventstore.pool import PostgresPool
from eventstore.reader import EventReader
from services.caller import Caller
from services.deadline import Deadline
from services.errors import AccessDeniedError, NotFoundError
from services.security.explaining import AccessExplainer, AccessRequest
from tests.services.security.conftest import ROOT, Identities
from tests.support.access import allowed

NOW = datetime(2026, 11, 26, 9, tzinfo=UTC)
CLERK = Role(
    name="clerk",
    permissions=(Permission(resource="documents", action="read", collections=("hr",), networks=("10.0.0.0/8",)),),
)


@pytest.fixture
async def explainer(here: Identities, pool: PostgresPool, reader: EventReader) -> AccessExplainer:
    """Of a tenant with one clerk, whose other role is gone."""
    for roles in ((CLERK, Role(name="gone")), (CLERK,)):
        await here.policies.change(
            ROOT, roles, expected_version=None, reason=None, correlation_id="c", deadline=Deadline.after(20)
        )
        if len(roles) == 2:
            await here.accounts.create(ROOT, "ada", "user", ["clerk", "gone"], deadline=Deadline.after(20))
    return AccessExplainer(AccountReader(pool, reader), here.policies)


async def test_what_allows_and_what_denies(explainer: AccessExplainer) -> None:
    for request, allows, told in (
        (AccessRequest("ada", "documents", "read", address="10.0.0.1"), True, ""),
        (AccessRequest("ada", "documents", "read", "hr", address="10.0.0.1"), True, ""),
        (AccessRequest("ada", "documents", "read", "", address="10.0.0.1"), False, "only for hr"),
        (AccessRequest("ada", "documents", "read"), False, "only from 10.0.0.0/8"),
        (AccessRequest("ada", "documents", "write", address="10.0.0.1"), False, "no permission of his roles"),
        (
            AccessRequest("ada", "documents", "read", scopes=["events:*"], address="10.0.0.1"),
            False,
            "scopes (events:*)",
        ),
    ):
        found = await explainer.explain(ROOT, request, now=NOW, deadline=Deadline.after(20))
        assert found.decision.allowed is allows and told in found.decision.reason
        assert (found.roles, found.unknown_roles, found.policy_version) == (("clerk", "gone"), ("gone",), 3)


async def test_a_disabled_account_is_told(explainer: AccessExplainer, here: Identities) -> None:
    await here.accounts.disable(ROOT, "ada", None, deadline=Deadline.after(20))
    request = AccessRequest("ada", "documents", "read")
    assert not (await explainer.explain(ROOT, request, now=NOW, deadline=Deadline.after(20))).active


async def test_accounts_of_others_are_not_there(explainer: AccessExplainer) -> None:
    theirs = Caller("other", "zoe", "test", ROOT.access)
    with pytest.raises(NotFoundError, match="there is no account 'ada'"):
        await explainer.explain(theirs, AccessRequest("ada", "documents", "read"), now=NOW, deadline=Deadline.after(20))


async def test_only_who_may_read_policies_is_told(explainer: AccessExplainer) -> None:
    for name in ("ada", "nobody"):
        caller = Caller("acme", "eve", "test", allowed("users:read", tenant="acme"))
        with pytest.raises(AccessDeniedError):
            await explainer.explain(
                caller, AccessRequest(name, "documents", "read"), now=NOW, deadline=Deadline.after(20)
            )
