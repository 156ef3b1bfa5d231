"""Step 6: the handler of the endpoint is called, within its time, and again where a database did not answer."""

import asyncio
import contextlib
import random
from collections.abc import Mapping

from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from fastapi.routing import APIRoute

from eventstore.errors import StoreUnavailableError
from gateway.chain import Message, Receive, Scope, Send
from gateway.chain.processing import Body
from gateway.exchange import Exchange, exchange_of
from services.work_limit import WorkLimit

FACTOR = 2.0
READING, WAITING = 8, 1024
"""Reads of databases at once; more would only be slower, each of them."""


class ApiRoutes:
    """Calls the route of the matched endpoint; handlers do the same twice without harm, as those of streams do."""

    def __init__(self, routes: Mapping[str, APIRoute]) -> None:
        """`routes`: by the endpoint's subject."""
        self._apps = {subject: AsyncExitStackMiddleware(route.app) for subject, route in routes.items()}
        self._reads = WorkLimit(READING, WAITING)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request. Raises what the handler raises, OverloadedError, DeadlineExceededError."""
        exchange = exchange_of(scope)
        endpoint = exchange.endpoint
        assert endpoint is not None, "authentication lets nothing else through"
        assert isinstance(receive, Body), "the body was read"
        app, started = self._apps[endpoint.subject], False

        async def noted(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        retry = endpoint.retry_config
        left, pause_s = (retry.retries, retry.first_pause_s) if retry is not None else (0, 0.0)
        async with self._turn(exchange), exchange.deadline.enforce("answering"):
            while True:
                try:
                    return await app(scope, receive, noted)
                except StoreUnavailableError:
                    if started or not left:
                        raise
                    left -= 1
                await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))
                pause_s *= FACTOR
                receive.rewind()

    def _turn(self, exchange: Exchange) -> contextlib.AbstractAsyncContextManager[None]:
        if exchange.endpoint is None or not exchange.endpoint.takes_turns:
            return contextlib.nullcontext()
        return self._reads.turn(exchange.caller.tenant, exchange.deadline)
