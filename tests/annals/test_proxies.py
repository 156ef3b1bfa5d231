"""Whose address counts behind a proxy: what a trusted one says, and what nobody else does."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from annals.errors import WrongSettingError
from annals.gateway import Server, server_config
from annals.gateway_address import GatewayAddress
from annals.settings import Settings, load_settings


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answers with the address that the request comes from."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": json.dumps(scope["client"][0]).encode()})


@contextlib.asynccontextmanager
async def served(settings: Settings) -> AsyncIterator[int]:
    """As the gateway is; its port."""
    with GatewayAddress.of(settings).listening() as address:
        server = Server(server_config(app, settings))
        serving = asyncio.create_task(server.serve(sockets=[address.socket]))
        yield address.port
        server.should_exit = True
        async with asyncio.timeout(30):
            await serving


async def seen(port: int, *forwarded: str) -> str:
    """The address that the application sees of one who comes from 127.0.0.1 with these headers."""
    async with asyncio.timeout(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        said = "".join(f"x-forwarded-for: {one}\r\n" for one in forwarded)
        writer.write(f"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{said}\r\n".encode())
        body = (await reader.read()).partition(b"\r\n\r\n")[2]
        writer.close()
        return str(json.loads(body.split(b"\r\n")[1] if b"\r\n" in body else body))


def settings_of(data: Path, *proxies: str) -> Settings:
    return load_settings(data=data, gateway_port=0, gateway_trusted_proxies=proxies)


@pytest.mark.parametrize("proxies", [(), ("192.0.2.0/24",), ("127.0.0.2",)])
async def test_what_is_forged_is_ignored(tmp_path: Path, proxies: tuple[str, ...]) -> None:
    async with served(settings_of(tmp_path, *proxies)) as port:
        for forged in ((), ("203.0.113.5",), ("192.0.2.1, 127.0.0.2",), ("203.0.113.5", "198.51.100.1")):
            assert await seen(port, *forged) == "127.0.0.1"


@pytest.mark.parametrize("proxies", [("127.0.0.1", "192.0.2.0/24"), ("127.0.0.0/8", "192.0.2.0/24", "2001:db8::/32")])
async def test_a_trusted_proxy_says_who_asks(tmp_path: Path, proxies: tuple[str, ...]) -> None:
    async with served(settings_of(tmp_path, *proxies)) as port:
        assert await seen(port) == "127.0.0.1", "the proxy itself"
        assert await seen(port, "203.0.113.5") == "203.0.113.5"
        assert await seen(port, "2001:db9::7") == "2001:db9::7"
        # What stands before the nearest address that is no proxy of ours was written by whoever is there.
        assert await seen(port, "198.51.100.1, 203.0.113.5") == "203.0.113.5"
        assert await seen(port, "127.0.0.1, 203.0.113.5, 192.0.2.9") == "203.0.113.5"
        assert await seen(port, "198.51.100.1", "203.0.113.5, 192.0.2.9") == "203.0.113.5"


@pytest.mark.parametrize("wrong", ["*", "", "0.0.0.0/0", "::/0", "10.0.0.1/8", "proxy.example.org", "10.0.0.0/33"])
def test_what_is_no_network_or_all_of_them_is_refused(tmp_path: Path, wrong: str) -> None:
    with pytest.raises(WrongSettingError, match="gateway_trusted_proxies"):
        settings_of(tmp_path, "192.0.2.1", wrong)
