"""Compares fal's bill with the books, one request in each transaction."""

from typing import Literal, TypeAlias

from bot.jobs.bills import KnownRequest, leave_open, take_bill
from bot.jobs.model import FINISHED
from bot.jobs.queries import find
from bot.jobs.transactions import lock_jobs, store_payment
from bot.ledger import corrections
from bot.ledger.model import Policy
from bot.storage.transaction import Transaction

Compared: TypeAlias = Literal[
    "equal",  # the books said so already
    "corrected",  # the books follow the bill now
    "unfinished",  # the job has not ended; its result settles it first
    "unknown",  # the books have no hold of this job
    "no_charge",  # fal refunded what it had billed before the time that was read
    "free",  # fal never billed it, so it is free in the books too
]


def compare_bill(request: KnownRequest, *, now: float) -> Transaction[Compared]:
    """Make the books say what fal billed for the request; repeating it changes nothing."""
    yield from lock_jobs((request.job_id,))  # before the money's locks, as everywhere
    billed = yield from take_bill(request.request_id)
    if billed is None:
        return "no_charge"
    compared = yield from _compare(request, billed, corrections.reason_of(billed, _policy(request)), now=now)
    if compared == "unfinished":
        yield from leave_open(request.request_id)
    return compared


def close_silent(request: KnownRequest, *, now: float) -> Transaction[Compared]:
    """Make a request free that fal never billed, unless it made a video or may make one yet."""
    yield from lock_jobs((request.job_id,))
    _, job = yield from find(request.job_id)
    if job is not None and (job.result is not None or job.state not in FINISHED):
        return "unfinished"
    compared = yield from _compare(request, 0, "fal has not billed it", now=now)
    return "free" if compared == "corrected" else compared


def _policy(request: KnownRequest) -> Policy:
    return "charge" if request.policy == "charge" else "absorb"


def _compare(request: KnownRequest, billed: int, reason: str, *, now: float) -> Transaction[Compared]:
    try:
        ending = yield from corrections.correct(
            request.job_id,
            billed,
            at=now,
            policy=_policy(request),
            absorbed_max_microusd=request.absorbed_daily_microusd,
            reason=reason,
        )
    except LookupError:
        return "unknown"
    if ending is None:
        return "unfinished"
    if ending.repeated:
        return "equal"
    _, job = yield from find(request.job_id)
    if job is not None:
        yield from store_payment(job, ending)
    return "corrected"
