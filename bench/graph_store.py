"""Writing the graph into Neo4j, beside the same rows by the plain driver."""

import statistics
from collections.abc import Sequence
from typing import Any

from neo4j import AsyncDriver

from bench.plain_graph import Statements, plain_statements, write_plainly
from bench.servers import Figures, Stopwatch, say
from projections.changes import Change, Row
from projections.graph.neo4j.connection import open_driver
from projections.graph.neo4j.generation import Neo4jGeneration
from projections.graph.neo4j.store import Neo4jGraphStore
