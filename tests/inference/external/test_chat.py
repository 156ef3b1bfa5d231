"""A generative model over HTTP, against a server on loopback that fails on demand."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY

from inference.external.chat import MOST_TOKENS, ChatModel
from inference.external.client import ExternalSystemClient
from inference.external.errors import (
    ApiError,
    CircuitOpenError,
    ExternalSystemError,
    InvalidAnswerError,
    ServerError,
    UnreachableError,
)
from inference.external.settings import ClientSettings
from tests.support.chat_server import ChatServer, serving

KEY = "sk-secretsecretsecret"
LIMIT_S = 10.0
Connect = Callable[..., Awaitable[ChatModel]]


@pytest.fixture
def chat(monkeypatch: pytest.MonkeyPatch) -> Iterator[ChatServer]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving(lambda body: f"You said {body['messages'][-1]['content']}") as running:
        yield running


@pytest.fixture
async def connect(chat: ChatServer, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Connect]:
    """Each test counts under its own system."""
    async with AsyncExitStack() as stack:

        async def opened(key: str | None = None, **changed: Any) -> ChatModel:
            settings = ClientSettings(
                system=request.node.name,
                base_url=f"{chat.url}/",
                cache_folder=tmp_path,
                token_name="ANNALS_GENERATOR_KEY",
                **{"first_wait_s": 0.01, "most_wait_s": 0.02, "tries": 2, "breaker_failures": 4, **changed},
            )
            return ChatModel(await stack.enter_async_context(ExternalSystemClient(settings, key)), "tiny-1")

        yield opened


async def test_a_model_is_asked_for_one_likeliest_bounded_message_and_given_no_tools(
    chat: ChatServer, connect: Connect
) -> None:
    chat.key = KEY
    model = await connect(KEY)
    assert await model.complete("Be short.", "Who?", LIMIT_S) == "You said Who?"
    (body,) = chat.requests
    assert body == {
        "model": "tiny-1",
        "messages": [{"role": "system", "content": "Be short."}, {"role": "user", "content": "Who?"}],
        "temperature": 0,
        "max_tokens": MOST_TOKENS,
        "stream": False,
    }
    assert model.revision == f"tiny-1 at {chat.url}/" and KEY not in model.revision


async def test_an_answer_comes_after_a_failure_that_passes(chat: ChatServer, connect: Connect) -> None:
    chat.fault, chat.faults = "500", 1
    assert (await (await connect()).complete("", "Who?", LIMIT_S)).startswith("You said")
    assert len(chat.requests) == 2


@pytest.mark.parametrize(
    ("fault", "error", "said"),
    [
        ("500", ServerError, "answered 500"),
        ("302", ApiError, "answered 302"),
        ("huge", InvalidAnswerError, "more than 1,048,576 bytes"),
        ("no JSON", InvalidAnswerError, "JSON"),
        ("deep", InvalidAnswerError, "JSON"),
        ("{}", InvalidAnswerError, "chat completions"),
        ("[]", InvalidAnswerError, "chat completions"),
        ('{"choices": []}', InvalidAnswerError, "chat completions"),
        ('{"choices": [7]}', InvalidAnswerError, "chat completions"),
        ('{"choices": [{"message": {"content": null}}]}', InvalidAnswerError, "chat completions"),
        ('{"choices": [{"message": {"content": ["a"]}}]}', InvalidAnswerError, "chat completions"),
        ('{"error": "no such model"}', InvalidAnswerError, "chat completions"),
    ],
)
async def test_what_is_no_answer_is_an_error_in_one_line(
    chat: ChatServer, connect: Connect, fault: str, error: type[ExternalSystemError], said: str
) -> None:
    chat.fault = fault
    with pytest.raises(error, match=said) as raised:
        await (await connect()).complete("", "Who?", LIMIT_S)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("fault", ["hang", "trickle"])
async def test_who_says_nothing_in_time_is_given_up_and_then_left_alone(
    chat: ChatServer, connect: Connect, fault: str
) -> None:
    """Each that hangs counts as a failure; the breaker then answers at once."""
    chat.fault = fault
    model = await connect()
    began = time.monotonic()
    for _ in range(4):
        with pytest.raises(UnreachableError, match="in time"):
            await model.complete("", "Who?", 0.3)
    assert 1.0 < time.monotonic() - began < 8.0
    assert len(chat.requests) == 4, "no second try where there is no time left for it"
    with pytest.raises(CircuitOpenError):
        await model.complete("", "Who?", 0.3)
    assert len(chat.requests) == 4
    name = model._client.settings.system
    assert REGISTRY.get_sample_value("annals_external_breaker_state", {"system": name}) == 2.0


async def test_tries_share_the_time_that_there_is(chat: ChatServer, connect: Connect) -> None:
    chat.fault = "500"
    model = await connect(tries=50, breaker_failures=100, first_wait_s=0.2, most_wait_s=0.2)
    began = time.monotonic()
    with pytest.raises(ExternalSystemError):
        await model.complete("", "Who?", 0.5)
    assert time.monotonic() - began < 5.0 and len(chat.requests) < 50


async def test_who_is_called_off_says_nothing_of_the_system(chat: ChatServer, connect: Connect) -> None:
    chat.fault = "hang"
    model = await connect()
    for _ in range(6):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await model.complete("", "Who?", LIMIT_S)
    chat.fault = None
    assert await model.complete("", "Who?", LIMIT_S)


async def test_the_key_is_in_no_error_and_no_log(
    chat: ChatServer, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    chat.key = "another"
    model = await connect(KEY)
    with pytest.raises(ApiError, match="401") as raised:
        await model.complete("", "Who?", LIMIT_S)
    assert chat.keys == [f"Bearer {KEY}"], "it was sent"
    assert KEY not in str(raised.value) + repr(raised.value) + caplog.text + repr(model) + repr(model._client._auth)


async def test_a_redirect_leads_the_key_and_the_sources_nowhere(chat: ChatServer, connect: Connect) -> None:
    chat.fault = "302"
    with pytest.raises(ApiError):
        await (await connect(KEY)).complete("", "Who?", LIMIT_S)
    assert len(chat.requests) == 1
