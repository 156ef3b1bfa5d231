"""One gateway, asked over HTTP."""

import json
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Literal
from urllib.parse import quote
from uuid import uuid4

import httpx
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt

from client.address import Address
from contracts.errors import AnnalsError

PREFIX = "/api/v1"
CONNECT_LIMIT_S = 5.0
ANSWER_LIMIT_S = 90.0
"""The longest that the gateway grants itself is a minute."""
IMPATIENT_LIMIT_S = 20.0
"""How long whoever has another way waits for an answer."""
PATIENCE_S = 70.0
"""How long a limit that was reached is waited for: limits are counted by the minute."""
RETURN_LIMIT_S = 15.0
"""How long a gateway that does not answer is waited for: one that was killed is back within seconds."""
AWAY_LIMIT_S = 60.0
"""How long a database that is away behind it is waited for."""

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]


class GatewayError(AnnalsError):
    """The gateway refused; its answer says why. See `annals status`."""


class GatewayUnavailableError(GatewayError):
    """The gateway is there, and what it needs is not; see `annals status`, and try again."""


class GatewayNotFoundError(GatewayError):
    """What was asked for is not there; `annals list` and `annals entity list` show what there is."""


class GatewayAbsentError(AnnalsError):
    """The gateway does not answer; see that `annals up` runs there, and that the address is right."""


class _LaterError(AnnalsError):
    """The gateway did not do it now; try again in a moment."""

    def __init__(self, pause_s: float, limit_s: float, cause: AnnalsError) -> None:
        """Worth another try after `pause_s`, within `limit_s` of the first; `cause` is what to say else."""
        super().__init__(str(cause))
        self.pause_s, self.limit_s, self.cause = pause_s, limit_s, cause


def segment(text: str) -> str:
    """As one segment of a path, whatever is in it. `.` and `..` as they are would lead to another path."""
    return quote(text, safe="").replace(".", "%2E") if text in (".", "..") else quote(text, safe="")


class Gateway:
    """Raises GatewayError for what it refuses, GatewayAbsentError where nobody answers."""

    def __init__(self, url: str, client: httpx.AsyncClient, *, patient: bool = True) -> None:
        """`patient`: try again later what may succeed then."""
        self._url = url
        self._client = client
        self._patient = patient

    async def get(self, path: str, **parameters: Any) -> Any:
        """What is there."""
        return await self.send("GET", path, params={name: one for name, one in parameters.items() if one is not None})

    async def download(self, path: str) -> bytes:
        """What is there, whatever it is."""
        return (await self._answer("GET", path, {})).content

    async def send(self, method: Method, path: str, **request: Any) -> Any:
        """The decoded answer; `request` are httpx's arguments."""
        answer = await self._answer(method, path, request)
        if answer.headers.get("content-type", "").startswith("application/x-ndjson"):
            return answer.text
        return answer.json() if answer.content else None

    async def send_lines(self, path: str, lines: bytes, headers: Mapping[str, str]) -> list[dict[str, Any]]:
        """JSON Lines, and what is answered to each. Taken in twice, a document is the same: it may be sent again."""
        again = {**headers, "idempotency-key": str(uuid4())}
        text: str = await self.send("POST", path, content=lines, headers=again)
        return [json.loads(line) for line in text.splitlines() if line]

    async def _answer(self, method: Method, path: str, request: Mapping[str, Any]) -> httpx.Response:
        """What is no refusal.

        Waits where a limit was reached, and tries again what may be sent twice: a POST may where it has an
        Idempotency-Key.
        """
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(_LaterError),
            wait=_pause,
            stop=_too_late if self._patient else stop_after_attempt(1),
            reraise=True,
        )
        try:
            return await retrying(self._once, method, path, request)
        except _LaterError as error:
            raise error.cause from None

    async def _once(self, method: Method, path: str, request: Mapping[str, Any]) -> httpx.Response:
        try:
            answer = await self._client.request(method, PREFIX + path, **request)
        except (httpx.ConnectError, httpx.ConnectTimeout):
            absent = GatewayAbsentError(f"the gateway at {self._url} does not answer; see: annals status")
            raise _LaterError(0.3, RETURN_LIMIT_S, absent) from None
        except httpx.HTTPError as error:
            why = str(error) or type(error).__name__
            broken = GatewayAbsentError(f"the gateway at {self._url} broke off: {why}; try again")
            if method == "POST" and "idempotency-key" not in request.get("headers", {}):
                raise broken from None
            raise _LaterError(0.3, RETURN_LIMIT_S, broken) from None
        if answer.status_code == 429:
            raise _LaterError(_retry_after_s(answer), PATIENCE_S, GatewayError(_problem(answer)))
        if answer.status_code == 503:
            raise _LaterError(_retry_after_s(answer), AWAY_LIMIT_S, GatewayUnavailableError(_problem(answer)))
        if answer.status_code == 504:
            raise GatewayUnavailableError(_problem(answer))
        if answer.status_code == 404:
            raise GatewayNotFoundError(_problem(answer))
        if answer.status_code >= 400:
            raise GatewayError(_problem(answer))
        return answer


@asynccontextmanager
async def open_gateway(address: Address, *, patient: bool = True) -> AsyncIterator[Gateway]:
    """A client of one gateway. No proxy of the environment is used for a machine's own.

    Not `patient`: for whoever has another way where it does not answer at once.
    """
    async with httpx.AsyncClient(
        base_url=address.url,
        headers={"authorization": f"Bearer {address.token}", "user-agent": "annals"},
        timeout=httpx.Timeout(ANSWER_LIMIT_S if patient else IMPATIENT_LIMIT_S, connect=CONNECT_LIMIT_S),
        trust_env=not address.local,
        verify=address.url.startswith("https:"),
    ) as client:
        yield Gateway(address.url, client, patient=patient)


def _later(state: RetryCallState) -> _LaterError:
    error = state.outcome.exception() if state.outcome is not None else None
    assert isinstance(error, _LaterError)
    return error


def _pause(state: RetryCallState) -> float:
    return _later(state).pause_s * random.uniform(1.0, 1.5)


def _too_late(state: RetryCallState) -> bool:
    error = _later(state)
    return (state.seconds_since_start or 0.0) + error.pause_s > error.limit_s


def _retry_after_s(answer: httpx.Response) -> float:
    try:
        return max(0.1, float(answer.headers.get("retry-after", "1")))
    except ValueError:
        return 1.0


def _problem(answer: httpx.Response) -> str:
    """What problem+json (RFC 9457) says, in one line."""
    try:
        said = answer.json()
    except ValueError:
        said = {}
    detail = said.get("detail") or said.get("title") or f"it answered {answer.status_code}"
    faults = [f"{one.get('pointer', '')}: {one.get('detail', '')}" for one in said.get("errors", ())]
    return " ".join("; ".join([detail, *faults]).split())
