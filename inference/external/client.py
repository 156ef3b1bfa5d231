"""One way to ask any system outside, with all that keeps both sides well.

From outside in: response cache (hishel), the guard with retries, rate limit, metrics and circuit breaker
(`external/guard.py`), authentication and HTTP (httpx). What the cache can answer costs nothing of the rest.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Self, TypeVar

import hishel
import httpx
from hishel.httpx import AsyncCacheTransport

from external.errors import HeldBackError, LeftAloneError
from external.guard import Guard
from external.retry import IDEMPOTENT, BusyError, CutOffError, TimeUpError, is_transient, retry_after
from inference.external.answers import AnswerStore
from inference.external.auth import BearerAuth
from inference.external.errors import (
    ApiError,
    CircuitOpenError,
    ExternalSystemError,
    InvalidAnswerError,
    RateLimitedError,
    ServerError,
    UnreachableError,
)
from inference.external.settings import ClientSettings
from telemetry import metrics

T = TypeVar("T")
Headers = Callable[[], Mapping[str, str]]
SHOWN_BYTES = 4096
"""How much of a refusal is read, for its message."""
GRACE_S = 0.25
"""How much later than a try the whole is called off, so that the try is seen to have failed."""


class ExternalSystemClient:
    """Use it as an asynchronous context manager, within one event loop."""

    def __init__(self, settings: ClientSettings, token: str | None = None) -> None:
        """Raises InferenceError when the token cannot be one."""
        self.settings = settings
        self._auth = BearerAuth(token, settings.base_url, settings.token_name)
        self._http = httpx.AsyncClient(
            auth=self._auth,
            timeout=httpx.Timeout(settings.read_s, connect=settings.connect_s),
            follow_redirects=True,
            max_redirects=5,
        )
        # The token is added below the cache, which therefore never sees it; one file for each token keeps what
        # one of them may read from the others.
        store = AnswerStore(settings.cache_folder / f"answers-{self._auth.fingerprint}.sqlite")
        self._cached = httpx.AsyncClient(
            base_url=settings.base_url,
            timeout=None,
            transport=AsyncCacheTransport(_Below(self._fetch), store, rfc=hishel.CacheOptions(shared=False)),
        )
        self._guard = Guard(settings.guard, _is_failure, is_transient, _outcome)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._cached.aclose()
        await self._http.aclose()

    async def get_json(self, path: str, **parameters: str) -> Any:
        """What the API says, from the cache where that is still good. Raises ExternalSystemError."""
        self._check_online()
        request = self._cached.build_request("GET", path, params=parameters)
        try:
            async with asyncio.timeout(self.settings.answer_s):
                response = await self._cached.send(request)
        except TimeoutError as error:
            raise self._unreachable(f"no whole answer in {self.settings.answer_s:.0f} s") from error
        status = response.extensions["caching"]
        if status["from_cache"]:
            kind = "revalidated" if status["revalidated"] else "fresh"
            metrics.EXTERNAL_CACHE_HITS.labels(self.settings.system, kind).inc()
        try:
            return response.json()
        except ValueError as error:
            raise self._no_json() from error

    async def put_json(self, path: str, body: Mapping[str, Any]) -> Any:
        """Say something and get the JSON that is answered, past the cache; None where the answer has no body.

        What is said goes to this one origin: a redirect is a refusal. Raises ExternalSystemError.
        """
        self._check_online()
        url = self._cached.build_request("PUT", path).url

        async def read(response: httpx.Response) -> bytes:
            return await response.aread()

        try:
            async with asyncio.timeout(self.settings.answer_s):
                answer = await self._tried(
                    lambda: self._http.build_request("PUT", url, json=dict(body)), read, (), follow_redirects=False
                )
        except TimeoutError as error:
            raise self._unreachable(f"no whole answer in {self.settings.answer_s:.0f} s") from error
        try:
            return json.loads(answer) if answer else None
        except ValueError as error:
            raise self._no_json() from error

    async def post_json(self, path: str, body: Mapping[str, Any], *, limit_s: float, most_bytes: int) -> Any:
        """Ask something that may be asked twice, and get the JSON that is answered, past the cache.

        All tries together have `limit_s`; one that gets no whole answer within it says that the system is not well.
        What is said goes to this one origin: a redirect is a refusal. Raises ExternalSystemError.
        """
        self._check_online()
        url = self._cached.build_request("POST", path).url
        loop = asyncio.get_running_loop()
        at = loop.time() + limit_s

        async def read(response: httpx.Response) -> bytes:
            received = bytearray()
            async for piece in response.aiter_bytes():
                received += piece
                if len(received) > most_bytes:
                    raise self._too_large(most_bytes)
            return bytes(received)

        try:
            async with asyncio.timeout_at(at + GRACE_S):
                answer = await self._tried(
                    lambda: self._http.build_request(
                        "POST",
                        url,
                        json=dict(body),
                        # Compressed, a small answer could become a large one.
                        headers={"Accept-Encoding": "identity"},
                        timeout=max(0.001, at - loop.time()),
                    ),
                    read,
                    (),
                    follow_redirects=False,
                    at=at,
                    repeatable=True,
                )
        except TimeoutError as error:
            raise self._unreachable(f"no whole answer in {limit_s:.0f} s") from error
        try:
            return json.loads(answer)
        except (ValueError, RecursionError) as error:
            raise self._no_json() from error

    async def receive(
        self, path: str, headers: Headers, receiver: Callable[[httpx.Response], Awaitable[T]], *accepted: int
    ) -> T:
        """GET past the cache. `receiver` reads the body, and is called anew with each try, as `headers` is.

        A receiver raises `CutOffError` for a body that ended too soon. Statuses in `accepted` are no errors.
        Raises ExternalSystemError, and what the receiver raises.
        """
        self._check_online()
        url = self._cached.build_request("GET", path).url
        return await self._tried(lambda: self._http.build_request("GET", url, headers=headers()), receiver, accepted)

    async def _fetch(self, request: httpx.Request) -> httpx.Response:
        """A whole answer, for the cache."""

        async def read(response: httpx.Response) -> httpx.Response:
            await response.aread()
            return response

        # Built anew, for this client's timeouts; its headers carry what the cache wants to have checked.
        return await self._tried(
            lambda: self._http.build_request(
                request.method, request.url, headers=request.headers.raw, content=request.content or None
            ),
            read,
            (304,),
        )

    async def _tried(
        self,
        build: Callable[[], httpx.Request],
        receiver: Callable[[httpx.Response], Awaitable[T]],
        accepted: tuple[int, ...],
        follow_redirects: bool = True,
        at: float | None = None,
        repeatable: bool | None = None,
    ) -> T:
        """`at`: when, by the loop's clock, a try is called off, and no other follows. `repeatable`: by default, where
        HTTP says so of the method."""
        chosen = self.settings
        if repeatable is None:
            repeatable = build().method in IDEMPOTENT

        async def once() -> T:
            try:
                async with asyncio.timeout_at(at):
                    return await self._once(build, receiver, accepted, follow_redirects)
            except (TimeoutError, httpx.TimeoutException) as error:
                if at is not None and asyncio.get_running_loop().time() >= at - GRACE_S:
                    raise TimeUpError("no whole answer in time") from error
                raise

        try:
            return await self._guard.run(once, repeatable=repeatable)
        except LeftAloneError as error:
            raise CircuitOpenError(chosen.system, error.wait_s) from error
        except HeldBackError as error:
            raise RateLimitedError(chosen.system, None) from error
        except BusyError as error:
            if error.status == 429:
                raise RateLimitedError(chosen.system, error.wait_s) from error
            raise ServerError(chosen.system, error.status, error.said) from error
        except (httpx.HTTPError, httpx.InvalidURL, CutOffError, TimeoutError, TimeUpError) as error:
            raise self._unreachable(str(error) or type(error).__name__) from error

    async def _once(
        self,
        build: Callable[[], httpx.Request],
        receiver: Callable[[httpx.Response], Awaitable[T]],
        accepted: tuple[int, ...],
        follow_redirects: bool,
    ) -> T:
        response = await self._http.send(build(), stream=True, follow_redirects=follow_redirects)
        try:
            if not response.is_success and response.status_code not in accepted:
                await self._refuse(response)
            return await receiver(response)
        finally:
            await response.aclose()

    async def _refuse(self, response: httpx.Response) -> None:
        status, system = response.status_code, self.settings.system
        body = b""
        async for piece in response.aiter_bytes():
            body += piece
            if len(body) > SHOWN_BYTES:
                break
        said = self._auth.hide(body.decode(errors="replace"))
        if status == 429 or status >= 500:
            wait = retry_after(response.headers)
            if wait is not None and wait > self.settings.most_asked_wait_s:
                raise RateLimitedError(system, wait)
            raise BusyError(status, said, wait)
        raise ApiError(system, status, said, self.settings.token_name)

    def _check_online(self) -> None:
        if self.settings.offline_because is not None:
            raise self._unreachable(self.settings.offline_because)

    def _no_json(self) -> InvalidAnswerError:
        system, address = self.settings.system, self.settings.base_url
        return InvalidAnswerError(system, f"{system} did not answer with JSON - check that {address} is its address")

    def _too_large(self, most_bytes: int) -> InvalidAnswerError:
        system = self.settings.system
        return InvalidAnswerError(system, f"{system} sent more than {most_bytes:,} bytes, none of which were kept")

    def _unreachable(self, reason: str) -> UnreachableError:
        return UnreachableError(self.settings.system, self.settings.base_url, self._auth.hide(reason))


def _is_failure(error: BaseException) -> bool:
    return isinstance(error, TimeUpError) or is_transient(error)


def _outcome(error: BaseException) -> str:
    match error:
        case RateLimitedError() | BusyError(status=429):
            return "limited"
        case BusyError():
            return "failed"
        case ApiError():
            return "refused"
        case ExternalSystemError():
            return "invalid"
    return "unreachable"


class _Below(httpx.AsyncBaseTransport):
    """What the cache asks when it does not know."""

    def __init__(self, fetch: Callable[[httpx.Request], Awaitable[httpx.Response]]) -> None:
        self._fetch = fetch

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._fetch(request)
