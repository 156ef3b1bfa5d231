"""Windows of like length share a batch, as many as its budget of tokens holds, padding included."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from inference.torch_encoder import BATCH_TOKENS, BATCH_TOKENS_GPU, MAX_TOKENS, batches_of

LENGTHS = st.lists(st.integers(1, MAX_TOKENS), max_size=400)


@given(LENGTHS, st.sampled_from([64, BATCH_TOKENS, BATCH_TOKENS_GPU]))
def test_every_window_is_in_one_batch_within_the_budget(lengths: list[int], budget: int) -> None:
    batches = list(batches_of(lengths, budget))
    assert sorted(number for batch in batches for number in batch) == list(range(len(lengths)))
    for batch in batches:
        longest = max(lengths[number] for number in batch)
        assert len(batch) == 1 or len(batch) * longest <= budget
    # In the order of their lengths, and none of the next batch would have had room.
    for batch, following in pairwise(batches):
        assert max(lengths[number] for number in batch) <= lengths[following[0]]
        assert (len(batch) + 1) * lengths[following[0]] > budget


@given(LENGTHS)
def test_a_gpu_gets_at_once_what_a_processor_gets_in_many_batches(lengths: list[int]) -> None:
    on_gpu, on_processor = (len(list(batches_of(lengths, budget))) for budget in (BATCH_TOKENS_GPU, BATCH_TOKENS))
    assert on_gpu <= on_processor
    assert on_gpu <= 1 + len(lengths) * MAX_TOKENS // (BATCH_TOKENS_GPU // 2)
