"""What of a folder is taken in, and what is left out: everything is named or counted, with its reason."""

import io
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from annals.folders import ALL, LeftOut, Selection, WrongPatternError, summary
from annals.loading import Loaded, LoadOptions, Refused, load

NOBODY = 65534


def files(folder: Path, selection: Selection = ALL) -> tuple[list[str], list[Refused], list[LeftOut]]:
    """Names of what was taken, below the folder; what was refused; what was left out."""
    found = list(load([str(folder)], io.BytesIO(), LoadOptions(selection)))
    taken = [str(Path(one.name).relative_to(folder)) for one in found if isinstance(one, Loaded)]
    refused = [one for one in found if isinstance(one, Refused)]
    return taken, refused, [one for one in found if isinstance(one, LeftOut)]


PNG = bytes.fromhex("89504e470d0a1a0a0000000d494844520000000100000001080600000000000000")


def write(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(PNG if path.suffix.lower() == ".png" else f"Text of {path.name}.".encode())


def test_what_is_hidden_is_left_out(tmp_path: Path) -> None:
    write(tmp_path / "a.txt", tmp_path / ".git/x.txt", tmp_path / "b/.hidden.md", tmp_path / "b/c.md")
    taken, refused, left_out = files(tmp_path)
    assert (taken, refused) == (["a.txt", "b/c.md"], [])
    assert left_out == [LeftOut(str(tmp_path / ".git"), "hidden"), LeftOut(str(tmp_path / "b/.hidden.md"), "hidden")]
    assert files(tmp_path / ".git")[0] == ["x.txt"], "a folder that is named itself is meant"


def test_other_kinds_are_counted(tmp_path: Path) -> None:
    write(*(tmp_path / f"{number}.PNG" for number in range(12)), tmp_path / "a.txt")
    (tmp_path / "program").write_bytes(b"\x7fELF\x02\x01\x01" + bytes(64))
    os.mkfifo(tmp_path / "pipe.txt")
    taken, refused, left_out = files(tmp_path)
    assert (taken, refused) == (["a.txt"], [])
    assert summary(left_out) == (
        f"12 .png, 1 neither file nor folder ({tmp_path}/pipe.txt), 1 without suffix ({tmp_path}/program)"
    )
    assert "of which no text can be read" in left_out[0].why


def test_links_to_folders_are_left_out_and_circles_end(tmp_path: Path) -> None:
    write(tmp_path / "docs/a.txt", tmp_path / "docs/deep/b.txt", tmp_path / "outside/c.txt")
    (tmp_path / "docs/deep/up").symlink_to(tmp_path / "docs")
    (tmp_path / "docs/away").symlink_to(tmp_path / "outside")
    (tmp_path / "docs/self").symlink_to("self")
    taken, refused, left_out = files(tmp_path / "docs")
    assert taken == ["a.txt", "deep/b.txt"]
    assert [(Path(one.name).name, one.reason) for one in refused] == [
        ("self", "is a link to self, which does not exist"),
    ]
    assert [(Path(one.name).name, one.reason) for one in left_out] == [
        ("away", "link to a folder"),
        ("up", "link to a folder"),
    ]
    (tmp_path / "named").symlink_to(tmp_path / "docs")
    assert files(tmp_path / "named")[0] == ["a.txt", "deep/b.txt"], "one that is named itself is followed"


def test_a_link_to_a_file_is_that_file(tmp_path: Path) -> None:
    write(tmp_path / "a.txt", tmp_path / "elsewhere/b.txt")
    folder = tmp_path / "docs"
    write(folder / "c.txt")
    for name, target in (("a.txt", "../a.txt"), ("again.txt", "../a.txt"), ("c-again.txt", "c.txt")):
        (folder / name).symlink_to(target)
    found = [one for one in load([str(folder)], io.BytesIO()) if isinstance(one, Loaded)]
    assert [one.document_id for one in found] == [str(tmp_path / "a.txt"), str(folder / "c.txt")]


def test_a_link_to_nothing_is_named(tmp_path: Path) -> None:
    write(tmp_path / "a.txt")
    (tmp_path / "gone.md").symlink_to("nowhere.md")
    (tmp_path / "loop.md").symlink_to("loop.md")
    taken, refused, _ = files(tmp_path)
    assert taken == ["a.txt"]
    assert [(Path(one.name).name, one.reason.partition(",")[0]) for one in refused] == [
        ("gone.md", "is a link to nowhere.md"),
        ("loop.md", "is a link to loop.md"),
    ]
    (only,) = load([str(tmp_path / "gone.md")], io.BytesIO())
    assert isinstance(only, Refused) and "which does not exist" in only.reason


@contextmanager
def ordinary_user() -> Iterator[None]:
    """Root may read everything."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def test_what_cannot_be_read_is_named_and_the_rest_are_taken() -> None:
    # Not below pytest's folder, which an ordinary user may not enter.
    folder = Path(tempfile.mkdtemp(prefix="annals-test-"))
    try:
        write(folder / "a.txt", folder / "closed/b.txt", folder / "secret.txt", folder / "z.txt")
        folder.chmod(0o755)
        (folder / "closed").chmod(0)
        (folder / "secret.txt").chmod(0)
        found = load([str(folder / "a.txt"), str(folder)], io.BytesIO())
        first = next(found)  # with it starts the process that reads, which an ordinary user may not start here
        with ordinary_user():
            rest = list(found)
        taken = [Path(one.name).name for one in (first, *rest) if isinstance(one, Loaded)]
        refused = [one for one in rest if isinstance(one, Refused)]
        assert taken == ["a.txt", "a.txt", "z.txt"]
        assert [(Path(one.name).name, one.reason) for one in refused] == [
            ("closed", "cannot be read: Permission denied"),
            ("secret.txt", "cannot be read: Permission denied"),
        ]
    finally:
        (folder / "closed").chmod(0o700)
        shutil.rmtree(folder)


@pytest.mark.parametrize("names", [(), (".hidden.txt",), ("picture.png",)])
def test_a_folder_without_documents_says_so(tmp_path: Path, names: tuple[str, ...]) -> None:
    write(*(tmp_path / name for name in names))
    taken, refused, left_out = files(tmp_path)
    assert (taken, len(left_out)) == ([], len(names))
    assert [one.reason for one in refused] == ["holds no file that can be read"]


def test_patterns_say_which_files_are_meant(tmp_path: Path) -> None:
    write(*(tmp_path / name for name in ("a.md", "b.txt", "drafts/c.md", "deep/drafts/d.md", "deep/e.md", "f.rst")))
    taken, _, left_out = files(tmp_path, Selection(globs=("*.md", "*.rst"), excludes=("drafts/", "/f.rst")))
    assert taken == ["a.md", "deep/e.md"]
    assert [(str(Path(one.name).relative_to(tmp_path)), one.reason) for one in left_out] == [
        ("b.txt", "not among --glob"),
        ("deep/drafts", "excluded"),
        ("drafts", "excluded"),
        ("f.rst", "excluded"),
    ]
    with pytest.raises(WrongPatternError, match=r"a pattern cannot be read: .*; write it as \.gitignore has them"):
        files(tmp_path, Selection(globs=("!",)))


def test_what_gitignore_names_is_left_out(tmp_path: Path) -> None:
    """Nearer files decide over farther ones, also over those above a folder within a repository."""
    write(
        *(tmp_path / name for name in ("a.log", "keep.log", "build/b.txt", "src/c.log", "src/d.txt", "src/deep/e.log"))
    )
    (tmp_path / ".git").mkdir()
    (tmp_path / ".gitignore").write_text("*.log\n!keep.log\n/build/\n")
    (tmp_path / "src" / "deep" / ".gitignore").write_text("!e.log\n")
    taken, _, left_out = files(tmp_path)
    assert taken == ["keep.log", "src/d.txt", "src/deep/e.log"]
    ignored = [str(Path(one.name).relative_to(tmp_path)) for one in left_out if one.reason == "named by .gitignore"]
    assert ignored == ["a.log", "build", "src/c.log"]
    assert files(tmp_path / "src")[0] == ["d.txt", "deep/e.log"]
