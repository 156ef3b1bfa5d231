"""What a reader of passages answers: the nearest by meaning, those that share words, and their text."""

import math
import unicodedata
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from projections.projector import Projector
from projections.vector.reads import Frequencies, Passage, PassageReader
from projections.vector.text_query import Literal, TextQuery
from services.search.language import parse
from tests.projections.contract.folding import follow
from tests.projections.history import History
from tests.projections.stories import Story, vector_of

K1, B = 1.2, 0.75


LANGUAGES = [
    ("en", ("The houses are on the hill and they are old.", "It was a ship of the king."), "house", "the houses"),
    ("de", ("Das Haus steht auf dem Berg und ist alt.", "Der König war nicht mit dem Schiff."), "Häuser", "Das Haus"),
    ("fr", ("Les maisons sont sur la colline.", "Le roi est dans un bateau avec nous."), "maison", "Les maisons"),
    ("es", ("Las casas están en la colina y son viejas.", "El rey no es de un barco."), "casa", "Las casas"),
    ("it", ("Le case sono sulla collina e non più qui.", "Il re è nella nave con una spada."), "casa", "Le case"),
    ("pt", ("As casas estão na colina e não são novas.", "O rei foi para um navio com ela."), "casa", "As casas"),
    ("nl", ("De huizen zijn op een heuvel en niet nieuw.", "Het schip van de koning werd oud."), "huizen", "De huizen"),
    ("ru", ("Старые дома стоят на холме.", "Король приплыл на корабле."), "домами", "Старые дома"),
    ("ar", ("البيوت القديمة على التل.", "جاء الملك في سفينة."), "البيوت", "البيوت القديمة"),
    ("hi", ("मीरा देवी गाँव में रहती हैं।", "मोर जंगल में नाचता है।"), "मीरा", "मीरा देवी"),
    ("he", ("הבתים הישנים על הגבעה.", "המלך בא באנייה."), "הבתים", "הבתים הישנים"),
    ("zh", ("采购订单自动审批流程已经发布。", "国王乘船而来。"), "审批流程", "自动审批"),
    ("ja", ("この古い家は丘の上にあります。", "王様が船で来ました。"), "古い家", "古い家は"),
    ("ko", ("오래된 집들이 언덕에 있다.", "임금님은 배로 왔다."), "집들", "오래된 집들이"),
    ("th", ("บ้านเก่าอยู่บนเนินเขา", "กษัตริย์มาทางเรือ"), "บ้านเก่า", "อยู่บน"),
]
"""A language, two passages in it, what finds the first of them in another form, and a phrase of it."""


def words(seed: int, count: int) -> str:
    """Made-up words that no stemmer changes and no list of stop words has; low numbers are frequent."""
    numbers = np.random.default_rng(seed).zipf(1.5, size=count) % 40
    return " ".join(f"w{number}x" for number in numbers)


def library(tenant: str = "default", dimension: int = 8) -> list[Story]:
    """Twelve documents of five passages each."""
    return [
        Story(
            f"doc-{n}",
            tuple(words(100 * n + m, 5 + (7 * n + m) % 20) for m in range(5)),
            title=words(n, 2),
            tenant=tenant,
            dimension=dimension,
        )
        for n in range(12)
    ]


def passages_of(*stories: Story) -> dict[str, Passage]:
    """Every passage there should be, by chunk id."""
    return {
        chunk.chunk_id: Passage(chunk.chunk_id, story.document_id, story.title, sentence, chunk.start, chunk.end)
        for story in stories
        for chunk, sentence in zip(story.chunks, story.sentences, strict=True)
    }


def cosines(query: str, *stories: Story) -> dict[str, float]:
    """The similarity of every passage, from vectors as they are kept, in half precision."""
    kept = {
        chunk.chunk_id: vector_of(read, story.dimension).astype(np.float16).astype(np.float64)
        for story in stories
        for chunk, read in zip(story.chunks, story.inputs, strict=True)
    }
    asked = vector_of(query, stories[0].dimension)
    return {chunk_id: float(vector @ asked / np.linalg.norm(vector)) for chunk_id, vector in kept.items()}


def bm25(query: str, passages: dict[str, Passage]) -> dict[str, float]:
    """Okapi BM25 (Robertson and Zaragoza 2009), the title counted twice; passages without a shared word left out."""
    held = {key: Counter(f"{one.title} {one.title} {one.text}".split()) for key, one in passages.items()}
    mean = sum(counts.total() for counts in held.values()) / len(held)
    scores: dict[str, float] = {}
    for word in set(query.split()):
        having = [key for key, counts in held.items() if counts[word]]
        idf = math.log(1 + (len(held) - len(having) + 0.5) / (len(having) + 0.5))
        for key in having:
            times = held[key][word]
            weight = times * (K1 + 1) / (times + K1 * (1 - B + B * held[key].total() / mean))
            scores[key] = scores.get(key, 0.0) + idf * weight
    return scores


class PassageReaderContract:
    """Subclass with fixtures `projector` and `reader`, over a read model that is open and empty."""

    @pytest.fixture
    async def projector(self, history: History) -> Projector:
        """Writes what the reader reads."""
        raise NotImplementedError

    @pytest.fixture
    def reader(self, history: History) -> PassageReader:
        """The reader."""
        raise NotImplementedError

    @pytest.mark.parametrize("dimension", [8, 384])
    async def test_the_nearest_are_those_of_a_full_comparison(
        self, reader: PassageReader, projector: Projector, history: History, dimension: int
    ) -> None:
        stories = library(dimension=dimension)
        await history.tell(*stories)
        await follow(projector, history)
        for query in ("one", "two", "three"):
            expected = cosines(query, *stories)
            best = sorted(expected.values(), reverse=True)[:10]
            hits = await reader.nearest("default", f"random-{dimension}@1", vector_of(query, dimension), 10)
            assert [hit.score for hit in hits] == pytest.approx(best, abs=2e-3)
            assert [hit.score for hit in hits] == pytest.approx([expected[hit.chunk_id] for hit in hits], abs=2e-3)

    async def test_the_nearest_within_some_documents(
        self, reader: PassageReader, projector: Projector, history: History
    ) -> None:
        stories = library()
        await history.tell(*stories)
        await follow(projector, history)
        some = stories[3:5]
        hits = await reader.nearest(
            "default", "random-8@1", vector_of("one", 8), 60, [story.document_id for story in some]
        )
        assert {hit.chunk_id for hit in hits} == set(passages_of(*some))
        scores = [hit.score for hit in hits]
        assert scores == pytest.approx(sorted(cosines("one", *some).values(), reverse=True), abs=2e-3)
        assert await reader.nearest("default", "random-8@1", vector_of("one", 8), 60, []) == []

    async def test_what_is_found_is_of_documents_of_some_collections(
        self, reader: PassageReader, projector: Projector, history: History
    ) -> None:
        """What a document is of is known as soon as its passages are, and changes with it."""
        stories = [replace(one, collection=(None, "hr", "sales")[n % 3]) for n, one in enumerate(library())]
        await history.tell(*stories)
        await follow(projector, history)
        query, vector, every = "w1x w2x w30x", vector_of("one", 8), [*passages_of(*stories)]
        matching = await reader.matching("default", query, 60)

        async def holds(wanted: frozenset[str], of: list[Story]) -> None:
            own = passages_of(*of)
            near = await reader.nearest("default", "random-8@1", vector, 60, collections=wanted)
            scores = sorted(cosines("one", *of).values(), reverse=True) if of else []
            assert [hit.score for hit in near] == pytest.approx(scores, abs=2e-3)
            assert {hit.chunk_id for hit in near} == set(own)
            found = await reader.matching("default", query, 60, collections=wanted)
            assert [hit.chunk_id for hit in found] == [hit.chunk_id for hit in matching if hit.chunk_id in own]
            assert (await reader.passages("default", every, wanted)).keys() == own.keys()
            both = [of[0].document_id, "nothing"] if of else ["nothing"]
            near = await reader.nearest("default", "random-8@1", vector, 60, both, wanted)
            assert {hit.chunk_id for hit in near} == (set(passages_of(of[0])) if of else set())

        for wanted in (frozenset({"hr"}), frozenset({"hr", ""}), frozenset({"void"}), frozenset[str]()):
            await holds(wanted, [one for one in stories if (one.collection or "") in wanted])
        await history.tell(replace(stories[1], collection="sales"))
        await follow(projector, history)
        moved = passages_of(stories[1])
        assert not moved.keys() & (await reader.passages("default", every, frozenset({"hr"}))).keys()
        hits = await reader.nearest("default", "random-8@1", vector, 60, collections=frozenset({"sales"}))
        assert set(moved) <= {hit.chunk_id for hit in hits}

    async def test_given_passages_are_all_compared(
        self, reader: PassageReader, projector: Projector, history: History
    ) -> None:
        """However far from the question they are; none of another model, none that is not there."""
        stories, other = library(), Story("other", ("Eve met Finn.",), model="other")
        await history.tell(*stories, other, Story("theirs", ("Gus met Hal.",), tenant="theirs"))
        await follow(projector, history)
        expected = cosines("one", *stories)
        far = sorted(expected, key=lambda chunk_id: expected[chunk_id])[:25]
        asked = [*far, other.chunks[0].chunk_id, "nothing"]
        hits = await reader.compared("default", "random-8@1", vector_of("one", 8), asked)
        assert {hit.chunk_id for hit in hits} == set(far)
        assert [hit.score for hit in hits] == pytest.approx([expected[hit.chunk_id] for hit in hits], abs=2e-3)
        assert await reader.compared("theirs", "random-8@1", vector_of("one", 8), far) == []
        assert await reader.compared("default", "random-8@1", vector_of("one", 8), []) == []

    async def test_vectors_of_two_models_are_not_compared(
        self, reader: PassageReader, projector: Projector, history: History
    ) -> None:
        """Whether or not their dimensions differ."""
        stories = (
            Story("small", ("Ada met Bob.",)),
            Story("large", ("Cleo met Dora.",), dimension=384),
            Story("other", ("Eve met Finn.",), dimension=384, model="other"),
        )
        await history.tell(*stories)
        await follow(projector, history)
        for story in stories:
            for documents in (None, [each.document_id for each in stories]):
                hits = await reader.nearest("default", story.embedder, vector_of("one", story.dimension), 10, documents)
                assert [hit.chunk_id for hit in hits] == [story.chunks[0].chunk_id]
        assert await reader.nearest("default", "nobody@1", vector_of("one", 384), 10) == []

    async def test_a_model_is_found_among_many_passages_of_another(
        self, reader: PassageReader, projector: Projector, history: History
    ) -> None:
        """Though all of those are nearer to the question."""
        words = [f"word{n}" for n in range(300)]
        towards = np.mean([vector_of(f"Town\n{word}", 384) for word in words], axis=0)
        many = Story("many", tuple(words), dimension=384)
        few = Story("few", ("a", "b", "c"), dimension=384, model="other")
        await history.tell(many, few)
        await follow(projector, history)
        query = (towards / np.linalg.norm(towards)).astype(np.float32)
        hits = await reader.nearest("default", few.embedder, query, 3)
        assert {hit.chunk_id for hit in hits} == {chunk.chunk_id for chunk in few.chunks}

    async def test_models_are_counted(self, reader: PassageReader, projector: Projector, history: History) -> None:
        stories = (
            Story("old", ("Ada met Bob.", "Bob sang."), model="old"),
            Story("new", ("Cleo met Dora.",), model="new"),
            Story("theirs", ("Eve met Finn.",), model="new", tenant="theirs"),
        )
        assert await reader.models("default") == await reader.models() == {}
        await history.tell(*stories)
        await follow(projector, history)
        assert await reader.models("default") == {"old-8@1": 2, "new-8@1": 1}
        assert await reader.models("theirs") == {"new-8@1": 1}
        assert await reader.models() == {"old-8@1": 2, "new-8@1": 2}

    async def test_words_rank_as_bm25_says(self, reader: PassageReader, projector: Projector, history: History) -> None:
        """A database may keep lengths in few bits: scores that differ by less than a twentieth may change places."""
        stories = library()
        await history.tell(*stories)
        await follow(projector, history)
        passages = passages_of(*stories)
        for query in ("w1x", "w1x w2x w30x", "w7x w11x w13x nowhere", words(5000, 12)):
            expected = bm25(query, passages)
            hits = await reader.matching("default", query, len(passages))
            assert {hit.chunk_id for hit in hits} == set(expected) != set()
            found = [hit.score for hit in hits]
            assert found == sorted(found, reverse=True)
            ranked = [expected[hit.chunk_id] for hit in hits]
            lowest = np.minimum.accumulate(ranked)
            assert all(score <= 1.05 * before for score, before in zip(ranked[1:], lowest, strict=False))
            assert await reader.matching("default", query, 3) == hits[:3]

    async def test_words_rank_within_some_documents(
        self, reader: PassageReader, projector: Projector, history: History
    ) -> None:
        stories = library()
        await history.tell(*stories)
        await follow(projector, history)
        query = "w1x w2x w30x"
        unlimited = await reader.matching("default", query, 60)
        own = passages_of(*stories[3:5])
        hits = await reader.matching("default", query, 60, [story.document_id for story in stories[3:5]])
        assert hits == [hit for hit in unlimited if hit.chunk_id in own] != []
        assert await reader.matching("default", query, 60, []) == []

    async def test_it_is_known_how_many_passages_hold_a_word(
        self, reader: PassageReader, projector: Projector, history: History
    ) -> None:
        """In any of its forms; what no passage holds is held by none, and what says nothing is left out."""
        assert (await reader.frequencies("default", ["ship"])).passages == 0
        stories = (
            Story("harbour", ("The ships were sailing.", "A ship sank.", "Ada slept."), title="Sea"),
            Story("market", ("A whale sang.",), title="Ships"),
            Story("theirs", ("A ship.",), tenant="theirs"),
        )
        await history.tell(*stories)
        await follow(projector, history)
        words = ["Ship", "seas", "elephant", "the", "sail"]
        found = await reader.frequencies("default", words)
        assert found.passages == 4
        assert {word: found.holding.get(word, 0) for word in words} == {
            "Ship": 3, "seas": 3, "elephant": 0, "the": 0, "sail": 1
        }  # fmt: skip
        assert "the" not in found.holding
        assert await reader.frequencies("theirs", ["ship"]) == Frequencies(1, {"ship": 1})

    async def test_words_are_stemmed_and_need_not_all_be_there(
        self, reader: PassageReader, projector: Projector, history: History
    ) -> None:
        story = Story("harbour", ("The ships were sailing.", "A whale's song.", "Nothing here."), title="Sea")
        await history.tell(story)
        await follow(projector, history)
        ships, whale, _ = (chunk.chunk_id for chunk in story.chunks)

        async def found(query: str) -> set[str]:
            return {hit.chunk_id for hit in await reader.matching("default", query, 10)}

        assert await found("Ship") == await found("who sails?") == {ships}
        assert await found("songs of elephants") == {whale}
        assert await found("seas") == set(passages_of(story))
        assert await found("elephant") == set()

    @pytest.mark.parametrize(
        "query", ["", "   ", "the of and", "'", "\\", "a & | ! ( ) : * <-> b", "é' OR 1=1 --", '"\x01']
    )
    async def test_any_text_can_be_asked_for(
        self, reader: PassageReader, projector: Projector, history: History, query: str
    ) -> None:
        await history.tell(Story("harbour", ("Nothing here.",)))
        await follow(projector, history)
        assert await reader.matching("default", query, 10) == []

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            (TextQuery("ship whale"), {"ships", "whale"}),
            (TextQuery("ship", absent=(Literal(("sailing",)),)), set()),
            (TextQuery(present=(Literal(("were", "sailing")),)), {"ships"}),
            (TextQuery(present=(Literal(("sailing", "were")),)), set()),
            (TextQuery("ship", present=(Literal(("ship",)),)), set()),
            (TextQuery(present=(Literal(("sea", "the")),)), {"ships"}),
            (TextQuery("whale", present=(Literal(("s",), prefix=True), Literal(("n",), prefix=True))), {"nothing"}),
            (TextQuery(absent=(Literal(("so",), prefix=True), Literal(("where",)))), {"ships", "nothing", "ünï"}),
            (TextQuery(present=(Literal(("über", "12e5")),)), {"ünï"}),
            (TextQuery(present=(Literal(("ün",), prefix=True),)), {"ünï"}),
            (TextQuery(present=(Literal(("c", "b", "128", "x")),)), {"ünï"}),
            (TextQuery("the of"), set()),
            (TextQuery(), {"ships", "whale", "nothing", "ünï"}),
        ],
    )
    async def test_phrases_prefixes_and_negation(
        self,
        reader: PassageReader,
        projector: Projector,
        history: History,
        query: TextQuery,
        expected: set[str],
    ) -> None:
        story = Story(
            "harbour",
            ("The ships were sailing.", "A whale's song.", "Nothing here.", "Ünï: ÜBER-12e5 (C++, B=128;x_y)!"),
            title="Sea",
        )
        await history.tell(story, Story("other", ("The ships were sailing.",), tenant="theirs"))
        await follow(projector, history)
        names = dict(zip([chunk.chunk_id for chunk in story.chunks], ("ships", "whale", "nothing", "ünï"), strict=True))
        hits = await reader.full_text("default", query, 10)
        assert {names[hit.chunk_id] for hit in hits} == expected
        assert [(-hit.score, hit.chunk_id) for hit in hits] == sorted((-hit.score, hit.chunk_id) for hit in hits)
        assert await reader.full_text("default", query, 1) == hits[:1]
        assert await reader.full_text("default", query, 10, ["harbour"]) == hits
        assert await reader.full_text("default", query, 10, ["nowhere"]) == []

    @pytest.mark.parametrize(("language", "story", "query", "literal"), LANGUAGES)
    async def test_every_language_has_words_phrases_prefixes_and_negation(
        self,
        reader: PassageReader,
        projector: Projector,
        history: History,
        language: str,
        story: tuple[str, str],
        query: str,
        literal: str,
    ) -> None:
        """Beside English passages, and however the letters are composed."""
        own = Story(language, story, title="")
        decomposed = Story(
            f"{language}-2", tuple(unicodedata.normalize("NFD", one) for one in story), title="", tenant="other"
        )
        await history.tell(own, decomposed, Story("english", ("The ships are in the harbour of the town.",)))
        await follow(projector, history)
        for tenant, one in (("default", own), ("other", decomposed)):
            first, second = (chunk.chunk_id for chunk in one.chunks)

            async def found(wanted: str, tenant: str = tenant) -> set[str]:
                hits = await reader.full_text(tenant, parse(wanted).text, 10)
                return {hit.chunk_id for hit in hits}

            for form in {query, unicodedata.normalize("NFD", query)}:
                assert await found(form) == {first}
                assert {hit.chunk_id for hit in await reader.matching(tenant, form, 10)} == {first}
            assert await found(f'"{literal}"') == {first}
            assert second in await found(f'-"{literal}"') and first not in await found(f'-"{literal}"')
            assert first in await found(f"{literal.split()[0]}*")
            assert first not in await found(f"{query} -{literal.split()[0]}*")
            counted = await reader.frequencies(tenant, [query.split()[0]])
            assert counted.holding[query.split()[0]] >= 1

    async def test_a_question_in_english_finds_english_passages_beside_others(
        self, reader: PassageReader, projector: Projector, history: History
    ) -> None:
        english = Story("english", ("The ships were sailing to the town.",))
        await history.tell(english, Story("german", ("Das Haus steht nicht in der Stadt.",)))
        await follow(projector, history)
        assert [hit.chunk_id for hit in await reader.matching("default", "who sails a ship?", 10)] == [
            english.chunks[0].chunk_id
        ]

    async def test_full_text_is_ranked_as_all_words_are(
        self, reader: PassageReader, projector: Projector, history: History
    ) -> None:
        """What must be there or must not changes who is found, and no score."""
        stories = library()
        await history.tell(*stories)
        await follow(projector, history)
        query = "w1x w2x w30x"
        scores = {hit.chunk_id: hit.score for hit in await reader.matching("default", query, 60)}
        everything = await reader.full_text("default", TextQuery(query), 60)
        assert {hit.chunk_id: hit.score for hit in everything} == pytest.approx(scores)
        wanted = TextQuery(query, (Literal(("w2x",)),), (Literal(("w3",), prefix=True),))
        hits = await reader.full_text("default", wanted, 60)
        admitted = {key for key, one in passages_of(*stories).items() if wanted.admits(f"{one.title} {one.text}")}
        assert {hit.chunk_id for hit in hits} == admitted != set()
        assert {hit.chunk_id: hit.score for hit in hits} == pytest.approx({key: scores[key] for key in admitted})

    async def test_many_words_can_be_searched_for(
        self, reader: PassageReader, projector: Projector, history: History
    ) -> None:
        story = Story("harbour", ("A word1300 is here.", "Nothing."))
        await history.tell(story)
        await follow(projector, history)
        many = " ".join(f"word{number}" for number in range(1300, -1, -1))
        for hits in (await reader.matching("default", many, 5), await reader.full_text("default", TextQuery(many), 5)):
            assert [hit.chunk_id for hit in hits] == [story.chunks[0].chunk_id]

    async def test_passages_come_as_they_stand_in_the_text(
        self, reader: PassageReader, projector: Projector, history: History
    ) -> None:
        story = Story("harbour", ("Ünï met Ada 🐋.", "Bob's “whale” sang.\n"), title="See & Söhne")
        other = Story("market", ("Cleo met Ada.",))
        await history.tell(story, other)
        await follow(projector, history)
        wanted = passages_of(story)
        assert await reader.passages("default", [*wanted, "nothing"]) == wanted
        assert await reader.passages("default", []) == {}
        assert await reader.of_document("default", "harbour") == list(wanted.values())
        assert await reader.of_document("default", "nowhere") == []
        everything = await reader.all_passages("default")
        assert {one.chunk_id: one for one in everything} == passages_of(story, other)
        assert len(everything) == 3

    async def test_a_changed_document_is_found_by_its_new_text_alone(
        self, reader: PassageReader, projector: Projector, history: History
    ) -> None:
        old = Story("harbour", ("A whale sang.", "Bob saw a ship."))
        new = Story("harbour", ("Bob saw a ship.", "A lantern burned."))
        await history.tell(old)
        await follow(projector, history)
        await history.tell(new)
        await follow(projector, history)
        assert {one.chunk_id: one for one in await reader.of_document("default", "harbour")} == passages_of(new)
        assert await reader.matching("default", "whale", 10) == []
        assert len(await reader.nearest("default", "random-8@1", vector_of("one", 8), 10)) == 2

        await history.delete(new)
        await follow(projector, history)
        assert await reader.all_passages("default") == []
        assert await reader.nearest("default", "random-8@1", vector_of("one", 8), 10) == []
        assert await reader.matching("default", "lantern ship", 10) == []

    async def test_a_merged_chunk_reads_as_the_text_it_covers(
        self, reader: PassageReader, projector: Projector, history: History
    ) -> None:
        story = Story("harbour", ("Ada met Bob.", "Bob saw Cleo.", "Dora sang."))
        await history.tell(story)
        await history.merge_chunks(story, 0, 1)
        await follow(projector, history)
        found = await reader.of_document("default", "harbour")
        assert [one.text for one in found] == ["Ada met Bob. Bob saw Cleo.", "Dora sang."]

    async def test_tenants_share_nothing(self, reader: PassageReader, projector: Projector, history: History) -> None:
        """Nor do they move each other's ranks or versions."""
        ours, theirs = library("ours"), library("theirs")[:3]
        await history.tell(*ours)
        await follow(projector, history)
        query = "w1x w2x w30x"
        before, name = await reader.matching("ours", query, 60), await reader.content_tag("ours")
        await history.tell(*theirs)
        await follow(projector, history)

        assert await reader.content_tag("ours") == name
        hits = await reader.matching("ours", query, 60)
        assert [hit.chunk_id for hit in hits] == [hit.chunk_id for hit in before]
        assert [hit.score for hit in hits] == pytest.approx([hit.score for hit in before])
        foreign = passages_of(*theirs)
        nearest = await reader.nearest("theirs", "random-8@1", vector_of("one", 8), 60)
        assert {hit.chunk_id for hit in nearest} == set(foreign)
        assert await reader.passages("ours", list(foreign)) == {}
        assert {one.chunk_id for one in await reader.of_document("theirs", "doc-1")} == set(passages_of(theirs[1]))
        assert {one.chunk_id for one in await reader.all_passages("theirs")} == set(foreign)
        assert await reader.nearest("nobody", "random-8@1", vector_of("one", 8), 5) == []
