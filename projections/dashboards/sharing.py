"""Letting dashboards see a generation that becomes live."""

from eventstore.pool import Connection


async def share(connection: Connection, live: str) -> None:
    """Let readers see their tenant's rows of this read model; nothing happens where no reader was ever added."""
    if await connection.fetchval("SELECT to_regproc('dashboards.share') IS NOT NULL"):
        await connection.execute("SELECT dashboards.share($1)", live)
