"""Another tenant's things through every endpoint: the answer is the one for things that do not exist, to the letter."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from annals.composition.use_cases import UseCases
from contracts.ids import entity_id
from gateway.endpoints import ENDPOINTS
from tests.gateway.attacks.attack import Attacker, Target
from tests.gateway.real import OURS, SECRET, THEIRS, root, soon

MISSING = {
    "document": "nowhere",
    "entity": "Nobody",
    "entity id": entity_id("default", "Nobody"),
    "aggregate entity": entity_id("default", "Nobody"),
    "event": "0b9f5f3e-6a44-4f0e-9d3d-6d3a8a3e4c11",
    "correlation": "c-nowhere",
    "question": "question-nobody",
    "letter": "999999999",
    "account": "nobody-here",
    "key": "abcdefghijklmnop",
    "chunk": "0" * 32,
    "relation": "0" * 32,
    "job": "0b9f5f3e6a444f0e9d3d6d3a8a3e4c11",
    "policy": "nothing",
}
"""What there is in no tenant."""


@pytest.fixture(scope="module")
def theirs(target: Target) -> Mapping[str, str]:
    """What there is in the other tenant alone."""

    async def found(use_cases: UseCases) -> dict[str, str]:
        caller = root(THEIRS)
        events = (
            await use_cases.operations.events.of_aggregate(
                caller, "document", SECRET.document_id, after=None, limit=1, deadline=soon()
            )
        ).events
        await use_cases.security.accounts.create(caller, "yolanda", "user", ["administrator"], deadline=soon())
        key = await use_cases.security.api_keys.issue(caller, "yolanda", "theirs", deadline=soon())
        return {
            "document": SECRET.document_id,
            "entity": "Xerxes",
            "entity id": entity_id(THEIRS, "Xerxes"),
            "aggregate entity": entity_id(THEIRS, "Xerxes"),
            "event": str(events[0].event_id),
            "question": f"question-{THEIRS}",
            "letter": str(target.letters[THEIRS]),
            "account": "yolanda",
            "key": key.key.id,
            "chunk": SECRET.chunks[0].chunk_id,
            "relation": SECRET.related.relations[0].relation_id,
        }

    return target.inside.do(found)


@dataclass(frozen=True)
class Try:
    """`path` and `body` hold `{thing}` where the id stands."""

    method: str
    path: str
    thing: str
    body: Any = None
    role: str = "administrator"
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        """For the report."""
        return f"{self.method} {self.path}{'' if self.body is None else ' ' + str(self.body)[:40]} ({self.thing})"


CONTENT = {"title": "T", "text": "Some text."}
TRIES = [
    Try("GET", "/api/v1/documents/{thing}", "document"),
    Try("HEAD", "/api/v1/documents/{thing}", "document"),
    Try("GET", "/api/v1/documents/{thing}/status", "document"),
    Try("GET", "/api/v1/documents/{thing}/chunks", "document"),
    Try("GET", "/api/v1/chunks/{thing}", "chunk"),
    Try("GET", "/api/v1/storage/documents/{thing}", "document"),
    Try("DELETE", "/api/v1/documents/{thing}", "document"),
    Try("DELETE", "/api/v1/documents/{thing}", "document", headers=(("if-match", '"1"'),)),
    Try("PUT", "/api/v1/documents/{thing}", "document", CONTENT, headers=(("if-match", '"5"'),)),
    Try("PUT", "/api/v1/documents/{thing}", "document", CONTENT, headers=(("if-match", '"1"'),)),
    Try("GET", "/api/v1/documents?id_prefix={thing}", "document"),
    Try("GET", "/api/v1/documents?title_prefix=Secretum", "document"),
    Try("GET", "/api/v1/documents?attribute=sentences%3D2&id_prefix={thing}", "document"),
    Try("GET", "/api/v1/relations?document={thing}", "document"),
    Try("GET", "/api/v1/relations?entity={thing}", "entity id"),
    Try("GET", "/api/v1/entities/{thing}", "entity"),
    Try("GET", "/api/v1/entities/{thing}", "entity id"),
    Try("GET", "/api/v1/entities?name_prefix={thing}", "entity"),
    Try("POST", "/api/v1/storage/search", "document", {"query": "Ada", "filters": {"title": "{thing}"}}),
    Try("POST", "/api/v1/storage/traverse", "entity", {"start_entities": ["{thing}"], "max_hops": 8}),
    Try("POST", "/api/v1/storage/traverse", "entity id", {"start_entities": ["{thing}"], "max_hops": 8}),
    Try("GET", "/api/v1/events/{thing}", "event"),
    Try("GET", "/api/v1/events/aggregates/document/{thing}", "document"),
    Try("GET", "/api/v1/events/aggregates/entity/{thing}", "aggregate entity"),
    Try("GET", "/api/v1/events/aggregates/account/{thing}", "account"),
    Try("GET", "/api/v1/events/aggregates/reasoning_query/{thing}", "question"),
    Try("GET", "/api/v1/dead-letters/{thing}", "letter"),
    Try("POST", "/api/v1/dead-letters/retry", "letter", {"ids": ["#{thing}"]}),
    Try("POST", "/api/v1/dead-letters/drop", "letter", {"ids": ["#{thing}"], "reason": "mine"}),
    Try("POST", "/api/v1/processing/reprocess", "document", {"documents": ["{thing}"]}),
    Try("GET", "/api/v1/users/{thing}", "account"),
    Try("PATCH", "/api/v1/users/{thing}", "account", {"active": False}),
    Try("PATCH", "/api/v1/users/{thing}", "account", {"roles": ["reader"]}),
    Try("PATCH", "/api/v1/users/{thing}", "account", {}),
    Try("GET", "/api/v1/keys/{thing}", "key"),
    Try("DELETE", "/api/v1/keys/{thing}", "key"),
    Try("GET", "/api/v1/keys?account={thing}", "account"),
    Try("POST", "/api/v1/keys", "account", {"account": "{thing}", "name": "mine"}),
    Try("GET", "/api/v1/audit?actor={thing}", "account"),
    Try("GET", "/api/v1/storage/documents?id_prefix={thing}", "document"),
    *(
        Try(method, f"/api/v1/entities/{{thing}}/{what}".rstrip("/"), kind, body)
        for kind in ("entity", "entity id")
        for method, what, body in (
            ("GET", "decisions", None),
            ("PATCH", "", {"name": "Mine"}),
            ("POST", "aliases", {"alias": "Mine"}),
            ("DELETE", "aliases/Mine", None),
            ("POST", "merge", {"into": "Ada"}),
            ("POST", "split", {"documents": ["harbour"]}),
            ("POST", "undo", {}),
            ("POST", "judgement", {"valid": False}),
        )
    ),
    Try("POST", "/api/v1/entities/Ada/merge", "entity", {"into": "{thing}"}),
    Try("POST", "/api/v1/entities/Ada/merge", "entity id", {"into": "{thing}"}),
    Try("POST", "/api/v1/entities/Ada/split", "document", {"documents": ["{thing}"]}),
    Try("GET", "/api/v1/relations/{thing}", "relation"),
    Try("PATCH", "/api/v1/relations/{thing}", "relation", {"predicate": "mine"}),
    Try("POST", "/api/v1/relations/{thing}/judgement", "relation", {"valid": False}),
    Try("POST", "/api/v1/relations/{thing}/undo", "relation", {}),
    Try("PATCH", "/api/v1/chunks/{thing}", "chunk", {"start": 0, "end": 5}),
    Try("POST", "/api/v1/chunks/merge", "chunk", {"chunk_ids": [OURS.chunks[0].chunk_id, "{thing}"]}),
    Try("POST", "/api/v1/chunks/{thing}/undo", "chunk", {}),
    Try("POST", "/api/v1/reasoning/queries/{thing}/chains/0/judgement", "question", {"valid": False}),
]


def put_in(value: Any, thing: str) -> Any:
    """`value` with the id in it; `#{thing}` is a number."""
    if isinstance(value, str):
        return int(thing) if value == "#{thing}" else value.replace("{thing}", thing)
    if isinstance(value, list):
        return [put_in(one, thing) for one in value]
    if isinstance(value, dict):
        return {name: put_in(one, thing) for name, one in value.items()}
    return value


def tried(target: Target, attacker: Attacker, one: Try, thing: str) -> httpx.Response:
    """Its answer."""
    body = {} if one.body is None else {"json": put_in(one.body, thing)}
    path = one.path.replace("{thing}", quote(thing, safe=""))
    return target.send(attacker, one.method, path, headers=dict(one.headers), **body)


def told(answer: httpx.Response, thing: str) -> tuple[int, str, list[str]]:
    """All that it says, but the id that was given and what is each request's own: ids, times, counts of limits."""
    text = re.sub(r"urn:annals:request:[\w-]+", "urn", answer.text).replace(thing, "{thing}")
    text = re.sub(r'"(correlation_id|query_id|position|milliseconds|version)":("[^"]*"|\d+)', r'"\1":0', text)
    text = re.sub(r'"(\w*(?:_ms|seconds|timings?|processing_metadata|positions))":(\{[^}]*\}|[\d.]+)', r'"\1":0', text)
    own = {"x-request-id", "date", "ratelimit", "content-length", "annals-position"}
    return answer.status_code, text, sorted(set(answer.headers) - own)


@pytest.mark.parametrize("one", TRIES, ids=lambda one: one.name)
def test_it_is_as_if_it_did_not_exist(target: Target, theirs: Mapping[str, str], one: Try) -> None:
    attacker = target.attacker(one.role)
    thing, missing = theirs[one.thing], MISSING[one.thing]
    real, none = tried(target, attacker, one, thing), tried(target, attacker, one, missing)
    assert real.status_code < 500, real.text
    assert told(real, thing) == told(none, missing)
    for word in ("Yolanda", "Zeno", "Secretum", "yolanda@"):
        assert word not in real.text
    assert target.found_in_audit(attacker, None)


SEARCHES = [
    Try("GET", "/api/v1/search?query={thing}&k=100", "entity"),
    Try("GET", "/api/v1/search?query={thing}&k=100", "document"),
    Try("POST", "/api/v1/storage/search", "entity", {"query": "{thing} met", "k": 100}),
    Try("POST", "/api/v1/reasoning/query", "entity", {"query": "Who met {thing}?"}),
]


@pytest.mark.parametrize("one", SEARCHES, ids=lambda one: one.name)
def test_a_search_finds_nothing_of_theirs(target: Target, theirs: Mapping[str, str], one: Try) -> None:
    """What it finds is near to the query by meaning, and of the caller's tenant."""
    attacker = target.attacker(one.role)
    answer = tried(target, attacker, one, theirs[one.thing])
    assert answer.status_code == 200, answer.text
    for word in ("Yolanda", "Zeno", "Secretum", "Xerxes met", f'"{SECRET.document_id}"'):
        assert word not in answer.text
    assert target.found_in_audit(attacker, "success")


def test_nothing_of_theirs_has_changed(target: Target, theirs: Mapping[str, str]) -> None:
    """After all of these: their document, letter, account and key are what they were."""
    do, caller, letter_id = target.inside.do, root(THEIRS), int(theirs["letter"])
    reading = do(lambda use: use.storage.reading.status(caller, SECRET.document_id, deadline=soon()))
    assert not reading.deleted and reading.version == 5
    account = do(lambda use: use.security.accounts.get(caller, "yolanda", deadline=soon()))
    assert account.active and account.roles == ("administrator",)
    assert do(lambda use: use.security.api_keys.get(caller, theirs["key"], deadline=soon())).revoked_at is None
    letter = do(lambda use: use.operations.dead_letters.get(caller, letter_id, all_tenants=False, deadline=soon()))
    assert letter.status == "open"


LISTS = [one.path for one in ENDPOINTS if one.method == "GET" and "{" not in one.path and "stream" not in one.path]


@pytest.mark.parametrize("path", [path for path in LISTS if path != "/api/v1/search"])
def test_lists_hold_nothing_of_theirs(target: Target, theirs: Mapping[str, str], path: str) -> None:
    attacker = target.attacker("administrator")
    for text in pages(target, attacker, path):
        if path in ("/openapi.json", "/api/v1/audit"):
            continue  # what was tried here is in the tenant's own audit log
        for word in (theirs["document"], theirs["event"], theirs["key"], theirs["entity id"], "yolanda"):
            assert f'"{word}"' not in text
        # The names of entities were sent here, to find them, and are in our own events by that.
        for word in ("Yolanda", "Zeno", "Secretum"):
            assert word not in text


def pages(target: Target, attacker: Attacker, path: str) -> Iterator[str]:
    """Of a list, all of it."""
    cursor: str | None = None
    for _ in range(50):
        query = "" if cursor is None else f"?cursor={quote(cursor)}"
        answer = target.send(attacker, "GET", path + query)
        assert answer.status_code in (200, 503), answer.text
        yield answer.text
        found = answer.json() if answer.headers["content-type"] == "application/json" else {}
        cursor = found.get("next")
        if cursor is None:
            return


@pytest.mark.parametrize("header", ["x-tenant", "x-tenant-id", "tenant", "annals-tenant", "x-scope-orgid"])
def test_a_tenant_is_nothing_that_is_asked_for(target: Target, header: str) -> None:
    attacker = target.attacker("administrator")
    answer = target.send(attacker, "GET", "/api/v1/documents/vault", headers={header: THEIRS})
    assert answer.status_code == 404
    answer = target.send(attacker, "GET", "/api/v1/documents/vault?tenant=theirs&all_tenants=true")
    assert answer.status_code == 422
    assert target.found_in_audit(attacker, "failed")


def test_a_cursor_of_theirs_leads_to_nothing_of_theirs(target: Target) -> None:
    spy, attacker = target.attacker("administrator", tenant=THEIRS), target.attacker("administrator")
    for path in ("/api/v1/entities", "/api/v1/events", "/api/v1/audit"):
        cursor = target.send(spy, "GET", f"{path}?limit=1").json()["next"]
        assert cursor is not None
        answer = target.send(attacker, "GET", f"{path}?cursor={quote(cursor)}")
        assert answer.status_code in (200, 400), answer.text
        for word in ("Yolanda", "Zeno", "Secretum"):
            assert word not in answer.text
        for event in answer.json().get("events", ()):
            assert event["metadata"]["tenant"] == "default"


def test_the_same_id_in_two_tenants_is_two_documents(target: Target) -> None:
    attacker = target.attacker("administrator")
    answer = target.send(attacker, "POST", "/api/v1/documents", json={"id": "vault", "title": "M", "text": "Mine."})
    assert (answer.status_code, answer.json()["outcome"]) == (201, "ingested")
    status = target.inside.do(lambda use: use.storage.reading.status(root(THEIRS), "vault", deadline=soon()))
    assert status.version == 5
    assert target.send(attacker, "DELETE", "/api/v1/documents/vault").status_code == 200


def test_audit_entries_of_theirs_stay_theirs(target: Target) -> None:
    spy = target.attacker("administrator", tenant=THEIRS)
    assert target.send(spy, "GET", "/api/v1/documents").status_code == 200
    assert target.found_in_audit(spy, "success", tenant=THEIRS)
    assert target.audit(actor=spy.name) == []
