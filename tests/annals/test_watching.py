"""A folder that is followed: what is stored of it is what a fresh ingest of it would take in."""

import asyncio
import contextlib
import io
import json
import os
import random
import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annals.cli.context import CommandContext
from annals.cli.usage import WrongUsageError
from annals.cli.watch import folder_of
from annals.folders import Selection
from annals.loading import Loaded, LoadOptions, Refused, load
from annals.settings import load_settings
from annals.stored import StoredDocument
from annals.watching import changes as changes_module
from annals.watching.changes import MOST_S, FolderChanges
from annals.watching.following import FolderFollower
from annals.watching.scan import Scan, Signature, file_of, scan, signature
from tests.support.changing_folder import change

pytestmark = pytest.mark.pipeline

LIMIT_S = 30.0


@dataclass
class InMemory:
    """What a log would hold, by id; written by hand, since what is asked of it is three methods."""

    documents: dict[str, Loaded] = field(default_factory=dict)
    said: list[tuple[str, str]] = field(default_factory=list)

    async def below(self, id_prefix: str) -> Sequence[StoredDocument]:
        return [
            StoredDocument(one.document_id, one.title, one.uri, "", one.attributes)
            for one in self.documents.values()
            if one.document_id.startswith(id_prefix)
        ]

    async def lines_below(self, file_prefix: str) -> Sequence[StoredDocument]:
        return [
            StoredDocument(one.document_id, one.title, one.uri, "", one.attributes)
            for one in self.documents.values()
            if str(one.attributes.get("line_of", "")).startswith(file_prefix)
        ]

    async def take(self, documents: Sequence[Loaded]) -> Sequence[str | Refused]:
        outcomes: list[str | Refused] = []
        for one in documents:
            if "too large" in one.text:
                outcomes.append(Refused(one.name, "is too large"))
                continue
            before = self.documents.get(one.document_id)
            same = before is not None and replace(before, name="") == replace(one, name="")
            outcomes.append("ingested" if before is None else "unchanged" if same else "updated")
            self.documents[one.document_id] = one
        return outcomes

    async def delete(self, document_ids: Sequence[str], reason: str) -> None:
        for one in document_ids:
            del self.documents[one]

    def tell(self, event: str, **fields: object) -> None:
        what = str(fields.get("document_id") or fields.get("name") or fields.get("files"))
        self.said.append((event, Path(what).name))

    def texts(self, folder: Path) -> dict[str, str]:
        return {
            str(Path(one.document_id).relative_to(folder)): one.text
            for one in self.documents.values()
            if one.document_id.startswith(f"{folder}/")
        }


@contextlib.asynccontextmanager
async def following(stored: InMemory, folder: Path, selection: Selection | None = None) -> AsyncIterator[None]:
    follower = FolderFollower(folder, LoadOptions(selection or Selection()), stored, stored.tell)
    task = asyncio.create_task(follower.follow())
    try:
        yield
    finally:
        if task.done():
            task.result()
        task.cancel()
        await asyncio.wait([task], timeout=LIMIT_S)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


@pytest.fixture(autouse=True)
def soon_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes_module, "QUIET_S", 0.2)
    monkeypatch.setattr("annals.watching.following.QUIET_S", 0.2)


async def test_new_changed_renamed_and_deleted_files(tmp_path: Path) -> None:
    stored = InMemory()
    (tmp_path / "a.txt").write_text("One.")
    async with following(stored, tmp_path):
        await until(lambda: stored.texts(tmp_path) == {"a.txt": "One."})
        (tmp_path / "deep/er").mkdir(parents=True)
        (tmp_path / "deep/er/b.md").write_text("Two.")
        await until(lambda: stored.texts(tmp_path) == {"a.txt": "One.", "deep/er/b.md": "Two."})
        (tmp_path / "a.txt").write_text("Three.")
        await until(lambda: stored.texts(tmp_path)["a.txt"] == "Three.")
        (tmp_path / "deep").rename(tmp_path / "moved")
        await until(lambda: stored.texts(tmp_path) == {"a.txt": "Three.", "moved/er/b.md": "Two."})
        (tmp_path / "a.txt").unlink()
        await until(lambda: stored.texts(tmp_path) == {"moved/er/b.md": "Two."})
        await until(lambda: stored.said[-1][0] == "current")
    assert [one for one in stored.said if one[0] != "current"] == [
        *(("ingested", "a.txt"), ("ingested", "b.md"), ("updated", "a.txt")),
        *(("ingested", "b.md"), ("deleted", "b.md"), ("deleted", "a.txt")),
    ], "what was renamed is taken in before it is deleted"


async def test_what_happened_while_nobody_watched(tmp_path: Path) -> None:
    stored = InMemory()
    for name in ("a.txt", "b.txt", "c.txt"):
        (tmp_path / name).write_text(f"Text of {name}.")
    async with following(stored, tmp_path):
        await until(lambda: len(stored.documents) == 3)
    (tmp_path / "a.txt").unlink()
    (tmp_path / "b.txt").write_text("Another text.")
    (tmp_path / "d.txt").write_text("New.")
    stored.said.clear()
    async with following(stored, tmp_path):
        await until(lambda: stored.said[-1:] == [("current", "3")])
    assert stored.texts(tmp_path) == {"b.txt": "Another text.", "c.txt": "Text of c.txt.", "d.txt": "New."}
    assert sorted(stored.said) == [("current", "3"), ("deleted", "a.txt"), ("ingested", "d.txt"), ("updated", "b.txt")]


async def test_only_what_came_from_the_folder_and_is_selected_is_deleted(tmp_path: Path) -> None:
    """Neither a document with an id like a file's, nor what patterns leave out, nor what lies beside it."""
    folder, outside = tmp_path / "docs", tmp_path / "docs-2"
    for inner in (folder, outside, folder / "drafts"):
        inner.mkdir()
        (inner / "a.txt").write_text("Text.")
        (inner / "b.md").write_text("Text.")
    stored = InMemory()
    stored.documents = {one.document_id: one for one in load([str(tmp_path)], io.BytesIO()) if isinstance(one, Loaded)}
    pretended = Loaded("x", f"{folder}/never.txt", "", "Text.", None, {})
    elsewhere = Loaded("x", f"{folder}/web.txt", "", "Text.", "https://example.org/web.txt", {})
    stored.documents |= {one.document_id: one for one in (pretended, elsewhere)}
    for inner in (folder, outside, folder / "drafts"):
        (inner / "a.txt").unlink()
        (inner / "b.md").unlink()
    (folder / "c.txt").write_text("Text.")
    async with following(stored, folder, Selection(globs=("*.txt",), excludes=("drafts/",))):
        await until(lambda: ("deleted", "a.txt") in stored.said and stored.said[-1][0] == "current")
    assert set(stored.texts(folder)) == {"c.txt", "b.md", "never.txt", "web.txt", "drafts/a.txt", "drafts/b.md"}
    assert set(stored.texts(outside)) == {"a.txt", "b.md"}


async def test_gitignore_hidden_files_and_circles(tmp_path: Path) -> None:
    stored = InMemory()
    (tmp_path / ".gitignore").write_text("*.log\n")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "self.txt").symlink_to("self.txt")
    for name in ("a.log", ".b.txt", "c.txt"):
        (tmp_path / name).write_text("Text.")
    async with following(stored, tmp_path):
        await until(lambda: ("current", "1") in stored.said)
        (tmp_path / ".gitignore").write_text("")
        await until(lambda: set(stored.texts(tmp_path)) == {"a.log", "c.txt"})
    assert ("unreadable", "self.txt") in stored.said


async def test_what_cannot_be_read_keeps_its_document_and_what_is_empty_does_not(tmp_path: Path) -> None:
    stored = InMemory()
    for name in ("a.pdf", "b.txt", "c.txt", "d.eml"):
        (tmp_path / name).write_text("Text.")
    message = "From: a@example.org\nSubject: x\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=B\n\n"
    parts = [f"--B\nContent-Disposition: attachment; filename={n}.txt\n\nText.\n" for n in range(2)]
    (tmp_path / "d.eml").write_text(message + "".join(parts) + "--B--\n")
    async with following(stored, tmp_path):
        await until(lambda: stored.said[-1:] == [("current", "4")])
        assert {"d.eml#0.txt", "d.eml#1.txt"} <= set(stored.texts(tmp_path))
        (tmp_path / "a.pdf").write_bytes(b"%PDF-1.4 broken")
        (tmp_path / "b.txt").write_text("")
        (tmp_path / "c.txt").write_text("This is too large.")
        (tmp_path / "d.eml").write_text(message + parts[1] + "--B--\n")
        await until(
            lambda: {("deleted", "b.txt"), ("deleted", "d.eml#0.txt"), ("refused", "c.txt")} <= set(stored.said)
        )
        await until(lambda: ("refused", "a.pdf") in stored.said)
    kept = stored.texts(tmp_path)
    assert {"a.pdf", "c.txt", "d.eml#1.txt"} <= set(kept) and {"b.txt", "d.eml#0.txt"}.isdisjoint(kept)
    assert kept["c.txt"] == "Text."
    assert stored.said.count(("refused", "a.pdf")) == 1, "named once for each content"


async def test_a_folder_that_is_away_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a network drive is, also at the start, where its place is an empty folder."""
    monkeypatch.setattr("annals.watching.following.RESCAN_S", 0.2)
    monkeypatch.setattr("annals.watching.following.POLL_S", 0.2)
    stored, folder = InMemory(), tmp_path / "docs"
    folder.mkdir()
    (folder / "a.txt").write_text("Text.")
    async with following(stored, folder):
        await until(lambda: ("current", "1") in stored.said)
        folder.rename(tmp_path / "away")
        await until(lambda: ("unreadable", "docs") in stored.said)
        (tmp_path / "away").rename(folder)
        (folder / "b.txt").write_text("Text.")
        await until(lambda: set(stored.texts(folder)) == {"a.txt", "b.txt"})
    shutil.rmtree(folder)
    folder.mkdir()
    stored.said.clear()
    async with following(stored, folder):
        await until(lambda: ("unreadable", "docs") in stored.said)
        assert set(stored.texts(folder)) == {"a.txt", "b.txt"}
        (folder / "b.txt").write_text("Text.")
        await until(lambda: set(stored.texts(folder)) == {"b.txt"})
    (folder / "b.txt").unlink()


def lines(**texts: str) -> str:
    return "".join(json.dumps({"id": name, "text": text}) + "\n" for name, text in texts.items())


async def test_each_line_is_a_document_of_its_own(tmp_path: Path) -> None:
    """A changed line updates it, a line or a file that goes deletes it; it moves from file to file, and is there."""
    stored, file, other = InMemory(), tmp_path / "a.jsonl", tmp_path / "b.json"

    def texts() -> dict[str, str]:
        return {one.document_id: one.text for one in stored.documents.values()}

    async def told(*events: tuple[str, str]) -> None:
        await until(lambda: stored.said[-1:] != [] and stored.said[-1][0] == "current")
        assert [one for one in stored.said if one[0] != "current"] == list(events)
        stored.said.clear()

    file.write_text(lines(x="One.", y="Two.", z="Three."))
    async with following(stored, tmp_path):
        await told(("ingested", "x"), ("ingested", "y"), ("ingested", "z"))
        file.write_text(lines(x="One.", y="Two, changed."))
        await told(("updated", "y"), ("deleted", "z"))
        assert texts() == {"x": "One.", "y": "Two, changed."}
        assert stored.documents["y"].attributes == {"line_of": file.as_uri()}
    # While nobody watched: one line went, one came, one was changed.
    file.write_text(lines(y="Two.", w="Four."))
    async with following(stored, tmp_path):
        await told(("updated", "y"), ("ingested", "w"), ("deleted", "x"))
        # It moves: it is another file's now, and never away.
        other.write_text(lines(y="Two."))
        file.write_text(lines(w="Four."))
        await told(("updated", "y"))
        file.rename(tmp_path / "c.jsonl")
        await told(("updated", "w"))
        assert texts() == {"y": "Two.", "w": "Four."}
        (tmp_path / "c.jsonl").unlink()
        await told(("deleted", "w"))
    other.unlink()
    (tmp_path / "d.txt").write_text("Text.")
    async with following(stored, tmp_path):
        await until(lambda: set(stored.documents) == {str(tmp_path / "d.txt")})


async def test_of_one_document_in_several_files_the_last_counts_as_for_ingest(tmp_path: Path) -> None:
    stored, files = InMemory(), [tmp_path / f"{name}.jsonl" for name in "abc"]
    for file in files:
        file.write_text(lines(x=f"Of {file.name}."))

    def is_of(name: str) -> bool:
        return stored.said[-1:] == [("current", "3")] and stored.documents["x"].text == f"Of {name}.jsonl."

    async with following(stored, tmp_path):
        await until(lambda: is_of("c"))
        stored.said.clear()
        files[0].write_text(lines(x="Of a, changed."))
        await until(lambda: ("updated", "x") in stored.said and is_of("c"))
        files[2].write_text(lines(y="Another."))
        await until(lambda: is_of("b") and "y" in stored.documents)
        files[1].write_text("")
        await until(lambda: stored.documents["x"].text == "Of a, changed." and stored.said[-1] == ("current", "3"))
    assert ("deleted", "x") not in stored.said


async def test_a_broken_line_keeps_its_document_and_no_other(tmp_path: Path) -> None:
    stored, file = InMemory(), tmp_path / "a.jsonl"
    file.write_text(lines(x="One.", y="Two.", z="Three.", v="Four."))
    async with following(stored, tmp_path):
        await until(lambda: stored.said[-1:] == [("current", "1")])
        broken = '{"id": "x", "text": "One.", "more": 1}\n{"id": "z", "text": " "}\n'
        file.write_text(broken + lines(y="This is too large."))
        await until(lambda: {("deleted", "z"), ("deleted", "v")} <= set(stored.said))
        assert {one.document_id: one.text for one in stored.documents.values()} == {"x": "One.", "y": "Two."}
        # What names no document may have been any.
        stored.said.clear()
        file.write_text('{"id": "x", "text": "One."\n')
        await until(lambda: stored.said[-1:] == [("current", "1")])
    assert set(stored.documents) == {"x", "y"}


async def test_random_changes_and_ends_in_between(tmp_path: Path) -> None:
    """Whatever happens, and whenever the follower ends, what is stored is what a fresh ingest gives."""
    chance, stored, folder = random.Random(7), InMemory(), tmp_path / "docs"
    folder.mkdir()
    for _ in range(3):
        async with following(stored, folder):
            for _ in range(60):
                change(folder, chance)
                await asyncio.sleep(chance.random() / 50)
        for _ in range(20):
            change(folder, chance)
    stored.said.clear()
    async with following(stored, folder):
        await until(lambda: stored.said[-1:] != [] and stored.said[-1][0] == "current")
    fresh = {one.document_id: one.text for one in load([str(folder)], io.BytesIO()) if isinstance(one, Loaded)}
    assert {one.document_id: one.text for one in stored.documents.values()} == fresh and fresh


def look(state: Signature | None, *, gone: bool = False) -> Scan:
    path = Path("/docs/a.txt")
    files = {} if state is None else {path: (path, state)}
    return Scan(files, frozenset({path} if gone else ()), (Path("/docs"),), (), 1, False)


def state(number: int, at: float = 0.0) -> Signature:
    return Signature(1, 1, number, int(at * 1e9), int(at * 1e9))


def test_a_file_is_read_when_it_is_whole_and_at_last_while_it_is_not() -> None:
    changes = FolderChanges([])
    quiet = changes_module.QUIET_S
    assert changes.due(look(state(1, at=1000.0)), now=0.0, wall=1000.0).read == ()
    assert changes.due(look(state(2, at=1000.1)), now=0.1, wall=1000.1).read == ()
    assert len(changes.due(look(state(2, at=1000.1)), now=0.1 + quiet, wall=1000.1 + quiet).read) == 1
    assert changes.was_read(Path("/docs/a.txt"), state(2, at=1000.1), state(2, at=1000.1), 0.5)
    assert changes.due(look(state(2, at=1000.1)), now=9.0, wall=1009.0).read == () and changes.is_quiet
    # It goes on changing.
    times = [100 + step * quiet / 2 for step in range(int(2 * MOST_S / quiet) + 2)]
    read = [changes.due(look(state(n, at=at)), now=at, wall=at).read for n, at in enumerate(times, start=3)]
    assert [bool(one) for one in read].index(True) == int(2 * MOST_S / quiet)
    # A clock that is wrong keeps nothing back.
    changes = FolderChanges([])
    assert changes.due(look(state(1, at=9e9)), now=0.0, wall=0.0).read == ()
    assert len(changes.due(look(state(1, at=9e9)), now=quiet, wall=0.0).read) == 1


def test_a_file_that_is_missing_for_a_moment_is_not_gone() -> None:
    path = Path("/docs/a.txt")
    changes = FolderChanges([(path, "/docs/a.txt"), (path, "/docs/a.txt#1")])
    quiet = changes_module.QUIET_S
    assert changes.due(look(None, gone=True), now=0.0, wall=0.0).gone == ()
    assert changes.due(look(state(1)), now=quiet / 2, wall=9.0).gone == ()
    assert changes.due(look(None, gone=True), now=quiet, wall=0.0).gone == () and not changes.is_quiet
    assert changes.due(look(None, gone=True), now=2 * quiet, wall=0.0).gone == (path,)
    assert changes.let_go([path]) == ("/docs/a.txt", "/docs/a.txt#1")
    changes.deleted(["/docs/a.txt", "/docs/a.txt#1"])
    assert changes.files == set() and changes.is_quiet


@given(st.text(min_size=1, max_size=20).filter(lambda name: "/" not in name and "\0" not in name))
def test_a_documents_file_is_known_by_its_id_and_address(name: str) -> None:
    root = Path("/docs")
    try:
        name.encode()
    except UnicodeEncodeError:
        return
    if name in (".", ".."):
        return
    path = root / name
    assert file_of(str(path), path.as_uri(), root) == path
    assert file_of(f"{path}#p/q.txt", f"{path.as_uri()}#p%2Fq.txt", root) == path
    assert file_of(str(path), None, root) is None
    assert file_of(f"{path}x", path.as_uri(), root) is None
    assert file_of(str(path), path.as_uri(), Path("/doc")) is None


def test_only_files_that_are_gone_are(tmp_path: Path) -> None:
    """Not one in a folder that cannot be looked into, and not one that patterns leave out."""
    names = ("a.txt", "b.txt", "c.txt", "folder/d.txt", "e.md")
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("Text.")
    known = [tmp_path / name for name in names]
    (tmp_path / "a.txt").unlink()
    (tmp_path / "e.md").unlink()
    (tmp_path / "b.txt").unlink()
    (tmp_path / "b.txt").mkdir()
    (tmp_path / "c.txt").rename(tmp_path / "real.txt")
    (tmp_path / "c.txt").symlink_to("real.txt")
    shutil.move(tmp_path / "folder", tmp_path / "other")
    (tmp_path / "folder").symlink_to("other")
    found = scan(tmp_path, Selection(globs=("*.txt",)), known)
    assert {path.relative_to(tmp_path).as_posix() for path in found.gone} == {
        *("a.txt", "b.txt", "c.txt", "folder/d.txt"),
    }
    assert scan(tmp_path / "nothing", Selection(), [tmp_path / "nothing/x"]).gone == frozenset()
    assert signature(tmp_path / "real.txt") == signature(tmp_path / "c.txt")
    assert os.listdir(tmp_path)


@pytest.mark.parametrize("path", ["x" * 300, "/nowhere", "/dev/null", "a\x00b", "https://example.org/", "-"])
def test_what_is_no_folder_is_not_followed(tmp_path: Path, path: str) -> None:
    context = CommandContext(load_settings(data=tmp_path))
    with pytest.raises(WrongUsageError, match="--watch follows one folder; name it, and start one for each"):
        folder_of(context, [path], LoadOptions())
