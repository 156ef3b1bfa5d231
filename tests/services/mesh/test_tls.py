"""Mutual TLS between services: each side wants a certificate of the authority, for the host that is called."""

import ssl
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from eventstore.pool import PostgresPool
from services.deadline import Deadline
from services.mesh.discovery import ServiceDiscovery
from services.mesh.errors import ServiceUnavailableError
from services.mesh.rpc_client import RpcClient
from services.mesh.tls import MutualTls
from services.reasoning.interface import ReasoningQueryRequest
from tests.services.mesh.services import CALLER, Mesh, Reasoning, open_mesh
from tests.streams.certificates import Authority


def certified(folder: Path, alternatives: str) -> MutualTls:
    """What a process is given by an authority of that folder."""
    folder.mkdir()
    authority = Authority(folder)
    made = authority.certify("service", alternatives)
    return MutualTls(made.certificate, made.key, authority.certificate)


async def asked(client: RpcClient) -> str:
    """The answer of the service. Raises ServiceUnavailableError."""
    answer = await client.call("query", CALLER, ReasoningQueryRequest("Who?"), Deadline.after(2))
    return str(answer.answer)


async def test_each_side_wants_a_certificate_of_the_authority(pool: PostgresPool, tmp_path: Path) -> None:
    ours, theirs = certified(tmp_path / "ours", "IP:127.0.0.1"), certified(tmp_path / "theirs", "IP:127.0.0.1")
    async with open_mesh(pool, ours) as mesh:
        handle = await mesh.serve(Reasoning())
        address = handle.instance.address
        assert address.startswith("https://127.0.0.1:") and await asked(mesh.client) == "one"
        without = ssl.create_default_context(cafile=ours.authority)
        forged = replace(theirs, authority=ours.authority).client()
        for context in (without, forged):
            async with httpx.AsyncClient(verify=context, trust_env=False) as http:
                with pytest.raises(httpx.TransportError):
                    await http.get(f"{address}/health")
        async with httpx.AsyncClient(verify=ours.client(), trust_env=False) as http:
            assert (await http.get(f"{address}/health")).status_code == 200
            with pytest.raises(httpx.TransportError):
                await http.get(address.replace("https:", "http:") + "/health")
        await _refuses(mesh, replace(ours, authority=theirs.authority))
        await handle.stop()


async def test_a_certificate_of_another_host_is_not_believed(pool: PostgresPool, tmp_path: Path) -> None:
    tls = certified(tmp_path / "ours", "DNS:elsewhere.test")
    async with open_mesh(pool, tls) as mesh:
        handle = await mesh.serve(Reasoning())
        await _refuses(mesh, tls)
        await handle.stop()


async def _refuses(mesh: Mesh, tls: MutualTls) -> None:
    client = RpcClient(mesh.identity, ServiceDiscovery(mesh.registry), tls=tls)
    with pytest.raises(ServiceUnavailableError):
        await asked(client)
    await client.close()
