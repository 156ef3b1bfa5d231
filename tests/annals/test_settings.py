"""Settings: options over ANNALS_* variables over a TOML file over defaults; what is wrong is named."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from annals.errors import WrongSettingError
from annals.pipeline import child_environment
from annals.settings import Settings, load_settings


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of whoever runs the tests."""
    for name in [name for name in os.environ if name.startswith("ANNALS_")]:
        monkeypatch.delenv(name)


LOGIN = {
    "security.protocol": "SASL_PLAINTEXT",
    "sasl.mechanism": "PLAIN",
    "sasl.username": "annals",
    "sasl.password": "correct horse",
}


def toml(folder: Path, content: str, name: str = "annals.toml") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(content)
    return path


def test_each_source_goes_over_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "data"
    assert load_settings(data=data).chunk_tokens == 200
    toml(data, "chunk_tokens = 300\nworkers = 3\n[kafka]\n'security.protocol' = 'PLAINTEXT'\n")
    found = load_settings(data=data)
    assert (found.chunk_tokens, found.workers, found.kafka) == (300, 3, {"security.protocol": "PLAINTEXT"})
    monkeypatch.setenv("ANNALS_CHUNK_TOKENS", "400")
    monkeypatch.setenv("ANNALS_KAFKA", '{"security.protocol": "SSL"}')
    found = load_settings(data=data)
    assert (found.chunk_tokens, found.workers, found.kafka) == (400, 3, {"security.protocol": "SSL"})
    assert load_settings(data=data, chunk_tokens=500).chunk_tokens == 500
    assert load_settings(data=data, chunk_tokens=None).chunk_tokens == 400, "an option that was not given says nothing"


def test_a_named_file_is_read_instead_of_the_one_in_the_data_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toml(tmp_path / "data", "workers = 2")
    toml(tmp_path / "elsewhere", "workers = ? no TOML")
    monkeypatch.setenv("ANNALS_DATA", str(tmp_path / "elsewhere"))
    named = toml(tmp_path, "workers = 3", "named.toml")
    by_variable = toml(tmp_path, "workers = 4", "variable.toml")
    assert load_settings(data=tmp_path / "data").workers == 2
    monkeypatch.setenv("ANNALS_CONFIG", str(by_variable))
    assert load_settings(data=tmp_path / "data").workers == 4
    assert load_settings(data=tmp_path / "data", config=named).workers == 3
    with pytest.raises(WrongSettingError, match=r"nowhere\.toml does not exist"):
        load_settings(config=tmp_path / "nowhere.toml")


def test_the_data_folder_is_absolute_wherever_it_comes_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    toml(tmp_path / "home" / "mine", "workers = 5")
    assert load_settings(data=Path("here")).data == tmp_path / "here"
    monkeypatch.setenv("ANNALS_DATA", "~/mine")
    found = load_settings()
    assert found.data == tmp_path / "home" / "mine"
    assert found.workers == 5, "its annals.toml is found under the same name"


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("workers = 0", "workers"),
        ("chunk_tokens = 'many'", "chunk_tokens"),
        ("tenant = 'Not a tenant'", "tenant"),
        ("max_document_bytes = 100_000_000", "max_document_bytes"),
        ("log_level = 'LOUD'", "log_level"),
        ("colour = 'red'", "colour"),
    ],
)
def test_a_setting_that_is_wrong_or_unknown_is_named(tmp_path: Path, content: str, named: str) -> None:
    toml(tmp_path, content)
    with pytest.raises(WrongSettingError) as caught:
        load_settings(data=tmp_path)
    assert f"{named} ({tmp_path / 'annals.toml'})" in str(caught.value)


def test_a_wrong_variable_or_option_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(WrongSettingError, match=r"colour \(the option --colour\)"):
        load_settings(data=tmp_path, colour="red")
    monkeypatch.setenv("ANNALS_STALL_SECONDS", "-1")
    with pytest.raises(WrongSettingError, match=r"stall_seconds \(the variable ANNALS_STALL_SECONDS\)"):
        load_settings(data=tmp_path)
    monkeypatch.delenv("ANNALS_STALL_SECONDS")
    monkeypatch.setenv("ANNALS_KAFKA", "{no json")
    with pytest.raises(WrongSettingError, match="kafka"):
        load_settings(data=tmp_path)
    monkeypatch.delenv("ANNALS_KAFKA")
    monkeypatch.setenv("ANNALS_COLOUR", "red")
    with pytest.raises(WrongSettingError, match="ANNALS_COLOUR"):
        load_settings(data=tmp_path)


def test_a_file_that_is_no_toml_is_named(tmp_path: Path) -> None:
    file = toml(tmp_path, "workers = = 3")
    with pytest.raises(WrongSettingError, match=f"{file} is no TOML"):
        load_settings(data=tmp_path)


def test_an_overlap_leaves_room_for_new_words(tmp_path: Path) -> None:
    with pytest.raises(WrongSettingError, match="chunk_overlap"):
        load_settings(data=tmp_path, chunk_tokens=50, chunk_overlap=50)


def test_settings_that_do_not_go_together_are_both_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = toml(tmp_path, "chunk_tokens = 30")
    with pytest.raises(WrongSettingError) as caught:
        load_settings(data=tmp_path)
    assert str(caught.value) == (
        f"chunk_overlap (by default): 40 is too much, set it below the 30 of chunk_tokens ({file})"
    )
    monkeypatch.setenv("ANNALS_CHUNK_OVERLAP", "30")
    with pytest.raises(WrongSettingError) as caught:
        load_settings(data=tmp_path)
    assert "chunk_overlap (the variable ANNALS_CHUNK_OVERLAP): 30" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("NEO4J", "db.example.org", "write bolt://host:port"),
        ("OPENSEARCH", "search:9200", "write http://host:port"),
        ("REDIS", "bogus", "write redis://host:port"),
        ("POSTGRES", "host=db dbname=annals", "write postgresql://host:port"),
        ("POSTGRES", "postgresql://annals:hunter2/x@db/annals", "%40"),
        ("BROKER", "kafka", "write host:port"),
        ("BROKER", "kafka:9092,kafka", "write host:port"),
        ("KAFKA", '{"no.such.setting": "x"}', "no.such.setting"),
        ("KAFKA", "[1]", "dictionary"),
        ("OPENSEARCH_CA", "/nowhere/ca.pem", "No such file"),
        ("DATA", "", "is empty; name a folder"),
        ("DATA", "~nobody-of-this-name", "home directory"),
    ],
)
def test_an_address_that_is_none_is_named_before_anything_connects(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(f"ANNALS_{name}", value)
    with pytest.raises(WrongSettingError) as caught:
        load_settings() if name == "DATA" else load_settings(data=tmp_path)
    message = str(caught.value)
    assert f"the variable ANNALS_{name}" in message and said in message
    assert "hunter2" not in message and "\n" not in message


def with_options(data: Path, options: Mapping[str, Any]) -> Settings:
    return load_settings(data=data, **options)


GENERATOR = {"generator_url": "https://models.example.org/v1", "generator_model": "tiny-1"}


@pytest.mark.parametrize(
    ("given", "named", "said"),
    [
        ({"generator_url": "models.example.org/v1"}, "generator_url", "is no address"),
        ({"generator_url": ""}, "generator_url", "is no address"),
        ({"generator_url": "http://models.example.org/v1"}, "generator_url", "needs TLS"),
        ({"generator_url": "https://ann:hunter2@models.example.org/v1"}, "generator_url", "generator_key"),
        ({"generator_url": "https://models.example.org/v1?key=hunter2"}, "generator_url", "generator_key"),
        ({"generator_model": None}, "generator_model", "set both or neither, this and generator_url"),
        ({"generator_model": "tiny 1"}, "generator_model", "match"),
        ({"generator_url": None}, "generator_model", "set both or neither, this and generator_url"),
        ({"generator_url": None, "generator_model": None, "generator_key": "hunter2"}, "generator_key", "address too"),
        ({"generator_key": "hunter2\n"}, "generator_key", "line ends"),
        ({"generator_key": ""}, "generator_key", "is empty"),
        ({"reader": ""}, "reader", "at least 1"),
        ({"reader_revision": "main"}, "reader_revision", "set a model too, which is reader"),
        ({"reranker_revision": "main"}, "reranker_revision", "set a model too, which is reranker"),
    ],
)
def test_models_that_answer_are_named_whole_or_refused_in_one_line(
    tmp_path: Path, given: dict[str, str | None], named: str, said: str
) -> None:
    with pytest.raises(WrongSettingError) as caught:
        with_options(tmp_path, {**GENERATOR, **given})
    message = str(caught.value)
    assert message.startswith(f"{named} (") and said in message
    assert "hunter2" not in message and "\n" not in message


def test_a_generative_model_may_be_asked_in_the_clear_where_that_is_said_or_never_leaves_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for url in ("http://127.0.0.1:8000/v1", "http://localhost:11434/v1", "http://[::1]:1/v1"):
        assert with_options(tmp_path, {**GENERATOR, "generator_url": url}).generator_url == url
    monkeypatch.setenv("ANNALS_GENERATOR_PLAINTEXT", "true")
    private = {**GENERATOR, "generator_url": "http://vllm:8000/v1", "generator_key": "hunter2"}
    settings = with_options(tmp_path, private)
    assert settings.generator_url == "http://vllm:8000/v1" and "hunter2" not in repr(settings)


def test_a_settings_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "annals.toml").write_bytes(b"tenant = 'caf\xe9'")
    with pytest.raises(WrongSettingError, match="not UTF-8"):
        load_settings(data=tmp_path)
    (tmp_path / "other" / "annals.toml").mkdir(parents=True)
    with pytest.raises(WrongSettingError, match="cannot be read: Is a directory"):
        load_settings(data=tmp_path / "other")
    toml(tmp_path / "third", 'data = "a\\u0000b"')
    with pytest.raises(WrongSettingError, match="NUL"):
        load_settings(config=tmp_path / "third" / "annals.toml")


def test_an_empty_config_variable_means_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toml(tmp_path, "workers = 9")
    monkeypatch.setenv("ANNALS_CONFIG", "")
    assert load_settings(data=tmp_path).workers == 1


def test_secrets_are_not_shown(tmp_path: Path) -> None:
    settings = load_settings(
        data=tmp_path,
        postgres="postgresql://annals:hunter2@db.example.org/annals",
        kafka=LOGIN,
    )
    for shown in (repr(settings), str(settings)):
        assert "hunter2" not in shown
        assert "correct horse" not in shown


def test_settings_do_not_change(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        load_settings(data=tmp_path).workers = 2


def test_a_child_reads_the_same_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_settings(
        data=tmp_path,
        tenant="north",
        workers=3,
        stall_seconds=7.5,
        embedder_revision="v2",
        kafka=LOGIN,
    )
    toml(tmp_path, "embedder = 'another'\nentity_revision = 'written after we were started'")
    dsn, broker = "postgresql://annals:hunter2@db.example.org/annals", "kafka.example.org:9093"
    for name, value in child_environment(settings, dsn, broker).items():
        monkeypatch.setenv(name, value)
    child = load_settings()
    assert isinstance(child, Settings)
    assert child.postgres is not None and child.postgres.get_secret_value() == dsn
    assert child.broker == broker
    same = {"postgres", "broker"}
    assert child.model_dump(exclude=same) == settings.model_dump(exclude=same)
