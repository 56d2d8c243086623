"""What fal billed, in the database: which job a request belongs to, fal's billing events, and what is still open.

Events are kept exactly, in billionths of a dollar. A request's bill is what they charge less what they refund, never
below zero, rounded half to even to a micro-dollar: `micro_of`. A refund whose charge was not read says nothing.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from bot.chunks import chunks
from bot.fal.wire.platform import BillingEvent
from bot.jobs.model import Job
from bot.sharding import EVERY_SHARD, Shards
from bot.storage import program
from bot.storage.transaction import Many, One, Row, Transaction, parameters

# Names in the table `program`; Unix seconds.
READ_UNTIL, READ_SINCE, UNREADABLE_UNTIL = "bill read until", "bill read since", "bill unreadable until"
FOUND_MAX = 500  # in one search; the next one goes on
FORGOTTEN_AT_ONCE = 2000  # in one transaction, which others wait for
_ROWS_MAX = 100  # of one statement
_DAY_S = 86400.0
_NANO_PER_MICRO = 1000

_NOTE = """
INSERT INTO fal_requests (request_id, job_id, guild_id, policy, absorbed_daily_microusd, at)
VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (request_id) DO NOTHING"""
_ADD = "INSERT INTO bills (request_id, at, endpoint, nano_usd, refunded_nano_usd, is_open) VALUES "
# A repeated event changes nothing; one that fal changed is looked at again.
_CHANGED = """
ON CONFLICT (request_id, at) DO UPDATE SET {amount} = excluded.{amount},
is_open = CASE WHEN bills.{amount} = excluded.{amount} THEN bills.is_open ELSE 1 END"""
_OPEN = """
SELECT r.request_id, r.job_id, r.guild_id, r.policy, r.absorbed_daily_microusd FROM fal_requests r
WHERE r.request_id > $1 AND r.request_id IN (SELECT request_id FROM bills WHERE is_open = 1) AND {mine}
ORDER BY r.request_id LIMIT $2"""
# The update locks the events: one that is read again meanwhile is open again afterwards.
_TAKE = "UPDATE bills SET is_open = 0 WHERE request_id = $1 RETURNING nano_usd, refunded_nano_usd"
_SILENT = """
SELECT r.request_id, r.job_id, r.guild_id, r.policy, r.absorbed_daily_microusd FROM fal_requests r
JOIN draws d ON d.job_id = r.job_id AND d.position = 0 LEFT JOIN jobs j ON j.id = r.job_id
WHERE r.at >= $1 AND r.at < $2 AND r.request_id > $3 AND {mine}
AND (j.state IS NULL OR j.state IN ('failed', 'cancelled', 'uncertain'))
AND (d.state = 'exposed' OR d.settled_microusd > 0 OR EXISTS (SELECT 1 FROM shares s
JOIN draws o ON o.job_id = s.id AND o.position = 0 WHERE s.job_id = r.job_id AND o.settled_microusd > 0))
AND NOT EXISTS (SELECT 1 FROM bills b WHERE b.request_id = r.request_id)
ORDER BY r.request_id LIMIT $4"""
_BILLED = """
SELECT 1 AS found FROM fal_requests r JOIN bills b ON b.request_id = r.request_id
WHERE r.at > $1 AND r.at < $2 LIMIT 1"""
_OLD_BILLS = """
DELETE FROM bills WHERE (request_id, at) IN (SELECT request_id, at FROM bills WHERE at < $1 ORDER BY at LIMIT $2)
RETURNING request_id"""
_OLD_REQUESTS = """
DELETE FROM fal_requests WHERE request_id IN (SELECT r.request_id FROM fal_requests r WHERE r.at < $1
AND NOT EXISTS (SELECT 1 FROM draws d WHERE d.job_id = r.job_id AND d.state IN ('held', 'exposed'))
ORDER BY r.at LIMIT $2) RETURNING request_id"""
# A stranger's bill is never compared, so it stays open; open ones have an index.
_STRANGERS = """
SELECT COUNT(DISTINCT request_id) AS n, CAST(COALESCE(SUM(nano_usd), 0) AS BIGINT) AS nano FROM bills b
WHERE b.is_open = 1 AND (b.nano_usd > 0 OR b.refunded_nano_usd = 0)
AND NOT EXISTS (SELECT 1 FROM fal_requests r WHERE r.request_id = b.request_id)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownRequest:
    """A request at fal that was made for a job, and by which of the server's rules it is paid for."""

    request_id: str
    job_id: str
    guild_id: int
    policy: str
    absorbed_daily_microusd: int


def micro_of(nano_usd: int) -> int:
    """Return a request's whole bill in micro-dollars, rounded half to even."""
    whole, rest = divmod(nano_usd, _NANO_PER_MICRO)
    return whole + (2 * rest > _NANO_PER_MICRO or (2 * rest == _NANO_PER_MICRO and whole % 2))


def note_request(job: Job, request_id: str, *, at: float) -> Transaction[None]:
    """Note that fal made this request for the job, in the transaction that stores it on the job."""
    yield One(_NOTE, (request_id, job.id, job.guild_id, job.policy, job.absorbed_daily_microusd, at))


def store_events(events: Sequence[BillingEvent]) -> Transaction[None]:
    """Store a page of the bill; of two charges, or two refunds, of a request at one moment the later row counts."""
    latest: Mapping[tuple[str, float, bool], BillingEvent] = {
        (one.request_id, one.at, one.nano_usd < 0): one for one in events
    }
    # In one order, because two readers at once would wait for each other.
    rows = [latest[key] for key in sorted(latest)]
    for is_refund, run in groupby(rows, key=lambda one: one.nano_usd < 0):
        for some in chunks(list(run), _ROWS_MAX):
            yield from _store_rows(some, is_refund=is_refund)


def _store_rows(events: Sequence[BillingEvent], *, is_refund: bool) -> Transaction[None]:
    amounts, amount = ("0, ${}", "refunded_nano_usd") if is_refund else ("${}, 0", "nano_usd")
    places = ", ".join(
        f"(${4 * n + 1}, ${4 * n + 2}, ${4 * n + 3}, {amounts.format(4 * n + 4)}, 1)" for n in range(len(events))
    )
    values = [value for one in events for value in (one.request_id, one.at, one.endpoint, abs(one.nano_usd))]
    yield One(_ADD + places + _CHANGED.format(amount=amount), values)


def open_bills(shards: Shards = EVERY_SHARD, *, after: str = "") -> Transaction[tuple[KnownRequest, ...]]:
    """Return requests of jobs whose bill was not compared with the books yet, by id; at most `FOUND_MAX`."""
    rows: list[Row] = yield Many(_OPEN.format(mine=shards.where("r.guild_id")), (after, FOUND_MAX))
    return tuple(KnownRequest(**row) for row in rows)


def silent_requests(
    shards: Shards = EVERY_SHARD, *, since: float, until: float, after: str = ""
) -> Transaction[tuple[KnownRequest, ...]]:
    """Return requests in this time that cost something, gave no video and were never billed; at most `FOUND_MAX`.

    None, if no other request within a day of that time was billed either: a key of another account would be silent
    about all of them. Ask for hours rather than for months, which are too many requests for one statement.
    """
    rows: list[Row] = yield Many(_SILENT.format(mine=shards.where("r.guild_id")), (since, until, after, FOUND_MAX))
    if not rows or (yield One(_BILLED, (since - _DAY_S, until + _DAY_S))) is None:
        return ()
    return tuple(KnownRequest(**row) for row in rows)


def take_bill(request_id: str) -> Transaction[int | None]:
    """Mark a request's bill as compared, in the transaction that compares it, and return its sum in micro-dollars.

    None where only refunds are known: what they refund was billed before the time that was read.
    """
    rows: list[Row] = yield Many(_TAKE, (request_id,))
    charged, refunded = (sum(row[name] for row in rows) for name in ("nano_usd", "refunded_nano_usd"))
    return None if refunded and not charged else micro_of(max(0, charged - refunded))


def leave_open(request_id: str) -> Transaction[None]:
    """Mark a request's bill as not compared after all."""
    yield One("UPDATE bills SET is_open = 1 WHERE request_id = $1", (request_id,))


def read_from(*, now: float, again_s: float, first_s: float) -> Transaction[float]:
    """Return from when on the bill is read next: again what fal may have added to, the first time `first_s`."""
    until = _seconds((yield from program.known(READ_UNTIL)))
    return now - first_s if until is None else min(until, now) - again_s


def note_read(*, since: float, until: float) -> Transaction[None]:
    """Note that the whole bill was read from `since` to `until`."""
    if _seconds((yield from program.known(READ_SINCE))) is None:
        yield from program.remember(READ_SINCE, repr(since))
    yield from program.remember(READ_UNTIL, repr(until))


def read_times() -> Transaction[tuple[float, float] | None]:
    """Return since when and until when the bill was read; None if it never was."""
    since, until = _seconds((yield from program.known(READ_SINCE))), _seconds((yield from program.known(READ_UNTIL)))
    return None if since is None or until is None else (since, until)


def note_unreadable(*, until: float) -> Transaction[None]:
    """Note that rows of the bill before this moment could not be read; an earlier note is replaced by a later one."""
    before = _seconds((yield from program.known(UNREADABLE_UNTIL)))
    if before is None or before < until:
        yield from program.remember(UNREADABLE_UNTIL, repr(until))


def silence_counts() -> Transaction[tuple[float, float] | None]:
    """Return between which moments a request that was not billed is one that fal never billed; None if never.

    A row that cannot be read may be its bill, so nothing from before such a row is silent.
    """
    times, unreadable = (yield from read_times()), _seconds((yield from program.known(UNREADABLE_UNTIL)))
    return None if times is None else (max(times[0], unreadable or 0.0), times[1])


def are_known(request_ids: Collection[str]) -> Transaction[frozenset[str]]:
    """Return those of these requests, at most some hundred and at least one, that a job is known for."""
    sql = f"SELECT request_id FROM fal_requests WHERE request_id IN ({parameters(request_ids)})"  # noqa: S608 - only the numbers of parameters are put in
    rows: list[Row] = yield Many(sql, tuple(request_ids))
    return frozenset(row["request_id"] for row in rows)


def strangers() -> Transaction[tuple[int, int]]:
    """Return how many requests were billed that no job is known for, and for how many billionths of a dollar."""
    row = yield One(_STRANGERS)
    return row["n"], row["nano"]


def forget_bills(*, before: float) -> Transaction[bool]:
    """Delete bills from before a moment, and requests whose bills would be as old, unless their job is still open.

    Returns whether there may be more: it deletes `FORGOTTEN_AT_ONCE` of each.
    """
    full = False
    for old in (_OLD_BILLS, _OLD_REQUESTS):
        rows: list[Row] = yield Many(old, (before, FORGOTTEN_AT_ONCE))
        full = full or len(rows) == FORGOTTEN_AT_ONCE
    return full


def _seconds(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None
