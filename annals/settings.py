"""Settings: options over ANNALS_* variables over a TOML file over defaults."""

import os
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl, urlsplit

import platformdirs
from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from annals.errors import AnnalsError
from contracts.payload import Party
from streams.credentials import read_credentials

FILE_NAME = "annals.toml"
PREFIX = "ANNALS_"
NO_SETTINGS = ("ANNALS_CONFIG", "ANNALS_SUPERVISOR", "ANNALS_TEST_")
"""Beginnings of other variables of ours: where settings are, who started a process, where tests find servers."""

DSN_KEYS = frozenset(
    {
        *("host", "port", "dbname", "user", "password", "passfile", "service", "application_name", "options"),
        *("sslmode", "sslrootcert", "sslcert", "sslkey", "sslpassword", "sslcrl", "sslnegotiation"),
        *("ssl_min_protocol_version", "ssl_max_protocol_version", "target_session_attrs", "krbsrvname", "gsslib"),
    }
)
"""What both asyncpg and libpq understand behind a DSN's question mark; neither takes all that the other does."""


def default_data() -> Path:
    """The user's data folder; for root a system folder, since PostgreSQL then runs as another user."""
    return Path("/var/lib/annals") if os.geteuid() == 0 else Path(platformdirs.user_data_dir("annals"))


class Settings(BaseSettings):
    """Every setting there is. `docs/operations.md` lists them for people."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    data: Path = Field(default_factory=default_data, description="Data folder.")
    postgres: SecretStr | None = Field(None, description="PostgreSQL DSN; without one, the embedded server.")
    broker: str | None = Field(None, description="Kafka bootstrap servers; without any, the embedded broker.")
    kafka: dict[str, str] = Field(
        default_factory=dict, repr=False, description="TLS and SASL settings, as librdkafka's."
    )
    profile: Literal["embedded", "servers"] = Field(
        "embedded",
        description="Where the read models are: all in PostgreSQL, or graph in Neo4j and vectors in OpenSearch.",
    )
    neo4j: str = Field("bolt://127.0.0.1:7687", description="Neo4j, in the servers profile.")
    neo4j_user: str = "neo4j"
    neo4j_password: SecretStr | None = None
    opensearch: str = Field("http://127.0.0.1:9200", description="OpenSearch, in the servers profile.")
    opensearch_user: str | None = None
    opensearch_password: SecretStr | None = Field(None, validate_default=True)
    opensearch_ca: Path | None = Field(None, description="Certificates of OpenSearch's authority (PEM).")
    redis: SecretStr = Field(SecretStr("redis://127.0.0.1:6379/0"), description="Redis, in the servers profile.")
    pool_size: int = Field(8, ge=2, le=200, description="Connections to each database, at most, for each process.")
    tenant: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")] = "default"
    actor: Annotated[Party, Field(description="Who acts, in the events' metadata.")] = "cli"
    max_document_bytes: int = Field(1_048_576, ge=1, le=8_388_608, description="Limit of one document's text.")
    chunk_tokens: int = Field(200, ge=16, le=8192)
    chunk_overlap: int = Field(40, ge=0)
    embedder: str = Field("minilm", description="minilm, a local folder, or a hub id.")
    embedder_revision: str | None = None
    entity_model: str = Field("en_core_web_sm", description="A spaCy model, a local folder, or a hub id.")
    entity_revision: str | None = None
    questions_per_minute: int | None = Field(
        None, ge=1, description="Limit of each tenant's questions; none by default."
    )
    torch_threads: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1)
    workers: int = Field(1, ge=1, le=64, description="Worker processes that `up` starts.")
    stall_seconds: float = Field(60.0, gt=0, description="A worker without progress for so long is started again.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    def kafka_client(self, broker: str) -> dict[str, str]:
        """What a client of librdkafka is made of, for the broker at these bootstrap servers."""
        return {"bootstrap.servers": broker, **self.kafka}

    @field_validator("chunk_overlap")
    @classmethod
    def _room_for_new_words(cls, value: int, info: ValidationInfo) -> int:
        if value >= info.data.get("chunk_tokens", value + 1):
            raise ValueError("must be smaller than chunk_tokens, or no chunk would get any further")
        return value

    @field_validator("postgres")
    @classmethod
    def _for_both_drivers(cls, value: SecretStr | None) -> SecretStr | None:
        keys = {key for key, _ in parse_qsl(urlsplit(value.get_secret_value()).query)} if value is not None else set()
        if keys - DSN_KEYS:
            known = ", ".join(sorted(DSN_KEYS))
            raise ValueError(f"not both drivers know {min(keys - DSN_KEYS)!r} in a DSN; they know {known}")
        return value

    @field_validator("neo4j_password")
    @classmethod
    def _neo4j_user_too(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if value is not None and not info.data.get("neo4j_user", "neo4j"):
            raise ValueError("goes with neo4j_user, which is empty; set both, or no password")
        return value

    @field_validator("opensearch_password")
    @classmethod
    def _opensearch_user_too(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if (value is None) != (info.data.get("opensearch_user") is None):
            raise ValueError("goes with opensearch_user; set both or neither")
        return value

    @field_validator("kafka")
    @classmethod
    def _for_both_clients(cls, value: dict[str, str]) -> dict[str, str]:
        read_credentials(value)  # raises for what Faust cannot honour, before anything starts
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Options, then environment, then the file of this call."""
        file = settings_cls.model_config.get("toml_file")
        return (init_settings, env_settings, *([TomlConfigSettingsSource(settings_cls)] if file else []))


def load_settings(*, config: Path | None = None, **options: Any) -> Settings:
    """Read all sources; an option that is None was not given.

    Raises AnnalsError for a file that is not there or no TOML, and for a variable that is no setting or cannot be
    read; ValidationError naming a setting that is wrong or unknown.
    """
    _refuse_unknown_variables()
    given = {name: value for name, value in options.items() if value is not None}
    named = config or (Path(os.environ["ANNALS_CONFIG"]) if "ANNALS_CONFIG" in os.environ else None)
    if named is not None and not named.is_file():
        raise AnnalsError(f"the settings file {named} does not exist")
    data = Path(given.get("data") or os.environ.get("ANNALS_DATA") or default_data()).expanduser()
    file = named or data / FILE_NAME

    class FromFile(Settings):
        """Settings of this call's file."""

        model_config = SettingsConfigDict(toml_file=file if file.is_file() else None)

    try:
        found = FromFile(**given)
    except SettingsError as error:
        raise AnnalsError(f"{error}; write it as JSON") from None
    except ValueError as error:
        if "toml" in type(error).__module__.lower():
            raise AnnalsError(f"{file} is no TOML: {error}") from None
        raise
    return found.model_copy(update={"data": found.data.expanduser().absolute()})


def _refuse_unknown_variables() -> None:
    """A variable that is spelled wrong would otherwise set nothing, and nobody would know."""
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    ours = [name for name in sorted(os.environ) if name.upper().startswith(PREFIX) and not name.startswith(NO_SETTINGS)]
    unknown = [name for name in ours if name.upper() not in known]
    if unknown:
        raise AnnalsError(f"{unknown[0]} is no setting; `docs/operations.md` lists them all")
