"""Taking documents in, wherever they go to: batches, what became of each, and what was refused."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field

from annals.cli.context import CommandContext
from annals.loading import Loaded, Refused, Unchanged
from annals.stored import Stored
from contracts.batches import batches

Store = Callable[[Sequence[Loaded]], Awaitable[Sequence[str | Refused]]]
"""For each document its outcome (`ingested`, `updated`, `unchanged`, `duplicate`), or why it was refused."""

Input = Loaded | Refused | Unchanged
Prepare = Callable[[Stored], Awaitable[Iterator[Input]]]
"""What is to be taken in, once it can be asked what is stored."""


@dataclass
class Taken:
    """`documents`: the last outcome of each, by its id. `warnings`: of what name, and what."""

    documents: dict[str, str] = field(default_factory=dict)
    outcomes: Counter[str] = field(default_factory=Counter)
    refused: list[Refused] = field(default_factory=list)
    warnings: list[tuple[str, str]] = field(default_factory=list)


async def take(
    context: CommandContext,
    store: Store,
    inputs: Iterator[Input],
    *,
    batch: int,
    batch_size: int | None = None,
) -> Taken:
    """Give `store` all that can be taken in, at most `batch` documents or `batch_size` characters at once."""
    taken = Taken()
    with context.progress("taking in", None, "documents") as done:
        for some in batches(inputs, size_of, max_items=batch, max_bytes=batch_size):
            documents = [one for one in some if isinstance(one, Loaded)]
            stored = iter(await store(documents) if documents else ())
            # What was refused is told in the order of the inputs, whoever refused it.
            for one in some:
                if isinstance(one, Unchanged):
                    taken.outcomes["unchanged"] += len(one.document_ids)
                    taken.documents.update(dict.fromkeys(one.document_ids, "unchanged"))
                    continue
                found = one if isinstance(one, Refused) else next(stored)
                if isinstance(found, Refused):
                    taken.refused.append(found)
                elif isinstance(one, Loaded):
                    taken.outcomes[found] += 1
                    taken.documents[one.document_id] = found
                    taken.warnings.extend((one.name, warning) for warning in one.warnings)
            done(len(taken.documents))
    return taken


def size_of(one: Input) -> int:
    """Of a document its size; of the rest nothing."""
    return one.size if isinstance(one, Loaded) else 0
