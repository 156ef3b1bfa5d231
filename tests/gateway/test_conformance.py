"""Schemathesis over the whole API of a real gateway: no 5xx, no answer that the OpenAPI document does not tell.

Each request is of another administrator, so that limits do not hide what is behind them. Live streams (SSE) are
left out; they have tests of their own.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from annals.composition.use_cases import UseCases
from eventstore.dead_letters import DeadLetters
from tests.annals.pipeline import ROOT, environment
from tests.conftest import PostgresServer
from tests.gateway.real import Inside, RealGateway, database, furnish, root, soon
from tests.projections.history import open_history

ACCOUNTS = 40
TEN_MINUTES_S = 600
HOOKS = "tests.gateway.schemathesis_hooks"
CHECKS = (
    "NoServerError,status_code_conformance,content_type_conformance,response_schema_conformance,"
    "response_headers_conformance,unsupported_method"
)


@dataclass(frozen=True)
class Served:
    """A gateway with two tenants' things in it, and tokens of one of them."""

    gateway: RealGateway
    tokens: Path


@pytest.fixture
def served(postgres_server: PostgresServer, tmp_path: Path) -> Iterator[Served]:
    """With the limits that everybody has."""
    with database(postgres_server, "conformance") as dsn:
        gateway = RealGateway.start(dsn, tmp_path / "data")
        try:
            inside = Inside(gateway.settings, dsn)

            async def furnished(use_cases: UseCases) -> list[str]:
                async with open_history(dsn, tmp_path / "data") as history:
                    await furnish(use_cases, history, DeadLetters(history.pool))
                security, tokens = use_cases.security, []
                for number in range(ACCOUNTS):
                    name = f"administrator-{number}"
                    await security.accounts.create(root(), name, "user", ["administrator"], deadline=soon())
                    tokens.append((await security.api_keys.issue(root(), name, "k", deadline=soon())).text)
                return tokens

            file = tmp_path / "tokens.json"
            file.write_text(json.dumps(inside.do(furnished)))
            inside.close()
            gateway.wait_for_models()
            yield Served(gateway, file)
        finally:
            gateway.stop()


def run(served: Served, phases: str, examples: int, seed: int, limit_s: int, max_time_s: int | None = None) -> None:
    """Fails with Schemathesis's own report."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "run", f"{served.gateway.url}/openapi.json"),
            *("--exclude-path-regex", "/stream$", "--checks", CHECKS, "--phases", phases),
            *("--max-examples", str(examples), "--seed", str(seed), "--workers", "1", "--continue-on-failure"),
            # Threads that parse Python at once trip over each other in CPython 3.11, so there is one; and few texts
            # match the pattern of an identity in a path.
            *("--suppress-health-check", "filter_too_much"),
            *("--request-timeout", "60", "--no-color", "--warnings", "off"),
            *(() if max_time_s is None else ("--max-time", str(max_time_s))),
        ],
        env={
            **environment(),
            "PYTHONPATH": str(ROOT),
            "SCHEMATHESIS_HOOKS": HOOKS,
            "ANNALS_TEST_TOKENS": str(served.tokens),
        },
        cwd=served.gateway.data,
        capture_output=True,
        text=True,
        timeout=limit_s,
        check=False,
    )
    told = "\n".join(line[:300] for line in (done.stdout + done.stderr).splitlines() if line.strip())
    assert done.returncode == 0, told
    assert "Tested:" in done.stdout, "something was asked"
    assert served.gateway.process.poll() is None
    assert "Traceback" not in served.gateway.log()


@pytest.mark.timeout(1000)
def test_the_whole_api(served: Served) -> None:
    """What has to be seen each time: the edges of each parameter, and calls that follow from one another.

    Four minutes of processor time, nearly all of it Schemathesis's own.
    """
    run(served, "examples,coverage,stateful", 8, 1, 900)


@pytest.mark.long
@pytest.mark.timeout(1300)
def test_the_whole_api_for_longer(served: Served) -> None:
    """Another one each time; the seed is in the report."""
    seed = int(os.environ.get("ANNALS_TEST_SEED") or int.from_bytes(os.urandom(4)))
    print(f"seed {seed}")
    run(served, "examples,coverage,fuzzing,stateful", 60, seed, 1200, TEN_MINUTES_S)
