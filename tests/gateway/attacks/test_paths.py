"""Paths that mean something else to somebody else. Each names one endpoint, or none; no file is ever behind one."""

import pytest

from tests.gateway.attacks.attack import Target, says_nothing, status_of

D = b"/api/v1/documents"
UNKNOWN: list[bytes] = [
    b"/api/v1/documents/../users",
    b"/api/v1/documents/./harbour",
    b"/api/v1//documents",
    b"//api/v1/documents",
    b"/api/v1/documents/",
    b"/api/v1/documents/harbour/",
    b"/api/v1/documents/harbour/../../users",
    b"/api/v1/documents/harbour/..",
    b"/api/v1/documents;x=1",
    b"/api/v1/documents;/harbour",
    b"/API/V1/documents",
    b"/api/v1/Documents",
    b"/api/v1/documents.json",
    b"/api/v1/documents%2F",
    b"/api/v1%2Fdocuments",
    b"/api%2fv1/documents",
    b"/api/v1/documents%3Flimit=1",
    b"/api/v1/documents%23",
    b"/%61pi/v1/documents",
    b"/api/v1/%64ocuments",
    b"/api/v1/documents%20",
    b"/api/v1/documents%00",
    b"/api/v1/documents%00.json",
    b"/health/../metrics",
    b"/health/live/../../metrics",
    b"/health/live%2f..%2f..%2fmetrics",
    b"/..",
    b"/../../../../etc/passwd",
    b"/%2e%2e/%2e%2e/etc/passwd",
    b"/..%2f..%2fetc%2fpasswd",
    b"/%252e%252e%252fetc%252fpasswd",
    b"/static/../../admin.token",
    b"/admin.token",
    b"/.env",
    b"/docs",
    b"/redoc",
    b"/openapi.json/",
    b"/api/v1/documents\\..\\users",
    b"/\\evil.example",
    b"/",
    b"/api",
    b"/api/v1",
    b"/api/v1/..;/metrics",
]


def asked(target: Target, path: bytes) -> tuple[bytes, object]:
    """An administrator asks for it, to the byte."""
    attacker = target.attacker("administrator")
    head = b"GET " + path + b" HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n"
    answer = target.raw(attacker, head + f"Authorization: Bearer {attacker.token}\r\n\r\n".encode())
    return answer, attacker


@pytest.mark.parametrize("path", UNKNOWN, ids=ascii)
def test_a_path_that_is_none(target: Target, path: bytes) -> None:
    answer, _ = asked(target, path)
    assert status_of(answer) in (400, 404), answer
    says_nothing(answer.decode("latin-1"))
    assert b"root:" not in answer and b"ann_" not in answer


ONE_ID: list[bytes] = [
    b"..",
    b"%2e%2e",
    b"%2e%2e%2fusers",
    b"..%2f..%2fusers",
    b"%252e%252e%252f",
    b"..%5c..%5cusers",
    b"..\\users",
    b"harbour%2f",
    b"%2fharbour",
    b"harbour.",
    b"harbour%20",
    b"%20harbour",
    b"HARBOUR",
    b"harbour%252f",
    b"har%62our%25",
    b"harbour;v=1",
    b"*",
    b"%25",
    b"%",
    b"%2",
    b"%zz",
    b"~",
    b"null",
    b"%EF%BD%88arbour",
    b"harbour%E2%80%8B",
    b"harbour%CC%81",
]


@pytest.mark.parametrize("segment", ONE_ID, ids=ascii)
def test_a_segment_is_one_id_and_no_other_document(target: Target, segment: bytes) -> None:
    answer, attacker = asked(target, D + b"/" + segment)
    assert status_of(answer) in (400, 404, 422), answer
    assert b'"Harbour"' not in answer
    assert target.found_in_audit(attacker, None)  # type: ignore[arg-type]


NO_TEXT: list[bytes] = [
    b"%00",
    b"harbour%00",
    b"harbour%00.txt",
    b"%0a",
    b"%0d%0aX-Evil:%201",
    b"%c0%ae%c0%ae%c0%af",
    b"%c0%af",
    b"%e0%80%af",
    b"%f0%80%80%af",
    b"%ed%a0%80",
    b"%ff",
    b"%fe%ff",
    b"%f8%88%80%80%80",
    b"%80",
    b"a" * 3000,
    b"%F0%9F%92%A9" * 300,
]


@pytest.mark.parametrize("segment", NO_TEXT, ids=lambda one: ascii(one[:30]))
def test_what_is_no_text_is_no_id(target: Target, segment: bytes) -> None:
    answer, _ = asked(target, D + b"/" + segment)
    assert status_of(answer) in (400, 422), answer
    assert b"X-Evil" not in answer.split(b"\r\n\r\n")[0]


RAW: list[tuple[bytes, bytes]] = [
    (b"a byte beyond ASCII", D + b"/\xe4"),
    (b"a space", D + b"/a b"),
    (b"a tab", D + b"/a\tb"),
    (b"a NUL", D + b"/a\x00b"),
    (b"a control character", D + b"/a\x01b"),
    (b"an absolute address", b"http://elsewhere.example/api/v1/users"),
    (b"an address of metadata", b"http://169.254.169.254/latest/meta-data"),
    (b"a star", b"*"),
    (b"no slash", b"api/v1/documents"),
    (b"a file's address", b"file:///etc/passwd"),
    (b"user and host", b"@elsewhere.example/"),
    (b"nothing", b""),
]


@pytest.mark.parametrize(("name", "path"), RAW, ids=lambda one: ascii(one[:30]))
def test_a_target_that_is_no_path(target: Target, name: bytes, path: bytes) -> None:
    """The address of an absolute target is looked at by nobody: its path alone counts, as RFC 9112 has it."""
    attacker = target.attacker()
    answer = target.raw(attacker, b"GET " + path + b" HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n")
    assert status_of(answer) in (400, 401, 404), answer
    says_nothing(answer.decode("latin-1"))
    assert target.send(attacker, "GET", "/health/live").status_code == 200, "it serves the next one"
