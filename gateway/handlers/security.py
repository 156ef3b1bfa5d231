"""Who may come in, what he may do, and what was done."""

from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import Path, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from aggregates.account import Account
from contracts.accounts import AccountId, AccountKind, Roles
from contracts.payload import Name, Reason
from eventstore.audit_entries import AuditFilter
from gateway.exchange import exchange_of
from gateway.handler import Handler, services_of
from gateway.parameters import Cursor, Limit
from security.api_keys import ApiKey
from security.audit import Category, Outcome
from services.security.accounts import AccountPage
from services.security.policies import PolicyView

AccountPath = Annotated[AccountId, Path()]
KeyPath = Annotated[str, Path(max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]
NameCursor = Annotated[str, Query(max_length=256, pattern=r"^[^\x00-\x1f]*$", description="`next` of the page before.")]
Scope = Annotated[str, Field(max_length=129, pattern=r"^(\*|[a-z_]{1,64}):(\*|[a-z_]{1,64})$")]


class NewAccount(BaseModel):
    """`kind`: `user` for a person, `service` for a program."""

    model_config = ConfigDict(extra="forbid")

    id: AccountId
    kind: AccountKind
    roles: Roles


class AccountChange(BaseModel):
    """What is given is changed, what is not stays. `reason` is kept in the event."""

    model_config = ConfigDict(extra="forbid")

    roles: Roles | None = None
    active: bool | None = None
    reason: Reason | None = None


class NewKey(BaseModel):
    """`scopes` narrow what the account's roles allow. It counts for `days`, null for no end."""

    model_config = ConfigDict(strict=True, extra="forbid")

    account: AccountId
    name: Name
    scopes: Annotated[list[Scope], Field(max_length=64)] | None = None
    days: Annotated[int, Field(ge=1, le=3650)] | None = 90


class KeyView(BaseModel):
    """What is known of a key. `text` is what its holder sends, shown this once, where it was just made."""

    id: str
    account: str
    name: str
    scopes: list[str] | None
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    text: str | None = None

    @classmethod
    def of(cls, key: ApiKey, text: str | None = None) -> "KeyView":
        """Without its hash."""
        return cls(
            id=key.id,
            account=key.account,
            name=key.name,
            scopes=None if key.scopes is None else list(key.scopes),
            created_at=key.created_at,
            created_by=key.created_by,
            expires_at=key.expires_at,
            revoked_at=key.revoked_at,
            last_used_at=key.last_used_at,
            text=text,
        )


class Keys(BaseModel):
    """By id."""

    keys: list[KeyView]
    next: str | None


class AuditLine(BaseModel):
    """One entry, and its number in the tenant's chain."""

    sequence: int
    at: datetime
    actor: str
    category: Category
    action: str
    resource: str
    object_id: str
    outcome: Outcome
    reason: str
    credential: str
    address: str
    request_id: str
    hash: str


class AuditLines(BaseModel):
    """The newest first."""

    entries: list[AuditLine]
    next: str | None


async def list_accounts(request: Request, limit: Limit = 100, cursor: NameCursor = "") -> AccountPage:
    """Users and service accounts of the caller's tenant."""
    exchange = exchange_of(request.scope)
    return await services_of(request).security.accounts.list(
        exchange.caller, after=cursor, limit=limit, deadline=exchange.deadline
    )


async def create_account(request: Request, wanted: NewAccount) -> Account:
    """A user or a service account. Nobody gives more than he has."""
    exchange = exchange_of(request.scope)
    return await services_of(request).security.accounts.create(
        exchange.caller, wanted.id, wanted.kind, wanted.roles, deadline=exchange.deadline
    )


async def read_account(request: Request, account: AccountPath) -> Account:
    """One of them."""
    exchange = exchange_of(request.scope)
    return await services_of(request).security.accounts.get(exchange.caller, account, deadline=exchange.deadline)


async def change_account(request: Request, account: AccountPath, wanted: AccountChange) -> Account:
    """Other roles, or whether it may come in; in force at the next request."""
    exchange, accounts = exchange_of(request.scope), services_of(request).security.accounts
    if wanted.roles is not None:
        await accounts.change_roles(exchange.caller, account, wanted.roles, deadline=exchange.deadline)
    if wanted.active is not None:
        change = accounts.enable if wanted.active else accounts.disable
        await change(exchange.caller, account, wanted.reason, deadline=exchange.deadline)
    return await accounts.get(exchange.caller, account, deadline=exchange.deadline)


async def list_keys(
    request: Request, limit: Limit = 100, cursor: NameCursor = "", account: Annotated[AccountId | None, Query()] = None
) -> Keys:
    """Keys of the caller's tenant, or of one account; never what they are sent as."""
    exchange = exchange_of(request.scope)
    page = await services_of(request).security.api_keys.list(
        exchange.caller, account, after=cursor, limit=limit, deadline=exchange.deadline
    )
    return Keys(keys=[KeyView.of(key) for key in page.keys], next=page.next)


async def create_key(request: Request, wanted: NewKey) -> KeyView:
    """A key of an account. `text` is shown this once."""
    exchange = exchange_of(request.scope)
    issued = await services_of(request).security.api_keys.issue(
        exchange.caller,
        wanted.account,
        wanted.name,
        scopes=wanted.scopes,
        lifetime=None if wanted.days is None else timedelta(days=wanted.days),
        deadline=exchange.deadline,
    )
    return KeyView.of(issued.key, issued.text)


async def read_key(request: Request, key: KeyPath) -> KeyView:
    """One of them."""
    exchange = exchange_of(request.scope)
    found = await services_of(request).security.api_keys.get(exchange.caller, key, deadline=exchange.deadline)
    return KeyView.of(found)


async def revoke_key(request: Request, key: KeyPath) -> KeyView:
    """Refuse a key from the next request on."""
    exchange = exchange_of(request.scope)
    found = await services_of(request).security.api_keys.revoke(exchange.caller, key, deadline=exchange.deadline)
    return KeyView.of(found)


async def read_policy(request: Request, response: Response) -> PolicyView:
    """The roles of the caller's tenant, built in and own."""
    exchange = exchange_of(request.scope)
    found = await services_of(request).security.policies.show(exchange.caller, deadline=exchange.deadline)
    response.headers["etag"] = f'"{found.version}"'
    return found


async def read_audit(
    request: Request,
    limit: Limit = 100,
    cursor: Cursor = None,
    actor: Annotated[str | None, Query(max_length=512)] = None,
    category: Category | None = None,
    outcome: Outcome | None = None,
    resource: Annotated[str | None, Query(max_length=512)] = None,
    object_id: Annotated[str | None, Query(max_length=512)] = None,
    since: Annotated[AwareDatetime | None, Query()] = None,
    until: Annotated[AwareDatetime | None, Query()] = None,
) -> AuditLines:
    """Who did what in the caller's tenant."""
    exchange = exchange_of(request.scope)
    page = await services_of(request).security.audit_service.query(
        exchange.caller,
        AuditFilter(actor, category, outcome, resource, object_id, since, until),
        after=cursor,
        limit=limit,
        deadline=exchange.deadline,
    )
    lines = [
        AuditLine(
            sequence=one.sequence,
            at=one.at,
            actor=one.entry.actor,
            category=one.entry.category,
            action=one.entry.action,
            resource=one.entry.resource,
            object_id=one.entry.object_id,
            outcome=one.entry.outcome,
            reason=one.entry.reason,
            credential=one.entry.credential,
            address=one.entry.address,
            request_id=one.entry.request_id,
            hash=one.hash.hex(),
        )
        for one in page.entries
    ]
    return AuditLines(entries=lines, next=page.next)


ACCOUNT = {"id": "ada", "version": 1, "kind": "user", "roles": ["reader"], "active": True}
KEY: dict[str, Any] = {
    "id": "k7",
    "account": "ada",
    "name": "laptop",
    "scopes": ["documents:read"],
    "created_at": "2026-01-05T10:00:00Z",
    "created_by": "local-admin",
    "expires_at": "2026-04-05T10:00:00Z",
    "revoked_at": None,
    "last_used_at": None,
    "text": None,
}
ROLE = {"name": "reader", "description": "Reads, searches and asks.", "inherits": [], "permissions": []}

HANDLERS = {
    "account_list": Handler(list_accounts, "users", "List accounts.", example={"accounts": [ACCOUNT], "next": None}),
    "account_maker": Handler(
        create_account,
        "users",
        "Make an account.",
        status=201,
        raises=(409,),
        request={"id": "ada", "kind": "user", "roles": ["reader"]},
        example=ACCOUNT,
    ),
    "account_reader": Handler(read_account, "users", "Read an account.", raises=(404,), example=ACCOUNT),
    "account_changer": Handler(
        change_account,
        "users",
        "Change an account.",
        raises=(404, 409),
        request={"active": False, "reason": "left the company"},
        example={**ACCOUNT, "active": False},
    ),
    "key_list": Handler(list_keys, "keys", "List API keys.", example={"keys": [KEY], "next": None}),
    "key_maker": Handler(
        create_key,
        "keys",
        "Make an API key.",
        status=201,
        raises=(404,),
        request={"account": "ada", "name": "laptop", "scopes": ["documents:read"], "days": 90},
        example={**KEY, "text": "annals_k7_..."},
    ),
    "key_reader": Handler(read_key, "keys", "Read what is known of an API key.", raises=(404,), example=KEY),
    "key_revoker": Handler(
        revoke_key,
        "keys",
        "Revoke an API key.",
        raises=(404,),
        example={**KEY, "revoked_at": "2026-01-06T10:00:00Z"},
    ),
    "policy_reader": Handler(
        read_policy,
        "users",
        "Read the roles of the tenant.",
        example={"version": 0, "own": [], "built_in": [ROLE]},
    ),
    "audit_reader": Handler(
        read_audit,
        "audit",
        "Read the audit log.",
        raises=(400,),
        example={
            "entries": [
                {
                    "sequence": 12,
                    "at": "2026-01-05T10:00:00Z",
                    "actor": "ada",
                    "category": "authorization",
                    "action": "write",
                    "resource": "documents",
                    "object_id": "",
                    "outcome": "denied",
                    "reason": "no role gives it",
                    "credential": "key:k7",
                    "address": "127.0.0.1",
                    "request_id": "4f2c",
                    "hash": "8b1a",
                }
            ],
            "next": None,
        },
    ),
}
