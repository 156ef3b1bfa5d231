"""A generative model at an address that speaks OpenAI's chat completions, as most servers of models do."""

from typing import Any

from inference.external.client import ExternalSystemClient
from inference.external.errors import InvalidAnswerError

MOST_BYTES = 1024 * 1024
"""Of an answer, with all that a server tells beside it."""
MOST_TOKENS = 1024
"""That the model may say, what it thinks aloud included."""


class ChatModel:
    """Asked for one message at a time, the likeliest one; it is given no tools, and what it says is text."""

    def __init__(self, client: ExternalSystemClient, model: str) -> None:
        """`model` is its name at the client's address."""
        self._client, self._model = client, model
        self.revision = f"{model} at {client.settings.base_url}"

    async def complete(self, system: str, user: str, limit_s: float) -> str:
        """What it says. Raises ExternalSystemError, also where it says nothing in `limit_s`."""
        body = {
            "model": self._model,
            "messages": [{"role": "system", "content": system}, {"role": "user", "content": user}],
            "temperature": 0,
            "max_tokens": MOST_TOKENS,
            "stream": False,
        }
        said = _message(await self._client.post_json("chat/completions", body, limit_s=limit_s, most_bytes=MOST_BYTES))
        if said is None:
            name, address = self._client.settings.system, self._client.settings.base_url
            raise InvalidAnswerError(
                name, f"{name} did not answer as chat completions do - check that {address} is its address"
            )
        return said


def _message(answer: Any) -> str | None:
    """The first choice's text; None where there is none."""
    choices = answer.get("choices") if isinstance(answer, dict) else None
    first = choices[0] if isinstance(choices, list) and choices else None
    message = first.get("message") if isinstance(first, dict) else None
    content = message.get("content") if isinstance(message, dict) else None
    return content if isinstance(content, str) else None
