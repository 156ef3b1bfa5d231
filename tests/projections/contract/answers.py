"""What every reasoning cache does."""

import pytest

from projections.answers.reads import AnswerCache


class AnswerCacheContract:
    """Subclass with a fixture `answers`: an opened, empty cache."""

    @pytest.fixture
    async def answers(self) -> AnswerCache:
        raise NotImplementedError

    async def test_knows_nothing_at_first(self, answers: AnswerCache) -> None:
        assert await answers.find("default", "key") is None

    async def test_finds_what_was_kept(self, answers: AnswerCache) -> None:
        await answers.keep("default", "key", "one")
        await answers.keep("default", "other", "two")
        assert await answers.find("default", "key") == "one"

    async def test_the_last_one_stays_and_twice_is_once(self, answers: AnswerCache) -> None:
        for query_id in ("one", "two", "two"):
            await answers.keep("default", "key", query_id)
        assert await answers.find("default", "key") == "two"

    async def test_tenants_never_share(self, answers: AnswerCache) -> None:
        await answers.keep("theirs", "key", "one")
        assert await answers.find("default", "key") is None

    async def test_opening_again_keeps_what_is_there(self, answers: AnswerCache) -> None:
        await answers.keep("default", "key", "one")
        await answers.open()
        assert await answers.find("default", "key") == "one"
