"""A model runs once for a text, whoever asks, and its failures are not remembered."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

import pytest

from inference.cached import BATCH, SLICE_CHARACTERS, CachedModel
from tests.inference.memory import MemoryOutputs


class Shouter:
    """A model that upper-cases, remembers what it read, and can be held up or made to fail."""

    def __init__(self) -> None:
        self.read: list[str] = []
        self.slices: list[list[int]] = []
        self.fails_at = 0
        self.failures: list[Exception] = []
        self.may_go = asyncio.Event()
        self.may_go.set()

    async def run(self, texts: Sequence[str]) -> list[bytes]:
        self.read.extend(texts)
        self.slices.append([len(text) for text in texts])
        if len(self.slices) == self.fails_at:
            raise RuntimeError("once")
        await self.may_go.wait()
        if self.failures:
            raise self.failures.pop()
        return [text.upper().encode() for text in texts]


@pytest.fixture
def shouter() -> Shouter:
    return Shouter()


@pytest.fixture
def store() -> MemoryOutputs:
    return MemoryOutputs()


@pytest.fixture
def cached(shouter: Shouter, store: MemoryOutputs) -> CachedModel:
    return CachedModel("shout-1", shouter.run, store)


async def test_outputs_come_in_the_order_of_the_texts(cached: CachedModel, shouter: Shouter) -> None:
    assert await cached.outputs(["b", "a", "b", "c"]) == [b"B", b"A", b"B", b"C"]
    assert shouter.read == ["b", "a", "c"]
    assert await cached.outputs([]) == []


async def test_the_same_text_never_runs_twice(cached: CachedModel, shouter: Shouter, store: MemoryOutputs) -> None:
    await cached.outputs(["a", "b"])
    assert await cached.outputs(["b", "c"]) == [b"B", b"C"]
    assert await CachedModel("shout-1", shouter.run, store).outputs(["a", "c"]) == [b"A", b"C"]
    assert shouter.read == ["a", "b", "c"]


async def test_another_revision_runs_for_itself(shouter: Shouter, store: MemoryOutputs) -> None:
    for revision in ("shout-1", "shout-2"):
        await CachedModel(revision, shouter.run, store).outputs(["a"])
    assert shouter.read == ["a", "a"]


async def test_many_texts_are_stored_part_by_part(cached: CachedModel, store: MemoryOutputs) -> None:
    """What was made before a failure is not made again."""
    texts = [f"text {number}" for number in range(2 * BATCH + 1)]
    assert await cached.outputs(texts) == [text.upper().encode() for text in texts]
    assert len(store.written) == len(set(store.written)) == len(texts)


async def test_who_comes_behind_many_texts_waits_for_one_slice_of_them(cached: CachedModel, shouter: Shouter) -> None:
    many = [f"{number:04d} " + "x" * (SLICE_CHARACTERS // 4) for number in range(30)]
    first = asyncio.create_task(cached.outputs(many))
    await until(lambda: len(shouter.read) > 0)
    assert await cached.outputs(["short"]) == [b"SHORT"]
    assert shouter.read.index("short") <= 8 and not first.done()
    await first
    assert max(map(sum, shouter.slices)) <= SLICE_CHARACTERS


async def test_a_text_over_the_size_of_a_slice_is_a_slice_by_itself(cached: CachedModel, shouter: Shouter) -> None:
    await cached.outputs(["a", "x" * (SLICE_CHARACTERS + 1), "b", "c"])
    assert shouter.slices == [[1], [SLICE_CHARACTERS + 1], [1, 1]]


async def test_slices_made_before_a_failure_are_not_made_again(
    cached: CachedModel, shouter: Shouter, store: MemoryOutputs
) -> None:
    texts = [f"{number} " + "x" * (SLICE_CHARACTERS // 2) for number in range(5)]
    shouter.fails_at = 4
    with pytest.raises(RuntimeError):
        await cached.outputs(texts)
    assert len(store.written) == 3
    await cached.outputs(texts)
    assert shouter.read == [*texts[:4], *texts[3:]]


async def test_a_slice_is_stored_while_the_model_has_the_next_one(shouter: Shouter) -> None:
    class WaitingOutputs(MemoryOutputs):
        async def put_many(self, model: str, outputs: Mapping[str, bytes]) -> None:
            number = len(self.written) + 1
            await until(lambda: len(shouter.slices) == min(number + 1, 3))
            await super().put_many(model, outputs)

    store, texts = WaitingOutputs(), [f"{number} " + "x" * SLICE_CHARACTERS for number in range(3)]
    outputs = await CachedModel("shout-1", shouter.run, store).outputs(texts)
    assert list(store.kept.values()) == outputs, "and all are stored before anybody has one"


async def test_callers_at_the_same_time_share_one_run(cached: CachedModel, shouter: Shouter) -> None:
    shouter.may_go.clear()
    callers = [asyncio.create_task(cached.outputs(texts)) for texts in (["a", "b"], ["b", "c"], ["c", "a"])]
    await until(lambda: sorted(shouter.read) == ["a", "b", "c"])
    shouter.may_go.set()
    assert await asyncio.gather(*callers) == [[b"A", b"B"], [b"B", b"C"], [b"C", b"A"]]
    assert sorted(shouter.read) == ["a", "b", "c"]


async def test_who_asks_while_an_output_is_being_stored_shares_it_too(cached: CachedModel, shouter: Shouter) -> None:
    first = asyncio.create_task(cached.outputs(["a"]))
    others = []
    while not first.done():
        others.append(asyncio.create_task(cached.outputs(["a"])))
        await asyncio.sleep(0)
    assert len(others) > 2
    assert await asyncio.gather(*others) == [[b"A"]] * len(others)
    assert shouter.read == ["a"]


async def test_a_failure_reaches_all_who_wait_and_is_not_remembered(
    cached: CachedModel, shouter: Shouter, store: MemoryOutputs
) -> None:
    shouter.may_go.clear()
    shouter.failures.append(RuntimeError("the model broke"))
    callers = [asyncio.create_task(cached.outputs(["a"])) for _ in range(2)]
    await until(lambda: shouter.read == ["a"])
    shouter.may_go.set()
    for caller in callers:
        with pytest.raises(RuntimeError, match="the model broke"):
            await caller
    assert store.written == []

    assert await cached.outputs(["a"]) == [b"A"]
    assert shouter.read == ["a", "a"]


async def test_a_caller_that_is_called_off_takes_nobody_with_it(cached: CachedModel, shouter: Shouter) -> None:
    shouter.may_go.clear()
    first = asyncio.create_task(cached.outputs(["a", "b"]))
    await until(lambda: shouter.read == ["a", "b"])
    second = asyncio.create_task(cached.outputs(["b", "c"]))
    await until(lambda: "c" in shouter.read)

    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    shouter.may_go.set()
    assert await second == [b"B", b"C"]


async def test_a_waiter_that_is_called_off_leaves_the_run_alone(cached: CachedModel, shouter: Shouter) -> None:
    shouter.may_go.clear()
    first = asyncio.create_task(cached.outputs(["a"]))
    await until(lambda: shouter.read == ["a"])
    second = asyncio.create_task(cached.outputs(["a"]))
    await asyncio.sleep(0)

    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    shouter.may_go.set()
    assert await first == [b"A"]


async def until(true: Callable[[], bool]) -> None:
    """Let other tasks take their turns until it holds."""
    for _ in range(1000):
        if true():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never came to that")
