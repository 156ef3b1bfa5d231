"""One document from the web at a time: from public addresses, as robots may, within limits of time and size."""

import asyncio
import random
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from contracts.errors import AnnalsError
from services.destinations import RefusedDestinationError, Resolve, checked_addresses, is_port, resolve
from services.fetching.robots import EVERYTHING, LIMIT_BYTES, NOTHING, PRODUCT, Robots, read

if TYPE_CHECKING:
    # It takes longer to load than most commands run.
    import httpx

HOPS = 5
"""Redirects that are followed, each to an address that was checked."""
REDIRECTS = frozenset({301, 302, 303, 307, 308})
MOST_SITES = 1_000
"""Of which the rules for robots are remembered."""
AGENT = f"{PRODUCT}/0.1 (documents at a person's command)"


class NotFetchedError(AnnalsError):
    """Nothing was fetched; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What an address answered. `etag` and `last_modified`: by which it is asked next time whether that changed."""

    url: str
    content: bytes
    content_type: str
    etag: str | None
    last_modified: str | None


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """Of one document: bytes, once decompressed; seconds, with redirects and robots.txt."""

    bytes: int
    seconds: float


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: Mapping[str, str]
    content: bytes
    cut: bool


class UrlFetcher:
    """Keeps no connection and no cookie, knows no proxy, and remembers robots.txt as long as it lives.

    `private_allowed` lets it fetch from the network that Annals runs in, and from there without TLS.
    """

    def __init__(
        self,
        limits: FetchLimits,
        *,
        private_allowed: bool,
        resolve: Resolve = resolve,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._limits = limits
        self._private_allowed = private_allowed
        self._resolve = resolve
        self._tls = tls
        self._robots: dict[str, Robots] = {}

    @cached_property
    def _client(self) -> "httpx.AsyncClient":
        import httpx

        # A connection is known by its address: kept, it would serve another name at the same one.
        return httpx.AsyncClient(
            verify=self._tls or httpx.create_ssl_context(),
            trust_env=False,
            follow_redirects=False,
            timeout=self._limits.seconds,
            limits=httpx.Limits(max_keepalive_connections=0),
            headers={"user-agent": AGENT, "accept": "*/*", "accept-encoding": "gzip"},
        )

    async def aclose(self) -> None:
        """Fetch no more."""
        if "_client" in self.__dict__:
            await self._client.aclose()

    async def fetch(self, url: str, *, etag: str | None = None, last_modified: str | None = None) -> Fetched | None:
        """What it answers; None where that is still what was called so. Raises NotFetchedError."""
        import httpx

        asked = {"if-none-match": etag, "if-modified-since": last_modified}
        conditions = {name: value for name, value in asked.items() if value is not None}
        try:
            async with asyncio.timeout(self._limits.seconds):
                return await self._fetched(parsed(url), conditions)
        except TimeoutError:
            raise NotFetchedError(f"gives no whole answer within {self._limits.seconds:g} s; try again later") from None
        except RefusedDestinationError as error:
            raise NotFetchedError(f"is not fetched: {error}; see `fetch_private_addresses`") from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as error:
            raise NotFetchedError(
                f"cannot be fetched ({type(error).__name__}: {' '.join(str(error).split())[:200]}); try again later"
            ) from None

    async def _fetched(self, url: "httpx.URL", conditions: Mapping[str, str]) -> Fetched | None:
        for _ in range(HOPS + 1):
            await self._check_robots(url)
            answer = await self._get(url, self._limits.bytes, conditions)
            if answer.status in REDIRECTS and "location" in answer.headers:
                url = parsed(str(url.join(answer.headers["location"])))
                continue
            if answer.status == 304 and conditions:
                return None
            if answer.status != 200:
                raise NotFetchedError(f"answered {answer.status}; correct the address, or try again later")
            if answer.cut:
                raise NotFetchedError(f"is more than {self._limits.bytes:,} bytes; raise max_file_bytes")
            told = answer.headers
            return Fetched(
                str(url), answer.content, told.get("content-type", ""), told.get("etag"), told.get("last-modified")
            )
        raise NotFetchedError(f"redirects more than {HOPS} times; give the address that it leads to")

    async def _check_robots(self, url: "httpx.URL") -> None:
        """Raises NotFetchedError, and what asking raises."""
        site = f"{url.scheme}://{url.netloc.decode('ascii')}"
        if site not in self._robots:
            if len(self._robots) >= MOST_SITES:
                self._robots.clear()
            self._robots[site] = await self._robots_of(url.join("/robots.txt"))
        if not self._robots[site].allow(url.raw_path.decode("ascii")):
            raise NotFetchedError(f"is not for robots, as {site}/robots.txt says; fetch it by hand")

    async def _robots_of(self, url: "httpx.URL") -> Robots:
        """What is not there forbids nothing; what cannot be had now forbids everything (RFC 9309, 2.3.1)."""
        for _ in range(HOPS + 1):
            answer = await self._get(url, LIMIT_BYTES, {})
            if answer.status in REDIRECTS and "location" in answer.headers:
                url = parsed(str(url.join(answer.headers["location"])))
                continue
            if answer.status == 200:
                return read(answer.content)
            return NOTHING if answer.status >= 500 or answer.status == 429 else EVERYTHING
        return EVERYTHING

    async def _get(self, url: "httpx.URL", most: int, headers: Mapping[str, str]) -> _Answer:
        host = url.raw_host.decode("ascii")
        addresses = await checked_addresses(
            url.scheme, host, url.port, private_allowed=self._private_allowed, resolve=self._resolve
        )
        request = self._client.build_request(
            "GET",
            url.copy_with(host=random.choice(addresses)),
            headers={**headers, "host": url.netloc.decode("ascii")},
            # The certificate must be of the name, though the connection is made to the address.
            extensions={"sni_hostname": host},
        )
        response = await self._client.send(request, stream=True)
        content = bytearray()
        try:
            async for part in response.aiter_bytes():
                content += part
                if len(content) > most:
                    return _Answer(response.status_code, response.headers, bytes(content[:most]), True)
        finally:
            await response.aclose()
        return _Answer(response.status_code, response.headers, bytes(content), False)


def parsed(url: str) -> "httpx.URL":
    """An address as a browser would ask for it, without its fragment. Raises NotFetchedError."""
    import httpx

    try:
        found = httpx.URL(url).copy_with(fragment=None)
        host = found.raw_host.decode("ascii")
    except (httpx.InvalidURL, UnicodeError, ValueError, TypeError):
        raise NotFetchedError("is no address; correct it") from None
    if found.scheme not in ("http", "https") or not host or found.userinfo:
        raise NotFetchedError("is no https address without user and password; give such a one")
    if not is_port(found.port):
        raise NotFetchedError(f"names port {found.port}, which does not exist; correct it")
    return found
