"""`--keep-original` and `annals show --original`."""

import io
from hashlib import sha256
from pathlib import Path

from annals.loading import Loaded, LoadOptions, load
from annals.token_file import read_admin_token
from tests.annals.conftest import Up
from tests.annals.pipeline import given, refused

MAIL = (
    b"From: a@example.org\nSubject: Pier\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=B\n\n"
    b"--B\n\nSee there.\n--B\nContent-Disposition: attachment; filename=pier.txt\n\nThe pier.\n--B--\n"
)


def test_it_goes_with_the_first_document_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_bytes(MAIL)
    (tmp_path / "b.jsonl").write_text('{"id": "b", "text": "Text."}\n')
    for keep in (True, False):
        found = [
            one for one in load([str(tmp_path)], io.BytesIO(), LoadOptions(originals=keep)) if isinstance(one, Loaded)
        ]
        assert [one.original for one in found] == [MAIL if keep else None, None, None]
        digests = [one.attributes.get("original") for one in found]
        assert digests == [sha256(MAIL).hexdigest() if keep else None, None, None]


def test_the_bytes_come_back_until_the_document_is_deleted(up: Up, tmp_path: Path) -> None:
    file, plain = tmp_path / "letter.eml", tmp_path / "plain.txt"
    file.write_bytes(MAIL)
    plain.write_text("Ulla Brandt built the Mornay Bridge.")
    assert given(up.data, "ingest", "--keep-original", str(file))["ingested"] == 2
    assert given(up.data, "ingest", str(file), str(plain))["unchanged"] == 2
    out = tmp_path / "out.eml"
    told = given(up.data, "show", str(file), "--original", str(out))
    assert out.read_bytes() == MAIL
    assert (told["bytes"], told["digest"]) == (len(MAIL), sha256(MAIL).hexdigest())
    # Beside `annals up` its gateway is asked; without one, the databases are.
    elsewhere = tmp_path / "elsewhere.eml"
    asked = ("--server", up.pipeline.addresses["gateway"], "show", str(file), "--original", str(elsewhere))
    by_server = given(tmp_path / "nothing", *asked, env={"ANNALS_TOKEN": read_admin_token(up.data) or ""})
    assert by_server == {**told, "file": str(elsewhere)}
    assert elsewhere.read_bytes() == MAIL
    (up.data / "admin.token").rename(up.data / "aside")
    try:
        here = given(up.data, "show", str(file), "--original", str(tmp_path / "here.eml"))
    finally:
        (up.data / "aside").rename(up.data / "admin.token")
    assert {**here, "file": str(out)} == told and (tmp_path / "here.eml").read_bytes() == MAIL
    assert "is there already" in refused(up.data, "show", str(file), "--original", str(out))
    assert "no original" in refused(up.data, "show", str(plain), "--original", str(tmp_path / "none"))
    assert not (tmp_path / "none").exists()
    given(up.data, "delete", str(file))
    assert up.rows("SELECT count(*) FROM annals.originals WHERE document_id = $1", str(file)) == [(0,)]
    assert "was deleted" in refused(up.data, "show", str(file), "--original", str(tmp_path / "none"))
    beyond = refused(up.data, "--server", "https://example.org", "ingest", "--keep-original", str(plain), exit_code=2)
    assert "--keep-original" in beyond
