"""fal's webhooks in the database: the key of their addresses, and the one transaction that takes one."""

import hmac
from typing import Literal, TypeAlias

from bot.catalogue.registry import by_id
from bot.errors import OptionRefused
from bot.fal.wire.addresses import request_handle
from bot.fal.wire.types import Handle
from bot.jobs.events import Called
from bot.jobs.model import Job
from bot.jobs.rows import readable_job
from bot.jobs.transactions import apply, locked
from bot.ledger import pseudonyms
from bot.storage.transaction import Notify, Transaction

Taken: TypeAlias = Literal[
    "stored",  # the job goes on with the request's result
    "known",  # the job had gone on before, or has ended
    "unknown",  # there is no such job
    "other",  # the job's request is another one
]


def webhook_key() -> Transaction[bytes]:
    """Return the key that signs webhook addresses: all machines with this database have the same, for good.

    So an address stays valid over restarts, a move to another machine and a new FAL_KEY.
    """
    row = yield pseudonyms.KEY
    return hmac.digest(row["value"].encode(), b"fal webhooks", "sha256")


def take_call(job_id: str, request_id: str, *, queue_url: str, now: float) -> Transaction[Taken]:
    """Store that fal says the job's request has ended, and tell the process that drives the job.

    A call that comes twice, or after the job's end, changes nothing.
    """
    row = yield from locked(job_id)
    job = None if row is None else readable_job(row)
    handle = None if job is None else _handle(job, request_id, queue_url)
    if row is None or job is None or handle is None:
        return "unknown"
    if job.handle is not None and job.handle.request_id != request_id:
        return "other"
    advanced = yield from apply(job, Called(handle), row, now=now)
    if not advanced.changed:
        return "known"
    yield Notify(job_id)
    return "stored"


def _handle(job: Job, request_id: str, queue_url: str) -> Handle | None:
    """Return the request's handle: the job's own, else the documented addresses; None for a mode that is gone."""
    if job.handle is not None:
        return job.handle
    try:
        endpoint = by_id(job.mode).endpoint
    except OptionRefused:
        return None
    return request_handle(queue_url, endpoint, request_id)
