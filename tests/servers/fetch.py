"""Fetch what servers and producers of the tests are made of, so that no test waits: `python -m tests.servers.fetch`."""

import os
import sys
import tempfile
from pathlib import Path

from tests.servers.containers import docker_answers
from tests.servers.kafka import KAFKA
from tests.servers.neo4j import NEO4J
from tests.servers.opensearch import OPENSEARCH
from tests.servers.packages import FetchError, MissingError
from tests.servers.producers import PRODUCERS
from tests.servers.redis import REDIS
from tests.servers.ways import free_ports


def main() -> int:
    """Exit code 1 where one of them cannot be had."""
    failed = False
    for language, command in PRODUCERS.items():
        try:
            command(print)
            print(f"producer in {language}: everything is here")
        except (MissingError, FetchError) as error:
            print(f"producer in {language}: {error}", file=sys.stderr)
            failed = True
    if docker_answers():
        print("the servers come from Docker")
        return int(failed)
    for recipe in (KAFKA, NEO4J, OPENSEARCH, REDIS):
        if os.environ.get(recipe.variable):
            continue
        with tempfile.TemporaryDirectory() as folder:
            try:
                recipe.launch(Path(folder), free_ports(1)[0], print)
                print(f"{recipe.name}: everything is here")
            except (MissingError, FetchError) as error:
                print(f"{recipe.name}: {error}", file=sys.stderr)
                failed = True
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
