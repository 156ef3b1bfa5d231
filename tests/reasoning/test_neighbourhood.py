"""What a question is ranked on: all that matters of a small town, and a bounded part of a large one."""

from collections.abc import Collection, Sequence

import pytest

from projections.vector.reads import Hit, Passage
from reasoning.index import Index
from reasoning.leads import FIRST, FoundPassages
from reasoning.neighbourhood import ADDED, OF_NAME, Neighbourhood, Neighbourhoods
from reasoning.path_ranking import HOPS, rank
from reasoning.texts import Texts, names_in
from reasoning.visible import Visible
from reasoning.words import Words
from tests.reasoning.town import TENANT, TOWN, TownEmbedder, TownReaders, index_of, passages_of

QUESTION = "Who is mayor of the town where the writer of The Glass Lantern grew up?"
Town = dict[str, tuple[str, str]]


async def around(
    embedder: TownEmbedder, town: Town, question: str, *near: str, visible: Visible | None = None
) -> Index:
    """The index of a question's neighbourhood that search answers with these passages."""
    return (await hood(TownReaders(embedder, town), embedder, question, *near, visible=visible)).index


async def hood(
    readers: TownReaders, embedder: TownEmbedder, question: str, *near: str, visible: Visible | None = None
) -> Neighbourhood:
    (vector,) = await embedder.embed([question])
    hits = [Hit(key, 0.5 - 0.01 * number) for number, key in enumerate(near)]
    hoods = Neighbourhoods(readers, readers)
    read = await hoods.read(TENANT, embedder.revision, vector, near, visible)
    found = FoundPassages(question, embedder.revision, vector, hits, [], read)
    return await hoods.around(TENANT, found, await hoods.named(TENANT, question), visible)


def held(index: Index) -> set[str]:
    return set(index.numbers)


async def test_it_holds_what_links_lead_to_twice_and_what_mentions_the_same(embedder: TownEmbedder) -> None:
    assert held(await around(embedder, TOWN, "Glass?", "lantern")) >= {"lantern", "voss", "orlinga"}
    assert held(await around(embedder, TOWN, "Glass?", "orlinga")) == {"orlinga", "bridge"}
    assert "bread" not in held(await around(embedder, TOWN, "Glass?", "lantern"))


async def test_it_holds_what_the_question_names_though_no_search_brings_it(embedder: TownEmbedder) -> None:
    assert "voss" in held(await around(embedder, TOWN, "Was Mirela Voss a writer?"))
    assert "bridge" in held(await around(embedder, TOWN, "What is on the Teshe?"))
    assert held(await around(embedder, TOWN, "was mirela a writer?")) == set()


async def test_it_ranks_as_the_whole_does(embedder: TownEmbedder) -> None:
    near, whole = [Hit(key, 0.6 - 0.05 * number) for number, key in enumerate(TOWN)], index_of()
    readers = TownReaders(embedder)
    part = (await hood(readers, embedder, QUESTION, *TOWN)).index
    assert held(part) == set(TOWN)
    expected, found = rank(whole, QUESTION, near, []), rank(part, QUESTION, near, [])
    scores = {key: expected.scores[number] for key, number in whole.numbers.items()}
    assert {key: found.scores[number] for key, number in part.numbers.items()} == pytest.approx(scores)


async def test_what_came_today_is_linked_from_what_was_there(embedder: TownEmbedder) -> None:
    readers = TownReaders(embedder, {key: TOWN[key] for key in ("lantern", "moth")})
    assert held((await hood(readers, embedder, "Glass?", "lantern")).index) == {"lantern"}
    readers.town["voss"] = TOWN["voss"]
    index = (await hood(readers, embedder, "Glass?", "lantern")).index
    assert [link.other for link in index.edges(index.numbers["lantern"])] == [index.numbers["voss"]]


async def test_each_passage_is_compared_with_the_question_whoever_brought_it(embedder: TownEmbedder) -> None:
    """What a link leads to is as like the question as it is, not as the last that the search brought."""
    readers = TownReaders(embedder)
    (vector,) = await embedder.embed([QUESTION])
    found = await hood(readers, embedder, QUESTION, "lantern")
    cosines = {hit.chunk_id: hit.score for hit in await readers.nearest(TENANT, embedder.revision, vector, len(TOWN))}
    assert {hit.chunk_id: hit.score for hit in found.near} == {key: cosines[key] for key in found.index.numbers}
    assert {"voss", "orlinga"} <= set(found.index.numbers)


async def test_what_is_read_while_words_are_searched_for_is_not_read_again(embedder: TownEmbedder) -> None:
    asked: list[list[str]] = []

    class Readers(TownReaders):
        async def passages(
            self, tenant: str, chunk_ids: Sequence[str], collections: Collection[str] | None = None
        ) -> dict[str, Passage]:
            asked.append(list(chunk_ids))
            return await super().passages(tenant, chunk_ids, collections)

    found = await hood(Readers(embedder), embedder, QUESTION, "lantern", "bread")
    assert asked[0] == ["lantern", "bread"] and {"lantern", "voss"} <= set(found.index.numbers)
    assert len(one := [key for some in asked for key in some]) == len(set(one))


async def test_nothing_leads_over_what_is_not_visible(embedder: TownEmbedder) -> None:
    shown = Visible(frozenset({"of-lantern", "of-orlinga", "of-bridge"}))
    assert held(await around(embedder, TOWN, QUESTION, "lantern", "voss", visible=shown)) == {"lantern"}


async def test_its_size_has_a_bound(embedder: TownEmbedder) -> None:
    """A name of a thousand passages leads to a few of them, and a passage that names a thousand to some."""
    town = {f"same{n}": ("Ada Holm", f"Ada Holm was number {n}.") for n in range(300)}
    town |= {f"other{n}": (f"Person N{n}x", "A person.") for n in range(300)}
    town["hub"] = ("Hub", " ".join(f"It names Person N{n}x." for n in range(300)))
    assert len(held(await around(embedder, town, "Who was Ada Holm?"))) <= OF_NAME + HOPS * ADDED
    assert len(held(await around(embedder, town, "Which hub?", "hub"))) <= 1 + HOPS * ADDED
    everybody = " and ".join(f"Person N{n}x" for n in range(300))
    assert len(held(await around(embedder, town, f"Who are {everybody}?"))) <= FIRST + HOPS * ADDED


async def test_an_empty_tenant_has_an_empty_neighbourhood(embedder: TownEmbedder) -> None:
    index = await around(embedder, {}, QUESTION)
    assert index.passages == ()
    assert rank(index, QUESTION, [], []).best(5) == []


def test_names_in_a_text_are_its_runs_of_words() -> None:
    text = "The Battle of Hastings shook rye bread"
    found = set(names_in(text, Words(text)))
    assert {"battle of hastings", "hastings", "the battle of hastings", "rye bread", "shook rye bread"} <= found
    assert "bread" not in found and "battle of" not in found and "of hastings" not in found


def test_a_text_is_worked_out_once_and_never_taken_for_another() -> None:
    passage = passages_of(TOWN)[0]
    texts = Texts(most=2)
    assert texts.of(passage) is texts.of(passage)
    changed = Passage(passage.chunk_id, passage.document_id, "Another", passage.text, 0, len(passage.text))
    assert (texts.of(changed).title, texts.of(passage).title) == ("Another", passage.title)
    first = texts.of(changed)
    for other in passages_of(TOWN)[1:3]:
        texts.of(other)
    assert texts.of(changed) is not first
