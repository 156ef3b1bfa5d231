"""The chain that each request passes, one step a file, each a pure ASGI application around the next one.

In the specification's order (1.1, `handle_request`): log, authenticate, authorize, limit, process, route on the way
in; format, log, record metrics on the way out.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]
