"""`python -m bot ledger`: verifies the books, prints totals, differences and fal's bill, and closes uncertain jobs."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from bot.cli.bill_days import BillDays, bill_days, bill_lines
from bot.errors import OptionRefused
from bot.jobs.queries import find, job_ids_named
from bot.jobs.transactions import lock_jobs, store_payment
from bot.ledger import differences
from bot.ledger.audit import totals, verify
from bot.ledger.corrections import UNITS
from bot.ledger.exposures import Exposure, count_exposures, is_exposed, open_exposures
from bot.ledger.holds import release, settle
from bot.ledger.model import Difference, Totals
from bot.money import exact_dollars
from bot.settings import StorageSettings
from bot.storage.database import look_into
from bot.storage.transaction import Transaction
from bot.units import counted

CANDIDATES_MAX = 5
EXPOSURES_MAX = 50
DIFFERENCES_MAX = 20


@dataclass(frozen=True, slots=True)
class Books:
    """The errors in the books, a sentence each, every server's totals, and the oldest of all `uncertain` exposures.

    `above_holds` is how many jobs were billed above their hold, and by how many micro-dollars together; `differences`
    are the latest of them.
    """

    wrong: Sequence[str]
    servers: Sequence[Totals]
    exposures: Sequence[Exposure] = ()
    uncertain: int = 0
    above_holds: tuple[int, int] = (0, 0)
    differences: Sequence[Difference] = ()
    bill: BillDays | None = None


async def look(settings: StorageSettings, *, now: float | None = None) -> Books:
    """Verify and read the books and fal's bill, which may be done beside a running bot; nothing is changed.

    Raises:
        StorageError: the database cannot be opened or read.
    """
    store = await look_into(settings, is_patient=True)
    try:
        books = await store.read(read_books())
        return replace(books, bill=await store.read(bill_days(now=time.time() if now is None else now)))
    finally:
        await store.close()


def read_books() -> Transaction[Books]:
    """Verify and read the books; see `look`."""
    return Books(
        wrong=(yield from verify()),
        servers=(yield from totals()),
        exposures=(yield from open_exposures(limit=EXPOSURES_MAX)),
        uncertain=(yield from count_exposures()),
        above_holds=(yield from differences.total()),
        differences=(yield from differences.newest(DIFFERENCES_MAX)),
    )


async def close_exposure(settings: StorageSettings, named: str, amount_microusd: int, *, at: float) -> str:
    """Settle an uncertain job at what fal charged, or release it if that is 0; returns a sentence for the operator.

    The server pays no more than the job holds; the rest is recorded as a difference. `named` is the job's id or short
    id. Repeating the call changes nothing.

    Raises:
        OptionRefused: as `closing`.
        StorageError: the database cannot be opened or written.
    """
    store = await look_into(settings, is_patient=True)
    try:
        return await store.write(closing(named, amount_microusd, at=at), guild_id=None)
    finally:
        await store.close()


def closing(named: str, amount_microusd: int, *, at: float) -> Transaction[str]:
    """Close an uncertain job, as `close_exposure` does, also one that was deleted or whose row cannot be read.

    Raises:
        OptionRefused: no job has this number, or several, or the one that has it is not uncertain. Nothing was changed.
    """
    job_ids = yield from job_ids_named(named, limit=CANDIDATES_MAX)
    if len(job_ids) > 1:
        raise OptionRefused(f"Several jobs have this number: {', '.join(job_ids)}. Give one of these in full.")
    if not job_ids:
        raise OptionRefused(
            f"No job in the books has the number {named}; `python -m bot ledger` lists those that can be closed. "
            "Nothing was changed."
        )
    (job_id,) = job_ids
    yield from lock_jobs(job_ids)  # a webhook may take the job up again at this moment
    state, job = yield from find(job_id)
    # A member who deleted their data has no job any more; what it exposed can still be closed.
    if state != "uncertain" and (state is not None or not (yield from is_exposed(job_id))):
        state = "has nothing open" if state is None else f"is {state}"
        raise OptionRefused(f"Job {job_id} {state}; only an uncertain job has something to close. Nothing was changed.")
    reason = "closed by the operator"
    if amount_microusd:
        ending = yield from settle(
            job_id,
            amount_microusd,
            at=at,
            actor="operator",
            reason=reason,
            payers="server",
            absorbed_max_microusd=0 if job is None else job.absorbed_daily_microusd,
        )
    else:
        ending = yield from release(job_id, at=at, actor="operator", reason=reason)
    if ending.repeated:
        return f"Job {job_id} was closed before, at {exact_dollars(ending.server_microusd)}. Nothing was changed."
    if job is not None:
        yield from store_payment(job, ending)
    theirs = f", of which the member pays {exact_dollars(ending.member_microusd)}" if ending.member_microusd else ""
    closed = f"Job {job_id} is closed at {exact_dollars(ending.server_microusd)} of the server's money{theirs}."
    if not ending.unpaid_microusd:
        return closed
    return (
        f"{closed} It held no more than that: the other {exact_dollars(ending.unpaid_microusd)} is recorded as a "
        "difference between you and fal."
    )


def ledger_lines(books: Books) -> list[str]:
    """Return the report, line by line."""
    together = Totals(
        guild_id=0,
        jobs=sum(one.jobs for one in books.servers),
        held_microusd=sum(one.held_microusd for one in books.servers),
        exposed_microusd=sum(one.exposed_microusd for one in books.servers),
        spent_microusd=sum(one.spent_microusd for one in books.servers),
    )
    rows = [
        _columns("server", "jobs", "spent", "held", "of it uncertain"),
        *(_row(str(one.guild_id), one) for one in books.servers),
        _row("together", together),
    ]
    bill = [] if books.bill is None else bill_lines(books.bill)
    return [*rows, *_uncertain(books), *_differences(books), *bill, *verdict_lines(books)]


def verdict_lines(books: Books) -> list[str]:
    """Return what is wrong in the books, or that they are right."""
    return [f"WRONG  {sentence}" for sentence in books.wrong] or [
        "The books are right: every sum of entries equals its row, and every hold ended at most once."
    ]


def _uncertain(books: Books) -> list[str]:
    if not books.uncertain:
        return []
    title = (
        f"{counted(books.uncertain, 'job')} uncertain. Look up at fal what each cost, then: "
        "python -m bot ledger --close JOB --at AMOUNT (0 if fal did not bill it)"
    )
    younger = books.uncertain - len(books.exposures)
    lines = [title, *(_exposed(one) for one in books.exposures)]
    return [*lines, f"  … and {younger:,} younger ones"] if younger else lines


def _exposed(one: Exposure) -> str:
    accepted_at = datetime.fromtimestamp(one.counted_at, UTC)
    amount = exact_dollars(one.amount_microusd)
    return f"uncertain  {one.job_id}  {amount}  server {one.guild_id}  {accepted_at:%Y-%m-%d %H:%M} UTC"


def _differences(books: Books) -> list[str]:
    jobs, unpaid = books.above_holds
    if not jobs:
        return []
    title = (
        f"{counted(jobs, 'job')} billed above what was held, by {exact_dollars(unpaid)} together; no budget paid that:"
    )
    older = jobs - len(books.differences)
    lines = [title, *(_difference_line(one) for one in books.differences)]
    return [*lines, f"  … and {older:,} older ones"] if older else lines


def _difference_line(one: Difference) -> str:
    by = "by fal's bill" if one.units == UNITS else f"for {one.units} units" if one.units else "by the operator"
    billed = f"billed {exact_dollars(one.billed_microusd)} {by}"
    when = datetime.fromtimestamp(one.at, UTC).strftime("%Y-%m-%d %H:%M")
    return f"  {when} UTC  job {one.job_id}  server {one.guild_id}  held {exact_dollars(one.held_microusd)}  {billed}"


def _row(name: str, sums: Totals) -> str:
    amounts = (sums.spent_microusd, sums.held_microusd, sums.exposed_microusd)
    return _columns(name, str(sums.jobs), *(exact_dollars(amount) for amount in amounts))


def _columns(name: str, jobs: str, spent: str, held: str, exposed: str) -> str:
    return f"{name:<20} {jobs:>7} {spent:>14} {held:>14} {exposed:>16}"
