"""A command without `annals up` pays for what it imports: only for what it uses."""

import subprocess
import sys

NOT_USED = {
    "torch", "transformers", "spacy", "httpx", "redis", "purgatory", "neo4j", "opensearchpy", "faust", "aiokafka",
    "fastapi", "uvicorn", "mcp", "scipy",
}  # fmt: skip
"""Libraries that take a tenth of a second or more, of which a question in the embedded profile needs none."""
PROGRAM = """
import sys
import annals.cli.ask, annals.cli.here.asking
from inference.embedding import Embedder
Embedder().embed(["Who designed it?"])
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


def test_a_question_imports_nothing_that_it_does_not_use() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=120, check=True)
    imported = set(done.stdout.split())
    assert {"onnxruntime", "tokenizers", "asyncpg"} <= imported
    assert imported & NOT_USED == set()
