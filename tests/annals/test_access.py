"""`annals access`, on a database alone."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from annals.composition.security import open_security
from annals.composition.stores import open_stores
from annals.settings import load_settings
from security.access import FULL_ACCESS
from services.caller import Caller
from services.deadline import Deadline
from tests.annals.test_audit import Commands

CLERK = {
    "name": "clerk",
    "inherits": ["producer"],
    "permissions": [
        {
            "resource": "documents",
            "action": "read",
            "collections": ["hr"],
            "masked_fields": ["uri"],
            "networks": ["10.0.0.0/8"],
            "hours": [{"days": ["thu"], "start": "09:00", "end": "17:00", "zone": "Europe/Berlin"}],
        }
    ],
}


@pytest.fixture
def commands(tmp_path: Path, dsn: str) -> Commands:
    return Commands(tmp_path / "data", dsn)


def policy(tmp_path: Path, *roles: Any, **more: Any) -> str:
    """A file with these roles."""
    path = tmp_path / "policy.json"
    path.write_text(json.dumps({"roles": roles, **more}))
    return str(path)


def account(tmp_path: Path, dsn: str, name: str, *roles: str) -> None:
    """As another process makes it."""

    async def create() -> None:
        async with open_stores(load_settings(data=tmp_path / "data"), dsn) as stores, open_security(stores) as security:
            caller = Caller("default", "test", "test", FULL_ACCESS)
            await security.accounts.create(caller, name, "user", roles, deadline=Deadline.after(10))

    asyncio.run(create())


def test_roles_are_set_shown_and_set_again(commands: Commands, tmp_path: Path) -> None:
    assert commands.json("access", "show") == {"version": 0, "roles": []}
    done = commands.json("access", "set", policy(tmp_path, CLERK, version=0), "--reason", "audit")
    shown = commands.run("access", "show").stdout
    assert json.loads(shown) == done == commands.json("access", "show") and done["version"] == 1
    again = tmp_path / "again.json"
    again.write_text(shown)
    assert commands.json("access", "set", str(again)) == done
    stale = commands.run("access", "set", policy(tmp_path, version=0))
    assert stale.exit_code == 1 and "version 1, not 0" in stale.stderr
    assert commands.json("access", "set", policy(tmp_path, version=1))["version"] == 2


def test_roles_are_those_of_the_tenant(commands: Commands, tmp_path: Path) -> None:
    commands.json("access", "set", policy(tmp_path, CLERK))
    assert [role["name"] for role in commands.json("access", "roles")["own"]] == ["clerk"]
    assert commands.json("access", "roles", tenant="other")["own"] == []
    listed = commands.run("access", "roles").stdout
    assert "administrator" in listed and "clerk" in listed and "documents:read (collections, hours," in listed


@pytest.mark.parametrize(
    ("roles", "told"),
    [
        ([{"name": "Clerk"}], "roles.0.name"),
        ([{"name": "a", "permissions": [{"resource": "papers", "action": "read"}]}], "permissions.0.resource"),
        ([{"name": "a", "rights": []}], "rights"),
        ([{"name": "reader"}], "built in"),
        ([{"name": "a", "inherits": ["a"]}], "circle"),
    ],
)
def test_what_is_no_policy_is_refused_in_one_line(
    commands: Commands, tmp_path: Path, roles: list[Any], told: str
) -> None:
    done = commands.run("access", "set", policy(tmp_path, *roles))
    assert done.exit_code == 1 and told in done.stderr and len(done.stderr.strip().splitlines()) == 1


def test_a_decision_is_explained(commands: Commands, tmp_path: Path, dsn: str) -> None:
    commands.json("access", "set", policy(tmp_path, CLERK))
    account(tmp_path, dsn, "ada", "clerk")
    where = ("--address", "10.1.1.1", "--at", "2026-11-26T08:00:00")
    found = commands.json("access", "explain", "ada", "documents", "read", "--collection", "hr", *where)
    assert found == {
        "user": "ada",
        "resource": "documents",
        "action": "read",
        "allowed": True,
        "active": True,
        "reason": "",
        "matching_permission": "clerk: documents:read",
        "applied_constraints": [
            "tenant: default",
            "collections: hr",
            "masked fields: uri",
            "networks: 10.0.0.0/8",
            "hours: thu 09:00-17:00 Europe/Berlin",
        ],
        "masked_fields": ["uri"],
        "roles": ["clerk"],
        "unknown_roles": [],
        "policy_version": 1,
    }
    for arguments, told in (
        (("documents", "read", "--collection", "", *where), "only for hr"),
        (("documents", "read", "--address", "10.1.1.1", "--at", "2026-11-27"), "only within thu 09:00-17:00"),
        (("documents", "read", "--at", "2026-11-26T08:00:00"), "only from 10.0.0.0/8"),
        (("documents", "read", "--scope", "events:*", *where), "scopes (events:*)"),
        (("users", "read"), "no permission of his roles (clerk)"),
    ):
        assert told in commands.json("access", "explain", "ada", *arguments, exit_code=1)["reason"]
    said = commands.run("access", "explain", "ada", "documents", "write").stdout
    assert said.startswith("ada may write documents\n") and "by: clerk > producer: documents:write" in said
    assert commands.run("access", "explain", "ghost", "documents", "read").exit_code == 1
