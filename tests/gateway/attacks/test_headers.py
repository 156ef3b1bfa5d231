"""Headers that would change who asks, what is asked, or where the answer goes."""

from collections.abc import Mapping

import httpx
import pytest

from tests.gateway.attacks.attack import Target, is_problem, says_nothing, status_of

OVERRIDES: list[Mapping[str, str]] = [
    {"x-http-method-override": "DELETE"},
    {"x-http-method": "DELETE"},
    {"x-method-override": "DELETE"},
    {"x-original-url": "/api/v1/users"},
    {"x-rewrite-url": "/api/v1/users"},
    {"x-original-uri": "/api/v1/users"},
    {"x-override-url": "/api/v1/users"},
    {"x-forwarded-prefix": "/api/v1/users"},
    {"x-forwarded-path": "/api/v1/users"},
    {"x-accel-redirect": "/etc/passwd"},
    {"x-sendfile": "/etc/passwd"},
    {"destination": "/api/v1/documents/other"},
    {"range": "bytes=0-1,0-1,0-1,0-1,0-1"},
    {"te": "trailers"},
    {"upgrade": "h2c", "connection": "Upgrade, HTTP2-Settings", "http2-settings": "AAMAAABkAAQAAP__"},
    {"upgrade": "websocket", "connection": "Upgrade", "sec-websocket-key": "x", "sec-websocket-version": "13"},
    {"connection": "authorization"},
    {"connection": "close, x-request-id"},
    {"accept": "../../etc/passwd"},
    {"accept-encoding": "gzip;q=1, gzip;q=0, br, *;q=1e999"},
    {"accept-language": "../../../etc/passwd"},
    {"if-none-match": "*"},
    {"x-request-id": "a" * 5000},
    {"traceparent": "00-" + "0" * 32 + "-" + "0" * 16 + "-01"},
    {"traceparent": "ff-" + "1" * 32 + "-" + "1" * 16 + "-01"},
    {"prefer": "wait=999999999999"},
    {"prefer": "wait=-1, wait=1e9"},
    {"cookie": "; ".join(["a=b"] * 200)},
]


@pytest.mark.parametrize("headers", OVERRIDES, ids=str)
def test_a_header_changes_nothing_of_what_is_asked(target: Target, headers: Mapping[str, str]) -> None:
    attacker = target.attacker("reader")
    plain = target.send(attacker, "GET", "/api/v1/documents/harbour")
    answer = target.send(attacker, "GET", "/api/v1/documents/harbour", headers=headers)
    assert (answer.status_code, answer.json()) == (200, plain.json()), answer.text
    assert "upgrade" not in answer.headers
    assert target.found_in_audit(attacker, "success")


OVERRIDE_METHODS = ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "_method"]


@pytest.mark.parametrize("name", OVERRIDE_METHODS)
def test_a_post_is_no_delete(target: Target, name: str) -> None:
    attacker = target.attacker("reader")
    answer = target.send(attacker, "POST", "/api/v1/documents/harbour?_method=DELETE", headers={name: "DELETE"})
    assert answer.status_code == 405, answer.text
    is_problem(answer)
    assert target.send(attacker, "GET", "/api/v1/documents/harbour").status_code == 200


METHODS = ["TRACE", "CONNECT", "OPTIONS", "PROPFIND", "PURGE", "LOCK", "PATCH", "POST", "COPY", "MOVE", "SEARCH"]


@pytest.mark.parametrize("method", METHODS)
def test_a_method_that_the_path_does_not_take(target: Target, method: str) -> None:
    attacker = target.attacker("administrator")
    line = f"{method} /api/v1/documents/harbour HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\nX-Secret: echo-me\r\n"
    answer = target.raw(attacker, f"{line}Authorization: Bearer {attacker.token}\r\n\r\n".encode())
    assert status_of(answer) in (400, 405), answer
    assert b"echo-me" not in answer, "TRACE would give headers to a page that has none"


FORWARDED: list[Mapping[str, str]] = [
    {"x-forwarded-for": "10.0.0.1"},
    {"x-forwarded-for": "127.0.0.1, 10.0.0.1"},
    {"forwarded": "for=10.0.0.1;host=evil.example"},
    {"x-real-ip": "10.0.0.1"},
    {"x-client-ip": "10.0.0.1"},
    {"true-client-ip": "10.0.0.1"},
    {"cf-connecting-ip": "10.0.0.1"},
    {"x-originating-ip": "10.0.0.1"},
    {"client-ip": "' OR 1=1 --"},
]


@pytest.mark.parametrize("headers", FORWARDED, ids=str)
def test_nobody_says_himself_where_he_comes_from(target: Target, headers: Mapping[str, str]) -> None:
    attacker = target.attacker()
    assert target.send(attacker, "GET", "/api/v1/documents", headers=headers).status_code == 401
    assert target.found_in_audit(attacker, "denied", tenant=None), "under the connection's own address"


HOSTS = ["evil.example", "localhost:1", "127.0.0.1@evil.example", "evil.example#", "[::1]", "a" * 300, "..", "x y"]


@pytest.mark.parametrize("host", HOSTS, ids=lambda one: one[:30])
def test_the_host_is_repeated_nowhere(target: Target, host: str) -> None:
    attacker = target.attacker("administrator")
    answer = target.send(attacker, "POST", "/api/v1/projections/nothing/verify", headers={"host": host})
    assert answer.status_code in (400, 422), answer.text
    assert host not in answer.text + str(answer.headers)
    made = target.send(
        attacker, "POST", "/api/v1/documents", json={"id": "h", "title": "h", "text": "h"}, headers={"host": host}
    )
    assert made.status_code in (200, 201, 400) and "evil" not in made.headers.get("location", "")
    forwarded = target.send(attacker, "GET", "/api/v1/documents/harbour", headers={"x-forwarded-host": host})
    assert forwarded.status_code == 200 and host not in forwarded.text + str(forwarded.headers)
    assert target.found_in_audit(attacker, None)


@pytest.mark.parametrize("hosts", [0, 2])
def test_one_host_and_no_other_number(target: Target, hosts: int) -> None:
    attacker = target.attacker()
    lines = b"".join(b"Host: h%d.example\r\n" % number for number in range(hosts))
    answer = target.raw(attacker, b"GET /health/live HTTP/1.1\r\nConnection: close\r\n" + lines + b"\r\n")
    assert status_of(answer) == 400, answer


ORIGINS = ["https://evil.example", "null", "http://127.0.0.1:1", "https://gateway.evil.example"]


@pytest.mark.parametrize("origin", ORIGINS)
def test_no_page_of_another_origin_reads_an_answer(target: Target, origin: str) -> None:
    attacker = target.attacker("administrator")
    preflight = {"origin": origin, "access-control-request-method": "DELETE"}
    for method, headers in (("GET", {"origin": origin}), ("OPTIONS", preflight)):
        answer = target.send(attacker, method, "/api/v1/documents", headers=headers)
        assert not [name for name in answer.headers if name.startswith("access-control-")]
    # What a form of a page can send without being asked before has another type.
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        answer = target.send(
            attacker,
            "POST",
            "/api/v1/documents",
            content=b'{"id":"csrf","title":"t","text":"t"}',
            headers={"origin": origin, "content-type": kind},
        )
        assert answer.status_code == 415, answer.text
    assert target.found_in_audit(attacker, "success")


def test_every_answer_is_guarded(target: Target) -> None:
    attacker = target.attacker("administrator")
    for path, status in (("/health/live", 200), ("/api/v1/documents", 200), ("/nothing", 404), ("/api/v1/audit", 200)):
        answer = target.send(attacker, "GET", path)
        assert answer.status_code == status
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "server" not in answer.headers and "x-powered-by" not in answer.headers


@pytest.mark.parametrize("name", ["content-type", "idempotency-key", "if-match", "annals-position"])
def test_a_header_that_is_there_twice(target: Target, name: str) -> None:
    """Two parts of one request that could be understood differently: one value counts, or none does."""
    attacker = target.attacker("administrator")
    values = {
        "content-type": ("application/json", "text/html"),
        "idempotency-key": ("one", "two"),
        "if-match": ('"999"', "*"),
        "annals-position": ("0", "x"),
    }[name]
    answer = target.send(
        attacker,
        "PUT",
        "/api/v1/documents/twice",
        json={"title": "t", "text": "t"} if name != "content-type" else None,
        content=b'{"title":"t","text":"t"}' if name == "content-type" else None,
        headers=httpx.Headers([(name, value) for value in values]),
    )
    assert answer.status_code in (200, 201, 400, 412, 415), answer.text
    says_nothing(answer.text)
    assert target.found_in_audit(attacker, None)
