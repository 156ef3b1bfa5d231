"""RpcClient (specification 1.2): a call of an operation, on whichever instance of its service answers."""

import asyncio
import random
import time
from typing import Any

from contracts.errors import AnnalsError
from security.service_tokens import ServiceIdentity
from services.caller import Caller
from services.deadline import Deadline, DeadlineExceededError
from services.errors import OverloadedError
from services.mesh.balancing import EJECTED_S, Balancer, PeerState
from services.mesh.breaker import OPEN_S, Breaker
from services.mesh.discovery import ServiceDiscovery
from services.mesh.errors import RemoteFaultError, ServiceUnavailableError, UntrustedServiceError
from services.mesh.operations import OPERATIONS, Operation
from services.mesh.registry import Instance
from services.mesh.retry_budget import RetryBudget
from services.mesh.rpc_exchange import LostError, NotSentError, RpcExchange
from services.mesh.tls import MutualTls
from telemetry import metrics

TRIES = 4
FIRST_PAUSE_S = 0.05
"""Doubled with each try, and shortened at random by up to a half."""
ABSENT_S = 10.0
"""How long an instance is waited for where there is none, but no longer than half of the time granted: one that was
killed is replaced meanwhile."""
ABSENT_PAUSE_S = 0.25
PATIENCE_S = 0.5
"""An instance that was given less and did not answer in time has not failed."""


class RpcClient:
    """Use it within one event loop; `close` it at the end."""

    def __init__(
        self,
        identity: ServiceIdentity,
        discovery: ServiceDiscovery,
        *,
        open_s: float = OPEN_S,
        ejected_s: float = EJECTED_S,
        chance: random.Random | None = None,
        tls: MutualTls | None = None,
    ) -> None:
        """`open_s`: how long a breaker stays open; `ejected_s`: for how long an outlier is not chosen at first."""
        self._discovery = discovery
        self._chance = chance or random.Random()
        self._open_s, self._ejected_s = open_s, ejected_s
        self._balancers: dict[str, Balancer] = {}
        self._budgets: dict[str, RetryBudget] = {}
        self._exchange = RpcExchange(identity, tls)

    async def close(self) -> None:
        """Close all connections."""
        await self._exchange.close()

    async def call(self, name: str, caller: Caller, request: Any, deadline: Deadline) -> Any:
        """The operation's response. Raises what the operation raises, ServiceUnavailableError, UntrustedServiceError,
        RemoteFaultError, DeadlineExceededError.
        """
        operation = OPERATIONS[name]
        budget = self._budgets.setdefault(operation.service, RetryBudget())
        budget.request()
        body = operation.requests.dump_json(request)
        balancer, tried = self._balancer(operation.service), list[str]()
        failure: AnnalsError | None = None
        absent_until = time.monotonic() + min(ABSENT_S, deadline.remaining_s / 2)
        while True:
            async with deadline.enforce(f"looking for {operation.service}"):
                instances = await self._discovery.instances(operation.service)
            peer = balancer.choose(instances, tried)
            if peer is None:
                # A process that ends may take so many requests with it that its breaker opens: they wait, too.
                may_come = balancer.is_one_gone(instances) or isinstance(failure, LostError)
                if not may_come or time.monotonic() >= absent_until:
                    break
                self._discovery.look_again(operation.service)
                await self._pause(ABSENT_PAUSE_S, operation, deadline)
                continue
            try:
                return await self._on(peer, operation, caller, body, deadline)
            except NotSentError as error:  # nothing was done: another one is asked at once
                failure = error
                continue
            except (LostError, UntrustedServiceError, OverloadedError, ServiceUnavailableError) as error:
                failure = error
            tried.append(peer.instance.instance)
            if len(tried) >= TRIES or not _may_repeat(operation, failure) or not budget.take():
                break
            metrics.RPC_RETRIES.labels(operation.service).inc()
            await self._pause(FIRST_PAUSE_S * 2 ** (len(tried) - 1), operation, deadline)
        raise _told(operation, failure)

    async def _pause(self, seconds: float, operation: Operation, deadline: Deadline) -> None:
        async with deadline.enforce(f"calling {operation.service}"):
            await asyncio.sleep(seconds * self._chance.uniform(0.5, 1.0))

    def _balancer(self, service: str) -> Balancer:
        if service not in self._balancers:
            self._balancers[service] = Balancer(self._breaker, chance=self._chance, ejected_s=self._ejected_s)
        return self._balancers[service]

    def _breaker(self, instance: Instance) -> Breaker:
        return Breaker(f"{instance.service} at {instance.address}", open_s=self._open_s)

    async def _on(self, peer: PeerState, operation: Operation, caller: Caller, body: bytes, deadline: Deadline) -> Any:
        """On one instance, which is judged by how it ends."""
        balancer, granted = self._balancer(operation.service), min(deadline.remaining_s, operation.limit_s)

        def failed(error: BaseException) -> bool | None:
            return is_failure(error, granted)

        began, outcome = time.monotonic(), "ok"
        peer.outstanding += 1
        try:
            with peer.breaker.passing(failed):
                answer = await self._exchange.send(peer.instance, operation, caller, body, deadline)
            balancer.succeeded(peer)
            return answer
        except BaseException as error:
            outcome = type(error).__name__
            if isinstance(error, NotSentError):
                balancer.refused(peer)
            elif failed(error):
                balancer.failed(peer)
            raise
        finally:
            peer.outstanding -= 1
            metrics.RPC_REQUESTS.labels(operation.service, operation.name, outcome).inc()
            metrics.RPC_SECONDS.labels(operation.service, operation.name).observe(time.monotonic() - began)
            metrics.RPC_EJECTED.labels(operation.service).set(balancer.ejected)
            metrics.RPC_BREAKERS.labels(operation.service).set(balancer.broken)


def is_failure(error: BaseException, granted_s: float) -> bool | None:
    """Whether an instance failed, as its breaker asks: None where nothing is known of it.

    A refusal is work well done. Who was granted little, or went away himself, learnt nothing.
    """
    if isinstance(error, DeadlineExceededError):
        return True if granted_s >= PATIENCE_S else None
    if isinstance(error, NotSentError):
        return None
    if isinstance(error, LostError | UntrustedServiceError | RemoteFaultError):
        return True
    return False if isinstance(error, AnnalsError) else None


def _may_repeat(operation: Operation, failure: AnnalsError | None) -> bool:
    return operation.is_idempotent or not isinstance(failure, LostError | UntrustedServiceError)


def _told(operation: Operation, failure: AnnalsError | None) -> AnnalsError:
    if isinstance(failure, OverloadedError | UntrustedServiceError | ServiceUnavailableError):
        return failure
    why = f" ({failure})" if failure is not None else ""
    return ServiceUnavailableError(
        f"no instance of the service {operation.service} can be asked now{why}; try again in a moment"
    )
