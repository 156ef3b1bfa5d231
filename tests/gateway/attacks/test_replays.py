"""What was sent once and is sent again: by others, for something else, at the same time."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.gateway.attacks.attack import Target, says_nothing, status_of
from tests.gateway.real import THEIRS

PATH = "/api/v1/documents"


def document(name: str, text: str = "Some text.") -> dict[str, Any]:
    """One of this id."""
    return {"id": name, "title": "t", "text": text}


def test_a_key_of_somebody_else_gives_nothing_of_his(target: Target) -> None:
    victim = target.attacker("administrator")
    first = target.send(victim, "POST", PATH, json=document("replay-1"), headers={"idempotency-key": "stolen"})
    assert first.status_code == 201
    for roles, tenant in ((("administrator",), "default"), (("administrator",), THEIRS)):
        attacker = target.attacker(*roles, tenant=tenant)
        answer = target.send(attacker, "POST", PATH, json=document("replay-1"), headers={"idempotency-key": "stolen"})
        assert "idempotency-replayed" not in answer.headers
        assert answer.json()["processing_metadata"] != first.json()["processing_metadata"]
        assert target.found_in_audit(attacker, "success", tenant=tenant)
    reader = target.attacker("reader")
    answer = target.send(reader, "POST", PATH, json=document("replay-1"), headers={"idempotency-key": "stolen"})
    assert answer.status_code == 403
    assert target.found_in_audit(reader, "denied")


@pytest.mark.parametrize("other", ["body", "path", "query", "method"])
def test_a_key_is_good_for_one_request(target: Target, other: str) -> None:
    attacker = target.attacker("administrator")
    headers = {"idempotency-key": "once"}
    assert target.send(attacker, "POST", PATH, json=document("replay-2"), headers=headers).status_code in (200, 201)
    method, path, body = "POST", PATH, document("replay-2")
    if other == "body":
        body = document("replay-2", "Other text.")
    elif other == "path":
        path = "/api/v1/users"
        body = {"id": "replay", "kind": "user", "roles": ["reader"]}
    elif other == "query":
        path = f"{PATH}?a=b"
    else:
        method, path, body = "PUT", f"{PATH}/replay-2", {"title": "t", "text": "Some text."}
    answer = target.send(attacker, method, path, json=body, headers=headers)
    assert answer.status_code == 422, answer.text
    assert answer.json()["type"].endswith("idempotency-key-reused")
    assert target.found_in_audit(attacker, None)


@pytest.mark.parametrize("key", ["", " ", "a b", "ä", "a" * 256, "a\x7f", '"', '""', "a,b\tc"], ids=ascii)
def test_a_key_that_is_none(target: Target, key: str) -> None:
    attacker, body = target.attacker("administrator"), json.dumps(document("replay-3"))
    head = f"POST {PATH} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nConnection: close\r\n"
    proof = f"Authorization: Bearer {attacker.token}\r\nContent-Length: {len(body)}\r\nIdempotency-Key: "
    answer = target.raw(attacker, (head + proof).encode() + key.encode("latin-1") + f"\r\n\r\n{body}".encode())
    assert status_of(answer) == 400, answer
    says_nothing(answer.decode("latin-1"))


def test_twenty_at_once_are_done_once(target: Target) -> None:
    attacker = target.attacker("administrator")

    def once(_: int) -> int:
        answer = target.send(attacker, "POST", PATH, json=document("replay-4"), headers={"idempotency-key": "race"})
        assert answer.status_code in (201, 409), answer.text
        return answer.status_code

    with ThreadPoolExecutor(20) as pool:
        statuses = list(pool.map(once, range(20)))
    assert 201 in statuses
    events = target.send(attacker, "GET", "/api/v1/events/aggregates/document/replay-4").json()["events"]
    assert len(events) == 1


def test_a_revoked_key_replays_nothing(target: Target) -> None:
    attacker, administrator = target.attacker("administrator"), target.attacker("administrator")
    headers = {"idempotency-key": "before"}
    assert target.send(attacker, "POST", PATH, json=document("replay-5"), headers=headers).status_code == 201
    assert attacker.token is not None
    key = attacker.token.split("_")[1]
    assert target.send(administrator, "DELETE", f"/api/v1/keys/{key}").status_code == 200
    assert target.send(attacker, "POST", PATH, json=document("replay-5"), headers=headers).status_code == 401


def test_what_was_lost_of_rights_is_not_given_by_a_replay(target: Target) -> None:
    attacker, administrator = target.attacker("administrator"), target.attacker("administrator")
    headers = {"idempotency-key": "before"}
    assert target.send(attacker, "POST", PATH, json=document("replay-6"), headers=headers).status_code == 201
    changed = target.send(administrator, "PATCH", f"/api/v1/users/{attacker.name}", json={"roles": ["reader"]})
    assert changed.status_code == 200, changed.text
    assert target.send(attacker, "POST", PATH, json=document("replay-6"), headers=headers).status_code == 403
    assert target.found_in_audit(attacker, "denied")


def test_a_secret_is_shown_once(target: Target) -> None:
    """A new key's text is kept nowhere: no replay shows it again."""
    attacker = target.attacker("administrator")
    body = {"account": attacker.name, "name": "k"}
    made = [
        target.send(attacker, "POST", "/api/v1/keys", json=body, headers={"idempotency-key": "key"}) for _ in range(2)
    ]
    assert {one.status_code for one in made} == {201}
    assert made[0].json()["text"] != made[1].json()["text"]
    assert target.send(attacker, "GET", f"/api/v1/keys/{made[0].json()['id']}").json()["text"] is None
