"""The bytes that a document was read from, over HTTP: as they were, and nothing that a browser runs."""

import hashlib
from collections.abc import Iterator
from urllib.parse import quote

import psycopg
import pytest

from tests.conftest import PostgresServer
from tests.gateway.attacks.attack import Target, is_problem, open_target
from tests.gateway.real import HOME, THEIRS

PAGE = b"<script>alert(1)</script>\xff\x00"
DIGEST = hashlib.sha256(PAGE).hexdigest()
PATH = "/api/v1/documents"


@pytest.fixture(scope="module")
def served(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    with open_target(postgres_server, "originals", tmp_path_factory.mktemp("originals")) as opened:
        yield opened


def keep(served: Target, document_id: str, **attributes: str) -> str:
    """Store a document that was read from PAGE; returns the path of its original."""
    producer = served.attacker("producer")
    path = f"{PATH}/{quote(document_id, safe='')}"
    document = {"title": "Page", "text": "A page.", "attributes": {"original": DIGEST, **attributes}}
    answer = served.send(producer, "PUT", path, json=document)
    assert answer.status_code == 201, answer.text
    with psycopg.connect(served.gateway.dsn, connect_timeout=10) as connection:
        connection.execute(
            "INSERT INTO annals.originals (tenant, document_id, digest, content) VALUES (%s, %s, %s, %s)",
            (HOME, document_id, bytes.fromhex(DIGEST), PAGE),
        )
    return f"{path}/original"


def test_it_is_downloaded_as_it_was_and_never_run(served: Target) -> None:
    path = keep(served, 'site/é"; x=1.html', format="html")
    answer = served.send(served.attacker("reader"), "GET", path)
    assert (answer.status_code, answer.content) == (200, PAGE)
    assert answer.headers["content-type"] == "text/html"
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''%C3%A9%22%3B%20x%3D1.html"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.headers["etag"] == f'"{DIGEST}"'


def test_what_its_producer_calls_otherwise_is_bytes(served: Target) -> None:
    path = keep(served, "odd", format="text/html; charset=utf-7")
    assert served.send(served.attacker("reader"), "GET", path).headers["content-type"] == "application/octet-stream"


def test_whoever_may_not_see_the_document_sees_no_original(served: Target) -> None:
    path = keep(served, "plan.pdf", format="pdf")
    for who, status in ((served.attacker("reader", tenant=THEIRS), 404), (served.attacker(), 401)):
        answer = served.send(who, "GET", path)
        assert answer.status_code == status, answer.text
        is_problem(answer)
    document = path.removesuffix("/original")
    assert served.send(served.attacker("administrator"), "DELETE", document).status_code in (200, 202, 204)
    assert served.send(served.attacker("reader"), "GET", path).status_code == 404


def test_where_none_was_kept_that_is_said(served: Target) -> None:
    reader = served.attacker("reader")
    for document in ("harbour", "nothing"):
        answer = served.send(reader, "GET", f"{PATH}/{document}/original")
        assert answer.status_code == 404, answer.text
        is_problem(answer)
