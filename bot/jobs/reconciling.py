"""Compares fal's bill with the books, one request in each transaction."""

from typing import Literal, TypeAlias

from bot.jobs.bills import KnownRequest, leave_open, take_bill
from bot.jobs.transactions import find, lock_jobs, store_payment
from bot.ledger import corrections
from bot.ledger.model import Policy
from bot.storage.transaction import Transaction

Compared: TypeAlias = Literal[
    "equal",  # the books said so already
    "corrected",  # the books follow the bill now
    "unfinished",  # the job has not ended; its result settles it first
    "unknown",  # the books have no hold of this job
]


def compare_bill(request: KnownRequest, *, now: float) -> Transaction[Compared]:
    """Make the books say what fal billed for the request; repeating it changes nothing."""
    yield from lock_jobs((request.job_id,))  # before the money's locks, as everywhere
    billed = yield from take_bill(request.request_id)
    policy: Policy = "charge" if request.policy == "charge" else "absorb"
    try:
        ending = yield from corrections.correct(
            request.job_id,
            billed,
            at=now,
            policy=policy,
            absorbed_max_microusd=request.absorbed_daily_microusd,
            reason=corrections.reason_of(billed, policy),
        )
    except LookupError:
        return "unknown"
    if ending is None:
        yield from leave_open(request.request_id)
        return "unfinished"
    if ending.repeated:
        return "equal"
    _, job = yield from find(request.job_id)
    if job is not None:
        yield from store_payment(job, ending)
    return "corrected"
