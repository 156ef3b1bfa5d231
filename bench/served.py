"""What a measurement over HTTP stands on: everything that `annals up` runs, its models loaded."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import httpx

from annals.admin_token import ensure_admin_token
from annals.composition.stores import Stores
from annals.composition.use_cases import UseCases, use_cases_over
from annals.roles import UP
from annals.token_file import read_admin_token
from bench.servers import running

READY_LIMIT_S = 180.0
ANSWER_LIMIT_S = 60.0


@contextlib.asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[tuple[httpx.AsyncClient, Stores, UseCases]]:
    """A client of the gateway as the local administrator, and the same installation without HTTP."""
    async with running(folder, roles=UP) as (stores, addresses), use_cases_over(stores) as use_cases:
        await ensure_admin_token(folder, use_cases.security.local_administrator)
        headers = {"authorization": f"Bearer {read_admin_token(folder)}"}
        url = addresses["gateway"]
        async with httpx.AsyncClient(base_url=url, headers=headers, timeout=ANSWER_LIMIT_S) as http:
            async with asyncio.timeout(READY_LIMIT_S):
                while (await http.get("/health/ready")).status_code != 200:  # noqa: ASYNC110  # another process loads
                    await asyncio.sleep(0.2)
            yield http, stores, use_cases
