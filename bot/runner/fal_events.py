"""What fal's answers mean for a job: the failure to show, the event it is, and what of it was billed."""

import logging
from dataclasses import replace
from typing import Literal

from bot.errors import (
    FalAccountError,
    FalError,
    FalFailure,
    FalProtocolError,
    FalRefused,
    FalUnreachable,
    Refusal,
)
from bot.fal.wire.result import CLIENT_CLOSED, UNPROCESSABLE
from bot.jobs import events
from bot.jobs.events import Event
from bot.jobs.model import Failure, Job, mode_of

log = logging.getLogger(__name__)
FORBIDDEN = 403  # the account is locked; for some minutes after a top-up only some of fal's hosts say so


def without_video(job: Job, error: FalError) -> Event:
    """Return what a believed error of the result means for the job."""
    if isinstance(error, FalFailure):
        told = replace(failure_of(error), billed=_billed(error, job))
        return events.NotMade(told, billed_microusd_of(job, error.billed_units), error.billed_units)
    log.error("the result cannot be fetched: %s", error)
    return events.LostSight(failure_of(error))


def is_locked(error: FalError) -> bool:
    """Return whether fal says that the account is locked, rather than that its key is wrong."""
    return isinstance(error, FalAccountError) and error.status == FORBIDDEN


def failure_of(error: FalError) -> Failure:
    """Return what the error tells a member of why there is no video."""
    match error:
        case FalFailure():
            return Failure(
                kind=error.kind,
                status=error.status,
                message=error.message,
                location=error.location,
                context=error.context,
            )
        case FalAccountError():
            return Failure(kind="account", status=error.status, message=str(error))
        case FalRefused():
            return Failure(kind="refused", status=error.status, message=str(error))
        case FalUnreachable():
            return Failure(kind="unreachable", message=str(error))
        case FalProtocolError():
            return Failure(kind="senseless", message=str(error))
        case _:
            return Failure(kind="lost", message=str(error))


def _billed(failure: FalFailure, job: Job) -> Literal["no", "yes", "perhaps"]:
    """Return whether a failed attempt was billed, by fal's own header or else by its documentation.

    5xx replies and requests that never started are free, a refusal by the model (422) "may still be charged"
    (https://docs.fal.ai/errors); nothing is said of a request that is cancelled while it runs.
    """
    if failure.billed_units is not None:
        return "yes" if failure.billed_units > 0 else "no"
    if failure.status == UNPROCESSABLE:
        return "perhaps"
    return "perhaps" if failure.status == CLIENT_CLOSED and job.started_at is not None else "no"


def billed_microusd_of(job: Job, units: float | None) -> int | None:
    """Return what fal's billed units cost; None if it reported none, or if today's catalogue cannot price the job."""
    if units is None:
        return None
    try:
        cost = mode_of(job).billed_microusd(units, {item.option: item for item in job.inputs}, job.quote_microusd)
    except Refusal:
        log.exception("the catalogue no longer has this request, so it is settled at the quote")
        return None
    if cost > job.quote_microusd:
        log.warning(
            "fal billed %s units, %d micro-dollars, above the quote of %d: nobody is charged the difference, "
            "`python -m bot ledger` lists it",
            units,
            cost,
            job.quote_microusd,
        )
    elif cost < job.quote_microusd:
        log.warning("fal billed %d micro-dollars for a quote of %d", cost, job.quote_microusd)
    return cost
