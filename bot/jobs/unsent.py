"""Jobs that fal may have been asked for after the moment that the database shows, as in a restored backup."""

from bot.jobs.events import Uploaded
from bot.jobs.queries import find
from bot.jobs.transactions import advance
from bot.ledger import reservations
from bot.storage.transaction import Many, Transaction


def doubt_unsent(*, now: float) -> Transaction[int]:
    """Treat every accepted job as one whose POST may have been sent; returns how many there are.

    The next start makes them uncertain, as it does after a crash between the POST and its answer: they are never sent
    again, and what they may have cost stays on the books until the operator closes them.

    What is reserved for a job to come is released: that job may have been begun since, and is begun no second time. Its
    film or its drafts say so, and their member decides.
    """
    reserved = yield Many("SELECT job_id FROM reservations WHERE purpose IN ('shot', 'final') ORDER BY job_id")
    for row in reserved:
        yield from reservations.release(row["job_id"], at=now, reason="restored: its job may have been begun since")
    rows = yield Many("SELECT id FROM jobs WHERE told = 0 AND state = 'accepted' ORDER BY id")
    count = 0
    for row in rows:
        _, job = yield from find(row["id"])
        if job is not None:  # one that cannot be read is never sent
            yield from advance(job.id, Uploaded(job.inputs), now=now)
            count += 1
    return count
