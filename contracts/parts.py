"""A stage's result as one event or, where it is too large for one, as several: its parts."""

from collections.abc import Sequence

from contracts import limits
from contracts.batches import batches
from contracts.documents import StageResult


def split(result: StageResult) -> tuple[StageResult, ...]:
    """A whole result as parts of at most PART_BYTES of items each, in order; a small one stays as it is."""
    fields = result.item_fields
    items = ((name, item) for name in fields for item in getattr(result, name))
    # One group after the other, so that what is only needed to cut them is not there for all at once.
    groups = [
        {name: tuple(item for own, item in group if own == name) for name in fields}
        for group in batches(items, lambda one: len(one[1].model_dump_json()) + 1, max_bytes=limits.PART_BYTES)
    ]
    if len(groups) < 2:
        return (result,)
    return tuple(
        result.model_copy(update={**group, "part": number, "parts": len(groups)})
        for number, group in enumerate(groups, start=1)
    )


def collect(earlier: Sequence[StageResult], part: StageResult) -> tuple[tuple[StageResult, ...], StageResult | None]:
    """Add the next part to those before it: what is collected so far, and the whole result once that was the last."""
    collected = (part,) if part.part == 1 else (*earlier, part)
    if not part.is_last:
        return collected, None
    return (), _joined(collected)


def _joined(parts: Sequence[StageResult]) -> StageResult:
    if len(parts) == 1:
        return parts[0]
    items = {name: tuple(item for part in parts for item in getattr(part, name)) for name in parts[0].item_fields}
    return parts[0].model_copy(update={**items, "part": 1, "parts": 1})
