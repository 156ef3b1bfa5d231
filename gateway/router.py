"""From method and path to an endpoint, segment by segment, before anything in them is decoded.

So an id with a slash in it is one segment, written `articles%2Flovelace`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from gateway.endpoint import ApiEndpointConfig
from gateway.errors import MalformedRequestError


@dataclass(frozen=True, slots=True)
class Match:
    """`endpoint` is None where the path is unknown, or does not take the method: `methods` are those it takes."""

    endpoint: ApiEndpointConfig | None
    parameters: dict[str, str]
    methods: tuple[str, ...] = ()


@dataclass(slots=True)
class _Node:
    endpoints: dict[str, ApiEndpointConfig] = field(default_factory=dict)
    exact: dict[bytes, "_Node"] = field(default_factory=dict)
    any: "_Node | None" = None
    parameter: str = ""


class ApiRouter:
    """A segment that is named wins over a parameter."""

    def __init__(self, endpoints: Sequence[ApiEndpointConfig]) -> None:
        """Raises ValueError where a method of a path is there twice."""
        self._root = _Node()
        self._known: dict[bytes, _Node] = {}
        for endpoint in endpoints:
            node = self._root
            for segment in endpoint.path.strip("/").split("/"):
                if segment.startswith("{"):
                    node.any = node.any or _Node()
                    node.any.parameter = segment[1:-1]
                    node = node.any
                else:
                    node = node.exact.setdefault(segment.encode(), _Node())
            if endpoint.method in node.endpoints:
                raise ValueError(f"{endpoint.subject} is in the table twice")
            node.endpoints[endpoint.method] = endpoint
            if "{" not in endpoint.path:
                self._known[endpoint.path.encode()] = node

    def find(self, method: str, raw_path: bytes) -> Match:
        """The endpoint, with the parameters of its path decoded. Raises MalformedRequestError where one is no UTF-8."""
        values: dict[str, str] = {}
        node = self._known.get(raw_path) or self._walk(raw_path, values)
        if node is None:
            return Match(None, {})
        endpoint = node.endpoints.get("GET" if method == "HEAD" else method)
        return Match(endpoint, values, tuple(node.endpoints))

    def _walk(self, raw_path: bytes, values: dict[str, str]) -> _Node | None:
        node: _Node | None = self._root
        for segment in raw_path[1:].split(b"/"):
            assert node is not None
            following = node.exact.get(segment)
            if following is None and node.any is not None and segment:
                following = node.any
                values[following.parameter] = _decoded(segment)
            node = following
            if node is None:
                return None
        return node


def _decoded(segment: bytes) -> str:
    try:
        return unquote_to_bytes(segment).decode()
    except UnicodeDecodeError:
        raise MalformedRequestError("the path holds what is no UTF-8; write it in UTF-8, percent-encoded") from None
