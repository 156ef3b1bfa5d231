"""Signing in from outside, and the keys that the tokens are signed with; open to everybody."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Request, Response
from pydantic import BaseModel, ConfigDict, Field

from gateway.exchange import exchange_of
from gateway.handler import Handler, services_of
from security.local_administrator import TENANT
from services.security.sign_in import TokenPair

JWKS_CACHED = "public, max-age=300"
"""A key is published ten minutes before it signs."""

Scopes = Annotated[list[Annotated[str, Field(max_length=129)]], Field(min_length=1, max_length=64)]


class SignIn(BaseModel):
    """`scopes` narrow what the account's roles allow."""

    model_config = ConfigDict(strict=True, extra="forbid", hide_input_in_errors=True)

    user: Annotated[str, Field(max_length=256)]
    password: Annotated[str, Field(max_length=1024, repr=False)]
    tenant: Annotated[str, Field(max_length=256)] = TENANT
    scopes: Scopes | None = None


class Refresh(BaseModel):
    """A refresh token is good once."""

    model_config = ConfigDict(strict=True, extra="forbid", hide_input_in_errors=True)

    refresh_token: Annotated[str, Field(max_length=1024, repr=False)]


class Tokens(BaseModel):
    """`access_token` is sent with requests, until `expires_at`; `refresh_token` gets the next pair, once."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"
    expires_at: datetime
    refresh_token: str
    refresh_expires_at: datetime
    scopes: list[str] | None

    @classmethod
    def of(cls, pair: TokenPair) -> "Tokens":
        """As they are sent, this once."""
        return cls(
            access_token=pair.access.text,
            expires_at=pair.access.expires_at,
            refresh_token=pair.refresh_token,
            refresh_expires_at=pair.refresh_expires_at,
            scopes=None if pair.access.scopes is None else list(pair.access.scopes),
        )


class KeySet(BaseModel):
    """A JWK Set (RFC 7517, section 5)."""

    keys: list[Mapping[str, Any]]


async def sign_in(request: Request, wanted: SignIn) -> Tokens:
    """A short-lived access token, and a refresh token. An unknown user and a wrong password get the same answer."""
    exchange = exchange_of(request.scope)
    pair = await services_of(request).security.sign_in.sign_in(
        wanted.tenant,
        wanted.user,
        wanted.password,
        exchange.client,
        scopes=wanted.scopes,
        request_id=exchange.correlation_id,
        deadline=exchange.deadline,
    )
    return Tokens.of(pair)


async def refresh(request: Request, wanted: Refresh) -> Tokens:
    """The next pair. A refresh token that comes a second time ends the sign-in."""
    exchange = exchange_of(request.scope)
    pair = await services_of(request).security.sign_in.refresh(
        wanted.refresh_token, exchange.client, request_id=exchange.correlation_id, deadline=exchange.deadline
    )
    return Tokens.of(pair)


async def sign_out(request: Request, wanted: Refresh) -> Response:
    """End the sign-in that a refresh token is of, with all its tokens; of an unknown one nothing is said."""
    exchange = exchange_of(request.scope)
    await services_of(request).security.sign_in.sign_out(
        wanted.refresh_token, exchange.client, request_id=exchange.correlation_id, deadline=exchange.deadline
    )
    return Response(status_code=204)


async def jwks(request: Request, response: Response) -> KeySet:
    """The public keys that access tokens are signed with, those that sign soon among them."""
    response.headers["cache-control"] = JWKS_CACHED
    return KeySet(keys=(await services_of(request).security.signer.jwks())["keys"])


TOKENS = {
    "access_token": "eyJ...",
    "token_type": "Bearer",
    "expires_at": "2026-01-05T10:10:00Z",
    "refresh_token": "anr_...",
    "refresh_expires_at": "2026-01-05T22:00:00Z",
    "scopes": None,
}

HANDLERS = {
    "sign_in": Handler(
        sign_in,
        "sign-in",
        "Sign in with a password.",
        raises=(401,),
        request={"user": "ada", "password": "correct horse battery"},
        example=TOKENS,
    ),
    "token_refresher": Handler(
        refresh,
        "sign-in",
        "Get the next pair of tokens.",
        raises=(401,),
        request={"refresh_token": "anr_..."},
        example=TOKENS,
    ),
    "sign_out": Handler(
        sign_out,
        "sign-in",
        "Sign out.",
        status=204,
        request={"refresh_token": "anr_..."},
    ),
    "jwks": Handler(
        jwks,
        "sign-in",
        "The keys that sign access tokens.",
        example={"keys": [{"kty": "EC", "crv": "P-256", "kid": "k7", "alg": "ES256", "x": "...", "y": "..."}]},
    ),
}
