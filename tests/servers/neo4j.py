"""Neo4j community, with a password as in earnest."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from neo4j import GraphDatabase

from tests.servers.containers import Container
from tests.servers.packages import YOUNG, Say, java, kept, maven
from tests.servers.processes import Launch
from tests.servers.ways import Recipe

VERSION = "5.26.30"
HEAP = "512m"
USER, PASSWORD = "neo4j", "annals-test"
MODULES = {"neo4j": (f"org.neo4j:neo4j:{VERSION}", f"org.neo4j.app:neo4j-server:{VERSION}")}
OPENED = ("java.nio", "java.io", "sun.nio.ch", "java.util.concurrent")

# Its transaction log is not preallocated: that alone would take 500 MB of disk.
SETTINGS = {
    "server.http.enabled": "false",
    "server.https.enabled": "false",
    "server.memory.heap.initial_size": HEAP,
    "server.memory.heap.max_size": HEAP,
    "server.memory.pagecache.size": "128m",
    "dbms.usage_report.enabled": "false",
    "db.tx_log.preallocate": "false",
    "internal.server.bolt.thread_pool_shutdown_wait_time": "1s",
}


def without_credentials(address: str) -> tuple[str, tuple[str, str] | None]:
    """Split `bolt://user:password@host:port` into the address that drivers take, and (user, password) if there."""
    parts = urlsplit(address)
    if parts.username is None:
        return address, None
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    return bare, (unquote(parts.username), unquote(parts.password or ""))


def _address(port: int) -> str:
    return f"bolt://{USER}:{PASSWORD}@127.0.0.1:{port}"


def _ready(address: str) -> None:
    uri, auth = without_credentials(address)
    # Whoever waits for it asks again soon; the driver would do so with ever longer pauses.
    with GraphDatabase.driver(
        uri, auth=auth, connection_timeout=2, connection_acquisition_timeout=4, max_transaction_retry_time=0
    ) as driver:
        driver.execute_query("RETURN 1")


def _container(port: int) -> Container:
    own = {"server.bolt.advertised_address": f"127.0.0.1:{port}"}
    # The image's rule for the name of a setting: a dot becomes an underscore, an underscore becomes two.
    env = {f"NEO4J_{key.replace('_', '__').replace('.', '_')}": value for key, value in (SETTINGS | own).items()}
    return Container(f"neo4j:{VERSION}-community", 7687, env | {"NEO4J_AUTH": f"{USER}/{PASSWORD}"})


def _launch(folder: Path, port: int, say: Say) -> Launch:
    program = java(17)
    jars = kept("neo4j", repr(MODULES), lambda whole: maven(whole, MODULES), say) / "neo4j"
    # A driver goes where the advertised address sends it, which would be 7687.
    own = {
        "server.default_listen_address": "127.0.0.1",
        "server.bolt.listen_address": f"127.0.0.1:{port}",
        "server.bolt.advertised_address": f"127.0.0.1:{port}",
    }
    (folder / "conf").mkdir()
    (folder / "conf" / "neo4j.conf").write_text("".join(f"{key}={value}\n" for key, value in (SETTINGS | own).items()))
    opened = [f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in OPENED]
    base = [program, YOUNG, "-XX:+UseG1GC", "-Dfile.encoding=UTF-8", *opened, "-cp", f"{jars}/*"]
    return Launch(
        command=[
            *base, f"-Xms{HEAP}", f"-Xmx{HEAP}", "--enable-native-access=ALL-UNNAMED",
            "-Dlog4j2.disable.jmx=true", "-Dio.netty.tryReflectionSetAccessible=true",
            "org.neo4j.server.CommunityEntryPoint", f"--home-dir={folder}", f"--config-dir={folder / 'conf'}",
        ],
        prepare=[
            "env", f"NEO4J_HOME={folder}", f"NEO4J_CONF={folder / 'conf'}",
            *base, "-Xmx128m", "org.neo4j.cli.AdminTool", "dbms", "set-initial-password", PASSWORD,
        ],
    )  # fmt: skip


NEO4J = Recipe("Neo4j", "ANNALS_TEST_NEO4J", _address, _ready, _container, _launch)
