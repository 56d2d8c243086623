"""The rows of an export: jobs and entries, times in ISO 8601 (UTC), amounts in exact dollars."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

from bot.ledger.model import Entry, Spent

JOB_COLUMNS = (
    "job_id",
    "member_id",
    "mode",
    "job_state",
    "money_state",
    "accepted_at",
    "ended_at",
    "quote_usd",
    "member_paid_usd",
    "server_paid_usd",
)
ENTRY_COLUMNS = ("entry_id", "at", "job_id", "scope", "kind", "held_usd", "spent_usd", "counted_at", "actor", "reason")


def job_row(job: Spent) -> Sequence[object]:
    """Return one job in the order of `JOB_COLUMNS`."""
    return (
        job.job_id,
        str(job.member_id),
        job.mode,
        job.job_state,
        job.state,
        moment_text(job.counted_at),
        moment_text(job.ended_at),
        usd(job.quote_microusd),
        usd(job.member_microusd),
        usd(job.server_microusd),
    )


def entry_row(entry: Entry) -> Sequence[object]:
    """Return one entry in the order of `ENTRY_COLUMNS`."""
    return (
        entry.id,
        moment_text(entry.at),
        entry.job_id,
        entry.scope,
        entry.kind,
        usd(entry.held_delta_microusd),
        usd(entry.spent_delta_microusd),
        moment_text(entry.counted_at),
        entry.actor,
        entry.why,
    )


def usd(microusd: int) -> Decimal:
    """Return micro-dollars as exact dollars with six decimals: -350_000 is -0.350000."""
    return Decimal(microusd).scaleb(-6)


def moment_text(at: float | None) -> str:
    """Return Unix seconds as "2026-11-20T04:32:04Z", or "" for None."""
    return "" if at is None else datetime.fromtimestamp(at, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
