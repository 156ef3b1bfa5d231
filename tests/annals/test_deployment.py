"""What is written down for running Annals is true: the settings' table, the compose file, the image."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import SecretStr

from annals.gateway_address import DEFAULT_PORT, check
from annals.orchestration.services import MEMORY_BYTES
from annals.roles import UP
from annals.settings import Settings, load_settings
from inference.external.environment import PUBLIC_HUB
from services.mesh.operations import SERVICES
from streams import termination
from tests.servers import kafka, neo4j, opensearch, postgres, redis

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text("utf-8")
TABLE = re.compile(r"^\| `(\w+)` \| (.+?) \| (.+?) \|$", re.MULTILINE)
SETTINGS = {name: (default, meaning) for name, default, meaning in TABLE.findall(PAGE.split("## Settings")[1])}
HUB = {
    name: default for name, default, _ in TABLE.findall(PAGE.split("## Models from a hub")[1].split("## Settings")[0])
}
LOADS_MODELS = ("worker", "processing", "reasoning", "gateway", "cli")
OURS = {**{role: ["run", role] for role in UP}, **{name: ["run", "service", name] for name in SERVICES}}
"""What of the compose file is Annals, apart from commands, and how each is started."""
SIGN_CHECKPOINTS = {"gateway", "cli"}
SECRETS = {"ANNALS_MASTER_KEY": {*OURS, "cli"}}
"""Who is given what not everybody needs."""
TESTED = {
    "Kafka": kafka.VERSION,
    "Neo4j": neo4j.VERSION,
    "OpenSearch": opensearch.VERSION,
    "Redis": redis.VERSION,
    "PostgreSQL": postgres.VERSION,
}
# The tests have what Maven and Debian publish: Kafka a version ahead of the image, Redis some behind it.
SHIPPED_OTHERWISE = {"Kafka": "4.3", "Redis": "7.4"}


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))["services"]
    return found


def test_the_table_has_every_setting_and_no_other_in_their_order() -> None:
    assert list(SETTINGS) == list(Settings.model_fields)


@pytest.mark.parametrize("name", Settings.model_fields)
def test_the_table_gives_the_default(name: str) -> None:
    field, (default, _) = Settings.model_fields[name], SETTINGS[name]
    value = field.default.get_secret_value() if isinstance(field.default, SecretStr) else field.default
    if field.default_factory is not None:
        assert default != "none", "it has one, which depends on the machine"
    else:
        assert default == ("none" if value is None else f"`{value}`")


def test_the_hubs_table_has_every_variable_that_is_read_and_no_other() -> None:
    code = "".join(file.read_text("utf-8") for file in (ROOT / "inference").rglob("*.py"))
    assert set(HUB) == set(re.findall(r'environ(?:\.get\(|\[)"(\w+)"', code))
    assert HUB["HF_ENDPOINT"] == f"`{PUBLIC_HUB}`"


def test_the_page_has_every_exit_code() -> None:
    codes = {int(code) for code in re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)}
    assert {termination.STALLED, termination.UNAVAILABLE, termination.NEW_EPOCH} <= codes


def test_every_image_is_pinned_to_a_version(services: dict[str, dict[str, Any]]) -> None:
    images = [service["image"] for service in services.values()]
    images += re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    assert len(images) == len(services) + 2
    for image in images:
        assert re.search(r":v?\d+\.\d+\.\d+", image), image


def test_the_servers_of_the_compose_file_are_those_that_are_tested(services: dict[str, dict[str, Any]]) -> None:
    for name in ("Kafka", "Neo4j", "OpenSearch", "Redis"):
        shipped = services[name.lower()]["image"].rpartition(":")[2].split(".")[:2]
        tested = TESTED[name].split(".")[:2]
        assert shipped[0] == tested[0], name
        assert (shipped == tested) == (name not in SHIPPED_OTHERWISE), name
        assert ".".join(shipped) == SHIPPED_OTHERWISE.get(name, ".".join(tested))
    assert services["postgres"]["image"] == postgres.IMAGE


def test_the_page_says_which_versions_are_tested_and_which_are_shipped(services: dict[str, dict[str, Any]]) -> None:
    (line,) = [line for line in PAGE.splitlines() if line.startswith("Tested with ")]
    for name, version in TESTED.items():
        assert f"{name} {version}" in line
    (other,) = [line for line in PAGE.splitlines() if line.startswith("`docker-compose.yml` has other versions of ")]
    for name in SHIPPED_OTHERWISE:
        version = services[name.lower()]["image"].rpartition(":")[2].partition("-")[0]
        assert f"{name} {version}" in other


def test_ports_are_on_the_loopback_interface_only(services: dict[str, dict[str, Any]]) -> None:
    ports = [port for service in services.values() for port in service.get("ports", ())]
    assert ports and all(port.startswith("127.0.0.1:") for port in ports)
    unguarded = [name for name, service in services.items() if "DISABLE_SECURITY_PLUGIN" in service["environment"]]
    assert unguarded and not any("ports" in services[name] for name in unguarded)


def test_the_limits_fit_the_machine_that_the_page_names(services: dict[str, dict[str, Any]]) -> None:
    limits = {name: _bytes(service["mem_limit"]) / 2**30 for name, service in services.items()}
    (said, machine) = re.findall(
        r"add up to ([\d.]+) GB with two workers and one command, for a machine with (\d+) GB", PAGE
    )[0]
    total = sum(limits.values()) + limits["worker"]
    assert round(total, 1) == float(said) <= int(machine) - 1
    scaled = re.findall(r"--scale worker=(\d+)", PAGE + (ROOT / "docker-compose.yml").read_text("utf-8"))
    assert set(scaled) == {"2"}
    assert re.findall(r"takes (\d+) GB more", PAGE) == [f"{limits['worker']:.0f}"]


def test_a_command_starts_whatever_is_not_well(services: dict[str, dict[str, Any]]) -> None:
    assert "depends_on" not in services["cli"]


def test_no_password_is_in_the_file_and_each_is_asked_for(services: dict[str, dict[str, Any]]) -> None:
    text = (ROOT / "docker-compose.yml").read_text("utf-8")
    wanted = set(re.findall(r"(?<!\$)\$\{(\w+)", text))
    assert wanted == set(re.findall(r"\$\{(\w+):\?", text)), "every variable is required"
    given = re.findall(r"^(\w+)=(.*)$", (ROOT / ".env.example").read_text("utf-8"), re.MULTILINE)
    assert {name for name, _ in given} == wanted
    assert not any(value for _, value in given)
    for service in services.values():
        for name, value in service["environment"].items():
            if "PASSWORD" in name or "AUTH" in name or name in SECRETS:
                assert ":?" in value, name
            if "TOKEN" in name:
                assert value is None, "whoever needs one brings it"


def test_every_role_runs_with_settings_that_exist(services: dict[str, dict[str, Any]]) -> None:
    known = {f"ANNALS_{name.upper()}" for name in Settings.model_fields}
    for name, command in OURS.items():
        assert services[name]["command"] == command
        assert set(services[name]["environment"]) <= known | set(HUB)
        assert services[name]["environment"]["ANNALS_PROFILE"] == "servers"


def test_the_gateway_calls_services_that_it_can_reach(services: dict[str, dict[str, Any]]) -> None:
    assert services["gateway"]["environment"]["ANNALS_SERVICES"] == "processes"
    for name in SERVICES:
        env = services[name]["environment"]
        # Each container by its own name, however many there are of a service.
        assert env["ANNALS_SERVICE_HOST"] == "0.0.0.0" and "ANNALS_SERVICE_ADVERTISED" not in env
        assert "ports" not in services[name], "requests between services are signed, and not encrypted"
        assert services[name]["mem_limit"] and MEMORY_BYTES[name] < _bytes(services[name]["mem_limit"])


def test_the_gateway_of_the_file_is_allowed_to_listen_there(
    services: dict[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    env = services["gateway"]["environment"]
    for name in ("ANNALS_GATEWAY_HOST", "ANNALS_GATEWAY_PORT", "ANNALS_GATEWAY_PLAINTEXT"):
        monkeypatch.setenv(name, env[name])
    settings = load_settings()
    check(settings)
    assert settings.gateway_port == DEFAULT_PORT
    assert services["gateway"]["ports"] == [f"127.0.0.1:{DEFAULT_PORT}:{DEFAULT_PORT}"]
    assert f"\nEXPOSE {DEFAULT_PORT}\n" in (ROOT / "Dockerfile").read_text("utf-8")


def test_secrets_are_with_those_who_need_them(services: dict[str, dict[str, Any]]) -> None:
    for secret, wanted in SECRETS.items():
        assert {name for name, service in services.items() if secret in service["environment"]} == wanted


def test_the_key_of_a_generative_model_is_with_those_who_answer(services: dict[str, dict[str, Any]]) -> None:
    names = {f"ANNALS_{name.upper()}" for name in Settings.model_fields if name.startswith("generator_")}
    given = {name for name, service in services.items() if names & set(service["environment"])}
    assert given == {"reasoning", "cli"}
    assert all(services[name]["environment"][one] is None for name in given for one in names)


@pytest.mark.parametrize("script", ["restore", "upgrade"])
def test_the_scripts_stop_everything_that_writes(script: str) -> None:
    text = (ROOT / "deploy" / script).read_text("utf-8")
    (line,) = re.findall(r"docker compose (?:stop|\"\$1\") (\w[\w ]+)", text)
    assert sorted(line.split()) == sorted(OURS)


def test_every_room_is_in_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]
    rooms = {file.parent.name for file in ROOT.glob("*/__init__.py")}
    packages = set(project["hatch"]["build"]["targets"]["wheel"]["packages"])
    assert packages == rooms - {"bench", "examples", "tests"} == set(project["importlinter"]["root_packages"])


def _bytes(limit: str) -> float:
    return float(limit[:-1]) * {"m": 2**20, "g": 2**30}[limit[-1]]


def test_checkpoints_are_kept_in_a_volume_by_those_who_sign_them(services: dict[str, dict[str, Any]]) -> None:
    image = (ROOT / "Dockerfile").read_text("utf-8")
    (folder,) = re.findall(r"\bANNALS_CHECKPOINT_FOLDER=(\S+)", image)
    assert re.search(rf"install -d -o annals .*{folder}", image), "a new volume has the owner that its folder has"
    keepers = {name for name, one in services.items() if f"checkpoints:{folder}" in one.get("volumes", ())}
    assert keepers == SIGN_CHECKPOINTS


def test_models_of_a_hub_are_kept_in_a_volume_by_those_who_load_them(services: dict[str, dict[str, Any]]) -> None:
    image = (ROOT / "Dockerfile").read_text("utf-8")
    (home,) = re.findall(r"\bHF_HOME=(\S+)", image)
    assert re.search(rf"install -d -o annals .*{home}", image), "a new volume has the owner that its folder has"
    for name in LOADS_MODELS:
        assert f"models:{home}" in services[name]["volumes"]
        assert set(HUB) - set(services[name]["environment"]) == {"HF_HOME"}
    for name in set(services) - set(LOADS_MODELS):
        assert not set(HUB) & set(services[name]["environment"]), name


def test_every_service_is_bounded_watched_and_started_again(services: dict[str, dict[str, Any]]) -> None:
    image = (ROOT / "Dockerfile").read_text("utf-8")
    assert "\nHEALTHCHECK " in image
    for name, service in services.items():
        assert {"mem_limit", "cpus", "restart"} <= set(service), name
        assert ("healthcheck" in service) == (name not in OURS), "what is ours has the image's"
    assert services["cli"]["healthcheck"] == {"disable": True}
    waiting = {name for name in OURS if "relay" in services[name]["depends_on"]}
    assert waiting == set(OURS) - {"relay"}, "it makes the topics"
    assert "\nUSER annals\n" in image
    assert "ARG LOCK=requirements-all.lock" in image and "--require-hashes -r $LOCK" in image
