"""Erasures of subjects as jobs: the one kind that is gone on with after a kill."""

import asyncio
import logging
from typing import Any

from contracts.errors import AnnalsError
from eventstore.asked_erasures import AskedErasure
from gateway.jobs import Job, Jobs, Report, TooManyJobsError
from services.storage.asked_erasures import EraseAskedSubjects, caller_of

log = logging.getLogger(__name__)

KIND = "erase subject"
RESOURCE = "documents"
LOOK_EVERY_S = 3.0
"""Between looks for those that another process did not end."""


def begin(jobs: Jobs, erasures: EraseAskedSubjects, asked: AskedErasure) -> Job:
    """Carry it out, under its own id. Raises TooManyJobsError."""

    async def work(report: Report) -> dict[str, Any]:
        done = await erasures.carry_out(asked, report)
        return {"documents": list(done.erasure.documents), **done.erasure.counts, "left": list(done.left)}

    return jobs.start(caller_of(asked), KIND, len(asked.documents), work, job_id=asked.id.hex, resource=RESOURCE)


def waiting(asked: AskedErasure) -> Job:
    """As it is known where it is not carried out."""
    return Job(
        asked.id.hex,
        KIND,
        asked.tenant,
        RESOURCE,
        done=asked.done,
        total=len(asked.documents),
        began_at=asked.asked_at,
    )


async def keep_taking_up(jobs: Jobs, erasures: EraseAskedSubjects) -> None:
    """Go on with those whose process ended, now and whenever there is one, until cancelled."""
    while True:
        try:
            for asked in await erasures.abandoned():
                log.info("an erasure that was broken off goes on: %d of %d documents", asked.done, len(asked.documents))
                begin(jobs, erasures, asked)
        except TooManyJobsError:
            log.info("an erasure that was broken off waits for others")
        except AnnalsError as error:
            log.warning("erasures that were broken off go on later: %s", error)
        await asyncio.sleep(LOOK_EVERY_S)
