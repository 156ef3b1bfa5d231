"""Fields that a request may not set: refused, or without any effect."""

from typing import Any

import pytest

from annals.composition.use_cases import UseCases
from tests.gateway.attacks.attack import Target, is_problem, says_nothing
from tests.gateway.real import THEIRS, root, soon

DOCUMENT = {"id": "assigned", "title": "T", "text": "Some text."}
MORE: list[tuple[str, str, dict[str, Any]]] = [
    *[
        ("POST", "/api/v1/documents", {**DOCUMENT, name: value})
        for name, value in {
            "tenant": THEIRS,
            "version": 99,
            "aggregate_version": 99,
            "position": 1,
            "actor": "local-admin",
            "metadata": {"tenant": THEIRS},
            "stage": "processed",
            "delivery_id": "0b9f5f3e-6a44-4f0e-9d3d-6d3a8a3e4c11",
            "expected_version": 0,
            "source": "cli",
            "taken_at": "2000-01-01T00:00:00Z",
            "deleted": True,
            "__proto__": {"admin": True},
            "constructor": {"prototype": {"admin": True}},
            "__class__": "x",
        }.items()
    ],
    ("PUT", "/api/v1/documents/assigned", {**DOCUMENT}),
    ("POST", "/api/v1/users", {"id": "assigned-a", "kind": "user", "roles": ["reader"], "tenant": THEIRS}),
    ("POST", "/api/v1/users", {"id": "assigned-b", "kind": "user", "roles": ["reader"], "version": 7}),
    ("POST", "/api/v1/users", {"id": "assigned-c", "kind": "user", "roles": ["reader"], "password": "x"}),
    ("POST", "/api/v1/users", {"id": "assigned-d", "kind": "user", "roles": ["reader"], "is_admin": True}),
    ("POST", "/api/v1/users", {"id": "assigned-e", "kind": "root", "roles": ["reader"]}),
    ("PATCH", "/api/v1/users/{reader}", {"active": True, "tenant": THEIRS}),
    ("PATCH", "/api/v1/users/{reader}", {"active": True, "id": "local-admin"}),
    ("PATCH", "/api/v1/users/{reader}", {"active": True, "kind": "service"}),
    ("POST", "/api/v1/keys", {"account": "{reader}", "name": "k", "tenant": THEIRS}),
    ("POST", "/api/v1/keys", {"account": "{reader}", "name": "k", "secret_hash": "00"}),
    ("POST", "/api/v1/keys", {"account": "{reader}", "name": "k", "id": "abcdefghijklmnop"}),
    ("POST", "/api/v1/keys", {"account": "{reader}", "name": "k", "created_by": "local-admin"}),
    ("POST", "/api/v1/keys", {"account": "{reader}", "name": "k", "roles": ["administrator"]}),
    ("POST", "/api/v1/storage/search", {"query": "Ada", "tenant": THEIRS}),
    ("POST", "/api/v1/storage/traverse", {"start_entities": ["Ada"], "tenant": THEIRS}),
    ("POST", "/api/v1/dead-letters/drop", {"ids": [1], "reason": "r", "all_tenants": True}),
    ("POST", "/api/v1/dead-letters/retry", {"ids": [1], "all_tenants": True}),
    ("POST", "/api/v1/processing/reprocess", {"documents": ["harbour"], "tenant": THEIRS}),
    ("POST", "/api/v1/reasoning/query", {"query": "Who met Ada?", "tenant": THEIRS}),
    ("POST", "/api/v1/entities/extract", {"text": "Ada.", "tenant": THEIRS}),
    ("POST", "/api/v1/chunks/create", {"text": "Ada.", "tenant": THEIRS}),
]


@pytest.mark.parametrize(("method", "path", "body"), MORE, ids=lambda one: str(one)[:90])
def test_a_field_that_is_not_his_to_set(target: Target, method: str, path: str, body: dict[str, Any]) -> None:
    attacker, reader = target.attacker("administrator"), target.attacker("reader")
    filled = {name: reader.name if value == "{reader}" else value for name, value in body.items()}
    answer = target.send(attacker, method, path.replace("{reader}", reader.name), json=filled)
    assert answer.status_code == 422, answer.text
    is_problem(answer)
    assert answer.json()["errors"]
    assert target.found_in_audit(attacker, "failed")


@pytest.mark.parametrize(
    "query", ["tenant=theirs", "all_tenants=true", "roles=administrator", "limit=1&limit=1000", "as=local-admin"]
)
def test_a_query_that_says_more(target: Target, query: str) -> None:
    attacker = target.attacker("reader")
    answer = target.send(attacker, "GET", f"/api/v1/documents?{query}")
    assert answer.status_code in (200, 422), answer.text
    says_nothing(answer.text)
    assert target.send(attacker, "GET", f"/api/v1/users?{query}").status_code == 403
    assert target.found_in_audit(attacker, "denied")


def test_nobody_came_into_being(target: Target) -> None:

    async def names(use_cases: UseCases) -> list[str]:
        pages = [
            await use_cases.security.accounts.list(root(tenant), limit=1000, deadline=soon())
            for tenant in ("default", THEIRS)
        ]
        return [account.id for page in pages for account in page.accounts]

    assert not [name for name in target.inside.do(names) if name.startswith("assigned")]
