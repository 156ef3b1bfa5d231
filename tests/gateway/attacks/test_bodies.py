"""Bodies that cost more than they are worth, or that are no JSON: refused in bounded time and memory."""

import gzip
import json
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.gateway.attacks.attack import Attacker, Target, is_problem, says_nothing, status_of

PATH = "/api/v1/documents"
JSON = {"content-type": "application/json"}
DOCUMENT: dict[str, Any] = {"id": "bomb", "title": "t", "text": "Some text."}


def wrapped(attributes: str) -> bytes:
    """A document with these attributes."""
    return ('{"id":"bomb","title":"t","text":"t","attributes":' + attributes + "}").encode()


def nested(depth: int, left: str = "[", right: str = "]") -> bytes:
    """So many lists in one another."""
    return wrapped(left * depth + right * depth)


NOT_JSON: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "a brace": lambda: b"{",
    "single quotes": lambda: str(DOCUMENT).encode(),
    "a trailing comma": lambda: b'{"id":"a","title":"t","text":"t",}',
    "a comment": lambda: b'{"id":"a",/* */"title":"t","text":"t"}',
    "two objects": lambda: json.dumps(DOCUMENT).encode() * 2,
    "an object and more": lambda: json.dumps(DOCUMENT).encode() + b"\x00",
    "NaN": lambda: wrapped('{"a":NaN}'),
    "Infinity": lambda: wrapped('{"a":Infinity}'),
    "minus Infinity": lambda: wrapped('{"a":-Infinity}'),
    "1e999": lambda: wrapped('{"a":1e999}'),
    "bytes that are no UTF-8": lambda: b'{"id":"a","title":"\xff\xfe","text":"t"}',
    "an overlong slash": lambda: b'{"id":"a","title":"\xc0\xaf","text":"t"}',
    "half a surrogate": lambda: b'{"id":"a","title":"\\ud800","text":"t"}',
    "a NUL": lambda: b'{"id":"a","title":"\\u0000","text":"t"}',
    "UTF-16": lambda: json.dumps({**DOCUMENT, "tenant": "theirs"}).encode("utf-16"),
    "UTF-32": lambda: json.dumps({**DOCUMENT, "tenant": "theirs"}).encode("utf-32"),
    "XML with an entity": lambda: b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
    "YAML": lambda: b"!!python/object/apply:os.system ['id']",
    "a pickle": lambda: b"\x80\x04\x95.",
    "a list": lambda: json.dumps([DOCUMENT]).encode(),
    "a text": lambda: b'"harbour"',
    "a number": lambda: b"1",
    "null": lambda: b"null",
    "true": lambda: b"true",
    "lists in a hundred lists": lambda: nested(100),
    "lists in a thousand lists": lambda: nested(1000),
    "lists in a hundred thousand lists": lambda: nested(100_000),
    "objects in ten thousand objects": lambda: nested(10_000, '{"a":', "1" + "}"),
    "a list that is not closed": lambda: wrapped("[" * 1_000_000),
    "objects that are not closed": lambda: b'{"a":' * 500_000,
    "a number of ten thousand digits": lambda: wrapped('{"a":' + "9" * 10_000 + "}"),
    "a number of a million digits": lambda: wrapped('{"a":' + "9" * 1_000_000 + "}"),
    "an exponent of a million digits": lambda: wrapped('{"a":1e' + "9" * 1_000_000 + "}"),
    "a hundred thousand attributes": lambda: wrapped(json.dumps({f"a{n}": n for n in range(100_000)})),
    "a hundred thousand fields": lambda: json.dumps({**DOCUMENT, **{f"f{n}": n for n in range(100_000)}}).encode(),
    "names that collide": lambda: json.dumps({**DOCUMENT, **{"\x00" * n: n for n in range(1, 500)}}).encode(),
    "a long id": lambda: json.dumps({**DOCUMENT, "id": "a" * 100_000}).encode(),
    "a long title": lambda: json.dumps({**DOCUMENT, "title": "a" * 1_000_000}).encode(),
    "an id that is a list": lambda: json.dumps({**DOCUMENT, "id": ["a"]}).encode(),
    "an id that is an object": lambda: json.dumps({**DOCUMENT, "id": {"$ne": None}}).encode(),
    "an id that is a number": lambda: json.dumps({**DOCUMENT, "id": 1}).encode(),
    "a text of spaces": lambda: json.dumps({**DOCUMENT, "text": " " * 1000}).encode(),
}


def sent(target: Target, attacker: Attacker, body: bytes, headers: Mapping[str, str] = JSON, path: str = PATH) -> Any:
    """As a document."""
    return target.send(attacker, "POST", path, content=body, headers=headers)


@pytest.mark.parametrize("name", NOT_JSON)
def test_what_is_no_document(target: Target, name: str) -> None:
    attacker, body = target.attacker("administrator"), NOT_JSON[name]()
    before = target.gateway.resident_bytes
    answer = sent(target, attacker, body)
    assert answer.status_code in (400, 413, 422), answer.text[:500]
    is_problem(answer)
    assert len(answer.content) < 256 * 1024, "a refusal is no way to have much sent"
    assert answer.elapsed.total_seconds() < 10
    assert target.gateway.resident_bytes - before < 300 * 1024 * 1024
    assert target.found_in_audit(attacker, "failed")


def huge(attacker: Attacker, length: str, path: str = PATH) -> bytes:
    """The head of a request that says so much."""
    lines = f"POST {path} HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/json\r\n"
    return f"{lines}Authorization: Bearer {attacker.token}\r\nContent-Length: {length}\r\n\r\n".encode()


@pytest.mark.parametrize("length", ["16777217", "999999999999", "9223372036854775807"])
def test_a_body_that_says_it_is_too_large_is_not_read(target: Target, length: str) -> None:
    attacker = target.attacker("administrator")
    answer = target.raw(attacker, huge(attacker, length))
    assert status_of(answer) == 413, answer
    says_nothing(answer.decode("latin-1"))


@pytest.mark.parametrize(
    "length", ["18446744073709551616", "99999999999999999999999", "-1", "+1", "0x10", "1e3", "1_0"]
)
def test_a_length_that_is_none(target: Target, length: str) -> None:
    attacker = target.attacker("administrator")
    answer = target.raw(attacker, huge(attacker, length))
    assert status_of(answer) == 400, answer


@pytest.mark.parametrize("path", ["/api/v1/documents", "/api/v1/entities/extract", "/api/v1/users"])
def test_a_chunked_body_is_counted_while_it_comes(target: Target, path: str) -> None:
    attacker, before = target.attacker("administrator"), target.gateway.resident_bytes
    head = f"POST {path} HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n"
    chunk = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
    with target.connected(attacker) as connection:
        connection.sendall(f"{head}Authorization: Bearer {attacker.token}\r\n\r\n".encode())
        answer = b""
        try:
            for _ in range(64):
                connection.sendall(chunk)
            answer = connection.recv(65536)
        except OSError:
            answer = answer or connection.recv(65536)
    assert status_of(answer) == 413, answer
    assert target.gateway.resident_bytes - before < 100 * 1024 * 1024
    assert target.found_in_audit(attacker, None)


BOMB = b"[" * 50_000_000
CODED: dict[str, Callable[[], bytes]] = {
    "gzip": lambda: gzip.compress(BOMB),
    "gzip, gzip": lambda: gzip.compress(gzip.compress(BOMB)),
    "deflate": lambda: zlib.compress(BOMB),
    "x-gzip": lambda: gzip.compress(BOMB),
    "br": lambda: b"\x0b\x02\x80x\x03",
    "zstd": lambda: b"\x28\xb5\x2f\xfd",
    "identity, gzip": lambda: gzip.compress(BOMB),
    "": lambda: gzip.compress(b"{}"),
    "GZIP": lambda: gzip.compress(b"{}"),
}


@pytest.mark.parametrize("coding", CODED)
def test_a_body_that_grows_is_not_unpacked(target: Target, coding: str) -> None:
    attacker, before = target.attacker("administrator"), target.gateway.resident_bytes
    answer = sent(target, attacker, CODED[coding](), {**JSON, "content-encoding": coding})
    assert answer.status_code == 415, answer.text
    is_problem(answer)
    assert target.gateway.resident_bytes - before < 30 * 1024 * 1024
    assert target.found_in_audit(attacker, None)


TYPES = [
    "text/plain",
    "text/json",
    "application/xml",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/json-patch+json",
    "application/x-python-pickle",
    "application/jsonp",
    "*/*",
    "",
]


@pytest.mark.parametrize("kind", TYPES)
def test_a_type_that_is_not_taken(target: Target, kind: str) -> None:
    attacker = target.attacker("administrator")
    answer = sent(target, attacker, json.dumps(DOCUMENT).encode(), {"content-type": kind})
    assert answer.status_code == 415, answer.text
    assert target.found_in_audit(attacker, None)


def test_names_twice_are_no_way_past_a_check(target: Target) -> None:
    """Who checks the first and who uses the last: here it is one and the same, or the whole is refused."""
    attacker = target.attacker("administrator")
    answer = sent(target, attacker, b'{"id":"once","id":"twice","title":"t","text":"t"}')
    assert answer.status_code in (201, 400, 422), answer.text
    if answer.status_code == 201:
        assert answer.json()["document_id"] == "twice"
        assert target.send(attacker, "GET", "/api/v1/documents/once/status").status_code == 404
    assert target.found_in_audit(attacker, None)


@pytest.mark.parametrize("path", ["/api/v1/documents/harbour", "/api/v1/keys/abc", "/api/v1/projections/graph/verify"])
def test_an_endpoint_without_a_body_reads_none(target: Target, path: str) -> None:
    attacker = target.attacker("administrator")
    method = "POST" if path.endswith("verify") else "DELETE"
    answer = target.send(attacker, method, path, content=b"x" * 1000)
    assert answer.status_code == 413, answer.text
    assert target.send(attacker, "GET", "/api/v1/documents/harbour").status_code == 200
    assert target.found_in_audit(attacker, None)
