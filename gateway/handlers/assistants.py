"""Messages of assistants."""

from typing import Any

from fastapi import Request, Response

from gateway.assistants import Assistants
from gateway.handler import Handler


async def message(request: Request, message: dict[str, Any]) -> Response:
    """A JSON-RPC message of the Model Context Protocol: tools that ask, search, show and take documents in.

    Each call of a tool is done as a request of the caller, within the caller's permissions and limits.
    """
    assistants: Assistants = request.app.state.assistants
    return assistants.answer(await request.body())


HANDLERS = {
    "assistant": Handler(
        message,
        "assistants",
        "A message of an assistant (MCP).",
        also=(202,),
        raises=(400, 406),
        refuses_itself=(400, 406),
        request={"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}},
        example={"jsonrpc": "2.0", "id": 1, "result": {"tools": []}},
    )
}
