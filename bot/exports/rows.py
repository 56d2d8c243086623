"""The rows of an export: videos and movements of money, times in ISO 8601 (UTC), amounts in exact dollars."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

from bot.jobs.disclosure import as_seen_by
from bot.jobs.model import Job, card_url
from bot.ledger.model import Entry, Spent
from bot.texts.exports import BUDGETS, FORMER_MEMBER, GONE_CHANNEL, charged_to

VIDEO_COLUMNS = (
    "video_id",
    "asked_at",
    "ended_at",
    "member",
    "member_id",
    "channel",
    "mode",
    "state",
    "money",
    "price_usd",
    "cost_usd",
    "charged_to",
    "member_paid_usd",
    "prompt",
    "link",
    "film_id",
)
MOVEMENT_COLUMNS = (
    "movement_id",
    "at",
    "video_id",
    "budget",
    "budget_of",
    "kind",
    "held_usd",
    "spent_usd",
    "counted_at",
    "by",
    "reason",
)
_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Who reads the export, and the names that are known: of members by id, and of the server's channels by id."""

    reader_id: int
    members: Mapping[int, str] = field(default_factory=dict[int, str])
    channels: Mapping[int, str] = field(default_factory=dict[int, str])


def video_row(spent: Spent, job: Job | None, names: Names) -> Sequence[object]:
    """Return one video in the order of `VIDEO_COLUMNS`; `job` is None if its member deleted it.

    The prompt is what its reader may see of it.
    """
    shown = None if job is None else as_seen_by(job, names.reader_id)
    return (
        spent.job_id,
        moment_text(spent.counted_at),
        moment_text(spent.ended_at),
        FORMER_MEMBER if spent.member_id < 0 else names.members.get(spent.member_id),
        str(spent.member_id),
        None if job is None else _channel_name(job, names),
        spent.mode,
        spent.job_state,
        spent.state,
        usd(spent.quote_microusd),
        usd(spent.server_microusd),
        charged_to(spent),
        usd(spent.member_microusd),
        None if shown is None else shown.options.get("prompt"),
        None if job is None else card_url(job),
        None if job is None or job.part is None else job.part.film_id,
    )


def _channel_name(job: Job, names: Names) -> str:
    """Return the name of the job's channel, or of its thread's channel: an archived thread is not known."""
    ids = (job.address.channel_id, job.rules_channel_id or job.address.channel_id)
    return next((names.channels[one] for one in ids if one in names.channels), GONE_CHANNEL)


def movement_row(entry: Entry) -> Sequence[object]:
    """Return one movement in the order of `MOVEMENT_COLUMNS`."""
    kind, _, rest = entry.scope.partition(":")
    return (
        entry.id,
        moment_text(entry.at),
        entry.job_id,
        BUDGETS.get(kind, kind),
        rest.rpartition(":")[2],
        entry.kind,
        usd(entry.held_delta_microusd),
        usd(entry.spent_delta_microusd),
        moment_text(entry.counted_at),
        entry.actor,
        entry.why,
    )


def usd(microusd: int) -> Decimal:
    """Return micro-dollars as exact dollars with two decimals or more: -350_000 is -0.35, 62_500 is 0.0625."""
    exact = Decimal(microusd).scaleb(-6)
    return exact.quantize(_CENT) if microusd % 10_000 == 0 else Decimal(f"{exact:f}".rstrip("0"))


def moment_text(at: float | None) -> str:
    """Return Unix seconds as "2026-11-20T04:32:04Z", or "" for None."""
    return "" if at is None else datetime.fromtimestamp(at, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
