"""From method and path to an endpoint: exact paths by name, the others by their pattern."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from re import Pattern
from typing import Any

from starlette.convertors import Convertor
from starlette.routing import compile_path

from gateway.endpoint import ApiEndpointConfig


@dataclass(frozen=True, slots=True)
class Match:
    """`endpoint` is None where the path is unknown, or does not take the method: `methods` are those it takes."""

    endpoint: ApiEndpointConfig | None
    parameters: dict[str, Any]
    methods: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Path:
    pattern: Pattern[str]
    convertors: dict[str, Convertor[Any]]
    endpoints: dict[str, ApiEndpointConfig]


class ApiRouter:
    """Of two patterns that fit, the one that comes first in the table wins."""

    def __init__(self, endpoints: Sequence[ApiEndpointConfig]) -> None:
        """Raises ValueError where a method of a path is there twice."""
        by_path: dict[str, dict[str, ApiEndpointConfig]] = defaultdict(dict)
        for endpoint in endpoints:
            if endpoint.method in by_path[endpoint.path]:
                raise ValueError(f"{endpoint.subject} is in the table twice")
            by_path[endpoint.path][endpoint.method] = endpoint
        self._exact = {path: one for path, one in by_path.items() if "{" not in path}
        self._patterns: list[_Path] = []
        for path, one in by_path.items():
            if "{" in path:
                pattern, _, convertors = compile_path(path)
                self._patterns.append(_Path(pattern, convertors, one))

    def find(self, method: str, path: str) -> Match:
        """The endpoint, with the parameters of its path."""
        exact = self._exact.get(path)
        if exact is not None:
            return _match(method, exact, {})
        for one in self._patterns:
            found = one.pattern.match(path)
            if found is not None:
                values = {name: one.convertors[name].convert(value) for name, value in found.groupdict().items()}
                return _match(method, one.endpoints, values)
        return Match(None, {})


def _match(method: str, endpoints: dict[str, ApiEndpointConfig], parameters: dict[str, Any]) -> Match:
    methods = tuple(endpoints)
    return Match(endpoints.get("GET" if method == "HEAD" else method), parameters, methods)
