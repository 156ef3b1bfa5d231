"""OpenSearch with k-NN as one node, put together from the jars that Maven has, as its own archive does it.

A `knn_vector` field must name its engine: `{"name": "hnsw", "engine": "lucene", ...}`. The packages have no native
libraries, so faiss, the default, would end the whole node with the first document.
"""

import os
import shutil
import zipfile
from pathlib import Path

import httpx

from tests.servers.containers import Container
from tests.servers.packages import YOUNG, Say, java, kept, maven
from tests.servers.processes import Launch
from tests.servers.ways import Recipe, free_ports

VERSION = "3.6.0"
HEAP = "1g"
CORE = "core"
AGENT = "agent"
KNN = "knn"
MODULES = {
    CORE: (
        f"org.opensearch:opensearch:{VERSION}",
        f"org.opensearch:opensearch-plugin-classloader:{VERSION}",
        # Optional in OpenSearch's own description, and not optional at all.
        "org.apache.logging.log4j:log4j-core:2.25.3",
        "org.locationtech.spatial4j:spatial4j:0.7",
        "org.locationtech.jts:jts-core:1.15.0",
    ),
    AGENT: (f"org.opensearch:opensearch-agent:{VERSION}",),
    KNN: (f"org.opensearch.plugin:opensearch-knn:{VERSION}.0:zip",),
    "transport-netty4": (f"org.opensearch.plugin:transport-netty4-client:{VERSION}",),
    "transport-grpc": (f"org.opensearch.plugin:transport-grpc:{VERSION}",),
    "lang-painless": (f"org.opensearch.plugin:lang-painless:{VERSION}",),
    "analysis-common": (f"org.opensearch.plugin:analysis-common:{VERSION}",),
    "mapper-extras": (f"org.opensearch.plugin:mapper-extras-client:{VERSION}",),
    "reindex": (f"org.opensearch.plugin:reindex-client:{VERSION}",),
    "search-pipeline-common": (f"org.opensearch.plugin:search-pipeline-common:{VERSION}",),
}

# Class and extended modules of each module: the jars come without the descriptors that say so.
DESCRIPTORS = {
    "transport-netty4": ("org.opensearch.transport.Netty4ModulePlugin", ""),
    "transport-grpc": ("org.opensearch.transport.grpc.GrpcPlugin", ""),
    "lang-painless": ("org.opensearch.painless.PainlessModulePlugin", ""),
    "analysis-common": ("org.opensearch.analysis.common.CommonAnalysisModulePlugin", "lang-painless"),
    "mapper-extras": ("org.opensearch.index.mapper.MapperExtrasModulePlugin", ""),
    "reindex": ("org.opensearch.index.reindex.ReindexModulePlugin", ""),
    "search-pipeline-common": ("org.opensearch.search.pipeline.common.SearchPipelineCommonModulePlugin", ""),
}
OTHER_SYSTEMS = ("-osx-", "-windows-", "-aarch_64")
UNPRIVILEGED = "nobody"
LOGGING = """status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d{ISO8601}] %-5p %c{1.} %m%n
rootLogger.level = info
rootLogger.appenderRef.console.ref = console
"""
OPTIONS = (
    YOUNG, f"-Xms{HEAP}", f"-Xmx{HEAP}", "-XX:+UseG1GC", "-Dfile.encoding=UTF-8", "-Djna.nosys=true",
    "-Dlog4j.shutdownHookEnabled=false", "-Dlog4j2.disable.jmx=true", "-Dio.netty.noUnsafe=true",
    "-Dio.netty.noKeySetOptimization=true", "--add-modules=jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED",
    "-Dopensearch.distribution.type=tar", "-Dopensearch.bundled_jdk=false",
)  # fmt: skip


def _address(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def _ready(address: str) -> None:
    # Not its own client, which logs each attempt that fails.
    httpx.get(f"{address}/_cluster/health?wait_for_status=yellow&timeout=2s", timeout=5).raise_for_status()


def _container(port: int) -> Container:
    env = {
        "discovery.type": "single-node",
        "cluster.routing.allocation.disk.threshold_enabled": "false",
        "DISABLE_SECURITY_PLUGIN": "true",
        "DISABLE_INSTALL_DEMO_CONFIG": "true",
        "OPENSEARCH_JAVA_OPTS": f"-Xms{HEAP} -Xmx{HEAP}",
    }
    return Container(f"opensearchproject/opensearch:{VERSION}", 9200, env)


def _launch(folder: Path, port: int, say: Say) -> Launch:
    program, user = java(21), None if os.geteuid() else UNPRIVILEGED
    home = kept("opensearch", repr((MODULES, DESCRIPTORS)), _assemble, say) / "home"
    (transport,) = free_ports(1)
    conf = folder / "conf"
    for each in (conf, folder / "data", folder / "tmp"):
        each.mkdir()
    (conf / "log4j2.properties").write_text(LOGGING)
    (conf / "opensearch.yml").write_text(
        f"discovery.type: single-node\nnetwork.host: 127.0.0.1\nhttp.port: {port}\ntransport.port: {transport}\n"
        f"path.data: {folder / 'data'}\npath.logs: {folder}\ncluster.routing.allocation.disk.threshold_enabled: false\n"
    )
    if user is not None:
        # OpenSearch refuses root, and root's cache may be closed to others.
        home = shutil.copytree(home, folder / "home")
        for each in (folder, *folder.rglob("*")):
            shutil.chown(each, user)
    return Launch([
        program, *OPTIONS, f"-Djava.io.tmpdir={folder / 'tmp'}", f"-Djna.tmpdir={folder / 'tmp'}",
        f"-Dopensearch.path.home={home}", f"-Dopensearch.path.conf={conf}",
        "-cp", f"{home}/lib/*:{home}/agent/opensearch-agent-bootstrap-{VERSION}.jar",
        "org.opensearch.bootstrap.OpenSearch",
    ], user=user)  # fmt: skip


def _assemble(whole: Path) -> None:
    """Lay the jars out as OpenSearch's archive has them. A jar of lib/ may not be anywhere else as well."""
    jars, home = whole / "jars", whole / "home"
    maven(jars, MODULES)
    # bin/ stays empty, but has to be there.
    for folder in ("bin", "modules", "plugins"):
        (home / folder).mkdir(parents=True)
    core = {jar.name for jar in (jars / CORE).iterdir()}
    _link(jars / CORE, home / "lib", without=set())
    _link(jars / AGENT, home / "agent", without=core)
    for module, (entry, extended) in DESCRIPTORS.items():
        _link(jars / module, home / "modules" / module, without=core)
        (home / "modules" / module / "plugin-descriptor.properties").write_text(
            f"name={module}\ndescription={module}\nclassname={entry}\nextended.plugins={extended}\nversion={VERSION}\n"
            f"opensearch.version={VERSION}\njava.version=21\nhas.native.controller=false\n"
        )
    with zipfile.ZipFile(jars / KNN / f"opensearch-knn-{VERSION}.0.zip") as archive:
        archive.extractall(home / "plugins" / "opensearch-knn")
    shutil.rmtree(jars)


def _link(source: Path, target: Path, without: set[str]) -> None:
    target.mkdir()
    for jar in source.iterdir():
        if jar.name not in without and not any(system in jar.name for system in OTHER_SYSTEMS):
            os.link(jar, target / jar.name)


OPENSEARCH = Recipe("OpenSearch", "ANNALS_TEST_OPENSEARCH", _address, _ready, _container, _launch)
