"""The table: the specification's numbers, and nothing that is open by mistake."""

import pytest

from gateway.app import make_api, routes_of
from gateway.endpoint import ApiEndpointConfig, RateLimit, RetryConfig
from gateway.endpoints import ENDPOINTS
from gateway.errors import MalformedRequestError
from gateway.handlers import HANDLERS
from gateway.router import ApiRouter, Match
from security.roles import BUILT_IN, INSTALLATION, Policy

OPEN = {"GET /health/live", "GET /health/ready", "GET /openapi.json"}
SIGNING_IN = {
    "POST /api/v1/auth/sign-in",
    "POST /api/v1/auth/refresh",
    "POST /api/v1/auth/sign-out",
    "GET /.well-known/jwks.json",
}


@pytest.mark.parametrize(
    ("path", "per_minute", "timeout_s", "retries", "pause_s"),
    [
        ("/api/v1/documents", 100, 30, 3, 0.1),
        ("/api/v1/entities/extract", 200, 15, 2, 0.05),
        ("/api/v1/chunks/create", 150, 20, 2, 0.1),
        ("/api/v1/reasoning/query", 50, 60, 1, 0.2),
    ],
)
def test_the_specifications_numbers(path: str, per_minute: int, timeout_s: float, retries: int, pause_s: float) -> None:
    (endpoint,) = (one for one in ENDPOINTS if one.path == path and one.method == "POST")
    assert endpoint.auth_required
    assert endpoint.rate_limit == RateLimit(per_minute, 60)
    assert endpoint.timeout_s == timeout_s
    assert endpoint.retry_config == RetryConfig(retries, pause_s)


def test_only_health_signing_in_and_the_document_of_the_api_are_open() -> None:
    opened = {one.subject: one for one in ENDPOINTS if not one.auth_required}
    assert set(opened) == OPEN | SIGNING_IN
    assert all(opened[one].rate_limit is not None for one in SIGNING_IN), "what asks the database has a limit"


def test_metrics_are_for_whoever_runs_the_installation() -> None:
    (metrics,) = (one for one in ENDPOINTS if one.path == "/metrics")
    assert metrics.auth_required and (metrics.resource, metrics.action, metrics.or_else) == ("system", "read", None)
    assert metrics.resource in INSTALLATION, "no other tenant's administrator has it"
    assert {name for name in BUILT_IN if grants(name, "system", "read")} == {"operator", "administrator"}


def grants(role: str, resource: str, action: str) -> bool:
    """Whether a role that is built in gives this."""
    return any(
        one.resource in (resource, "*") and one.action in (action, "*") for _, one in Policy(0).permissions([role])
    )


def test_what_asks_who_somebody_is_has_a_limit_and_a_time() -> None:
    for one in ENDPOINTS:
        if one.auth_required:
            assert one.rate_limit is not None, one.subject
        assert one.timeout_s is not None or one.action == "read" or one.path.endswith("/stream"), one.subject


def test_each_handler_has_its_endpoint_and_each_endpoint_its_route() -> None:
    assert {one.handler for one in ENDPOINTS} == set(HANDLERS)
    assert len(routes_of(make_api(ENDPOINTS), ENDPOINTS)) == len(ENDPOINTS)


def test_an_endpoint_twice_is_refused() -> None:
    one = ApiEndpointConfig(path="/x", method="GET", handler="live", resource="system", action="read")
    with pytest.raises(ValueError, match="GET /x is in the table twice"):
        ApiRouter([one, one])


def test_paths_with_parameters() -> None:
    def endpoint(path: str) -> ApiEndpointConfig:
        return ApiEndpointConfig(path=path, method="GET", handler="live", resource="system", action="read")

    one, named, below = endpoint("/d/{id}"), endpoint("/d/list"), endpoint("/d/{id}/status")
    router = ApiRouter([one, named, below])
    assert router.find("GET", b"/d/list").endpoint is named
    found = router.find("GET", b"/d/a%2Fb%C3%A9")
    assert (found.endpoint, found.parameters) == (one, {"id": "a/bé"})
    assert router.find("GET", b"/d/a%2Fb/status").parameters == {"id": "a/b"}
    assert router.find("HEAD", b"/d/a").endpoint is one
    assert (router.find("PUT", b"/d/a").endpoint, router.find("PUT", b"/d/a").methods) == (None, ("GET",))
    for unknown in (b"/e", b"/", b"", b"/d", b"/d/", b"/d//status", b"/d/a/b", b"/d/a/", b"//d/a"):
        assert router.find("GET", unknown) == Match(None, router.find("GET", unknown).parameters, ())
    with pytest.raises(MalformedRequestError):
        router.find("GET", b"/d/%ff")
