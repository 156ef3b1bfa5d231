"""The gateway of a pipeline that is up: real models, stores and tokens."""

import stat
from pathlib import Path

import httpx
import pytest

from annals.admin_token import read_admin_token
from annals.gateway_address import GatewayAddress, GatewayAddressError
from annals.settings import load_settings
from tests.annals.conftest import Up
from tests.annals.processes import until

pytestmark = pytest.mark.filterwarnings("error")


def client(up: Up, token: str | None = None) -> httpx.Client:
    """With the local administrator's token, or another one."""
    found = read_admin_token(up.data) if token is None else token
    assert found is not None
    return httpx.Client(
        base_url=up.status()["addresses"]["gateway"], headers={"authorization": f"Bearer {found}"}, timeout=60
    )


def test_documents_in_and_an_answer_out(up: Up) -> None:
    assert stat.S_IMODE((up.data / "admin.token").stat().st_mode) == 0o600
    with client(up) as http:
        assert until(lambda: http.get("/health/ready").status_code == 200, limit_s=120)
        document = {
            "id": "gateway/quorn",
            "title": "Quorn Lighthouse",
            "text": "The Quorn Lighthouse was designed by Philippa Westerly.",
        }
        taken = http.post("/api/v1/documents", json=document, headers={"x-request-id": "gateway-test-1"})
        assert (taken.status_code, taken.json()["outcome"]) == (201, "ingested"), taken.text
        assert taken.json()["processing_metadata"]["correlation_id"] == "gateway-test-1"
        assert up.caught_up()
        answer = http.post("/api/v1/reasoning/query", json={"query": "Who designed the Quorn Lighthouse?"})
        assert answer.status_code == 200, answer.text
        assert "Philippa Westerly" in answer.json()["answer"]
        assert answer.json()["sources"][0]["document_id"] == "gateway/quorn"
        found = http.post("/api/v1/entities/extract", json={"text": document["text"]}).json()
        assert "Philippa Westerly" in {one["name"] for one in found["entities"]}
        cut = http.post("/api/v1/chunks/create", json={"text": document["text"]}).json()
        assert [one["text"] for one in cut["chunks"]] == [document["text"]]
    assert up.rows("SELECT DISTINCT correlation_id FROM annals.stored_events WHERE aggregate_id = 'gateway/quorn'") == [
        ("gateway-test-1",)
    ], "all that follows from a request has its id"


def test_wrong_tokens_do_not_get_in(up: Up) -> None:
    real = read_admin_token(up.data) or ""
    for token in ("x", real[:-1], real + "x", real.swapcase()):
        with client(up, token) as http:
            answer = http.post("/api/v1/reasoning/query", json={"query": "Who?"})
            assert (answer.status_code, answer.json()["type"]) == (401, "urn:annals:problem:invalid-credential")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])
def test_without_tls_it_does_not_listen_beyond_loopback(host: str) -> None:
    with pytest.raises(GatewayAddressError, match="without TLS"):
        GatewayAddress.of(load_settings(gateway_host=host, gateway_port=0))


def test_addresses_for_clients_on_this_machine() -> None:
    for host, url in (("127.0.0.1", "http://127.0.0.1:"), ("0.0.0.0", "http://127.0.0.1:"), ("localhost", "http://l")):
        address = GatewayAddress.of(load_settings(gateway_host=host, gateway_port=0, gateway_plaintext=True))
        assert address.url.startswith(url)


def test_half_of_tls_is_refused() -> None:
    with pytest.raises(GatewayAddressError, match="both"):
        GatewayAddress.of(load_settings(gateway_certificate=Path("cert.pem")))
