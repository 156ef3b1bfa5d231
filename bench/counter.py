"""A Faust worker that only counts: what is left of a projector without projections. Run as a process of its own."""

import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import faust

from streams.app import build_app


def main(broker: str, topic: str, wanted: int, result: Path) -> None:
    """Count `wanted` records of a topic from its start, then write {"records", "seconds"}, first to last, and end."""
    write = result.write_text
    app = build_app("bench-counter", broker, {}, Path(tempfile.gettempdir()))

    @app.agent(app.topic(topic, key_type=bytes, value_type=bytes, internal=False), concurrency=1)
    async def count(stream: Any) -> None:
        records, began = 0, 0.0
        async for event in stream.noack().events():
            await stream.ack(event)
            records += 1
            if records == 1:
                began = time.perf_counter()
            if records == wanted:
                # Not on stdout: Faust draws there.
                write(json.dumps({"records": records - 1, "seconds": time.perf_counter() - began}))
                # Stopping Faust in good order takes seconds, and nothing is left to be kept.
                os._exit(0)

    faust.Worker(app, loglevel="ERROR", quiet=True, redirect_stdouts=False).execute_from_commandline()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), Path(sys.argv[4]))
