"""A process that sends events, to be killed: `python -m tests.services.webhooks.deliverer_process DATA DSN`."""

import asyncio
import sys
from pathlib import Path

from tests.services.webhooks.conftest import opened


async def main(data: Path, dsn: str) -> None:
    """Until it is killed."""
    async with opened(data, dsn) as one:
        await one.parts.deliverer.run()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
