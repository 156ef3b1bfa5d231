"""`annals users`, `annals keys` and `annals tokens`, on a database alone."""

import asyncio
from pathlib import Path

import pytest

from annals.composition.security import open_security
from annals.composition.stores import open_stores
from annals.settings import load_settings
from security.errors import AuthenticationError
from security.principal import Principal
from services.deadline import Deadline
from tests.annals.test_audit import Commands

PASSWORD = "correct horse battery"


@pytest.fixture
def commands(tmp_path: Path, dsn: str) -> Commands:
    return Commands(tmp_path / "data", dsn)


def who(commands: Commands, dsn: str, credential: str) -> Principal | None:
    """Who sends this credential; None where it does not count."""

    async def asked() -> Principal | None:
        async with open_stores(load_settings(data=commands.data), dsn) as stores, open_security(stores) as security:
            try:
                return await security.authentication.authenticate(
                    f"Bearer {credential}", "127.0.0.1", Deadline.after(10)
                )
            except AuthenticationError:
                return None

    return asyncio.run(asked())


def test_users_are_made_changed_and_disabled(commands: Commands) -> None:
    made = commands.json("users", "create", "ada", "--role", "reader", "--role", "analyst")
    assert made == {"id": "ada", "version": 1, "kind": "user", "roles": ["analyst", "reader"], "active": True}
    assert commands.json("users", "create", "robot", "--service")["kind"] == "service"
    assert commands.json("users", "roles", "ada", "producer")["roles"] == ["producer"]
    assert commands.json("users", "disable", "ada", "--reason", "left")["active"] is False
    listed = commands.json("users", "list")
    assert [(one["id"], one["active"]) for one in listed["users"]] == [("ada", False), ("robot", True)]
    assert "disabled" in commands.run("users", "list").stdout
    assert commands.json("users", "enable", "ada") == commands.json("users", "show", "ada")
    assert commands.json("users", "list", tenant="other")["users"] == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("users", "show", "nobody"), "annals users list"),
        (("users", "create", "Ada Lovelace"), "cannot be an account's name"),
        (("users", "create", "ada", "--role", "nothing"), "annals access roles"),
        (("keys", "create", "nobody"), "annals users list"),
        (("keys", "show", "nothing"), "annals keys list"),
        (("tokens", "create", "nobody"), "annals users list"),
        (("tokens", "rotate", "--revoke", "nothing"), "signing-keys"),
    ],
)
def test_what_cannot_be_is_one_line(commands: Commands, arguments: tuple[str, ...], said: str) -> None:
    commands.run("users", "create", "bob")
    done = commands.run(*arguments)
    assert done.exit_code == 1 and said in done.stderr and len(done.stderr.strip().splitlines()) == 1


def test_a_key_is_shown_once_rotated_and_revoked(commands: Commands, dsn: str) -> None:
    commands.run("users", "create", "robot", "--service", "--role", "producer")
    made = commands.json("keys", "create", "robot", "--name", "backup", "--scope", "documents:write", "--days", "2")
    found = who(commands, dsn, made["key"])
    assert found is not None and (found.id, found.scopes) == ("robot", ("documents:write",))
    for output in (commands.run("keys", "list").output, commands.run("keys", "show", made["id"]).output):
        assert made["id"] in output and made["key"] not in output and made["key"][-43:] not in output
    new = commands.json("keys", "rotate", made["id"], "--overlap", "0")
    assert who(commands, dsn, made["key"]) is None
    assert who(commands, dsn, new["key"]) is not None
    assert commands.json("keys", "revoke", new["id"])["revoked_at"] is not None
    assert who(commands, dsn, new["key"]) is None
    assert commands.json("keys", "list", "--account", "robot", tenant="other")["keys"] == []
    forever = commands.run("keys", "create", "robot", "--forever")
    assert forever.stdout.startswith("ann_") and len(forever.stdout.splitlines()) == 1


def test_tokens_are_made_revoked_and_their_keys_rotated(commands: Commands, dsn: str) -> None:
    commands.run("users", "create", "ada", "--role", "reader")
    first, second = (commands.json("tokens", "create", "ada") for _ in range(2))
    assert who(commands, dsn, first["token"]) is not None
    commands.json("tokens", "revoke", first["id"])
    assert who(commands, dsn, first["token"]) is None
    assert who(commands, dsn, second["token"]) is not None
    (old,) = commands.json("tokens", "signing-keys")["signing_keys"]
    states = {key["id"]: key["state"] for key in commands.json("tokens", "rotate")["signing_keys"]}
    assert states.pop(old["id"]) == "signs" and list(states.values()) == ["published"]
    commands.json("tokens", "rotate", "--revoke", old["id"])
    assert who(commands, dsn, second["token"]) is None
    third = commands.json("tokens", "create", "ada", "--minutes", "5", "--scope", "documents:read")
    assert who(commands, dsn, third["token"]) is not None
    commands.json("tokens", "revoke", "--account", "ada")
    assert who(commands, dsn, third["token"]) is None
    assert commands.json("tokens", "list")["sign_ins"] == []


@pytest.mark.parametrize(
    "arguments", [("revoke",), ("revoke", "a", "--account", "ada"), ("create", "ada", "--minutes", "61")]
)
def test_wrong_usage_is_refused(commands: Commands, arguments: tuple[str, ...]) -> None:
    assert commands.run("tokens", *arguments).exit_code == 2
