"""The use cases of operators, as edges are given them."""

from dataclasses import dataclass

from services.operations.dead_letters import DeadLetterService
from services.operations.events import ReadEvents
from services.operations.export import TransferEvents
from services.operations.health import PoolMonitor
from services.operations.log_verification import VerifyLog
from services.operations.progress import Progress
from services.operations.proofs import ProveEvent
from services.operations.read_model_export import ExportReadModels
from services.operations.rebuilding import Rebuilding
from services.operations.reprocessing import Reprocess
from services.operations.status import ReadStatus
from services.operations.subscriptions import Subscriptions
from services.operations.system_health import SystemHealth
from services.operations.tracing import TraceRequests
from services.positions import ShownPositions


@dataclass(frozen=True)
class Operations:
    """Use cases of operators."""

    status: ReadStatus
    progress: Progress
    rebuilding: Rebuilding
    reprocess: Reprocess
    dead_letters: DeadLetterService
    events: ReadEvents
    traces: TraceRequests
    positions: ShownPositions
    subscriptions: Subscriptions
    transfer: TransferEvents
    tables: ExportReadModels
    log: VerifyLog
    proofs: ProveEvent
    pools: PoolMonitor
    system_health: SystemHealth
