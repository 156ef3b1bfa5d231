"""Rights that somebody does not have: taken, given away, or worked around by scopes."""

import re
from typing import Any

import pytest

from gateway.endpoints import ENDPOINTS
from tests.gateway.attacks.attack import Target, is_problem
from tests.gateway.real import THEIRS

FILLED = {
    "{document_id}": "harbour",
    "{entity}": "Ada",
    "{event_id}": "0b9f5f3e-6a44-4f0e-9d3d-6d3a8a3e4c11",
    "{kind}": "document",
    "{aggregate_id}": "harbour",
    "{correlation_id}": "c1",
    "{name}": "graph",
    "{job_id}": "1",
    "{letter_id}": "1",
    "{account}": "local-admin",
    "{key}": "abc",
}
NOT_A_READERS = [
    one
    for one in ENDPOINTS
    if one.auth_required
    and one.or_else is None
    and (one.resource, one.action)
    not in {(resource, "read") for resource in ("documents", "entities", "relations", "chunks", "storage")}
    and one.resource != "search"
    and (one.resource, one.action) not in {("reasoning", "read"), ("reasoning", "execute")}
]


def path_of(template: str) -> str:
    """With something in each parameter."""
    return re.sub(r"\{\w+\}", lambda found: FILLED.get(found[0], "nothing"), template)


@pytest.mark.parametrize("endpoint", NOT_A_READERS, ids=lambda one: one.subject)
def test_a_reader_may_not(target: Target, endpoint: Any) -> None:
    attacker = target.attacker("reader")
    answer = target.send(attacker, endpoint.method, path_of(endpoint.path), headers={"idempotency-key": "k"})
    assert answer.status_code == 403, answer.text
    is_problem(answer)
    assert target.found_in_audit(attacker, "denied")


ALL = [one for one in ENDPOINTS if one.auth_required]


@pytest.mark.parametrize("endpoint", ALL, ids=lambda one: one.subject)
def test_nobody_may_anything(target: Target, endpoint: Any) -> None:
    attacker = target.attacker()
    answer = target.send(attacker, endpoint.method, path_of(endpoint.path))
    assert answer.status_code == 401, answer.text
    is_problem(answer)
    assert target.found_in_audit(attacker, "denied", tenant=None)


SHARED = ("projections", "models", "previews", "services", "system")
INSTALLATION = [one for one in ALL if one.resource in SHARED and one.or_else is None]


@pytest.mark.parametrize("endpoint", INSTALLATION, ids=lambda one: one.subject)
def test_an_administrator_of_another_tenant_has_no_right_to_what_all_share(target: Target, endpoint: Any) -> None:
    attacker = target.attacker("administrator", tenant=THEIRS)
    answer = target.send(attacker, endpoint.method, path_of(endpoint.path), headers={"idempotency-key": "k"})
    assert answer.status_code == 403, answer.text
    assert target.found_in_audit(attacker, "denied", tenant=THEIRS)


@pytest.mark.parametrize(
    ("scope", "method", "path"),
    [
        ("documents:read", "DELETE", "/api/v1/documents/harbour"),
        ("documents:read", "PUT", "/api/v1/documents/harbour"),
        ("documents:read", "GET", "/api/v1/entities"),
        ("documents:write", "GET", "/api/v1/documents"),
        ("documents:*", "GET", "/api/v1/events"),
        ("*:read", "POST", "/api/v1/users"),
        ("*:read", "POST", "/api/v1/projections/graph/verify"),
        ("users:administer", "POST", "/api/v1/keys"),
        ("users:read", "PATCH", "/api/v1/users/local-admin"),
        ("entities:read", "GET", "/api/v1/audit"),
    ],
)
def test_a_scope_narrows(target: Target, scope: str, method: str, path: str) -> None:
    attacker = target.attacker("administrator", scopes=(scope,))
    answer = target.send(attacker, method, path)
    assert answer.status_code == 403, answer.text
    assert target.found_in_audit(attacker, "denied")


MANAGER = ("auditor", "producer")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/api/v1/users", {"id": "mine", "kind": "user", "roles": ["administrator"]}),
        ("POST", "/api/v1/keys", {"account": "local-admin", "name": "mine"}),
        ("PATCH", "/api/v1/users/{self}", {"roles": ["administrator"]}),
        ("PATCH", "/api/v1/users/local-admin", {"active": False}),
        ("POST", "/api/v1/keys", {"account": "{self}", "name": "mine", "scopes": ["*:*"]}),
        ("DELETE", "/api/v1/keys/abcdefghijklmnop", None),
    ],
)
def test_who_sees_accounts_does_not_change_them(target: Target, method: str, path: str, body: Any) -> None:
    attacker = target.attacker(*MANAGER)
    if body is not None and body.get("account") == "{self}":
        body = {**body, "account": attacker.name}
    answer = target.send(attacker, method, path.replace("{self}", attacker.name), json=body)
    assert answer.status_code == 403, answer.text
    assert target.found_in_audit(attacker, "denied")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/api/v1/users", {"id": "mine-{n}", "kind": "user", "roles": ["administrator"]}),
        ("POST", "/api/v1/users", {"id": "mine-{n}", "kind": "user", "roles": ["reader"]}),
        ("POST", "/api/v1/keys", {"account": "{self}", "name": "wider"}),
        ("POST", "/api/v1/keys", {"account": "{self}", "name": "wider", "scopes": ["documents:read"]}),
        ("PATCH", "/api/v1/users/{self}", {"roles": ["administrator", "operator"]}),
    ],
)
def test_a_narrow_key_of_an_administrator_gives_no_more_than_it_has(
    target: Target, method: str, path: str, body: dict[str, Any]
) -> None:
    """A stolen key must not be a way to one that may everything."""
    attacker = target.attacker("administrator", scopes=("users:administer", "keys:administer"))
    filled = {
        name: value.replace("{self}", attacker.name).replace("{n}", attacker.name) if isinstance(value, str) else value
        for name, value in body.items()
    }
    answer = target.send(attacker, method, path.replace("{self}", attacker.name), json=filled)
    assert answer.status_code == 403, answer.text
    is_problem(answer)
    assert target.found_in_audit(attacker, "denied")


@pytest.mark.parametrize("scopes", [["*:*"], ["documents:read", "users:administer"], ["*:read"]])
def test_a_key_holds_no_more_than_the_roles(target: Target, scopes: list[str]) -> None:
    """An administrator's key for a reader is a reader's key, whatever its scopes are."""
    administrator, reader = target.attacker("administrator"), target.attacker("reader")
    made = target.send(
        administrator, "POST", "/api/v1/keys", json={"account": reader.name, "name": "wide", "scopes": scopes}
    )
    assert made.status_code in (201, 422), made.text
    if made.status_code == 201:
        wide = type(reader)(reader.name, reader.address, made.json()["text"])
        assert target.send(wide, "GET", "/api/v1/users").status_code == 403
        assert target.found_in_audit(wide, "denied")
