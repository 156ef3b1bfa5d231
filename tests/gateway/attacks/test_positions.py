"""How much happens in the log, which is everybody's, is told to whoever runs the installation and to nobody else."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.gateway.attacks.attack import Attacker, Target, is_problem
from tests.gateway.real import HOME, THEIRS

COUNTING = ("position", "partition", "offset", "head")
"""Names of what counts the events or the messages of all tenants."""
DOCUMENT = {"id": "positions/one", "title": "Skua", "text": "The Skua sank off Tern Island."}
LINE = json.dumps(DOCUMENT | {"id": "positions/line"}) + "\n"
WALK = {"start_entities": ["Xerxes"], "max_hops": 2}
TOLD: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/api/v1/documents", {"json": DOCUMENT}),
    ("PUT", "/api/v1/documents/positions%2Ftwo", {"json": {"title": "Skua", "text": "The Skua sank."}}),
    ("POST", "/api/v1/documents/lines", {"content": LINE, "headers": {"content-type": "application/x-ndjson"}}),
    ("GET", "/api/v1/documents/positions%2Fone/status", {}),
    ("DELETE", "/api/v1/documents/positions%2Ftwo", {}),
    ("GET", "/api/v1/events?limit=2", {}),
    ("GET", "/api/v1/events/aggregates/document/positions%2Fone?limit=1", {}),
    ("GET", "/api/v1/dead-letters", {}),
    ("POST", "/api/v1/storage/traverse", {"json": WALK}),
    ("GET", "/api/v1/status", {}),
]


def numbers_in(value: Any, name: str = "") -> Iterator[tuple[str, int]]:
    """Every number that counts what is everybody's, with its name; `positions` has one a name."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield from numbers_in(one, "position" if name == "positions" else key)
    elif isinstance(value, list):
        for one in value:
            yield from numbers_in(one, name)
    elif isinstance(value, int) and not isinstance(value, bool) and name in COUNTING:
        yield name, value


def cursor_in(answer: httpx.Response) -> list[str]:
    """The parts of a page's cursor."""
    cursor = answer.json().get("next") if answer.headers["content-type"] == "application/json" else None
    return json.loads(base64.urlsafe_b64decode(cursor + "==")) if cursor else []


@pytest.fixture(scope="module")
def tenant(target: Target) -> Attacker:
    """Who administers a tenant, and not the installation."""
    return target.attacker("administrator", tenant=THEIRS)


@pytest.mark.parametrize(("method", "path", "request_"), TOLD, ids=lambda one: one if isinstance(one, str) else "")
def test_no_answer_counts_what_others_do(
    target: Target, tenant: Attacker, method: str, path: str, request_: dict[str, Any]
) -> None:
    answer = target.send(tenant, method, path, **request_)
    assert answer.is_success, answer.text
    bodies = (
        [json.loads(line) for line in answer.text.splitlines() if line]
        if "ndjson" in answer.headers["content-type"]
        else [answer.json()]
    )
    assert not list(numbers_in(bodies))
    assert not answer.headers.get("annals-position", "x").isdigit()
    if path.startswith("/api/v1/events?"):
        assert len(cursor_in(answer)) == 2 and not cursor_in(answer)[1].isdigit()
    assert target.found_in_audit(tenant, None, THEIRS)


def test_who_runs_the_installation_sees_them(target: Target) -> None:
    """So the test above would see a number."""
    operator = target.attacker("administrator", tenant=HOME)
    answer = target.send(operator, "POST", "/api/v1/documents", json=DOCUMENT)
    position = int(answer.headers["annals-position"])
    assert ("position", position) in list(numbers_in(answer.json()))
    assert list(numbers_in(target.send(operator, "GET", "/api/v1/events?limit=2").json()))
    read = target.send(operator, "GET", "/api/v1/documents", headers={"annals-position": str(position - position)})
    assert read.status_code == 200


def test_a_stream_has_sealed_ids(target: Target, tenant: Attacker) -> None:
    transport = httpx.HTTPTransport(local_address=tenant.address, verify=False)
    with (
        httpx.Client(base_url=target.gateway.url, transport=transport, timeout=40, headers=tenant.headers) as client,
        client.stream("GET", "/api/v1/events/stream") as stream,
    ):
        ids = []
        target.send(tenant, "POST", "/api/v1/documents", json=DOCUMENT | {"text": "It sank twice."})
        for line in stream.iter_lines():
            if line.startswith("id: "):
                ids.append(line[4:])
            if line.startswith("data: "):
                assert not list(numbers_in(json.loads(line[6:])))
                break
    assert len(ids) == 2 and not any(one.isdigit() for one in ids)
    with (
        httpx.Client(base_url=target.gateway.url, transport=transport, timeout=40, headers=tenant.headers) as client,
        client.stream("GET", "/api/v1/events/stream", headers={"last-event-id": ids[0]}) as stream,
    ):
        assert any(
            "It sank" in line or "DocumentIngested" in line or "DocumentUpdated" in line for line in stream.iter_lines()
        )


def test_what_was_sealed_is_the_tenants_own(target: Target, tenant: Attacker) -> None:
    """What others were given, numbers, and what was made up, is all told alike."""
    reader = target.attacker("reader", tenant=HOME)
    own = target.send(tenant, "POST", "/api/v1/documents", json=DOCUMENT).headers["annals-position"]
    assert target.send(tenant, "GET", "/api/v1/documents", headers={"annals-position": own}).status_code in (200, 503)
    flipped = ("B" if own[0] == "A" else "A") + own[1:]
    told = set()
    for who, value in ((reader, own), (tenant, flipped), (tenant, "0"), (tenant, "999999999"), (tenant, "A" * 48)):
        for path, name in (("/api/v1/documents", "annals-position"), ("/api/v1/events/stream", "last-event-id")):
            answer = target.send(who, "GET", path, headers={name: value})
            if answer.status_code == 403:
                continue
            assert answer.status_code == 400, (path, value, answer.text)
            is_problem(answer)
            told.add((answer.json()["type"], answer.json()["detail"]))
    assert told == {
        ("urn:annals:problem:wrong-position", "This is no position that you were given; send one back as it came.")
    }
