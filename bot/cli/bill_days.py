"""What fal says and what Wanda says, by day and server, for `python -m bot ledger`."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bot.jobs.bills import micro_of, read_times
from bot.money import exact_dollars
from bot.storage.transaction import Many, Row, Transaction
from bot.units import counted

DAY_S = 86400.0
DAYS_SHOWN = 14
REQUESTS_MAX = 50_000  # of one day
DIFFERING_SHOWN = 20

# A request belongs to the day of its first event.
_BILLED = """
SELECT s.request_id, s.nano, r.job_id, r.guild_id, d.state, COALESCE(
(SELECT CAST(SUM(COALESCE(m.settled_microusd, 0)) AS BIGINT) FROM shares p JOIN draws m ON m.job_id = p.id
AND m.position = 0 WHERE p.job_id = r.job_id), d.settled_microusd, 0) AS settled,
COALESCE(x.billed_microusd - x.held_microusd, 0) AS unpaid
FROM (SELECT request_id, MIN(at) AS first_at, CAST(SUM(nano_usd - refunded_nano_usd) AS BIGINT) AS nano FROM bills
WHERE request_id IN (SELECT request_id FROM bills WHERE at >= $1 AND at < $2) GROUP BY request_id
HAVING SUM(nano_usd) > 0 OR SUM(refunded_nano_usd) = 0) AS s
LEFT JOIN fal_requests r ON r.request_id = s.request_id
LEFT JOIN draws d ON d.job_id = r.job_id AND d.position = 0 LEFT JOIN differences x ON x.job_id = r.job_id
WHERE s.first_at >= $1 ORDER BY s.request_id LIMIT $3"""
_UNBILLED = """
SELECT d.guild_id, COUNT(DISTINCT COALESCE(p.job_id, d.job_id)) AS jobs,
CAST(SUM(d.settled_microusd) AS BIGINT) AS settled FROM draws d LEFT JOIN shares p ON p.id = d.job_id
WHERE d.position = 0 AND d.counted_at >= $1 AND d.counted_at < $2 AND d.settled_microusd > 0
AND NOT EXISTS (SELECT 1 FROM fal_requests r JOIN bills b ON b.request_id = r.request_id
AND (b.nano_usd > 0 OR b.refunded_nano_usd = 0) WHERE r.job_id = COALESCE(p.job_id, d.job_id))
GROUP BY d.guild_id ORDER BY d.guild_id"""


@dataclass(slots=True)
class BillDay:
    """One day (its first second) of one server; without a server, of requests that Wanda made no job for.

    `unbilled` jobs cost something by Wanda's books, and are on no bill that was read.
    """

    at: float
    guild_id: int | None
    jobs: int = 0
    fal_microusd: int = 0
    wanda_microusd: int = 0
    unbilled: int = 0

    @property
    def difference_microusd(self) -> int:
        """What Wanda says more than fal."""
        return self.wanda_microusd - self.fal_microusd


@dataclass(frozen=True, slots=True)
class Differing:
    """A job of which fal says another amount than Wanda; `is_open` while it has not ended."""

    job_id: str
    guild_id: int
    fal_microusd: int
    wanda_microusd: int
    is_open: bool


@dataclass(slots=True)
class BillDays:
    """The latest days of fal's bill, the newest first. `nano_left` is what rounding left of fal's exact sum."""

    read_until: float | None
    days: list[BillDay] = field(default_factory=list[BillDay])
    differing: list[Differing] = field(default_factory=list[Differing])
    nano_left: int = 0
    is_cut: bool = False


def bill_days(*, now: float, days: int = DAYS_SHOWN) -> Transaction[BillDays]:
    """Return the latest days in UTC; nothing but `read_until` None if fal's bill was never read."""
    times = yield from read_times()
    if times is None:
        return BillDays(None)
    found = BillDays(times[1])
    today = now // DAY_S * DAY_S
    for n in range(days):
        if today - n * DAY_S + DAY_S > times[0]:
            yield from _day(found, today - n * DAY_S, since=times[0])
    found.days.sort(key=lambda one: (not one.difference_microusd, -one.at, one.guild_id or 0))
    return found


def _day(found: BillDays, at: float, *, since: float) -> Transaction[None]:
    billed: list[Row] = yield Many(_BILLED, (at, at + DAY_S, REQUESTS_MAX))
    found.is_cut |= len(billed) == REQUESTS_MAX
    servers: defaultdict[int | None, BillDay] = defaultdict(lambda: BillDay(at, None))
    for row in billed:
        day = servers[row["guild_id"]]
        nano = max(0, row["nano"])  # who was refunded more than billed pays nothing
        fal, wanda = micro_of(nano), row["settled"] + row["unpaid"]
        found.nano_left += nano - fal * 1000
        day.guild_id = row["guild_id"]
        day.jobs, day.fal_microusd, day.wanda_microusd = (
            day.jobs + 1,
            day.fal_microusd + fal,
            day.wanda_microusd + wanda,
        )
        if row["job_id"] is not None and fal != wanda:
            is_open = row["state"] in {"held", "exposed"}
            found.differing.append(Differing(row["job_id"], row["guild_id"], fal, wanda, is_open))
    unbilled: list[Row] = yield Many(_UNBILLED, (max(at, since), at + DAY_S))
    for row in unbilled:
        day = servers[row["guild_id"]]
        day.guild_id, day.unbilled = row["guild_id"], row["jobs"]
        day.wanda_microusd += row["settled"]
    found.days += servers.values()


def bill_lines(bill: BillDays) -> list[str]:
    """Return the report, line by line; days that differ come first."""
    if bill.read_until is None:
        return ["fal's bill: not asked yet. It is read by the hour once FAL_ADMIN_KEY is set (docs/operate.md)."]
    until = datetime.fromtimestamp(bill.read_until, UTC)
    title = f"fal's bill of the last {DAYS_SHOWN} days, read up to {until:%Y-%m-%d %H:%M} UTC"
    if not bill.days:
        return [f"{title}: nothing was billed."]
    rows = [_columns("day (UTC)", "server", "jobs", "fal says", "Wanda says", "Wanda - fal"), *map(_row, bill.days)]
    return [f"{title}:", *rows, *_differing(bill.differing), *_notes(bill)]


def _row(day: BillDay) -> str:
    server = "no job of Wanda's" if day.guild_id is None else str(day.guild_id)
    wanda = "-" if day.guild_id is None else exact_dollars(day.wanda_microusd)
    difference = "equal" if not day.difference_microusd else exact_dollars(day.difference_microusd)
    if day.guild_id is None:
        difference = "-"
    unbilled = f"  {counted(day.unbilled, 'job')} not on the bill" if day.unbilled else ""
    when = f"{datetime.fromtimestamp(day.at, UTC):%Y-%m-%d}"
    jobs = str(day.jobs + day.unbilled)
    return _columns(when, server, jobs, exact_dollars(day.fal_microusd), wanda, difference) + unbilled


def _differing(jobs: Sequence[Differing]) -> list[str]:
    lines = [
        f"  differs  {one.job_id}  server {one.guild_id}  fal {exact_dollars(one.fal_microusd)}  "
        f"Wanda {exact_dollars(one.wanda_microusd)}  {'not over yet' if one.is_open else 'not compared yet'}"
        for one in jobs[:DIFFERING_SHOWN]
    ]
    more = len(jobs) - len(lines)
    return [*lines, f"  … and {more:,} more"] if more else lines


def _notes(bill: BillDays) -> list[str]:
    notes: list[str] = []
    if bill.nano_left:
        nano = f"{abs(bill.nano_left) / 1e9:.9f}"
        notes.append(
            f"  Each request is rounded to a micro-dollar; fal's exact sum is ${nano} "
            f"{'more' if bill.nano_left > 0 else 'less'}."
        )
    if bill.is_cut:
        notes.append(f"  Of a day only {REQUESTS_MAX:,} requests are shown.")
    return notes


def _columns(day: str, server: str, jobs: str, *amounts: str) -> str:
    return f"{day:<10} {server:<20} {jobs:>7}" + "".join(f" {amount:>14}" for amount in amounts)
