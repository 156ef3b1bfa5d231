"""The document that is checked in is what the code says."""

import json

from gateway.endpoints import ENDPOINTS
from gateway.openapi_file import FILE, text
from tests.gateway.fakes import Gateway


def test_the_file_is_current() -> None:
    assert FILE.read_text("utf-8") == text(), "run: python -m gateway.openapi_file write"


async def test_the_gateway_serves_it(gateway: Gateway) -> None:
    assert (await gateway.client.get("/openapi.json")).json() == json.loads(text())


def test_every_endpoint_is_there_with_its_limits_and_its_errors() -> None:
    found = json.loads(text())
    assert found["openapi"].startswith("3.1.")
    operations = {
        f"{method.upper()} {path}": operation
        for path, methods in found["paths"].items()
        for method, operation in methods.items()
    }
    assert set(operations) == {one.subject for one in ENDPOINTS}
    for one in ENDPOINTS:
        operation = operations[one.subject]
        assert operation["security"] == ([{"bearer": []}] if one.auth_required else [])
        assert ("429" in operation["responses"]) == (one.rate_limit is not None)
        # A path that is no UTF-8, two hosts, a position that is none; then what is checked of the request.
        assert "400" in operation["responses"]
        checked = [given for given in operation.get("parameters", ()) if given["name"] != "Idempotency-Key"]
        assert ("422" in operation["responses"]) or not (checked or one.body_bytes), one.subject
        if one.body_bytes:
            assert operation["requestBody"]["content"][one.body_type]["example"]
        for status, answer in operation["responses"].items():
            if status.startswith("2") and "application/json" in answer.get("content", {}):
                assert "example" in answer["content"]["application/json"], one.subject
