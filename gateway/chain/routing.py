"""Step 6: the handler of the endpoint is called, within its time, and again where a database did not answer."""

import asyncio
import contextlib
import random
from collections.abc import Collection, Mapping
from urllib.parse import parse_qsl

from fastapi.dependencies.models import Dependant
from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from fastapi.routing import APIRoute

from eventstore.errors import StoreUnavailableError
from gateway.chain import Message, Receive, Scope, Send
from gateway.chain.processing import Body
from gateway.errors import InvalidFieldsError
from gateway.exchange import Exchange, exchange_of
from reasoning.words import shortened
from services.work_limit import WorkLimit

FACTOR = 2.0
MOST_NAMED, MOST_SHOWN = 16, 64
"""Unknown parameters that are named, and characters of each."""
READING, WAITING = 8, 1024
"""Reads of databases at once; more would only be slower, each of them."""


class ApiRoutes:
    """Calls the route of the matched endpoint; handlers do the same twice without harm, as those of streams do."""

    def __init__(self, routes: Mapping[str, APIRoute]) -> None:
        """`routes`: by the endpoint's subject."""
        self._apps = {subject: AsyncExitStackMiddleware(route.app) for subject, route in routes.items()}
        self._reads = WorkLimit(READING, WAITING)
        self._known = {subject: _parameters(route.dependant) for subject, route in routes.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request. Raises what the handler raises, OverloadedError, DeadlineExceededError, InvalidFieldsError."""
        exchange = exchange_of(scope)
        endpoint = exchange.endpoint
        assert endpoint is not None, "authentication lets nothing else through"
        assert isinstance(receive, Body), "the body was read"
        if endpoint.method == "GET":
            _refuse_unknown(scope["query_string"], self._known[endpoint.subject])
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


def _parameters(dependant: Dependant) -> frozenset[str]:
    """Names of what may stand in the query of a request."""
    own = (parameter.alias for parameter in dependant.query_params)
    return frozenset(own).union(*map(_parameters, dependant.dependencies))


def _refuse_unknown(query: bytes, known: Collection[str]) -> None:
    """A misspelt filter must not widen what is given. Raises InvalidFieldsError, which names them."""
    if not query:
        return
    names = dict.fromkeys(name for name, _ in parse_qsl(query.decode("latin-1"), keep_blank_values=True))
    unknown = [name for name in names if name not in known]
    if unknown:
        detail = f"no such parameter; there are: {', '.join(sorted(known)) or 'none'}"
        raise InvalidFieldsError(
            [{"pointer": f"query: {shortened(name, MOST_SHOWN)}", "detail": detail} for name in unknown[:MOST_NAMED]]
        )
