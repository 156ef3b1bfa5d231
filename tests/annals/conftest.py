"""One pipeline that is up, with the examples taken in, for all tests that only use it."""

import asyncio
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.annals.pipeline import ROOT, Pipeline, annals_json, given
from tests.annals.processes import until


@dataclass(frozen=True)
class Up:
    """What is up: `articles` holds the examples, as they were taken in by `annals ingest articles/`."""

    pipeline: Pipeline
    articles: Path
    summary: dict[str, Any]

    @property
    def data(self) -> Path:
        """The data folder."""
        return self.pipeline.data

    def status(self) -> dict[str, Any]:
        """As the command gives it."""
        found: dict[str, Any] = given(self.data, "status")
        return found

    def caught_up(self) -> bool:
        """Whether every stage and every read model has got to the end of the log within the limit."""

        def done() -> bool:
            status = self.status()
            return not any(one["lag"] for one in (*status["consumers"].values(), *status["projections"].values()))

        return until(done, limit_s=60)

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """What the database itself says."""

        async def asked() -> list[tuple[Any, ...]]:
            connection = await asyncpg.connect(self.pipeline.addresses["postgres"], timeout=30)
            try:
                return [tuple(row) for row in await connection.fetch(query, *values)]
            finally:
                await connection.close()

        return asyncio.run(asked())


@pytest.fixture(scope="package")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """Up for all tests of this folder. They share its documents, and each brings what it changes."""
    folder = tmp_path_factory.mktemp("up")
    articles = folder / "articles"
    articles.mkdir()
    for article in (ROOT / "examples").glob("*.md"):
        shutil.copy(article, articles)
    pipeline = Pipeline(folder / "data", env={"ANNALS_METRICS_PORT": "0"})
    try:
        yield Up(pipeline, articles, annals_json(pipeline.data, "ingest", str(articles), "--wait"))
    finally:
        pipeline.stop()
