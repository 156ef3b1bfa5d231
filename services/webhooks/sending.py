"""One signed message to one receiver (Standard Webhooks), at an address that was looked up and checked first."""

import asyncio
import random
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from standardwebhooks.webhooks import Webhook as Signer

from services.destinations import RefusedDestinationError, Resolve, checked_addresses, is_port, resolve
from services.errors import InvalidRequestError

if TYPE_CHECKING:
    # It takes longer to load than to answer a question, and most commands send no webhook.
    import httpx

LIMIT_S = 15.0
"""For one try, from looking its name up to its answer."""
ANSWER_BYTES = 4096
"""Read of an answer's body, which means nothing."""
GONE = 410


class UnusableUrlError(InvalidRequestError):
    """Nothing can be sent to this URL; give an https address without user, password and fragment."""


@dataclass(frozen=True, slots=True)
class Sent:
    """`fault`: why it did not arrive, None where it did. `status` is that of the answer, where there was one."""

    status: int | None
    fault: str | None = None


class WebhookSender:
    """Follows no redirect, keeps no connection, knows no proxy. A name is looked up once for each try."""

    def __init__(self, *, private_allowed: bool, resolve: Resolve = resolve, tls: ssl.SSLContext | None = None) -> None:
        self._private_allowed = private_allowed
        self._resolve = resolve
        self._tls = tls

    @cached_property
    def _client(self) -> "httpx.AsyncClient":
        import httpx

        # A connection is known by its address: kept, it would serve another name at the same one.
        return httpx.AsyncClient(
            verify=self._tls or httpx.create_ssl_context(),
            trust_env=False,
            follow_redirects=False,
            timeout=LIMIT_S,
            limits=httpx.Limits(max_keepalive_connections=0),
        )

    async def aclose(self) -> None:
        """Send no more."""
        if "_client" in self.__dict__:
            await self._client.aclose()

    async def check_address(self, url: str) -> None:
        """Refuse what could not be sent to now. Raises UnusableUrlError."""
        parsed = self._parsed(url)
        try:
            async with asyncio.timeout(LIMIT_S):
                await self._addresses(parsed)
        except (OSError, UnicodeError, TimeoutError):
            raise UnusableUrlError(f"the name {parsed.host} is not known; correct it") from None

    async def send(self, url: str, secrets: Sequence[str], message_id: str, body: str) -> Sent:
        """One try, which takes LIMIT_S at most, signed with each secret; raises nothing."""
        import httpx

        try:
            async with asyncio.timeout(LIMIT_S):
                parsed = self._parsed(url)
                addresses = await self._addresses(parsed)
                return await self._post(parsed, random.choice(addresses), _headers(secrets, message_id, body), body)
        except UnusableUrlError as error:
            return Sent(None, str(error))
        except TimeoutError:
            return Sent(None, f"no answer within {LIMIT_S:g} s")
        except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as error:
            return Sent(None, f"{type(error).__name__}: {error}"[:300])

    def _parsed(self, url: str) -> "httpx.URL":
        import httpx

        try:
            parsed = httpx.URL(url)
            host = parsed.raw_host.decode("ascii")
        except (httpx.InvalidURL, UnicodeError, ValueError):
            raise UnusableUrlError() from None
        if parsed.scheme not in ("http", "https") or not host or parsed.userinfo or parsed.fragment:
            raise UnusableUrlError()
        if not is_port(parsed.port):
            raise UnusableUrlError(f"there is no port {parsed.port}; give another one")
        if parsed.scheme == "http" and not self._private_allowed:
            raise UnusableUrlError(f"{host} is to be sent to without TLS; give an https address")
        return parsed

    async def _addresses(self, url: "httpx.URL") -> Sequence[str]:
        """Those of the host; all of them may be sent to. Raises UnusableUrlError, OSError."""
        try:
            return await checked_addresses(
                url.scheme,
                url.raw_host.decode("ascii"),
                url.port,
                private_allowed=self._private_allowed,
                resolve=self._resolve,
            )
        except RefusedDestinationError as error:
            raise UnusableUrlError(
                f"nothing is sent to {url.host}: {error}; give another address, or see `webhook_private_addresses`"
            ) from None

    async def _post(self, url: "httpx.URL", address: str, headers: Mapping[str, str], body: str) -> Sent:
        request = self._client.build_request(
            "POST",
            url.copy_with(host=address),
            content=body.encode(),
            headers={**headers, "host": url.netloc.decode("ascii")},
            # The certificate must be of the name, though the connection is made to the address.
            extensions={"sni_hostname": url.raw_host.decode("ascii")},
        )
        response = await self._client.send(request, stream=True)
        try:
            read = 0
            async for part in response.aiter_raw():
                read += len(part)
                if read > ANSWER_BYTES:
                    break
        finally:
            await response.aclose()
        if response.is_success:
            return Sent(response.status_code)
        told = "redirects, which are not followed" if response.is_redirect else "answered"
        return Sent(response.status_code, f"it {told}: {response.status_code}")


def _headers(secrets: Sequence[str], message_id: str, body: str) -> dict[str, str]:
    now = datetime.now(UTC)
    return {
        "content-type": "application/json",
        "user-agent": "annals-webhooks",
        "accept-encoding": "identity",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(Signer(secret).sign(message_id, now, body) for secret in secrets),
    }
