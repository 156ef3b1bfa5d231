"""One request to one instance, and its answer, each signed."""

import json
from typing import Any
from uuid import uuid4

import httpx
from pydantic import ValidationError

from contracts.errors import AnnalsError
from security.service_tokens import Peer, ServiceIdentity, ServiceTokenError, verify
from services.caller import Caller
from services.deadline import Deadline
from services.mesh.caller_claims import claims_of
from services.mesh.errors import UntrustedServiceError
from services.mesh.operations import Operation
from services.mesh.registry import Instance
from services.mesh.rpc_errors import raised
from services.mesh.rpc_headers import ANSWER_TOKEN, DEADLINE, TOKEN, deadline_header
from services.mesh.tls import MutualTls

ANSWER_BYTES = 64 * 1024 * 1024


class NotSentError(AnnalsError):
    """The instance was not reached, or did not take the request; ask another one."""


class LostError(AnnalsError):
    """The instance gave no answer and may have done what it was asked; ask again only what may be done twice."""


class RpcExchange:
    """Connections are kept open between requests."""

    def __init__(self, identity: ServiceIdentity, tls: MutualTls | None = None) -> None:
        self._identity = identity
        self._http = httpx.AsyncClient(
            timeout=None,
            trust_env=False,
            verify=True if tls is None else tls.client(),
            limits=httpx.Limits(max_connections=256, max_keepalive_connections=64, keepalive_expiry=30.0),
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def send(
        self, instance: Instance, operation: Operation, caller: Caller, body: bytes, deadline: Deadline
    ) -> Any:
        """The response. Raises what the operation raises, NotSentError, LostError, UntrustedServiceError,
        DeadlineExceededError.
        """
        peer = Peer(instance.service, instance.instance)
        token_id = uuid4().hex
        token = self._identity.sign(peer, body, {"op": operation.name, **claims_of(caller)}, token_id)
        try:
            async with deadline.enforce(f"the service {operation.service}"):
                headers = {
                    TOKEN: f"Bearer {token}",
                    DEADLINE: deadline_header(min(deadline.remaining_s, operation.limit_s)),
                    "content-type": "application/json",
                }
                url = f"{instance.address}/rpc/{operation.name}"
                async with self._http.stream("POST", url, content=body, headers=headers) as response:
                    said = await _read(response)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise NotSentError(f"{instance.address} is not reached: {error or type(error).__name__}") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise LostError(f"{instance.address} gave no answer: {error or type(error).__name__}") from error
        self._verify(instance, peer, token_id, response, said)
        return _result(operation, response.status_code, said)

    def _verify(self, instance: Instance, peer: Peer, token_id: str, response: httpx.Response, said: bytes) -> None:
        """The answer is this instance's own, and to this request."""
        if response.status_code == 401:
            # It is another process than the one that was registered at this address, or does not know us yet.
            raise NotSentError(f"{instance.address} does not take our token")
        try:
            claims = verify(
                response.headers.get(ANSWER_TOKEN, ""), peer, instance.public_key, self._identity.peer, said
            )
        except ServiceTokenError as error:
            raise UntrustedServiceError from error
        if claims.get("answers") != token_id or claims.get("status") != response.status_code:
            raise UntrustedServiceError


async def _read(response: httpx.Response) -> bytes:
    body = bytearray()
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) > ANSWER_BYTES:
            raise LostError(f"an answer is over {ANSWER_BYTES} bytes")
    return bytes(body)


def _result(operation: Operation, status: int, said: bytes) -> Any:
    try:
        if status == 200:
            return operation.responses.validate_json(said)
        raise raised(json.loads(said))
    except (ValidationError, ValueError) as error:
        raise LostError(f"an answer to {operation.name} is not what it should be") from error
