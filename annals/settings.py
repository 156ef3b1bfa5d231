"""Settings: options over ANNALS_* variables over a TOML file over defaults."""

import os
import re
import ssl
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl, urlsplit

import platformdirs
from pydantic import AfterValidator, Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from annals.addresses import checked_bootstrap, checked_network, checked_url
from annals.errors import WrongSettingError
from annals.setting_errors import Sources, in_one_line
from contracts.envelope import Tenant
from contracts.payload import Party, storable
from contracts.threats import ThreatKind
from security.audit import AuditLevel
from security.safe_urls import is_safe_url
from streams.credentials import read_credentials

FILE_NAME = "annals.toml"
PREFIX = "ANNALS_"
NO_SETTINGS = ("ANNALS_CONFIG", "ANNALS_TOKEN", "ANNALS_SUPERVISOR", "ANNALS_TEST_")
"""Beginnings of other variables of ours: where settings are, who started a process, where tests find servers."""

DSN_KEYS = frozenset(
    {
        *("host", "port", "dbname", "user", "password", "passfile", "service", "application_name", "options"),
        *("sslmode", "sslrootcert", "sslcert", "sslkey", "sslpassword", "sslcrl", "sslnegotiation"),
        *("ssl_min_protocol_version", "ssl_max_protocol_version", "target_session_attrs", "krbsrvname", "gsslib"),
    }
)
"""What both asyncpg and libpq understand behind a DSN's question mark; neither takes all that the other does."""


LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def default_data() -> Path:
    """The user's data folder; for root a system folder, since PostgreSQL then runs as another user."""
    return Path("/var/lib/annals") if os.geteuid() == 0 else Path(platformdirs.user_data_dir("annals"))


class Settings(BaseSettings):
    """Every setting there is. `docs/operations.md` lists them for people."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    data: Path = Field(default_factory=default_data, description="Data folder.")
    postgres: SecretStr | None = Field(None, description="PostgreSQL DSN; without one, the embedded server.")
    broker: Annotated[str, AfterValidator(checked_bootstrap)] | None = Field(
        None, description="Kafka bootstrap servers; without any, the embedded broker."
    )
    kafka: dict[str, str] = Field(
        default_factory=dict, repr=False, description="TLS and SASL settings, as librdkafka's."
    )
    postgres_port: int | None = Field(
        None, ge=1024, le=65535, description="Port on 127.0.0.1 at which dashboards reach the embedded PostgreSQL."
    )
    postgres_memory_mb: int = Field(
        256, ge=64, le=1_048_576, description="Pages that the embedded PostgreSQL keeps in its own memory, in MiB."
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
    max_file_bytes: int = Field(
        67_108_864, ge=1, le=1_073_741_824, description="Limit of a file that documents are read from."
    )
    read_seconds: float = Field(30.0, gt=0, le=600, description="Limit of the time that reading one file takes.")
    read_memory_mb: int = Field(
        2048, ge=512, le=16_384, description="Limit of the memory that reading one file takes, in MiB."
    )
    fetch_urls: bool = Field(False, description="Let `annals ingest` fetch https addresses that a person names.")
    fetch_private_addresses: bool = Field(
        False, description="Let it fetch from addresses of this network, and from these without TLS."
    )
    fetch_seconds: float = Field(30.0, gt=0, le=600, description="Limit of the time that fetching one address takes.")
    receipt_days: int = Field(
        90, ge=1, le=36_500, description="A delivery that changed nothing is known again for so long."
    )
    keep_generation_seconds: float = Field(
        3600.0, ge=0, le=31_536_000, description="How long a generation is kept that a replay switched away from."
    )
    snapshot_hours: float = Field(
        0.0, ge=0, le=8_760, description="Between snapshots of the read models, which an as-of begins with; 0: none."
    )
    replay_workers: int = Field(
        2,
        ge=0,
        le=32,
        description="Processes that fold events for a replay, beside the one that loads; 0: that one folds, too.",
    )
    index_memory_mb: int = Field(
        2048, ge=512, le=1_048_576, description="Limit of what PostgreSQL takes to build an index of vectors, in MiB."
    )
    chunk_strategy: Literal["structure", "meaning", "sentences"] = "structure"
    chunk_tokens: int = Field(200, ge=16, le=8192)
    chunk_overlap: int = Field(40, ge=0)
    embedder: str = Field(
        "minilm-int8", description="minilm-int8; with the extra `models` also minilm, a local folder, or a hub id."
    )
    embedder_revision: str | None = None
    entity_model: str = Field("en_core_web_sm", description="A spaCy model, a local folder, or a hub id.")
    entity_revision: str | None = None
    ontology: Path | None = Field(
        None, description="File of types and predicates that relations are held to (TOML or YAML)."
    )
    reader: str | None = Field(
        None, min_length=1, description="Extractive question-answering model: a local folder, or a hub id."
    )
    reader_revision: str | None = Field(None, validate_default=True)
    reranker: str | None = Field(
        None, min_length=1, description="Cross-encoder that orders passages: a local folder, or a hub id."
    )
    reranker_revision: str | None = Field(None, validate_default=True)
    generator_plaintext: bool = Field(
        False, description="Let the generative model be asked beyond this machine without TLS, in a private network."
    )
    generator_url: str | None = Field(
        None, description="Address of a generative model that speaks OpenAI's chat completions, as https://host/v1."
    )
    generator_model: Annotated[str, Field(pattern=r"^[!-~]{1,200}$")] | None = Field(
        None, validate_default=True, description="The model's name there."
    )
    generator_key: SecretStr | None = Field(None, validate_default=True, description="The key that it is asked with.")
    questions_per_minute: int | None = Field(
        None, ge=1, description="Limit of each tenant's questions; none by default."
    )
    torch_threads: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1)
    model_dtype: Literal["auto", "float32", "bfloat16"] = Field(
        "auto", description="How models of the extra `models` compute; auto: bfloat16 where the machine does."
    )
    services: Literal["in_process", "processes"] = Field(
        "in_process", description="Whether the gateway holds the services, or calls them in processes of their own."
    )
    service_least: int = Field(1, ge=1, le=64, description="Instances of each service that `up` keeps at least.")
    service_most: int = Field(1, ge=1, le=64, description="Instances of each service that `up` starts under load.")
    service_host: str = Field("127.0.0.1", min_length=1, description="Address that `run service` listens at.")
    service_port: int = Field(0, ge=0, le=65535, description="Its port; 0 takes a free one.")
    service_advertised: str | None = Field(
        None, description="Host that others reach it by; `service_host`, or the machine's name, by default."
    )
    service_certificate: Path | None = Field(None, description="Certificates that this process shows services (PEM).")
    service_key: Path | None = Field(None, description="Key of that certificate (PEM).")
    service_ca: Path | None = Field(None, description="Authority that certificates of services are of (PEM).")
    service_plaintext: bool = Field(
        False, description="Let services listen beyond loopback without TLS, in a private network."
    )
    workers: int = Field(1, ge=1, le=64, description="Worker processes that `up` starts.")
    stall_seconds: float = Field(60.0, gt=0, description="A worker without progress for so long is started again.")
    master_key: SecretStr | None = Field(None, description="The master key in base64; older ones behind it.")
    master_key_file: Path | None = Field(None, description="Its file; `master.key` in the data folder by default.")
    kms_url: str | None = Field(None, description="Vault or OpenBao, whose transit engine holds the master key.")
    kms_key: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,100}$")] = "annals"
    kms_token: SecretStr | None = None
    key_rotation_days: int = Field(90, ge=1, le=3650, description="A data key that is older encrypts no more.")
    audit_days: int = Field(730, ge=1, le=36_500, description="Audit entries are kept for so long.")
    dead_letter_days: int = Field(180, ge=1, le=36_500, description="Dead letters that are done with are kept so long.")
    checkpoint_minutes: int = Field(60, ge=1, le=43_200, description="Between signed checkpoints of the log.")
    checkpoint_folder: Path | None = Field(
        None, description="Where they are kept outside the database; `checkpoints` in the data folder by default."
    )
    threat_window_seconds: int = Field(300, ge=1, le=86_400, description="What identities do is counted for so long.")
    threat_failures: int = Field(30, ge=1, description="Failed authentications of an address, in a window.")
    threat_denials: int = Field(50, ge=1, description="Denials of an account, in a window.")
    threat_rate: int = Field(300, ge=1, description="Fewer requests of an account are never unusual, in a window.")
    threat_volume: int = Field(500, ge=1, description="Fewer reads of an account are never unusual, in a window.")
    threat_deviations: float = Field(8.0, ge=1, description="Beyond its median, in median absolute deviations.")
    threat_block_seconds: int = Field(900, ge=1, le=86_400, description="How long a block lasts.")
    threat_blocking: tuple[ThreatKind, ...] = Field(
        ("failures", "denials"), description="What blocks; everything else is only told."
    )
    audit_level: AuditLevel = Field(
        "standard",
        description="What the audit log keeps: essential, standard (reads too), full (each authorization too).",
    )
    oidc_issuer: str | None = Field(None, description="External issuer of access tokens (OpenID Connect).")
    oidc_audience: str | None = Field(
        None, validate_default=True, description="The audience that its tokens are for, when they are for Annals."
    )
    oidc_token_type: Literal["at+jwt", "JWT"] = Field("at+jwt", description="The `typ` of its access tokens.")
    oidc_account_claim: str = Field("sub", min_length=1, description="The claim that says who somebody is.")
    oidc_roles_claim: str = Field("roles", min_length=1, description="The claim with the issuer's roles or groups.")
    oidc_roles: dict[str, str] = Field(default_factory=dict, description="From the issuer's roles to ours.")
    oidc_tenant: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")] = "default"
    oidc_tenant_claim: str | None = Field(None, description="The claim that says whose somebody is; none by default.")
    oidc_tenants: dict[str, Tenant] = Field(default_factory=dict, description="From values of that claim to tenants.")
    webhook_private_addresses: bool = Field(
        False, description="Let webhooks be sent to addresses of this network, and to these without TLS."
    )
    webhook_give_up_seconds: int = Field(
        21_600, ge=1, le=604_800, description="An event that does not arrive at a webhook for so long is set aside."
    )
    metrics_port: int | None = Field(
        None, ge=0, le=65535, description="Port of a role's metrics; none are served by default, 0 takes a free one."
    )
    metrics_host: str = Field("127.0.0.1", description="Address that the metrics are served at.")
    gateway_host: str = Field(
        "127.0.0.1", min_length=1, description="Address that the gateway listens at; another than loopback needs TLS."
    )
    gateway_port: int | None = Field(
        None,
        ge=0,
        le=65535,
        description="The gateway's port: 8420 by default, or a free one where that is taken; 0 takes a free one.",
    )
    gateway_certificate: Path | None = Field(None, description="Certificates that the gateway shows (PEM).")
    gateway_key: Path | None = Field(None, description="Key of the gateway's certificate (PEM).")
    gateway_plaintext: bool = Field(
        False, description="Let the gateway listen beyond loopback without TLS, behind a proxy that has it."
    )
    gateway_trusted_proxies: tuple[Annotated[str, AfterValidator(checked_network)], ...] = Field(
        (), description="Addresses or networks of proxies whose X-Forwarded-For says who asks; none by default."
    )
    gateway_origins: tuple[Annotated[str, Field(pattern=r"^https?://[A-Za-z0-9.:\[\]-]+$")], ...] = Field(
        (), description="Origins whose pages may call the gateway from a browser; none by default."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    def kafka_client(self, broker: str) -> dict[str, str]:
        """What a client of librdkafka is made of, for the broker at these bootstrap servers."""
        return {"bootstrap.servers": broker, **self.kafka}

    @field_validator("chunk_overlap")
    @classmethod
    def _room_for_new_words(cls, value: int, info: ValidationInfo) -> int:
        tokens = info.data.get("chunk_tokens", value + 1)
        if value >= tokens:
            fault = "{value} is too much, set it below the {tokens} of"
            raise PydanticCustomError("room", fault, {"value": value, "tokens": tokens, "other": "chunk_tokens"})
        return value

    @field_validator("data")
    @classmethod
    def _a_path(cls, value: Path) -> Path:
        storable(str(value))
        return value

    @field_validator("neo4j")
    @classmethod
    def _of_neo4j(cls, value: str) -> str:
        return checked_url(value, "bolt", "bolt+s", "bolt+ssc", "neo4j", "neo4j+s", "neo4j+ssc")

    @field_validator("opensearch")
    @classmethod
    def _of_opensearch(cls, value: str) -> str:
        return checked_url(value, "http", "https")

    @field_validator("redis")
    @classmethod
    def _of_redis(cls, value: SecretStr) -> SecretStr:
        checked_url(value.get_secret_value(), "redis", "rediss", "unix")
        return value

    @field_validator("opensearch_ca")
    @classmethod
    def _certificates(cls, value: Path | None) -> Path | None:
        if value is not None:
            try:
                ssl.create_default_context(cafile=str(value))
            except OSError as error:  # ssl.SSLError among them
                raise ValueError(f"cannot be read as certificates (PEM): {error.strerror or error}") from None
        return value

    @field_validator("postgres")
    @classmethod
    def _for_both_drivers(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None:
            return None
        dsn = checked_url(value.get_secret_value(), "postgresql", "postgres")
        keys = {key for key, _ in parse_qsl(urlsplit(dsn).query)}
        if keys - DSN_KEYS:
            known = ", ".join(sorted(DSN_KEYS))
            raise ValueError(f"not both drivers know {min(keys - DSN_KEYS)!r} in a DSN; they know {known}")
        return value

    @field_validator("oidc_issuer")
    @classmethod
    def _of_issuer(cls, value: str | None) -> str | None:
        if value is not None and (not is_safe_url(value) or "?" in value):
            raise ValueError("is no https address of an issuer (http only to this machine)")
        return value

    @field_validator("oidc_audience")
    @classmethod
    def _issuer_too(cls, value: str | None, info: ValidationInfo) -> str | None:
        if (value is None) != (info.data.get("oidc_issuer") is None):
            raise PydanticCustomError("login", "set both or neither, this and", {"other": "oidc_issuer"})
        return value

    @field_validator("neo4j_password")
    @classmethod
    def _neo4j_user_too(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if value is not None and not info.data.get("neo4j_user", "neo4j"):
            raise PydanticCustomError("login", "set a user too, or no password; empty is", {"other": "neo4j_user"})
        return value

    @field_validator("opensearch_password")
    @classmethod
    def _opensearch_user_too(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if (value is None) != (info.data.get("opensearch_user") is None):
            raise PydanticCustomError("login", "set both or neither, this and", {"other": "opensearch_user"})
        return value

    @field_validator("master_key")
    @classmethod
    def _master_keys(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            # Cryptography, which most commands need not load.
            from security.errors import MasterKeyError
            from security.master_key import read_keys

            try:
                read_keys(value.get_secret_value(), "it")
            except MasterKeyError as error:
                raise ValueError(str(error)) from None
        return value

    @field_validator("kms_url")
    @classmethod
    def _of_kms(cls, value: str | None) -> str | None:
        if value is not None:
            parts = urlsplit(checked_url(value, "https", "http"))
            # Data keys travel to it in the clear but for TLS.
            if parts.scheme == "http" and parts.hostname not in LOOPBACK:
                raise ValueError("is not on this machine, so it needs TLS; write https://host:port")
        return value

    @field_validator("reader_revision", "reranker_revision")
    @classmethod
    def _of_a_model(cls, value: str | None, info: ValidationInfo) -> str | None:
        model = str(info.field_name).removesuffix("_revision")
        if value is not None and info.data.get(model) is None:
            raise PydanticCustomError("login", "set a model too, which is", {"other": model})
        return value

    @field_validator("generator_url")
    @classmethod
    def _of_generator(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None:
            return None
        parts = urlsplit(checked_url(value, "https", "http"))
        if parts.query or parts.fragment or parts.username or parts.password:
            raise ValueError("is a plain address, without user, password or question mark; a key is generator_key")
        # Passages of documents travel to it in the clear but for TLS.
        if parts.scheme == "http" and parts.hostname not in LOOPBACK and not info.data.get("generator_plaintext"):
            fault = "is not on this machine, so it needs TLS: write https://host/v1, or set"
            raise PydanticCustomError("tls", fault, {"other": "generator_plaintext"})
        return value

    @field_validator("generator_model")
    @classmethod
    def _generator_too(cls, value: str | None, info: ValidationInfo) -> str | None:
        if "generator_url" in info.data and (value is None) != (info.data["generator_url"] is None):
            raise PydanticCustomError("login", "set both or neither, this and", {"other": "generator_url"})
        return value

    @field_validator("generator_key")
    @classmethod
    def _for_a_generator(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if value is None:
            return None
        if "generator_url" in info.data and info.data["generator_url"] is None:
            raise PydanticCustomError(
                "login", "is for a generative model, so set an address too, which is", {"other": "generator_url"}
            )
        if not re.fullmatch(r"[!-~]+", value.get_secret_value()):
            raise ValueError("is no key: it is empty, or has spaces, line ends or other such characters")
        return value

    @field_validator("kafka")
    @classmethod
    def _for_both_clients(cls, value: dict[str, str]) -> dict[str, str]:
        read_credentials(value)  # raises for what Faust cannot honour, before anything starts
        if value:
            # Only librdkafka knows its own settings. It connects to nothing without an address.
            from confluent_kafka import KafkaException
            from confluent_kafka.admin import AdminClient

            try:
                AdminClient({**value, "log_level": "0"})
            except KafkaException as error:
                raise ValueError(error.args[0].str()) from None
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
        """Options, then environment; `load_settings` adds the file of its call."""
        return init_settings, env_settings


def load_settings(*, config: Path | None = None, **options: Any) -> Settings:
    """Read all sources; an option that is None was not given.

    One file at most is read: the one that `config` or else ANNALS_CONFIG names (none where that is empty), else
    annals.toml in the data folder of this call. Raises WrongSettingError naming what is wrong, and where it comes from.
    """
    _refuse_unknown_variables()
    given = {name: value for name, value in options.items() if value is not None}
    file = _file(config, Path(given.get("data") or os.environ.get("ANNALS_DATA") or default_data()))
    in_file = _read(file) if file is not None else {}
    sources = Sources(given, PREFIX, file, in_file)

    class WithFile(Settings):
        """Settings with this call's file."""

        @classmethod
        def settings_customise_sources(
            cls, settings_cls: type[BaseSettings], *sources: PydanticBaseSettingsSource, **more: Any
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            own = super().settings_customise_sources(settings_cls, *sources, **more)
            return (*own, InitSettingsSource(settings_cls, init_kwargs=in_file))

    try:
        found = WithFile(**given)
    except ValidationError as error:
        raise WrongSettingError(in_one_line(error, sources)) from None
    except SettingsError as error:
        field = re.search(r'field "(\w+)"', str(error))
        named = sources.described(field[1]) if field is not None else str(error)
        raise WrongSettingError(f"{named}: is not JSON, which it must be in a variable") from None
    try:
        return found.model_copy(update={"data": found.data.expanduser().absolute()})
    except RuntimeError as error:  # ~somebody who is no user here
        raise WrongSettingError(f"{sources.described('data')}: {error}") from None


def settings_file(config: Path | None, data: Path) -> Path | None:
    """The file to watch for changes: that of `load_settings`, or annals.toml in the data folder should it be made."""
    named = config if config is not None else os.environ.get("ANNALS_CONFIG")
    if named is None:
        return data / FILE_NAME
    return Path(named) if str(named) else None


def _file(config: Path | None, data: Path) -> Path | None:
    """The settings file of this call, if there is one. Raises WrongSettingError."""
    named = config if config is not None else os.environ.get("ANNALS_CONFIG")
    try:
        if named is None:
            file = data.expanduser() / FILE_NAME
            return file if os.path.lexists(file) and file.exists() else None
        if not str(named):
            return None
        if not Path(named).is_file():
            raise WrongSettingError(f"the settings file {named} does not exist")
        return Path(named)
    except RuntimeError:  # ~somebody who is no user here: the setting itself is wrong
        return None
    except OSError as error:
        raise WrongSettingError(f"the settings file {error.filename} cannot be read: {error.strerror}") from None


def _read(file: Path) -> dict[str, Any]:
    """Raises WrongSettingError."""
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise WrongSettingError(f"the settings file {file} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise WrongSettingError(f"{file} is no TOML: it is not UTF-8; save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise WrongSettingError(f"{file} is no TOML: {error}") from None


def _refuse_unknown_variables() -> None:
    """A variable that is spelled wrong would otherwise set nothing, and nobody would know."""
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    ours = [name for name in sorted(os.environ) if name.upper().startswith(PREFIX) and not name.startswith(NO_SETTINGS)]
    for name in ours:
        if name.upper() not in known:
            raise WrongSettingError(f"the variable {name} is no setting; `docs/operations.md` lists them all")
        if not is_utf8(os.environ[name]):
            raise WrongSettingError(f"the variable {name} is not UTF-8 text; write it in UTF-8")
    if os.environ.get(f"{PREFIX}DATA") == "":
        raise WrongSettingError(f"the variable {PREFIX}DATA is empty; name a folder, or unset it")


def is_utf8(value: str) -> bool:
    """Whether a variable or an argument could be decoded: what could not be holds lone surrogates."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
