"""Bearer tokens that no log, error or cache ever shows."""

import hashlib
from collections.abc import Generator

import httpx

from inference.model import InferenceError


class BearerAuth(httpx.Auth):
    """Sends the token to one origin only; without a token it sends nothing.

    Another origin, such as the store that a hub redirects downloads to, never sees it (RFC 6750, section 5.3).
    """

    def __init__(self, token: str | None, base_url: str, name: str) -> None:
        """`name` is what a person knows the token by, for messages. Raises InferenceError."""
        # The HTTP library would repeat a header that it refuses, token and all, so it must not get to see a bad one.
        if token is not None and not (token.isascii() and token.isprintable() and token and " " not in token):
            raise InferenceError(f"{name} is no token: it has spaces, line ends or other such characters; set it again")
        self._token = token
        self._origin = _origin(httpx.URL(base_url))

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Called by httpx for each request."""
        if self._token is not None and _origin(request.url) == self._origin:
            request.headers["Authorization"] = f"Bearer {self._token}"
        yield request

    @property
    def fingerprint(self) -> str:
        """Tells tokens apart without giving them away: what one may read, another may not."""
        if self._token is None:
            return "open"
        return hashlib.blake2b(self._token.encode(), digest_size=8, person=b"annals-token").hexdigest()

    def hide(self, text: str) -> str:
        """The text with the token blotted out, for systems that repeat what they were sent."""
        return text.replace(self._token, "***") if self._token else text

    def __repr__(self) -> str:
        return f"BearerAuth({'a token' if self._token else 'no token'} for {self._origin[1]})"


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    default = {"https": 443, "http": 80}.get(url.scheme)
    return url.scheme, url.host, url.port or default
